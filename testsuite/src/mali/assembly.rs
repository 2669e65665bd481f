//! Reads Mesa's Valhall disassembly into basic blocks, and follows warps through them.

use super::MaliError;
use super::eval::LANES;
use super::simt::Decisions;

/// A part of a shader core that instructions are issued to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Float multiplication and addition.
    Fma,
    /// Integers, comparisons, conversions, branches.
    Cvt,
    /// Shifts, integer multiplication, lane permutation, special functions.
    Sfu,
    /// Memory.
    Ls,
    /// Barriers.
    None,
}

/// Instructions by unit: [`Unit::Fma`], [`Unit::Cvt`], [`Unit::Sfu`], [`Unit::Ls`], [`Unit::None`].
pub type Counts = [u64; 5];

/// The unit of an instruction, by its name up to the first point.
fn unit(name: &str) -> Option<Unit> {
    const FMA: &[&str] = &[
        "FADD",
        "FMA",
        "FADD_IMM",
        "FMA_RSCALE",
        "FADD_RSCALE",
        "IDPADD",
    ];
    const CVT: &[&str] = &[
        "NOP",
        "BRANCHZ",
        "IADD",
        "IADD_IMM",
        "ISUB",
        "ICMP_OR",
        "ICMP_AND",
        "ICMP_MULTI",
        "FCMP_OR",
        "FCMP_AND",
        "CSEL",
        "MOV",
        "MUX",
        "CLZ",
        "WMASK",
        "FMAX",
        "FMIN",
        "FROUND",
        "IABS",
        "HADD",
        "MKVEC",
        "SWZ",
        "FREXPE",
        "FREXPM",
        "LDEXP",
    ];
    const SFU: &[&str] = &[
        "CLPER",
        "LSHIFT_OR",
        "LSHIFT_AND",
        "LSHIFT_XOR",
        "RSHIFT_OR",
        "RSHIFT_AND",
        "RSHIFT_XOR",
        "ARSHIFT_OR",
        "ARSHIFT_AND",
        "ARSHIFT_XOR",
        "IMUL",
        "IMULD",
        "POPCOUNT",
        "BITREV",
        "FRCP",
        "FRSQ",
        "FEXP",
        "FLOG",
        "FLOGD",
        "FPCLASS",
        "FSIN_TABLE",
        "FCOS_TABLE",
        "FATAN_TABLE",
    ];
    const LS: &[&str] = &[
        "LEA_PKA",
        "LD_PKA",
        "LD_BUFFER",
        "LEA_BUFFER",
        "LOAD",
        "STORE",
    ];
    Some(match name {
        "BARRIER" => Unit::None,
        n if FMA.contains(&n) => Unit::Fma,
        n if CVT.contains(&n) || n.contains("_TO_") => Unit::Cvt,
        n if SFU.contains(&n) => Unit::Sfu,
        n if LS.contains(&n) || n.starts_with("ATOM") => Unit::Ls,
        _ => return None,
    })
}

/// How a block ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The next block follows.
    Next,
    /// Always at this block.
    Jump(usize),
    /// At this block, if the n-th condition is what `if_true` says.
    Branch {
        condition: usize,
        target: usize,
        if_true: bool,
    },
    /// The program is over.
    Stop,
}

/// A basic block.
#[derive(Clone, Debug)]
struct Block {
    /// Instructions by unit.
    counts: Counts,
    end: End,
}

/// A natural loop: blocks `header..=last`, whose last branches back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loop {
    pub(super) header: usize,
    pub(super) last: usize,
}

/// The machine code of a kernel.
#[derive(Clone, Debug)]
pub struct Code {
    blocks: Vec<Block>,
    /// In the order of their headers, outer before inner ones.
    pub(super) loops: Vec<Loop>,
    /// Branches with a condition.
    pub(super) conditions: usize,
}

struct Line {
    unit: Unit,
    /// Index of the instruction that it may go to.
    target: Option<usize>,
    /// It branches on `0x0`: always.
    always: bool,
    ends: bool,
}

fn error(line: &str, why: &str) -> MaliError {
    MaliError::Format(format!("assembly: {why}: {line}"))
}

fn instruction(text: &str, index: usize) -> Result<Line, MaliError> {
    let (name, operands) = text.split_once(' ').unwrap_or((text, ""));
    let (short, modifiers) = name.split_once('.').unwrap_or((name, ""));
    let unit = unit(short).ok_or_else(|| error(text, "an instruction whose unit is not known"))?;
    let mut line = Line {
        unit,
        target: None,
        always: false,
        ends: modifiers.split('.').any(|m| m == "end"),
    };
    if short == "BRANCHZ" {
        let (value, offset) = operands
            .split_once(", offset:")
            .ok_or_else(|| error(text, "a branch without an offset"))?;
        let offset: isize = offset
            .trim()
            .parse()
            .map_err(|_| error(text, "a branch to nowhere"))?;
        line.target = (index + 1).checked_add_signed(offset);
        line.always = value.trim() == "0x0";
        if line.target.is_none() || line.always && !modifiers.starts_with("eq") {
            return Err(error(text, "a branch to nowhere"));
        }
    }
    Ok(line)
}

/// Splits into blocks. Returns for each the index of its first instruction, and after the last the number of instructions.
fn leaders(lines: &[Line]) -> Vec<usize> {
    let targets = lines.iter().filter_map(|l| l.target);
    let after = lines
        .iter()
        .enumerate()
        .filter(|(_, l)| l.target.is_some() || l.ends);
    let mut starts: Vec<usize> = targets
        .chain(after.map(|(i, _)| i + 1))
        .chain([0, lines.len()])
        .collect();
    starts.sort_unstable();
    starts.dedup();
    starts
}

fn loops(lines: &[Line], starts: &[usize]) -> Vec<Loop> {
    let at = |i: usize| starts.partition_point(|s| *s <= i) - 1;
    let back = lines
        .iter()
        .enumerate()
        .filter_map(|(i, l)| Some((i, l.target.filter(|t| *t <= i)?)));
    let mut found: Vec<Loop> = Vec::new();
    for (i, target) in back {
        let (header, last) = (at(target), at(i));
        match found.iter_mut().find(|l| l.header == header) {
            Some(one) => one.last = one.last.max(last),
            None => found.push(Loop { header, last }),
        }
    }
    found.sort_by_key(|l| (l.header, std::cmp::Reverse(l.last)));
    found
}

/// Reads a program. `breaks[n]`: the n-th condition's first alternative does nothing but leave a loop, or start it anew.
///
/// # Errors
/// [`MaliError::Format`]: a line has an unknown form, or there is an instruction that is not known.
pub(super) fn parse(text: &str, breaks: &[bool]) -> Result<Code, MaliError> {
    let mut lines = Vec::new();
    for text in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        lines.push(instruction(text, lines.len())?);
    }
    if !lines.last().is_some_and(|l| l.ends) {
        return Err(error("", "a program without an end"));
    }
    let starts = leaders(&lines);
    if starts.last() != Some(&lines.len()) {
        return Err(error("", "a branch out of the program"));
    }
    let loops = loops(&lines, &starts);
    let at = |i: usize| starts.partition_point(|s| *s <= i) - 1;
    let mut blocks = Vec::new();
    let mut condition = 0;
    for (block, range) in starts.windows(2).enumerate() {
        let mut counts = Counts::default();
        for line in &lines[range[0]..range[1]] {
            counts[line.unit as usize] += 1;
        }
        let last = &lines[range[1] - 1];
        let end = match last.target.map(|t| (t, at(t))) {
            _ if last.ends => End::Stop,
            None => End::Next,
            Some((_, target)) if last.always => End::Jump(target),
            Some((_, target)) => {
                let innermost = loops.iter().rfind(|l| (l.header..=l.last).contains(&block));
                let leaves = innermost.is_some_and(|l| target > l.last || target == l.header);
                let if_true = leaves && breaks.get(condition).copied().unwrap_or(false);
                condition += 1;
                End::Branch {
                    condition: condition - 1,
                    target,
                    if_true,
                }
            }
        };
        blocks.push(Block { counts, end });
    }
    Ok(Code {
        blocks,
        loops,
        conditions: condition,
    })
}

/// How often a warp ran each block.
pub(super) type Executions = Vec<u64>;

impl Code {
    /// Instructions of the text by unit.
    pub(super) fn counts(&self) -> Counts {
        self.sum(|_| 1)
    }

    /// Instructions by unit, each block as often as `times` says.
    pub(super) fn sum(&self, times: impl Fn(usize) -> u64) -> Counts {
        let mut sum = Counts::default();
        for (i, block) in self.blocks.iter().enumerate() {
            for (s, c) in sum.iter_mut().zip(block.counts) {
                *s += c * times(i);
            }
        }
        sum
    }

    /// The blocks of loop `index` that belong to no loop within it.
    pub(super) fn own_blocks(&self, index: usize) -> Vec<usize> {
        let outer = self.loops[index];
        let within = |b: usize| {
            let inner = self.loops[index + 1..].iter();
            inner
                .take_while(|l| l.header <= outer.last)
                .any(|l| (l.header..=l.last).contains(&b))
        };
        (outer.header..=outer.last)
            .filter(|b| !within(*b))
            .collect()
    }

    /// Whether loop `index` holds no other.
    pub(super) fn is_innermost(&self, index: usize) -> bool {
        let last = self.loops[index].last;
        self.loops.get(index + 1).is_none_or(|l| l.header > last)
    }

    /// Runs a warp: the lanes that are furthest behind go on together, which is how divergent lanes of structured code meet again.
    /// Adds to `executions`, one for each block.
    ///
    /// # Errors
    /// [`MaliError::Internal`]: the lanes do not decide as often as they did in NIR.
    pub(super) fn follow(
        &self,
        lanes: u16,
        decisions: &mut Decisions,
        executions: &mut Executions,
    ) -> Result<(), MaliError> {
        executions.resize(self.blocks.len(), 0);
        let stopped = self.blocks.len();
        let mut place = [stopped; LANES];
        for (lane, p) in place.iter_mut().enumerate() {
            if lanes >> lane & 1 == 1 {
                *p = 0;
            }
        }
        loop {
            let block = *place.iter().min().unwrap_or(&stopped);
            if block == stopped {
                return decisions.all_taken();
            }
            executions[block] += 1;
            for (lane, p) in place.iter_mut().enumerate().filter(|(_, p)| **p == block) {
                *p = match self.blocks[block].end {
                    End::Next => block + 1,
                    End::Jump(target) => target,
                    End::Stop => stopped,
                    End::Branch {
                        condition,
                        target,
                        if_true,
                    } => {
                        if decisions.next(condition, lane)? == if_true {
                            target
                        } else {
                            block + 1
                        }
                    }
                };
            }
        }
    }
}
