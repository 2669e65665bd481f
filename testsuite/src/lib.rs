//! Test material of the toolkit: the model generator, fixtures, goldens and execution twins.

pub mod compiled;
pub mod harness;
pub mod modelgen;
pub mod tools;
