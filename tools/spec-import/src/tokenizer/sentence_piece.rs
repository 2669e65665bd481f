//! SentencePiece's BPE with scores, as Llama 2 has it: the merges are found from the scores, as Hugging Face's converter does.

use super::table::Table;
use crate::error::ImportError;
use crate::gguf::Metadata;
use tokenizers::Tokenizer;
use tokenizers::decoders::DecoderWrapper;
use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::decoders::strip::Strip;
use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::{NormalizerWrapper, Prepend, Replace, Sequence};

/// Stands for a space.
const SPACE: &str = "▁";

/// Longer tokens, in bytes, are not taken apart: no text has them, and finding their halves takes the square of their length.
const LONGEST: usize = 512;

/// Builds the tokenizer, its added tokens not yet there.
pub(super) fn build(metadata: &Metadata<'_>, table: &Table) -> Result<Tokenizer, ImportError> {
    let damaged = |reason: String| ImportError::damaged(metadata.path, reason);
    let impossible = |e: tokenizers::Error| damaged(format!("its tokens are impossible: {e}"));
    let key = "tokenizer.ggml.scores";
    let scores = metadata
        .numbers(key)?
        .ok_or_else(|| metadata.missing(key))?;
    if scores.len() < table.len() {
        return Err(damaged(format!(
            "{key:?} has {} values for {} tokens",
            scores.len(),
            table.len()
        )));
    }
    let unknown = table
        .id(metadata, "tokenizer.ggml.unknown_token_id")?
        .or_else(|| table.unknown());
    let fallback = table.ids().any(|id| table.is_byte(id)) || table.find("<0x00>").is_some();
    let mut model = BPE::builder()
        .vocab_and_merges(table.vocabulary(), merges(table, &scores))
        .fuse_unk(true)
        .byte_fallback(fallback);
    if let Some(token) = unknown.and_then(|id| table.token(id)) {
        model = model.unk_token(token.to_owned());
    }
    let mut tokenizer = Tokenizer::new(model.build().map_err(impossible)?);
    let prefix = metadata
        .flag("tokenizer.ggml.add_space_prefix")?
        .unwrap_or(true);
    let mut normalizers: Vec<NormalizerWrapper> = vec![];
    let mut decoders: Vec<DecoderWrapper> = vec![
        Replace::new(SPACE, " ").map_err(impossible)?.into(),
        ByteFallback::new().into(),
        Fuse::new().into(),
    ];
    if prefix {
        normalizers.push(Prepend::new(SPACE.to_owned()).into());
        decoders.push(Strip::new(' ', 1, 0).into());
    }
    normalizers.push(Replace::new(" ", SPACE).map_err(impossible)?.into());
    tokenizer
        .with_normalizer(Some(Sequence::new(normalizers)))
        .map_err(impossible)?;
    tokenizer.with_decoder(Some(Decoders::new(decoders)));
    Ok(tokenizer)
}

/// All pairs of tokens that are a token together: highest score first, then the longest halves.
fn merges(table: &Table, scores: &[f64]) -> Vec<(String, String)> {
    struct Merge<'a> {
        score: f64,
        ids: (u32, u32),
        halves: (&'a str, &'a str),
    }
    let mut all: Vec<Merge<'_>> = vec![];
    for (id, score) in table.ids().zip(scores) {
        let Some(token) = table.token(id).filter(|t| t.len() <= LONGEST) else {
            continue;
        };
        let start = all.len();
        for (at, _) in token.char_indices().skip(1) {
            let halves = token.split_at(at);
            if let (Some(left), Some(right)) = (table.find(halves.0), table.find(halves.1)) {
                let (score, ids) = (*score, (left, right));
                all.push(Merge { score, ids, halves });
            }
        }
        if let Some(own) = all.get_mut(start..) {
            own.sort_by_key(|m| m.ids);
        }
    }
    all.sort_by(|a, b| {
        let lengths = |m: &Merge<'_>| (m.halves.0.chars().count(), m.halves.1.chars().count());
        b.score
            .total_cmp(&a.score)
            .then_with(|| lengths(b).cmp(&lengths(a)))
    });
    let owned = |m: Merge<'_>| (m.halves.0.to_owned(), m.halves.1.to_owned());
    all.into_iter().map(owned).collect()
}
