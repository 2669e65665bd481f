//! Stores weights in fewer bits: integers with scales, or shorter floats.
//!
//! *Before*: products and embeddings as ops of the spec dialect (`spec-raise`), their weights function arguments, read whole or
//! as one of a stack.
//!
//! ```mlir
//! func.func @decode(%x: tensor<1x64xf32>, %w: tensor<32x64xf16>) -> tensor<1x32xf32> {
//!   %0 = tensor.empty() : tensor<1x32xf32>
//!   %1 = spec.linear out_in dense ins(%x, %w : tensor<1x64xf32>, tensor<32x64xf16>) outs(%0 : tensor<1x32xf32>) -> tensor<1x32xf32>
//! ```
//!
//! *After*, with `all=i4g32`: the argument holds packed integers, a new last argument the scales, and the function says how the
//! data are made (`spec-weights` makes them).
//!
//! ```mlir
//! func.func @decode(%arg0: tensor<1x64xf32>, %arg1: tensor<32x32xi8>, %arg2: tensor<32x2xf16>) -> ... attributes {quantised_arguments = [{argument = 1 : i64, columns = 64 : i64, format = "i4", from = f16, group = 32 : i64, rows = 32 : i64, scale = 2 : i64, ...
//!   %1 = spec.linear out_in i4 group 32 ins(%arg0, %arg1 : ...) scale(%arg2 : ...) outs(%0 : ...
//! ```
//!
//! *Why here*: after raising, which finds what is a weight; before bufferization, while an argument is still a value.
//!
//! *Legality*: results change, by the errors of rounding that `spec-weights` reports. An argument changes if all that reads it
//! are such ops (a tied table: the embedding and the head, once for both) and, with `#spec.model`, if it is a parameter there.
//! Others stay, with a remark that says why. Functions that something in the module calls are refused.
//!
//! *Cost question*: none here; `spec.placement` says what the cost model assumed.
//!
//! *Options*: `drafter`, `target`: a format for functions of that role (of `spec.model`, `spec.placement`, `spec.role`, or the
//! device module around it); `all`: for the others, and for a role without an option of its own. Formats: `none`, `f16`, `bf16`
//! (f32 weights only), `i8` (a scale per row), `i8g32`, `i8g64`, `i4g32`, `i4g64`. `embedding`, `head`: another format for tables
//! and for the product with as many rows as the vocabulary, in functions that are quantised; a tied table takes `head`'s, else
//! `embedding`'s. `scales`: f16 or f32. `activations`: float, or int8 (integer arithmetic on inputs quantised at run time).
//! `min-elements`: smaller matrices stay. `report`: a remark with the sizes before and after.
//! A group that does not divide the columns becomes 32, then a scale per row of i8, with a remark.
//!
//! *Neighbours*: after `spec-raise` and `canonicalize`; before `canonicalize`, `cse` and `one-shot-bufferize`.
//!
//! *Does not do*: it does not look at values; a second run on a function is refused. Norms, biases and caches stay.

pub mod decide;
pub mod find;
pub mod options;
pub mod rewrite;
pub mod roles;

use self::decide::{Kept, Plan};
use self::options::{Choice, Settings};
use spec_dialect::attrs::indices;
use spec_dialect::ffi::{Ctx, Op, Options, Severity, emit};
use spec_dialect::pass::{Dependency, Diagnostics, Pass, PassDesc};

/// Attribute of a function that was quantised.
pub const RECORD: &str = "quantised_arguments";

/// The pass.
#[derive(Clone, Default)]
pub struct Quantize {
    settings: Settings,
}

impl Pass for Quantize {
    const DESC: PassDesc = PassDesc {
        argument: "spec-quantize",
        name: "SpecQuantize",
        help: "Store weights as integers with scales, or as shorter floats",
        op: "builtin.module",
        dialects: &[Dependency::Spec, Dependency::Tensor],
        options: options::DESCS,
    };

    fn initialize(&mut self, options: &Options, _: Ctx) -> Result<(), String> {
        self.settings = Settings::read(options)?;
        Ok(())
    }

    fn run(&mut self, module: Op) -> Result<(), Diagnostics> {
        let functions: Vec<Op> = roles::functions(module)
            .into_iter()
            .filter(|f| f.body().is_some())
            .collect();
        let chosen: Vec<(Op, Choice)> = functions
            .into_iter()
            .map(|f| (f, self.settings.choice(roles::role(f))))
            .filter(|(_, choice)| *choice != Choice::None)
            .collect();
        if chosen.is_empty() && !self.settings.is_empty() {
            let message = "spec-quantize: no function has a role that a format was given for; run spec-identify first, \
                           or give all=FORMAT";
            emit(module.loc(), Severity::Warning, message, &[]);
        }
        let plans: Vec<_> = chosen
            .into_iter()
            .map(|(f, choice)| (f, decide::decide(f, choice, &self.settings)))
            .collect();
        let changed: Vec<Op> = plans
            .iter()
            .filter(|(_, p)| !p.changes.is_empty())
            .map(|(f, _)| *f)
            .collect();
        roles::refuse_called(module, &changed)?;
        for (function, plan) in plans {
            if let Some(record) = function.attr(RECORD) {
                return Err(twice(function, record.elements().map_or(0, |e| e.len())));
            }
            report(function, &plan);
            let sizes = rewrite::apply(function, &plan.changes, &self.settings)?;
            if self.settings.report {
                emit(
                    function.loc(),
                    Severity::Remark,
                    &format!("spec-quantize: @{}: {sizes}", name(function)),
                    &[],
                );
            }
        }
        Ok(())
    }
}

fn name<'a>(function: Op) -> &'a str {
    function.symbol().unwrap_or("?")
}

fn twice(function: Op, n: usize) -> Diagnostics {
    let message = format!(
        "spec-quantize: @{} was quantised before ({RECORD} holds {n}): quantise once, from what was exported",
        name(function)
    );
    Diagnostics::at(function.loc(), message)
}

/// Says what stays, and why; one remark a reason.
fn report(function: Op, plan: &Plan) {
    let name = name(function);
    if plan.weights == 0 && plan.kept.is_empty() {
        let message = format!(
            "spec-quantize: @{name} has no argument that a product or an embedding of the spec dialect reads; run spec-raise first"
        );
        emit(function.loc(), Severity::Warning, &message, &[]);
    }
    let mut reasons: Vec<(&str, Vec<i64>)> = vec![];
    for Kept { argument, reason } in &plan.kept {
        match reasons.iter_mut().find(|(r, _)| r == reason) {
            Some((_, list)) => list.push(*argument as i64),
            None => reasons.push((reason, vec![*argument as i64])),
        }
    }
    for (reason, arguments) in reasons {
        let arguments = indices(&arguments);
        let message = format!("spec-quantize: @{name}: arguments {arguments} {reason}");
        emit(function.loc(), Severity::Remark, &message, &[]);
    }
}
