//! Carries out the placements: one nested module a device region, and a host that dispatches to it.
//!
//! *Before*: a module with `spec.plan`, and `spec.placement` on model functions or on the ops of inlined forward calls.
//!
//! ```mlir
//! func.func private @draft(...) ... attributes {spec.model = #d, spec.placement = #gpu} {
//! func.func private @verify(...) ... attributes {spec.model = #t, spec.placement = #cpu} {
//! func.func @main(...) -> (tensor<1x16xf32>, tensor<1x4xf32>) {
//!   %0:2 = call @draft(%t, %p, %k, %w) : ...
//! ```
//!
//! *After*: `module @drafter_gpu attributes {spec.placement = ...}` and the like hold the models' functions, with all they
//! need. In the host module every call of them is a `spec.dispatch`, with a `spec.transfer` for what crosses (tokens and
//! positions; probabilities when sampling) while weights and KV caches are marked resident; public model functions stay as
//! stubs with their old signature; and `@spec_round` is one round of speculative decoding as IR.
//!
//! ```mlir
//! func.func @main(...) -> (tensor<1x16xf32>, tensor<1x4xf32>) {
//!   %0 = spec.transfer %arg0 from "cpu" to "gpu" : tensor<1xi64>
//!   %1 = spec.transfer %arg1 from "cpu" to "gpu" : tensor<i64>
//!   %2:2 = spec.dispatch @drafter_gpu::@draft(%0, %1, %arg2, %arg3) resident [2, 3] keeps [1] : ...
//!   %3 = spec.transfer %2#0 from "gpu" to "cpu" : tensor<1x16xf32>
//! func.func @spec_round(...
//!   %tokens, %count, %states:2 = spec.round greedy draft_length 2 last(%arg0 : tensor<1xi64>) ... draft(...) {
//!     %2:2 = spec.dispatch @drafter_gpu::@draft_step(...
//!   } verify(%arg3 : tensor<8x4xf32>) {
//!     %0:2 = spec.dispatch @target_cpu::@verify_verify(...
//! module @drafter_gpu attributes {spec.placement = ...} {
//!   func.func private @draft(...
//!   func.func @draft_step(...
//! module @target_cpu attributes {spec.placement = ...} {
//!   func.func private @verify(...
//!   func.func @verify_verify(...
//! ```
//!
//! *Why here*: after `spec-place`, before anything that lowers: device code generators take a nested module each.
//!
//! *Legality*: ops are moved, not changed. An inlined call is moved only if no op between its ops both uses its results and
//! feeds it; what it reads from outside and is pure (masks, rotation tables, transposed weights) is recomputed inside, so
//! that nothing but its roots crosses. Ops between the call's that use its results move behind it, with later effects in
//! their order. Helpers and globals move to the device that alone needs them, and are copied where several do; a mutable
//! global that two places use is refused. There is no `@spec_round` (a remark says why) unless the functions take one
//! token tensor, caches, a position and parameters, and give back logits or choices for all their tokens and every cache.
//!
//! *Cost question*: none; the plan has answered it.
//!
//! *Options*: none.
//!
//! *Neighbours*: after `spec-place`; `spec-lower-to-host` is its inverse for testing.
//!
//! *Does not do*: it does not fuse, does not change types, and does not replace a generation loop of the user's. A target
//! that takes more tokens a call than a round has is called with padding: its rows are not committed, but the function sees
//! their positions, so that the context must have room for them (a remark says how much).

pub mod call;
pub mod region;
pub mod round;
pub mod symbols;
pub mod text;

use crate::session;
use spec_dialect::attrs::{Model, Placement, Plan};
use spec_dialect::ffi::{Block, Op, Severity, emit};
use spec_dialect::pass::{Dependency, Diagnostics, Pass, PassDesc};

/// The pass.
#[derive(Clone, Default)]
pub struct Outline;

impl Pass for Outline {
    const DESC: PassDesc = PassDesc {
        argument: "spec-outline",
        name: "SpecOutline",
        help: "Move placed models into device modules, leaving dispatches, transfers and the speculation round",
        op: "builtin.module",
        dialects: &[
            Dependency::Spec,
            Dependency::Func,
            Dependency::Arith,
            Dependency::Tensor,
            Dependency::Linalg,
        ],
        options: &[],
    };

    fn run(&mut self, module: Op) -> Result<(), Diagnostics> {
        let Some(plan) = module.attr("spec.plan").and_then(Plan::from_attr) else {
            return Err(Diagnostics::at(
                module.loc(),
                "spec-outline: the module has no spec.plan: run spec-place first (spec-partition does)",
            ));
        };
        let Some(body) = module.body() else {
            return Ok(());
        };
        let mut host = Host {
            module,
            body,
            plan,
            devices: vec![],
        };
        let functions = placed_functions(body);
        let calls = region::placed_calls(body);
        if functions.is_empty() && calls.is_empty() {
            return Err(Diagnostics::at(
                module.loc(),
                "spec-outline: nothing carries a spec.placement: run spec-place first (spec-partition does)",
            ));
        }
        symbols::move_functions(&mut host, &functions)?;
        for c in &calls {
            region::outline(&mut host, c)?;
        }
        call::rewrite_calls(&host, &functions)?;
        symbols::distribute(&host)?;
        if !functions.is_empty()
            && let Err(why) = round::build(&mut host, &functions)
        {
            emit(
                module.loc(),
                Severity::Remark,
                &format!("spec-outline: no @spec_round: {why}"),
                &[],
            );
            session::refuse(module, format!("@spec_round: {why}"));
        }
        Ok(())
    }
}

/// The host module while it is being taken apart.
pub struct Host {
    /// The module.
    pub module: Op,
    /// Its body.
    pub body: Block,
    /// The decision.
    pub plan: Plan,
    /// Device modules made so far.
    pub devices: Vec<Device>,
}

/// A device module.
#[derive(Clone)]
pub struct Device {
    /// Its symbol.
    pub name: String,
    /// Its placement.
    pub placement: Placement,
    /// The op.
    pub op: Op,
    /// Its body.
    pub body: Block,
}

/// A model function with a placement.
#[derive(Clone)]
pub struct PlacedFunction {
    /// The function.
    pub op: Op,
    /// Its name.
    pub name: String,
    /// Where it goes.
    pub placement: Placement,
    /// Its interface.
    pub model: Model,
}

fn placed_functions(body: Block) -> Vec<PlacedFunction> {
    let placed = |op: Op| {
        let placement = Placement::from_attr(op.attr("spec.placement")?)?;
        let model = Model::from_attr(op.attr("spec.model")?)?;
        Some(PlacedFunction {
            op,
            name: op.symbol()?.to_owned(),
            placement,
            model,
        })
    };
    body.ops()
        .into_iter()
        .filter(|o| o.name() == "func.func")
        .filter_map(placed)
        .collect()
}

impl Host {
    /// The device module of a placement, made on first use.
    pub fn device(&mut self, placement: &Placement) -> Result<Device, Diagnostics> {
        if let Some(d) = self.devices.iter().find(|d| d.placement == *placement) {
            return Ok(d.clone());
        }
        let base: String = placement
            .device
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let name = symbols::unique(&[self.body], &format!("{}_{base}", placement.role));
        let bug = || {
            Diagnostics::at(
                self.module.loc(),
                "spec-outline: cannot make a device module; please report it with the input",
            )
        };
        let ctx = self.module.ctx();
        let op =
            spec_dialect::ffi::parse_op(ctx, &format!("module @{name} {{}}"), "<spec-outline>")
                .ok_or_else(bug)?;
        op.set_attr("spec.placement", placement.to_attr(ctx).ok_or_else(bug)?);
        self.body.append(op);
        let body = op.body().ok_or_else(bug)?;
        let device = Device {
            name,
            placement: placement.clone(),
            op,
            body,
        };
        self.devices.push(device.clone());
        Ok(device)
    }

    /// True if values cross when the host talks to this device.
    pub fn crosses(&self, device: &str) -> bool {
        device != self.plan.host
    }
}
