//! Rules about documents.

use super::Violations;
use super::code::devices;
use super::tree::{Tree, base, has_word};

/// Documents whose paths are checked.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
];

pub(crate) fn missing_paths(tree: &Tree) -> Violations {
    let mut wrong = vec![];
    for document in DOCUMENTS {
        if !tree.exists(document) {
            wrong.push(format!("{document}: is not there"));
        }
        for (i, line) in tree.text(document).lines().enumerate() {
            let missing = paths(line, &tree.top_level())
                .into_iter()
                .filter(|p| !is_there(tree, p));
            wrong.extend(missing.map(|p| format!("{document}:{}: {p} does not exist", i + 1)));
        }
    }
    wrong
}

/// What a line names as a path: a link's target; a word that starts with a top-level folder; in a code span, a path that ends
/// in `/` or as a source file does.
fn paths(line: &str, top_level: &[&str]) -> Vec<String> {
    let mut found = vec![];
    for link in line.split("](").skip(1) {
        let target = link.split([')', '#', ' ']).next().unwrap_or_default();
        if !target.is_empty() && !target.contains("://") {
            found.push(target.to_owned());
        }
    }
    let words = line.split(|c: char| c.is_whitespace() || "`'\"()[],;|".contains(c));
    for word in words.map(|w| {
        w.split(['#', ':']) // an anchor; file:line:column
            .next()
            .unwrap_or(w)
            .trim_end_matches(['.', ':'])
    }) {
        let (first, rest) = word.split_once('/').unwrap_or((word, ""));
        if top_level.contains(&first)
            && word.contains('/')
            && (!rest.is_empty() || word.ends_with('/'))
        {
            found.push(word.to_owned());
        }
    }
    for span in line
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|s| !s.contains(char::is_whitespace))
    {
        let source = [".rs", ".md", ".sh", ".td", ".cpp", ".h"]
            .iter()
            .any(|e| span.ends_with(e));
        let folder = span.ends_with('/') && span.len() > 1;
        if (source || folder) && !span.contains("://") {
            found.push(span.to_owned());
        }
    }
    for path in &mut found {
        *path = without_position(path).to_owned();
    }
    found.sort();
    found.dedup();
    found
}

/// The path without `:line:column`.
fn without_position(word: &str) -> &str {
    let end = word
        .find(':')
        .filter(|i| word[i + 1..].starts_with(|c: char| c.is_ascii_digit()));
    &word[..end.unwrap_or(word.len())]
}

/// Exists from the root; or, without a folder, anywhere. What follows a placeholder (`<name>`, `*`) is not checked.
fn is_there(tree: &Tree, path: &str) -> bool {
    let path = path.trim_start_matches("./");
    if let Some(at) = path.find(['<', '*', '{']) {
        return path[..at]
            .rfind('/')
            .is_none_or(|slash| tree.exists(&path[..slash]));
    }
    let bare = !path.trim_end_matches('/').contains('/');
    tree.exists(path)
        || (bare
            && tree
                .files
                .keys()
                .any(|p| base(p) == path || p.split('/').any(|c| format!("{c}/") == path)))
}

pub(crate) fn undocumented_devices(tree: &Tree) -> Violations {
    let pages: String = tree
        .texts(|p| p.ends_with(".md") && (p.starts_with("docs/") || p == "README.md"))
        .map(|(_, t)| t)
        .collect();
    let builtin = tree.text("cost/src/soc_file.rs");
    let places = |d: &str| {
        let page = (!has_word(&pages, d)).then_some("no page of docs/ names it");
        let list = (!has_word(builtin, d)).then_some("cost/src/soc_file.rs does not build it in");
        page.into_iter().chain(list)
    };
    let wrong = |d| places(d).map(move |what| format!("cost/devices/{d}.toml: {what}"));
    devices(tree).into_iter().flat_map(wrong).collect()
}

pub(crate) fn changelog(tree: &Tree) -> Violations {
    let manifest = tree.text("Cargo.toml");
    let version = manifest
        .lines()
        .find_map(|l| l.strip_prefix("version = \"")?.strip_suffix('"'));
    let Some(version) = version else {
        return vec!["Cargo.toml: no version".into()];
    };
    let heading = format!("## {version}");
    let there = tree
        .text("CHANGELOG.md")
        .lines()
        .any(|l| l.starts_with(&heading));
    if there {
        vec![]
    } else {
        vec![format!("CHANGELOG.md: no heading '{heading}'")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_paths_are_found() {
        let n = |text: &str| {
            let mut files: Vec<_> = DOCUMENTS.iter().map(|d| (*d, "")).collect();
            files[0].1 = text;
            files.extend([("passes/src/place.rs", ""), ("docs/a.md", "")]);
            missing_paths(&Tree::made_up(&files)).len()
        };
        assert_eq!(
            n(
                "`passes/src/gone.rs`, passes/src/gone, [x](docs/b.md#c), `gone.rs`, `gone/`, see passes/gone."
            ),
            6
        );
        assert_eq!(
            n(
                "`passes/src/place.rs` [x](docs/a.md#c) [y](https://a.b/c.md) `place.rs` `passes/` `src/` 3/4 and/or"
            ),
            0
        );
        assert_eq!(
            n(
                "`passes/src/<name>.rs` `passes/<pass>/` spec-opt passes/src/*.rs model.mlir [passes/src/place.rs:16:3]"
            ),
            0
        );
        assert_eq!(n("`passes/gone/<name>.rs`"), 1);
        assert_eq!(missing_paths(&Tree::made_up(&[])).len(), DOCUMENTS.len());
    }

    #[test]
    fn undocumented_devices_are_found() {
        let n = |page: &str, list: &str| {
            let files = [
                ("cost/devices/x.toml", ""),
                ("docs/a.md", page),
                ("cost/src/soc_file.rs", list),
            ];
            undocumented_devices(&Tree::made_up(&files)).len()
        };
        assert_eq!(
            (n("xy", "y"), n("| x |", ""), n("| x |", "(\"x\", y)")),
            (2, 1, 0)
        );
    }

    #[test]
    fn a_missing_version_is_found() {
        let n = |log: &str| {
            changelog(&Tree::made_up(&[
                ("Cargo.toml", "version = \"0.2.0\"\n"),
                ("CHANGELOG.md", log),
            ]))
            .len()
        };
        assert_eq!(
            (n("## 0.1.0\n"), n("# Log\n## 0.2.0 (unreleased)\n")),
            (1, 0)
        );
        assert_eq!(changelog(&Tree::made_up(&[])).len(), 1);
    }
}
