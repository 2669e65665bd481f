//! Tokenizer, special tokens, chat template.

use super::config::Raw;
use super::{Ids, json, optional, read as read_text};
use crate::error::ImportError;
use crate::source::Text;
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Generation {
    bos_token_id: Option<Ids>,
    eos_token_id: Option<Ids>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenizerConfig {
    add_bos_token: Option<bool>,
    bos_token: Option<Token>,
    eos_token: Option<Token>,
    chat_template: Option<Template>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Token {
    Name(String),
    Added { content: String },
}

impl Token {
    fn name(&self) -> &str {
        match self {
            Token::Name(name) | Token::Added { content: name } => name,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Template {
    One(String),
    Named(Vec<Named>),
}

#[derive(Deserialize)]
struct Named {
    name: String,
    template: String,
}

/// What the folder says of text.
///
/// # Errors
/// A file that is there cannot be read.
pub fn read(folder: &Path, config: &Raw, warnings: &mut Vec<String>) -> Result<Text, ImportError> {
    let path = folder.join("tokenizer.json");
    let (mut tokenizer_json, mut tokenizer) = (None, None);
    if path.exists() {
        tokenizer = Some(json::<Value>(&path)?);
        tokenizer_json = Some(read_text(&path)?);
    } else {
        warnings.push(
            "no tokenizer.json: programs will take token numbers only; write one with transformers' AutoTokenizer.save_pretrained".into(),
        );
    }
    let generation: Generation =
        optional(&folder.join("generation_config.json"))?.unwrap_or_default();
    let own: TokenizerConfig = optional(&folder.join("tokenizer_config.json"))?.unwrap_or_default();
    let id = |token: &Option<Token>| token_id(tokenizer.as_ref()?, token.as_ref()?.name());
    let first = |ids: &Option<Ids>| ids.as_ref()?.list().first().copied();
    let bos = id(&own.bos_token)
        .or(first(&config.bos_token_id))
        .or(first(&generation.bos_token_id));
    let mut eos: Vec<u32> = vec![];
    let listed = [&generation.eos_token_id, &config.eos_token_id];
    let listed = listed.into_iter().flatten().flat_map(Ids::list);
    for token in listed.chain(id(&own.eos_token)) {
        if !eos.contains(&token) {
            eos.push(token);
        }
    }
    let prepends = || Some(prepends(tokenizer.as_ref()?.get("post_processor")?, bos?));
    let add_bos = own.add_bos_token.or_else(prepends).unwrap_or(false);
    Ok(Text {
        tokenizer_json,
        bos,
        add_bos: add_bos && bos.is_some(),
        eos,
        chat_template: template(folder, own.chat_template)?,
    })
}

/// A file of its own, or a field of `tokenizer_config.json`; of several the one called default.
fn template(folder: &Path, field: Option<Template>) -> Result<Option<String>, ImportError> {
    let path = folder.join("chat_template.jinja");
    if path.exists() {
        return read_text(&path).map(Some);
    }
    Ok(match field {
        None => None,
        Some(Template::One(text)) => Some(text),
        Some(Template::Named(all)) => {
            let default = all.iter().position(|t| t.name == "default").unwrap_or(0);
            all.into_iter().nth(default).map(|t| t.template)
        }
    })
}

/// Number of a token in a `tokenizer.json`.
fn token_id(tokenizer: &Value, name: &str) -> Option<u32> {
    let added = tokenizer.get("added_tokens")?.as_array()?;
    let added = added.iter().find(|t| t["content"] == name);
    let id = match added {
        Some(token) => token.get("id")?,
        None => tokenizer.get("model")?.get("vocab")?.get(name)?,
    };
    u32::try_from(id.as_u64()?).ok()
}

/// Whether a post-processor puts the token in front of a text.
fn prepends(processor: &Value, bos: u32) -> bool {
    match processor["type"].as_str() {
        Some("Sequence") => {
            let inner = processor["processors"].as_array();
            inner.is_some_and(|all| all.iter().any(|p| prepends(p, bos)))
        }
        Some("TemplateProcessing") => {
            let name = &processor["single"][0]["SpecialToken"]["id"];
            let ids = name
                .as_str()
                .map(|n| &processor["special_tokens"][n]["ids"]);
            ids.is_some_and(|ids| ids[0].as_u64() == Some(bos.into()))
        }
        _ => false,
    }
}
