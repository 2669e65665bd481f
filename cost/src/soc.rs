//! SoCs as the cost model sees them, and the law by which a unit's speed grows with its cores.

use crate::machine::Machine;
use crate::quantity::{Guess, Number, SourceKind};
use crate::{CostError, DType, soc_file};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Kind of processing unit.
#[derive(
    serde::Deserialize, Serialize, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
)]
#[serde(rename_all = "lowercase")]
pub enum UnitKind {
    /// One cluster of equal CPU cores; runs on any number of them.
    Cpu,
    /// A GPU; used whole.
    Gpu,
}

impl fmt::Display for UnitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            UnitKind::Cpu => "cpu",
            UnitKind::Gpu => "gpu",
        })
    }
}

/// Rate of one data type on a unit.
#[derive(Serialize, Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Peak FLOP/s (OP/s for integers) of one core, or of a whole GPU.
    pub peak: f64,
    /// Share of the peak that a product of a matrix and one token reaches.
    pub matvec: f64,
    /// Share of the peak that a product with 4 tokens or more reaches.
    pub matmul: f64,
}

impl Rate {
    /// FLOP/s of one core at `m` tokens a call: the share grows linearly from M = 1 to M = 4, then stays.
    #[must_use]
    pub fn at(&self, m: u64) -> f64 {
        let t = (m.clamp(1, 4) - 1) as f64 / 3.0;
        self.peak * (self.matvec + (self.matmul - self.matvec) * t)
    }
}

/// Limits of a GPU's workgroups.
#[derive(Serialize, Clone, Copy, Debug, PartialEq)]
pub struct Workgroup {
    /// Invocations of one workgroup at most.
    pub invocations: u64,
    /// Invocations of one subgroup.
    pub subgroup: u64,
    /// Shared memory, bytes.
    pub shared_bytes: u64,
    /// Storage buffers of one kernel at most.
    pub bindings: u64,
}

/// One processing unit. All figures are SI: seconds, bytes, bytes a second, operations a second.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Unit {
    /// Name, unique in the SoC.
    pub name: String,
    /// CPU cluster or GPU.
    pub kind: UnitKind,
    /// What it is.
    pub description: String,
    /// CPU cores, or shader cores of a GPU.
    pub cores: u32,
    /// Clock, Hz, if given.
    pub clock: Option<f64>,
    /// Rates by data type: one core of a CPU, all of a GPU.
    pub rates: BTreeMap<DType, Rate>,
    /// Serial share k of the scaling law n / (1 + k (n - 1)).
    pub serial_share: f64,
    /// Share of the shorter of arithmetic and memory traffic that hides behind the longer, 0 to 1.
    pub overlap: f64,
    /// Sustained bandwidth of one core (of the whole GPU).
    pub bandwidth_one: f64,
    /// Sustained bandwidth of all cores.
    pub bandwidth_all: f64,
    /// Size of the last-level cache, bytes; a caveat, nothing is computed from it.
    pub last_level_cache: Option<f64>,
    /// Cost of one kernel launch, s.
    pub launch: f64,
    /// Submit and wait (GPU), or waking another cluster (CPU), s.
    pub sync: f64,
    /// Bandwidth of host writes into its memory (GPU).
    pub host_to_device: Option<f64>,
    /// Bandwidth of host reads from its memory (GPU).
    pub device_to_host: Option<f64>,
    /// Memory this unit can address, bytes, if less than the DRAM.
    pub memory_limit: Option<f64>,
    /// Relative power when busy: of one core, or of a whole GPU.
    pub power: f64,
    /// Workgroup limits of a GPU.
    pub workgroup: Option<Workgroup>,
    /// What a compiler must know of a CPU core; without it the unit can be planned for, but not compiled for.
    pub machine: Option<Machine>,
    /// Instruction-set or API features, as names.
    pub features: Vec<String>,
}

impl Unit {
    /// Speed of `cores` cores relative to one: n / (1 + k (n - 1)). 1 for a GPU.
    #[must_use]
    pub fn scaling(&self, cores: u32) -> f64 {
        if self.kind == UnitKind::Gpu {
            return 1.0;
        }
        let n = f64::from(cores.clamp(1, self.cores));
        n / (1.0 + self.serial_share * (n - 1.0))
    }

    /// Sustained bandwidth of `cores` cores: min(n * one core, all cores).
    #[must_use]
    pub fn bandwidth(&self, cores: u32) -> f64 {
        if self.kind == UnitKind::Gpu {
            return self.bandwidth_all;
        }
        (f64::from(cores.clamp(1, self.cores)) * self.bandwidth_one).min(self.bandwidth_all)
    }

    /// FLOP/s for a data type, `cores` cores and `m` tokens a call, and the type whose rate serves; `None` if none does.
    #[must_use]
    pub fn rate(&self, dtype: DType, cores: u32, m: u64) -> Option<(f64, DType)> {
        let (key, rate) = dtype
            .rate_keys()
            .iter()
            .find_map(|k| Some((*k, self.rates.get(k)?)))?;
        Some((rate.at(m) * self.scaling(cores), key))
    }

    /// The core counts a placement may choose: 1..=n of a CPU, all of a GPU.
    #[must_use]
    pub fn core_choices(&self) -> Vec<u32> {
        match self.kind {
            UnitKind::Cpu => (1..=self.cores).collect(),
            UnitKind::Gpu => vec![self.cores],
        }
    }

    /// Relative power of `cores` busy cores.
    #[must_use]
    pub fn power(&self, cores: u32) -> f64 {
        match self.kind {
            UnitKind::Cpu => self.power * f64::from(cores),
            UnitKind::Gpu => self.power,
        }
    }
}

/// The shared DRAM.
#[derive(Serialize, Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// Bytes of DRAM.
    pub capacity: f64,
    /// Bytes kept by the operating system and all else.
    pub reserve: f64,
    /// Theoretical bandwidth.
    pub peak_bandwidth: f64,
    /// What all units together sustain.
    pub sustained_bandwidth: f64,
    /// Energy proxy of one byte moved, relative to a busy core-second.
    pub energy_per_byte: f64,
}

/// A system on chip: units that share one DRAM.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Soc {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) memory: Memory,
    pub(crate) units: Vec<Unit>,
    pub(crate) numbers: Vec<Number>,
}

impl Soc {
    /// A built-in SoC by name, or a device file by path (anything with a `/` or ending in `.toml`).
    ///
    /// # Errors
    /// Unknown names list what exists; a wrong file names file, line and key.
    pub fn load(name_or_path: &str) -> Result<Soc, CostError> {
        if let Some((name, text)) = soc_file::BUILTIN.iter().find(|(n, _)| *n == name_or_path) {
            return Soc::parse(text, &format!("<builtin {name}>"));
        }
        if name_or_path.ends_with(".toml") || name_or_path.contains('/') {
            return Soc::parse(&crate::error::read(name_or_path)?, name_or_path);
        }
        Err(CostError::input(format!(
            "unknown SoC '{name_or_path}'; built in: {}; or give the path of a device file (*.toml)",
            Soc::builtin().join(", ")
        )))
    }

    /// Reads a device file's text; `path` is used in errors.
    ///
    /// # Errors
    /// [`CostError::File`] with line and key.
    pub fn parse(text: &str, path: &str) -> Result<Soc, CostError> {
        soc_file::parse(text, path)
    }

    /// Names of the built-in SoCs.
    #[must_use]
    pub fn builtin() -> Vec<&'static str> {
        soc_file::BUILTIN.iter().map(|(n, _)| *n).collect()
    }

    /// Short name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, in words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The shared DRAM.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Its processing units.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// A unit by name.
    #[must_use]
    pub fn unit(&self, name: &str) -> Option<&Unit> {
        self.units.iter().find(|u| u.name == name)
    }

    /// Every number of the file, with unit and source, in the order of the file's sections.
    #[must_use]
    pub fn numbers(&self) -> &[Number] {
        &self.numbers
    }

    /// The numbers that are guesses.
    #[must_use]
    pub fn guesses(&self) -> Vec<Guess> {
        let guessed = self.numbers.iter().filter(|n| n.kind == SourceKind::Guess);
        guessed
            .map(|n| Guess {
                key: n.key.clone(),
                value: n.value,
                unit: n.unit.clone(),
                why: n.source.clone(),
            })
            .collect()
    }
}
