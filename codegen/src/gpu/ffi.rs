//! The serializer of MLIR and SPIRV-Tools, behind safe functions.
#![allow(unsafe_code)]

use mlir_sys::*;
use spec_dialect::ffi::Op;
use std::ffi::c_void;

unsafe extern "C" {
    fn specSpirvSerialize(
        op: MlirOperation,
        names: bool,
        lines: bool,
        callback: MlirStringCallback,
        data: *mut c_void,
    ) -> MlirLogicalResult;
    fn specSpirvValidate(
        words: *const u32,
        n: usize,
        callback: MlirStringCallback,
        data: *mut c_void,
    ) -> bool;
    fn specSpirvDisassemble(
        words: *const u32,
        n: usize,
        callback: MlirStringCallback,
        data: *mut c_void,
    ) -> bool;
}

unsafe extern "C" fn append(chunk: MlirStringRef, out: *mut c_void) {
    if chunk.length > 0 {
        // SAFETY: `out` is the `Vec<u8>` of the function below that passed it; the chunk is valid for the call.
        unsafe {
            let bytes = std::slice::from_raw_parts(chunk.data.cast::<u8>(), chunk.length);
            (*out.cast::<Vec<u8>>()).extend_from_slice(bytes);
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

/// A `spirv.module` as words, in the machine's byte order; none if it is no such op, or cannot be serialized (which leaves diagnostics).
pub(super) fn serialize(module: Op, names: bool, lines: bool) -> Option<Vec<u8>> {
    let mut out = Vec::<u8>::new();
    let data = (&raw mut out).cast();
    // SAFETY: the op is valid by its handle's contract; `append` does not unwind, and `out` outlives the call.
    let done = unsafe { specSpirvSerialize(module.to_raw(), names, lines, Some(append), data) };
    (done.value != 0).then_some(out)
}

/// Why `words` are no valid module.
pub(super) fn validate(words: &[u32]) -> Result<(), String> {
    let mut out = Vec::<u8>::new();
    let data = (&raw mut out).cast();
    // SAFETY: pointer and length are of one slice; `append` does not unwind, and `out` outlives the call.
    let valid = unsafe { specSpirvValidate(words.as_ptr(), words.len(), Some(append), data) };
    valid.then_some(()).ok_or_else(|| text(&out))
}

/// Assembly of `words`, or why there is none.
pub(super) fn disassemble(words: &[u32]) -> Result<String, String> {
    let mut out = Vec::<u8>::new();
    let data = (&raw mut out).cast();
    // SAFETY: as in `validate`.
    let done = unsafe { specSpirvDisassemble(words.as_ptr(), words.len(), Some(append), data) };
    let text = text(&out);
    if done { Ok(text + "\n") } else { Err(text) }
}

/// Moves an op to another place of the source.
pub(super) fn set_place(op: Op, file: &str, line: u32, column: u32) {
    let file = MlirStringRef {
        data: file.as_ptr().cast(),
        length: file.len(),
    };
    // SAFETY: the op is valid by its handle's contract; MLIR copies the string.
    unsafe {
        let context = mlirOperationGetContext(op.to_raw());
        let place = mlirLocationFileLineColGet(context, file, line, column);
        mlirOperationSetLocation(op.to_raw(), place);
    }
}
