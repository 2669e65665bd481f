//! The `spec` MLIR dialect: what a compiler decides about speculative decoding, and what remains of the program when the
//! decision is carried out.
//!
//! The dialect itself is `cpp/SpecDialect.td` (ODS) with thin C++ beside it; `docs/dialect.md` is the readable form. This
//! crate adds [`attrs`] (typed faces of the attributes), [`pass`] (passes written in Rust) and [`ffi`] (IR handles; the only
//! unsafe code), [`model_ops`] (which ops models are made of). It holds no transformation.

pub mod attrs;
pub mod ffi;
pub mod model_ops;
pub mod pass;

pub use attrs::{Accept, Call, Model, Placement, Plan, Role, Strategy};
