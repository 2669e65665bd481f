//! Turns a partitioned module back into one that a single host runs, in upstream dialects only.
//!
//! *Before*: a module with device modules, dispatches, transfers and rounds, as `spec-outline` leaves it.
//!
//! ```mlir
//! module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
//!   func.func @step(%t: tensor<1xi64>, %p: index) -> tensor<1xi64> { return %t : tensor<1xi64> }
//! }
//! func.func @main(%t: tensor<1xi64>, %p: index) -> tensor<1xi64> {
//!   %a = spec.transfer %t from "cpu" to "gpu" : tensor<1xi64>
//!   %b = spec.dispatch @gpu::@step(%a, %p) : (tensor<1xi64>, index) -> tensor<1xi64>
//!   return %b : tensor<1xi64>
//! }
//! ```
//!
//! *After*: no op or attribute of the spec dialect is left.
//!
//! ```mlir
//! func.func private @gpu__step(%t: tensor<1xi64>, %p: index) -> tensor<1xi64> { return %t : tensor<1xi64> }
//! func.func @main(%t: tensor<1xi64>, %p: index) -> tensor<1xi64> {
//!   %b = call @gpu__step(%t, %p) : (tensor<1xi64>, index) -> tensor<1xi64>
//!   return %b : tensor<1xi64>
//! }
//! ```
//!
//! A `spec.round` becomes a straight line: the draft region g times, the verify region, the rule of acceptance as a call
//! of a generated private function, and the catch-up step under an `scf.if`. `spec.commit` becomes `tensor.insert_slice`.
//!
//! *Why here*: it is the reference that other lowerings are compared with, and lets stock tools run what `spec-partition`
//! made. It stands in place of a device's own lowering, at the end.
//!
//! *Legality*: refused are distributions or random numbers of other types than f16, bf16, f32 and f64 (they cannot be
//! extended to f64), an external symbol that has two types in two modules (a linker would merge them), and a use of a
//! device module other than by `spec.dispatch` (there is no such module afterwards). All else that a lowering needs, the
//! dialect's verifiers promise. Effects keep the order of the round's definition.
//!
//! *Cost question*: none.
//!
//! *Options*: none.
//!
//! *Neighbours*: after `spec-outline` (or on hand-written rounds), before bufferization.
//!
//! *Does not do*: it runs nothing on devices or concurrently, and drops a device module's own attributes (such as a data
//! layout) with it. Rejection sampling is computed in f64 from rows normalised by their sums; garbage distributions (NaN,
//! negative) give garbage tokens, which `spec-runtime` would have refused. Nothing is clamped: as the dialect says,
//! position + g + 1 must not exceed the context.

mod helpers;
mod merge;
mod round;
mod strip;

use helpers::Helpers;
use merge::Device;
use round::Round;
use spec_dialect::ffi::Op;
use spec_dialect::pass::{Dependency, Diagnostics, Pass, PassDesc};

/// The pass.
#[derive(Clone, Default)]
pub struct LowerToHost;

impl Pass for LowerToHost {
    const DESC: PassDesc = PassDesc {
        argument: "spec-lower-to-host",
        name: "SpecLowerToHost",
        help: "Lower dispatches, transfers and rounds to upstream dialects, for one host (the reference lowering)",
        op: "builtin.module",
        dialects: &[
            Dependency::Arith,
            Dependency::Func,
            Dependency::Scf,
            Dependency::Tensor,
        ],
        options: &[],
    };

    fn run(&mut self, module: Op) -> Result<(), Diagnostics> {
        let ops = module.nested();
        let named = |name: &'static str| ops.iter().copied().filter(move |o| o.name() == name);
        let devices = Device::find_all(module);
        let rounds = all(named("spec.round").map(Round::find));
        let (devices, rounds) = both(devices, rounds)?;

        let mut helpers = Helpers::default();
        let transfers: Vec<Op> = named("spec.transfer").collect();
        let commits: Vec<Op> = named("spec.commit").collect();
        let accepts: Vec<Op> = named("spec.accept").collect();
        devices.into_iter().for_each(Device::dissolve);
        transfers.into_iter().for_each(round::lower_transfer);
        commits.into_iter().for_each(round::lower_commit);
        for op in accepts {
            round::lower_accept(op, &mut helpers);
        }
        // inner rounds first, so that outer ones copy what they became
        for round in rounds.into_iter().rev() {
            Round::read(round)?.lower(&mut helpers);
        }
        let left = module.nested();
        left.iter().copied().for_each(strip::strip);
        strip::check(&left)
    }
}

/// All values, or all errors.
fn all<T>(found: impl Iterator<Item = Result<T, Diagnostics>>) -> Result<Vec<T>, Diagnostics> {
    let (mut values, mut errors) = (vec![], vec![]);
    for item in found {
        match item {
            Ok(v) => values.push(v),
            Err(Diagnostics(list)) => errors.extend(list),
        }
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(Diagnostics(errors))
    }
}

fn both<A, B>(a: Result<A, Diagnostics>, b: Result<B, Diagnostics>) -> Result<(A, B), Diagnostics> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => {
            let lists = [a.err(), b.err()].into_iter().flatten();
            Err(Diagnostics(lists.flat_map(|d| d.0).collect()))
        }
    }
}
