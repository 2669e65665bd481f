//! Reads what testsuite/harness/pipe.c prints.

use super::kernel::Compiled;
use super::{Gpu, MaliError};
use std::collections::HashMap;

/// What the driver says about a kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Instructions of the program.
    pub instructions: u64,
    /// Loops of the program.
    pub loops: u64,
    /// 32-bit registers.
    pub registers: u64,
    /// Threads that a core holds for it: 2 of all it can, 1 of half as many.
    pub threads: u64,
    /// Registers written to memory for want of room.
    pub spills: u64,
    /// Registers read back from memory.
    pub fills: u64,
    /// Length of the program.
    pub code_bytes: u64,
    /// Cycles of [`super::Unit::Fma`], `Cvt`, `Sfu`, `Ls` if each instruction ran once.
    pub cycles: [f64; 4],
}

impl Statistics {
    /// Whether as many threads run as a core can hold.
    pub const fn full_occupancy(&self) -> bool {
        self.threads == 2
    }
}

fn error(why: impl Into<String>) -> MaliError {
    MaliError::Format(why.into())
}

fn statistics(of: &HashMap<String, f64>) -> Result<Statistics, MaliError> {
    let get = |name: &str| {
        of.get(name)
            .copied()
            .ok_or_else(|| error(format!("no statistic {name:?}")))
    };
    let whole = |name: &str| {
        let value = get(name)?;
        if value.fract() == 0.0 && value >= 0.0 {
            Ok(value as u64)
        } else {
            Err(error(format!("{name} is {value}")))
        }
    };
    Ok(Statistics {
        instructions: whole("Instructions")?,
        loops: whole("Loops")?,
        registers: whole("Registers used")?,
        threads: whole("Threads")?,
        spills: whole("Spills")?,
        fills: whole("Fills")?,
        code_bytes: whole("Code size")?,
        cycles: [get("FMA")?, get("CVT")?, get("SFU")?, get("Load/store")?],
    })
}

/// The lines of the output, and its texts by their length.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn line(&mut self) -> Result<Option<&'a str>, MaliError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let end = self
            .0
            .iter()
            .position(|b| *b == b'\n')
            .ok_or_else(|| error("the last line does not end"))?;
        let line = self.take(end)?;
        self.take(1)?;
        Ok(Some(line))
    }

    fn take(&mut self, bytes: usize) -> Result<&'a str, MaliError> {
        let (taken, rest) = self
            .0
            .split_at_checked(bytes)
            .ok_or_else(|| error("a text ends early"))?;
        self.0 = rest;
        std::str::from_utf8(taken).map_err(|_| error("a text is not UTF-8"))
    }

    /// What follows a line `kernel`, up to `end`.
    fn kernel(&mut self, gpu: Gpu, entry: &str) -> Result<Compiled, MaliError> {
        let (mut numbers, mut texts) = (HashMap::new(), HashMap::new());
        loop {
            let line = self
                .line()?
                .ok_or_else(|| error("a kernel without an end"))?;
            let mut words = line.splitn(3, ' ');
            match (words.next(), words.next(), words.next()) {
                (Some("end"), None, None) => break,
                (Some("statistic"), Some(value), Some(name)) => {
                    let value = value
                        .parse()
                        .map_err(|_| error(format!("{name} is {value:?}")))?;
                    numbers.insert(name.to_owned(), value);
                }
                (Some("text"), Some(bytes), Some(name)) => {
                    let bytes = bytes
                        .parse()
                        .map_err(|_| error(format!("a length that is no number: {line}")))?;
                    texts.insert(name.to_owned(), self.take(bytes)?);
                    self.take(1)?;
                }
                _ => return Err(error(format!("an unknown line: {line}"))),
            }
        }
        let text = |name: &str| {
            texts
                .get(name)
                .copied()
                .ok_or_else(|| error(format!("no text {name:?}")))
        };
        Compiled::new(
            gpu,
            entry,
            statistics(&numbers)?,
            text("NIR shader")?,
            text("Assembly")?,
        )
    }
}

/// Reads the output of the runner for `gpu`.
///
/// # Errors
/// [`MaliError::Format`]: another device, or something unknown. [`MaliError::Empty`]. [`MaliError::Internal`].
pub fn parse(gpu: Gpu, output: &[u8]) -> Result<Vec<Compiled>, MaliError> {
    let mut reader = Reader(output);
    let first = reader.line()?.unwrap_or("");
    if !first
        .strip_prefix("device ")
        .is_some_and(|d| d.starts_with(gpu.name()))
    {
        return Err(error(format!(
            "the device is not a {}: {first}",
            gpu.name()
        )));
    }
    let mut kernels = Vec::new();
    while let Some(line) = reader.line()? {
        let words: Vec<&str> = line.split(' ').collect();
        kernels.push(match words[..] {
            ["kernel", entry, "16"] => reader.kernel(gpu, entry).map_err(|e| e.of(entry))?,
            ["kernel", entry, "0"] => return Err(MaliError::Empty(entry.to_owned())),
            _ => return Err(error(format!("no kernel with warps of 16 lanes: {line}"))),
        });
    }
    Ok(kernels)
}
