//! Compiles and links: the runner, models, the plugin.

use super::{HarnessError, Machine, file_error, output};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

const CLANG: &str = "clang-22";
const SOURCES: [&str; 4] = ["run", "pool", "buffer", "allocations"];

/// Functions that allocations.c counts in a static program.
const WRAPPED: &str = "-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=posix_memalign,--wrap=mmap";

fn clang(machine: Machine) -> Command {
    let mut command = Command::new(CLANG);
    if machine == Machine::Aarch64 {
        command.arg("--target=aarch64-linux-gnu");
    }
    command
}

fn linker(machine: Machine) -> Command {
    let mut command = clang(machine);
    command.arg("-fuse-ld=lld");
    command
}

fn done(command: &mut Command) -> Result<(), HarnessError> {
    let ran = output(command, "clang-22")?;
    if ran.status.success() {
        return Ok(());
    }
    let hint = "\n(a missing header, library or linker: run scripts/setup.sh)";
    Err(HarnessError::Build {
        command: format!("{command:?}"),
        stderr: String::from_utf8_lossy(&ran.stderr).into_owned() + hint,
    })
}

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn source(name: &str) -> PathBuf {
    repository().join("testsuite/harness").join(name)
}

/// Compiles a C source, which may include spec_abi.h, into an object file for shared and static use.
///
/// # Errors
/// [`HarnessError::Tool`], [`HarnessError::Build`].
pub fn compile_c(machine: Machine, source: &Path, object: &Path) -> Result<(), HarnessError> {
    compile(machine, source, object, &[])
}

fn compile(
    machine: Machine,
    source: &Path,
    object: &Path,
    flags: &[&str],
) -> Result<(), HarnessError> {
    let mut command = clang(machine);
    command
        .args([
            "-std=c11", "-O2", "-fPIC", "-Wall", "-Wextra", "-Werror", "-I",
        ])
        .arg(repository().join("runtime/include"))
        .args(flags)
        .arg("-c")
        .arg(source)
        .arg("-o")
        .arg(object);
    done(&mut command)
}

/// A file made by `make` from the harness's sources, once for all test processes: a folder is made under another name and renamed when
/// complete, so that none is seen half done.
fn cached(
    name: &str,
    key: impl Hash,
    make: impl FnOnce(&Path) -> Result<(), HarnessError>,
) -> Result<PathBuf, HarnessError> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let mut hasher = DefaultHasher::new();
    (name, key).hash(&mut hasher);
    let folder = source("");
    let entries = std::fs::read_dir(&folder).map_err(file_error(&folder))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    files.push(repository().join("runtime/include/spec_abi.h"));
    files.sort();
    for file in files {
        std::fs::read(&file)
            .map_err(file_error(&file))?
            .hash(&mut hasher);
    }
    let exe = std::env::current_exe().map_err(file_error(Path::new("the running test")))?;
    let beside = exe
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("."));
    let all = beside.join("harness");
    let kept = all.join(format!("{name}-{:016x}", hasher.finish()));
    if !kept.exists() {
        std::fs::create_dir_all(&all).map_err(file_error(&all))?;
        let fresh = tempfile::tempdir_in(&all).map_err(file_error(&all))?;
        make(fresh.path())?;
        let fresh = fresh.keep();
        if let Err(e) = std::fs::rename(&fresh, &kept) {
            _ = std::fs::remove_dir_all(&fresh);
            if !kept.exists() {
                return Err(file_error(&kept)(e)); // otherwise another process was faster
            }
        }
    }
    Ok(kept)
}

fn objects(folder: &Path) -> [PathBuf; 4] {
    SOURCES.map(|s| folder.join(format!("{s}.o")))
}

fn compile_runner(machine: Machine, folder: &Path, flags: &[&str]) -> Result<(), HarnessError> {
    for (name, object) in SOURCES.iter().zip(objects(folder)) {
        compile(machine, &source(&format!("{name}.c")), &object, flags)?;
    }
    Ok(())
}

/// The runner that loads models.
pub(super) fn dynamic_runner(machine: Machine) -> Result<PathBuf, HarnessError> {
    let folder = cached("dynamic", machine, |folder| {
        compile_runner(machine, folder, &[])?;
        let mut command = linker(machine);
        command
            .args(objects(folder))
            .args(["-rdynamic", "-pthread", "-ldl", "-o"]);
        done(command.arg(folder.join("run")))
    })?;
    Ok(folder.join("run"))
}

/// Links the runner and the model's `symbol` into a static program.
pub(super) fn link_static(
    machine: Machine,
    model: &Path,
    symbol: &str,
    program: &Path,
) -> Result<(), HarnessError> {
    let folder = cached("static", machine, |folder| {
        compile_runner(machine, folder, &["-DSPEC_STATIC=spec_entry"])
    })?;
    let mut command = linker(machine);
    command
        .args(["-static", "-pthread", WRAPPED])
        .arg(format!("-Wl,--defsym=spec_entry={symbol}"))
        .args(objects(&folder))
        .arg(model)
        .args(["-lm", "-o"])
        .arg(program);
    done(&mut command)
}

/// Links an object into a shared library; symbols that nobody defines are an error.
pub(super) fn link_shared(
    machine: Machine,
    model: &Path,
    library: &Path,
) -> Result<(), HarnessError> {
    let mut command = linker(machine);
    command
        .args(["-shared", "-Wl,-z,defs"])
        .arg(model)
        .args(["-lm", "-o"]);
    done(command.arg(library))
}

/// The plugin of qemu that counts instructions, for the version of qemu that is installed.
pub(super) fn plugin() -> Result<PathBuf, HarnessError> {
    let ran = output(Command::new("qemu-aarch64").arg("--version"), "qemu-user")?;
    let text = String::from_utf8_lossy(&ran.stdout);
    let number = text.split_once("version ").map_or("", |(_, v)| v);
    let major = number.split('.').next().and_then(|n| n.parse::<u32>().ok());
    // the oldest version of the interface that each takes
    let version = if major.is_some_and(|m| m >= 9) { 2 } else { 1 };
    let folder = cached("plugin", version, |folder| {
        let mut command = linker(Machine::Native);
        command
            .args([
                "-std=c11", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror",
            ])
            .arg(format!("-DPLUGIN_VERSION={version}"))
            .arg(source("plugin.c"))
            .arg("-o");
        done(command.arg(folder.join("plugin.so")))
    })?;
    Ok(folder.join("plugin.so"))
}
