//! Feeds tokens to a model of a bundle with weights and prints the best next tokens: logits [OPTION...] FOLDER TOKEN...
//!
//! All tokens are fed in calls of N (`--at-once N`, default: all), from position 0 on, by each of `--sessions` threads. With `--out FILE`
//! the logits of all tokens are written there, f32 in the machine's byte order. With `--validate` it fails if the validation layer
//! of Vulkan says anything.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool of its own

use spec_runtime::forward::{CallTime, Forward, ForwardError};
use spec_runtime::manifest::Role;
use spec_runtime::model::{LoadError, LoadOptions, Loaded, VulkanOptions};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

const USAGE: &str = "usage: logits [OPTION...] FOLDER TOKEN...
  --drafter          the drafter, not the target
  --at-once N        tokens fed at once
  --sessions N       so many at the same time, which must agree
  --threads N        threads on a CPU
  --map              map the weights
  --out FILE         where to write all logits
  --device NAME      part of the GPU's name
  --validate         with the validation layer of Vulkan
  --no-import        copy weights to the GPU
  --staging          as on a card with memory of its own";

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}\n{USAGE}")]
    Usage(String),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("{0}{reason}", reason = std::error::Error::source(.0).map_or_else(String::new, |e| format!(": {e}")))]
    Forward(#[from] ForwardError),
    #[error("{}: {source}", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("sessions do not agree")]
    Sessions,
    #[error("{} messages of the validation layer: {}", .0.len(), .0.join("\n"))]
    Messages(Vec<String>),
}

struct Request {
    role: Role,
    at_once: usize,
    sessions: usize,
    options: LoadOptions,
    out: Option<PathBuf>,
    folder: PathBuf,
    tokens: Vec<u32>,
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, Error> {
    let wrong = |_| Error::Usage(format!("{text:?} is not a number"));
    text.parse().map_err(wrong)
}

fn request() -> Result<Request, Error> {
    let mut vulkan = VulkanOptions::default();
    let mut made = Request {
        role: Role::Target,
        at_once: usize::MAX,
        sessions: 1,
        options: LoadOptions::default(),
        out: None,
        folder: PathBuf::new(),
        tokens: vec![],
    };
    let mut words = std::env::args().skip(1);
    let mut plain = vec![];
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or_else(|| Error::Usage(format!("{word} needs a value")))
        };
        match word.as_str() {
            "--drafter" => made.role = Role::Drafter,
            "--at-once" => made.at_once = number(&value()?)?,
            "--sessions" => made.sessions = number(&value()?)?,
            "--threads" => made.options.threads = Some(number(&value()?)?),
            "--map" => made.options.huge_pages = false,
            "--out" => made.out = Some(value()?.into()),
            "--device" => vulkan.device = Some(value()?),
            "--validate" => vulkan.validation = true,
            "--no-import" => vulkan.import = false,
            "--staging" => vulkan.staging = true,
            _ if word.starts_with("--") => return Err(Error::Usage(format!("{word} is unknown"))),
            _ => plain.push(word),
        }
    }
    made.options.vulkan = Some(vulkan);
    let mut plain = plain.into_iter();
    let folder = plain.next();
    made.folder = folder
        .ok_or_else(|| Error::Usage("no folder".to_owned()))?
        .into();
    made.tokens = plain.map(|t| number(&t)).collect::<Result<_, _>>()?;
    Ok(made)
}

fn session(request: &Request, mut model: Box<dyn Forward>) -> Result<(Vec<f32>, CallTime), Error> {
    let mut all = vec![];
    let mut time = CallTime::default();
    let mut logits = vec![];
    for (at, tokens) in request.tokens.chunks(request.at_once.max(1)).enumerate() {
        let position = at * request.at_once;
        time += model.forward(tokens, position, tokens.len(), &mut logits)?;
        all.extend_from_slice(&logits);
    }
    Ok((all, time))
}

fn run(request: &Request) -> Result<(), Error> {
    let loaded = Loaded::open(&request.folder, &request.options)?;
    let device = loaded.device(request.role).unwrap_or_default();
    println!(
        "device: {device}, {} cores, widths {:?}, context {}, vocabulary {}",
        loaded.cores(request.role),
        loaded.widths(request.role),
        loaded.context(),
        loaded.vocabulary()
    );
    let instances = (0..request.sessions.max(1)).map(|_| loaded.instance(request.role, None));
    let instances: Vec<_> = instances.collect::<Result<_, _>>()?;
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = instances
            .into_iter()
            .map(|m| scope.spawn(|| session(request, m)))
            .collect();
        threads.into_iter().filter_map(|t| t.join().ok()).collect()
    });
    let results: Vec<_> = results.into_iter().collect::<Result<_, _>>()?;
    let Some((logits, time)) = results.first() else {
        return Err(Error::Sessions);
    };
    if results.len() != request.sessions.max(1) || results.iter().any(|(l, _)| l != logits) {
        return Err(Error::Sessions);
    }
    if let Some(last) = logits.chunks(loaded.vocabulary().max(1)).last() {
        let mut order: Vec<usize> = (0..last.len()).collect();
        order.sort_by(|a, b| last[*b].total_cmp(&last[*a]));
        for token in order.into_iter().take(5) {
            println!("token {token}: {}", last[token]);
        }
    }
    println!("run {:?}, hand-off {:?}", time.run, time.handoff);
    if let Some(path) = &request.out {
        let bytes: Vec<u8> = logits.iter().flat_map(|l| l.to_ne_bytes()).collect();
        write(path, &bytes)?;
    }
    let messages = messages(loaded);
    if messages.is_empty() {
        Ok(())
    } else {
        Err(Error::Messages(messages))
    }
}

#[cfg(feature = "vulkan")]
fn messages(loaded: Arc<Loaded>) -> Vec<String> {
    let log = loaded.vulkan_log();
    drop(loaded); // what is said about the end is in the log too
    log.map_or_else(Vec::new, |l| l.take())
}

#[cfg(not(feature = "vulkan"))]
fn messages(_: Arc<Loaded>) -> Vec<String> {
    vec![]
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })
}

fn main() -> ExitCode {
    match request().and_then(|r| run(&r)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("logits: error: {error}");
            ExitCode::FAILURE
        }
    }
}
