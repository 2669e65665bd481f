//! Adds up what the dispatches of a call execute.

use super::kernel::{Compiled, Inner, Lines, Run};
use super::traffic::Bytes;
use super::{Kernel, Launch, MaliError, Statistics};
use spec_runtime::schedule::{Buffer, Schedule};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// A dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Index of the kernel.
    pub kernel: usize,
    /// How it is started.
    pub launch: Launch,
}

/// The kernels and dispatches of a schedule whose kernels are in `module`. `arguments`: contents of buffers that loops depend on
/// (positions), by index of the argument.
pub fn sites(
    schedule: &Schedule,
    module: &Path,
    arguments: &BTreeMap<u32, Vec<u8>>,
) -> (Vec<Kernel>, Vec<Site>) {
    let kernels = schedule.kernels.iter().map(|k| Kernel {
        module: module.to_owned(),
        entry: k.entry.clone(),
        bindings: k.bindings,
        push_words: k.push_words,
    });
    let known = |spans: &[spec_runtime::schedule::Span]| {
        let mut known = BTreeMap::new();
        for (binding, span) in spans.iter().enumerate() {
            let Buffer::Argument(index) = span.buffer else {
                continue;
            };
            let bytes = arguments
                .get(&index)
                .and_then(|b| b.get(span.offset as usize..));
            for (word, value) in bytes.unwrap_or_default().chunks_exact(4).enumerate() {
                known.insert(
                    (binding as u32, word as u32),
                    u32::from_le_bytes([value[0], value[1], value[2], value[3]]),
                );
            }
        }
        known
    };
    let sites = schedule.dispatches.iter().map(|d| Site {
        kernel: d.kernel as usize,
        launch: Launch {
            groups: d.groups,
            push: d.push.clone(),
            known: known(&d.spans),
        },
    });
    (kernels.collect(), sites.collect())
}

/// All dispatches of one kernel.
#[derive(Clone, Debug)]
pub struct Row {
    /// Entry point.
    pub entry: String,
    /// Static figures.
    pub statistics: Statistics,
    /// Invocations of a workgroup.
    pub workgroup: [u32; 3],
    /// Where most instructions are executed, in the first dispatch.
    pub inner: Option<Inner>,
    /// Instructions of warps of a workgroup of the first dispatch.
    pub instructions_of_group: f64,
    /// Instructions of warps of the first dispatch.
    pub instructions_of_dispatch: u64,
    /// Its sums.
    pub totals: Totals,
}

/// Sums over dispatches.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Dispatches.
    pub dispatches: u64,
    /// Workgroups.
    pub groups: u64,
    /// Warps.
    pub warps: u64,
    /// Instructions executed by warps.
    pub instructions: u64,
    /// Those of them in loops made for subgroup operations, as [`Run::emulation`].
    pub emulation: u64,
    /// Cycles by unit, as [`Run::cycles`].
    pub cycles: [f64; 4],
    /// Conditions on data.
    pub data_dependent: u64,
    /// What lanes ask buffers for.
    pub buffers: Bytes,
    /// What lanes ask workgroup memory for.
    pub shared: Bytes,
    /// Cache lines, if they were traced.
    pub lines: Option<Lines>,
}

impl Totals {
    fn add(&mut self, run: &Run) {
        let first = self.dispatches == 0;
        self.dispatches += 1;
        self.groups += run.groups;
        self.warps += run.warps;
        self.instructions += run.instructions();
        self.emulation += run.emulation();
        self.cycles
            .iter_mut()
            .zip(run.cycles)
            .for_each(|(a, b)| *a += b);
        self.data_dependent += run.data_dependent;
        self.buffers += run.buffers;
        self.shared += run.shared;
        self.lines = match (self.lines, run.lines) {
            (None, other) if first => other,
            (Some(mut sum), Some(more)) => {
                sum.by_warps += more.by_warps;
                sum.distinct += more.distinct;
                sum.untraced += more.untraced;
                Some(sum)
            }
            _ => None,
        };
    }
}

/// A table of kernels and the sums of a call.
#[derive(Clone, Debug)]
pub struct Report {
    /// Kernels that are dispatched, in the order of the list of kernels.
    pub rows: Vec<Row>,
    /// All dispatches.
    pub totals: Totals,
}

/// Runs all dispatches; equal ones once. `trace`: follow addresses, which takes longer.
///
/// # Errors
/// As [`Compiled::run`]; [`MaliError::Format`] if a dispatch names no kernel.
pub fn report(kernels: &[Compiled], sites: &[Site], trace: bool) -> Result<Report, MaliError> {
    let mut done: Vec<(&Site, Run)> = Vec::new();
    let mut rows: BTreeMap<usize, Row> = BTreeMap::new();
    let mut totals = Totals::default();
    for site in sites {
        let kernel = kernels
            .get(site.kernel)
            .ok_or_else(|| MaliError::Format(format!("no kernel {}", site.kernel)))?;
        let at = match done.iter().position(|(s, _)| *s == site) {
            Some(at) => at,
            None => {
                done.push((site, kernel.run(&site.launch, trace)?));
                done.len() - 1
            }
        };
        let run = &done[at].1;
        totals.add(run);
        let row = rows.entry(site.kernel).or_insert_with(|| Row {
            entry: kernel.entry.clone(),
            statistics: kernel.statistics,
            workgroup: kernel.workgroup(),
            inner: run.inner.clone(),
            instructions_of_group: run.instructions_of_group(),
            instructions_of_dispatch: run.instructions(),
            totals: Totals::default(),
        });
        row.totals.add(run);
    }
    Ok(Report {
        rows: rows.into_values().collect(),
        totals,
    })
}

impl Report {
    /// Kernels that keep registers in memory.
    pub fn spilling(&self) -> Vec<&str> {
        let spills = self
            .rows
            .iter()
            .filter(|r| r.statistics.spills + r.statistics.fills > 0);
        spills.map(|r| r.entry.as_str()).collect()
    }

    /// Instructions of all kernels that are dispatched.
    pub fn static_instructions(&self) -> u64 {
        self.rows.iter().map(|r| r.statistics.instructions).sum()
    }
}

const TITLES: [&str; 12] = [
    "kernel",
    "dispatches",
    "workgroup",
    "instructions",
    "loops",
    "registers",
    "full",
    "spills:fills",
    "executed/group",
    "executed/dispatch",
    "inner loop: instructions, bytes",
    "cycles FMA/CVT/SFU/LS",
];

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s, t) = (&self.statistics, &self.totals);
        let inner = self.inner.as_ref().map_or("-".to_owned(), |i| {
            let loads: Vec<String> = i.loads.iter().map(|(_, bytes)| bytes.to_string()).collect();
            format!(
                "{}, {}",
                i.instructions(),
                if loads.is_empty() {
                    "0".to_owned()
                } else {
                    loads.join("+")
                }
            )
        });
        let [x, y, z] = self.workgroup;
        write!(
            f,
            "| {} | {} | {x}x{y}x{z} | {} | {} | {} | ",
            self.entry, t.dispatches, s.instructions, s.loops, s.registers
        )?;
        let full = if s.full_occupancy() { "yes" } else { "no" };
        write!(
            f,
            "{full} | {}:{} | {:.1} | ",
            s.spills, s.fills, self.instructions_of_group
        )?;
        let cycles = t.cycles.map(|c| format!("{c:.0}")).join("/");
        write!(
            f,
            "{} | {inner} | {cycles} |",
            self.instructions_of_dispatch
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| {} |\n{}|",
            TITLES.join(" | "),
            "|---".repeat(TITLES.len())
        )?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        let t = &self.totals;
        writeln!(
            f,
            "\n{} dispatches of {} kernels ({} instructions)",
            t.dispatches,
            self.rows.len(),
            self.static_instructions()
        )?;
        writeln!(
            f,
            "{} workgroups, {} warps, {} instructions executed by warps",
            t.groups, t.warps, t.instructions
        )?;
        writeln!(
            f,
            "{} of these in loops that the driver made for subgroup operations",
            t.emulation
        )?;
        writeln!(
            f,
            "bytes that lanes ask buffers for: {} loaded, {} stored",
            t.buffers.loaded, t.buffers.stored
        )?;
        if let Some(l) = t.lines {
            let (w, d, u) = (l.by_warps, l.distinct, l.untraced);
            writeln!(
                f,
                "lines by warps, bytes: {} loaded, {} stored",
                w.loaded, w.stored
            )?;
            writeln!(
                f,
                "distinct lines by dispatches, bytes: {} loaded, {} stored",
                d.loaded, d.stored
            )?;
            writeln!(
                f,
                "at unknown places, bytes of lanes: {} loaded, {} stored",
                u.loaded, u.stored
            )?;
        }
        writeln!(
            f,
            "conditions on data, half of the lanes each way: {}",
            t.data_dependent
        )
    }
}
