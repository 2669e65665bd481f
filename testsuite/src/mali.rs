//! What Mesa's Valhall compiler makes of SPIR-V kernels, and what that costs when they run.
//!
//! The Vulkan driver for Mali (panvk) runs under qemu with a shim in place of the kernel driver: it compiles, and executes nothing.
//! testsuite/harness/pipe.c asks it for statistics, for the shader in NIR (its SSA form before the back end) and for the machine code.
//!
//! Static counts say little about loops. How often each instruction is executed is found in two steps:
//!
//! 1. The integer part of the NIR on which conditions depend is executed for each warp of 16 lanes: invocation and workgroup numbers, push
//!    constants and what a [`Launch`] says about the contents of buffers are known, other memory and floats are not. A condition that
//!    is not known is taken by every second lane, so that a warp goes both ways, and is counted; if a loop depends on it, that is an error.
//! 2. The machine code is followed block by block, with the conditions of step 1: the n-th branch of the text is the n-th `if`
//!    of the NIR. Numbers of branches, of loops and of instructions, the units' sums, and how often each lane meets each
//!    condition must agree, or there is an error: a new Mesa is noticed, not misread.
//!
//! This needs no bound to be visible in machine code, where constants hide in uniform registers, and works for any kernel, whoever made
//! it. The measure of work is the instruction executed by a warp, as the hardware issues them. Bytes are those that lanes ask for, by the
//! NIR's accesses, and lines of 64 bytes: touched by one instruction of a warp, and touched in a dispatch at all.
//!
//! Mesa's compiler is not Arm's: figures compare kernels, they do not predict times.

mod assembly;
mod eval;
mod kernel;
mod nir;
mod output;
mod prepare;
mod report;
mod simt;
mod traffic;

pub use assembly::{Counts, Unit};
pub use kernel::{Compiled, Inner, Lines, LoopRun, Run};
pub use output::{Statistics, parse};
pub use report::{Report, Row, Site, Totals, report, sites};
pub use traffic::{Bytes, LINE};

use crate::harness::{HarnessError, Machine, compile_c};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A GPU that Mesa compiles for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gpu {
    /// Mali-G310: one small core.
    G310,
    /// Mali-G610.
    G610,
}

impl Gpu {
    /// Mesa's number for it.
    const fn id(self) -> &'static str {
        match self {
            Self::G310 => "ac74",
            Self::G610 => "a867",
        }
    }

    /// How the device's name starts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::G310 => "Mali-G310",
            Self::G610 => "Mali-G610",
        }
    }
}

/// An entry point of a SPIR-V module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The module's file.
    pub module: PathBuf,
    /// Its name; has no blank.
    pub entry: String,
    /// Storage buffers 0 to `bindings` - 1 of descriptor set 0.
    pub bindings: u32,
    /// Words of push constants.
    pub push_words: u32,
}

/// How a kernel is started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    /// Workgroups in three dimensions.
    pub groups: [u32; 3],
    /// Push constants.
    pub push: Vec<u32>,
    /// 32-bit words of buffers that are known: binding and number of the word.
    pub known: BTreeMap<(u32, u32), u32>,
}

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub enum MaliError {
    /// Mesa for Mali cannot be had, or its runner cannot be built or run.
    #[error(transparent)]
    Harness(#[from] HarnessError),
    /// The driver refuses.
    #[error("the Mali driver fails:\n{0}")]
    Driver(String),
    /// Mesa prints something else than this was written for.
    #[error("cannot read what Mesa prints; this reads Mesa 26.2. {0}")]
    Format(String),
    /// Nothing is left of a kernel.
    #[error("kernel {0} does nothing: the compiler removes all of it")]
    Empty(String),
    /// A loop depends on what is in memory.
    #[error(
        "how often a loop runs depends on memory (condition {condition} of the shader): give the words that it reads"
    )]
    Unknown {
        /// Number of the `if`.
        condition: usize,
    },
    /// NIR and machine code do not go together.
    #[error("NIR and machine code differ: {0}")]
    Internal(String),
    /// One of a kernel.
    #[error("{kernel}: {source}")]
    Of {
        /// Its entry point.
        kernel: String,
        /// What is wrong.
        source: Box<MaliError>,
    },
}

impl MaliError {
    fn of(self, kernel: &str) -> Self {
        Self::Of {
            kernel: kernel.to_owned(),
            source: Box::new(self),
        }
    }
}

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}

/// The folder of an unpacked arm64 Mesa, which scripts/arm64/mesa.sh makes once.
///
/// # Errors
/// [`MaliError::Driver`]: the script fails.
pub fn mesa() -> Result<PathBuf, MaliError> {
    let failed = |why: String| MaliError::Driver(format!("scripts/arm64/mesa.sh: {why}"));
    let ran = Command::new(repository("scripts/arm64/mesa.sh"))
        .stdin(Stdio::null())
        .output();
    let ran = ran.map_err(|e| failed(e.to_string()))?;
    if !ran.status.success() {
        return Err(failed(String::from_utf8_lossy(&ran.stderr).into_owned()));
    }
    let text = String::from_utf8_lossy(&ran.stdout);
    Ok(PathBuf::from(text.lines().last().unwrap_or("").trim()))
}

/// The runner, linked with Mesa's loader.
fn build(folder: &Path, libraries: &Path) -> Result<PathBuf, MaliError> {
    let (object, runner) = (folder.join("pipe.o"), folder.join("pipe"));
    compile_c(
        Machine::Aarch64,
        &repository("testsuite/harness/pipe.c"),
        &object,
    )?;
    let mut command = Command::new("clang-22");
    command.args([
        "--target=aarch64-linux-gnu",
        "-fuse-ld=lld",
        "-Wl,--allow-shlib-undefined",
    ]);
    command
        .arg(&object)
        .arg(libraries.join("libvulkan.so.1"))
        .arg("-o")
        .arg(&runner);
    let ran = command
        .output()
        .map_err(|e| MaliError::Driver(format!("clang-22: {e}")))?;
    if ran.status.success() {
        return Ok(runner);
    }
    Err(MaliError::Driver(
        String::from_utf8_lossy(&ran.stderr).into_owned(),
    ))
}

/// Compiles kernels and returns what the driver prints, for [`parse`].
///
/// # Errors
/// [`MaliError::Harness`], [`MaliError::Driver`].
pub fn output(gpu: Gpu, kernels: &[Kernel]) -> Result<Vec<u8>, MaliError> {
    let folder = tempfile::tempdir().map_err(|e| MaliError::Driver(e.to_string()))?;
    let runner = build(folder.path(), &mesa()?.join("usr/lib/aarch64-linux-gnu"))?;
    let mut child = Command::new("timeout")
        .args(["--signal=KILL", "900"])
        .arg(repository("scripts/arm64/run.sh"))
        .arg("panfrost")
        .arg(runner)
        .arg("-i")
        .env("PAN_GPU_ID", gpu.id())
        .env("MESA_SHADER_CACHE_DISABLE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| MaliError::Driver(format!("scripts/arm64/run.sh does not start: {e}")))?;
    let mut list = String::new();
    for (i, k) in kernels.iter().enumerate() {
        if i == 0 || kernels[i - 1].module != k.module {
            list += &format!("module {}\n", k.module.display());
        }
        list += &format!("kernel {} {} {}\n", k.entry, k.bindings, 4 * k.push_words);
    }
    let input = child.stdin.take();
    let writer = std::thread::spawn(move || input.map(|mut i| i.write_all(list.as_bytes())));
    let ran = child
        .wait_with_output()
        .map_err(|e| MaliError::Driver(e.to_string()))?;
    _ = writer.join(); // a runner that fails early closes the pipe: its message says why
    if ran.status.success() {
        return Ok(ran.stdout);
    }
    let text = String::from_utf8_lossy(&ran.stderr);
    Err(MaliError::Driver(format!("{text}({})", ran.status)))
}

/// Compiles kernels; one result each, in their order.
///
/// # Errors
/// As [`output`] and [`parse`].
pub fn compile(gpu: Gpu, kernels: &[Kernel]) -> Result<Vec<Compiled>, MaliError> {
    let compiled = parse(gpu, &output(gpu, kernels)?)?;
    if compiled.len() != kernels.len() {
        return Err(MaliError::Format(format!(
            "{} kernels of {}",
            compiled.len(),
            kernels.len()
        )));
    }
    Ok(compiled)
}
