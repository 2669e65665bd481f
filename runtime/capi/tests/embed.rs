//! Programs in C, compiled as strictly as C99 can be, with the static and with the shared library.

#[path = "../../../tools/spec-run/tests/bundle/mod.rs"]
mod bundle;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// What a program with the static library needs beside it.
const SYSTEM: &[&str] = &["-lpthread", "-ldl", "-lm"];

/// Folder of `libspec_runtime.a` and `.so`. Tests do not build them by themselves, so this does.
fn libraries() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let test = std::env::current_exe().expect("this program");
        let folder = test.ancestors().nth(2).expect("a profile's folder");
        let target = folder.parent().expect("the target folder");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args([
                "build",
                "-p",
                "spec-runtime-capi",
                "--offline",
                "--target-dir",
            ])
            .arg(target);
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        let ran = cargo
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo starts");
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        folder.to_owned()
    })
}

#[derive(Clone, Copy)]
enum Library {
    Static,
    Shared,
}

/// Compiles a program of this crate into `folder`.
fn compile(folder: &Path, source: &str, library: Library) -> PathBuf {
    let (crate_folder, program) = (
        Path::new(env!("CARGO_MANIFEST_DIR")),
        folder.join("program"),
    );
    let mut cc = Command::new(std::env::var_os("CC").unwrap_or("cc".into()));
    cc.args([
        "-std=c99",
        "-D_POSIX_C_SOURCE=200809L",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pedantic",
        "-I",
    ]);
    cc.arg(crate_folder.join("../include"))
        .arg(crate_folder.join(source))
        .arg("-o")
        .arg(&program);
    match library {
        Library::Static => cc.arg(libraries().join("libspec_runtime.a")),
        Library::Shared => {
            let rpath = format!("-Wl,-rpath,{}", libraries().display());
            cc.arg("-L")
                .arg(libraries())
                .args(["-lspec_runtime", &rpath])
        }
    };
    let ran = cc
        .args(SYSTEM)
        .output()
        .expect("a C compiler: run scripts/setup.sh");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    program
}

fn run(program: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(program)
        .args(args)
        .output()
        .expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn the_example_generates_and_says_what_is_missing() {
    for library in [Library::Static, Library::Shared] {
        let folder = tempfile::tempdir().expect("a folder");
        let program = compile(folder.path(), "examples/generate.c", library);
        let (code, out, error) = run(&program, &["no/such/bundle", "1,2"]);
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(
            error.starts_with("error: open: cannot read no/such/bundle/manifest.json"),
            "{error}"
        );
        let (code, _, error) = run(&program, &["x", "1,b"]);
        assert!(code == Some(2) && error.starts_with("usage: "), "{error}");
        let bundle = folder.path().join("bundle");
        std::fs::create_dir(&bundle).expect("made");
        bundle::write(&bundle, bundle::Kind::default());
        let name = bundle.to_str().expect("UTF-8");
        let (code, out, error) = run(&program, &[name, "97,98", "10"]);
        assert_eq!(code, Some(0), "{error}");
        let tokens: Vec<u64> = out
            .trim()
            .split(',')
            .map(|t| t.parse().expect("a number"))
            .collect();
        assert_eq!(tokens, bundle_tokens(97, 98, 10));
        assert!(error.starts_with("10 tokens in "), "{error}");
        std::fs::remove_file(bundle.join("weights.json")).expect("removed");
        let (code, _, error) = run(&program, &[name, "97"]);
        assert!(code == Some(1) && error.contains("spec-weights"), "{error}");
    }
}

/// What the toy target says after a prompt of two tokens.
fn bundle_tokens(first: u64, second: u64, count: u64) -> Vec<u64> {
    let (mut before, mut last, mut tokens) = (first, second, vec![]);
    for at in 1..=count {
        let next = 97 + (last * 7 + before * 3 + at + 5) % 26;
        (before, last) = (last, next);
        tokens.push(next);
    }
    tokens
}

#[test]
fn what_is_wrong_is_refused_and_sessions_run_side_by_side() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = folder.path().join("bundle");
    std::fs::create_dir(&bundle).expect("made");
    bundle::write(&bundle, bundle::Kind::default());
    let program = compile(folder.path(), "tests/border.c", Library::Shared);
    let (code, _, error) = run(&program, &[bundle.to_str().expect("UTF-8")]);
    assert_eq!(code, Some(0), "{error}");
}

/// The header is one of C++ too.
#[test]
fn the_header_is_cpp_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("a.cpp");
    std::fs::write(&source, "#include \"spec_runtime.h\"\n#include \"spec_abi.h\"\nint f() { return SPEC_STATUS_OK + SPEC_OK; }\n").expect("written");
    let ran = Command::new(std::env::var_os("CXX").unwrap_or("c++".into()))
        .args([
            "-std=c++11",
            "-Wall",
            "-Werror",
            "-pedantic",
            "-fsyntax-only",
            "-I",
        ])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../include"))
        .arg(&source)
        .output()
        .expect("a C++ compiler: run scripts/setup.sh");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
