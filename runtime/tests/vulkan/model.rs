//! A bundle on a GPU, with weights: the same logits wherever weights, caches and workspaces lie.
//!
//! The model: cache = 3 w, logits = 8 w, as words, of the second half of its weights; the status of a call is its token.

use super::common::{bytes, dispatch, kernel, module, span};
use serde_json::json;
use spec_runtime::forward::{Forward, ForwardError};
use spec_runtime::manifest::{File, Role};
use spec_runtime::model::{LoadError, LoadOptions, Loaded, VulkanOptions};
use spec_runtime::schedule::{Access, Buffer, Schedule};
use std::error::Error as _;
use std::path::Path;

fn schedule() -> Schedule {
    use Access::{Read, Write};
    use Buffer::{Argument, Workspace};
    let weights = span(Argument(3), 0, 512, Read);
    let (cache, part) = (Argument(2), |access| span(Workspace, 256, 256, access));
    let sum = [
        span(cache, 0, 256, Read),
        part(Read),
        span(Argument(4), 0, 256, Write),
    ];
    let status = [span(Workspace, 0, 4, Write), span(Argument(0), 0, 4, Read)];
    Schedule {
        workspace_bytes: 512,
        constants_bytes: 0,
        kernels: vec![
            kernel("scale", 2, 2),
            kernel("sum", 3, 0),
            kernel("status", 2, 0),
        ],
        dispatches: vec![
            dispatch(0, false, &[weights, span(cache, 0, 256, Write)], &[64, 3]),
            dispatch(0, false, &[weights, part(Write)], &[64, 5]),
            dispatch(1, true, &sum, &[]),
            dispatch(2, false, &status, &[]),
        ],
    }
}

fn weights() -> Vec<u32> {
    (0..128).map(|i| i * 3 + 1).collect()
}

fn write(folder: &Path) {
    let spirv = module("kernels");
    let integer = |kind: &str, shape: &[u32]| json!({"kind": kind, "dtype": "i32", "shape": shape});
    let manifest = json!({
        "format_version": 1,
        "tool": "test",
        "soc": "test",
        "functions": [{
            "name": "decode",
            "role": "target",
            "tokens": 1,
            "workspace_bytes": 512,
            "arguments": [
                integer("tokens", &[1, 1]),
                integer("position", &[]),
                {"kind": "cache", "dtype": "i32", "shape": [1, 1, 64], "updated_in_place": true},
                {"kind": "weight", "name": "w", "dtype": "i32", "shape": [128]},
            ],
            "results": [
                {"dtype": "f32", "shape": [1, 64]},
                {"dtype": "i32", "shape": [1, 1, 64], "aliases_argument": 2},
            ],
            "gpu": {"unit": "gpu", "spirv": File::of("kernels.spv", &spirv), "schedule": schedule()},
        }],
        "weights": [{"name": "w", "dtype": "i32", "shape": [128]}],
    });
    let stored = bytes(&weights());
    let file = File::of("weights.bin", &stored);
    let index = json!({
        "format_version": 1,
        "file": file.file,
        "bytes": file.bytes,
        "crc32": file.crc32,
        "weights": [{"name": "w", "dtype": "i32", "shape": [128], "offset": 0, "bytes": 512}],
    });
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).expect("written");
    };
    write("manifest.json", manifest.to_string().as_bytes());
    write("weights.json", index.to_string().as_bytes());
    write("weights.bin", &stored);
    write("kernels.spv", &spirv);
}

fn options(import: bool, staging: bool, huge_pages: bool) -> LoadOptions {
    LoadOptions {
        huge_pages,
        vulkan: Some(VulkanOptions {
            device: Some("llvmpipe".to_owned()),
            validation: true,
            import,
            staging,
            ..VulkanOptions::default()
        }),
        ..LoadOptions::default()
    }
}

/// The logits of a call with this token, as words.
fn call(model: &mut dyn Forward, token: u32) -> Result<Vec<u32>, ForwardError> {
    let mut logits = vec![];
    model.forward(&[token], 0, 1, &mut logits)?;
    Ok(logits.iter().map(|l| l.to_bits()).collect())
}

#[test]
fn logits_do_not_depend_on_where_memory_lies() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let wanted: Vec<u32> = weights()[64..].iter().map(|w| w * 8).collect();
    for (import, staging, huge_pages) in [
        (true, false, true),
        (true, false, false),
        (false, false, true),
        (true, true, true),
        (false, true, false),
    ] {
        let options = options(import, staging, huge_pages);
        let loaded = Loaded::open(folder.path(), &options).expect("sound");
        let device = loaded.device(Role::Target).expect("a device");
        assert!(device.contains("llvmpipe"), "{device}");
        assert_eq!((loaded.context(), loaded.vocabulary()), (1, 64));
        assert_eq!(
            (loaded.widths(Role::Target), loaded.cores(Role::Target)),
            (&[1][..], 0)
        );
        std::thread::scope(|scope| {
            for _ in 0..3 {
                let mut model = loaded.instance(Role::Target, None).expect("room");
                let wanted = &wanted;
                scope.spawn(move || {
                    for _ in 0..5 {
                        assert_eq!(&call(&mut *model, 0).expect("a call"), wanted);
                    }
                });
            }
        });
        let log = loaded.vulkan_log().expect("a GPU");
        drop(loaded);
        assert_eq!(log.take(), [""; 0], "{options:?}");
    }
}

#[test]
fn statuses_are_errors_of_the_call() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let loaded = Loaded::open(folder.path(), &options(true, true, true)).expect("sound");
    let mut model = loaded.instance(Role::Target, None).expect("room");
    drop(loaded); // the model keeps what it needs
    for (token, wanted) in [
        (1, "decode: a token id is outside of the vocabulary"),
        (2, "decode: an assertion of the model failed"),
        (17, "unknown status 17"),
    ] {
        let error = call(&mut *model, token).expect_err("a status");
        let source = error.source().expect("what the model says").to_string();
        assert!(source.contains(wanted), "{source}");
    }
    assert!(matches!(
        call(&mut *model, 64),
        Err(ForwardError::Token { .. })
    ));
    assert!(call(&mut *model, 0).is_ok());
}

#[test]
fn a_call_that_takes_too_long_is_an_error_and_so_is_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let mut options = options(true, false, true);
    if let Some(vulkan) = &mut options.vulkan {
        vulkan.timeout = std::time::Duration::ZERO;
    }
    let loaded = Loaded::open(folder.path(), &options).expect("nothing is staged");
    let mut model = loaded.instance(Role::Target, None).expect("room");
    let mut late = 0;
    for _ in 0..20 {
        match call(&mut *model, 0) {
            Ok(_) => {}
            Err(error) => {
                let source = error.source().expect("what the device says").to_string();
                assert!(source.contains("has not finished after 0 s"), "{source}");
                late += 1;
            }
        }
    }
    assert!(late > 0, "a call takes some time");
}

#[test]
fn a_gpu_that_is_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let mut options = options(true, false, true);
    if let Some(vulkan) = &mut options.vulkan {
        vulkan.device = Some("no such device".to_owned());
    }
    let error = Loaded::open(folder.path(), &options).expect_err("none");
    assert!(matches!(error, LoadError::Vulkan(_)));
    assert!(error.to_string().contains("here are: "), "{error}");
}
