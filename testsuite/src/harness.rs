//! Runs compiled models outside of this process: natively, and as aarch64 code under qemu, linked statically or loaded.
//!
//! The runner is C (testsuite/harness/run.c) and so needs no Rust library of the other machine. It is compiled once, into the
//! folder `harness` beside the running test's own, and found there again by a hash of its sources.
//!
//! Counting instructions: [`Program::instructions`] runs a program under qemu with a small TCG plugin (testsuite/harness/plugin.c) that
//! adds up the lengths of the blocks executed, once with one and once with two calls; the difference is one call. It costs about
//! twice the time of qemu alone. `-one-insn-per-tb -d exec` would give the same by gigabytes of text.

mod build;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Machine {
    /// This machine.
    Native,
    /// aarch64 Linux, under `qemu-aarch64 -cpu max`.
    Aarch64,
}

/// How runner and model come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Linking {
    /// One static program.
    Static,
    /// A shared library that the runner loads.
    Dynamic,
}

/// What a call does with an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only read.
    Read,
    /// Read and written.
    Update,
    /// Only written.
    Result,
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arg {
    access: Access,
    bytes: Vec<u8>,
    align: usize,
}

impl Arg {
    /// An argument that is only read; it starts at a multiple of `align` bytes, and with [`Call::guard`] at no larger one if its
    /// length allows.
    pub fn read(bytes: Vec<u8>, align: usize) -> Self {
        let access = Access::Read;
        Self {
            access,
            bytes,
            align,
        }
    }

    /// An argument that is updated in place.
    pub fn update(bytes: Vec<u8>, align: usize) -> Self {
        let access = Access::Update;
        Self {
            access,
            bytes,
            align,
        }
    }

    /// A result of `bytes` bytes.
    pub fn result(bytes: usize, align: usize) -> Self {
        let access = Access::Result;
        let bytes = vec![0; bytes];
        Self {
            access,
            bytes,
            align,
        }
    }
}

/// A call of a model function (docs/abi.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Bytes of the workspace.
    pub workspace: usize,
    /// Arguments, then results that are not an argument.
    pub args: Vec<Arg>,
    /// Threads; with 1, the model gets no pool.
    pub threads: usize,
    /// Calls before those that count.
    pub warmup: usize,
    /// Calls. Arguments that are updated keep their contents between calls.
    pub repetitions: usize,
    /// Whether to take the time.
    pub time: bool,
    /// Whether to find accesses outside of buffers, and writes to what is only read.
    pub guard: bool,
    /// Whether buffers are in huge pages.
    pub huge: bool,
    /// What workspace and results hold before the first call; 255: NaN in all float types.
    pub poison: u8,
}

impl Call {
    /// One guarded call on one thread.
    pub fn new(workspace: usize, args: Vec<Arg>) -> Self {
        Self {
            workspace,
            args,
            threads: 1,
            warmup: 0,
            repetitions: 1,
            time: false,
            guard: true,
            huge: false,
            poison: 255,
        }
    }
}

/// What calls did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the last call returned.
    pub status: i32,
    /// How often the calls, without the warm-up, got memory from the heap or the system.
    pub allocations: u64,
    /// One for each argument: its contents at the end if it is written.
    pub outputs: Vec<Option<Vec<u8>>>,
    /// Median time of a call in nanoseconds, if asked for.
    pub median_ns: Option<u64>,
    /// Shortest time of a call in nanoseconds, if asked for.
    pub best_ns: Option<u64>,
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// A program is not installed.
    #[error("{program} is not installed: run scripts/setup.sh (package {package})")]
    Tool {
        /// The program.
        program: String,
        /// Debian's package.
        package: &'static str,
    },
    /// The compiler or the linker fails.
    #[error("{command} fails:\n{stderr}")]
    Build {
        /// What was run.
        command: String,
        /// What it said.
        stderr: String,
    },
    /// The model left its buffers.
    #[error("{0}")]
    Guard(String),
    /// The runner fails, or a signal ended it.
    #[error("the runner ends with {status}:\n{stderr}")]
    Run {
        /// Exit status or signal.
        status: String,
        /// What it said.
        stderr: String,
    },
    /// A file cannot be written or read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

fn file_error(path: &Path) -> impl Fn(std::io::Error) -> HarnessError + '_ {
    move |source| HarnessError::File {
        path: path.to_owned(),
        source,
    }
}

/// Starts a program and waits for its end.
fn output(command: &mut Command, package: &'static str) -> Result<Output, HarnessError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let ran = command.stdin(Stdio::null()).output();
    ran.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => HarnessError::Tool { program, package },
        _ => file_error(Path::new(&program))(e),
    })
}

/// A runner with a model.
#[derive(Debug)]
pub struct Program {
    machine: Machine,
    runner: PathBuf,
    /// Library and symbol, if the model is loaded.
    loaded: Option<(PathBuf, String)>,
    _folder: Option<tempfile::TempDir>,
}

/// Seconds after which a run is ended: a model or a pool that hangs fails its test.
const LIMIT: &str = "300";

impl Program {
    /// Links the function `symbol` of an object file into a program.
    ///
    /// # Errors
    /// [`HarnessError::Tool`], [`HarnessError::Build`], [`HarnessError::File`].
    pub fn build(
        machine: Machine,
        linking: Linking,
        object: &Path,
        symbol: &str,
    ) -> Result<Self, HarnessError> {
        let folder = tempfile::tempdir().map_err(file_error(&std::env::temp_dir()))?;
        let mut program = match linking {
            Linking::Static => {
                let runner = folder.path().join("run");
                build::link_static(machine, object, symbol, &runner)?;
                Self {
                    machine,
                    runner,
                    loaded: None,
                    _folder: None,
                }
            }
            Linking::Dynamic => {
                let library = folder.path().join("model.so");
                build::link_shared(machine, object, &library)?;
                Self::library(machine, &library, symbol)?
            }
        };
        program._folder = Some(folder);
        Ok(program)
    }

    /// A program that loads the function `symbol` of a shared library.
    ///
    /// # Errors
    /// As [`Program::build`].
    pub fn library(machine: Machine, library: &Path, symbol: &str) -> Result<Self, HarnessError> {
        Ok(Self {
            machine,
            runner: build::dynamic_runner(machine)?,
            loaded: Some((library.to_owned(), symbol.to_owned())),
            _folder: None,
        })
    }

    /// Makes the calls.
    ///
    /// # Errors
    /// [`HarnessError::Guard`], [`HarnessError::Run`], [`HarnessError::Tool`], [`HarnessError::File`]. A status of the model other
    /// than 0 is none.
    pub fn run(&self, call: &Call) -> Result<Outcome, HarnessError> {
        self.execute(call, &[]).map(|(outcome, _)| outcome)
    }

    /// Instructions of one call on one thread, under qemu: the difference of two calls and one, so that what happens once is not
    /// counted. Exact but for some ten instructions of the runner's loop. Models whose second call does not do what the first did
    /// need a [`Call::warmup`].
    ///
    /// # Errors
    /// As [`Program::run`]; [`HarnessError::Run`] for programs of this machine, which do not run under qemu.
    pub fn instructions(&self, call: &Call) -> Result<u64, HarnessError> {
        let plugin = build::plugin()?;
        let plugin = ["-plugin".to_owned(), plugin.display().to_string()];
        let count = |repetitions| {
            let call = Call {
                threads: 1,
                time: false,
                repetitions,
                ..call.clone()
            };
            let (_, stderr) = self.execute(&call, &plugin)?;
            value(&stderr, "instructions").ok_or_else(|| HarnessError::Run {
                status: "no count of instructions (only aarch64 programs have one)".to_owned(),
                stderr,
            })
        };
        let (one, two): (u64, u64) = (count(1)?, count(2)?);
        Ok(two.saturating_sub(one))
    }

    /// The outcome, and what was written to standard error.
    fn execute(&self, call: &Call, qemu: &[String]) -> Result<(Outcome, String), HarnessError> {
        let folder = tempfile::tempdir().map_err(file_error(&std::env::temp_dir()))?;
        let plan = folder.path().join("plan");
        let text = self.plan(call, folder.path())?;
        std::fs::write(&plan, text).map_err(file_error(&plan))?;
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", LIMIT]);
        if self.machine == Machine::Aarch64 {
            let root = "/usr/aarch64-linux-gnu"; // of Debian's packages libc6-arm64-cross
            command
                .args(["qemu-aarch64", "-cpu", "max", "-L", root])
                .args(qemu);
        }
        let ran = output(command.arg(&self.runner).arg(&plan), "coreutils")?;
        let stderr = String::from_utf8_lossy(&ran.stderr).into_owned();
        match ran.status.code() {
            Some(0) => {}
            Some(3) => return Err(HarnessError::Guard(stderr.trim().to_owned())),
            Some(127) if self.machine == Machine::Aarch64 => {
                return Err(HarnessError::Tool {
                    program: "qemu-aarch64".to_owned(),
                    package: "qemu-user",
                });
            }
            _ => {
                let status = ran.status.to_string();
                return Err(HarnessError::Run { status, stderr });
            }
        }
        let stdout = String::from_utf8_lossy(&ran.stdout);
        let missing = || HarnessError::Run {
            status: "no report".to_owned(),
            stderr: stdout.clone().into_owned(),
        };
        let outcome = Outcome {
            status: value(&stdout, "status").ok_or_else(missing)?,
            allocations: value(&stdout, "allocations").ok_or_else(missing)?,
            outputs: outputs(call, folder.path())?,
            median_ns: value(&stdout, "median_ns"),
            best_ns: value(&stdout, "best_ns"),
        };
        Ok((outcome, stderr))
    }

    /// Writes the files of the arguments, and returns the text of the plan.
    fn plan(&self, call: &Call, folder: &Path) -> Result<String, HarnessError> {
        let mut text = String::new();
        let mut line = |line: std::fmt::Arguments<'_>| _ = writeln!(text, "{line}");
        if let Some((library, symbol)) = &self.loaded {
            line(format_args!("library {}", library.display()));
            line(format_args!("symbol {symbol}"));
        }
        line(format_args!("workspace {}", call.workspace));
        line(format_args!("threads {}", call.threads));
        line(format_args!("warmup {}", call.warmup));
        line(format_args!("repetitions {}", call.repetitions));
        line(format_args!("poison {}", call.poison));
        for (given, word) in [
            (call.time, "time"),
            (call.guard, "guard"),
            (call.huge, "huge"),
        ] {
            if given {
                line(format_args!("{word}"));
            }
        }
        for (i, arg) in call.args.iter().enumerate() {
            let (input, output) = (
                folder.join(format!("{i}.in")),
                folder.join(format!("{i}.out")),
            );
            let (mut from, mut to) = (input.display().to_string(), output.display().to_string());
            let access = match arg.access {
                Access::Read => "read",
                Access::Update => "update",
                Access::Result => "result",
            };
            if arg.access == Access::Result {
                from = "-".to_owned();
            } else {
                std::fs::write(&input, &arg.bytes).map_err(file_error(&input))?;
            }
            if arg.access == Access::Read {
                to = "-".to_owned();
            }
            let (bytes, align) = (arg.bytes.len(), arg.align);
            line(format_args!("arg {access} {bytes} {align} {from} {to}"));
        }
        Ok(text)
    }
}

fn outputs(call: &Call, folder: &Path) -> Result<Vec<Option<Vec<u8>>>, HarnessError> {
    let read = |(i, arg): (usize, &Arg)| {
        if arg.access == Access::Read {
            return Ok(None);
        }
        let path = folder.join(format!("{i}.out"));
        std::fs::read(&path).map(Some).map_err(file_error(&path))
    };
    call.args.iter().enumerate().map(read).collect()
}

/// The number after `key` at the start of a line.
fn value<T: std::str::FromStr>(text: &str, key: &str) -> Option<T> {
    let mut lines = text.lines().filter_map(|l| l.split_once(' '));
    lines.find(|(k, _)| *k == key)?.1.parse().ok()
}

pub use build::compile_c;
