//! The table of tokens of a GGUF file.

use crate::error::ImportError;
use crate::gguf::Metadata;
use std::collections::HashMap;

/// What a token is, as llama.cpp numbers it.
const UNKNOWN: i64 = 2;
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;
const BYTE: i64 = 6;

/// Tokens in the order of their ids, no two alike.
pub(super) struct Table {
    tokens: Vec<String>,
    kinds: Vec<i64>,
    ids: HashMap<String, u32>,
}

impl Table {
    /// Reads it.
    ///
    /// # Errors
    /// [`ImportError::Damaged`] if it is missing, if a token is there twice, or if there are fewer types than tokens.
    pub fn read(metadata: &Metadata<'_>) -> Result<Self, ImportError> {
        let key = "tokenizer.ggml.tokens";
        let texts = metadata.texts(key)?.ok_or_else(|| metadata.missing(key))?;
        let damaged = |reason: String| ImportError::damaged(metadata.path, reason);
        let mut ids = HashMap::new();
        let mut tokens = vec![];
        for (i, text) in texts.into_iter().enumerate() {
            let id = u32::try_from(i)
                .map_err(|_| damaged(format!("{key:?} has more than 2^32 tokens")))?;
            let token = if text.is_empty() {
                format!("[EMPTY_{i}]")
            } else {
                text.to_owned()
            };
            if let Some(first) = ids.insert(token.clone(), id) {
                return Err(damaged(format!(
                    "tokens {first} and {id} are both {token:?}"
                )));
            }
            tokens.push(token);
        }
        let key = "tokenizer.ggml.token_type";
        let kinds = metadata.numbers(key)?.unwrap_or_default();
        if !kinds.is_empty() && kinds.len() < tokens.len() {
            return Err(damaged(format!(
                "{key:?} has {} values for {} tokens",
                kinds.len(),
                tokens.len()
            )));
        }
        let kinds = kinds.into_iter().map(|k| k as i64).collect();
        Ok(Self { tokens, kinds, ids })
    }

    /// All ids.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        (0u32..).take(self.tokens.len())
    }

    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    pub fn token(&self, id: u32) -> Option<&str> {
        self.tokens.get(id as usize).map(String::as_str)
    }

    pub fn find(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    fn is(&self, id: u32, kinds: &[i64]) -> bool {
        self.kinds
            .get(id as usize)
            .is_some_and(|k| kinds.contains(k))
    }

    /// Control tokens, the one for the unknown included. Without types: by the look of their names.
    pub fn is_control(&self, id: u32) -> bool {
        if self.kinds.is_empty() {
            let looks = |t: &str| {
                (t.starts_with("<|") && t.ends_with("|>")) || ["<s>", "</s>", "<unk>"].contains(&t)
            };
            return self.token(id).is_some_and(looks);
        }
        self.is(id, &[CONTROL, UNKNOWN])
    }

    pub fn is_user_defined(&self, id: u32) -> bool {
        self.is(id, &[USER_DEFINED])
    }

    /// Stands for a byte that no other token has.
    pub fn is_byte(&self, id: u32) -> bool {
        self.is(id, &[BYTE])
    }

    /// The first token for the unknown.
    pub fn unknown(&self) -> Option<u32> {
        self.ids().find(|id| self.is(*id, &[UNKNOWN]))
    }

    /// A token's id in the metadata. Ids out of range mean none: some converters write -1.
    pub fn id(&self, metadata: &Metadata<'_>, key: &str) -> Result<Option<u32>, ImportError> {
        let id = metadata
            .float(key)?
            .filter(|id| *id >= 0.0 && *id < self.tokens.len() as f64);
        Ok(id.map(|id| id as u32))
    }

    /// Tokens with their ids.
    pub fn vocabulary(&self) -> tokenizers::models::bpe::Vocab {
        self.ids
            .iter()
            .map(|(token, id)| (token.clone(), *id))
            .collect()
    }
}
