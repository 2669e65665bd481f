//! The only unsafe code of this crate: a context of our own, pipelines run in it, and the way from MLIR to LLVM.
#![allow(unsafe_code)]

use inkwell::context::Context as LlvmContext;
use inkwell::module::Module as LlvmModule;
use mlir_sys::*;
use spec_dialect::ffi::{Ctx, Op, Severity};
use std::cell::RefCell;
use std::ffi::c_void;

/// A diagnostic of MLIR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How bad it is.
    pub severity: Severity,
    /// Where, as MLIR prints locations.
    pub location: String,
    /// What.
    pub text: String,
    /// Further places and texts.
    pub notes: Vec<(String, String)>,
}

/// An MLIR context with all upstream dialects, the spec dialect, and translation to LLVM IR. Diagnostics are kept.
pub struct Session {
    context: MlirContext,
    registry: MlirDialectRegistry,
    /// On the heap, as the context's handler points to it.
    messages: Box<RefCell<Vec<Message>>>,
}

fn sref(s: &str) -> MlirStringRef {
    MlirStringRef {
        data: s.as_ptr().cast(),
        length: s.len(),
    }
}

unsafe extern "C" fn append(chunk: MlirStringRef, out: *mut c_void) {
    if chunk.length > 0 {
        // SAFETY: `out` is the `&mut Vec<u8>` that `printed` passes along; MLIR's chunk is valid for the call.
        unsafe {
            let bytes = std::slice::from_raw_parts(chunk.data.cast::<u8>(), chunk.length);
            (*out.cast::<Vec<u8>>()).extend_from_slice(bytes);
        }
    }
}

fn printed(print: impl FnOnce(MlirStringCallback, *mut c_void)) -> String {
    let mut out = Vec::<u8>::new();
    print(Some(append), (&raw mut out).cast());
    String::from_utf8_lossy(&out).into_owned()
}

fn message_of(diagnostic: MlirDiagnostic) -> Message {
    // SAFETY: the diagnostic is valid while the handler runs; indices are in range; `append` does not unwind.
    unsafe {
        let location = |d| printed(|cb, p| mlirLocationPrint(mlirDiagnosticGetLocation(d), cb, p));
        let text = |d| printed(|cb, p| mlirDiagnosticPrint(d, cb, p));
        let severity = match mlirDiagnosticGetSeverity(diagnostic) {
            0 => Severity::Error,
            1 => Severity::Warning,
            _ => Severity::Remark,
        };
        let notes = (0..mlirDiagnosticGetNumNotes(diagnostic))
            .map(|i| mlirDiagnosticGetNote(diagnostic, i))
            .map(|note| (location(note), text(note)))
            .collect();
        Message {
            severity,
            location: location(diagnostic),
            text: text(diagnostic),
            notes,
        }
    }
}

unsafe extern "C" fn keep(diagnostic: MlirDiagnostic, data: *mut c_void) -> MlirLogicalResult {
    // SAFETY: `data` is the session's boxed list, which outlives the context.
    let messages = unsafe { &*data.cast::<RefCell<Vec<Message>>>() };
    messages.borrow_mut().push(message_of(diagnostic));
    MlirLogicalResult { value: 1 }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// A fresh context, without a thread pool.
    pub fn new() -> Self {
        let messages = Box::new(RefCell::new(vec![]));
        let data: *const RefCell<Vec<Message>> = &raw const *messages;
        // SAFETY: registry and context are made here and freed in `drop`; `data` outlives the context, which has one thread.
        unsafe {
            let registry = mlirDialectRegistryCreate();
            mlirRegisterAllDialects(registry);
            spec_dialect::ffi::insert_into_registry(registry.ptr);
            let context = mlirContextCreateWithRegistry(registry, false);
            mlirRegisterAllLLVMTranslations(context);
            mlirContextAttachDiagnosticHandler(context, Some(keep), data.cast_mut().cast(), None);
            Session {
                context,
                registry,
                messages,
            }
        }
    }

    /// The context, for handles.
    pub fn ctx(&self) -> Ctx {
        Ctx::from_raw(self.context)
    }

    /// Takes the diagnostics since the last call.
    pub fn messages(&self) -> Vec<Message> {
        self.messages.take()
    }

    /// Runs a textual pass pipeline on a module. Passes must be registered.
    ///
    /// # Errors
    /// What the pipeline's parser says; empty where passes failed, which leave messages.
    pub fn run(&self, module: Op, pipeline: &str) -> Result<(), String> {
        let mut error = Vec::<u8>::new();
        // SAFETY: the pass manager is made and freed here; the module belongs to this context.
        unsafe {
            let manager = mlirPassManagerCreateOnOperation(self.context, sref("builtin.module"));
            let parsed = mlirParsePassPipeline(
                mlirPassManagerGetAsOpPassManager(manager),
                sref(pipeline),
                Some(append),
                (&raw mut error).cast(),
            );
            let ok =
                parsed.value != 0 && mlirPassManagerRunOnOp(manager, module.to_raw()).value != 0;
            mlirPassManagerDestroy(manager);
            if ok {
                return Ok(());
            }
        }
        Err(String::from_utf8_lossy(&error).into_owned())
    }

    /// LLVM IR of a module in the LLVM dialect; none if the translation fails (it leaves messages).
    pub fn translate<'l>(&self, module: Op, llvm: &'l LlvmContext) -> Option<LlvmModule<'l>> {
        // SAFETY: the module belongs to this context, `llvm` outlives the result, which is handed over to inkwell.
        unsafe {
            let raw = mlirTranslateModuleToLLVMIR(module.to_raw(), llvm.raw().cast());
            (!raw.is_null()).then(|| LlvmModule::new(raw.cast()))
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: made in `new`, freed once; ops made in the context were erased or are never used again.
        unsafe {
            mlirContextDestroy(self.context);
            mlirDialectRegistryDestroy(self.registry);
        }
    }
}
