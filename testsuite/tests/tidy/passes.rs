//! Rules about passes: one pass, one file, one test folder, one name in three spellings.

use super::Violations;
use super::tree::{Keep, Tree, base, strip};

/// A pass as its file has it.
struct PassFile<'a> {
    path: &'a str,
    /// `lower_to_host`.
    stem: &'a str,
    text: &'a str,
    code: String,
}

/// Files that hold `mark`.
fn files_with<'a>(tree: &'a Tree, mark: &str) -> Vec<PassFile<'a>> {
    let in_folder = |p: &str| {
        p.ends_with(".rs") && (p.starts_with("passes/src/") || p.starts_with("codegen/src/"))
    };
    let files = tree.texts(in_folder).map(|(path, text)| PassFile {
        path,
        stem: base(path).trim_end_matches(".rs"),
        text,
        code: strip(text, Keep::CodeAndStrings),
    });
    files.filter(|f| f.code.contains(mark)).collect()
}

fn passes(tree: &Tree) -> Vec<PassFile<'_>> {
    files_with(tree, "impl Pass for ")
}

fn pipelines(tree: &Tree) -> Vec<PassFile<'_>> {
    files_with(tree, "register_pipeline(")
}

pub(crate) fn names(tree: &Tree) -> Violations {
    let found = passes(tree);
    if found.is_empty() {
        return vec!["passes/src: no pass is found".into()];
    }
    let pipelines = pipelines(tree).into_iter().filter_map(|p| {
        let name = format!("\"spec-{}\"", p.stem.replace('_', "-"));
        (!p.code.contains(&name))
            .then(|| format!("{}: expected {name}, after the file's name", p.path))
    });
    found
        .iter()
        .flat_map(wrong_names)
        .chain(pipelines)
        .collect()
}

fn wrong_names(pass: &PassFile) -> Vec<String> {
    let camel: String = pass
        .stem
        .split('_')
        .map(|w| {
            w.split_at_checked(1)
                .map_or(String::new(), |(first, rest)| first.to_uppercase() + rest)
        })
        .collect();
    let expected = [
        format!("impl Pass for {camel} {{"),
        format!("argument: \"spec-{}\"", pass.stem.replace('_', "-")),
        format!("name: \"Spec{camel}\""),
    ];
    let missing = expected.into_iter().filter(|e| !pass.code.contains(e));
    missing
        .map(|e| format!("{}: expected `{e}`, after the file's name", pass.path))
        .collect()
}

pub(crate) fn without_tests(tree: &Tree) -> Violations {
    let mut wrong = vec![];
    for pass in passes(tree).into_iter().chain(pipelines(tree)) {
        let folder = format!("testsuite/tests/{}/", pass.stem);
        if !tree.files.keys().any(|p| {
            p.strip_prefix(&folder)
                .is_some_and(|f| f.ends_with(".mlir"))
        }) {
            wrong.push(format!("{}: no input in {folder}", pass.path));
        }
        let test = format!("testsuite/tests/{}.rs", pass.stem);
        if !tree.exists(&test) {
            wrong.push(format!("{}: no test {test}", pass.path));
        }
    }
    wrong
}

/// Parts of a pass's header, in their order.
const PARTS: &[&str] = &[
    "*Before*",
    "*After*",
    "*Why here*",
    "*Legality*",
    "*Cost question*",
    "*Options*",
    "*Neighbours*",
    "*Does not do*",
];
/// The ones that may be left out: there is nothing to ask.
const OPTIONAL: &[&str] = &["*Cost question*"];

pub(crate) fn headers(tree: &Tree) -> Violations {
    let mut wrong = vec![];
    for pass in passes(tree) {
        let header: String = pass
            .text
            .lines()
            .take_while(|l| l.starts_with("//!"))
            .map(|l| format!("{l}\n"))
            .collect();
        let mut last = 0;
        for part in PARTS {
            match header.find(&format!("//! {part}")) {
                None if OPTIONAL.contains(part) => {}
                None => wrong.push(format!("{}: the header lacks {part}", pass.path)),
                Some(at) if at < last => wrong.push(format!(
                    "{}: {part} stands too early in the header",
                    pass.path
                )),
                Some(at) => last = at,
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "impl Pass for LowerToHost { argument: \"spec-lower-to-host\", name: \"SpecLowerToHost\" }";

    fn n(rule: fn(&Tree) -> Violations, files: &[(&str, &str)]) -> usize {
        rule(&Tree::made_up(files)).len()
    }

    #[test]
    fn wrong_names_are_found() {
        assert_eq!(n(names, &[("codegen/src/lower_to_host.rs", GOOD)]), 0);
        assert_eq!(n(names, &[("codegen/src/lower.rs", GOOD)]), 3);
        assert_eq!(
            n(
                names,
                &[(
                    "codegen/src/lower_to_host.rs",
                    &GOOD.replace("spec-lower-to", "spec-lower_to")
                )]
            ),
            1
        );
        assert_eq!(
            n(
                names,
                &[("codegen/src/lower_to_host.rs", "// impl Pass for X {")]
            ),
            1,
            "no pass at all"
        );
        let pipeline = (
            "passes/src/all.rs",
            "fn r() { register_pipeline(\"spec-most\", x) }",
        );
        assert_eq!(
            n(names, &[("codegen/src/lower_to_host.rs", GOOD), pipeline]),
            1
        );
        assert_eq!(n(without_tests, &[pipeline]), 2);
    }

    #[test]
    fn missing_tests_are_found() {
        let pass = ("codegen/src/lower_to_host.rs", GOOD);
        assert_eq!(n(without_tests, &[pass]), 2);
        let (test, input) = (
            ("testsuite/tests/lower_to_host.rs", ""),
            ("testsuite/tests/lower_to_host/a.mlir", ""),
        );
        assert_eq!(
            n(
                without_tests,
                &[pass, test, ("testsuite/tests/lower_to_host/a.snap", "")]
            ),
            1
        );
        assert_eq!(n(without_tests, &[pass, test, input]), 0);
    }

    #[test]
    fn incomplete_headers_are_found() {
        let header = |parts: &[&str]| {
            parts
                .iter()
                .map(|p| format!("//! {p}: x\n"))
                .collect::<String>()
                + "\n"
                + GOOD
        };
        let n = |parts: &[&str]| n(headers, &[("codegen/src/lower_to_host.rs", &header(parts))]);
        assert_eq!(n(PARTS), 0);
        assert_eq!(n(&[]), PARTS.len() - OPTIONAL.len());
        assert_eq!(n(&[&PARTS[..4], &PARTS[5..]].concat()), 0);
        let mut swapped = PARTS.to_vec();
        swapped.swap(0, 1);
        assert_eq!(n(&swapped), 1);
    }
}
