//! Kernels, schedules and buffers for the tests.

use spec_runtime::schedule::{Access, Buffer as Place, Dispatch, KernelInfo, Schedule, Span};
use spec_runtime::vulkan::{Buffer, Gpu, Options, Program, Recorded};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a program that set-up installs.
pub(crate) fn run(command: &mut Command) -> std::process::Output {
    let run = command.output();
    run.unwrap_or_else(|e| panic!("{command:?}: {e}; run scripts/setup.sh"))
}

/// A module of this folder, assembled and valid.
pub(crate) fn module(name: &str) -> Vec<u8> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/vulkan/{name}.spvasm"));
    assembled(
        &std::fs::read_to_string(source).expect("a module"),
        "vulkan1.3",
    )
}

/// The bytes of a module, of the version that goes with this environment; it is valid.
pub(crate) fn assembled(text: &str, environment: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, target) = (folder.path().join("text"), folder.path().join("module.spv"));
    std::fs::write(&source, text).expect("written");
    let environment = ["--target-env", environment];
    let mut assemble = Command::new("spirv-as");
    assemble.args(environment).arg(source);
    assemble.arg("-o").arg(&target);
    let mut validate = Command::new("spirv-val");
    validate.args(environment).arg(&target);
    for command in [&mut assemble, &mut validate] {
        let output = run(command);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {errors}");
    }
    std::fs::read(target).expect("it was written")
}

pub(crate) fn gpu(validation: bool) -> Gpu {
    let options = Options {
        device: Some("llvmpipe".to_owned()),
        validation,
        ..Options::default()
    };
    Gpu::open(&options).unwrap_or_else(|e| panic!("{e}; run scripts/setup.sh"))
}

pub(crate) fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

pub(crate) fn words(bytes: &[u8]) -> Vec<u32> {
    let (chunks, rest) = bytes.as_chunks();
    assert!(rest.is_empty());
    chunks.iter().map(|c| u32::from_le_bytes(*c)).collect()
}

pub(crate) fn span(buffer: Place, offset: u64, bytes: u64, access: Access) -> Span {
    Span {
        buffer,
        offset,
        bytes,
        access,
    }
}

pub(crate) fn dispatch(kernel: u32, barrier: bool, spans: &[Span], push: &[u32]) -> Dispatch {
    Dispatch {
        kernel,
        groups: [1; 3],
        barrier,
        spans: spans.to_vec(),
        push: push.to_vec(),
    }
}

pub(crate) fn kernel(entry: &str, bindings: u32, push_words: u32) -> KernelInfo {
    KernelInfo {
        entry: entry.to_owned(),
        bindings,
        push_words,
        workgroup: [64, 1, 1],
    }
}

/// Argument 1 = 8 * words 64.. of argument 0, by way of the workspace; the status is argument 2.
pub(crate) fn schedule() -> Schedule {
    use Access::{Read, Write};
    use Place::{Argument, Workspace};
    let input = span(Argument(0), 0, 512, Read);
    let half = |offset, access| span(Workspace, offset, 256, access);
    let sum = [
        half(256, Read),
        half(512, Read),
        span(Argument(1), 0, 256, Write),
    ];
    let status = [span(Workspace, 0, 4, Write), span(Argument(2), 0, 4, Read)];
    Schedule {
        workspace_bytes: 768,
        constants_bytes: 0,
        kernels: vec![
            kernel("scale", 2, 2),
            kernel("sum", 3, 0),
            kernel("status", 2, 0),
        ],
        dispatches: vec![
            dispatch(0, false, &[input, half(256, Write)], &[64, 3]),
            dispatch(0, false, &[input, half(512, Write)], &[64, 5]),
            dispatch(1, true, &sum, &[]),
            dispatch(2, false, &status, &[]),
        ],
    }
}

/// 64 words of argument 0, each after so many steps; 20 workgroups do the same.
pub(crate) fn spin(steps: u32) -> Schedule {
    let output = span(Place::Argument(0), 0, 256, Access::Write);
    let mut dispatch = dispatch(0, false, &[output], &[steps, 0]);
    dispatch.groups[1] = 20;
    Schedule {
        workspace_bytes: 4,
        constants_bytes: 0,
        kernels: vec![kernel("spin", 1, 2)],
        dispatches: vec![dispatch],
    }
}

/// What the kernel `spin` computes.
pub(crate) fn spun(index: u32, steps: u32) -> u32 {
    (0..steps).fold(index, |x, _| {
        let y = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (y >> 1) ^ y
    })
}

/// A program with its buffers.
pub(crate) struct Fixture {
    pub(crate) program: Program,
    pub(crate) input: Buffer,
    pub(crate) output: Buffer,
    pub(crate) status: Buffer,
    pub(crate) gpu: Gpu,
}

impl Fixture {
    pub(crate) fn new(schedule: &Schedule) -> Self {
        Self::with(schedule, &[])
    }

    pub(crate) fn with(schedule: &Schedule, constants: &[u8]) -> Self {
        let gpu = gpu(true);
        let program = gpu.program(&module("kernels"), schedule, constants);
        let buffer = |bytes| gpu.buffer(bytes).expect("room");
        Self {
            program: program.expect("a program"),
            input: buffer(512),
            output: buffer(256),
            status: buffer(4),
            gpu,
        }
    }

    pub(crate) fn bind(&self) -> Recorded {
        let buffers = [&self.input, &self.output, &self.status];
        self.program.bind(&buffers).expect("bound")
    }

    /// Lets go of everything; the validation layer has nothing to say, then or before.
    pub(crate) fn end(self) {
        let log = self.gpu.log();
        drop(self);
        assert_eq!(log.take(), [""; 0]);
    }
}

/// The program of examples/gpu.rs, built.
pub(crate) fn program() -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args([
        "build",
        "--quiet",
        "--package",
        "spec-runtime",
        "--example",
        "gpu",
    ]);
    let output = run(&mut build);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let test = std::env::current_exe().expect("a path");
    let target = test.ancestors().nth(3).expect("target/debug/deps/test");
    target.join("debug/examples/gpu")
}
