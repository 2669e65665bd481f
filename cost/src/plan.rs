//! The vocabulary of a search: what may be asked, and what is answered.

use crate::latency::Basis;
use crate::quantity::Guess;
use crate::search::Refusal;
use crate::soc::{Soc, Unit, UnitKind};
use crate::{CostError, DType};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// What "best" means.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// Tokens a second of one sequence.
    #[default]
    Latency,
    /// Tokens a second of all sequences together, where enough independent ones exist that one can be drafted while another is
    /// verified (adds [`Strategy::Pipelined`]).
    Throughput,
    /// Least energy proxy a token: busy time weighted by the unit's relative power, plus bytes moved.
    EnergyProxy,
}

/// How tokens are chosen; it decides what crosses between devices.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// Argmax: token ids cross.
    #[default]
    Greedy,
    /// Rejection sampling: the drafter's distributions cross too.
    Rejection,
}

/// How drafting and verification follow each other.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// No drafter.
    Autoregressive,
    /// Draft, then verify.
    Sequential,
    /// Draft the next round while this one is verified.
    Overlapped,
    /// Sequential rounds of several sequences, one drafted while another is verified.
    Pipelined,
}

macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal),* }) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $($type::$variant => $name),* })
            }
        }
        impl FromStr for $type {
            type Err = CostError;
            fn from_str(text: &str) -> Result<Self, CostError> {
                match text {
                    $($name => Ok($type::$variant),)*
                    other => Err(CostError::input(format!("'{other}' is none of: {}", [$($name),*].join(", ")))),
                }
            }
        }
    };
}
named!(Objective { Latency = "latency", Throughput = "throughput", EnergyProxy = "energy-proxy" });
named!(Sampling { Greedy = "greedy", Rejection = "rejection" });
named!(Strategy {
    Autoregressive = "autoregressive",
    Sequential = "sequential",
    Overlapped = "overlapped",
    Pipelined = "pipelined"
});

/// A forced placement: `gpu`, `cpu:4`, `cpu:4:i8`, `gpu::f16`. The unit is a name of the SoC, or `cpu` / `gpu` for any of that kind.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Unit name or kind.
    pub unit: String,
    /// Number of cores.
    pub cores: Option<u32>,
    /// Data type.
    pub dtype: Option<DType>,
}

impl FromStr for Pin {
    type Err = CostError;
    fn from_str(text: &str) -> Result<Self, CostError> {
        let parts: Vec<&str> = text.split(':').collect();
        let bad = |why: &str| {
            CostError::input(format!(
                "placement '{text}': {why}; write UNIT[:CORES[:DTYPE]], e.g. gpu, cpu:4, cpu:4:i8"
            ))
        };
        if parts.len() > 3 || parts[0].is_empty() {
            return Err(bad("not understood"));
        }
        let cores = match parts.get(1) {
            None | Some(&"") => None,
            Some(n) => Some(
                n.parse::<u32>()
                    .ok()
                    .filter(|n| *n > 0)
                    .ok_or_else(|| bad("cores must be a number above 0"))?,
            ),
        };
        let dtype = parts.get(2).map(|d| DType::parse(d)).transpose()?;
        Ok(Pin {
            unit: parts[0].to_string(),
            cores,
            dtype,
        })
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.unit)?;
        match (self.cores, self.dtype) {
            (None, None) => Ok(()),
            (Some(n), None) => write!(f, ":{n}"),
            (None, Some(d)) => write!(f, "::{d}"),
            (Some(n), Some(d)) => write!(f, ":{n}:{d}"),
        }
    }
}

impl Pin {
    /// Whether the pin allows this unit: by name, else by kind if no unit has that name.
    #[must_use]
    pub fn allows(&self, soc: &Soc, unit: &Unit) -> bool {
        match soc.unit(&self.unit) {
            Some(named) => named.name == unit.name,
            None => self.unit == unit.kind.to_string(),
        }
    }

    /// Checks the pin against a SoC.
    ///
    /// # Errors
    /// No such unit, or more cores than it has.
    pub fn check(&self, soc: &Soc) -> Result<(), CostError> {
        let units: Vec<&Unit> = soc.units().iter().filter(|u| self.allows(soc, u)).collect();
        let names: Vec<&str> = soc.units().iter().map(|u| u.name.as_str()).collect();
        if units.is_empty() {
            return Err(CostError::input(format!(
                "'{}' has no unit '{}'; it has {}",
                soc.name(),
                self.unit,
                names.join(", ")
            )));
        }
        match self.cores {
            Some(n) if units.iter().all(|u| !u.core_choices().contains(&n)) => {
                Err(CostError::input(format!(
                    "'{self}': a CPU takes 1 to {} cores here, a GPU is used whole",
                    units.iter().map(|u| u.cores).max().unwrap_or(0)
                )))
            }
            _ => Ok(()),
        }
    }
}

/// What to search.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct SearchOptions {
    /// Longest draft tried; 0 plans without speculation.
    pub max_draft_length: u32,
    /// If not empty, the only draft lengths tried besides 0.
    pub draft_lengths: Vec<u32>,
    /// The plan's draft length, whether it pays or not; the others are not tried. 0: no speculation.
    pub fixed_draft_length: Option<u32>,
    /// Shortest and longest context, tokens; costs are averaged over it, memory is sized for the longest.
    pub context: (u64, u64),
    /// What "best" means.
    pub objective: Objective,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Where the drafter must run.
    pub force_drafter: Option<Pin>,
    /// Where the target must run.
    pub force_target: Option<Pin>,
    /// Most cores of a unit that may be used in all (unit name or kind, cores): what the rest of the system leaves.
    pub core_limits: Vec<(String, u32)>,
    /// Data types of the drafter to try; empty: as given.
    pub drafter_dtypes: Vec<DType>,
    /// Data types of the target to try; empty: as given.
    pub target_dtypes: Vec<DType>,
    /// Strategies to try.
    pub strategies: Vec<Strategy>,
    /// Bytes of a token id that crosses.
    pub token_id_bytes: u32,
}

impl Default for SearchOptions {
    fn default() -> Self {
        SearchOptions {
            max_draft_length: 16,
            draft_lengths: Vec::new(),
            fixed_draft_length: None,
            context: (0, 2048),
            objective: Objective::Latency,
            sampling: Sampling::Greedy,
            force_drafter: None,
            force_target: None,
            core_limits: Vec::new(),
            drafter_dtypes: Vec::new(),
            target_dtypes: Vec::new(),
            strategies: vec![
                Strategy::Sequential,
                Strategy::Overlapped,
                Strategy::Pipelined,
            ],
            token_id_bytes: 4,
        }
    }
}

/// Where one model runs.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Unit name.
    pub unit: String,
    /// Its kind.
    pub kind: UnitKind,
    /// Cores used (shader cores of a GPU).
    pub cores: u32,
    /// Data type of the model there.
    pub dtype: DType,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            UnitKind::Cpu => write!(f, "{}:{}:{}", self.unit, self.cores, self.dtype),
            UnitKind::Gpu => write!(f, "{}::{}", self.unit, self.dtype),
        }
    }
}

/// One way to run, and what it costs. Times are seconds a round, means over the context range.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Where the drafter runs; `None` at draft length 0.
    pub drafter: Option<Place>,
    /// Where the target runs.
    pub target: Place,
    /// gamma.
    pub draft_length: u32,
    /// How the round runs.
    pub strategy: Strategy,
    /// E\[tokens a round\].
    pub tokens_per_round: f64,
    /// Length of a round. Sequential: the sum of the parts below. Overlapped, pipelined: less, by `hidden_seconds`.
    pub round_seconds: f64,
    /// gamma drafter steps (overlapped: and the expected redraft after a miss).
    pub draft_seconds: f64,
    /// The target's pass over the drafts.
    pub verify_seconds: f64,
    /// Expected extra drafter time after a fully accepted round, whose last draft is not in the drafter's cache: a call of 2 tokens
    /// in place of the next round's first step where there is such an entry point, else a step.
    pub catch_up_seconds: f64,
    /// What crosses between units.
    pub handoff_seconds: f64,
    /// Choosing tokens from logits.
    pub sampling_seconds: f64,
    /// Work that runs while other work runs.
    pub hidden_seconds: f64,
    /// Tokens a second.
    pub tokens_per_second: f64,
    /// Relative to the baseline.
    pub speedup: f64,
    /// Energy proxy a token: seconds of one busy core of relative power 1.
    pub energy_proxy: f64,
    /// t_D / t_T(1) on these placements; 0 without drafter.
    pub c: f64,
    /// t_T(verify) / t_T(1).
    pub v: f64,
    /// (hand-off + sampling) / t_T(1).
    pub sigma: f64,
    /// Both latencies come from measured rows (or between them).
    pub measured: bool,
    /// Where the drafter's latency comes from.
    pub drafter_basis: Option<Basis>,
    /// Where the target's latency comes from.
    pub target_basis: Basis,
}

impl Candidate {
    /// CPU and GPU cores used by both models together.
    #[must_use]
    pub fn cores(&self) -> u32 {
        self.target.cores + self.drafter.as_ref().map_or(0, |d| d.cores)
    }
}

/// The plan's speed-up at another acceptance.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Sensitivity {
    /// Change of every conditional acceptance.
    pub delta: f64,
    /// Mean alpha after it.
    pub alpha: f64,
    /// Speed-up of the chosen plan, unchanged.
    pub speedup: f64,
    /// Draft length of the best plan there.
    pub best_draft_length: u32,
    /// Speed-up of the best plan there.
    pub best_speedup: f64,
}

/// A plan that needs an entry point the target does not have.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct WhatIf {
    /// Tokens a call of the missing entry point.
    pub entry_tokens: u64,
    /// Draft length it allows.
    pub draft_length: u32,
    /// Speed-up it would give.
    pub speedup: f64,
    /// The whole plan.
    pub candidate: Candidate,
}

/// The answer of a search.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The SoC.
    pub soc: String,
    /// The target's name.
    pub target: String,
    /// The drafter's name.
    pub drafter: Option<String>,
    /// What was maximised.
    pub objective: Objective,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Context range used.
    pub context: (u64, u64),
    /// Mean acceptance rate used.
    pub alpha: f64,
    /// Where it comes from.
    pub alpha_source: String,
    /// Whether it was measured, in rounds; else it is one number that someone gave or assumed.
    pub alpha_measured: bool,
    /// The plan.
    pub best: Candidate,
    /// The fastest non-speculative placement of the target that the options allow: what speed-ups are relative to.
    pub baseline: Candidate,
    /// The fastest non-speculative placement without the forced target placement and the core limits, where there are any.
    pub unrestricted: Option<Candidate>,
    /// Smallest constant alpha at which some plan with draft length 1 or more beats the baseline; `None`: none does.
    pub break_even_alpha: Option<f64>,
    /// The plan, and the best plan, at alpha - 0.05, alpha, alpha + 0.05.
    pub sensitivity: Vec<Sensitivity>,
    /// The best of each combination of units, data types and strategy, the best first; and all non-speculative placements.
    pub frontier: Vec<Candidate>,
    /// The plan's placements at every draft length.
    pub by_draft_length: Vec<Candidate>,
    /// What cannot run, and why.
    pub refused: Vec<Refusal>,
    /// Numbers of the device file that are guesses.
    pub guesses: Vec<Guess>,
    /// What the figures leave out, with the direction of the error.
    pub caveats: Vec<String>,
    /// A better plan that needs another entry point of the target.
    pub what_if: Option<WhatIf>,
    /// Where the plan's seconds go: (part of the round, op class or other cost, seconds a round), in the order of the round.
    pub contributions: Vec<(String, String, f64)>,
}
