//! Workgroup memory: the limit holds for each kernel, whatever others the module has.

use super::common::{assembled, dispatch, gpu, kernel, span, words};
use spec_runtime::schedule::{Access, Buffer, Schedule};
use spec_runtime::vulkan::Status;

/// The module in a version whose entry points list what they use, and in one where they do not, with the environment of each.
fn modules() -> [(&'static str, Vec<u8>); 2] {
    let source = include_str!("shared.spvasm");
    let short = |line: &str| match line.split_once(" %lid ") {
        Some((start, _)) if line.contains("OpEntryPoint") => format!("{start} %lid\n"),
        _ => format!("{line}\n"),
    };
    let older: String = source.lines().map(short).collect();
    [("vulkan1.3", source), ("vulkan1.1", &older)].map(|(e, s)| (e, assembled(s, e)))
}

/// Each of the kernels writes an argument.
fn schedule(kernels: &[&str]) -> Schedule {
    let output = |i| span(Buffer::Argument(i), 0, 256, Access::Write);
    let indices = 0..kernels.len() as u32;
    Schedule {
        workspace_bytes: 4,
        constants_bytes: 0,
        kernels: kernels.iter().map(|k| kernel(k, 1, 0)).collect(),
        dispatches: indices
            .map(|i| dispatch(i, false, &[output(i)], &[]))
            .collect(),
    }
}

#[test]
fn kernels_that_fit_one_at_a_time_run_without_a_message() {
    let gpu = gpu(true);
    let most = gpu.properties().shared_memory;
    assert!((24 << 10..36 << 10).contains(&most), "{most}");
    for (environment, spirv) in modules() {
        let program = gpu.program(&spirv, &schedule(&["up", "down"]), &[]);
        let (up, down) = (gpu.buffer(256), gpu.buffer(256));
        let (up, down) = (up.expect("room"), down.expect("room"));
        let bound = program.expect("each fits").bind(&[&up, &down]);
        assert_eq!(bound.expect("bound").run().expect("a run"), Status::Ok);
        assert!(words(&up.as_slice()).into_iter().eq(0..64));
        assert!(words(&down.as_slice()).into_iter().eq((0..64).rev()));
        assert_eq!(gpu.messages(), [""; 0], "{environment}");
    }
}

#[test]
fn a_kernel_that_needs_more_than_there_is_is_refused() {
    let gpu = gpu(true);
    let most = gpu.properties().shared_memory;
    for (environment, spirv) in modules() {
        let program = gpu.program(&spirv, &schedule(&["up", "large"]), &[]);
        let error = program.expect_err("36 KiB").to_string();
        let wanted = format!(
            "kernel \"large\" has 36864 bytes of workgroup memory, {} has room for {most}",
            gpu.name()
        );
        assert!(error.contains(&wanted), "{error}");
        assert_eq!(gpu.messages(), [""; 0], "{environment}");
    }
}
