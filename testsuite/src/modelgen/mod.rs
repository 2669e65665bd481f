//! Small (or, for benchmarks, deep) Llama-like language models as MLIR text in linalg on tensors, in the hand of
//! several exporters, with seeded weights; a plain f64 reference of the same models; and a harness that runs them with
//! the stock tools.
//!
//! ```
//! use spec_testsuite::modelgen::{Config, Exporter, Style, function};
//! let decode = function("decode", &Config::default(), &Style::of(Exporter::Torch));
//! assert!(decode.module().contains("linalg.matmul"));
//! ```

mod abi;
mod attention;
mod blocks;
mod cache;
mod catalogue;
pub mod fixtures;
mod forms;
mod frame;
mod function;
mod generate;
mod helpers;
mod host;
mod loops;
mod mask;
mod model;
mod ops;
mod products;
mod reference;
mod rope;
mod round;
pub mod run;
mod shape;
mod style;
#[cfg(test)]
mod tests;
mod text;
mod weights;
mod wrapper;

pub use abi::{Abi, ArgInfo, Role, abi};
pub use catalogue::{EXPORTERS, catalogue, mixtures};
pub use forms::{Form, LoopKind, ModelSpec, ModuleText, Naming, Pair, build, module};
pub use function::{FunctionText, Support, function, function_of};
pub use host::Host;
pub use reference::{Reference, argmax};
pub use style::{
    Activation, CacheForm, Config, Exporter, Norm, Output, Position, Style, WeightLayout, Weights,
    useful_target,
};
pub use text::{Element, Type, Value};
pub use weights::{Kind, Part, WeightTensor, kinds, noise, parameter, weight_data, weight_tensors};
