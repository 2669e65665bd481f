//! The project's own binaries, found beside the running test, and ways to run them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A file that `cargo build` put into the target folder of the running test.
///
/// # Panics
/// The file is not there: says how to build it.
fn built(env: &str, name: &str, package: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(env) {
        return path.into();
    }
    let exe = std::env::current_exe().expect("the test knows its own path");
    // target/debug/deps/test-1234 -> target/debug
    let dir = exe.ancestors().find(|d| d.join(name).exists());
    match dir {
        Some(dir) => dir.join(name),
        None => panic!("{name} is not built: run `cargo build -p {package}` first, or set {env}"),
    }
}

/// The `spec-opt` binary.
pub fn spec_opt() -> PathBuf {
    built("SPEC_OPT", "spec-opt", "spec-opt")
}

/// The `spec-compile` binary.
pub fn spec_compile() -> PathBuf {
    built("SPEC_COMPILE", "spec-compile", "spec-compile")
}

/// The `spec-import` binary.
pub fn spec_import() -> PathBuf {
    built("SPEC_IMPORT", "spec-import", "spec-import")
}

/// The `spec-weights` binary.
pub fn spec_weights() -> PathBuf {
    built("SPEC_WEIGHTS", "spec-weights", "spec-weights")
}

/// The `spec-run` binary.
pub fn spec_run() -> PathBuf {
    built("SPEC_RUN", "spec-run", "spec-run")
}

/// The plugin.
pub fn spec_plugin() -> PathBuf {
    built("SPEC_PLUGIN", "libspec_plugin.so", "spec-plugin")
}

/// What a run printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs a command to its end, with `input` on its standard input.
///
/// # Panics
/// It cannot be started.
pub fn run(program: &Path, args: &[&str], dir: &Path, input: Option<&[u8]>) -> Ran {
    use std::io::Write;
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.stdin(if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    let mut child = command
        .spawn()
        .unwrap_or_else(|e| panic!("cannot start {}: {e}", program.display()));
    let writer = input.map(|bytes| {
        let mut pipe = child.stdin.take().expect("stdin is piped");
        let bytes = bytes.to_vec();
        // a program that fails early closes the pipe: not our concern
        std::thread::spawn(move || _ = pipe.write_all(&bytes))
    });
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().expect("the child ends");
    if let Some(w) = writer {
        w.join().expect("the writer ends");
    }
    let text = |b: Vec<u8>| String::from_utf8_lossy(&b).into_owned();
    Ran {
        code: status.code(),
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

/// Runs `spec-opt` on a text.
pub fn opt_text(args: &[&str], text: &str) -> Ran {
    run(&spec_opt(), args, Path::new("."), Some(text.as_bytes()))
}

/// Runs `spec-opt` in the test suite's folder, so that paths in diagnostics are relative.
pub fn opt_file(args: &[&str]) -> Ran {
    run(
        &spec_opt(),
        args,
        Path::new(env!("CARGO_MANIFEST_DIR")),
        None,
    )
}
