//! The two entry points that `mlir-opt` looks for.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_void};

const MLIR_PLUGIN_API_VERSION: u32 = 1;

/// `mlir::PassPluginLibraryInfo`.
#[repr(C)]
pub struct PassPluginLibraryInfo {
    api_version: u32,
    name: *const c_char,
    version: *const c_char,
    register: extern "C" fn(),
}

/// `mlir::DialectPluginLibraryInfo`.
#[repr(C)]
pub struct DialectPluginLibraryInfo {
    api_version: u32,
    name: *const c_char,
    version: *const c_char,
    register: extern "C" fn(*mut c_void),
}

const NAME: *const c_char = c"spec".as_ptr();
const VERSION: *const c_char = concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast();

extern "C" fn register_passes() {
    spec_passes::register();
    spec_codegen::register();
}

extern "C" fn register_dialects(registry: *mut c_void) {
    // SAFETY: mlir-opt passes its `mlir::DialectRegistry`.
    unsafe { spec_dialect::ffi::insert_into_registry(registry) }
}

/// Called by `--load-pass-plugin`.
#[unsafe(no_mangle)]
pub extern "C" fn mlirGetPassPluginInfo() -> PassPluginLibraryInfo {
    PassPluginLibraryInfo {
        api_version: MLIR_PLUGIN_API_VERSION,
        name: NAME,
        version: VERSION,
        register: register_passes,
    }
}

/// Called by `--load-dialect-plugin`.
#[unsafe(no_mangle)]
pub extern "C" fn mlirGetDialectPluginInfo() -> DialectPluginLibraryInfo {
    DialectPluginLibraryInfo {
        api_version: MLIR_PLUGIN_API_VERSION,
        name: NAME,
        version: VERSION,
        register: register_dialects,
    }
}
