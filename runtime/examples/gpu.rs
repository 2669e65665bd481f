//! Runs a schedule on a GPU: gpu [OPTION...] SPIRV SCHEDULE OUT ARGUMENT...
//!
//! SPIRV is a module, SCHEDULE a schedule as JSON, each ARGUMENT the file with the bytes of an argument, or `=N` for N bytes of 0. After the
//! run, file I of the folder OUT has the bytes of argument I. The program prints the device, the status, and what the validation
//! layer says; it fails if there is any such message.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool of its own

use spec_runtime::schedule::{Schedule, ScheduleError};
use spec_runtime::vulkan::{Buffer, Gpu, Log, Options, VulkanError};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: gpu [OPTION...] SPIRV SCHEDULE OUT ARGUMENT...
  --device NAME      part of the device's name
  --validate         with the validation layer
  --library PATH     the Vulkan loader
  --constants FILE   the schedule's constants
  --runs N           run N times and print the median
  --timeout SECONDS  for one run";

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}\n{USAGE}")]
    Usage(String),
    #[error("{}: {source}", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
    #[error("{0} messages of the validation layer")]
    Messages(usize),
}

/// What the command line asks for.
struct Request {
    options: Options,
    constants: Option<PathBuf>,
    runs: usize,
    spirv: PathBuf,
    schedule: PathBuf,
    out: PathBuf,
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    match request().and_then(|r| run(&r)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gpu: error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn request() -> Result<Request, Error> {
    let mut options = Options::default();
    let (mut constants, mut runs) = (None, 1);
    let mut words = std::env::args().skip(1);
    let mut plain = vec![];
    while let Some(word) = words.next() {
        if !word.starts_with("--") {
            plain.push(word);
            continue;
        }
        if word == "--validate" {
            options.validation = true;
            continue;
        }
        let value = words.next();
        let value = value.ok_or_else(|| Error::Usage(format!("{word} needs a value")))?;
        match word.as_str() {
            "--device" => options.device = Some(value),
            "--library" => options.library = Some(value.into()),
            "--constants" => constants = Some(value.into()),
            "--runs" => runs = number(&value)?,
            "--timeout" => options.timeout = Duration::from_secs(number(&value)? as u64),
            _ => return Err(Error::Usage(format!("{word} is unknown"))),
        }
    }
    let mut plain = plain.into_iter();
    let (Some(spirv), Some(schedule), Some(out)) = (plain.next(), plain.next(), plain.next())
    else {
        return Err(Error::Usage("files are missing".to_owned()));
    };
    Ok(Request {
        options,
        constants,
        runs,
        spirv: spirv.into(),
        schedule: schedule.into(),
        out: out.into(),
        arguments: plain.collect(),
    })
}

fn number(text: &str) -> Result<usize, Error> {
    let wrong = |_| Error::Usage(format!("{text:?} is not a number"));
    text.parse().map_err(wrong)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })
}

fn run(request: &Request) -> Result<(), Error> {
    let text = read(&request.schedule)?;
    let schedule = Schedule::from_json(&String::from_utf8_lossy(&text))?;
    let spirv = read(&request.spirv)?;
    let constants = request.constants.as_deref().map(read).transpose()?;
    let gpu = Gpu::open(&request.options)?;
    println!("device: {}", gpu.name());
    let log = gpu.log();
    let program = gpu.program(&spirv, &schedule, &constants.unwrap_or_default())?;
    let buffers = request.arguments.iter().map(|a| argument(&gpu, a));
    let buffers: Vec<Buffer> = buffers.collect::<Result<_, _>>()?;
    let mut recorded = program.bind(&buffers.iter().collect::<Vec<_>>())?;
    let mut times = vec![];
    for _ in 0..request.runs.max(1) {
        let start = Instant::now();
        let status = recorded.run()?;
        times.push(start.elapsed());
        if times.len() == 1 {
            println!("status: {status:?}");
        }
    }
    times.sort();
    if request.runs > 1 {
        let median = times[times.len() / 2].as_secs_f64() * 1e3;
        println!("median: {median:.3} ms");
    }
    write(&request.out, &buffers)?;
    drop((recorded, program, buffers, gpu));
    report(&log)
}

fn argument(gpu: &Gpu, text: &str) -> Result<Buffer, Error> {
    if let Some(bytes) = text.strip_prefix('=') {
        return Ok(gpu.buffer(number(bytes)? as u64)?);
    }
    let bytes = read(Path::new(text))?;
    let mut buffer = gpu.buffer(bytes.len() as u64)?;
    buffer.as_mut_slice().copy_from_slice(&bytes);
    Ok(buffer)
}

fn write(out: &Path, buffers: &[Buffer]) -> Result<(), Error> {
    for (i, buffer) in buffers.iter().enumerate() {
        let path = out.join(i.to_string());
        std::fs::write(&path, &*buffer.as_slice())
            .map_err(|source| Error::File { path, source })?;
    }
    Ok(())
}

/// All is gone by now: what the layer says about the end is in the log too.
fn report(log: &Log) -> Result<(), Error> {
    let messages = log.take();
    for message in &messages {
        eprintln!("validation: {message}");
    }
    match messages.len() {
        0 => Ok(()),
        n => Err(Error::Messages(n)),
    }
}
