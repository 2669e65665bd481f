//! Shape files: a Llama-like architecture in a dozen numbers, and the costs that follow from it.

use crate::model::{ClassCost, ModelShape, OpClass};
use crate::{CostError, DType};
use serde::{Deserialize, Serialize};

macro_rules! shapes {
    ($($name:literal),*) => { [$(($name, include_str!(concat!("../shapes/", $name, ".toml")))),*] };
}

const BUILTIN: [(&str, &str); 5] = shapes![
    "llama-3.2-1b",
    "llama-3.2-3b",
    "smollm2-135m",
    "qwen2.5-0.5b",
    "qwen2.5-1.5b"
];

/// A decoder with RMSNorm, rotary positions, grouped-query attention and a gated feed-forward layer.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Name.
    pub name: String,
    /// Decoder layers.
    pub layers: u64,
    /// Width of the residual stream.
    pub hidden: u64,
    /// Query heads.
    pub heads: u64,
    /// Key and value heads; divides `heads`.
    pub kv_heads: u64,
    /// Width of one head.
    pub head_dim: u64,
    /// Width of the feed-forward layer.
    pub ffn: u64,
    /// Number of tokens.
    pub vocabulary: u64,
    /// The head is the embedding table.
    pub tied_embedding: bool,
    /// Biases on the query, key and value projections.
    #[serde(default)]
    pub qkv_bias: bool,
    /// Longest context, tokens.
    pub context: u64,
    /// Type of the weights.
    pub dtype: DType,
    /// Where these facts come from.
    pub source: String,
}

impl Architecture {
    /// A built-in shape by name, or a shape file by path.
    ///
    /// # Errors
    /// Unknown names list what exists; a wrong file names file and line.
    pub fn load(name_or_path: &str) -> Result<Architecture, CostError> {
        if let Some((name, text)) = BUILTIN.iter().find(|(n, _)| *n == name_or_path) {
            return Architecture::parse(text, &format!("<builtin {name}>"));
        }
        if name_or_path.ends_with(".toml") || name_or_path.contains('/') {
            return Architecture::parse(&crate::error::read(name_or_path)?, name_or_path);
        }
        Err(CostError::input(format!(
            "unknown model '{name_or_path}'; built in: {}; or give the path of a shape file (*.toml)",
            Architecture::builtin().join(", ")
        )))
    }

    /// Names of the built-in shapes.
    #[must_use]
    pub fn builtin() -> Vec<&'static str> {
        BUILTIN.iter().map(|(n, _)| *n).collect()
    }

    /// Reads a shape file's text; `path` is used in errors.
    ///
    /// # Errors
    /// [`CostError::File`] with line and key.
    pub fn parse(text: &str, path: &str) -> Result<Architecture, CostError> {
        let shape: Architecture =
            toml::from_str(text).map_err(|e| CostError::toml(path, text, &e))?;
        match shape.defect() {
            None => Ok(shape),
            Some((key, message)) => {
                let at = text.lines().position(|l| l.trim_start().starts_with(key));
                let offset = text
                    .lines()
                    .take(at.unwrap_or(0))
                    .map(|l| l.len() + 1)
                    .sum();
                Err(CostError::at(
                    path,
                    text,
                    offset,
                    format!("{key}: {message}"),
                ))
            }
        }
    }

    /// The first key that cannot be right, and why.
    fn defect(&self) -> Option<(&'static str, String)> {
        let sizes = [
            ("layers", self.layers, 10_000),
            ("hidden", self.hidden, 1 << 20),
            ("heads", self.heads, 1 << 14),
            ("kv_heads", self.kv_heads, 1 << 14),
            ("head_dim", self.head_dim, 1 << 14),
            ("ffn", self.ffn, 1 << 22),
            ("vocabulary", self.vocabulary, 1 << 26),
            ("context", self.context, 1 << 30),
        ];
        for (key, value, most) in sizes {
            if value == 0 || value > most {
                return Some((key, format!("{value} is not in 1..={most}")));
            }
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            return Some((
                "kv_heads",
                format!("{} does not divide heads = {}", self.kv_heads, self.heads),
            ));
        }
        if self.source.trim().is_empty() {
            return Some((
                "source",
                "is empty; say where the facts come from".to_string(),
            ));
        }
        None
    }

    /// Parameters of the projections, biases included: all layers.
    fn projection_parameters(&self) -> u64 {
        let (q, kv) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let attention = self.hidden * (2 * q + 2 * kv);
        let bias = if self.qkv_bias { q + 2 * kv } else { 0 };
        self.layers * (attention + bias + 3 * self.hidden * self.ffn)
    }

    fn norm_parameters(&self) -> u64 {
        (2 * self.layers + 1) * self.hidden
    }

    /// Number of parameters.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        let tables = if self.tied_embedding { 1 } else { 2 };
        self.projection_parameters()
            + self.norm_parameters()
            + tables * self.vocabulary * self.hidden
    }
}

impl ModelShape {
    /// The costs of an architecture. Elementwise ops are taken as fused into their neighbours (no dispatch of their own, their
    /// bytes counted); each projection, norm, rotation, cache write and attention step is one kernel.
    #[must_use]
    pub fn from_architecture(a: &Architecture) -> ModelShape {
        let kv_dtype = a.dtype.kv();
        let kv_row = 2 * a.kv_heads * a.head_dim * a.layers;
        let kv_bytes = (kv_row as f64 * kv_dtype.activation_bytes()) as u64;
        ModelShape {
            name: a.name.clone(),
            parameters: a.parameters(),
            weight_bytes: (a.parameters() as f64 * a.dtype.weight_bytes()).round() as u64,
            dtype: a.dtype,
            vocabulary: a.vocabulary,
            layers: a.layers,
            hidden: a.hidden,
            heads: a.heads,
            kv_heads: a.kv_heads,
            head_dim: a.head_dim,
            context_limit: Some(a.context),
            kv_bytes_per_token: kv_bytes,
            kv_dtype,
            entry_tokens: Vec::new(),
            classes: products(a, kv_bytes as f64)
                .into_iter()
                .chain(elementwise(a))
                .collect(),
        }
    }
}

/// Embedding, projections, head, attention and cache.
fn products(a: &Architecture, kv_bytes: f64) -> Vec<ClassCost> {
    let (w, act) = (a.dtype.weight_bytes(), a.dtype.activation_bytes());
    let l = a.layers as f64;
    let (h, f, v) = (a.hidden as f64, a.ffn as f64, a.vocabulary as f64);
    let (q, kv) = (
        (a.heads * a.head_dim) as f64,
        (a.kv_heads * a.head_dim) as f64,
    );
    let params = a.projection_parameters() as f64;
    let scores = l * a.heads as f64;
    vec![
        ClassCost {
            ops: 1,
            dispatches: 1,
            weight_bytes_per_token: h * w,
            activation_bytes_per_token: h * act,
            ..ClassCost::new(OpClass::Embedding)
        },
        ClassCost {
            ops: 7 * a.layers,
            dispatches: 7 * a.layers,
            flops_per_token: 2.0 * params,
            weight_bytes: params * w,
            // q, k, v, gate, up read h each; o reads q, down reads f; each writes its output.
            activation_bytes_per_token: l * act * (7.0 * h + 2.0 * q + 2.0 * kv + 3.0 * f),
            ..ClassCost::new(OpClass::Projection)
        },
        ClassCost {
            ops: 1,
            dispatches: 1,
            flops_per_token: 2.0 * h * v,
            weight_bytes: h * v * w,
            activation_bytes_per_token: h * act + v * 4.0,
            ..ClassCost::new(OpClass::Head)
        },
        ClassCost {
            ops: 2 * a.layers,
            dispatches: 2 * a.layers,
            flops_per_token_context: 4.0 * l * q,
            activation_bytes_per_token: l * act * 2.0 * q,
            activation_bytes_per_token_context: 2.0 * scores * act,
            kv_read_bytes_per_context: kv_bytes,
            ..ClassCost::new(OpClass::Attention)
        },
        ClassCost {
            ops: 2 * a.layers,
            dispatches: 2 * a.layers,
            kv_write_bytes_per_token: kv_bytes,
            activation_bytes_per_token: l * act * 2.0 * kv,
            ..ClassCost::new(OpClass::CacheUpdate)
        },
    ]
}

/// Softmax (5 FLOPs a score), norms (4 an element), rotation (3), gate (5), residual sums (1).
fn elementwise(a: &Architecture) -> Vec<ClassCost> {
    let (w, act) = (a.dtype.weight_bytes(), a.dtype.activation_bytes());
    let l = a.layers as f64;
    let (h, f) = (a.hidden as f64, a.ffn as f64);
    let rotated = ((a.heads + a.kv_heads) * a.head_dim) as f64;
    let scores = l * a.heads as f64;
    let norms = 2 * a.layers + 1;
    vec![
        ClassCost {
            ops: a.layers,
            dispatches: a.layers,
            flops_per_token_context: 5.0 * scores,
            activation_bytes_per_token_context: 2.0 * scores * act,
            ..ClassCost::new(OpClass::Softmax)
        },
        ClassCost {
            ops: norms,
            dispatches: norms,
            flops_per_token: 4.0 * norms as f64 * h,
            weight_bytes: a.norm_parameters() as f64 * w,
            activation_bytes_per_token: 2.0 * norms as f64 * h * act,
            ..ClassCost::new(OpClass::Norm)
        },
        ClassCost {
            ops: 2 * a.layers,
            dispatches: 2 * a.layers,
            flops_per_token: 3.0 * l * rotated,
            activation_bytes_per_token: 2.0 * l * rotated * act,
            ..ClassCost::new(OpClass::Rope)
        },
        ClassCost {
            ops: 2 * a.layers,
            dispatches: a.layers,
            flops_per_token: 5.0 * l * f,
            activation_bytes_per_token: 3.0 * l * f * act,
            ..ClassCost::new(OpClass::Activation)
        },
        ClassCost {
            ops: 2 * a.layers,
            dispatches: 0,
            flops_per_token: 2.0 * l * h,
            activation_bytes_per_token: 2.0 * l * h * act,
            ..ClassCost::new(OpClass::Elementwise)
        },
    ]
}
