//! Rules about goldens.

use super::Violations;
use super::tree::{Tree, base};

/// A golden (`X.snap`, `X.mlir.snap`, `X.report.snap`) needs the input `X.mlir` beside it, or a test that mentions its name; and
/// the test that its header names.
pub(crate) fn orphans(tree: &Tree) -> Violations {
    let goldens = tree.texts(|p| p.ends_with(".snap"));
    goldens
        .filter_map(|(path, text)| Some(format!("{path}: {}", orphan(tree, path, text)?)))
        .collect()
}

fn orphan(tree: &Tree, path: &str, text: &str) -> Option<String> {
    let header = |key: &str| {
        let lines = text.lines().skip(1).take_while(|l| *l != "---");
        lines.into_iter().find_map(|l| l.strip_prefix(key))
    };
    let Some(source) = header("source: ") else {
        return Some("no test is named in its header".into());
    };
    if !tree.exists(source) {
        return Some(format!("its test {source} does not exist"));
    }
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let name = file.trim_end_matches(".snap");
    let plain = if base(folder) == "snapshots" {
        name.rsplit("__").next().unwrap_or(name)
    } else {
        name
    };
    let owned = mentions(tree.text(source), plain) || has_input(tree, folder, name);
    (!owned)
        .then(|| format!("there is no input beside it, and {source} does not mention \"{plain}\""))
}

/// Whether `folder` holds the input of the golden `name`.
fn has_input(tree: &Tree, folder: &str, name: &str) -> bool {
    let beside = tree
        .files
        .keys()
        .filter_map(|p| p.strip_prefix(folder)?.strip_prefix('/'));
    let mut inputs = beside.filter(|f| !f.contains('/') && !f.ends_with(".snap"));
    inputs.any(|f| {
        let plain = f.trim_end_matches(".gz");
        let stem = plain.rsplit_once('.').map_or(plain, |(stem, _)| stem);
        name.strip_prefix(stem)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// A golden's name is a string of the test, or derived from a test function (with `-2` and so on after the first).
fn mentions(test: &str, name: &str) -> bool {
    let numbered = name
        .rsplit_once('-')
        .filter(|(_, n)| n.parse::<u32>().is_ok())
        .map(|(stem, _)| stem);
    let names = [Some(name), numbered];
    names.into_iter().flatten().any(|n| {
        test.contains(&format!("\"{n}\""))
            || test.contains(&format!("`{n}`")) // named in the test's header
            || test.contains(&format!("fn {n}("))
            || test.contains(&format!("fn test_{n}("))
    })
}

pub(crate) fn pending(tree: &Tree) -> Violations {
    let files = tree
        .files
        .keys()
        .filter(|p| p.ends_with(".snap.new") || p.ends_with(".pending-snap"));
    files
        .map(|p| format!("{p}: a golden that is neither accepted nor rejected"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "---\nsource: a/tests/t.rs\nexpression: x\n---\ntext\nsource: b\n";

    fn n(path: &str, golden: &str, others: &[(&str, &str)]) -> usize {
        let mut files = vec![(path, golden)];
        files.extend(others);
        orphans(&Tree::made_up(&files)).len()
    }

    #[test]
    fn orphans_beside_inputs_are_found() {
        let test = ("a/tests/t.rs", "let x = 1;");
        let (input, golden) = (("a/tests/t/x.y.mlir", ""), "a/tests/t/x.y.snap");
        assert_eq!(n(golden, HEADER, &[test, input]), 0);
        assert_eq!(n("a/tests/t/x.y.mlir.snap", HEADER, &[test, input]), 0);
        assert_eq!(
            n(
                "a/tests/t/x.y.report.snap",
                HEADER,
                &[test, ("a/tests/t/x.y.mlir.gz", "")]
            ),
            0
        );
        assert_eq!(n(golden, HEADER, &[test]), 1);
        assert_eq!(
            n(
                golden,
                HEADER,
                &[
                    test,
                    ("a/tests/t/x.yz.mlir", ""),
                    ("a/tests/u/x.y.mlir", "")
                ]
            ),
            1
        );
        assert_eq!(
            n(golden, HEADER, &[test, ("a/tests/t/x.y.snap.snap", HEADER)]),
            2
        );
        assert_eq!(n(golden, HEADER, &[input]), 1, "the test is gone");
        assert_eq!(
            n(golden, "---\n---\nsource: a/tests/t.rs\n", &[test, input]),
            1,
            "no header"
        );
    }

    #[test]
    fn goldens_without_input_are_named_by_a_test() {
        let golden = "a/tests/snapshots/t__name-2.snap";
        assert_eq!(
            n(
                golden,
                HEADER,
                &[(
                    "a/tests/t.rs",
                    "fn other() { assert_snapshot!(x, \"names\") }"
                )]
            ),
            1
        );
        assert_eq!(n(golden, HEADER, &[("a/tests/t.rs", "fn name() {}")]), 0);
        assert_eq!(
            n(
                golden,
                HEADER,
                &[("a/tests/t.rs", "assert_snapshot!(\"name\", x)")]
            ),
            0
        );
    }

    #[test]
    fn pending_goldens_are_found() {
        assert_eq!(
            pending(&Tree::made_up(&[
                ("a/x.snap.new", ""),
                ("a/.t.rs.pending-snap", ""),
                ("a/x.snap", "")
            ]))
            .len(),
            2
        );
    }
}
