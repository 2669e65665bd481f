//! Small random checkpoints in folders as Hugging Face's transformers write them, with a tokenizer of made-up words.

use half::{bf16, f16};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A tensor: sizes and values, as the file holds them.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f64>)>;

/// Sizes and kind of a model.
#[derive(Clone, Debug)]
pub struct Model {
    /// Class in transformers.
    pub architecture: &'static str,
    /// Decoder layers.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width within the MLP.
    pub intermediate: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Tokens.
    pub vocabulary: usize,
    /// Base of the rotation.
    pub theta: f64,
    /// Of the norms.
    pub eps: f64,
    /// Whether the head is the embedding.
    pub tied: bool,
    /// Of all tensors: f32, f16 or bf16.
    pub dtype: Dtype,
    /// Number of files.
    pub shards: usize,
    /// Further fields of `config.json`.
    pub more: Value,
    /// Of the random weights.
    pub seed: u64,
}

/// Llama, two layers, tied.
pub fn llama() -> Model {
    Model {
        architecture: "LlamaForCausalLM",
        layers: 2,
        hidden: 32,
        intermediate: 44,
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        vocabulary: 61,
        theta: 10_000.0,
        eps: 1e-5,
        tied: true,
        dtype: Dtype::F32,
        shards: 1,
        more: json!({}),
        seed: 1,
    }
}

impl Model {
    /// Biases on queries, keys and values.
    pub fn biased(&self) -> bool {
        self.architecture.starts_with("Qwen2")
    }

    /// Norms of each head's queries and keys.
    pub fn head_norms(&self) -> bool {
        self.architecture.starts_with("Qwen3")
    }

    /// `config.json`.
    ///
    /// # Panics
    /// [`Model::more`] is no object.
    pub fn config(&self) -> Value {
        let mut config = json!({
            "architectures": [self.architecture],
            "hidden_act": "silu",
            "vocab_size": self.vocabulary,
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "max_position_embeddings": 64,
            "rms_norm_eps": self.eps,
            "rope_theta": self.theta,
            "tie_word_embeddings": self.tied,
            "bos_token_id": 1,
            "eos_token_id": 2,
        });
        for (name, value) in self.more.as_object().expect("fields") {
            config[name] = value.clone();
        }
        config
    }

    /// Names and sizes, as transformers have them.
    fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let (h, d, i) = (self.hidden, self.head_dim, self.intermediate);
        let mut all = vec![("model.embed_tokens.weight".into(), vec![self.vocabulary, h])];
        for layer in 0..self.layers {
            let mut add = |name: &str, shape: &[usize]| {
                all.push((format!("model.layers.{layer}.{name}"), shape.to_vec()));
            };
            for (name, heads) in [
                ("q", self.heads),
                ("k", self.kv_heads),
                ("v", self.kv_heads),
            ] {
                add(&format!("self_attn.{name}_proj.weight"), &[heads * d, h]);
                if self.biased() {
                    add(&format!("self_attn.{name}_proj.bias"), &[heads * d]);
                }
            }
            if self.head_norms() {
                add("self_attn.q_norm.weight", &[d]);
                add("self_attn.k_norm.weight", &[d]);
            }
            add("self_attn.o_proj.weight", &[h, self.heads * d]);
            add("mlp.gate_proj.weight", &[i, h]);
            add("mlp.up_proj.weight", &[i, h]);
            add("mlp.down_proj.weight", &[h, i]);
            add("input_layernorm.weight", &[h]);
            add("post_attention_layernorm.weight", &[h]);
        }
        all.push(("model.norm.weight".into(), vec![h]));
        if !self.tied {
            all.push(("lm_head.weight".into(), vec![self.vocabulary, h]));
        }
        all
    }

    /// Random values, exact in the model's type.
    pub fn tensors(&self) -> Tensors {
        let mut state = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        let shapes = self.shapes().into_iter();
        let filled = shapes.map(|(name, shape)| {
            let count: usize = shape.iter().product();
            let centre = if name.contains("norm") { 1.0 } else { 0.0 };
            let values = (0..count).map(|_| rounded(self.dtype, centre + random()));
            let values = values.collect();
            (name, (shape, values))
        });
        filled.collect()
    }

    /// Writes the folder: its tensors.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write(&self, folder: &Path) -> Tensors {
        let tensors = self.tensors();
        fs::create_dir_all(folder).expect("a folder");
        write_json(&folder.join("config.json"), &self.config());
        self.write_tensors(folder, &tensors);
        write_json(
            &folder.join("tokenizer.json"),
            &tokenizer(self.vocabulary, "t"),
        );
        tensors
    }

    /// Writes tensors, in as many files as the model has.
    ///
    /// # Panics
    /// They cannot be written.
    pub fn write_tensors(&self, folder: &Path, tensors: &Tensors) {
        let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = tensors
            .iter()
            .map(|(name, (shape, values))| (name, shape, encoded(self.dtype, values)))
            .collect();
        let file = |n: usize| match self.shards {
            1 => "model.safetensors".to_owned(),
            all => format!("model-{:05}-of-{all:05}.safetensors", n + 1),
        };
        let mut map = serde_json::Map::new();
        for n in 0..self.shards {
            let own = bytes
                .iter()
                .enumerate()
                .filter(|(i, _)| i % self.shards == n);
            let own: Vec<_> = own
                .map(|(_, (name, shape, data))| {
                    let view = TensorView::new(self.dtype, shape.to_vec(), data);
                    (name.as_str(), view.expect("a tensor"))
                })
                .collect();
            map.extend(
                own.iter()
                    .map(|(name, _)| ((*name).to_owned(), json!(file(n)))),
            );
            let path = folder.join(file(n));
            safetensors::serialize_to_file(own, None, &path).expect("a file");
        }
        if self.shards > 1 {
            let path = folder.join("model.safetensors.index.json");
            write_json(&path, &json!({"metadata": {}, "weight_map": map}));
        }
    }
}

fn rounded(dtype: Dtype, value: f64) -> f64 {
    match dtype {
        Dtype::F32 => f64::from(value as f32),
        Dtype::F16 => f16::from_f64(value).to_f64(),
        _ => bf16::from_f64(value).to_f64(),
    }
}

fn encoded(dtype: Dtype, values: &[f64]) -> Vec<u8> {
    let of = |v: &f64| match dtype {
        Dtype::F32 => (*v as f32).to_le_bytes().to_vec(),
        Dtype::F16 => f16::from_f64(*v).to_le_bytes().to_vec(),
        _ => bf16::from_f64(*v).to_le_bytes().to_vec(),
    };
    values.iter().flat_map(of).collect()
}

/// A tokenizer of `tokens` tokens called PREFIX0, PREFIX1 ...
pub fn tokenizer(tokens: usize, prefix: &str) -> Value {
    let vocabulary: BTreeMap<String, usize> =
        (0..tokens).map(|i| (format!("{prefix}{i}"), i)).collect();
    json!({
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": format!("{prefix}0")},
    })
}

/// Writes a JSON file.
///
/// # Panics
/// It cannot be written.
pub fn write_json(path: &Path, value: &Value) {
    fs::write(path, value.to_string()).expect("a file");
}
