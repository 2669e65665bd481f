//! Sizes and constants of a model from a GGUF file's metadata.

use super::{Gguf, Metadata, rope};
use crate::error::ImportError;
use crate::source::{Architecture, Config};

/// Metadata under the architecture's name.
pub(super) struct Keys<'a> {
    pub metadata: Metadata<'a>,
    architecture: &'a str,
}

impl Keys<'_> {
    pub fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.architecture)
    }

    pub fn float(&self, key: &str) -> Result<Option<f64>, ImportError> {
        self.metadata.float(&self.key(key))
    }

    /// A size, at least 1; no model has one above 2^31.
    fn size(&self, key: &str) -> Result<Option<usize>, ImportError> {
        let key = self.key(key);
        if self.metadata.is_array(&key) {
            let reason = format!(
                "{key:?} differs from layer to layer; only models of equal layers can be imported"
            );
            return Err(self.unsupported(reason));
        }
        match self.metadata.unsigned(&key)? {
            None => Ok(None),
            Some(n) => match usize::try_from(n) {
                Ok(n) if (1..1 << 31).contains(&n) => Ok(Some(n)),
                _ => Err(self.damaged(format!("the metadata {key:?} is {n}, which is no size"))),
            },
        }
    }

    fn needed(&self, key: &str) -> Result<usize, ImportError> {
        self.size(key)?
            .ok_or_else(|| self.metadata.missing(&self.key(key)))
    }

    pub fn damaged(&self, reason: impl Into<String>) -> ImportError {
        ImportError::damaged(self.metadata.path, reason)
    }

    pub fn unsupported(&self, reason: impl Into<String>) -> ImportError {
        ImportError::unsupported(self.metadata.path, reason)
    }
}

fn architecture(metadata: &Metadata<'_>) -> Result<Architecture, ImportError> {
    let key = "general.architecture";
    let name = metadata.text(key)?.ok_or_else(|| metadata.missing(key))?;
    let all = [
        Architecture::Llama,
        Architecture::Qwen2,
        Architecture::Qwen3,
    ];
    all.into_iter().find(|a| a.name() == name).ok_or_else(|| {
        let known = all.map(Architecture::name).join(", ");
        let reason = format!("the architecture {name:?} cannot be imported; {known} can");
        ImportError::unsupported(metadata.path, reason)
    })
}

/// Reads the configuration.
pub(super) fn read(file: &Gguf) -> Result<Config, ImportError> {
    let metadata = file.metadata();
    let architecture = architecture(&metadata)?;
    let keys = Keys {
        metadata,
        architecture: architecture.name(),
    };
    if metadata
        .unsigned(&keys.key("expert_count"))?
        .is_some_and(|n| n > 0)
    {
        return Err(keys.unsupported("a mixture of experts; only dense models can be imported"));
    }
    let (hidden, heads) = (
        keys.needed("embedding_length")?,
        keys.needed("attention.head_count")?,
    );
    let kv_heads = keys.size("attention.head_count_kv")?.unwrap_or(heads);
    let head_dim = match keys.size("attention.key_length")? {
        Some(dim) => dim,
        None if hidden.is_multiple_of(heads) => hidden / heads,
        None => {
            return Err(keys.damaged(format!(
                "{hidden} values cannot be divided between {heads} heads"
            )));
        }
    };
    if !heads.is_multiple_of(kv_heads) || !head_dim.is_multiple_of(2) {
        let reason = format!(
            "{heads} query heads with {kv_heads} key heads of {head_dim} values are impossible"
        );
        return Err(keys.damaged(reason));
    }
    let value_length = keys.size("attention.value_length")?.unwrap_or(head_dim);
    let rotated = keys.size("rope.dimension_count")?.unwrap_or(head_dim);
    if value_length != head_dim || rotated != head_dim {
        return Err(keys.unsupported(format!(
            "keys of {head_dim} values, {rotated} of them rotated, and values of {value_length}: only models where all three are \
             equal can be imported"
        )));
    }
    let layers = keys.needed("block_count")?;
    let tensors = file.header.tensors.len();
    if layers > tensors {
        return Err(keys.damaged(format!(
            "{tensors} tensors cannot be those of {layers} layers"
        )));
    }
    // within the window a sliding window is no window
    let window = metadata
        .unsigned(&keys.key("attention.sliding_window"))?
        .filter(|w| *w > 0);
    let window = window
        .and_then(|w| usize::try_from(w).ok())
        .unwrap_or(usize::MAX);
    let norm_eps = keys.float("attention.layer_norm_rms_epsilon")?;
    let rope_theta = keys.float("rope.freq_base")?.unwrap_or(10000.0);
    if rope_theta <= 1.0 {
        return Err(keys.damaged(format!("a rotary base of {rope_theta} is impossible")));
    }
    let first = |name: &str| file.stored(&format!("blk.0.{name}")).is_some();
    Ok(Config {
        architecture,
        name: name(file)?,
        layers,
        hidden,
        intermediate: keys.needed("feed_forward_length")?,
        heads,
        kv_heads,
        head_dim,
        vocabulary: vocabulary(file, hidden)?,
        max_positions: keys.needed("context_length")?.min(window),
        rope_theta,
        rope_scaling: rope::scaling(file, &keys, rope_theta, head_dim)?,
        norm_eps: norm_eps
            .ok_or_else(|| metadata.missing(&keys.key("attention.layer_norm_rms_epsilon")))?,
        tied: file.stored("output.weight").is_none(),
        qkv_bias: first("attn_q.bias"),
        qk_norm: first("attn_q_norm.weight"),
    })
}

/// The name that the file gives, else the file's.
fn name(file: &Gguf) -> Result<String, ImportError> {
    let given = file
        .metadata()
        .text("general.name")?
        .filter(|n| !n.trim().is_empty());
    let stem = || {
        file.path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    Ok(given.map_or_else(stem, |n| n.trim().to_owned()))
}

/// Rows of the embedding.
fn vocabulary(file: &Gguf, hidden: usize) -> Result<usize, ImportError> {
    let name = "token_embd.weight";
    match file.stored(name).map(|t| &*t.dims) {
        Some([columns, rows]) if *columns == hidden => {
            let tokens = file.metadata().len("tokenizer.ggml.tokens");
            if tokens > *rows {
                let reason = format!(
                    "{tokens} tokens, but an embedding of {rows}: the file is put together wrongly"
                );
                return Err(ImportError::damaged(&file.path, reason));
            }
            Ok(*rows)
        }
        Some(other) => Err(ImportError::Shape {
            path: file.path.clone(),
            tensor: name.into(),
            found: other.iter().rev().map(|d| *d as u64).collect(),
            expected: vec![other.last().map_or(0, |d| *d as u64), hidden as u64],
        }),
        None => Err(ImportError::Missing {
            path: file.path.clone(),
            tensor: name.into(),
            hint: "it holds a tokenizer or an adapter only; give the file of a whole model".into(),
        }),
    }
}
