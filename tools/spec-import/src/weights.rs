//! Which tensors a model has, in the order of its functions' arguments.

use crate::source::Config;

/// A weight: a tensor of the checkpoint and an argument of every function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// Name of the tensor.
    pub name: String,
    /// Its sizes, outermost first.
    pub shape: Vec<usize>,
}

/// All weights of a model: the embedding, layer by layer, the last norm, the head if it is not tied.
pub fn weights(c: &Config) -> Vec<Weight> {
    let (h, d) = (c.hidden, c.head_dim);
    let (q, kv) = (c.heads * d, c.kv_heads * d);
    let mut all = vec![];
    let mut add = |name: String, shape: &[usize]| {
        let shape = shape.to_vec();
        all.push(Weight { name, shape });
    };
    add("model.embed_tokens.weight".into(), &[c.vocabulary, h]);
    for layer in 0..c.layers {
        let mut own = |name: &str, shape: &[usize]| {
            add(format!("model.layers.{layer}.{name}"), shape);
        };
        own("input_layernorm.weight", &[h]);
        for (name, rows) in [("q", q), ("k", kv), ("v", kv)] {
            own(&format!("self_attn.{name}_proj.weight"), &[rows, h]);
            if c.qkv_bias {
                own(&format!("self_attn.{name}_proj.bias"), &[rows]);
            }
        }
        if c.qk_norm {
            own("self_attn.q_norm.weight", &[d]);
            own("self_attn.k_norm.weight", &[d]);
        }
        own("self_attn.o_proj.weight", &[h, q]);
        own("post_attention_layernorm.weight", &[h]);
        own("mlp.gate_proj.weight", &[c.intermediate, h]);
        own("mlp.up_proj.weight", &[c.intermediate, h]);
        own("mlp.down_proj.weight", &[h, c.intermediate]);
    }
    add("model.norm.weight".into(), &[h]);
    if !c.tied {
        add("lm_head.weight".into(), &[c.vocabulary, h]);
    }
    all
}

/// Elements of all weights.
pub fn parameters(c: &Config) -> u64 {
    let elements = |w: &Weight| w.shape.iter().map(|n| *n as u64).product::<u64>();
    weights(c).iter().map(elements).sum()
}
