//! The examples in the headers of the passes are true.
//!
//! A pass's header has a *Before* and an *After*, each a fenced block of MLIR. Where both are whole modules, the pass must
//! turn the one into the other. Where the input is too long for a header, it is `tests/PASS/header.mlir`; the blocks then
//! show lines of it and of what comes out, in their order, with `...` for what is left out within a line.

use spec_testsuite::tools::{opt_file, opt_text};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Passes by the stems of their files, with their text.
fn passes() -> Vec<(String, String)> {
    let folders = ["passes/src", "codegen/src"].map(|f| root().join(f));
    let mut found = vec![];
    for file in folders
        .iter()
        .flat_map(|f| std::fs::read_dir(f).expect("the folder is there"))
    {
        let path = file.expect("readable").path();
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue; // a folder
        };
        if text.contains("\nimpl Pass for ") {
            let stem = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            found.push((stem, text));
        }
    }
    found.sort();
    found
}

/// The blocks of MLIR in a file's header.
fn blocks(text: &str) -> Vec<String> {
    let lines = text.lines().map_while(|l| l.strip_prefix("//!"));
    let header: String = lines.map(|l| format!("{l}\n")).collect();
    let fenced = header.split("```").skip(1).step_by(2);
    fenced
        .filter_map(|b| Some(b.strip_prefix("mlir\n")?.to_owned()))
        .collect()
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether `line` is `pattern`, where `...` stands for anything.
fn fits(line: &str, pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split("...").map(str::trim).collect();
    let [first, middle @ .., last] = &parts[..] else {
        return line == pattern;
    };
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The first line of `block` that `text` does not have behind the ones before it.
fn missing<'a>(block: &'a str, text: &str) -> Option<&'a str> {
    let mut lines = text.lines().map(squeezed);
    let wanted = block.lines().filter(|l| !l.trim().is_empty());
    wanted
        .into_iter()
        .find(|w| !lines.any(|l| fits(&l, &squeezed(w))))
}

fn check_whole(name: &str, argument: &str, before: &str, after: &str) {
    let (ran, expected) = (opt_text(&[argument], before), opt_text(&[], after));
    assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
    assert_eq!(expected.code, Some(0), "{name}: {}", expected.stderr);
    assert_eq!(ran.stdout, expected.stdout, "{name}");
}

fn check_lines(name: &str, argument: &str, input: &str, before: &str, after: &str) {
    let arg = input
        .lines()
        .find_map(|l| l.strip_prefix("// arg: "))
        .unwrap_or(argument);
    assert!(arg.starts_with(argument), "{name}: the example runs {arg}");
    let ran = opt_file(&[arg, &format!("tests/{name}/header.mlir")]);
    assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
    assert_eq!(missing(before, input), None, "{name}: not in header.mlir");
    assert_eq!(
        missing(after, &ran.stdout),
        None,
        "{name}: not in what the pass makes:\n{}",
        ran.stdout
    );
}

#[test]
fn headers_tell_the_truth() {
    let passes = passes();
    assert!(passes.len() > 4, "the passes are not found");
    for (name, text) in passes {
        let blocks = blocks(&text);
        let [before, after] = &blocks[..] else {
            panic!(
                "{name}: expected two blocks of MLIR in its header, found {}",
                blocks.len()
            )
        };
        let argument = format!("--spec-{}", name.replace('_', "-"));
        let input = root().join(format!("testsuite/tests/{name}/header.mlir"));
        match std::fs::read_to_string(input) {
            Ok(input) => check_lines(&name, &argument, &input, before, after),
            Err(_) => check_whole(&name, &argument, before, after),
        }
    }
}

#[test]
fn lines_are_compared() {
    assert!(fits("a b c d", "a ... c d"));
    assert!(fits("a b c d", "a b c d"));
    assert!(!fits("a b c d", "a b c"));
    assert!(!fits("a b c d", "a ... x ... d"));
    assert!(!fits("a b c d", "b ..."));
    assert_eq!(missing("a\n  c", "a\nb\nc"), None);
    assert_eq!(missing("c\na", "a\nb\nc"), Some("a"));
}
