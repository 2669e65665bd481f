//! Test material of the toolkit: the model generator, fixtures, goldens and execution twins.

pub mod modelgen;
pub mod tools;
