//! One generation: rounds until the end, or until someone stops it, with what it cost.

use crate::error::RunError;
use crate::meter::Meter;
use crate::times::Times;
use spec_runtime::draft_length::goodput::Learned;
use spec_runtime::generate::{Finish, Generator, Settings};
use spec_runtime::stats::{RoundStats, Stats};

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Finished(Finish),
    /// By Ctrl-C.
    Interrupted,
    /// Nobody reads the output any more.
    Closed,
}

/// A generation and what it cost.
#[derive(Debug)]
pub struct Run {
    /// The generated tokens, a stop token included.
    pub tokens: Vec<u32>,
    /// Why it ended.
    pub ended: Ended,
    /// What the runtime measured.
    pub stats: Stats,
    /// Where the time of the rounds went.
    pub times: Times,
    /// Energy of the rounds and of what is done between them; None: there is no meter.
    pub joules: Option<f64>,
    /// What was learned of draft lengths, if they were chosen in the run.
    pub learned: Option<Learned>,
}

/// Who takes part in a generation.
pub struct Watch<'a> {
    /// Takes the tokens of each round; false: nobody reads them any more.
    pub sink: &'a mut dyn FnMut(&[u32]) -> Result<bool, RunError>,
    /// Whether to end after the current round.
    pub interrupted: &'a dyn Fn() -> bool,
    /// Measures energy.
    pub meter: Option<&'a Meter>,
    /// Keeps all rounds.
    pub trace: Option<&'a mut Vec<RoundStats>>,
}

/// Generates.
///
/// # Errors
/// A model fails, or the output cannot be written.
pub fn generate(
    generator: &mut Generator,
    prompt: &[u32],
    settings: &Settings,
    mut watch: Watch,
) -> Result<Run, RunError> {
    generator.start(prompt, settings)?;
    let before = watch.meter.and_then(Meter::read);
    let (mut tokens, mut times) = (vec![], Times::default());
    let ended = loop {
        if (watch.interrupted)() {
            break Ended::Interrupted;
        }
        let step = generator.round()?;
        let (from, finished) = (tokens.len(), step.finished);
        tokens.extend_from_slice(step.tokens);
        let new = tokens.len() > from;
        if let Some(round) = generator.stats().rounds.last().filter(|_| new) {
            times.add(round);
            if let Some(trace) = &mut watch.trace {
                trace.push(round.clone());
            }
        }
        if !(watch.sink)(tokens.get(from..).unwrap_or_default())? {
            break Ended::Closed;
        }
        if let Some(finish) = finished {
            break Ended::Finished(finish);
        }
    };
    let joules = watch
        .meter
        .zip(before)
        .and_then(|(meter, before)| meter.since(&before));
    let stats = generator.stats().clone();
    Ok(Run {
        tokens,
        ended,
        stats,
        times,
        joules,
        learned: generator.learned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::{generator, settings};
    use std::cell::Cell;

    fn run(
        max_tokens: usize,
        drafts: usize,
        stop_after: usize,
        closed_after: usize,
    ) -> (Run, Vec<RoundStats>) {
        let (mut generator, rounds) = (generator(true), Cell::new(0));
        let mut trace = vec![];
        let mut seen = 0;
        let mut sink = |new: &[u32]| {
            seen += new.len();
            rounds.set(rounds.get() + 1);
            Ok(rounds.get() < closed_after)
        };
        let watch = Watch {
            sink: &mut sink,
            interrupted: &|| rounds.get() >= stop_after,
            meter: None,
            trace: Some(&mut trace),
        };
        let run = generate(
            &mut generator,
            &[1, 2, 3],
            &settings(max_tokens, drafts),
            watch,
        )
        .unwrap();
        assert_eq!(seen, run.tokens.len(), "the sink sees every token");
        (run, trace)
    }

    #[test]
    fn rounds_are_counted_and_their_parts_are_the_whole() {
        let (run, trace) = run(40, 3, usize::MAX, usize::MAX);
        assert_eq!(run.ended, Ended::Finished(Finish::MaxTokens));
        assert_eq!((run.tokens.len(), run.stats.tokens), (40, 40));
        assert_eq!(trace.len(), run.stats.round_count);
        assert!(trace.len() < 40, "some drafts stand");
        assert_eq!(run.times.total, run.stats.decode);
        assert_eq!(run.times.sum(), run.times.total);
        assert!(!run.times.verify.is_zero() && !run.times.draft.is_zero());
    }

    #[test]
    fn it_can_be_stopped_between_rounds() {
        let (run, trace) = self::run(40, 3, 2, usize::MAX);
        assert_eq!((run.ended, trace.len()), (Ended::Interrupted, 2));
        assert!(!run.tokens.is_empty() && run.tokens.len() < 40);
        let (run, trace) = self::run(40, 3, usize::MAX, 3);
        assert_eq!((run.ended, trace.len()), (Ended::Closed, 3));
    }

    #[test]
    fn no_tokens_are_fine() {
        let (run, trace) = run(0, 3, usize::MAX, usize::MAX);
        assert_eq!(run.ended, Ended::Finished(Finish::MaxTokens));
        assert_eq!((run.tokens.len(), trace.len(), run.joules), (0, 0, None));
    }
}
