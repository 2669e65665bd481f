//! Tensors' names: llama.cpp's and Hugging Face's.

use super::Gguf;
use super::header::Stored;
use crate::error::ImportError;
use crate::source::{Architecture, Config};

/// Outside of layers.
const WHOLE: &[(&str, &str)] = &[
    ("token_embd.weight", "model.embed_tokens.weight"),
    ("output_norm.weight", "model.norm.weight"),
    ("output.weight", "lm_head.weight"),
];

/// In layers.
const LAYER: &[(&str, &str)] = &[
    ("attn_norm.weight", "input_layernorm.weight"),
    ("attn_q.weight", "self_attn.q_proj.weight"),
    ("attn_k.weight", "self_attn.k_proj.weight"),
    ("attn_v.weight", "self_attn.v_proj.weight"),
    ("attn_q.bias", "self_attn.q_proj.bias"),
    ("attn_k.bias", "self_attn.k_proj.bias"),
    ("attn_v.bias", "self_attn.v_proj.bias"),
    ("attn_q_norm.weight", "self_attn.q_norm.weight"),
    ("attn_k_norm.weight", "self_attn.k_norm.weight"),
    ("attn_output.weight", "self_attn.o_proj.weight"),
    ("ffn_norm.weight", "post_attention_layernorm.weight"),
    ("ffn_gate.weight", "mlp.gate_proj.weight"),
    ("ffn_up.weight", "mlp.up_proj.weight"),
    ("ffn_down.weight", "mlp.down_proj.weight"),
];

/// The table of frequency factors: part of the configuration, not a weight.
pub(super) const ROPE_FREQS: &str = "rope_freqs.weight";

/// A tensor with its name in Hugging Face's checkpoints.
pub(super) struct Named<'a> {
    pub name: String,
    pub stored: &'a Stored,
    /// Heads whose rows llama.cpp has in another order, in pairs of one rotation.
    pub paired_heads: Option<usize>,
}

/// Tables that can be computed again from the configuration.
fn is_table(name: &str) -> bool {
    name == ROPE_FREQS || name.ends_with(".attn_rot_embd") || name.ends_with("rotary_emb.inv_freq")
}

/// Layer and name inside of it.
fn in_layer(name: &str) -> Option<(usize, &str)> {
    let (layer, inner) = name.strip_prefix("blk.")?.split_once('.')?;
    let number: usize = layer.parse().ok()?;
    (number.to_string() == layer).then_some((number, inner))
}

/// Hugging Face's name.
fn named(name: &str, layers: usize) -> Option<String> {
    if let Some((_, to)) = WHOLE.iter().find(|(from, _)| *from == name) {
        return Some((*to).to_owned());
    }
    let (layer, inner) = in_layer(name).filter(|(layer, _)| *layer < layers)?;
    let (_, to) = LAYER.iter().find(|(from, _)| *from == inner)?;
    Some(format!("model.layers.{layer}.{to}"))
}

/// All weights of the file.
///
/// # Errors
/// [`ImportError::Unsupported`] if there is another tensor; [`ImportError::Shape`] if rows of queries or keys are no heads.
pub(super) fn all<'a>(file: &'a Gguf, config: &Config) -> Result<Vec<Named<'a>>, ImportError> {
    let mut all = vec![];
    for stored in &file.header.tensors {
        if is_table(&stored.name) {
            continue;
        }
        let Some(name) = named(&stored.name, config.layers) else {
            let (architecture, layers) = (config.architecture.name(), config.layers);
            let reason = format!(
                "tensor {:?} is none of a {architecture} model of {layers} layers as it can be imported; models with \
                 additional weights cannot",
                stored.name
            );
            return Err(ImportError::unsupported(&file.path, reason));
        };
        let heads = match in_layer(&stored.name) {
            Some((_, "attn_q.weight" | "attn_q.bias")) => Some(config.heads),
            Some((_, "attn_k.weight" | "attn_k.bias")) => Some(config.kv_heads),
            _ => None,
        };
        let paired_heads = heads.filter(|_| config.architecture == Architecture::Llama);
        if let Some(heads) = paired_heads {
            let rows = stored.dims.last().copied().unwrap_or(0);
            if stored.dims.len() > 2 || rows != heads * config.head_dim {
                let mut expected = vec![heads * config.head_dim, config.hidden];
                expected.truncate(stored.dims.len().min(2));
                return Err(ImportError::Shape {
                    path: file.path.clone(),
                    tensor: name,
                    found: stored.dims.iter().rev().map(|d| *d as u64).collect(),
                    expected: expected.iter().map(|d| *d as u64).collect(),
                });
            }
        }
        all.push(Named {
            name,
            stored,
            paired_heads,
        });
    }
    Ok(all)
}

/// Row of llama.cpp's order that is row `row` in Hugging Face's: a head's values i and i + half turn together, and llama.cpp has them
/// as neighbours.
pub(super) fn unpaired(row: usize, head_dim: usize) -> usize {
    let (head, within) = (row / head_dim, row % head_dim);
    let half = head_dim / 2;
    head * head_dim + 2 * (within % half) + within / half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_those_of_hugging_face() {
        let name = |n| named(n, 12);
        assert_eq!(
            name("blk.11.ffn_down.weight").as_deref(),
            Some("model.layers.11.mlp.down_proj.weight")
        );
        assert_eq!(name("output.weight").as_deref(), Some("lm_head.weight"));
        for unknown in [
            "blk.12.ffn_down.weight",
            "blk.01.ffn_down.weight",
            "blk.1.ffn_down.bias",
            "x",
            "blk.1",
            "blk.-1.attn_q.weight",
        ] {
            assert_eq!(name(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn rows_are_put_back_as_the_converter_moved_them() {
        // convert_hf_to_gguf.py: w.reshape(heads, 2, dim // 2).swapaxes(1, 2)
        let (heads, dim) = (3, 8);
        let mut converted = vec![];
        for head in 0..heads {
            for i in 0..dim / 2 {
                converted.extend([head * dim + i, head * dim + dim / 2 + i]);
            }
        }
        for row in 0..heads * dim {
            assert_eq!(converted[unpaired(row, dim)], row);
        }
    }
}
