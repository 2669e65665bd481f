//! Recognises what language models are made of, whoever exported them.
//!
//! *Before*: linalg on tensors, inlined and canonicalised.
//!
//! ```mlir
//! func.func @f(%x: tensor<3x32xf32>, %w: tensor<64x32xf32>) -> tensor<3x64xf32> {
//!   %zero = arith.constant 0.0 : f32
//!   %0 = tensor.empty() : tensor<32x64xf32>
//!   %t = linalg.transpose ins(%w : tensor<64x32xf32>) outs(%0 : tensor<32x64xf32>) permutation = [1, 0]
//!   %1 = tensor.empty() : tensor<3x64xf32>
//!   %2 = linalg.fill ins(%zero : f32) outs(%1 : tensor<3x64xf32>) -> tensor<3x64xf32>
//!   %y = linalg.matmul ins(%x, %t : tensor<3x32xf32>, tensor<32x64xf32>) outs(%2 : tensor<3x64xf32>) -> tensor<3x64xf32>
//!   return %y : tensor<3x64xf32>
//! }
//! ```
//!
//! *After*: products with weights, normalisations, rotary embeddings, attention over a cache, activations, embeddings and
//! argmax as ops of the spec dialect; new rows of caches inserted into the cache itself. Everything else is as it was.
//!
//! ```mlir
//! func.func @f(%x: tensor<3x32xf32>, %w: tensor<64x32xf32>) -> tensor<3x64xf32> {
//!   %0 = tensor.empty() : tensor<3x64xf32>
//!   %y = spec.linear out_in dense ins(%x, %w : tensor<3x32xf32>, tensor<64x32xf32>) outs(%0 : tensor<3x64xf32>) -> tensor<3x64xf32>
//!   return %y : tensor<3x64xf32>
//! }
//! ```
//!
//! *Why here*: while the program is still tensors, where one op of an exporter is one op of the program; after inlining, so
//! that helper functions do not hide what belongs together; before quantisation and bufferization, which want the named ops.
//!
//! *Legality*: the meaning is kept but for (a) roundings to f16 or bf16 between ops that become one, (b) the order of sums.
//! Additive masks of at most -1e4 count as hiding. A position is assumed to leave room for the new rows in the cache, as the
//! exporters' own caches do; beyond that only the model's own clamps would say what happens. A NaN never is the argmax, whatever
//! the exporter's comparison makes of it. A mask is called causal only if that is proved, for every row, token and position.
//!
//! *Options*: `report` says in one remark a function what was recognised.
//!
//! *Neighbours*: after `inline`, `canonicalize` and `cse`; before `canonicalize` again, which removes what became dead.
//!
//! *Does not do*: it does not look at values of weights, does not fuse what is left, and fails on no input: what it does not
//! recognise stays, with a remark where it is a contraction, a reduction or large.

pub mod activation;
pub mod argmax;
pub mod attention;
pub mod body;
pub mod build;
pub mod cache;
pub mod chain;
pub mod embedding;
pub mod emit;
pub mod eval;
pub mod graph;
pub mod index;
pub mod leftover;
pub mod linear;
pub mod mask;
pub mod norm;
pub mod root;
pub mod rope;
pub mod softmax;
pub mod view;

use self::graph::{Graph, Proofs};
use self::root::Root;
use crate::report::Raised;
use crate::session;
use rustc_hash::FxHashSet;
use spec_dialect::ffi::{Ctx, Op, Options, Severity, emit};
use spec_dialect::pass::{Dependency, Diagnostics, OptionDesc, OptionKind, Pass, PassDesc};

/// The pass.
#[derive(Clone, Default)]
pub struct Raise {
    report: bool,
}

impl Pass for Raise {
    const DESC: PassDesc = PassDesc {
        argument: "spec-raise",
        name: "SpecRaise",
        help: "Recognise the operations of language models and write them as ops of the spec dialect",
        op: "builtin.module",
        dialects: &[
            Dependency::Arith,
            Dependency::Linalg,
            Dependency::Math,
            Dependency::Spec,
            Dependency::Tensor,
        ],
        options: &[OptionDesc {
            name: "report",
            help: "say in one remark a function what was recognised",
            kind: OptionKind::Bool,
            default: "false",
        }],
    };

    fn initialize(&mut self, options: &Options, _: Ctx) -> Result<(), String> {
        self.report = options.bool("report");
        Ok(())
    }

    fn run(&mut self, module: Op) -> Result<(), Diagnostics> {
        let functions: Vec<Op> = functions(module);
        for function in functions {
            let raised = raise(function);
            if self.report {
                emit(function.loc(), Severity::Remark, &raised.to_string(), &[]);
            }
            if session::collects() {
                session::push_raised(raised);
            }
        }
        Ok(())
    }
}

/// All functions of a module and of modules in it.
fn functions(module: Op) -> Vec<Op> {
    let inner = module.blocks().into_iter().flat_map(|b| b.ops());
    inner
        .flat_map(|op| match op.name() {
            "func.func" => vec![op],
            "builtin.module" => functions(op),
            _ => vec![],
        })
        .collect()
}

/// Ops of a block, last first, those in bodies of control flow after the op that holds them.
fn backwards(op: Op, out: &mut Vec<Op>) {
    for block in op.blocks().into_iter().rev() {
        for inner in block.ops().into_iter().rev() {
            out.push(inner);
            if !inner.name().starts_with("linalg.") {
                backwards(inner, out);
            }
        }
    }
}

/// Raises one function.
fn raise(function: Op) -> Raised {
    let mut raised = Raised {
        function: function.symbol().unwrap_or("?").to_owned(),
        ..Raised::default()
    };
    let mut ops = vec![];
    backwards(function, &mut ops);
    let mut gone = FxHashSet::default();
    let mut proofs = Proofs::default();
    for op in ops {
        if gone.contains(&op) {
            continue;
        }
        if !is_dead(op) {
            let Some(kind) = raise_op(op, &mut proofs) else {
                continue;
            };
            *raised.recognised.entry(kind).or_default() += 1;
        }
        if op.results().all(|r| r.uses().is_empty()) {
            gone.extend(op.nested());
            op.erase();
        }
    }
    let layers = chain::raise(function);
    if layers > 0 {
        raised.recognised.insert("cache layer", layers);
    }
    erase_dead(function);
    let mut ops = vec![];
    backwards(function, &mut ops);
    for kind in ops.into_iter().rev().filter_map(leftover::remark) {
        *raised.left.entry(kind).or_default() += 1;
    }
    raised
}

/// Erases what became dead.
fn erase_dead(function: Op) {
    let mut ops = vec![];
    backwards(function, &mut ops);
    let mut gone = FxHashSet::default();
    for op in ops {
        if !gone.contains(&op) && is_dead(op) {
            gone.extend(op.nested());
            op.erase();
        }
    }
}

fn is_dead(op: Op) -> bool {
    op.results().len() > 0
        && op.results().all(|r| r.uses().is_empty())
        && (op.is_pure() || op.name() == "linalg.softmax")
}

type Matcher = fn(&mut Graph, &Root) -> Option<()>;

/// What a root may be; a larger thing comes before what it is made of.
const MATCHERS: [(&str, Matcher); 8] = [
    ("attention", attention::raise),
    ("linear", linear::raise),
    ("norm", norm::raise),
    ("embedding", embedding::raise),
    ("rope", rope::raise),
    ("activation", activation::raise),
    ("softmax", softmax::raise),
    ("cache update", cache::raise),
];

/// Tries the matchers on an op; the kind of what it was.
fn raise_op(op: Op, proofs: &mut Proofs) -> Option<&'static str> {
    let mut g = Graph::with(std::mem::take(proofs));
    let kind = match op.name() {
        "scf.for" => embedding::raise_loop(op).map(|()| "embedding"),
        "tensor.gather" => embedding::raise_gather(&mut g, op).map(|()| "embedding"),
        "tensor.extract_slice" => embedding::raise_slice(&mut g, op).map(|()| "embedding"),
        "tensor.concat" | "tensor.insert_slice" => raise_root(&mut g, op),
        name if !name.starts_with("linalg.") => None,
        _ if op.results().len() == 2 => argmax::raise(&mut g, op).map(|()| "argmax"),
        _ => raise_root(&mut g, op),
    };
    *proofs = g.proofs;
    kind
}

fn raise_root(g: &mut Graph, op: Op) -> Option<&'static str> {
    let root = Root::of(g, op)?;
    if root.is_view(g) {
        return None;
    }
    let found = MATCHERS.iter().find(|(_, raise)| raise(g, &root).is_some());
    found.map(|(kind, _)| *kind)
}
