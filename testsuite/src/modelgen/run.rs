//! Executes modules with the stock `mlir-opt` and `mlir-runner`: deterministic inputs in, exact numbers out.
//!
//! The tools are looked for in `$SPEC_LLVM_BIN`, else in `/usr/lib/llvm-22/bin`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::text::Type;
use super::wrapper::parse;
pub use super::wrapper::with_main;

/// Why a module was not executed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A tool could not be started, or a file not written.
    #[error("{what}: {source} (set SPEC_LLVM_BIN to the folder of LLVM 22's tools)")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A tool exited with an error.
    #[error("{tool} failed ({status}):\n{stderr}")]
    Tool {
        /// Name of the tool.
        tool: String,
        /// Its exit status.
        status: String,
        /// The start of its diagnostics.
        stderr: String,
    },
    /// A tool was killed at the time limit.
    #[error("{tool} did not end within {seconds} s")]
    Timeout {
        /// Name of the tool.
        tool: String,
        /// The limit.
        seconds: u64,
    },
    /// The program printed something else than its results.
    #[error("expected {expected} results, found {found} in the output")]
    Output {
        /// Number of results asked for.
        expected: usize,
        /// Number printed.
        found: usize,
    },
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Values in row-major order, as a dense constant.
    Dense(Type, Vec<f64>),
    /// Zeros.
    Zero(Type),
    /// [`fill_value`] of each linear index, times the scale, computed by a loop: for large tensors.
    Fill(Type, i64, f64),
    /// Result `.1` of call `.0`.
    Result(usize, usize),
}

/// One call of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Symbol without `@`.
    pub entry: String,
    /// Arguments in order.
    pub args: Vec<Input>,
    /// Result types in order.
    pub results: Vec<Type>,
}

/// Longest that a tool may run.
pub const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Softmax and concat have no lowering of their own: both are decomposed first.
const SCHEDULE: &str = r#"module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %s = transform.structured.match ops{["linalg.softmax"]} in %m : (!transform.any_op) -> !transform.any_op
    %d = transform.structured.decompose_interface %s : (!transform.any_op) -> !transform.any_op
    %f = transform.structured.match ops{["func.func"]} in %m : (!transform.any_op) -> !transform.any_op
    transform.apply_patterns to %f { transform.apply_patterns.tensor.decompose_concat } : !transform.any_op
    transform.yield
  }
}
"#;

const LOWERING: &str = "transform-interpreter,canonicalize,cse,\
    one-shot-bufferize{bufferize-function-boundaries allow-return-allocs-from-loops function-boundary-type-conversion=identity-layout-map},\
    canonicalize,convert-linalg-to-loops,convert-scf-to-cf,expand-strided-metadata,lower-affine,\
    convert-math-to-llvm,convert-math-to-libm,finalize-memref-to-llvm,convert-func-to-llvm,convert-arith-to-llvm,\
    convert-cf-to-llvm,convert-index-to-llvm,convert-ub-to-llvm,reconcile-unrealized-casts";

/// The value that [`Input::Fill`] gives to element `index`, before scaling: in [-1, 1).
pub fn fill_value(seed: i64, index: i64) -> f64 {
    let mixed = index
        .wrapping_mul(2_654_435_761)
        .wrapping_add(seed.wrapping_mul(40_503));
    let mixed = mixed ^ (mixed >> 13);
    let mixed = mixed.wrapping_mul(1_103_515_245) >> 12;
    (mixed & 0xffff) as f64 / 32768.0 - 1.0
}

/// Runs one call and returns its results' values in row-major order.
///
/// # Errors
/// [`RunError`] where a tool is missing, fails or takes more than [`TIME_LIMIT`].
pub fn execute(
    module: &str,
    entry: &str,
    args: &[Input],
    results: &[Type],
) -> Result<Vec<Vec<f64>>, RunError> {
    let call = Call {
        entry: entry.to_owned(),
        args: args.to_vec(),
        results: results.to_vec(),
    };
    Ok(execute_all(module, &[call])?.remove(0))
}

/// Runs calls one after another in one process; later ones may use results of earlier ones.
///
/// # Errors
/// As [`execute`].
pub fn execute_all(module: &str, calls: &[Call]) -> Result<Vec<Vec<Vec<f64>>>, RunError> {
    let output = run_main(&with_main(module, calls))?;
    let mut found = parse(&output).into_iter();
    let expected = calls.iter().map(|c| c.results.len()).sum();
    if found.len() != expected {
        return Err(RunError::Output {
            expected,
            found: found.len(),
        });
    }
    let typed = |ty: &Type, bits: Vec<i64>| -> Vec<f64> {
        let value = |b: i64| {
            if ty.element.is_float() {
                f64::from_bits(b as u64)
            } else {
                b as f64
            }
        };
        bits.into_iter().map(value).collect()
    };
    Ok(calls
        .iter()
        .map(|c| {
            c.results
                .iter()
                .map(|ty| typed(ty, found.next().unwrap_or_default()))
                .collect()
        })
        .collect())
}

/// Name of the wrapper that [`with_main`] adds.
pub const MAIN: &str = "spec_testsuite_main";

/// Folder of the LLVM tools.
pub fn llvm_bin() -> PathBuf {
    std::env::var_os("SPEC_LLVM_BIN")
        .map_or_else(|| PathBuf::from("/usr/lib/llvm-22/bin"), PathBuf::from)
}

/// Whether stock `mlir-opt` parses and verifies `module`.
///
/// # Errors
/// [`RunError::Tool`] with its diagnostics where it does not.
pub fn verify(module: &str) -> Result<(), RunError> {
    let folder = temporary()?;
    let input = write(folder.path(), "module.mlir", module)?;
    tool(
        folder.path(),
        "mlir-opt",
        &[&text(&input), "-o", "/dev/null"],
    )
    .map(drop)
}

fn run_main(module: &str) -> Result<String, RunError> {
    let folder = temporary()?;
    let input = write(folder.path(), "module.mlir", module)?;
    let schedule = write(folder.path(), "schedule.mlir", SCHEDULE)?;
    let lowered = folder.path().join("lowered.mlirbc");
    let pipeline = format!(
        "builtin.module(transform-preload-library{{transform-library-paths={}}},{LOWERING})",
        text(&schedule)
    );
    let pipeline = format!("--pass-pipeline={pipeline}");
    tool(
        folder.path(),
        "mlir-opt",
        &[
            &text(&input),
            &pipeline,
            "--emit-bytecode",
            "-o",
            &text(&lowered),
        ],
    )?;
    let lib = llvm_bin().with_file_name("lib");
    let libraries = ["libmlir_runner_utils.so", "libmlir_c_runner_utils.so"]
        .map(|l| text(&lib.join(l)))
        .join(",");
    let libraries = format!("--shared-libs={libraries}");
    tool(
        folder.path(),
        "mlir-runner",
        &[
            &text(&lowered),
            "-e",
            MAIN,
            "-entry-point-result=void",
            &libraries,
        ],
    )
}

fn temporary() -> Result<tempfile::TempDir, RunError> {
    tempfile::tempdir().map_err(|source| RunError::Io {
        what: "no temporary folder".to_owned(),
        source,
    })
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, RunError> {
    let path = folder.join(name);
    match std::fs::write(&path, text) {
        Ok(()) => Ok(path),
        Err(source) => Err(RunError::Io {
            what: format!("cannot write {name}"),
            source,
        }),
    }
}

/// Runs an LLVM tool in `folder` within [`TIME_LIMIT`] and returns its standard output.
fn tool(folder: &Path, name: &str, args: &[&str]) -> Result<String, RunError> {
    let io = |what: &str| {
        let what = format!("{what} {name}");
        move |source| RunError::Io { what, source }
    };
    let out = folder.join("stdout");
    let err = folder.join("stderr");
    let mut child = Command::new(llvm_bin().join(name))
        .args(args)
        .stdin(Stdio::null())
        .stdout(File::create(&out).map_err(io("no output file for"))?)
        .stderr(File::create(&err).map_err(io("no output file for"))?)
        .spawn()
        .map_err(io("cannot start"))?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(io("cannot wait for"))? {
            break status;
        }
        if start.elapsed() > TIME_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return Err(RunError::Timeout {
                tool: name.to_owned(),
                seconds: TIME_LIMIT.as_secs(),
            });
        }
        std::thread::sleep(Duration::from_millis(3));
    };
    let read = |path: &Path| std::fs::read(path).map(|b| String::from_utf8_lossy(&b).into_owned());
    if status.success() {
        return read(&out).map_err(io("cannot read the output of"));
    }
    let stderr: String = read(&err)
        .unwrap_or_default()
        .lines()
        .take(12)
        .map(|l| l.chars().take(400).collect::<String>() + "\n")
        .collect();
    Err(RunError::Tool {
        tool: name.to_owned(),
        status: status.to_string(),
        stderr,
    })
}
