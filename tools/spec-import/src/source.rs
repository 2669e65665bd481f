//! What a checkpoint says about its model, whatever its files are.

/// A family of models whose forward function is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Llama 2, 3, 3.1, 3.2, TinyLlama, SmolLM2, and Mistral without a sliding window.
    Llama,
    /// Qwen 2 and 2.5: biases on queries, keys and values.
    Qwen2,
    /// Qwen 3: norms on each head's queries and keys.
    Qwen3,
}

impl Architecture {
    /// The name in `import.json`.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::Llama => "llama",
            Architecture::Qwen2 => "qwen2",
            Architecture::Qwen3 => "qwen3",
        }
    }
}

/// How rotary frequencies are changed for long contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// All frequencies divided by one factor.
    Linear {
        /// The factor.
        factor: f64,
    },
    /// Llama 3.1: long wavelengths divided by a factor, short ones kept, those between blended.
    Llama3 {
        /// The factor of long wavelengths.
        factor: f64,
        /// Wavelengths above `original_max_position / low_freq_factor` are long.
        low_freq_factor: f64,
        /// Wavelengths below `original_max_position / high_freq_factor` are short.
        high_freq_factor: f64,
        /// Positions before scaling.
        original_max_position: f64,
    },
}

/// Sizes and constants of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which forward function.
    pub architecture: Architecture,
    /// The model's name, for people.
    pub name: String,
    /// Transformer layers.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width of the feed-forward network.
    pub intermediate: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head, even.
    pub head_dim: usize,
    /// Rows of the embedding: the tokenizer may know fewer tokens.
    pub vocabulary: usize,
    /// Positions that the model was made for.
    pub max_positions: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Their scaling, if any.
    pub rope_scaling: Option<RopeScaling>,
    /// Epsilon of RMS normalisation.
    pub norm_eps: f64,
    /// Whether the head is the embedding (`lm_head.weight` is not there).
    pub tied: bool,
    /// Biases on query, key and value projections.
    pub qkv_bias: bool,
    /// Norms on each head's queries and keys.
    pub qk_norm: bool,
}

/// A tensor of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name as Hugging Face's transformers call it.
    pub name: String,
    /// Sizes, outermost first; weights of linear layers are [out, in].
    pub shape: Vec<u64>,
    /// Its type in the source: `F32`, `BF16`, `Q4_K`.
    pub dtype: String,
}

/// What a program needs to make tokens of text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    /// The contents of a `tokenizer.json`; none if the checkpoint has no tokenizer.
    pub tokenizer_json: Option<String>,
    /// Token that begins a text.
    pub bos: Option<u32>,
    /// Whether texts begin with it.
    pub add_bos: bool,
    /// Tokens that end a text.
    pub eos: Vec<u32>,
    /// Template of a conversation (Jinja).
    pub chat_template: Option<String>,
}
