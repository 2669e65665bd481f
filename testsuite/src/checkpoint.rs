//! Small checkpoints in Hugging Face's format with random weights, and a tokenizer of made-up words.

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// A model of the Llama family.
#[derive(Clone, Debug)]
pub struct Checkpoint {
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
    /// Tokens.
    pub vocabulary: usize,
    /// Largest position + 1.
    pub positions: usize,
    /// Of the random weights.
    pub seed: u64,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self {
            layers: 3,
            hidden: 64,
            intermediate: 128,
            heads: 4,
            kv_heads: 2,
            vocabulary: 96,
            positions: 256,
            seed: 1,
        }
    }
}

/// Numbers that look random and are the same everywhere (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In -1 .. 1.
    fn signed(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

impl Checkpoint {
    /// Writes `config.json`, `model.safetensors` and `tokenizer.json` into `folder`, which is made.
    ///
    /// # Panics
    /// The folder cannot be written.
    pub fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder).expect("a folder");
        let file = |name: &str, text: String| {
            std::fs::write(folder.join(name), text).expect("written");
        };
        file("config.json", self.config().to_string());
        file("tokenizer.json", self.tokenizer().to_string());
        let mut random = Random(self.seed);
        let tensors = self.shapes().into_iter().map(|(name, shape)| {
            let norm = shape.len() == 1;
            let scale = 2.0 / (*shape.last().expect("a size") as f32).sqrt();
            let value = |r: f32| if norm { 1.0 + 0.2 * r } else { scale * r };
            let count: usize = shape.iter().product();
            let values = (0..count).map(|_| value(random.signed()));
            let bytes: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
            (name, (shape, bytes))
        });
        let tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)> = tensors.collect();
        let views = tensors.iter().map(|(name, (shape, bytes))| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
            (name, view.expect("as many bytes as elements"))
        });
        let path = folder.join("model.safetensors");
        safetensors::serialize_to_file(views, None, &path).expect("written");
    }

    fn config(&self) -> serde_json::Value {
        json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_act": "silu",
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "vocab_size": self.vocabulary,
            "max_position_embeddings": self.positions,
            "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0,
            "tie_word_embeddings": false,
            "bos_token_id": 0,
            "eos_token_id": 1,
            "torch_dtype": "float32",
        })
    }

    /// One word a token, separated by spaces: `w0 w1 ...`.
    fn tokenizer(&self) -> serde_json::Value {
        let words = (0..self.vocabulary).map(|i| (format!("w{i}"), json!(i)));
        let vocabulary: serde_json::Map<_, _> = words.collect();
        json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": [],
            "normalizer": null,
            "pre_tokenizer": { "type": "WhitespaceSplit" },
            "post_processor": null,
            "decoder": null,
            "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "w2" },
        })
    }

    /// Names and shapes of all tensors.
    fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let (hidden, inner) = (self.hidden, self.intermediate);
        let head = hidden / self.heads;
        let keys = self.kv_heads * head;
        let mut all = vec![
            (
                "model.embed_tokens.weight".into(),
                vec![self.vocabulary, hidden],
            ),
            ("model.norm.weight".into(), vec![hidden]),
            ("lm_head.weight".into(), vec![self.vocabulary, hidden]),
        ];
        for layer in 0..self.layers {
            let of_layer = [
                ("input_layernorm", vec![hidden]),
                ("self_attn.q_proj", vec![hidden, hidden]),
                ("self_attn.k_proj", vec![keys, hidden]),
                ("self_attn.v_proj", vec![keys, hidden]),
                ("self_attn.o_proj", vec![hidden, hidden]),
                ("post_attention_layernorm", vec![hidden]),
                ("mlp.gate_proj", vec![inner, hidden]),
                ("mlp.up_proj", vec![inner, hidden]),
                ("mlp.down_proj", vec![hidden, inner]),
            ];
            let named = of_layer.map(|(n, s)| (format!("model.layers.{layer}.{n}.weight"), s));
            all.extend(named);
        }
        all
    }
}
