//! The runtime as a C library, `libspec_runtime`: docs/runtime.md, `runtime/include/spec_runtime.h`.
//!
//! * [`ffi`] is the border: it reads and writes the caller's memory, catches panics, and keeps the message of the last error of each
//!   thread. All unsafe code is there.
//! * [`handles`] gives out handles, and takes them back.
//! * [`model`] and [`session`] are what the functions do.

mod error;
mod ffi;
mod handles;
mod model;
mod session;
