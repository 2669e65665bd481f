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
    /// Unique: the task, the number in its file, and the kind if it has one.
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
    /// What sort of prompt of the task it is, such as the language.
    kind: Option<String>,
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
        id: match p.kind {
            Some(kind) => format!("{}-{}-{kind}", file.task, i + 1),
            None => format!("{}-{}", file.task, i + 1),
        },
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
    use std::collections::BTreeMap;

    /// The kind of a built-in prompt: what follows the task and the number.
    fn kind(prompt: &Prompt) -> String {
        prompt.id.split('-').skip(2).collect()
    }

    /// How many prompts there are of each kind.
    fn kinds(prompts: &[Prompt]) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for prompt in prompts {
            *counts.entry(kind(prompt)).or_insert(0) += 1;
        }
        counts
    }

    fn words(prompts: &[Prompt]) -> f64 {
        let sum: usize = prompts
            .iter()
            .map(|p| p.text.split_whitespace().count())
            .sum();
        sum as f64 / prompts.len() as f64
    }

    /// Both halves have as many prompts of each kind, in the same order of kinds, and are as long; so it is for the first few of them.
    #[test]
    fn the_halves_of_the_built_in_sets_are_exchangeable() {
        let expected = [
            (
                "translation",
                &["French", "German", "Italian", "Portuguese", "Spanish"][..],
            ),
            (
                "summary",
                &["history", "minutes", "news", "review", "science"],
            ),
            (
                "chat",
                &["advise", "compare", "explain", "list", "plan", "write"],
            ),
            (
                "code",
                &[
                    "C",
                    "JavaScript",
                    "Python",
                    "Rust",
                    "SQL",
                    "algorithm",
                    "shell",
                ],
            ),
        ];
        let mut texts = std::collections::HashSet::new();
        for ((name, text), (task, names)) in BUILT_IN.into_iter().zip(expected) {
            assert!(text.contains("Apache-2.0"), "{name}");
            let halves =
                [Split::Calibrate, Split::Judge].map(|s| parse(text, name, s, 999).expect(name));
            let [calibrate, judge] = &halves;
            assert_eq!((name, calibrate.len(), judge.len()), (task, 50, 50));
            assert!(
                calibrate.iter().map(kind).eq(judge.iter().map(kind)),
                "{name}: pairs of a kind"
            );
            assert!(
                kinds(calibrate)
                    .into_keys()
                    .eq(names.iter().map(|n| (*n).to_owned())),
                "{name}"
            );
            assert!(
                kinds(calibrate).values().all(|n| *n >= 5),
                "{name}: {:?}",
                kinds(calibrate)
            );
            let longer = words(calibrate) / words(judge);
            assert!((0.9..1.1).contains(&longer), "{name}: {longer}");
            // the first ones are as mixed as all
            for few in [names.len(), 2 * names.len(), 25] {
                for (kind, count) in kinds(&parse(text, name, Split::Judge, few).expect(name)) {
                    let share = few as f64 * kinds(judge)[&kind] as f64 / 50.0;
                    assert!(
                        (count as f64 - share).abs() <= 1.5,
                        "{name}, {kind}: {count} of {few}"
                    );
                }
            }
            for prompt in halves.iter().flatten() {
                assert_eq!(prompt.task, task);
                assert!(texts.insert(prompt.text.clone()), "twice: {}", prompt.id);
            }
        }
        assert_eq!(texts.len(), 400);
    }

    /// Sentences to translate have 15 to 35 words, texts to summarise 55 to 110.
    #[test]
    fn built_in_texts_are_of_the_length_that_they_should_be() {
        let set = |name: &str| load(&[name.to_owned()], Split::Judge, 99).expect("built in");
        // the request itself has up to 16 words more
        for (name, least, most) in [("translation", 15, 35), ("summary", 55, 110)] {
            for prompt in set(name) {
                let words = prompt.text.split_whitespace().count();
                assert!(
                    (least..=most + 16).contains(&words),
                    "{}: {words}",
                    prompt.id
                );
            }
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
