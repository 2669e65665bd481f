//! What to generate: the model's shape, and the habits of the exporter that wrote it.

use super::text::Element;

/// Shape of a Llama-like decoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Decoder layers.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Query heads; a multiple of `kv_heads`.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of one head; even.
    pub head_dim: usize,
    /// Width of the feed-forward layer.
    pub ffn: usize,
    /// Tokens in the vocabulary.
    pub vocabulary: usize,
    /// Rows of the KV cache.
    pub context: usize,
    /// M, tokens in one call.
    pub tokens: usize,
    /// Type of weights (norms and the logits' sum excepted), activations and caches.
    pub dtype: Element,
    /// Whether the output projection is the embedding table.
    pub tied: bool,
    /// Seed of the weights. Two models of one seed and one shape share their first layers.
    pub seed: u64,
    /// Layer `l` adds to the residual stream with weight `damping^l`: below 1, a model of fewer layers
    /// of the same seed is a drafter that agrees with the whole model part of the time. Measured with the values of
    /// [`useful_target`]: 1, 2 and 3 of 4 layers choose its greedy token at 20, 62 and 70 % of positions.
    pub damping: f64,
}

impl Default for Config {
    /// 2 layers of 32, grouped-query attention, vocabulary 64, one token a call, f32.
    fn default() -> Self {
        Config {
            layers: 2,
            hidden: 32,
            heads: 4,
            kv_heads: 2,
            head_dim: 8,
            ffn: 48,
            vocabulary: 64,
            context: 16,
            tokens: 1,
            dtype: Element::F32,
            tied: true,
            seed: 1,
            damping: 0.7,
        }
    }
}

/// A target of 4 layers whose first 1 to 3 layers ([`Config::with_layers`]) are useful drafters.
pub fn useful_target() -> Config {
    Config {
        layers: 4,
        tied: false,
        ..Config::default()
    }
}

impl Config {
    /// The same model with `tokens` tokens a call.
    #[must_use]
    pub fn with_tokens(&self, tokens: usize) -> Self {
        Config {
            tokens,
            ..self.clone()
        }
    }

    /// The first `layers` layers of the same model.
    #[must_use]
    pub fn with_layers(&self, layers: usize) -> Self {
        Config {
            layers,
            ..self.clone()
        }
    }
}

/// Whose output the text looks like. Each has its own op choice, argument order, cache layout and type of the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exporter {
    /// torch-mlir: `linalg.transpose` + `linalg.matmul`, chains of tiny generics, `tensor.concat`, `cf.assert` in the
    /// embedding, f64 constants truncated in bodies. Tokens, position `tensor<i64>`, K, V, weights.
    Torch,
    /// JAX through StableHLO: `linalg.vecmat`, explicit broadcasts, `insert_slice` at a clamped position.
    /// Token, position `tensor<i32>`, K, V, weights in alphabetical order.
    Jax,
    /// An ONNX importer: `batch_matmul` with `[1, K, N]` weights, named elementwise ops, KV heads repeated, one
    /// pair of caches per layer. Tokens, caches, position `tensor<1xi64>`, weights.
    Onnx,
    /// Every contraction is a `linalg.generic` or `linalg.contract`, `linalg.softmax`, caches `[L, S, kv, d]`.
    /// Weights first, then V, K, position (a scalar), tokens; results K, V, logits.
    Generic,
    /// `scf.for` over stacked layers, and over tokens in the embedding. Position (`index`), tokens, weights, V, K.
    Loop,
}

/// How a function passes its KV cache on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheForm {
    /// The new rows are returned; the caller writes them.
    Rows,
    /// `tensor.insert_slice` at the position; the whole cache is returned.
    Slice,
    /// A generic with `arith.select` on the position; the whole cache is returned.
    Where,
}

/// Where weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// Function arguments.
    Arguments,
    /// `arith.constant dense<"0x...">`.
    Literal,
    /// `arith.constant dense_resource<...>`.
    Resource,
    /// `ml_program.global` and `ml_program.global_load_const`.
    Global,
}

/// What the function returns for each token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A row of logits, always f32.
    Logits,
    /// The token of the largest logit.
    Token,
}

/// Normalisation in front of each block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Root mean square, scaled.
    RmsNorm,
    /// Mean and variance, scaled and with a bias.
    LayerNorm,
}

/// How the position enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Rotary, angles computed inside.
    Rope,
    /// A learned table added to the embedding.
    Learned,
    /// Rotary, cosines and sines gathered from tables among the weights.
    RopeTable,
}

/// Feed-forward layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `down(silu(gate x) * up x)`.
    SwiGlu,
    /// `down(gelu(up x))`, the tanh approximation.
    Gelu,
}

/// How a linear layer's weight is stored and reaches its product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightLayout {
    /// `[out, in]`, transposed before the product (inside it, for generics).
    OutInTransposed,
    /// `[in, out]`.
    InOut,
    /// `[L, out, in]`; `scf.for` over layers with `extract_slice` (JAX: unrolled, static slices).
    StackedByLayer,
    /// `[out, in]`, `linalg.matmul indexing_maps = [...]`.
    IndexingMapMatmul,
}

/// All that varies in the text of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// Whose habits.
    pub exporter: Exporter,
    /// Cache convention.
    pub cache: CacheForm,
    /// Where weights come from.
    pub weights: Weights,
    /// Type of tokens and of an integer position: `I64` or `I32`.
    pub index_type: Element,
    /// Logits or tokens.
    pub output: Output,
    /// Normalisation.
    pub norm: Norm,
    /// Biases on every linear layer but the output projection.
    pub bias: bool,
    /// RMS norm of each query and key head.
    pub qk_norm: bool,
    /// Position encoding.
    pub position: Position,
    /// Feed-forward layer.
    pub activation: Activation,
    /// A leading batch dimension of 1 on tokens, activations, logits and caches.
    pub batch_dim: bool,
    /// Layout of linear weights.
    pub weight_layout: WeightLayout,
    /// Linear weights of the layers as i8 `[out, in]` with an f32 scale per output row.
    pub int8_weights: bool,
    /// Private functions for the norm, the activation and the layer (the layer: unrolled models only).
    pub helper_functions: bool,
    /// The additive mask (0 or -1e30, f32 `[M, T]`, with a batch dimension `[1, 1, M, T]`) as an argument behind the
    /// position; T is the cache, plus M for `Rows`. Inlined models compute it all the same.
    pub mask_argument: bool,
    /// Embedding as `tensor.gather`. Valid, but stock passes cannot lower it: such a module verifies and does not run.
    pub gather_op: bool,
}

impl Style {
    /// The exporter's defaults: `Rows` for Torch, Onnx and Loop, `Slice` for JAX, `Where` for Generic; weights as arguments.
    pub fn of(exporter: Exporter) -> Self {
        Style {
            exporter,
            cache: match exporter {
                Exporter::Torch | Exporter::Onnx | Exporter::Loop => CacheForm::Rows,
                Exporter::Jax => CacheForm::Slice,
                Exporter::Generic => CacheForm::Where,
            },
            weights: Weights::Arguments,
            index_type: if exporter == Exporter::Jax {
                Element::I32
            } else {
                Element::I64
            },
            output: Output::Logits,
            norm: Norm::RmsNorm,
            bias: false,
            qk_norm: false,
            position: Position::Rope,
            activation: Activation::SwiGlu,
            batch_dim: exporter == Exporter::Onnx,
            weight_layout: match exporter {
                Exporter::Torch | Exporter::Generic => WeightLayout::OutInTransposed,
                Exporter::Onnx => WeightLayout::InOut,
                Exporter::Jax | Exporter::Loop => WeightLayout::StackedByLayer,
            },
            int8_weights: false,
            helper_functions: false,
            mask_argument: false,
            gather_op: false,
        }
    }

    /// Whether weights of all layers share one tensor.
    pub(super) fn stacked(&self) -> bool {
        self.weight_layout == WeightLayout::StackedByLayer || self.exporter == Exporter::Loop
    }

    /// Whether layers are the trips of an `scf.for`.
    pub(super) fn looped(&self) -> bool {
        self.stacked() && self.exporter != Exporter::Jax
    }

    /// Whether linear weights are stored `[in, out]`.
    pub(super) fn in_out(&self) -> bool {
        self.weight_layout == WeightLayout::InOut
    }

    /// Whether rotary pairs are neighbours (else the two halves of a head).
    pub(super) fn interleaved(&self) -> bool {
        matches!(self.exporter, Exporter::Torch | Exporter::Jax)
    }

    /// Whether caches and rows are `[S, kv, d]` (else `[kv, S, d]`).
    pub(super) fn token_major(&self) -> bool {
        self.exporter == Exporter::Generic
    }

    /// Whether each layer has caches of its own.
    pub(super) fn cache_per_layer(&self) -> bool {
        self.exporter == Exporter::Onnx && !self.looped()
    }
}
