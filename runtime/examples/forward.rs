//! Times a forward pass of a compiled model: forward BUNDLE FUNCTION WEIGHTS THREADS POSITION
//!
//! WEIGHTS is the file that `spec-weights` wrote (its index lies beside it), or a folder of raw files `*.bin` that are, by name, in the
//! order of the function's weights. They are copied into huge pages. The program makes two passes, prints `ready`, and for each line `N`
//! on standard input makes N passes and prints their median in milliseconds. It ends at end of file. benches/cpu/compare.py talks to it.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool of its own

use half::{bf16, f16};
use spec_runtime::bundle::{Buffer, Bundle, BundleError, CallError, Function, Workspace};
use spec_runtime::manifest::{Argument, ArgumentKind, DType, Function as Described};
use spec_runtime::memory::{Memory, MemoryError, Weights};
use spec_runtime::pool::{Pool, PoolError};
use spec_runtime::quantize::{IndexError, WeightIndex};
use std::io::{BufRead as _, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: forward BUNDLE FUNCTION WEIGHTS THREADS POSITION";
/// A token of most vocabularies.
const TOKEN: i64 = 100;
/// What the caches hold.
const CACHED: f32 = 0.01;
/// Alignment of each weight in bytes.
const LINE: usize = 64;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{USAGE}")]
    Usage,
    #[error("{what} is {text:?}, not a number from {least} to {most}")]
    Number {
        what: &'static str,
        text: String,
        least: u64,
        most: u64,
    },
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error(transparent)]
    Pool(#[from] PoolError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("{}: {source}", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: {source}", path.display())]
    Index { path: PathBuf, source: IndexError },
    #[error("weight {name} is not in {}; write the file for this bundle with spec-weights", path.display())]
    Missing { name: String, path: PathBuf },
    #[error("{} has {found} files *.bin, the function {function} has {expected} weights", path.display())]
    Files {
        path: PathBuf,
        found: usize,
        function: String,
        expected: usize,
    },
    #[error(
        "argument {index} of {function} is neither tokens, position, cache nor weight: this program has no value for it"
    )]
    Other { index: usize, function: String },
    #[error("standard input or output: {0}")]
    Stream(#[source] std::io::Error),
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    move |source| Error::File {
        path: path.to_owned(),
        source,
    }
}

fn number(what: &'static str, text: &str, least: u64, most: u64) -> Result<u64, Error> {
    let value = text
        .trim()
        .parse()
        .ok()
        .filter(|n| (least..=most).contains(n));
    value.ok_or_else(|| Error::Number {
        what,
        text: text.to_owned(),
        least,
        most,
    })
}

fn weights(function: &Described) -> impl Iterator<Item = &Argument> {
    let all = function.arguments.iter();
    all.filter(|a| a.kind == ArgumentKind::Weight)
}

/// All weights in one piece of memory, and where each is.
struct Loaded {
    memory: Memory,
    ranges: Vec<Range<usize>>,
}

impl Loaded {
    fn new(path: &Path, function: &Described) -> Result<Self, Error> {
        if path.is_dir() {
            return Self::raw(path, function);
        }
        let index = path.with_file_name("weights.json");
        let text = std::fs::read_to_string(&index).map_err(at(&index))?;
        let found = WeightIndex::from_json(&text);
        let found = found.map_err(|source| Error::Index {
            path: index,
            source,
        })?;
        let bytes = usize::try_from(found.bytes).unwrap_or(usize::MAX);
        let range = |a: &Argument| {
            let name = a.name.clone().unwrap_or_default();
            let weight = found.get(&name);
            let weight = weight.ok_or_else(|| Error::Missing {
                name,
                path: path.to_owned(),
            })?;
            Ok(weight.offset as usize..(weight.offset + weight.bytes) as usize) // within `bytes`: `from_json`
        };
        let ranges = weights(function).map(range).collect::<Result<_, Error>>()?;
        let file = Weights::map(path, 0, bytes)?;
        let mut memory = Memory::huge(bytes)?;
        memory.bytes_mut().copy_from_slice(file.bytes());
        Ok(Self { memory, ranges })
    }

    fn raw(path: &Path, function: &Described) -> Result<Self, Error> {
        let entries = std::fs::read_dir(path).map_err(at(path))?;
        let files = entries
            .map(|e| e.map(|e| e.path()))
            .collect::<Result<Vec<_>, _>>();
        let mut files = files.map_err(at(path))?;
        files.retain(|f| f.extension().is_some_and(|e| e == "bin"));
        files.sort();
        let expected = weights(function).count();
        if files.len() != expected {
            let (path, function) = (path.to_owned(), function.name.clone());
            return Err(Error::Files {
                path,
                found: files.len(),
                function,
                expected,
            });
        }
        let (mut all, mut ranges, mut end) = (vec![], vec![], 0_usize);
        for file in files {
            let length = std::fs::metadata(&file).map_err(at(&file))?.len();
            let weight = Weights::map(&file, 0, usize::try_from(length).unwrap_or(usize::MAX))?;
            let start = end.next_multiple_of(LINE);
            end = start.saturating_add(weight.bytes().len());
            ranges.push(start..end);
            all.push(weight);
        }
        let mut memory = Memory::huge(end)?;
        for (range, weight) in ranges.iter().zip(&all) {
            memory.bytes_mut()[range.clone()].copy_from_slice(weight.bytes());
        }
        Ok(Self { memory, ranges })
    }
}

/// `bytes` bytes, all elements of which are `value`.
fn filled(dtype: DType, bytes: usize, value: f32) -> Result<Memory, MemoryError> {
    let mut memory = Memory::huge(bytes)?;
    let element = match dtype {
        DType::F64 => f64::from(value).to_ne_bytes().to_vec(),
        DType::F32 => value.to_ne_bytes().to_vec(),
        DType::F16 => f16::from_f32(value).to_ne_bytes().to_vec(),
        DType::Bf16 => bf16::from_f32(value).to_ne_bytes().to_vec(),
        DType::I64 => (value as i64).to_ne_bytes().to_vec(),
        DType::I32 => (value as i32).to_ne_bytes().to_vec(),
        DType::I16 => (value as i16).to_ne_bytes().to_vec(),
        DType::I8 | DType::I1 => (value as i8).to_ne_bytes().to_vec(),
    };
    for place in memory.bytes_mut().chunks_exact_mut(element.len()) {
        place.copy_from_slice(&element);
    }
    Ok(memory)
}

/// Memory for every argument that is no weight, and for every result: by slot, `None` for weights.
fn own(
    function: &Function,
    described: &Described,
    position: u64,
) -> Result<Vec<Option<Memory>>, Error> {
    let one = |slot: &spec_runtime::manifest::Slot| {
        let kind = if slot.is_result {
            None
        } else {
            Some(described.arguments[slot.index].kind)
        };
        let value = match kind {
            Some(ArgumentKind::Weight) => return Ok(None),
            Some(ArgumentKind::Tokens) => TOKEN as f32,
            Some(ArgumentKind::Position) => position as f32,
            Some(ArgumentKind::Cache) => CACHED,
            Some(ArgumentKind::Other) => {
                return Err(Error::Other {
                    index: slot.index,
                    function: described.name.clone(),
                });
            }
            None => 0.0,
        };
        Ok(Some(filled(slot.dtype, slot.bytes, value)?))
    };
    function.slots().iter().map(one).collect()
}

/// The buffers of a call, in order.
fn buffers<'a>(
    function: &Function,
    own: &'a mut [Option<Memory>],
    loaded: &'a Loaded,
) -> Vec<Buffer<'a>> {
    let mut ranges = loaded.ranges.iter();
    let mut next = || {
        ranges
            .next()
            .map_or(&[][..], |r| &loaded.memory.bytes()[r.clone()])
    };
    let slots = function.slots().iter().zip(own);
    slots
        .map(|(slot, memory)| match (memory, slot.written) {
            (Some(memory), true) => Buffer::Write(memory.bytes_mut()),
            (Some(memory), false) => Buffer::Read(memory.bytes()),
            (None, _) => Buffer::Read(next()),
        })
        .collect()
}

fn serve(mut pass: impl FnMut() -> Result<(), CallError>) -> Result<(), Error> {
    for _ in 0..2 {
        pass()?;
    }
    let answer = |text: &str| {
        let mut out = std::io::stdout();
        writeln!(out, "{text}")
            .and_then(|()| out.flush())
            .map_err(Error::Stream)
    };
    answer("ready")?;
    for line in std::io::stdin().lock().lines() {
        let passes = number(
            "the number of passes",
            &line.map_err(Error::Stream)?,
            1,
            1_000_000,
        )?;
        let mut times = vec![];
        for _ in 0..passes {
            let start = Instant::now();
            pass()?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let middle = times.len() / 2;
        let median = (times[middle] + times[(times.len() - 1) / 2]) / 2.0;
        answer(&format!("{median:.4}"))?;
    }
    Ok(())
}

fn run() -> Result<(), Error> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [folder, name, weights, threads, position] = &args[..] else {
        return Err(Error::Usage);
    };
    let threads = number(
        "THREADS",
        threads,
        1,
        spec_runtime::pool::MAX_THREADS as u64,
    )? as usize;
    let position = number("POSITION", position, 0, 1 << 20)?;
    let bundle = Bundle::load(Path::new(folder))?;
    let function = bundle.function(name)?;
    let mut all = bundle.functions().iter().zip(&bundle.manifest().functions);
    let Some((_, described)) = all.find(|(f, _)| f.name() == name) else {
        return Err(Error::Usage);
    };
    let loaded = Loaded::new(Path::new(weights), described)?;
    let mut own = own(function, described, position)?;
    let mut buffers = buffers(function, &mut own, &loaded);
    let mut workspace = Workspace::new([function])?;
    let pool = if threads > 1 {
        Some(Pool::new(threads)?)
    } else {
        None
    };
    serve(|| function.call(&mut buffers, &mut workspace, pool.as_ref()))
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
