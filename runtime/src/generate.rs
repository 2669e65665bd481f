//! Generation of one sequence: speculative rounds of a drafter and a target, or plain decoding, with the same output.
//!
//! A round drafts g tokens behind the sequence, and the target verifies them all in one call. Greedy rounds give exactly what the
//! target alone would give; random ones are distributed as its samples ([`crate::accept`]). Both models keep their caches by
//! position only: a rejected draft's row is written again before it is read.
//!
//! * *Sequential*: feeds the last token and the g drafts to the target, and gains up to g + 1 tokens. After a round in which all
//!   stood the drafter lacks the last of them: it is fed together with the next round's first token.
//! * *Overlapped*: while the target verifies g drafts, fed as the last token and g - 1 of them, the drafter drafts the next block
//!   behind them. If all stand, that block is the next round's, and the round gains g tokens; at a miss it is thrown away. Where the
//!   sequence must end, and nothing is left to draft ahead, the round is a sequential one.
//! * *Plain*, at draft length 0: one call a token. The drafter is not called; what it lacks is fed to it with its next first token.
//!
//! No draft goes past what may still be generated, so the last rounds may be shorter.

mod control;
mod decide;
mod drafter;
mod error;
mod home;
mod sequence;
mod settings;
mod verify;

pub use decide::{Asked, AskedLength, AskedSchedule, Decided, NeedsDrafter, Offer, decide};
pub use error::GenerateError;
pub use settings::{Drafting, Finish, Schedule, Settings};

use crate::draft_length::goodput::{Controller, Draft, Learned, Round};
use crate::forward::Forward;
use crate::sampling::{Distributions, Sampling};
use crate::stats::{RoundStats, Stats};
use control::{Control, Widths};
use drafter::{Drafter, Task};
use home::Home;
use sequence::Sequence;
use std::time::Instant;
use verify::{Question, Target, answer};

/// The vocabularies of a pair may differ by this many tokens: some families pad theirs, which nothing was trained on, with the size of
/// the model.
pub const VOCABULARY_DIFFERENCE: usize = 128;

/// The result of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// The round's tokens: at least one, unless the sequence was at its end before.
    pub tokens: &'a [u32],
    /// Set if these are the last.
    pub finished: Option<Finish>,
}

/// Generates sequences, one after the other, with a target and perhaps a drafter.
///
/// Memory is taken at the start of a sequence and in its first rounds; it does not grow with the sequence's length beyond
/// [`crate::stats::KEPT_ROUNDS`].
pub struct Generator {
    target: Target,
    drafter: Home,
    drafter_widths: Vec<usize>,
    /// What the last sequence that chose lengths by goodput learned.
    kept: Option<Box<Controller>>,
    context: usize,
    /// None before the first start and after an error.
    sequence: Option<Sequence>,
    /// Tasks that are not under way.
    spare: Vec<Task>,
    none: Distributions,
    stats: Stats,
}

impl Generator {
    /// Takes the models. Without a drafter only plain decoding is possible.
    ///
    /// # Errors
    /// [`GenerateError::Vocabulary`] if the vocabularies differ by more than [`VOCABULARY_DIFFERENCE`].
    pub fn new(
        target: Box<dyn Forward>,
        drafter: Option<Box<dyn Forward>>,
    ) -> Result<Self, GenerateError> {
        let mut context = target.context();
        let drafter_widths = drafter.as_ref().map_or(vec![], |d| d.widths().to_vec());
        if let Some(drafter) = &drafter {
            context = context.min(drafter.context());
            let (drafter, target) = (drafter.vocabulary(), target.vocabulary());
            if drafter.abs_diff(target) > VOCABULARY_DIFFERENCE {
                return Err(GenerateError::Vocabulary { drafter, target });
            }
        }
        Ok(Self {
            target: Target::new(target),
            drafter: drafter.map_or(Home::Empty, |d| Home::Here(Drafter::new(d))),
            drafter_widths,
            kept: None,
            context,
            sequence: None,
            spare: vec![],
            none: Distributions::default(),
            stats: Stats::default(),
        })
    }

    /// Rows of the smaller cache: prompt and generated tokens together are no more, with or without drafts.
    pub fn context(&self) -> usize {
        self.context
    }

    /// Begins a new sequence: feeds the prompt but for its last token to both models, at once if the schedule is overlapped. What was
    /// under way is given up. The caches are used again.
    ///
    /// # Errors
    /// Anything but [`GenerateError::Vocabulary`].
    pub fn start(&mut self, prompt: &[u32], settings: &Settings) -> Result<(), GenerateError> {
        let old = self.sequence.take().map(|old| {
            if let Control::Goodput(learned) = old.control {
                self.kept = Some(learned);
            }
            old.tokens
        });
        self.stats = Stats::default();
        settings
            .sampling
            .check()
            .map_err(|source| GenerateError::Sampling { role: None, source })?;
        sequence::check(prompt, self.context, self.target.model.vocabulary())?;
        let control = self.control(settings)?;
        let mut settings = settings.clone();
        if settings.sampling.is_greedy() {
            settings.sampling = Sampling::Greedy; // also if it is written as a temperature of 0
        }
        let drafts = control.begins_with_drafts();
        if control.drafts() {
            let overlapped = settings.schedule == Schedule::Overlapped;
            self.drafter.move_to_thread(overlapped)?;
        }
        let mut tokens = old.unwrap_or_default();
        tokens.clear();
        let most = prompt.len().saturating_add(settings.max_tokens);
        tokens.reserve(most.min(self.context));
        tokens.extend(prompt);
        let began = Instant::now();
        let finished = (settings.max_tokens == 0).then_some(Finish::MaxTokens);
        let mut sequence = Sequence {
            control,
            random: drafter::random(settings.seed, 0),
            settings,
            tokens,
            prompt: prompt.len(),
            cached: 0,
            tasks: 0,
            pending: None,
            began: None,
            finished,
        };
        if let Some((_, fed)) = prompt.split_last()
            && !fed.is_empty()
        {
            self.prefill(&mut sequence, fed, drafts, began)?;
        }
        self.stats.prompt_tokens = prompt.len();
        self.stats.prefill = began.elapsed();
        self.sequence = Some(sequence);
        Ok(())
    }

    fn control(&mut self, settings: &Settings) -> Result<Control, GenerateError> {
        let widths = Widths {
            target: self.target.model.widths(),
            drafter: &self.drafter_widths,
        };
        let (drafting, kept) = (&settings.drafting, &mut self.kept);
        let control = Control::new(drafting, settings.schedule, widths, kept)?;
        match control.drafts() && self.drafter.is_empty() {
            true => Err(GenerateError::NoDrafter),
            false => Ok(control),
        }
    }

    fn prefill(
        &mut self,
        sequence: &mut Sequence,
        fed: &[u32],
        drafts: bool,
        began: Instant,
    ) -> Result<(), GenerateError> {
        if !drafts {
            self.target.feed(fed)?;
            return Ok(());
        }
        let mut task = self.task(sequence, 0, None, began);
        task.feed.pop(); // the last token is fed with the first draft
        if sequence.settings.schedule == Schedule::Overlapped {
            self.drafter.begin(task)?;
            let target = self.target.feed(fed);
            let task = self.drafter.end();
            target?;
            self.spare.push(task?);
        } else {
            self.target.feed(fed)?;
            let task = self.drafter.run(task)?;
            self.spare.push(task);
        }
        sequence.cached = fed.len();
        Ok(())
    }

    /// Runs one round. After the last one: no tokens, and why the sequence ended.
    ///
    /// # Errors
    /// [`GenerateError::NotStarted`], [`GenerateError::Forward`], [`GenerateError::Sampling`], [`GenerateError::Panic`]. The tokens of
    /// earlier rounds stand; the sequence cannot go on.
    pub fn round(&mut self) -> Result<Step<'_>, GenerateError> {
        let mut sequence = self.sequence.take().ok_or(GenerateError::NotStarted)?;
        let before = sequence.tokens.len();
        if sequence.finished.is_none() {
            let began = *sequence.began.get_or_insert_with(Instant::now);
            let mut stats = RoundStats {
                start: began.elapsed(),
                ..RoundStats::default()
            };
            let mut round = self.run_round(&mut sequence, &mut stats, began)?;
            stats.emitted = sequence.tokens.len() - before;
            stats.spans.sort_by_key(|span| (span.lane, span.from));
            stats.total = began.elapsed().saturating_sub(stats.start);
            round.total = stats.total.as_secs_f64();
            sequence.control.observe(&round);
            self.stats.add(stats);
        }
        let sequence = self.sequence.insert(sequence);
        Ok(Step {
            tokens: sequence.tokens.get(before..).unwrap_or_default(),
            finished: sequence.finished,
        })
    }

    /// Of the sequence that was started last.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// What was learned of draft lengths in the sequence under way, or the last one, if it chooses them by goodput.
    pub fn learned(&self) -> Option<Learned> {
        match &self.sequence.as_ref()?.control {
            Control::Goodput(control) => Some(control.learned()),
            _ => None,
        }
    }

    /// Returns what was done, but for the time of all of it.
    fn run_round(
        &mut self,
        sequence: &mut Sequence,
        stats: &mut RoundStats,
        began: Instant,
    ) -> Result<Round, GenerateError> {
        let left = sequence.left(self.context);
        let lacks = sequence.tokens.len().saturating_sub(sequence.cached);
        let choice = sequence.control.choose(lacks, left - 1);
        let limit = choice.drafts;
        let mut round = Round::default();
        let block = match sequence.pending.take() {
            Some(block) => Some(block),
            None => match limit.min(left - 1) {
                0 => None,
                count => {
                    let task = self.task(sequence, count, None, began);
                    let block = self.drafter.run(task)?;
                    note(stats, &block);
                    round.alone = Some(block.calls);
                    Some(block)
                }
            },
        };
        if choice.feed > 0 && block.is_none() {
            let task = self.task(sequence, 0, None, began);
            round.alone = Some(self.feed(sequence, task, choice.feed, stats)?);
        }
        let drafts = block.as_ref().map_or(&[][..], |block| &block.drafts);
        // Of the tokens behind the block the last is the target's own.
        let ahead = match sequence.settings.schedule {
            Schedule::Overlapped if !choice.alone => {
                limit.min((left - drafts.len()).saturating_sub(1))
            }
            _ => 0,
        };
        let ahead = if drafts.is_empty() { 0 } else { ahead };
        if ahead > 0 {
            let task = self.task(sequence, ahead, Some(drafts), began);
            self.drafter.begin(task)?;
        }
        let position = sequence.tokens.len() - 1;
        let question = Question {
            last: sequence.tokens.last().copied().unwrap_or_default(),
            position,
            drafts,
            q: block.as_ref().map_or(&self.none, |block| &block.q),
            bonus: ahead == 0,
            sampling: sequence.settings.sampling,
        };
        let answer = answer(
            &mut self.target,
            &question,
            &mut sequence.random,
            stats,
            began,
        );
        let goes_on = answer.as_ref().is_ok_and(|(accepted, _)| {
            let mut stops = drafts.iter().filter(|t| sequence.settings.stop.contains(t));
            *accepted == drafts.len() && stops.next().is_none()
        });
        let next = (ahead > 0).then(|| {
            if !goes_on {
                self.drafter.cancel();
            }
            self.drafter.end()
        });
        let (accepted, verify) = answer?;
        let next = next.transpose()?;
        sequence.settle(drafts.len(), accepted, &self.target.tokens, self.context);
        (stats.drafted, stats.accepted) = (drafts.len(), accepted);
        (round.drafted, round.accepted) = (drafts.len(), accepted);
        (round.rows, round.verify) = (question.rows(), verify.as_secs_f64());
        if let Some(next) = next {
            note(stats, &next);
            round.beside = Some(next.calls);
            if goes_on {
                sequence.cached = sequence.tokens.len();
                sequence.pending = Some(next);
            } else {
                stats.discarded = next.drafts.len();
                self.spare.push(next);
            }
        }
        self.spare.extend(block);
        Ok(round)
    }

    /// Feeds the drafter with the first `tokens` of those that it lacks.
    fn feed(
        &mut self,
        sequence: &mut Sequence,
        mut task: Task,
        tokens: usize,
        stats: &mut RoundStats,
    ) -> Result<Draft, GenerateError> {
        task.feed.truncate(tokens);
        let task = self.drafter.run(task)?;
        sequence.cached += task.feed.len();
        note(stats, &task);
        let calls = task.calls;
        self.spare.push(task);
        Ok(calls)
    }

    /// To feed what the drafter lacks of the sequence (and `block` behind it) and draft `count` tokens.
    fn task(
        &mut self,
        sequence: &mut Sequence,
        count: usize,
        block: Option<&[u32]>,
        began: Instant,
    ) -> Task {
        let mut task = self.spare.pop().unwrap_or_default();
        task.feed.clear();
        match block.and_then(<[u32]>::split_last) {
            // The tokens and all of the block but its last were fed to draft it.
            Some((last, fed)) => {
                task.feed.push(*last);
                task.position = sequence.tokens.len() + fed.len();
            }
            None => {
                let lacks = sequence.tokens.get(sequence.cached..);
                task.feed.extend(lacks.unwrap_or_default());
                task.position = sequence.cached;
            }
        }
        sequence.tasks += 1;
        task.stream = sequence.tasks; // stream 0 is the verification's
        task.seed = sequence.settings.seed;
        task.count = count;
        task.sampling = sequence.settings.sampling;
        task.stop = sequence.control.stop();
        task.vocabulary = self.target.model.vocabulary();
        task.began = began;
        task
    }
}

/// Adds what a task took.
fn note(stats: &mut RoundStats, task: &Task) {
    stats.draft += task.time.run;
    stats.handoff += task.time.handoff;
    stats.sampling += task.sampling_time;
    stats.spans.extend(&task.spans);
}

#[cfg(test)]
mod tests;
