//! Analytical cost model of speculative decoding on heterogeneous SoCs.
//!
//! From a device file ([`Soc`]), one or two model shapes ([`ModelShape`]), an acceptance rate or measured curve ([`Acceptance`])
//! and, if there are any, measured latencies ([`Profile`]), [`search`] finds where drafter and target should run, on how many
//! cores, in which data type, and how many tokens to draft; [`Outcome::explain`] says why. The page `docs/cost-model.md` states
//! the formulas, the assumptions and what the model gets wrong.
//!
//! This crate knows no MLIR, prints nothing, and holds no device number: those are in `devices/*.toml`, each with its source.

mod acceptance;
mod acceptance_file;
mod architecture;
mod dtype;
mod error;
mod evaluate;
mod explain;
pub mod formulas;
mod latency;
mod machine;
mod model;
mod placement;
mod plan;
mod profile;
mod quantity;
mod round;
mod search;
mod soc;
mod soc_file;
pub mod tree;

pub use acceptance::{Acceptance, AcceptanceFilter};
pub use architecture::Architecture;
pub use dtype::DType;
pub use error::CostError;
pub use evaluate::{Evaluation, evaluate};
pub use latency::{Basis, Contribution, contributions};
pub use machine::Machine;
pub use model::{ClassCost, ModelShape, OpClass};
pub use plan::{
    Candidate, Objective, Outcome, Pin, Place, Sampling, SearchOptions, Sensitivity, Strategy,
    WhatIf,
};
pub use profile::{Profile, Role};
pub use quantity::{Guess, Number, SourceKind};
pub use search::{Problem, Refusal, search};
pub use soc::{Memory, Rate, Soc, Unit, UnitKind, Workgroup};
