//! What one language model costs a call, as coefficients in M (tokens a call) and S (context length, tokens).

use crate::DType;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kind of work an op does. A report adds up over these.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum OpClass {
    /// Row gather from the embedding table.
    Embedding,
    /// A product with a weight matrix, other than the head.
    Projection,
    /// The product that yields the logits.
    Head,
    /// Products of queries, keys and values.
    Attention,
    /// Softmax of the scores.
    Softmax,
    /// RMSNorm or LayerNorm.
    Norm,
    /// Rotary position embedding.
    Rope,
    /// SiLU, GELU and the gate's product.
    Activation,
    /// Any other elementwise op (residual sums).
    Elementwise,
    /// Writing new rows of the KV cache.
    CacheUpdate,
    /// Transposes, copies, reshapes that move data.
    Layout,
    /// Argmax, softmax of the logits, random choice.
    Sampling,
    /// Anything else.
    Other,
}

impl OpClass {
    /// All of them, in the order of a report.
    pub const ALL: [OpClass; 13] = [
        OpClass::Embedding,
        OpClass::Projection,
        OpClass::Head,
        OpClass::Attention,
        OpClass::Softmax,
        OpClass::Norm,
        OpClass::Rope,
        OpClass::Activation,
        OpClass::Elementwise,
        OpClass::CacheUpdate,
        OpClass::Layout,
        OpClass::Sampling,
        OpClass::Other,
    ];
}

impl fmt::Display for OpClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            OpClass::Embedding => "embedding",
            OpClass::Projection => "projection",
            OpClass::Head => "head",
            OpClass::Attention => "attention",
            OpClass::Softmax => "softmax",
            OpClass::Norm => "norm",
            OpClass::Rope => "rope",
            OpClass::Activation => "activation",
            OpClass::Elementwise => "elementwise",
            OpClass::CacheUpdate => "cache-update",
            OpClass::Layout => "layout",
            OpClass::Sampling => "sampling",
            OpClass::Other => "other",
        })
    }
}

/// The cost of all ops of one class in one call over M tokens at context S.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct ClassCost {
    /// The class.
    pub class: OpClass,
    /// Ops of this class in the graph.
    pub ops: u64,
    /// Kernels launched for them after elementwise fusion.
    pub dispatches: u64,
    /// `a` of FLOPs = M (a + b S).
    pub flops_per_token: f64,
    /// `b` of FLOPs = M (a + b S).
    pub flops_per_token_context: f64,
    /// Bytes of weights read once a call whatever M is.
    pub weight_bytes: f64,
    /// Bytes of weights read for each token (gathered embedding rows).
    pub weight_bytes_per_token: f64,
    /// Bytes of activations read and written for each token.
    pub activation_bytes_per_token: f64,
    /// The same for each token and each token of context (scores).
    pub activation_bytes_per_token_context: f64,
    /// Bytes of KV cache read a call for each token of context, once for all M tokens.
    pub kv_read_bytes_per_context: f64,
    /// Bytes of KV cache written for each token.
    pub kv_write_bytes_per_token: f64,
}

impl ClassCost {
    /// A class that costs nothing yet.
    #[must_use]
    pub fn new(class: OpClass) -> Self {
        ClassCost {
            class,
            ops: 0,
            dispatches: 0,
            flops_per_token: 0.0,
            flops_per_token_context: 0.0,
            weight_bytes: 0.0,
            weight_bytes_per_token: 0.0,
            activation_bytes_per_token: 0.0,
            activation_bytes_per_token_context: 0.0,
            kv_read_bytes_per_context: 0.0,
            kv_write_bytes_per_token: 0.0,
        }
    }

    /// FLOPs of a call over `m` tokens at context `s`.
    #[must_use]
    pub fn flops(&self, m: u64, s: u64) -> f64 {
        m as f64 * (self.flops_per_token + self.flops_per_token_context * s as f64)
    }

    /// Bytes touched by a call over `m` tokens at context `s`.
    #[must_use]
    pub fn bytes(&self, m: u64, s: u64) -> f64 {
        let (m, s) = (m as f64, s as f64);
        let per_token = self.weight_bytes_per_token
            + self.activation_bytes_per_token
            + self.activation_bytes_per_token_context * s
            + self.kv_write_bytes_per_token;
        self.weight_bytes + self.kv_read_bytes_per_context * s + m * per_token
    }

    fn coefficients(&self) -> [f64; 8] {
        [
            self.flops_per_token,
            self.flops_per_token_context,
            self.weight_bytes,
            self.weight_bytes_per_token,
            self.activation_bytes_per_token,
            self.activation_bytes_per_token_context,
            self.kv_read_bytes_per_context,
            self.kv_write_bytes_per_token,
        ]
    }
}

/// One language model as the cost model sees it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct ModelShape {
    /// Name, for reports and to find its rows in a profile.
    pub name: String,
    /// Number of parameters.
    pub parameters: u64,
    /// Bytes of all weights as stored.
    pub weight_bytes: u64,
    /// Type of the weights.
    pub dtype: DType,
    /// Number of tokens.
    pub vocabulary: u64,
    /// Number of decoder layers.
    pub layers: u64,
    /// Width of the residual stream.
    pub hidden: u64,
    /// Query heads.
    pub heads: u64,
    /// Key and value heads.
    pub kv_heads: u64,
    /// Width of one head.
    pub head_dim: u64,
    /// Longest context, if limited.
    pub context_limit: Option<u64>,
    /// Bytes of KV cache for one token: all layers, keys and values.
    pub kv_bytes_per_token: u64,
    /// Type of the KV cache.
    pub kv_dtype: DType,
    /// M of the entry points that exist, sorted; empty: any M can be compiled.
    pub entry_tokens: Vec<u64>,
    /// Costs by class.
    pub classes: Vec<ClassCost>,
}

impl ModelShape {
    /// FLOPs of a call over `m` tokens at context `s`.
    #[must_use]
    pub fn flops(&self, m: u64, s: u64) -> f64 {
        self.classes.iter().map(|c| c.flops(m, s)).sum()
    }

    /// Bytes touched by a call over `m` tokens at context `s`.
    #[must_use]
    pub fn bytes(&self, m: u64, s: u64) -> f64 {
        self.classes.iter().map(|c| c.bytes(m, s)).sum()
    }

    /// The same model stored in another type: weights scale with the bytes of a weight, activations and KV cache with theirs.
    /// The embedding table is taken to be stored like the rest.
    #[must_use]
    pub fn with_dtype(&self, dtype: DType) -> ModelShape {
        let weights = dtype.weight_bytes() / self.dtype.weight_bytes();
        let activations = dtype.activation_bytes() / self.dtype.activation_bytes();
        let kv = dtype.kv().activation_bytes() / self.kv_dtype.activation_bytes();
        if dtype == self.dtype {
            return self.clone();
        }
        let mut shape = self.clone();
        shape.dtype = dtype;
        shape.kv_dtype = dtype.kv();
        shape.weight_bytes = (self.weight_bytes as f64 * weights).round() as u64;
        shape.kv_bytes_per_token = (self.kv_bytes_per_token as f64 * kv).round() as u64;
        for class in &mut shape.classes {
            class.weight_bytes *= weights;
            class.weight_bytes_per_token *= weights;
            class.activation_bytes_per_token *= activations;
            class.activation_bytes_per_token_context *= activations;
            class.kv_read_bytes_per_context *= kv;
            class.kv_write_bytes_per_token *= kv;
        }
        shape
    }

    /// What is wrong with the figures, if anything: a negative or non-finite coefficient, no vocabulary, unsorted entry points.
    #[must_use]
    pub fn defect(&self) -> Option<String> {
        let name = &self.name;
        if self.vocabulary == 0 {
            return Some(format!("model '{name}' has an empty vocabulary"));
        }
        let sorted = self.entry_tokens.windows(2).all(|w| w[0] < w[1]);
        if !sorted || self.entry_tokens.first() == Some(&0) {
            return Some(format!(
                "model '{name}': entry points {:?} are not positive and strictly increasing",
                self.entry_tokens
            ));
        }
        let bad = self
            .classes
            .iter()
            .find(|c| c.coefficients().iter().any(|x| !x.is_finite() || *x < 0.0));
        if let Some(class) = bad {
            return Some(format!(
                "model '{name}': a cost of class {} is negative or not finite",
                class.class
            ));
        }
        if self.flops(1, 0) <= 0.0 && self.bytes(1, 0) <= 0.0 {
            return Some(format!("model '{name}' does no work"));
        }
        None
    }
}
