//! A compiled kernel, and what executing it takes.

use super::assembly::{self, Code, Counts, Executions};
use super::eval::LANES;
use super::nir::{self, Shader};
use super::prepare::{Prepared, Space, prepare};
use super::simt::{Count, Warp};
use super::traffic::{Bytes, Traffic};
use super::{Gpu, Launch, MaliError, Statistics};

/// A kernel as Mesa compiles it.
pub struct Compiled {
    /// Its entry point.
    pub entry: String,
    /// The GPU that it is for.
    pub gpu: Gpu,
    /// What the driver says.
    pub statistics: Statistics,
    shader: Shader,
    code: Code,
    prepared: Prepared,
}

/// A loop of the machine code, over all warps of a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopRun {
    /// How often a warp came to it.
    pub entered: u64,
    /// How often a warp was at its start; one more than the rounds of each visit for loops that test first.
    pub rounds: u64,
    /// Instructions of warps in it, without loops within.
    pub instructions: u64,
    /// The driver made it for a subgroup operation, which it does lane by lane.
    pub emulates: bool,
}

/// One round of the innermost loop in which most instructions are executed, of those that are in the kernel's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inner {
    /// Number of the loop.
    pub index: usize,
    /// Instructions of its text by unit.
    pub counts: Counts,
    /// Loads from buffers: the binding if it is known, and bytes a lane.
    pub loads: Vec<(Option<u32>, u32)>,
}

impl Inner {
    /// Instructions of a round.
    pub fn instructions(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Bytes that a lane loads from buffers in a round.
    pub fn loaded_bytes(&self) -> u64 {
        self.loads.iter().map(|(_, b)| u64::from(*b)).sum()
    }
}

/// What a dispatch executes.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Workgroups.
    pub groups: u64,
    /// Warps.
    pub warps: u64,
    /// Instructions of warps by unit.
    pub counts: Counts,
    /// Static cycles of [`Statistics::cycles`], each block as often as a warp executes it.
    pub cycles: [f64; 4],
    /// Loops in the order of the text.
    pub loops: Vec<LoopRun>,
    /// Where most instructions are.
    pub inner: Option<Inner>,
    /// Conditions on data, of warps: half of the lanes were sent each way.
    pub data_dependent: u64,
    /// What lanes ask buffers for.
    pub buffers: Bytes,
    /// What lanes ask workgroup memory for.
    pub shared: Bytes,
    /// What registers without room cost.
    pub private: Bytes,
    /// Addresses, if they were followed.
    pub lines: Option<Lines>,
}

/// Cache lines of buffers, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Those of each instruction of a warp.
    pub by_warps: Bytes,
    /// Those of the dispatch, each once.
    pub distinct: Bytes,
    /// What lanes ask for at places that are not known; not in the others.
    pub untraced: Bytes,
}

impl Run {
    /// Instructions executed by warps.
    pub fn instructions(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Those of them in loops that the driver made for subgroup operations: hardware and other drivers can do without.
    pub fn emulation(&self) -> u64 {
        self.loops
            .iter()
            .filter(|l| l.emulates)
            .map(|l| l.instructions)
            .sum()
    }

    /// Instructions of warps of one workgroup, on average.
    pub fn instructions_of_group(&self) -> f64 {
        self.instructions() as f64 / self.groups as f64
    }
}

/// Threads whose instructions a core takes in a cycle, by unit: what makes counts into the driver's static cycles.
const fn rates(gpu: Gpu) -> [f64; 4] {
    match gpu {
        Gpu::G310 => [16.0, 16.0, 4.0, 1.0],
        Gpu::G610 => [64.0, 64.0, 16.0, 1.0],
    }
}

fn cycles(gpu: Gpu, counts: &Counts) -> [f64; 4] {
    let rates = rates(gpu);
    std::array::from_fn(|u| counts[u] as f64 / rates[u])
}

impl Compiled {
    pub(super) fn new(
        gpu: Gpu,
        entry: &str,
        statistics: Statistics,
        nir: &str,
        assembly: &str,
    ) -> Result<Self, MaliError> {
        let shader = nir::parse(nir)?;
        let prepared = prepare(&shader)?;
        let code = assembly::parse(assembly, &prepared.breaks)?;
        let compiled = Self {
            entry: entry.to_owned(),
            gpu,
            statistics,
            shader,
            code,
            prepared,
        };
        compiled.check()?;
        Ok(compiled)
    }

    /// That the three sources agree.
    fn check(&self) -> Result<(), MaliError> {
        let counts = self.code.counts();
        let same = |what: &str, one: u64, other: u64| match one == other {
            true => Ok(()),
            false => Err(MaliError::Internal(format!("{one} {what} and {other}"))),
        };
        same(
            "instructions",
            counts.iter().sum(),
            self.statistics.instructions,
        )?;
        same("loops", self.code.loops.len() as u64, self.statistics.loops)?;
        same(
            "loops in NIR",
            self.shader.loops as u64,
            self.statistics.loops,
        )?;
        same(
            "conditions",
            self.code.conditions as u64,
            self.shader.ifs as u64,
        )?;
        let (ours, theirs) = (cycles(self.gpu, &counts), self.statistics.cycles);
        if ours.iter().zip(theirs).any(|(a, b)| (a - b).abs() > 1e-5) {
            let text = format!("cycles of units {ours:?}, but the driver says {theirs:?}");
            return Err(MaliError::Format(text));
        }
        Ok(())
    }

    /// Invocations of a workgroup in three dimensions.
    pub const fn workgroup(&self) -> [u32; 3] {
        self.shader.workgroup
    }

    fn warps(&self) -> u32 {
        self.shader
            .workgroup
            .iter()
            .product::<u32>()
            .div_ceil(LANES as u32)
    }

    /// What a dispatch executes. With `trace`, the places of all accesses are followed too, which takes much longer.
    ///
    /// # Errors
    /// [`MaliError::Unknown`], [`MaliError::Internal`].
    pub fn run(&self, launch: &Launch, trace: bool) -> Result<Run, MaliError> {
        self.execute(launch, trace).map_err(|e| e.of(&self.entry))
    }

    fn execute(&self, launch: &Launch, trace: bool) -> Result<Run, MaliError> {
        let groups: u64 = launch.groups.iter().map(|g| u64::from(*g)).product();
        // one stands for all if they do the same
        let (some, times) = if self.prepared.depends_on_group {
            (launch.groups, 1)
        } else {
            ([1; 3].map(|g: u32| g.min(groups as u32)), groups)
        };
        let mut count = Count::default();
        let mut executions = Executions::new();
        let mut warp = Warp::new(&self.shader, &self.prepared, launch, false);
        each(some, self.warps(), |group, number| {
            let mut decisions = warp.run(group, number, &mut count)?;
            self.code
                .follow(warp.lanes(number), &mut decisions, &mut executions)
        })?;
        let counts = self
            .code
            .sum(|b| executions.get(b).copied().unwrap_or(0))
            .map(|c| c * times);
        let loops = self.loops(&count, &executions, times);
        Ok(Run {
            groups,
            warps: groups * u64::from(self.warps()),
            counts,
            cycles: cycles(self.gpu, &counts),
            inner: self.inner(&loops),
            loops,
            data_dependent: count.data_dependent * times,
            buffers: count.traffic.buffers.times(times),
            shared: count.traffic.shared.times(times),
            private: count.traffic.private.times(times),
            lines: if trace {
                Some(self.lines(launch)?)
            } else {
                None
            },
        })
    }

    fn loops(&self, count: &Count, executions: &Executions, times: u64) -> Vec<LoopRun> {
        let executed = |b: usize| executions.get(b).copied().unwrap_or(0);
        let one = |(index, (entered, _)): (usize, &(u64, u64))| {
            let own = self.code.own_blocks(index);
            let counts = self
                .code
                .sum(|b| if own.contains(&b) { executed(b) } else { 0 });
            LoopRun {
                entered: entered * times,
                rounds: executed(self.code.loops[index].header) * times,
                instructions: counts.iter().sum::<u64>() * times,
                emulates: self.prepared.emulates[index],
            }
        };
        count.loops.iter().enumerate().map(one).collect()
    }

    fn inner(&self, loops: &[LoopRun]) -> Option<Inner> {
        let innermost =
            (0..loops.len()).filter(|i| self.code.is_innermost(*i) && !loops[*i].emulates);
        let index = innermost.max_by_key(|i| loops[*i].instructions)?;
        let own = self.code.own_blocks(index);
        let accesses = self.prepared.own[index]
            .iter()
            .flat_map(|b| &self.prepared.accesses[*b]);
        let loads = accesses.filter(|a| a.loads && a.space == Space::Buffer);
        Some(Inner {
            index,
            counts: self.code.sum(|b| u64::from(own.contains(&b))),
            loads: loads
                .map(|a| (a.place.as_ref().map(|(b, _)| *b), a.bytes))
                .collect(),
        })
    }

    fn lines(&self, launch: &Launch) -> Result<Lines, MaliError> {
        let mut count = Count::default();
        let mut warp = Warp::new(&self.shader, &self.prepared, launch, true);
        each(launch.groups, self.warps(), |group, number| {
            warp.run(group, number, &mut count).map(|_| ())
        })?;
        let Traffic {
            lines, untraced, ..
        } = count.traffic;
        Ok(Lines {
            by_warps: lines,
            distinct: count.traffic.footprint(),
            untraced,
        })
    }
}

/// All warps of all workgroups.
fn each(
    groups: [u32; 3],
    warps: u32,
    mut run: impl FnMut([u32; 3], u32) -> Result<(), MaliError>,
) -> Result<(), MaliError> {
    for z in 0..groups[2] {
        for y in 0..groups[1] {
            for x in 0..groups[0] {
                for number in 0..warps {
                    run([x, y, z], number)?;
                }
            }
        }
    }
    Ok(())
}
