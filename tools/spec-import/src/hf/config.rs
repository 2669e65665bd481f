//! `config.json`.

use super::Ids;
use crate::error::ImportError;
use crate::source::{Architecture, Config, RopeScaling};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

/// The fields that matter, as they are in the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Raw {
    architectures: Option<Vec<String>>,
    hidden_act: Option<String>,
    vocab_size: Option<usize>,
    hidden_size: Option<usize>,
    intermediate_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    max_position_embeddings: Option<usize>,
    rms_norm_eps: Option<f64>,
    rope_theta: Option<f64>,
    rope_scaling: Option<Rope>,
    /// transformers 5: `rope_scaling` and `rope_theta` in one.
    rope_parameters: Option<Rope>,
    partial_rotary_factor: Option<f64>,
    tie_word_embeddings: Option<bool>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    sliding_window: Option<usize>,
    use_sliding_window: Option<bool>,
    quantization_config: Option<Value>,
    /// Token that begins a text.
    pub bos_token_id: Option<Ids>,
    /// Tokens that end one.
    pub eos_token_id: Option<Ids>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Rope {
    rope_type: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    rope_theta: Option<f64>,
    partial_rotary_factor: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
}

const SUPPORTED: &str =
    "LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM and Qwen3ForCausalLM";

impl Raw {
    /// The model's sizes, checked.
    ///
    /// # Errors
    /// A field is missing or impossible, or the model is of a kind that is not supported.
    pub fn read(&self, folder: &Path, warnings: &mut Vec<String>) -> Result<Config, ImportError> {
        let path = &folder.join("config.json");
        let architecture = self.architecture(path)?;
        self.refuse_variants(path)?;
        let need = |name: &str, value: Option<usize>| {
            let missing = || ImportError::damaged(path, format!("no {name}; is the file whole?"));
            value.ok_or_else(missing)
        };
        let hidden = need("hidden_size", self.hidden_size)?;
        let heads = need("num_attention_heads", self.num_attention_heads)?;
        let head_dim = match (self.head_dim, architecture) {
            (Some(d), _) => d,
            (None, Architecture::Qwen3) => 128, // what transformers take
            (None, _) => hidden.checked_div(heads).unwrap_or(0),
        };
        let (rope_theta, rope_scaling) = self.rope(path)?;
        let mut max_positions = need("max_position_embeddings", self.max_position_embeddings)?;
        if let Some(window) = self.window(architecture).filter(|w| *w < max_positions) {
            warnings.push(format!(
                "attention within a sliding window of {window} tokens is not supported: at most {window} positions, where it makes no difference"
            ));
            max_positions = window;
        }
        let config = Config {
            architecture,
            name: name(folder),
            layers: need("num_hidden_layers", self.num_hidden_layers)?,
            hidden,
            intermediate: need("intermediate_size", self.intermediate_size)?,
            heads,
            kv_heads: self.num_key_value_heads.unwrap_or(heads),
            head_dim,
            vocabulary: need("vocab_size", self.vocab_size)?,
            max_positions,
            rope_theta,
            rope_scaling,
            norm_eps: self.rms_norm_eps.unwrap_or(1e-6),
            tied: self.tie_word_embeddings.unwrap_or(false),
            qkv_bias: architecture == Architecture::Qwen2,
            qk_norm: architecture == Architecture::Qwen3,
        };
        Ok(config)
    }

    fn architecture(&self, path: &Path) -> Result<Architecture, ImportError> {
        let names = self.architectures.as_deref().unwrap_or_default();
        let known = |name: &String| match name.as_str() {
            "LlamaForCausalLM" | "MistralForCausalLM" => Some(Architecture::Llama),
            "Qwen2ForCausalLM" => Some(Architecture::Qwen2),
            "Qwen3ForCausalLM" => Some(Architecture::Qwen3),
            _ => None,
        };
        names.iter().find_map(known).ok_or_else(|| {
            let found = match names {
                [] => "no architecture is named".to_owned(),
                _ => format!("the architecture {} is not supported", names.join(", ")),
            };
            let reason = format!(
                "{found}; supported are {SUPPORTED}. Other models: export linalg with torch-mlir and give it to spec-compile"
            );
            ImportError::unsupported(path, reason)
        })
    }

    /// What would change the arithmetic.
    fn refuse_variants(&self, path: &Path) -> Result<(), ImportError> {
        let refuse = |what: String, instead: &str| {
            Err(ImportError::unsupported(
                path,
                format!("{what} is not supported; {instead}"),
            ))
        };
        match self.hidden_act.as_deref() {
            None | Some("silu" | "swish") => {}
            Some(other) => return refuse(format!("the activation {other:?}"), "supported is silu"),
        }
        if let Some(config) = &self.quantization_config {
            let method = config.get("quant_method").and_then(Value::as_str);
            let what = format!("quantisation by {:?}", method.unwrap_or("?"));
            return refuse(
                what,
                "take the original weights (f32, f16 or bf16), or a GGUF file",
            );
        }
        for (name, value) in [
            ("attention_bias", self.attention_bias),
            ("mlp_bias", self.mlp_bias),
        ] {
            // Qwen 2 has biases on q, k and v whatever the file says, and nowhere else
            if value == Some(true) {
                return refuse(
                    format!("{name}: true"),
                    "supported are the biases of Qwen2 on q, k and v",
                );
            }
        }
        let partial =
            [&self.rope_scaling, &self.rope_parameters].map(|r| r.as_ref()?.partial_rotary_factor);
        let partial = self.partial_rotary_factor.or(partial[0]).or(partial[1]);
        match partial {
            Some(f) if f != 1.0 => refuse(format!("partial_rotary_factor: {f}"), "supported is 1"),
            _ => Ok(()),
        }
    }

    /// The sliding window that is in use.
    fn window(&self, architecture: Architecture) -> Option<usize> {
        let used = self
            .use_sliding_window
            .unwrap_or(architecture == Architecture::Llama);
        self.sliding_window.filter(|w| used && *w > 0)
    }

    /// Base and scaling of the rotary frequencies.
    fn rope(&self, path: &Path) -> Result<(f64, Option<RopeScaling>), ImportError> {
        let parameters = self.rope_parameters.as_ref();
        let theta = parameters.and_then(|r| r.rope_theta).or(self.rope_theta);
        let theta = theta.unwrap_or(10_000.0);
        let Some(rope) = self.rope_scaling.as_ref().or(parameters) else {
            return Ok((theta, None));
        };
        let need = |name: &str, value: Option<f64>| {
            let usable = value.filter(|v| v.is_finite() && *v > 0.0);
            let reason = format!("rope_scaling has no usable {name}; is the file whole?");
            usable.ok_or_else(|| ImportError::damaged(path, reason))
        };
        let kind = rope.rope_type.as_deref().or(rope.kind.as_deref());
        let scaling = match kind {
            None | Some("default") => None,
            Some("linear") => Some(RopeScaling::Linear {
                factor: need("factor", rope.factor)?,
            }),
            Some("llama3") => {
                let original = rope.original_max_position_embeddings;
                let low = need("low_freq_factor", rope.low_freq_factor)?;
                let high = need("high_freq_factor", rope.high_freq_factor)?;
                if low >= high {
                    let reason = format!(
                        "rope_scaling: low_freq_factor {low} is not below high_freq_factor {high}"
                    );
                    return Err(ImportError::damaged(path, reason));
                }
                Some(RopeScaling::Llama3 {
                    factor: need("factor", rope.factor)?,
                    low_freq_factor: low,
                    high_freq_factor: high,
                    original_max_position: need("original_max_position_embeddings", original)?,
                })
            }
            Some(other) => {
                let reason = format!(
                    "rotary scaling of type {other:?} is not supported; supported are default, linear and llama3"
                );
                return Err(ImportError::unsupported(path, reason));
            }
        };
        Ok((theta, scaling))
    }
}

/// The folder's name.
fn name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = whole.file_name().map(|n| n.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "model".into())
}
