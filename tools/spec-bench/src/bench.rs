//! Runs prompts under all configurations, in turns.

use crate::acceptance::Rounds;
use crate::args::Lengths;
use crate::error::BenchError;
use crate::generators::Generators;
use serde::{Deserialize, Serialize};
use spec_cost::Strategy;
use spec_profile::statistics::order;
use spec_runtime::forward::Forward;
use spec_runtime::generate::{Drafting, Generator, Schedule};
use spec_runtime::sampling::Sampling;
use spec_runtime::stats::{Lane, RoundStats};
use std::collections::BTreeMap;

/// A bundle, as far as running it goes.
pub(crate) struct Bundle {
    /// What it is called in results.
    pub(crate) label: String,
    /// Whether there is a drafter.
    pub(crate) drafter: bool,
    /// How draft lengths are chosen in the run, where they are.
    pub(crate) auto: Drafting,
    /// Makes a generator whose models are made for a schedule.
    pub(crate) make: Box<dyn Fn(Schedule) -> Result<Generator, BenchError>>,
    /// Makes the drafter by itself.
    pub(crate) draft: Box<dyn Fn() -> Result<Box<dyn Forward>, BenchError>>,
}

/// One way to decode.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Configuration {
    /// Index of the bundle.
    pub(crate) bundle: usize,
    /// `sequential` or `overlapped`; of plain decoding `sequential`.
    pub(crate) schedule: Kind,
    /// Drafts of a round; 0: plain decoding. The most that there may be where the length is chosen in the run.
    pub(crate) draft_length: usize,
    /// Whether the length is chosen in the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) auto: bool,
}

impl Configuration {
    /// Whether every round has the same number of drafts, above 0.
    pub(crate) const fn drafts_alike(&self) -> bool {
        self.draft_length > 0 && !self.auto
    }

    /// The draft length as text.
    pub(crate) fn length(&self) -> String {
        match self.auto {
            true => "auto".to_owned(),
            false => self.draft_length.to_string(),
        }
    }
}

/// A schedule, by the cost model's name.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

    /// The runtime's.
    pub(crate) const fn schedule(self) -> Schedule {
        match self {
            Self::Sequential => Schedule::Sequential,
            Self::Overlapped => Schedule::Overlapped,
        }
    }
}

/// All configurations: plain decoding once a bundle, and each schedule with each draft length above 0, and with lengths chosen in the
/// run if that is asked for.
pub(crate) fn configurations(
    bundles: &[Bundle],
    draft_lengths: &Lengths,
    schedules: &[Kind],
) -> Vec<Configuration> {
    let mut all = vec![];
    for (bundle, b) in bundles.iter().enumerate() {
        all.push(Configuration {
            bundle,
            schedule: Kind::Sequential,
            draft_length: 0,
            auto: false,
        });
        if !b.drafter {
            continue;
        }
        for schedule in schedules.iter().copied() {
            let fixed = draft_lengths.fixed.iter().copied().filter(|g| *g > 0);
            let most = match &b.auto {
                Drafting::Goodput(goodput) => Some(goodput.max),
                _ => None,
            };
            let chosen = most.filter(|_| draft_lengths.auto);
            let lengths = fixed.map(|g| (g, false)).chain(chosen.map(|g| (g, true)));
            all.extend(lengths.map(|(draft_length, auto)| Configuration {
                bundle,
                schedule,
                draft_length,
                auto,
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
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Busy {
    /// `drafter`, `target` or `host`.
    pub(crate) lane: String,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

/// A few rounds in a row.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub(crate) struct TimeLine {
    /// Begin, end, drafts and accepted drafts of each round.
    pub(crate) rounds: Vec<(f64, f64, usize, usize)>,
    pub(crate) spans: Vec<Busy>,
}

/// One prompt under one configuration.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
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
    /// Rounds by the number of their drafts, from 0 on, where lengths are chosen in the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) lengths: Vec<u64>,
    /// Whether the tokens are those of plain decoding; of greedy decoding only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) same_as_plain: Option<bool>,
}

/// What all runs gave.
#[derive(Default)]
pub(crate) struct Runs {
    pub(crate) runs: Vec<Run>,
    /// Rounds by configuration, task and prompt, where every round has the same number of drafts.
    pub(crate) rounds: BTreeMap<(usize, String, String), Rounds>,
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
    if configuration.drafts_alike() {
        let key = (run.configuration, run.task.clone(), run.prompt.clone());
        let length = configuration.draft_length;
        let table = all.rounds.entry(key).or_insert_with(|| Rounds::new(length));
        for round in rounds {
            table.add(round);
        }
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
                }
                .to_owned(),
                from: span.from.as_secs_f64() - start,
                to: span.to.as_secs_f64() - start,
            });
        }
    }
    line
}
