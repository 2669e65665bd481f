//! Generators, made when they are needed, and what one of them gave.

use crate::bench::{Bundle, Configuration, Encoded, Kind, Mode, Run};
use crate::error::BenchError;
use spec_runtime::generate::{Drafting, GenerateError, Generator, Settings};
use spec_runtime::stats::RoundStats;
use std::collections::BTreeMap;

/// What one run gave.
pub(crate) struct Decoded {
    pub(crate) tokens: Vec<u32>,
    pub(crate) run: Run,
    pub(crate) rounds: Vec<RoundStats>,
}

/// What a prompt is decoded with.
pub(crate) fn settings(
    prompt: &Encoded,
    bundle: usize,
    mode: &Mode,
    drafting: Drafting,
    kind: Kind,
) -> Settings {
    Settings {
        max_tokens: mode.max_tokens,
        stop: prompt.stop.get(bundle).cloned().unwrap_or_default(),
        sampling: mode.sampling,
        drafting,
        schedule: kind.schedule(),
        seed: mode.seed,
    }
}

/// The whole answer.
pub(crate) fn generate(
    generator: &mut Generator,
    prompt: &[u32],
    settings: &Settings,
) -> Result<Vec<u32>, GenerateError> {
    generator.start(prompt, settings)?;
    let mut tokens = vec![];
    loop {
        let step = generator.round()?;
        tokens.extend_from_slice(step.tokens);
        if step.finished.is_some() {
            return Ok(tokens);
        }
    }
}

/// One generator a bundle and schedule, made when first used; and another where lengths are chosen in the run, as it keeps what it
/// learned from answer to answer.
#[derive(Default)]
pub(crate) struct Generators(BTreeMap<(usize, Kind, bool), Generator>);

impl Generators {
    /// Decodes a prompt under the configuration with this index.
    pub(crate) fn decode(
        &mut self,
        bundles: &[Bundle],
        configurations: &[Configuration],
        index: usize,
        prompt: &Encoded,
        mode: &Mode,
    ) -> Result<Decoded, BenchError> {
        let inner = || BenchError::Usage(format!("there is no configuration {index}"));
        let configuration = configurations.get(index).ok_or_else(inner)?;
        let (number, kind) = (configuration.bundle, configuration.schedule);
        let bundle = bundles.get(number).ok_or_else(inner)?;
        let generator = match self.0.entry((number, kind, configuration.auto)) {
            std::collections::btree_map::Entry::Occupied(e) => e.into_mut(),
            std::collections::btree_map::Entry::Vacant(e) => {
                e.insert((bundle.make)(kind.schedule())?)
            }
        };
        let drafting = match configuration.auto {
            true => bundle.auto.clone(),
            false => Drafting::Fixed(configuration.draft_length),
        };
        let settings = settings(prompt, number, mode, drafting, kind);
        let input = prompt.tokens.get(number).map_or(&[][..], Vec::as_slice);
        let tokens = generate(generator, input, &settings);
        let tokens = tokens.map_err(|source| BenchError::Generate {
            bundle: bundle.label.clone(),
            prompt: prompt.id.clone(),
            source,
        })?;
        let stats = generator.stats();
        let sum = &stats.sum;
        let parts = [sum.draft, sum.verify, sum.handoff, sum.sampling];
        Ok(Decoded {
            run: Run {
                configuration: index,
                prompt_tokens: stats.prompt_tokens,
                tokens: stats.tokens,
                seconds: stats.decode.as_secs_f64(),
                rounds: stats.round_count,
                drafted: sum.drafted,
                accepted: sum.accepted,
                parts: parts.map(|d| d.as_secs_f64()),
                lengths: match configuration.auto {
                    true => stats.rounds_by_length().to_vec(),
                    false => vec![],
                },
                ..Run::default()
            },
            rounds: stats.rounds.clone(),
            tokens,
        })
    }
}
