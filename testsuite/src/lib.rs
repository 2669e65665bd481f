//! Test material of the toolkit: the model generator, fixtures, goldens and execution twins.

pub mod checkpoint;
pub mod compiled;
pub mod gpu;
pub mod harness;
pub mod mali;
pub mod modelgen;
pub mod quantized;
pub mod runnable;
pub mod tools;
pub mod whole;
