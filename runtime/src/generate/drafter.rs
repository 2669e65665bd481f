//! The drafter: feeds what it has not seen, and drafts token by token.

use super::error::GenerateError;
use crate::draft_length::goodput::Draft;
use crate::draft_length::{AdaEdl, DraftLength};
use crate::forward::{CallTime, Forward};
use crate::manifest::Role;
use crate::sampling::{Distributions, Sampling, argmax};
use crate::stats::{Lane, Span};
use rand::rngs::ChaCha12Rng;
use rand::{Rng, SeedableRng};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What the drafter is to do, and what came of it. Its memory is used again.
#[derive(Debug)]
pub(super) struct Task {
    /// Tokens to feed first, at `position`: at least one.
    pub feed: Vec<u32>,
    pub position: usize,
    /// Drafts to make at most; 0 only feeds.
    pub count: usize,
    pub sampling: Sampling,
    /// What stops it before that.
    pub stop: Option<AdaEdl>,
    /// The target's.
    pub vocabulary: usize,
    pub seed: u64,
    /// Of the random numbers, one of its own for each task of a sequence: what a task draws does not depend on when others stopped.
    pub stream: u64,
    /// The start of decoding.
    pub began: Instant,
    /// The drafts, one at least if `count` is.
    pub drafts: Vec<u32>,
    /// The distributions that they were sampled from; not kept if the choice is greedy.
    pub q: Distributions,
    pub spans: Vec<Span>,
    pub time: CallTime,
    pub sampling_time: Duration,
    /// The same by calls.
    pub calls: Draft,
}

impl Default for Task {
    fn default() -> Self {
        Self {
            feed: vec![],
            position: 0,
            count: 0,
            sampling: Sampling::Greedy,
            stop: None,
            vocabulary: 0,
            seed: 0,
            stream: 0,
            began: Instant::now(),
            drafts: vec![],
            q: Distributions::default(),
            spans: vec![],
            time: CallTime::default(),
            sampling_time: Duration::ZERO,
            calls: Draft::default(),
        }
    }
}

impl Task {
    fn clear_results(&mut self) {
        self.drafts.clear();
        self.q.clear();
        self.spans.clear();
        self.time = CallTime::default();
        self.sampling_time = Duration::ZERO;
        self.calls = Draft {
            fed: self.feed.len(),
            ..Draft::default()
        };
    }

    /// The draft that was begun then is made.
    fn made(&mut self, draft: u32, began: Duration) {
        let took = (self.began.elapsed().saturating_sub(began)).as_secs_f64();
        if self.drafts.is_empty() {
            self.calls.first = took;
        } else {
            self.calls.steps += 1;
            self.calls.rest += took;
        }
        self.drafts.push(draft);
    }

    fn span(&mut self, lane: Lane, from: Duration) -> Duration {
        let to = self.began.elapsed();
        self.spans.push(Span { lane, from, to });
        to - from
    }
}

/// The generator of a stream, alike on any machine.
pub(super) fn random(seed: u64, stream: u64) -> ChaCha12Rng {
    let mut bytes = [0; 32];
    let (low, _) = bytes.split_at_mut(8);
    low.copy_from_slice(&seed.to_le_bytes());
    let mut random = ChaCha12Rng::from_seed(bytes);
    random.set_stream(stream);
    random
}

/// Uniform in [0, 1), a multiple of 2^-24.
pub(super) fn uniform(random: &mut ChaCha12Rng) -> f32 {
    (random.next_u32() >> 8) as f32 / (1 << 24) as f32
}

/// A model that drafts.
pub(super) struct Drafter {
    model: Box<dyn Forward>,
    logits: Vec<f32>,
}

impl Drafter {
    pub(super) fn new(model: Box<dyn Forward>) -> Self {
        let logits = vec![];
        Self { model, logits }
    }

    /// Does a task; stops early, with fewer drafts than wanted, once `cancel` is set.
    pub(super) fn run(
        &mut self,
        task: &mut Task,
        cancel: &AtomicBool,
    ) -> Result<(), GenerateError> {
        task.clear_results();
        // The target may know a few tokens more, which nothing was trained on: any other stands for them.
        let own = self.model.vocabulary();
        for token in task.feed.iter_mut().filter(|t| **t as usize >= own) {
            *token = 0;
        }
        let mut began = task.began.elapsed();
        if task.count == 0 {
            self.call(task, None, 0)?;
            task.calls.first = task.began.elapsed().saturating_sub(began).as_secs_f64();
            return Ok(());
        }
        let mut random = random(task.seed, task.stream);
        self.call(task, None, 1)?;
        loop {
            let from = task.began.elapsed();
            let draft = self.choose(task, &mut random)?;
            let stop = self.stop(task)?;
            let took = task.span(Lane::Host, from);
            task.sampling_time += took;
            let at = task.position + task.feed.len() + task.drafts.len();
            task.made(draft, began);
            if stop || task.drafts.len() >= task.count || cancel.load(Ordering::Relaxed) {
                return Ok(());
            }
            began = task.began.elapsed();
            self.call(task, Some((draft, at)), 1)?;
        }
    }

    /// Feeds the task's tokens, or one at a position.
    fn call(
        &mut self,
        task: &mut Task,
        one: Option<(u32, usize)>,
        rows: usize,
    ) -> Result<(), GenerateError> {
        let from = task.began.elapsed();
        let (time, position) = match one {
            Some((token, at)) => (self.model.forward(&[token], at, rows, &mut self.logits), at),
            None => {
                let at = task.position;
                (
                    self.model.forward(&task.feed, at, rows, &mut self.logits),
                    at,
                )
            }
        };
        task.time += time.map_err(GenerateError::forward(Role::Drafter, position))?;
        task.span(Lane::Drafter, from);
        let expected = rows * self.model.vocabulary();
        match rows {
            0 => Ok(()),
            _ => GenerateError::check_logits(Role::Drafter, position, expected, self.logits.len()),
        }
    }

    fn choose(&self, task: &mut Task, random: &mut ChaCha12Rng) -> Result<u32, GenerateError> {
        let bad = GenerateError::sampling(Role::Drafter);
        if task.sampling.is_greedy() {
            let known = self.logits.get(..task.vocabulary).unwrap_or(&self.logits);
            return argmax(known).map_err(bad);
        }
        task.q
            .push(&task.sampling, &self.logits, task.vocabulary)
            .map_err(bad)?;
        Ok(task.q.sample_last(uniform(random))?)
    }

    /// A greedy choice has no entropy; what the drafter is sure of is then in its softmax.
    fn stop(&self, task: &mut Task) -> Result<bool, GenerateError> {
        let Some(control) = task.stop else {
            return Ok(false);
        };
        if task.sampling.is_greedy() {
            let bad = GenerateError::sampling(Role::Drafter);
            task.q.clear();
            task.q.push_softmax(&self.logits).map_err(bad)?;
        }
        Ok(control.stop(&task.q.last()?, 0)?)
    }
}
