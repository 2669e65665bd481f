//! Model ops of the spec dialect, as facts: what `spec-raise` wrote is read as what it was raised from, so that a model has
//! the same sizes and costs in both forms.
//!
//! An op's kind says how data flow through it (a product, a gather, a reduction); its class is known without a look around.

use super::bounds::volume;
use super::facts::{Contraction, Facts, Features, Kind};
use spec_cost::{DType, OpClass};
use spec_dialect::ffi::{Op, Value};
pub use spec_dialect::model_ops::is_model_op;
use spec_dialect::model_ops::{case, group};

/// Sizes of `spec.attention`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    /// Query heads.
    pub heads: u64,
    /// KV heads.
    pub kv_heads: u64,
    /// New tokens.
    pub tokens: u64,
    /// Elements of a head.
    pub head_dim: u64,
    /// Rows of the caches.
    pub rows: u64,
    /// Rows that a token may see: those of the caches, and the new ones where they are operands of their own.
    pub visible: u64,
}

impl Attention {
    /// Scores: one for each head, token and visible row.
    pub fn scores(&self) -> u64 {
        volume([self.heads, self.tokens, self.visible])
    }
}

/// How the elements of a parameter are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Storage {
    /// As the type of the tensor says.
    Plain,
    /// Integers with scales: the type in the cost model's terms.
    Quantised(DType),
    /// The scales of another parameter.
    Scales,
}

impl Storage {
    /// Parameters in so many elements of the tensor.
    pub fn parameters(self, elements: u64) -> u64 {
        match self {
            Storage::Quantised(DType::I4 | DType::W4A8) => elements.saturating_mul(2), // two a byte
            Storage::Scales => 0,
            _ => elements,
        }
    }
}

/// The class that an op has wherever it stands; products and gathers depend on what they read.
pub fn class(op: Op) -> Option<OpClass> {
    Some(match op.name() {
        "spec.norm" => OpClass::Norm,
        "spec.rope" => OpClass::Rope,
        "spec.attention" => OpClass::Attention,
        "spec.activation" => OpClass::Activation,
        "spec.argmax" => OpClass::Sampling,
        _ => return None,
    })
}

/// Facts of a model op; `None` for other ops, and for a model op of sizes that its verifier would refuse.
pub fn facts(op: Op) -> Option<Facts> {
    if !is_model_op(op) {
        return None;
    }
    let x = dims(op.operand(0)?)?;
    let (kind, points) = match op.name() {
        "spec.linear" => product(op, &x)?,
        "spec.attention" => {
            let sizes = attention(op, &x)?;
            (Kind::Attention(sizes), sizes.scores())
        }
        "spec.embedding" => {
            let table = op.operand(1)?;
            let rows = *dims(table)?.first()?;
            let result = dims(op.results().next()?)?;
            (Kind::Gather { rows, table }, volume(result))
        }
        "spec.norm" | "spec.argmax" => (Kind::Reduction, volume(x)),
        _ => (Kind::Elementwise, volume(x)),
    };
    Some(Facts {
        kind,
        features: features(op),
        points,
        captures: vec![],
    })
}

fn dims(v: Value) -> Option<Vec<u64>> {
    v.ty().shape().dims.into_iter().collect()
}

fn product(op: Op, x: &[u64]) -> Option<(Kind, u64)> {
    let (&[m, k], &[_, n]) = (x, &dims(op.results().next()?)?[..]) else {
        return None;
    };
    let product = Contraction {
        factors: [0, 1],
        batch: 1,
        free: [m, n],
        inner: k,
    };
    Some((Kind::Contraction(product), volume([m, n, k])))
}

fn attention(op: Op, q: &[u64]) -> Option<Attention> {
    let (&[heads, tokens, head_dim], &[a, b, _]) = (q, &dims(op.operand(1)?)?[..]) else {
        return None;
    };
    let (kv_heads, rows) = match case(op, "kv_layout").as_str() {
        "head_major" => (a, b),
        _ => (b, a),
    };
    let new = if group(op, 3).is_empty() { 0 } else { tokens };
    Some(Attention {
        heads,
        kv_heads,
        tokens,
        head_dim,
        rows,
        visible: rows.saturating_add(new),
    })
}

/// Arithmetic an element, as exporters write the ops out.
fn features(op: Op) -> Features {
    let (mut f, count) = match op.name() {
        "spec.norm" => (
            Features {
                root: true,
                ..Features::default()
            },
            norm_steps(op),
        ),
        "spec.rope" => (
            Features {
                trig: true,
                ..Features::default()
            },
            3,
        ),
        "spec.activation" => activation(op),
        "spec.argmax" => {
            let f = Features {
                max: true,
                compare: true,
                select: true,
                index: true,
                ..Features::default()
            };
            return Features { arithmetic: 2, ..f };
        }
        _ => (Features::default(), 2),
    };
    (f.add, f.mul, f.arithmetic) = (true, true, count);
    f
}

/// rms: square, sum, scale by the root, weight; layer: mean, difference, and these.
fn norm_steps(op: Op) -> u64 {
    let centre = if case(op, "kind") == "layer" { 2 } else { 0 };
    let offset = op
        .attr("weight_offset")
        .and_then(|a| a.as_f64())
        .is_some_and(|w| w != 0.0);
    let bias = op.operands().len() > 3; // x, weight, init
    4 + centre + u64::from(offset) + u64::from(bias)
}

fn activation(op: Op) -> (Features, u64) {
    let sigmoid = Features {
        sigmoid: true,
        ..Features::default()
    };
    let exp = Features {
        exp: true,
        ..Features::default()
    };
    let max = Features {
        max: true,
        ..Features::default()
    };
    let (f, count) = match case(op, "function").as_str() {
        "silu" => (exp, 5),          // x (1 / (1 + exp(-x)))
        "sigmoid" => (exp, 4),       // 1 / (1 + exp(-x))
        "gelu_tanh" => (sigmoid, 8), // x / 2 (1 + tanh(c (x + d x^3)))
        "gelu" => (sigmoid, 5),      // x / 2 (1 + erf(c x))
        "tanh" => (sigmoid, 1),
        "relu" => (max, 1),
        "relu2" => (max, 2),
        _ => (Features::default(), 0),
    };
    let gated = op.operands().len() > 2; // x, init
    (f, count + u64::from(gated))
}

/// Arithmetic a score: scale, mask, maximum, difference, exponential, sum, quotient; with a cap, two quotients and a tanh.
pub fn softmax_steps(op: Op) -> u64 {
    let capped = op
        .attr("softcap")
        .and_then(|a| a.as_f64())
        .is_some_and(|c| c != 0.0);
    if capped { 10 } else { 7 }
}

/// Additions of the bias of a product; none without one.
pub fn bias_additions(op: Op) -> u64 {
    let biased = op.name() == "spec.linear" && !group(op, 3).is_empty();
    let result = op.results().next().filter(|_| biased);
    result.and_then(dims).map_or(0, volume)
}

/// The caches that an attention reads, each with the new rows that belong behind it.
pub fn caches(op: Op) -> Vec<(Value, Option<Value>)> {
    if op.name() != "spec.attention" {
        return vec![];
    }
    let cache = |k: usize| Some((op.operand(1 + k)?, group(op, 3 + k).first().copied()));
    (0..2).filter_map(cache).collect()
}

/// The scales of a quantised product or embedding.
pub fn scales(op: Op) -> Option<Value> {
    match op.name() {
        "spec.linear" => group(op, 2).first().copied(),
        "spec.embedding" if op.operands().len() > 3 => op.operand(2), // ids, table, init
        _ => None,
    }
}

/// How a parameter that an op reads is stored.
pub fn storage(op: Op, value: Value) -> Storage {
    if scales(op) == Some(value) {
        return Storage::Scales;
    }
    let weight =
        matches!(op.name(), "spec.linear" | "spec.embedding") && op.operand(1) == Some(value);
    let grouped = op
        .attr("group")
        .and_then(|a| a.as_i64())
        .is_some_and(|g| g > 0);
    // an embedding multiplies nothing, and has none of this attribute
    let integers = case(op, "activations") == "int8";
    match case(op, "format").as_str() {
        "i4" if weight && integers => Storage::Quantised(DType::W4A8),
        "i4" if weight => Storage::Quantised(DType::I4),
        "i8" if weight && integers => Storage::Quantised(DType::W8A8),
        "i8" if weight && grouped => Storage::Quantised(DType::I8G32),
        "i8" if weight => Storage::Quantised(DType::I8),
        _ => Storage::Plain,
    }
}
