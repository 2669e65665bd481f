//! Prompt sets: those of the repository, and files of the same form.

use crate::error::BenchError;
use serde::Deserialize;

/// What a prompt is for: acceptance is measured on some, and judged on others.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Split {
    Calibrate,
    Judge,
}

/// One prompt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prompt {
    /// Unique: the task and a number.
    pub(crate) id: String,
    pub(crate) task: String,
    pub(crate) split: Split,
    pub(crate) text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    task: String,
    prompt: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    split: Split,
    text: String,
}

/// Name and text of the sets that are built in.
const BUILT_IN: [(&str, &str); 4] = [
    ("translation", include_str!("../prompts/translation.toml")),
    ("summary", include_str!("../prompts/summary.toml")),
    ("chat", include_str!("../prompts/chat.toml")),
    ("code", include_str!("../prompts/code.toml")),
];

/// The prompts of `sets` for `split`, at most `most` of each set. A set is `all`, a name of those built in, or a path.
pub(crate) fn load(sets: &[String], split: Split, most: usize) -> Result<Vec<Prompt>, BenchError> {
    let mut all: Vec<Prompt> = vec![];
    for set in sets {
        if set == "all" {
            for (name, text) in BUILT_IN {
                all.extend(parse(text, name, split, most)?);
            }
            continue;
        }
        let found = match BUILT_IN.iter().find(|(name, _)| name == set) {
            Some((name, text)) => parse(text, name, split, most)?,
            None if set.ends_with(".toml") || set.contains('/') => {
                let path = std::path::Path::new(set);
                let text = std::fs::read_to_string(path).map_err(BenchError::reading(path))?;
                parse(&text, set, split, most)?
            }
            None => {
                let names: Vec<&str> = BUILT_IN.iter().map(|(n, _)| *n).collect();
                return Err(BenchError::Usage(format!(
                    "there is no prompt set {set:?}; built in are all, {}; or give the path of a file (*.toml)",
                    names.join(", ")
                )));
            }
        };
        all.extend(found);
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|p| seen.insert(p.id.clone()));
    if all.is_empty() {
        return Err(BenchError::Usage(format!(
            "no prompts for {}: the sets have none with split = {0:?}",
            match split {
                Split::Calibrate => "calibrate",
                Split::Judge => "judge",
            }
        )));
    }
    Ok(all)
}

fn parse(text: &str, path: &str, split: Split, most: usize) -> Result<Vec<Prompt>, BenchError> {
    let failed = |message: String| BenchError::Prompts {
        path: path.to_owned(),
        message,
    };
    let file: File = toml::from_str(text).map_err(|e| failed(e.to_string()))?;
    if file.task.is_empty() || file.task == "all" {
        return Err(failed("task: needs a name, other than all".to_owned()));
    }
    let prompts = file.prompt.into_iter().enumerate().map(|(i, p)| Prompt {
        id: format!("{}-{}", file.task, i + 1),
        task: file.task.clone(),
        split: p.split,
        text: p.text.trim().to_owned(),
    });
    let prompts: Vec<Prompt> = prompts.collect();
    if let Some(empty) = prompts.iter().find(|p| p.text.is_empty()) {
        return Err(failed(format!("prompt {} is empty", empty.id)));
    }
    Ok(prompts
        .into_iter()
        .filter(|p| p.split == split)
        .take(most)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_sets_are_complete() {
        for (name, text) in BUILT_IN {
            let count = |split| parse(text, name, split, 99).expect(name).len();
            let (calibrate, judge) = (count(Split::Calibrate), count(Split::Judge));
            assert!(
                calibrate + judge >= 12 && calibrate.abs_diff(judge) <= 1,
                "{name}"
            );
            assert!(text.contains("Apache-2.0"), "{name}");
            let all =
                [Split::Calibrate, Split::Judge].map(|s| parse(text, name, s, 99).expect(name));
            let texts: std::collections::HashSet<String> =
                all.iter().flatten().map(|p| p.text.clone()).collect();
            assert_eq!(texts.len(), calibrate + judge, "{name}: a prompt twice");
        }
    }

    #[test]
    fn sets_are_found_and_cut() {
        let sets = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let all = load(&sets(&["all", "code"]), Split::Judge, 2).expect("built in");
        assert_eq!(all.len(), 8, "code is in all already");
        let error = load(&sets(&["poems"]), Split::Judge, 2)
            .expect_err("none")
            .to_string();
        assert!(
            error.contains("poems") && error.contains("translation, summary"),
            "{error}"
        );
        let wrong = parse(
            "task = \"t\"\nprompt = [{ split = \"x\", text = \"y\" }]",
            "f",
            Split::Judge,
            1,
        );
        assert!(
            wrong
                .expect_err("no such split")
                .to_string()
                .starts_with("f: ")
        );
    }
}
