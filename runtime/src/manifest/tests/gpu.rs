//! Functions on a GPU.

use super::{example, refused};
use crate::manifest::*;
use crate::schedule::{Access, Dispatch, KernelInfo, Schedule, Span};
use serde_json::json;

/// A function of two dispatches, the second of which reads what the first one writes.
pub(crate) fn gpu_function() -> Function {
    let cache = Argument {
        name: None,
        kind: ArgumentKind::Cache,
        dtype: DType::F32,
        shape: vec![100, 8],
        layout: None,
        updated_in_place: true,
        quantised_from: None,
    };
    let result = |shape: &[u64], aliases_argument| FunctionResult {
        kind: None,
        dtype: DType::F32,
        shape: shape.to_vec(),
        aliases_argument,
    };
    let span = |buffer, offset, bytes, access| Span {
        buffer,
        offset,
        bytes,
        access,
    };
    let dispatch = |kernel, barrier, spans: &[Span]| Dispatch {
        kernel,
        groups: [2, 1, 1],
        barrier,
        push: vec![3; spans.len()],
        spans: spans.to_vec(),
    };
    let kernel = |entry: &str| KernelInfo {
        entry: entry.to_owned(),
        bindings: 2,
        push_words: 2,
        workgroup: [64, 1, 1],
    };
    use crate::schedule::Buffer::{Argument as Slot, Constants, Workspace};
    Function {
        name: "draft".to_owned(),
        symbol: None,
        role: Role::Drafter,
        tokens: 1,
        workspace_bytes: 512,
        arguments: vec![cache],
        results: vec![result(&[100, 8], Some(0)), result(&[4], None)],
        gpu: Some(GpuCode {
            unit: "gpu".to_owned(),
            spirv: File::of("kernels.spv", &[0; 64]),
            constants: Some(File::of("constants.bin", &[0; 16])),
            schedule: Schedule {
                workspace_bytes: 512,
                constants_bytes: 16,
                kernels: vec![kernel("a"), kernel("b")],
                dispatches: vec![
                    dispatch(
                        0,
                        false,
                        &[
                            span(Constants, 0, 16, Access::Read),
                            span(Workspace, 256, 256, Access::Write),
                        ],
                    ),
                    dispatch(
                        1,
                        true,
                        &[
                            span(Workspace, 256, 256, Access::Read),
                            span(Slot(1), 0, 16, Access::Write),
                        ],
                    ),
                ],
            },
            capabilities: vec!["Shader".to_owned()],
            extensions: vec!["SPV_KHR_storage_buffer_storage_class".to_owned()],
        }),
    }
}

#[test]
fn contradictions_of_gpu_functions_are_refused() {
    let spans = "/functions/1/gpu/schedule/dispatches/1/spans";
    let span = |i: usize, key: &str| format!("{spans}/{i}/{key}");
    let gpu = |key: &str| format!("/functions/1/gpu/{key}");
    let cases = [
        (gpu("spirv/bytes"), json!(63), "63 bytes are no SPIR-V"),
        (
            gpu("spirv/file"),
            json!("a/b"),
            "\"a/b\" is not a file name",
        ),
        (
            gpu("spirv/file"),
            json!("model.so"),
            "is there twice, and differs",
        ),
        (
            gpu("constants"),
            json!(null),
            "another workspace or other constants",
        ),
        (
            "/functions/1/workspace_bytes".to_owned(),
            json!(1024),
            "another workspace",
        ),
        (
            gpu("schedule/dispatches/1/barrier"),
            json!(false),
            "dispatch 1 must wait for 0, which touches the same bytes of the workspace",
        ),
        (
            span(0, "offset"),
            json!(1),
            "offset 1 is not a multiple of 256",
        ),
        (
            span(1, "buffer/argument"),
            json!(2),
            "dispatch 1, argument 2: there are 2 of them",
        ),
        (
            span(1, "bytes"),
            json!(17),
            "argument 1: it has 16 bytes, not 17",
        ),
        (
            "/functions/1/symbol".to_owned(),
            json!("draft"),
            "a symbol, or code for a GPU, and not both",
        ),
        ("/functions/1/gpu".to_owned(), json!(null), "and not both"),
        (
            "/library".to_owned(),
            json!(null),
            "a library and its target go together",
        ),
    ];
    let mut manifest = serde_json::to_value(example()).expect("JSON");
    manifest["library"] = json!(null);
    manifest["target"] = json!(null);
    let error = Manifest::from_json(&manifest.to_string()).expect_err("no library");
    assert!(
        error
            .to_string()
            .contains("it has a symbol, and there is no library")
    );
    for (place, value, message) in cases {
        refused(&place, value, message);
    }
}
