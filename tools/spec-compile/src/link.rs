//! Runs the linker, the one program that is needed besides LLVM's library.

use crate::error::CompileError;
use std::path::Path;
use std::process::Command;

/// Names under which clang is looked for; it finds the system's libraries.
const COMPILERS: &[&str] = &["clang-22", "clang"];

/// Names under which the linker itself is looked for.
const LINKERS: &[&str] = &["ld.lld-22", "ld.lld"];

fn found<'n>(names: &[&'n str]) -> Option<&'n str> {
    let path = std::env::var_os("PATH")?;
    let is_there =
        |name: &&&str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    names.iter().find(is_there).copied()
}

/// Joins objects into one that can be linked further.
///
/// # Errors
/// No linker, or it fails.
pub fn join(objects: &[&Path], output: &Path) -> Result<(), CompileError> {
    let program = found(LINKERS).ok_or_else(|| CompileError::NoLinker(LINKERS.join(", ")))?;
    let mut command = Command::new(program);
    command.arg("-r").arg("-o").arg(output).args(objects);
    run(command, program, "model.o", "")
}

/// Makes a shared library of an object.
///
/// # Errors
/// No clang, or it fails: most often, the target's C library is missing.
pub fn share(triple: &str, object: &Path, output: &Path) -> Result<(), CompileError> {
    let program = found(COMPILERS).ok_or_else(|| CompileError::NoLinker(COMPILERS.join(", ")))?;
    let mut command = Command::new(program);
    command
        .arg(format!("--target={triple}"))
        .arg("-fuse-ld=lld");
    // neither start-up code nor compiler run-time is needed: C library and mathematics only
    command
        .args(["-shared", "-nostdlib", "-o"])
        .arg(output)
        .arg(object);
    command.args([
        "-Wl,--as-needed",
        "-Wl,--no-undefined",
        "-Wl,-z,noexecstack",
    ]);
    command.args(["-Wl,-soname,model.so", "-lm", "-lc"]);
    let arch = triple.split('-').next().unwrap_or_default();
    let packages = match arch {
        "aarch64" => "lld-22 and libc6-dev-arm64-cross (on an aarch64 machine: libc6-dev)",
        _ => "lld-22 and libc6-dev",
    };
    let advice = format!("\nhelp: install {packages}, or leave out model.so with --no-link");
    run(command, program, "model.so", &advice)
}

fn run(mut command: Command, program: &str, what: &str, advice: &str) -> Result<(), CompileError> {
    let failed = |output: String| CompileError::Linker {
        program: program.to_owned(),
        what: what.to_owned(),
        output,
        advice: advice.to_owned(),
    };
    let output = command.output().map_err(|e| failed(e.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let text: Vec<&str> = text.lines().take(20).collect();
    Err(failed(text.join("\n")))
}
