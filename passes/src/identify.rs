//! Finds the drafter and the target.
//!
//! *Before*: any module of linalg on tensors with one or two language models, as functions or inlined; or what `spec-raise` and
//! `spec-quantize` made of it.
//!
//! ```mlir
//! func.func @decode(%tokens: tensor<1xi64>, %table: tensor<16x4xf32>, %head: tensor<4x16xf32>) -> tensor<1x16xf32> {
//!   %x = linalg.generic ... ins(%tokens : tensor<1xi64>) outs(%0 : tensor<1x4xf32>) {
//!     %value = tensor.extract %table[%row, %column] : tensor<16x4xf32>
//!   %logits = linalg.matmul ins(%x, %head : tensor<1x4xf32>, tensor<4x16xf32>) ...
//! ```
//!
//! *After*: every function that is one forward call carries `spec.model`; every op of an inlined forward call carries
//! `spec.call`. Nothing else changes.
//!
//! ```mlir
//! func.func @decode(...) ... spec.model = #spec.model<name = "decode", role = target, tokens = 1, vocabulary = 16, ...>} {
//! ```
//!
//! *Why here*: before anything else, while the program is still linalg on tensors and names, fusion and bufferization have
//! not blurred what belongs to which model.
//!
//! *Legality*: nothing is moved. The pass fails, at a location, when it cannot tell the models apart or they cannot work
//! together: no logits, different vocabularies, three models without hints, dialects that are not upstream, sizes that
//! nothing bounds.
//!
//! *Options*: `print-graph=FILE` writes the dataflow graph in graphviz's language.
//!
//! *Neighbours*: before `spec-place`, which repeats the analysis (it is linear) to get at the costs.
//!
//! *Does not do*: it does not look at values of weights, and does not follow recursion.

pub mod bounds;
pub mod classes;
pub mod dot;
pub mod facts;
pub mod find;
pub mod graph;
pub mod grouping;
pub mod interface;
pub mod model_ops;
pub mod pairing;
pub mod program;
pub mod roles;
pub mod shape;

use self::program::{FoundModel, Program};
use crate::report::Report;
use crate::session;
use spec_dialect::attrs::{Call, Model, Role};
use spec_dialect::ffi::{Ctx, Op, Options, Severity, emit};
use spec_dialect::pass::{Dependency, Diagnostics, OptionDesc, OptionKind, Pass, PassDesc};

/// The pass.
#[derive(Clone, Default)]
pub struct Identify {
    print_graph: String,
}

impl Pass for Identify {
    const DESC: PassDesc = PassDesc {
        argument: "spec-identify",
        name: "SpecIdentify",
        help: "Find the drafter and target language models of a module",
        op: "builtin.module",
        dialects: &[Dependency::Spec],
        options: &[OptionDesc {
            name: "print-graph",
            help: "write the dataflow graph to this file (graphviz)",
            kind: OptionKind::String,
            default: "",
        }],
    };

    fn initialize(&mut self, options: &Options, _: Ctx) -> Result<(), String> {
        self.print_graph = options.string("print-graph");
        Ok(())
    }

    fn run(&mut self, module: Op) -> Result<(), Diagnostics> {
        let program = program::identify(module)?;
        for (loc, text) in &program.warnings {
            emit(*loc, Severity::Warning, text, &[]);
        }
        let graph_file = session::graph_file()
            .or_else(|| (!self.print_graph.is_empty()).then(|| self.print_graph.clone().into()));
        if let Some(file) = graph_file {
            std::fs::write(&file, dot::dot(&program)).map_err(|e| {
                Diagnostics::at(
                    module.loc(),
                    format!(
                        "spec-identify: cannot write the graph to '{}': {e}",
                        file.display()
                    ),
                )
            })?;
        }
        annotate(&program, module.ctx());
        if session::collects() {
            session::push(module, Report::new(&program, None));
        }
        Ok(())
    }
}

fn annotate(p: &Program, ctx: Ctx) {
    for m in &p.models {
        let Some(role) = m.role else { continue };
        for (index, c) in m.calls.iter().enumerate() {
            let f = &p.functions[c.function];
            match model_attr(p, m, index, role) {
                Some(model) => {
                    if let Some(a) = model.to_attr(ctx) {
                        f.op.set_attr("spec.model", a);
                    }
                }
                None => {
                    let call = Call {
                        model: symbol_name(m, role),
                        role,
                        index: index as i64,
                    };
                    let Some(a) = call.to_attr(ctx) else { continue };
                    p.own_ops(*c)
                        .into_iter()
                        .for_each(|op| op.set_attr("spec.call", a));
                }
            }
        }
    }
}

/// A name for symbols: the function's, or the role's for inlined models.
fn symbol_name(m: &FoundModel, role: Role) -> String {
    if m.name.is_empty() || m.name.contains(' ') {
        role.to_string()
    } else {
        m.name.clone()
    }
}

/// The `spec.model` attribute of call `index` of a model, if it is a function of its own.
pub fn model_attr(p: &Program, m: &FoundModel, index: usize, role: Role) -> Option<Model> {
    let (f, _, measured) = p.instance(m.calls[index]);
    let i = f.interface.clone()?;
    let s = &measured.shape;
    let n = |x: u64| i64::try_from(x).unwrap_or(i64::MAX);
    Some(Model {
        name: symbol_name(m, role),
        role,
        tokens: n(measured.tokens),
        vocabulary: n(s.vocabulary),
        layers: n(s.layers),
        hidden: n(s.hidden),
        heads: n(s.heads),
        kv_heads: n(s.kv_heads),
        head_dim: n(s.head_dim),
        context_length: n(measured.context),
        parameters: n(s.parameters),
        bytes: n(s.weight_bytes),
        dtype: measured.element.to_string(),
        token_args: i.tokens,
        position_args: i.positions,
        cache_args: i.caches,
        parameter_args: i.parameters,
        logits_results: i.logits,
        token_results: i.chosen,
        cache_results: i.whole_caches,
        row_results: i.rows,
    })
}
