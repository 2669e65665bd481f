//! The same schedule on an arm64 host: examples/gpu.rs under qemu-aarch64, on arm64 lavapipe with a newer validation layer.
#![cfg(feature = "vulkan")]

#[path = "vulkan/common.rs"]
#[allow(dead_code)] // the other test uses the rest
mod common;

use common::{bytes, module, run, schedule};
use spec_runtime::schedule::Schedule;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The program of examples/gpu.rs for arm64.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut build = Command::new(root().join("scripts/arm64/example.sh"));
    build.arg("gpu");
    let output = run(build.env("CARGO", env!("CARGO")));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{build:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).trim().into()
});

/// Runs a schedule there on this input; the program's output, and arguments 0 to 2 after the run.
fn on_arm64(schedule: &Schedule, input: &[u8]) -> (Output, Vec<Vec<u8>>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    };
    let spirv = file("module.spv", &module("kernels"));
    let text = serde_json::to_string(schedule).expect("JSON");
    let schedule = file("schedule.json", text.as_bytes());
    let input = file("input", input);
    let mut command = Command::new(root().join("scripts/arm64/run.sh"));
    command.arg("lvp").arg(&*PROGRAM);
    command.args(["--validate", "--device", "llvmpipe"]);
    command.args([&spirv, &schedule]).arg(folder.path());
    command.arg(input).args(["=256", "=4"]);
    let output = run(&mut command);
    let arguments = (0..3).map(|i| std::fs::read(folder.path().join(i.to_string())));
    let arguments = arguments.collect::<Result<_, _>>();
    let written = arguments.unwrap_or_else(|e| panic!("{e}: {output:?}"));
    (output, written)
}

fn input() -> Vec<u32> {
    (0..128).map(|i| i * 0x0101_0101 + 7).collect()
}

#[test]
fn arm64_computes_what_x86_64_computes() {
    let input = bytes(&input());
    let (output, arguments) = on_arm64(&schedule(), &input);
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    assert!(
        said.contains("128 bits") && said.contains("status: Ok"),
        "{said}"
    );
    assert_eq!(errors, "", "validation has nothing to say");

    let mut here = common::Fixture::new(&schedule());
    here.input.as_mut_slice().copy_from_slice(&input);
    here.bind().run().expect("a run");
    assert_eq!(arguments[1], *here.output.as_slice());
    assert_eq!(arguments[0], input, "it is only read");
    here.end();
}

#[test]
fn its_layer_sees_a_missing_barrier() {
    let mut missing = schedule();
    missing.dispatches[2].barrier = false;
    let (output, _) = on_arm64(&missing, &bytes(&input()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("READ_AFTER_WRITE") || errors.contains("READ-AFTER-WRITE"),
        "{errors}"
    );

    // twice the same without a barrier: writes after writes, which older layers do not see
    let mut twice = schedule();
    let again = twice.dispatches[0].clone();
    twice.dispatches.insert(1, again);
    assert_eq!(twice.hazards().len(), 1);
    let (output, _) = on_arm64(&twice, &bytes(&input()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("WRITE_AFTER_WRITE") || errors.contains("WRITE-AFTER-WRITE"),
        "{errors}"
    );
}
