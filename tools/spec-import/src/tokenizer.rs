//! Tokenizers of GGUF files as Hugging Face's `tokenizer.json`.
//!
//! Where llama.cpp and the models' original tokenizers differ, the original is followed.

mod byte_level;
mod sentence_piece;
mod table;
#[cfg(test)]
mod tests;

use crate::error::ImportError;
use crate::gguf::Metadata;
use crate::source::Text;
use table::Table;
use tokenizers::processors::PostProcessorWrapper;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer};

/// Names of tokens that end an answer or a text, in whatever model.
const ENDS: &[&str] = &[
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<EOT>",
    "[EOT]",
    "</s>",
    "<｜end▁of▁sentence｜>",
];

/// The tokenizer of a file; none if it has none.
///
/// # Errors
/// [`ImportError::Unsupported`] for other kinds of tokenizers than byte-level BPE and SentencePiece, and for splits of text that are
/// not known; [`ImportError::Damaged`] for what contradicts itself.
pub(crate) fn text(metadata: &Metadata<'_>) -> Result<Text, ImportError> {
    let key = "tokenizer.ggml.model";
    let pieces = match metadata.text(key)? {
        None | Some("none" | "no_vocab") => return Ok(Text::default()),
        Some("gpt2") => false,
        Some("llama") => true,
        Some(other) => {
            let reason =
                format!("a tokenizer of the kind {other:?}; gpt2 and llama can be imported");
            return Err(ImportError::unsupported(metadata.path, reason));
        }
    };
    let table = Table::read(metadata)?;
    let mut tokenizer = if pieces {
        sentence_piece::build(metadata, &table)?
    } else {
        byte_level::build(metadata, &table)?
    };
    let failed = |e: tokenizers::Error| {
        ImportError::damaged(metadata.path, format!("its tokenizer is impossible: {e}"))
    };
    tokenizer.add_tokens(added(&table)).map_err(failed)?;

    let id = |key: &str| table.id(metadata, &format!("tokenizer.ggml.{key}_token_id"));
    // what SentencePiece's own files have, if the metadata say nothing
    let usual = |id: u32| Some(id).filter(|id| pieces && table.is_control(*id));
    let (bos, eos) = (id("bos")?.or(usual(1)), id("eos")?.or(usual(2)));
    let flag = |key: &str| metadata.flag(&format!("tokenizer.ggml.{key}"));
    let by_default = pieces || byte_level::begins_by_default(metadata)?;
    let add_bos = flag("add_bos_token")?.unwrap_or(by_default) && bos.is_some();
    let add_eos = flag("add_eos_token")?.unwrap_or(false) && eos.is_some();
    let begin = bos
        .filter(|_| add_bos)
        .and_then(|b| Some((b, table.token(b)?)));
    let end = eos
        .filter(|_| add_eos)
        .and_then(|e| Some((e, table.token(e)?)));
    if let Some(template) = template(begin, end).map_err(failed)? {
        add_template(&mut tokenizer, template);
    }

    let mut ends = vec![];
    let named = ENDS
        .iter()
        .filter_map(|name| table.find(name))
        .filter(|id| table.is_control(*id));
    for end in eos
        .into_iter()
        .chain(id("eot")?)
        .chain(id("eom")?)
        .chain(named)
    {
        if !ends.contains(&end) {
            ends.push(end);
        }
    }
    Ok(Text {
        tokenizer_json: Some(tokenizer.to_string(false).map_err(failed)?),
        bos,
        add_bos,
        eos: ends,
        chat_template: metadata.text("tokenizer.chat_template")?.map(str::to_owned),
    })
}

/// Tokens that are found in a text before it is split: control tokens, and those that the user defined.
fn added(table: &Table) -> Vec<AddedToken> {
    let of = |id: u32| {
        let control = table.is_control(id);
        let wanted = control || table.is_user_defined(id);
        let token = table.token(id).filter(|_| wanted)?;
        Some(AddedToken::from(token, control).normalized(false))
    };
    table.ids().filter_map(of).collect()
}

/// Puts tokens around a text.
fn template(
    begin: Option<(u32, &str)>,
    end: Option<(u32, &str)>,
) -> Result<Option<TemplateProcessing>, tokenizers::Error> {
    if begin.is_none() && end.is_none() {
        return Ok(None);
    }
    // as JSON: the builder's language of templates cannot quote tokens' names
    let special = |(_, token): (u32, &str), part: u32| serde_json::json!({ "SpecialToken": { "id": token, "type_id": part } });
    let part = |name: &str, part: u32| {
        let text = serde_json::json!({ "Sequence": { "id": name, "type_id": part } });
        let around = begin.map(|b| special(b, part)).into_iter().chain([text]);
        around
            .chain(end.map(|e| special(e, part)))
            .collect::<Vec<_>>()
    };
    let tokens = [begin, end].into_iter().flatten();
    let tokens = tokens.map(|(id, token)| {
        (
            token.to_owned(),
            serde_json::json!({ "id": token, "ids": [id], "tokens": [token] }),
        )
    });
    let pair = [part("A", 0), part("B", 1)].concat();
    let json = serde_json::json!({
        "type": "TemplateProcessing",
        "single": part("A", 0),
        "pair": pair,
        "special_tokens": tokens.collect::<serde_json::Map<_, _>>(),
    });
    Ok(Some(serde_json::from_value(json)?))
}

/// After what is there already.
fn add_template(tokenizer: &mut Tokenizer, template: TemplateProcessing) {
    let template = PostProcessorWrapper::Template(template);
    let all = match tokenizer.get_post_processor().cloned() {
        Some(first) => {
            tokenizers::processors::sequence::Sequence::new(vec![first, template]).into()
        }
        None => template,
    };
    tokenizer.with_post_processor(Some(all));
}
