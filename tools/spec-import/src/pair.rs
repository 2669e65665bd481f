//! Whether a drafter and a target speak of the same tokens.

use crate::checkpoint::Checkpoint;
use crate::error::ImportError;
use crate::weights::parameters;
use serde_json::Value;
use std::collections::BTreeMap;

/// Tokens by their numbers.
type Vocabulary = BTreeMap<u32, String>;

/// What a pair agrees on.
#[derive(Debug)]
pub struct Agreement {
    /// Columns of the logits of both.
    pub logits: usize,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// The tokens that both models know.
///
/// # Errors
/// They differ, or the smaller embedding has no row for one of them.
pub fn agree(target: &Checkpoint, drafter: &Checkpoint) -> Result<Agreement, ImportError> {
    let mut warnings = vec![];
    let sizes = [target, drafter].map(|c| parameters(&c.config));
    if sizes[1] >= sizes[0] {
        warnings.push(format!(
            "the drafter has {} parameters, the target {}: a drafter should be the smaller one; are they the wrong way round?",
            sizes[1], sizes[0]
        ));
    }
    let rows = [target, drafter].map(|c| c.config.vocabulary);
    let logits = rows[0].min(rows[1]);
    let [t, d] = [target, drafter].map(vocabulary);
    match (t?, d?) {
        (Some(t), Some(d)) => {
            same(&t, &d).map_err(ImportError::Pair)?;
            let last = t.keys().next_back().copied().unwrap_or(0);
            if rows[0] != rows[1] && last as usize >= logits {
                return Err(ImportError::Pair(format!(
                    "the embeddings have {} (target) and {} (drafter) rows, and the tokenizer has a token {last}: the smaller one has no row for it; take a drafter of the target's family",
                    rows[0], rows[1]
                )));
            }
        }
        _ if rows[0] != rows[1] => {
            return Err(ImportError::Pair(format!(
                "the vocabularies have {} (target) and {} (drafter) tokens, and without a tokenizer of both nothing says that they are the same; add tokenizer.json to their folders",
                rows[0], rows[1]
            )));
        }
        _ => warnings.push(
            "the vocabularies are of the same size, but without a tokenizer of both nothing says that they are the same".into(),
        ),
    }
    if rows[0] != rows[1] {
        warnings.push(format!(
            "the embeddings have {} (target) and {} (drafter) rows, padding included: logits are cut to {logits}",
            rows[0], rows[1]
        ));
    }
    Ok(Agreement { logits, warnings })
}

/// The first token that differs.
fn same(target: &Vocabulary, drafter: &Vocabulary) -> Result<(), String> {
    let shown = |token: Option<&String>| token.map_or("nothing".into(), |t| format!("{t:?}"));
    let ids = target.keys().chain(drafter.keys());
    let differs = ids.copied().filter(|id| target.get(id) != drafter.get(id));
    match differs.min() {
        None => Ok(()),
        Some(id) => Err(format!(
            "token {id} is {} in the target's tokenizer and {} in the drafter's ({} and {} tokens); take a drafter of the target's family, or --self-draft",
            shown(target.get(&id)),
            shown(drafter.get(&id)),
            target.len(),
            drafter.len()
        )),
    }
}

/// The tokens of a checkpoint; none if it has no tokenizer.
///
/// # Errors
/// Its tokenizer is not understood.
pub fn vocabulary(checkpoint: &Checkpoint) -> Result<Option<Vocabulary>, ImportError> {
    let Some(text) = &checkpoint.text.tokenizer_json else {
        return Ok(None);
    };
    let value: Option<Value> = serde_json::from_str(text).ok();
    let read = value.as_ref().and_then(tokens);
    let reason = "its tokenizer has no vocabulary that is understood (model.vocab of a tokenizer.json); save it again with a recent transformers";
    read.map(Some)
        .ok_or_else(|| ImportError::damaged(&checkpoint.path, reason))
}

fn tokens(tokenizer: &Value) -> Option<Vocabulary> {
    let number = |v: &Value| u32::try_from(v.as_u64()?).ok();
    let mut all = Vocabulary::new();
    match tokenizer.get("model")?.get("vocab")? {
        // BPE, WordPiece, WordLevel
        Value::Object(map) => {
            for (token, id) in map {
                all.insert(number(id)?, token.clone());
            }
        }
        // Unigram: pairs of token and score
        Value::Array(list) => {
            for (id, pair) in list.iter().enumerate() {
                all.insert(u32::try_from(id).ok()?, pair.get(0)?.as_str()?.to_owned());
            }
        }
        _ => return None,
    }
    let added = tokenizer.get("added_tokens").and_then(Value::as_array);
    for token in added.into_iter().flatten() {
        let content = token.get("content")?.as_str()?;
        all.insert(number(token.get("id")?)?, content.to_owned());
    }
    // what llama.cpp's converter calls rows of the embedding that no token has
    all.retain(|id, token| *token != format!("[PAD{id}]"));
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> Vocabulary {
        tokens(&value).unwrap()
    }

    #[test]
    fn added_tokens_count_and_forms_are_equal() {
        let map = of(
            json!({"model": {"vocab": {"a": 0, "b": 1}}, "added_tokens": [{"id": 2, "content": "<s>"}]}),
        );
        let list = of(json!({"model": {"vocab": [["a", -1.0], ["b", -2.0], ["<s>", 0.0]]}}));
        assert_eq!(map, list);
        assert_eq!(same(&map, &list), Ok(()));
    }

    #[test]
    fn padding_is_no_token() {
        let map = of(json!({"model": {"vocab": {"a": 0, "[PAD]": 1, "[PAD2]": 2, "[PAD7]": 3}}}));
        let names: Vec<&str> = map.values().map(String::as_str).collect();
        assert_eq!(names, ["a", "[PAD]", "[PAD7]"]);
    }

    #[test]
    fn the_first_difference_is_told() {
        let a = of(json!({"model": {"vocab": {"a": 0, "b": 1, "c": 2}}}));
        let b = of(json!({"model": {"vocab": {"a": 0, "x": 1}}}));
        let error = same(&a, &b).unwrap_err();
        assert!(
            error.contains(r#"token 1 is "b" in the target's tokenizer and "x""#),
            "{error}"
        );
        let short = of(json!({"model": {"vocab": {"a": 0, "b": 1}}}));
        let error = same(&a, &short).unwrap_err();
        assert!(
            error.contains(r#"token 2 is "c" in the target's tokenizer and nothing"#),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_vocabulary_is_refused() {
        for bad in [
            json!({}),
            json!({"model": {"vocab": 3}}),
            json!({"model": {"vocab": {"a": -1}}}),
        ] {
            assert!(tokens(&bad).is_none(), "{bad}");
        }
    }
}
