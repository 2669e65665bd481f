//! Runs prompts under all configurations, in turns.

use crate::acceptance::Rounds;
use crate::error::BenchError;
use serde::Serialize;
use spec_cost::Strategy;
use spec_profile::statistics::order;
use spec_runtime::generate::{Drafting, Generator, Schedule, Settings};
use spec_runtime::sampling::Sampling;
use spec_runtime::stats::{Lane, RoundStats};
use std::collections::BTreeMap;

/// A bundle, as far as running it goes.
pub(crate) struct Bundle {
    /// What it is called in results.
    pub(crate) label: String,
    /// Whether there is a drafter.
    pub(crate) drafter: bool,
    /// Makes a generator whose models are made for a schedule.
    pub(crate) make: Box<dyn Fn(Schedule) -> Result<Generator, BenchError>>,
}

/// One way to decode.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Configuration {
    /// Index of the bundle.
    pub(crate) bundle: usize,
    /// `sequential` or `overlapped`; of plain decoding `sequential`.
    pub(crate) schedule: Kind,
    /// Drafts of a round; 0: plain decoding.
    pub(crate) draft_length: usize,
}

/// A schedule, by the cost model's name.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Sequential,
    Overlapped,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Overlapped => "overlapped",
        }
    }

    /// The cost model's.
    pub(crate) const fn strategy(self) -> Strategy {
        match self {
            Self::Sequential => Strategy::Sequential,
            Self::Overlapped => Strategy::Overlapped,
        }
    }

    const fn schedule(self) -> Schedule {
        match self {
            Self::Sequential => Schedule::Sequential,
            Self::Overlapped => Schedule::Overlapped,
        }
    }
}

/// All configurations: plain decoding once a bundle, and each schedule with each draft length above 0.
pub(crate) fn configurations(
    bundles: &[Bundle],
    draft_lengths: &[usize],
    schedules: &[Kind],
) -> Vec<Configuration> {
    let mut all = vec![];
    for (bundle, b) in bundles.iter().enumerate() {
        all.push(Configuration {
            bundle,
            schedule: Kind::Sequential,
            draft_length: 0,
        });
        if !b.drafter {
            continue;
        }
        for schedule in schedules.iter().copied() {
            let lengths = draft_lengths.iter().copied().filter(|g| *g > 0);
            all.extend(lengths.map(|draft_length| Configuration {
                bundle,
                schedule,
                draft_length,
            }));
        }
    }
    all.sort();
    all.dedup();
    all
}

/// A prompt, encoded for each bundle.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub(crate) id: String,
    pub(crate) task: String,
    /// By bundle.
    pub(crate) tokens: Vec<Vec<u32>>,
    /// By bundle: tokens that end an answer.
    pub(crate) stop: Vec<Vec<u32>>,
}

/// How to generate.
#[derive(Clone, Debug)]
pub(crate) struct Mode {
    pub(crate) max_tokens: usize,
    pub(crate) sampling: Sampling,
    pub(crate) seed: u64,
    pub(crate) repeats: usize,
}

/// One lane of a time line, seconds since the start of its first round.
#[derive(Serialize, Clone, Copy, Debug, PartialEq)]
pub(crate) struct Busy {
    pub(crate) lane: &'static str,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

/// A few rounds in a row.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
pub(crate) struct TimeLine {
    /// Begin, end, drafts and accepted drafts of each round.
    pub(crate) rounds: Vec<(f64, f64, usize, usize)>,
    pub(crate) spans: Vec<Busy>,
}

/// One prompt under one configuration.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub(crate) struct Run {
    /// Index of the configuration.
    pub(crate) configuration: usize,
    pub(crate) prompt: String,
    pub(crate) task: String,
    pub(crate) repeat: usize,
    pub(crate) prompt_tokens: usize,
    /// Tokens generated.
    pub(crate) tokens: usize,
    /// Seconds of decoding, prompt aside.
    pub(crate) seconds: f64,
    pub(crate) rounds: usize,
    pub(crate) drafted: usize,
    pub(crate) accepted: usize,
    /// Seconds of the parts of all rounds: drafting, verification, hand-off, sampling.
    pub(crate) parts: [f64; 4],
    /// Whether the tokens are those of plain decoding; of greedy decoding only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) same_as_plain: Option<bool>,
}

/// What all runs gave.
#[derive(Default)]
pub(crate) struct Runs {
    pub(crate) runs: Vec<Run>,
    /// Rounds by configuration and task.
    pub(crate) rounds: BTreeMap<(usize, String), Rounds>,
    /// A few rounds of each configuration that drafts.
    pub(crate) time_lines: BTreeMap<usize, TimeLine>,
}

/// Rounds that a time line shows.
const SHOWN: usize = 4;

/// Runs every prompt under every configuration, `repeats` times. The order of the configurations moves on from prompt to prompt. One
/// run of each generator before the first is not counted. `tick` is told each run.
pub(crate) fn run(
    bundles: &[Bundle],
    configurations: &[Configuration],
    prompts: &[Encoded],
    mode: &Mode,
    mut tick: impl FnMut(&Run),
) -> Result<Runs, BenchError> {
    let mut generators = Generators::default();
    if let Some(prompt) = prompts.first() {
        for (index, _) in configurations.iter().enumerate() {
            let warm_up = Mode {
                max_tokens: mode.max_tokens.min(8),
                ..mode.clone()
            };
            generators.decode(bundles, configurations, index, prompt, &warm_up)?;
        }
    }
    let mut all = Runs::default();
    let mut turn = 0;
    for repeat in 0..mode.repeats.max(1) {
        for prompt in prompts {
            let mut plain: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
            let mut made = vec![];
            for index in order(configurations.len(), turn) {
                let decoded = generators.decode(bundles, configurations, index, prompt, mode)?;
                let Some(configuration) = configurations.get(index) else {
                    continue;
                };
                if configuration.draft_length == 0 {
                    plain.insert(configuration.bundle, decoded.tokens.clone());
                }
                made.push((index, configuration, decoded));
            }
            turn += 1;
            for (index, configuration, decoded) in made {
                let reference = plain.get(&configuration.bundle);
                let greedy = mode.sampling.is_greedy() && configuration.draft_length > 0;
                let reference = reference.filter(|_| greedy);
                let run = Run {
                    configuration: index,
                    prompt: prompt.id.clone(),
                    task: prompt.task.clone(),
                    repeat,
                    same_as_plain: reference.map(|r| *r == decoded.tokens),
                    ..decoded.run
                };
                tick(&run);
                note(&mut all, configuration, &run, &decoded.rounds);
                all.runs.push(run);
            }
        }
    }
    Ok(all)
}

/// Keeps what the rounds of a run say about acceptance, and a time line.
fn note(all: &mut Runs, configuration: &Configuration, run: &Run, rounds: &[RoundStats]) {
    if configuration.draft_length == 0 {
        return;
    }
    let key = (run.configuration, run.task.clone());
    let length = configuration.draft_length;
    let table = all.rounds.entry(key).or_insert_with(|| Rounds::new(length));
    for round in rounds {
        table.add(round);
    }
    // of a later run with enough rounds: the first ones may still warm up
    if rounds.len() >= 2 * SHOWN {
        let middle = rounds.len() / 2;
        if let Some(some) = rounds.get(middle..middle + SHOWN) {
            all.time_lines.insert(run.configuration, time_line(some));
        }
    }
}

fn time_line(rounds: &[RoundStats]) -> TimeLine {
    let Some(start) = rounds.first().map(|r| r.start.as_secs_f64()) else {
        return TimeLine::default();
    };
    let mut line = TimeLine::default();
    for round in rounds {
        let from = round.start.as_secs_f64() - start;
        let to = from + round.total.as_secs_f64();
        line.rounds.push((from, to, round.drafted, round.accepted));
        for span in &round.spans {
            line.spans.push(Busy {
                lane: match span.lane {
                    Lane::Drafter => "drafter",
                    Lane::Target => "target",
                    Lane::Host => "host",
                },
                from: span.from.as_secs_f64() - start,
                to: span.to.as_secs_f64() - start,
            });
        }
    }
    line
}

/// What one run gave.
struct Decoded {
    tokens: Vec<u32>,
    run: Run,
    rounds: Vec<RoundStats>,
}

/// One generator a bundle and schedule, made when first used.
#[derive(Default)]
struct Generators(BTreeMap<(usize, Kind), Generator>);

impl Generators {
    fn decode(
        &mut self,
        bundles: &[Bundle],
        configurations: &[Configuration],
        index: usize,
        prompt: &Encoded,
        mode: &Mode,
    ) -> Result<Decoded, BenchError> {
        let inner = || BenchError::Usage(format!("there is no configuration {index}"));
        let configuration = configurations.get(index).ok_or_else(inner)?;
        let number = configuration.bundle;
        let bundle = bundles.get(number).ok_or_else(inner)?;
        let generator = match self.0.entry((number, configuration.schedule)) {
            std::collections::btree_map::Entry::Occupied(e) => e.into_mut(),
            std::collections::btree_map::Entry::Vacant(e) => {
                e.insert((bundle.make)(configuration.schedule.schedule())?)
            }
        };
        let failed = |source| BenchError::Generate {
            bundle: bundle.label.clone(),
            prompt: prompt.id.clone(),
            source,
        };
        let settings = Settings {
            max_tokens: mode.max_tokens,
            stop: prompt.stop.get(number).cloned().unwrap_or_default(),
            sampling: mode.sampling,
            drafting: Drafting::Fixed(configuration.draft_length),
            schedule: configuration.schedule.schedule(),
            seed: mode.seed,
        };
        let input = prompt.tokens.get(number).map_or(&[][..], Vec::as_slice);
        generator.start(input, &settings).map_err(failed)?;
        let mut tokens = vec![];
        loop {
            let step = generator.round().map_err(failed)?;
            tokens.extend_from_slice(step.tokens);
            if step.finished.is_some() {
                break;
            }
        }
        let stats = generator.stats();
        let sum = &stats.sum;
        let parts = [sum.draft, sum.verify, sum.handoff, sum.sampling];
        Ok(Decoded {
            run: Run {
                configuration: index,
                prompt: String::new(),
                task: String::new(),
                repeat: 0,
                prompt_tokens: stats.prompt_tokens,
                tokens: stats.tokens,
                seconds: stats.decode.as_secs_f64(),
                rounds: stats.round_count,
                drafted: sum.drafted,
                accepted: sum.accepted,
                parts: parts.map(|d| d.as_secs_f64()),
                same_as_plain: None,
            },
            rounds: stats.rounds.clone(),
            tokens,
        })
    }
}
