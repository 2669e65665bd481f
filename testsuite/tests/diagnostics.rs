//! Bad input and bad options: one clear error at a place, exit code 1 (2 for the driver's own flags), no output file.
//!
//! Each file of `fixtures/bad/` has its diagnostics beside it; those of options are in `diagnostics/`.

use insta::{Settings, assert_snapshot};
use spec_testsuite::tools::{Ran, run, spec_opt};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Fixtures of `bad/` that are questionable, not wrong: a warning, and the job is done.
const ONLY_A_WARNING: [&str; 1] = ["drafter_larger_by_hint"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn stems(folder: &Path, extension: &str) -> BTreeSet<String> {
    let files = fs::read_dir(folder).expect("the folder is there");
    files
        .map(|f| f.expect("readable").path())
        .filter(|p| p.extension().is_some_and(|e| e == extension))
        .filter_map(|p| Some(p.file_stem()?.to_str()?.to_owned()))
        .collect()
}

/// The lines that carry messages; MLIR prints lines of the source and the op between them.
fn messages(stderr: &str) -> String {
    let severity = |l: &&str| {
        [": error: ", ": warning: ", ": note: "]
            .iter()
            .any(|s| l.contains(s))
    };
    let told = stderr.lines().filter(severity);
    told.filter(|l| !l.ends_with("note: see current operation: "))
        .collect::<Vec<_>>()
        .join("\n")
}

/// `file:line:column: ` in front of a message, with the path as the user gave it.
fn is_at(message: &str, file: &str) -> bool {
    let place = message.strip_prefix(file).and_then(|m| m.strip_prefix(':'));
    let mut parts = place.unwrap_or_default().split(':');
    let mut number = || parts.next().is_some_and(|p| p.parse::<u32>().is_ok());
    number() && number()
}

/// What no user should see.
fn assert_civil(name: &str, ran: &Ran) {
    for text in [
        "panicked",
        "internal error",
        "Stack dump",
        "LLVM ERROR",
        "RUST_BACKTRACE",
        "<unknown>:0: error: \n",
    ] {
        assert!(!ran.stderr.contains(text), "{name}: {}", ran.stderr);
    }
}

fn golden(folder: &str, name: &str, text: &str) {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(root().join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!(name, text));
}

#[test]
fn bad_modules() {
    let folder = root().join("fixtures/bad");
    let cases = stems(&folder, "mlir");
    assert!(cases.len() >= 19, "only {} bad fixtures", cases.len());
    let temp = tempfile::tempdir().expect("a folder for output");
    for name in &cases {
        let file = format!("fixtures/bad/{name}.mlir");
        let output = temp.path().join(name);
        let out = output.display().to_string();
        let ran = run(
            &spec_opt(),
            &["--spec-partition=soc=imx95 alpha=0.8", &file, "-o", &out],
            root(),
            None,
        );
        let fails = !ONLY_A_WARNING.contains(&name.as_str());
        assert_eq!(ran.code, Some(i32::from(fails)), "{name}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{name}");
        assert_eq!(
            output.exists(),
            !fails,
            "{name}: output of a run that failed, or none"
        );
        assert_civil(name, &ran);
        let told = messages(&ran.stderr);
        let severity = if fails { "error" } else { "warning" };
        assert!(
            told.contains(&format!(" {severity}: ")),
            "{name}: {}",
            ran.stderr
        );
        for line in told.lines() {
            assert!(is_at(line, &file), "{name}: no place: {line}");
        }
        golden("fixtures/bad", name, &told);
    }
    let orphans: Vec<_> = stems(&folder, "snap").difference(&cases).cloned().collect();
    assert!(orphans.is_empty(), "goldens without input: {orphans:?}");
}

/// Files that the cases below name, in a folder that is the working directory.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Desk(tempfile::tempdir().expect("a folder"));
        let unit =
            fs::read_to_string(root().join("../cost/devices/unit.toml")).expect("the unit device");
        let module =
            fs::read_to_string(root().join("fixtures/inlined_loop.mlir")).expect("a module");
        let changed = |from: &str, to: &str| {
            assert!(unit.contains(from), "the unit device has no '{from}'");
            unit.replacen(from, to, 1)
        };
        desk.put("module.mlir", &module);
        desk.put(
            "no_unit.toml",
            unit.split("[[unit]]").next().expect("the head"),
        );
        desk.put("no_rate.toml", &changed("[unit.rate]", "[unit.ratio]"));
        desk.put(
            "negative.toml",
            &changed("capacity = { value = 1e15", "capacity = { value = -1"),
        );
        desk.put(
            "nan.toml",
            &changed("capacity = { value = 1e15", "capacity = { value = nan"),
        );
        desk.put(
            "wrong_unit.toml",
            &changed(r#"unit = "B/s""#, r#"unit = "furlong""#),
        );
        desk.put(
            "unknown_key.toml",
            &changed("[memory]", "[memory]\ncolour = 1"),
        );
        desk.put(
            "no_source.toml",
            &changed(r#", source = "both units at once""#, ""),
        );
        desk.put("truncated.toml", &unit[..unit.len() / 2]);
        desk.put(
            "header_only.csv",
            "target,drafter,mode,task,gamma,alpha_per_token,tokens_per_round,survival_1..gamma\n",
        );
        desk.put(
            "good.csv",
            "target,drafter,mode,task,gamma,alpha_per_token,tokens_per_round,survival_1..gamma\na,b,greedy,all,2,0.8,2.3,0.8;0.5\n",
        );
        desk.put("unknown_column.csv", "target,colour\na,b\n");
        desk.put("rising.csv", "target,drafter,mode,task,gamma,alpha_per_token,tokens_per_round,survival_1..gamma\na,b,greedy,all,2,0.8,2.3,0.5;0.9\n");
        desk.put("profile.toml", "[[latency]]\nrole = \"target\"\nunit = \"cpu\"\ncores = 1\ndtype = \"f32\"\nm = 1\ns = 0\nseconds = -1\n");
        desk.put("profile.csv", "role,unit\ntarget\n");
        desk.put("no_function.mlir", "module {\n}\n");
        fs::write(desk.0.path().join("truncated.mlirbc"), desk.bytecode()).expect("written");
        fs::create_dir(desk.0.path().join("folder")).expect("a folder");
        desk
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).expect("the file can be written");
    }

    fn opt(&self, args: &[&str]) -> Ran {
        run(&spec_opt(), args, self.0.path(), None)
    }

    /// The first half of the module as bytecode.
    fn bytecode(&self) -> Vec<u8> {
        let ran = self.opt(&["--emit-bytecode", "module.mlir", "-o", "whole.mlirbc"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let mut bytes = fs::read(self.0.path().join("whole.mlirbc")).expect("bytecode");
        bytes.truncate(bytes.len() / 2);
        bytes
    }

    fn output(&self) -> PathBuf {
        self.0.path().join("out.mlir")
    }
}

/// Path of the binary, and what MLIR puts in front of errors of the command line: both are the builder's.
fn program() -> (String, String) {
    let path = spec_opt();
    let name = path.file_name().expect("a file").to_string_lossy();
    (path.display().to_string(), format!("{name}: "))
}

/// Runs each case (a command line, split at spaces outside of quotes) and compares all of their messages.
fn check(golden_name: &str, code: i32, cases: &[&str]) {
    let desk = Desk::new();
    let mut all = String::new();
    for case in cases {
        let args: Vec<&str> = case
            .split('\'')
            .enumerate()
            .flat_map(|(i, part)| match i % 2 {
                0 => part.split_whitespace().collect::<Vec<_>>(),
                _ => vec![part],
            })
            .collect();
        let ran = desk.opt(&args);
        assert_eq!(ran.code, Some(code), "{case}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{case}");
        assert!(
            !desk.output().exists(),
            "{case}: output of a run that failed"
        );
        assert_civil(case, &ran);
        let (path, name) = program();
        let excerpt =
            |l: &&str| l.contains("error") || l.starts_with(&name) || l.starts_with("cannot");
        let told: Vec<&str> = ran.stderr.lines().filter(excerpt).collect();
        assert!(!told.is_empty(), "{case}: {}", ran.stderr);
        let told = told.join("\n  ").replace(&path, "spec-opt");
        all += &format!("spec-opt {case}\n  {}\n", told.replace(&name, "spec-opt: "));
    }
    golden("tests/diagnostics", golden_name, &all);
}

#[test]
fn devices() {
    check(
        "devices",
        1,
        &[
            "'--spec-partition=soc=nosuch' module.mlir -o out.mlir",
            "'--spec-partition=soc=missing.toml' module.mlir -o out.mlir",
            "'--spec-partition=soc=folder' module.mlir -o out.mlir",
            "'--spec-partition=soc=no_unit.toml' module.mlir -o out.mlir",
            "'--spec-partition=soc=no_rate.toml' module.mlir -o out.mlir",
            "'--spec-partition=soc=negative.toml' module.mlir -o out.mlir",
            "'--spec-partition=soc=nan.toml' module.mlir -o out.mlir",
            "'--spec-partition=soc=wrong_unit.toml' module.mlir -o out.mlir",
            "'--spec-partition=soc=unknown_key.toml' module.mlir -o out.mlir",
            "'--spec-partition=soc=no_source.toml' module.mlir -o out.mlir",
            "'--spec-partition=soc=truncated.toml' module.mlir -o out.mlir",
            "'--spec-partition=soc=module.mlir' module.mlir -o out.mlir",
        ],
    );
}

#[test]
fn measurements() {
    check(
        "measurements",
        1,
        &[
            "'--spec-partition=alpha=high' module.mlir -o out.mlir",
            "'--spec-partition=alpha=1.5' module.mlir -o out.mlir",
            "'--spec-partition=alpha=-0.1' module.mlir -o out.mlir",
            "'--spec-partition=alpha=nan' module.mlir -o out.mlir",
            "'--spec-partition=alpha=inf' module.mlir -o out.mlir",
            "'--spec-partition=alpha=0.8 acceptance=rising.csv' module.mlir -o out.mlir",
            "'--spec-partition=acceptance=missing.csv' module.mlir -o out.mlir",
            "'--spec-partition=acceptance=folder' module.mlir -o out.mlir",
            "'--spec-partition=acceptance=header_only.csv' module.mlir -o out.mlir",
            "'--spec-partition=acceptance=unknown_column.csv' module.mlir -o out.mlir",
            "'--spec-partition=acceptance=rising.csv' module.mlir -o out.mlir",
            "'--spec-partition=acceptance=good.csv acceptance-select=a/b/greedy/code' module.mlir -o out.mlir",
            "'--spec-partition=profile=missing.toml' module.mlir -o out.mlir",
            "'--spec-partition=profile=profile.toml' module.mlir -o out.mlir",
            "'--spec-partition=profile=profile.csv' module.mlir -o out.mlir",
            "'--spec-partition=profile=truncated.toml' module.mlir -o out.mlir",
        ],
    );
}

#[test]
fn pass_options() {
    check(
        "pass_options",
        1,
        &[
            "'--spec-partition=force-drafter=tpu' module.mlir -o out.mlir",
            "'--spec-partition=force-drafter=gpu:999' module.mlir -o out.mlir",
            "'--spec-partition=force-drafter=gpu:many' module.mlir -o out.mlir",
            "'--spec-partition=force-drafter=cpu:1:f99' module.mlir -o out.mlir",
            "'--spec-partition=force-target=:::' module.mlir -o out.mlir",
            "'--spec-partition=context=many' module.mlir -o out.mlir",
            "'--spec-partition=context=9..2' module.mlir -o out.mlir",
            "'--spec-partition=context=0..99999999999999999999' module.mlir -o out.mlir",
            "'--spec-partition=max-draft-length=-1' module.mlir -o out.mlir",
            "'--spec-partition=max-draft-length=100000' module.mlir -o out.mlir",
            "'--spec-partition=max-draft-length=many' module.mlir -o out.mlir",
            "'--spec-partition=any-entry=perhaps' module.mlir -o out.mlir",
            "'--spec-partition=objective=fun' module.mlir -o out.mlir",
            "'--spec-partition=sampling=dice' module.mlir -o out.mlir",
            "'--spec-partition=strategy=none' module.mlir -o out.mlir",
            "'--spec-partition=drafter-dtypes=f12' module.mlir -o out.mlir",
            "'--spec-partition=speed=7' module.mlir -o out.mlir",
            "'--spec-place=speed=7' module.mlir -o out.mlir",
            "--spec-link module.mlir -o out.mlir",
            "'--pass-pipeline=builtin.module(func.func(spec-identify))' module.mlir -o out.mlir",
        ],
    );
}

#[test]
fn files() {
    check(
        "files",
        1,
        &[
            "--spec-partition missing.mlir -o out.mlir",
            "--spec-partition folder -o out.mlir",
            "--spec-partition truncated.mlirbc -o out.mlir",
            "--spec-partition module.mlir -o missing/out.mlir",
            "--spec-partition module.mlir -o folder",
            "'--spec-partition=alpha=0.8' --spec-print-graph=missing/graph.dot module.mlir -o out.mlir",
            "--spec-identify=print-graph=folder module.mlir -o out.mlir",
            "--target missing.mlir --spec-partition -o out.mlir",
            "--target folder --spec-partition -o out.mlir",
            "--target no_function.mlir --spec-partition -o out.mlir",
            "--target truncated.mlirbc --spec-partition -o out.mlir",
            "--drafter missing.mlir --target module.mlir --spec-partition -o out.mlir",
            "--frobnicate module.mlir -o out.mlir",
            "module.mlir module.mlir -o out.mlir",
        ],
    );
}

#[test]
fn flags() {
    check(
        "flags",
        2,
        &[
            "--drafter module.mlir --spec-partition -o out.mlir",
            "--drafter module.mlir --target module.mlir module.mlir --spec-partition -o out.mlir",
            "--target module.mlir '--pass-pipeline=builtin.module(spec-partition)' -o out.mlir",
            "--spec-partition module.mlir -o out.mlir --target",
            "--report=xml --spec-partition module.mlir -o out.mlir",
            "--spec-partition module.mlir -o out.mlir --report",
            "--report=json module.mlir -o out.mlir",
            "--explain --canonicalize module.mlir -o out.mlir",
            "--explain=no --spec-partition module.mlir -o out.mlir",
        ],
    );
}

#[test]
fn option_goldens_have_a_test() {
    let source = fs::read_to_string(root().join("tests/diagnostics.rs")).expect("this file");
    for name in stems(&root().join("tests/diagnostics"), "snap") {
        assert!(
            source.contains(&format!("\"{name}\"")),
            "golden without a test: {name}"
        );
    }
}
