//! The dialect: every attribute and op survives a round trip in its own form, in generic form and in bytecode, and every
//! numbered constraint is enforced.
//!
//! Inputs are the files of `dialect/`. `NAME.mlir` is valid and holds every form of the op or attribute NAME.
//! `NAME_C4_WHAT.mlir` breaks constraint C4 of NAME in each of its parts (separated by `// -----`), `NAME_syntax.mlir` what
//! the parser and ODS check. Goldens stand beside them.

use spec_testsuite::tools::opt_file;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, panic};

const FOLDER: &str = "tests/dialect";
const SEPARATOR: &str = "// -----";

/// What a file of the folder tests.
#[derive(Debug, PartialEq, Eq)]
enum Case {
    Valid,
    Violates { thing: String, constraint: String },
    Syntax,
}

fn case(stem: &str) -> Case {
    let parts: Vec<&str> = stem.split('_').collect();
    let number = |s: &str| {
        s.strip_prefix('C')
            .is_some_and(|n| n.parse::<u32>().is_ok())
    };
    match parts[..] {
        [_] => Case::Valid,
        [_, "syntax"] => Case::Syntax,
        [thing, c, _, ..] if number(c) => Case::Violates {
            thing: thing.into(),
            constraint: c.into(),
        },
        _ => panic!("{stem}.mlir: the name must be NAME, NAME_C<number>_WHAT or NAME_syntax"),
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Stems of all inputs.
fn stems() -> Vec<String> {
    let entries = fs::read_dir(root().join(FOLDER)).expect("the folder is there");
    let files = entries.map(|e| e.expect("the folder can be read").path());
    let mut stems: Vec<String> = files
        .filter(|p| p.extension().is_some_and(|e| e == "mlir"))
        .map(|p| {
            p.file_stem()
                .expect("has a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    stems.sort();
    stems
}

/// Compares with the golden beside the input.
fn golden(stem: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("dialect");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_input_file(format!("{FOLDER}/{stem}.mlir"));
    settings.bind(|| insta::assert_snapshot!(stem, text));
}

/// Runs `check` on every file for which `wanted` holds; reports all that fail, not only the first.
fn for_each(wanted: impl Fn(&Case) -> bool, check: impl Fn(&str, &Case) + panic::RefUnwindSafe) {
    let cases: Vec<(String, Case)> = stems()
        .into_iter()
        .map(|s| (case(&s), s))
        .map(|(c, s)| (s, c))
        .collect();
    let chosen: Vec<_> = cases.iter().filter(|(_, c)| wanted(c)).collect();
    assert!(!chosen.is_empty(), "no input in {FOLDER}");
    let failed: Vec<&str> = chosen
        .iter()
        .filter(|(stem, case)| panic::catch_unwind(|| check(stem, case)).is_err())
        .map(|(stem, _)| stem.as_str())
        .collect();
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}

/// Runs `spec-opt`, which must succeed without a word on stderr.
fn opt(args: &[&str]) -> String {
    let ran = opt_file(args);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (Some(0), ""),
        "spec-opt {}",
        args.join(" ")
    );
    ran.stdout
}

#[test]
fn valid_inputs_survive_round_trips() {
    let dir = tempfile::tempdir().expect("a folder for intermediate files");
    for_each(
        |c| *c == Case::Valid,
        |stem, _| {
            let input = format!("{FOLDER}/{stem}.mlir");
            let printed = opt(&[&input]);
            for (form, args) in [
                ("own form", &[][..]),
                ("generic form", &["--mlir-print-op-generic"]),
                ("bytecode", &["--emit-bytecode"]),
            ] {
                let between = dir.path().join(stem).display().to_string();
                opt(&[&[input.as_str(), "-o", &between], args].concat());
                assert_eq!(printed, opt(&[&between]), "{stem}: {form}");
            }
            golden(stem, &printed);
        },
    );
}

/// The first lines (from 1) of the parts of an input.
fn part_starts(text: &str) -> Vec<usize> {
    let separators = text
        .lines()
        .enumerate()
        .filter(|(_, l)| l.trim_end() == SEPARATOR);
    [1].into_iter()
        .chain(separators.map(|(i, _)| i + 2))
        .collect()
}

/// Diagnostics of a run as (line, text), without excerpts of the input and dumps of the op.
fn diagnostics(stderr: &str, file: &str) -> Vec<(usize, String)> {
    let located = stderr
        .lines()
        .filter_map(|l| l.strip_prefix(file)?.strip_prefix(':'));
    let told = located.filter(|l| !l.contains("note: see current operation"));
    told.map(|l| {
        let line = l.split(':').next().and_then(|n| n.parse().ok());
        (
            line.unwrap_or_else(|| panic!("no line number: {l}")),
            l.to_owned(),
        )
    })
    .collect()
}

#[test]
fn invalid_inputs_are_refused_at_their_place() {
    for_each(
        |c| *c != Case::Valid,
        |stem, case| {
            let input = format!("{FOLDER}/{stem}.mlir");
            let text = fs::read_to_string(root().join(&input)).expect("the input can be read");
            let ran = opt_file(&["--split-input-file", &input, "-o", "/dev/null"]);
            assert_eq!(ran.code, Some(1), "{stem}: {}", ran.stderr);
            let all = diagnostics(&ran.stderr, &input);
            let starts = part_starts(&text);
            for (i, start) in starts.iter().enumerate() {
                let end = starts.get(i + 1).copied().unwrap_or(usize::MAX);
                let of_part = || all.iter().filter(|(l, _)| (*start..end).contains(l));
                assert!(
                    of_part().count() > 0,
                    "{stem}: the part at line {start} is accepted"
                );
                if let Case::Violates { constraint, .. } = case {
                    let number = format!("({constraint})");
                    assert!(
                        of_part().all(|(_, t)| t.contains(&number) || !t.contains(" error: ")),
                        "{stem}: the part at line {start} is refused, but not for {number}"
                    );
                }
            }
            golden(
                stem,
                &all.iter()
                    .map(|(_, t)| t.as_str())
                    .collect::<Vec<_>>()
                    .join("\n"),
            );
        },
    );
}

/// (name, constraint) of every numbered constraint in the definition, and the names of all attributes and ops.
fn defined(td: &str) -> (BTreeSet<(String, String)>, BTreeSet<String>) {
    let (mut constraints, mut names) = (BTreeSet::new(), BTreeSet::new());
    for definition in td.split("\ndef ").skip(1) {
        let header = definition.lines().next().unwrap_or_default();
        let quoted: Vec<&str> = header.split('"').skip(1).step_by(2).collect();
        let name = match (header, &quoted[..]) {
            (h, _) if h.contains(": Dialect") => "spec",
            (h, [_, mnemonic, ..]) if h.contains(": Spec_Attr<") => mnemonic,
            (h, [mnemonic, ..]) if h.contains(": Spec_Op<") => mnemonic,
            // a class of ops is none; a model op may have its class on the next line
            _ if header.starts_with("Spec_") => {
                let class = definition.split_once(": Spec_ModelOp<\"");
                match class.and_then(|(_, rest)| rest.split_once('"')) {
                    Some((mnemonic, _)) => mnemonic,
                    None => continue,
                }
            }
            _ => continue,
        };
        names.insert(name.to_owned());
        // `C4:` or `C4 (with the function):` in the description
        for (at, _) in definition.match_indices('C') {
            let rest = &definition[at + 1..];
            let digits = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let after = &rest[digits..];
            let starts_word =
                !definition[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if digits > 0 && starts_word && (after.starts_with(':') || after.starts_with(" (")) {
                constraints.insert((name.to_owned(), format!("C{}", &rest[..digits])));
            }
        }
    }
    (constraints, names)
}

/// The dialect's definition, with what it includes.
fn definitions() -> String {
    let read = |name: &str| {
        let path = root().join("../dialect/cpp").join(name);
        fs::read_to_string(path).expect("the definition is there")
    };
    read("SpecDialect.td") + &read("SpecModelOps.td")
}

#[test]
fn every_constraint_has_an_input_that_breaks_it() {
    let (constraints, names) = defined(&definitions());
    assert!(
        constraints.len() > 60,
        "constraints are not found any more: {constraints:?}"
    );
    let mut tested = BTreeSet::new();
    for stem in stems() {
        if let Case::Violates { thing, constraint } = case(&stem) {
            tested.insert((thing, constraint));
        }
    }
    let missing: Vec<_> = constraints.difference(&tested).collect();
    assert!(
        missing.is_empty(),
        "no input in {FOLDER} breaks {missing:?}"
    );
    let unknown: Vec<_> = tested.difference(&constraints).collect();
    assert!(
        unknown.is_empty(),
        "inputs for constraints that the definition does not name: {unknown:?}"
    );
    let goldens: String = stems()
        .iter()
        .filter(|s| case(s) == Case::Valid)
        .map(|s| {
            fs::read_to_string(root().join(FOLDER).join(format!("{s}.mlir"))).expect("readable")
        })
        .collect();
    for name in names.iter().filter(|n| *n != "spec") {
        let used = [format!("#spec.{name}<"), format!("spec.{name} ")]
            .iter()
            .any(|u| goldens.contains(u));
        assert!(used, "no valid input in {FOLDER} holds spec.{name}");
    }
}

#[test]
fn constraints_are_found_in_definitions() {
    let td = "\ndef Spec_Dialect : Dialect {\n C1: a. }\ndef Spec_XAttr : Spec_Attr<\"X\", \"x\"> { C1: one. C2 (with y): two; AC3: C4 }
def Spec_YOp : Spec_Op<\"y\", [Pure]> { C12: }\ndef Spec_ZOp : Spec_ModelOp<\"z\"> { C3: }\ndef Spec_F64 : AttrOrTypeParameter<\"C1:\", \"z\"> { C9: }";
    let (constraints, names) = defined(td);
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let expected = [
        pair("spec", "C1"),
        pair("x", "C1"),
        pair("x", "C2"),
        pair("y", "C12"),
        pair("z", "C3"),
    ];
    assert_eq!(constraints, expected.into());
    assert_eq!(names, ["spec", "x", "y", "z"].map(str::to_owned).into());
}

/// The ```mlir blocks of a page, with the line (from 1) where each begins.
fn snippets(page: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = vec![];
    let mut inside = false;
    for (i, line) in page.lines().enumerate() {
        match (inside, line.trim_end()) {
            (false, "```mlir") => {
                inside = true;
                found.push((i + 2, String::new()));
            }
            (true, "```") => inside = false,
            (true, l) => {
                let (_, text) = found.last_mut().expect("a block is open");
                text.push_str(l);
                text.push('\n');
            }
            _ => {}
        }
    }
    assert!(!inside, "a block is not closed");
    found
}

/// The page and the definition number the same constraints.
#[test]
fn the_dialect_page_has_every_constraint() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("the file is there");
    let (constraints, _) = defined(&definitions());
    let mut on_page = BTreeSet::new();
    let mut section = String::new();
    for line in read("../docs/dialect.md").lines() {
        if let Some(heading) = line
            .strip_prefix("## ")
            .or_else(|| line.strip_prefix("### "))
        {
            let name = heading.trim_matches(['`', '#']).strip_prefix("spec.");
            section = name.unwrap_or("spec").to_owned();
        }
        let item = line.strip_prefix("* C").and_then(|l| l.split_once(':'));
        if let Some((number, _)) = item.filter(|(n, _)| n.parse::<u32>().is_ok()) {
            on_page.insert((section.clone(), format!("C{number}")));
        }
    }
    let missing: Vec<_> = constraints.difference(&on_page).collect();
    assert!(missing.is_empty(), "docs/dialect.md lacks {missing:?}");
    let unknown: Vec<_> = on_page.difference(&constraints).collect();
    assert!(unknown.is_empty(), "the definition lacks {unknown:?}");
}

/// Documentation can be tried: each example parses and verifies.
#[test]
fn examples_of_the_dialect_page_are_valid() {
    let page = PathBuf::from(root()).join("../docs/dialect.md");
    let text = fs::read_to_string(page).expect("docs/dialect.md is there");
    let all = snippets(&text);
    assert!(
        all.len() >= 16,
        "an example for each attribute and op is expected"
    );
    for (line, snippet) in all {
        let ran = spec_testsuite::tools::opt_text(&["-o", "/dev/null"], &snippet);
        assert_eq!(ran.code, Some(0), "docs/dialect.md:{line}: {}", ran.stderr);
    }
}
