//! `import.json`.

use crate::checkpoint::Checkpoint;
use crate::emit::{Model, Role};
use crate::source::Text;
use crate::weights::parameters;
use serde::Serialize;
use std::collections::BTreeMap;

/// The whole file.
#[derive(Debug, Serialize)]
pub struct Description {
    format_version: u32,
    tool: &'static str,
    /// The target, then the drafter if there is one.
    pub models: Vec<Described>,
    /// Default of `spec-compile --quantize`.
    quantize: String,
    text: DescribedText,
}

/// A model.
#[derive(Debug, Serialize)]
pub struct Described {
    /// `target` or `drafter`.
    pub role: &'static str,
    /// For people.
    pub name: String,
    /// Its family.
    pub architecture: &'static str,
    files: Vec<String>,
    /// Types in the source, with the number of tensors of each.
    pub source_types: BTreeMap<String, usize>,
    /// Transformer layers.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    intermediate: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    /// Columns of the logits.
    pub vocabulary: usize,
    /// Rows of the caches.
    pub context: usize,
    rope_theta: f64,
    rms_norm_eps: f64,
    tied_embeddings: bool,
    /// Elements of all weights.
    pub parameters: u64,
}

#[derive(Debug, Serialize)]
struct DescribedText {
    tokenizer: Option<&'static str>,
    bos: Option<u32>,
    add_bos: bool,
    eos: Vec<u32>,
    chat_template: Option<String>,
}

/// Name of the tokenizer's file.
pub const TOKENIZER: &str = "tokenizer.json";

/// The description of models, each with its checkpoint and its files; `text` is the target's.
pub fn describe(
    models: &[(&Model, &Checkpoint, Vec<String>)],
    quantize: String,
    text: &Text,
) -> Description {
    Description {
        format_version: 1,
        tool: concat!("spec-import ", env!("CARGO_PKG_VERSION")),
        models: models.iter().map(|m| described(m.0, m.1, &m.2)).collect(),
        quantize,
        text: DescribedText {
            tokenizer: text.tokenizer_json.as_ref().map(|_| TOKENIZER),
            bos: text.bos,
            add_bos: text.add_bos,
            eos: text.eos.clone(),
            chat_template: text.chat_template.clone(),
        },
    }
}

fn described(model: &Model, source: &Checkpoint, files: &[String]) -> Described {
    let c = &model.config;
    let own = c.layers != source.config.layers;
    Described {
        role: model.role.name(),
        name: match (model.role, own) {
            (Role::Drafter, true) => format!("{}, {} layers", c.name, c.layers),
            _ => c.name.clone(),
        },
        architecture: c.architecture.name(),
        files: files.to_vec(),
        source_types: source.types.clone(),
        layers: c.layers,
        hidden: c.hidden,
        intermediate: c.intermediate,
        heads: c.heads,
        kv_heads: c.kv_heads,
        head_dim: c.head_dim,
        vocabulary: model.logits,
        context: model.context,
        rope_theta: c.rope_theta,
        rms_norm_eps: c.norm_eps,
        tied_embeddings: c.tied,
        parameters: parameters(c),
    }
}
