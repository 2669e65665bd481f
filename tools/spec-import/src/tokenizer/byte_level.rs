//! BPE on bytes: GPT-2's kind. `tokenizer.ggml.pre` says how text is split before.

use super::table::Table;
use crate::error::ImportError;
use crate::gguf::Metadata;
use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{PreTokenizerWrapper, SplitDelimiterBehavior, Tokenizer};

const PRE: &str = "tokenizer.ggml.pre";

const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const SEED: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
/// One after the other.
const DEEPSEEK_CODER: &[&str] = &[
    r"[\r\n]",
    r"\s?\p{L}+",
    r"\s?\p{P}+",
    r"[一-龥ࠀ-一가-퟿]+",
    r"\p{N}",
];
/// What llama.cpp does where it is not told.
const UNTOLD: &[&str] = &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"];

/// How a text is split into words.
#[derive(Clone, Copy)]
enum Words {
    /// At these expressions, one after the other.
    Split(&'static [&'static str]),
    /// Digits one by one, then as GPT-2.
    DigitsAndGpt2,
    /// As GPT-2.
    Gpt2,
}

/// What `tokenizer.ggml.pre` stands for.
struct Rules {
    names: &'static [&'static str],
    words: Words,
    /// Canonical composition first.
    nfc: bool,
    /// Words that are tokens are not built by merges.
    ignore_merges: bool,
    /// Texts begin with a token unless the file says otherwise.
    begins: bool,
}

const fn rules(names: &'static [&'static str], words: Words) -> Rules {
    Rules {
        names,
        words,
        nfc: false,
        ignore_merges: false,
        begins: false,
    }
}

/// All splits that models of the known architectures have.
const RULES: &[Rules] = &[
    Rules {
        ignore_merges: true,
        begins: true,
        ..rules(
            &["llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"],
            Words::Split(&[LLAMA3]),
        )
    },
    rules(&["smaug-bpe"], Words::Split(&[LLAMA3])),
    Rules {
        nfc: true,
        ..rules(
            &["qwen2", "deepseek-r1-qwen", "megrez"],
            Words::Split(&[QWEN2]),
        )
    },
    Rules {
        ignore_merges: true,
        begins: true,
        ..rules(&["tekken"], Words::Split(&[TEKKEN]))
    },
    rules(&["seed-coder"], Words::Split(&[SEED])),
    rules(
        &["smollm", "starcoder", "refact", "minerva-7b", "codeshell"],
        Words::DigitsAndGpt2,
    ),
    Rules {
        nfc: true,
        ..rules(&["command-r"], Words::DigitsAndGpt2)
    },
    rules(
        &["gpt-2", "phi-2", "olmo", "mellum", "trillion"],
        Words::Gpt2,
    ),
    rules(&["deepseek-coder"], Words::Split(DEEPSEEK_CODER)),
    rules(&["default"], Words::Split(UNTOLD)),
];

fn find(metadata: &Metadata<'_>) -> Result<&'static Rules, ImportError> {
    let name = metadata
        .text(PRE)?
        .filter(|n| !n.is_empty())
        .unwrap_or("default");
    RULES
        .iter()
        .find(|r| r.names.contains(&name))
        .ok_or_else(|| {
            let known: Vec<_> = RULES.iter().flat_map(|r| r.names).copied().collect();
            let known = known.join(", ");
            let reason = format!("{PRE:?} is {name:?}, which is not known; known are {known}");
            ImportError::unsupported(metadata.path, reason)
        })
}

/// Whether texts begin with a token if the file does not say.
pub(super) fn begins_by_default(metadata: &Metadata<'_>) -> Result<bool, ImportError> {
    find(metadata).map(|r| r.begins)
}

/// Builds the tokenizer, its added tokens not yet there.
pub(super) fn build(metadata: &Metadata<'_>, table: &Table) -> Result<Tokenizer, ImportError> {
    let rules = find(metadata)?;
    let damaged = |reason: String| ImportError::damaged(metadata.path, reason);
    let key = "tokenizer.ggml.merges";
    let texts = metadata.texts(key)?.ok_or_else(|| metadata.missing(key))?;
    let mut merges = Vec::new();
    for (i, text) in texts.into_iter().enumerate() {
        // the first half may begin with a space, and is not empty
        let second = text.char_indices().nth(1).map_or(text.len(), |(at, _)| at);
        let at = text
            .get(second..)
            .and_then(|rest| rest.find(' '))
            .map(|at| at + second);
        let halves = at.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?)));
        let (left, right) = halves
            .ok_or_else(|| damaged(format!("{key}[{i}] is {text:?}, which are not two tokens")))?;
        // the crate that builds the merges takes for granted that their results are tokens
        for token in [left, right, &format!("{left}{right}")] {
            if table.find(token).is_none() {
                return Err(damaged(format!(
                    "{key}[{i}] is {text:?}, but {token:?} is no token"
                )));
            }
        }
        merges.push((left.to_owned(), right.to_owned()));
    }
    let impossible =
        |e: tokenizers::Error| damaged(format!("{key:?} and the tokens do not fit: {e}"));
    let model = BPE::builder()
        .vocab_and_merges(table.vocabulary(), merges)
        .ignore_merges(rules.ignore_merges);
    let mut tokenizer = Tokenizer::new(model.build().map_err(impossible)?);
    if rules.nfc {
        tokenizer.with_normalizer(Some(NFC)).map_err(impossible)?;
    }
    let words = words(rules.words).map_err(impossible)?;
    tokenizer.with_pre_tokenizer(Some(words));
    tokenizer.with_post_processor(Some(ByteLevel::new(false, false, true)));
    tokenizer.with_decoder(Some(ByteLevel::new(false, true, true)));
    Ok(tokenizer)
}

fn words(words: Words) -> Result<PreTokenizerWrapper, tokenizers::Error> {
    let all: Vec<PreTokenizerWrapper> = match words {
        Words::Gpt2 => return Ok(ByteLevel::new(false, true, true).into()),
        Words::DigitsAndGpt2 => vec![
            Digits::new(true).into(),
            ByteLevel::new(false, true, true).into(),
        ],
        Words::Split(expressions) => {
            let split = |e: &&str| {
                let pattern = SplitPattern::Regex((*e).to_owned());
                Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
                    .map(PreTokenizerWrapper::from)
            };
            let mut all = expressions
                .iter()
                .map(split)
                .collect::<Result<Vec<_>, _>>()?;
            all.push(ByteLevel::new(false, true, false).into());
            all
        }
    };
    Ok(Sequence::new(all).into())
}
