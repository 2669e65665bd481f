//! A whole model, compiled for a device file's GPU, on an arm64 host: runtime/examples/gpu.rs under qemu-aarch64 on arm64 lavapipe, whose
//! subgroups have 4 invocations and whose Mesa, LLVM and validation layer are newer than this machine's. A call there answers what the
//! same call on this machine's lavapipe answers, which is checked against the reference.

use spec_runtime::bundle::{Bundle, GpuFunction};
use spec_runtime::manifest::{FunctionResult, Slot};
use spec_runtime::vulkan::{Buffer, Gpu, Program, Status};
use spec_testsuite::compiled::{compile, decode, encode};
use spec_testsuite::gpu;
use spec_testsuite::modelgen::{Exporter, Form, ModelSpec, Type, argmax, build, catalogue};
use spec_testsuite::whole::{M, answers};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Largest difference between the machines, relative to the largest value of a result: the bits differ, since Mesa's and LLVM's versions do.
const TOLERANCE: f64 = 1e-6;

/// A call: the bytes of its arguments and results in the function's order.
struct Call {
    args: Vec<Vec<u8>>,
    types: Vec<Type>,
    results: Vec<Vec<u8>>,
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/arm64")
}

/// Standard output of a program that succeeds and has nothing to complain of.
fn said(command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    assert_eq!(errors, "", "{command:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// runtime/examples/gpu.rs for arm64.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut build = Command::new(scripts().join("example.sh"));
    build.arg("gpu");
    said(build.env("CARGO", env!("CARGO"))).into()
});

/// The model, and its bundle with the folder that it is in.
static COMPILED: LazyLock<(ModelSpec, tempfile::TempDir, Bundle)> = LazyLock::new(|| {
    let (_, model) = catalogue(Exporter::Torch).swap_remove(0);
    let text = build(&Form::DecodeVerify(model.clone(), M)).text;
    let folder = compile(&text, &["--soc=imx95", "--target-device=gpu"]);
    let folder = folder.expect("it compiles");
    let bundle = Bundle::load(&folder.path().join("out")).expect("a bundle");
    (model, folder, bundle)
});

/// The results of a function in its order, from the bytes of its slots.
fn results(function: &GpuFunction, slots: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let described = function.described().results.iter().enumerate();
    let slot = |(i, result): (usize, &FunctionResult)| {
        let wanted = result.aliases_argument.map_or((true, i), |a| (false, a));
        let same = |s: &Slot| (s.is_result, s.index) == wanted;
        let at = function.slots().iter().position(same);
        slots[at.expect("each result has a slot")].clone()
    };
    described.map(slot).collect()
}

/// One call on this machine.
fn on_x86_64(gpu: &Gpu, function: &GpuFunction, args: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let buffer = |slot: &Slot| {
        let mut buffer = gpu.buffer(slot.bytes as u64).expect("room");
        if !slot.is_result {
            buffer.as_mut_slice().copy_from_slice(&args[slot.index]);
        }
        buffer
    };
    let buffers: Vec<Buffer> = function.slots().iter().map(buffer).collect();
    let (spirv, constants) = (function.spirv(), function.constants());
    let program = Program::new(gpu, spirv, function.schedule(), constants);
    let program = program.expect("this machine's device has what the other has");
    let bound = program.bind(&buffers.iter().collect::<Vec<_>>());
    let status = bound.expect("bound").run().expect("a run");
    assert_eq!(status, Status::Ok);
    let bytes: Vec<_> = buffers.iter().map(|b| b.as_slice().to_vec()).collect();
    results(function, &bytes)
}

/// One call under qemu-aarch64.
fn on_arm64(function: &GpuFunction, args: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    };
    let schedule = serde_json::to_string(function.schedule()).expect("JSON");
    let mut command = Command::new(scripts().join("run.sh"));
    command.arg("lvp").arg(&*PROGRAM);
    command.args(["--validate", "--device", gpu::DEVICE]);
    // compiling counts too: a minute of a free processor
    command.args(["--timeout", "900"]);
    if !function.constants().is_empty() {
        let constants = file("constants", function.constants());
        command.arg("--constants").arg(constants);
    }
    command.arg(file("kernels.spv", function.spirv()));
    command.arg(file("schedule.json", schedule.as_bytes()));
    command.arg(folder.path());
    for (i, slot) in function.slots().iter().enumerate() {
        match slot.is_result {
            true => command.arg(format!("={}", slot.bytes)),
            false => command.arg(file(&format!("argument{i}"), &args[slot.index])),
        };
    }
    let said = said(&mut command);
    assert!(
        said.contains("128 bits") && said.contains("status: Ok"),
        "{said}"
    );
    let read = |i: usize| std::fs::read(folder.path().join(i.to_string())).expect("written");
    let bytes: Vec<_> = (0..function.slots().len()).map(read).collect();
    results(function, &bytes)
}

/// The prompt in calls of `m` tokens on this machine; the last call.
fn last_call(model: &ModelSpec, function: &GpuFunction, m: usize) -> Call {
    let gpu = gpu::gpu().expect("a GPU");
    let mut last = None;
    let answers = answers(model, m, |args, types| {
        let args = args.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        let results = on_x86_64(&gpu, function, &args);
        let decoded = types.iter().zip(&results).map(|(t, b)| decode(t, b));
        let decoded = decoded.collect();
        let types = types.to_vec();
        last = Some(Call {
            args,
            types,
            results,
        });
        Ok::<_, String>(decoded)
    });
    let answers = answers.expect("encoded");
    assert_eq!(gpu.messages(), [""; 0]);
    answers.against_reference(model).expect("the right answers");
    last.expect("the prompt is not empty")
}

/// The last call with `m` tokens on both machines: the same values but for rounding, and the same best tokens.
fn check(function: &str, m: usize) {
    let (model, _, bundle) = &*COMPILED;
    let function = bundle.gpu_function(function).expect("on the GPU");
    let call = last_call(model, function, m);
    let found = on_arm64(function, &call.args);
    let vocabulary = model.config.vocabulary;
    let mut heads = 0;
    for (i, ty) in call.types.iter().enumerate() {
        let (found, wanted) = (decode(ty, &found[i]), decode(ty, &call.results[i]));
        assert_eq!(found.len(), wanted.len());
        let largest = wanted.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
        for (f, w) in found.iter().zip(&wanted) {
            let error = (f - w).abs() / largest;
            assert!(error <= TOLERANCE, "result {i}: {f}, expected {w}");
        }
        if ty.shape() == [m, vocabulary] {
            let best = |v: &[f64]| v.chunks(vocabulary).map(argmax).collect::<Vec<_>>();
            assert_eq!(best(&found), best(&wanted));
            heads += 1;
        }
    }
    assert_eq!(heads, 1, "one result is the logits");
}

#[test]
fn one_token() {
    check("decode", 1);
}

#[test]
fn several_tokens() {
    check("verify", M);
}
