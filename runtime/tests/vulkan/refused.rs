//! What does not fit is refused with an error that says why.

use super::common::{self, Fixture, gpu, kernel, module, run, schedule, span};
use spec_runtime::schedule::{Access, Buffer, Schedule};
use spec_runtime::vulkan::Gpu;
use std::process::Command;

type Edit<'a> = &'a dyn Fn(&mut Schedule);

/// The error for the schedule after an edit.
fn refused(gpu: &Gpu, spirv: &[u8], constants: &[u8], edit: impl FnOnce(&mut Schedule)) -> String {
    let mut schedule = schedule();
    edit(&mut schedule);
    let program = gpu.program(spirv, &schedule, constants);
    program.expect_err("edited").to_string()
}

#[test]
fn schedules_that_do_not_fit_the_module_or_the_device() {
    let gpu = gpu(true);
    let spirv = module("kernels");
    let groups = gpu.properties().groups[1];
    let edited = |edit: Edit| refused(&gpu, &spirv, &[], edit);
    let table: [(&str, Edit); 9] = [
        ("there is no kernel 9", &|s| s.dispatches[0].kernel = 9),
        ("kernel \"product\" is not in it", &|s| {
            s.kernels[1].entry = "product".to_owned();
        }),
        (
            "kernel \"sum\" uses binding 2 of set 0, the schedule gives it 2",
            &|s| {
                s.kernels[1].bindings = 2;
                s.dispatches[2].spans.pop();
            },
        ),
        ("kernel \"scale\" takes push constants", &|s| {
            s.kernels[0].push_words = 0;
            s.dispatches[0].push.clear();
            s.dispatches[1].push.clear();
        }),
        (
            "has workgroups of Some([64, 1, 1]), the schedule says [32, 1, 1]",
            &|s| {
                s.kernels[0].workgroup = [32, 1, 1];
            },
        ),
        ("workgroups along a side", &|s| {
            s.dispatches[0].groups[1] = u32::MAX;
        }),
        ("bytes in a span", &|s| {
            s.dispatches[0].spans[0].bytes = 1 << 40;
        }),
        ("0 bytes of constants, the schedule says 4", &|s| {
            s.constants_bytes = 4
        }),
        ("bytes of memory for llvmpipe", &|s| {
            s.workspace_bytes = 1 << 60
        }),
    ];
    for (wanted, edit) in table {
        let found = edited(edit);
        assert!(found.contains(wanted), "{found}");
    }
    assert!(
        u64::from(groups) < u64::from(u32::MAX),
        "the table needs a limit"
    );
    let found = refused(&gpu, &spirv, &[1], |_| {});
    assert!(found.contains("1 bytes of constants"), "{found}");
    assert_eq!(gpu.messages(), [""; 0], "nothing wrong reaches the driver");
}

#[test]
fn more_bindings_than_the_device_has() {
    let gpu = gpu(true);
    let most = gpu.properties().bindings;
    let found = refused(&gpu, &module("kernels"), &[], |s| {
        let one = span(Buffer::Argument(0), 0, 4, Access::Read);
        s.kernels[0].bindings = most + 1;
        for dispatch in &mut s.dispatches[..2] {
            dispatch.spans.resize(most as usize + 1, one);
        }
    });
    let wanted = format!("has {} storage buffers", most + 1);
    assert!(found.contains(&wanted), "{found}");
}

#[test]
fn modules_that_are_damaged_or_need_more() {
    let gpu = gpu(true);
    let spirv = module("kernels");
    // before the last instruction, OpFunctionEnd of one word
    let open = &spirv[..spirv.len() - 4];
    let mut capability = spirv.clone();
    // the first instruction is OpCapability Shader; 5 is Linkage
    assert_eq!(capability[20..28], [17, 0, 2, 0, 1, 0, 0, 0]);
    capability[24] = 5;
    let table: [(&[u8], &str); 7] = [
        (b"", "0 bytes are not SPIR-V"),
        (&spirv[..spirv.len() - 1], "are not SPIR-V"),
        (&[0; 64], "it starts with 0x0"),
        (&spirv[..24], "it is cut off at word 5"),
        (&spirv[..20], "kernel \"scale\" is not in it"),
        (open, "it ends inside of a function"),
        (&capability, "the SPIR-V capability Linkage"),
    ];
    for (module, wanted) in table {
        let found = refused(&gpu, module, &[], |_| {});
        assert!(found.contains(wanted), "{found}");
    }
    assert_eq!(gpu.messages(), [""; 0], "nothing wrong reaches the driver");
}

#[test]
fn buffers_that_do_not_fit_the_schedule() {
    let fixture = Fixture::new(&schedule());
    let (input, output, status) = (&fixture.input, &fixture.output, &fixture.status);
    let error = |buffers: &[&spec_runtime::vulkan::Buffer]| {
        let bound = fixture.program.bind(buffers);
        bound.expect_err("they do not fit").to_string()
    };
    let found = error(&[input, output]);
    assert!(
        found.contains("2 buffers, the schedule has 3 arguments"),
        "{found}"
    );
    let found = error(&[output, input, status]);
    assert!(
        found.contains("argument 0: its buffer has 256 bytes, the kernels use 512"),
        "{found}"
    );
    let found = error(&[input, input, status]);
    assert!(
        found.contains("arguments 0 and 1 share a buffer"),
        "{found}"
    );
    let other = gpu(false);
    let foreign = other.buffer(4).expect("room");
    let found = error(&[input, output, &foreign]);
    assert!(
        found.contains("argument 2: its buffer belongs to another Gpu"),
        "{found}"
    );
    // what only reads may share; what is not an argument is left alone
    let bound = fixture.program.bind(&[input, output, input, &foreign]);
    bound.expect("they fit").run().expect("a run");
    fixture.end();
}

#[test]
fn kernels_need_not_be_used() {
    let mut schedule = schedule();
    schedule.kernels.push(kernel("spin", 1, 2));
    Fixture::new(&schedule).end();
    schedule.dispatches.clear();
    schedule.kernels.clear();
    let fixture = Fixture::new(&schedule);
    fixture.bind().run().expect("nothing to do");
    fixture.end();
}

#[test]
fn nothing_larger_than_the_memory() {
    let gpu = gpu(true);
    let error = gpu.buffer(u64::MAX).expect_err("too large").to_string();
    assert!(error.contains("bytes of memory for llvmpipe"), "{error}");
    assert!(gpu.buffer(0).expect("no bytes").is_empty());
    assert_eq!(gpu.messages(), [""; 0]);
}

/// The error of the example program in this environment.
fn failure(environment: &[(&str, &str)], options: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let spirv = folder.path().join("module.spv");
    let json = folder.path().join("schedule.json");
    std::fs::write(&spirv, module("kernels")).expect("written");
    let text = serde_json::to_string(&schedule()).expect("JSON");
    std::fs::write(&json, text).expect("written");
    let mut command = Command::new(common::program());
    command
        .args(options)
        .arg(spirv)
        .arg(json)
        .arg(folder.path());
    command.args(["=512", "=256", "=4"]);
    command.envs(environment.iter().copied());
    let output = run(&mut command);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn machines_without_a_driver_or_the_layer() {
    let nothing = "no-such-driver.json";
    let found = failure(
        &[("VK_DRIVER_FILES", nothing), ("VK_ICD_FILENAMES", nothing)],
        &[],
    );
    assert!(
        found.contains("no Vulkan device: no driver is installed"),
        "{found}"
    );
    let found = failure(&[("VK_LAYER_PATH", "no-such-folder")], &["--validate"]);
    assert!(
        found.contains("VK_LAYER_KHRONOS_validation is not there; install"),
        "{found}"
    );
    let found = failure(&[], &["--library", "libno-such-vulkan.so.1"]);
    assert!(found.contains("cannot load libvulkan"), "{found}");
    let found = failure(&[], &["--device", "no such device"]);
    assert!(found.contains("here are: "), "{found}");
}
