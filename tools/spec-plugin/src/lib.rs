//! `libspec_plugin.so`: the spec dialect and passes for a stock `mlir-opt-22`.
//!
//! ```sh
//! mlir-opt-22 --load-dialect-plugin=libspec_plugin.so --load-pass-plugin=libspec_plugin.so \
//!   --pass-pipeline='builtin.module(spec-partition{soc=imx95 alpha=0.8})' model.mlir
//! ```

pub mod ffi;
