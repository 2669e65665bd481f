//! Generates tokens with a bundle: generate BUNDLE PROMPT TOKENS DRAFT_LENGTH [overlapped]
//!
//! PROMPT is token ids, separated by commas. The program prints the ids of up to TOKENS new tokens, chosen greedily, on one line, and the
//! tokens a round on standard error. BUNDLE has been filled by spec-weights. The whole of a runtime without text: small enough to build for any board.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool of its own

use spec_runtime::generate::{Drafting, GenerateError, Generator, Schedule, Settings};
use spec_runtime::manifest::Role;
use spec_runtime::model::{InstanceOptions, LoadError, LoadOptions, Loaded};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: generate BUNDLE PROMPT TOKENS DRAFT_LENGTH [overlapped]";

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{USAGE}")]
    Usage,
    #[error("{0:?} is not a number")]
    Number(String),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Generate(#[from] GenerateError),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: error: {error}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, Error> {
    let wrong = |_| Error::Number(text.to_owned());
    text.trim().parse().map_err(wrong)
}

fn run() -> Result<(), Error> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (bundle, prompt, tokens, length, schedule) = match &words[..] {
        [bundle, prompt, tokens, length] => (bundle, prompt, tokens, length, Schedule::Sequential),
        [bundle, prompt, tokens, length, last] if last == "overlapped" => {
            (bundle, prompt, tokens, length, Schedule::Overlapped)
        }
        _ => return Err(Error::Usage),
    };
    let prompt: Vec<u32> = prompt.split(',').map(number).collect::<Result<_, _>>()?;
    let settings = Settings {
        max_tokens: number(tokens)?,
        drafting: Drafting::Fixed(number(length)?),
        schedule,
        ..Settings::default()
    };
    let loaded = Loaded::open(Path::new(bundle), &LoadOptions::default())?;
    let target = loaded.instance(Role::Target, None)?;
    let drafter = match loaded.has_drafter() && settings.drafting != Drafting::Fixed(0) {
        true => {
            let options = InstanceOptions {
                apart: schedule == Schedule::Overlapped,
                ..InstanceOptions::default()
            };
            Some(loaded.instance_with(Role::Drafter, &options)?)
        }
        false => None,
    };
    let mut generator = Generator::new(target, drafter)?;
    generator.start(&prompt, &settings)?;
    let mut ids: Vec<String> = vec![];
    loop {
        let step = generator.round()?;
        ids.extend(step.tokens.iter().map(u32::to_string));
        if step.finished.is_some() {
            break;
        }
    }
    println!("{}", ids.join(","));
    eprintln!("{:.3} tokens a round", generator.stats().tokens_per_round());
    Ok(())
}
