//! The target: feeds the last token and the drafts behind it, and judges them.

use super::drafter::uniform;
use super::error::GenerateError;
use crate::accept::{Accepted, greedy};
use crate::forward::{CallTime, Forward};
use crate::manifest::Role;
use crate::sampling::{Distributions, Judge, Sampling, argmax};
use crate::stats::{Lane, RoundStats, Span};
use rand::rngs::ChaCha12Rng;
use std::time::{Duration, Instant};

/// What is to be verified.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// The sequence's last token, and its position.
    pub last: u32,
    pub position: usize,
    pub drafts: &'a [u32],
    /// What they were sampled from; not looked at if the choice is greedy.
    pub q: &'a Distributions,
    /// Whether the last draft is fed too: then a token follows if all stand. There are drafts if not.
    pub bonus: bool,
    pub sampling: Sampling,
}

impl Question<'_> {
    /// Number of tokens to feed, and of rows of logits.
    pub(super) fn rows(&self) -> usize {
        self.drafts.len() + usize::from(self.bonus)
    }
}

/// A target, and memory for its answers.
pub(super) struct Target {
    pub model: Box<dyn Forward>,
    logits: Vec<f32>,
    input: Vec<u32>,
    choices: Vec<u32>,
    uniforms: Vec<f32>,
    p: Distributions,
    judge: Judge,
    /// The tokens of the round: the drafts that stand, and what the target says behind them.
    pub tokens: Vec<u32>,
}

impl Target {
    pub(super) fn new(model: Box<dyn Forward>) -> Self {
        Self {
            model,
            logits: vec![],
            input: vec![],
            choices: vec![],
            uniforms: vec![],
            p: Distributions::default(),
            judge: Judge::default(),
            tokens: vec![],
        }
    }

    /// Feeds a prompt.
    pub(super) fn feed(&mut self, tokens: &[u32]) -> Result<CallTime, GenerateError> {
        self.model
            .forward(tokens, 0, 0, &mut self.logits)
            .map_err(GenerateError::forward(Role::Target, 0))
    }

    /// Computes the logits that [`judge`](Self::judge) looks at.
    pub(super) fn verify(&mut self, q: &Question) -> Result<CallTime, GenerateError> {
        let rows = q.rows();
        self.input.clear();
        self.input.push(q.last);
        self.input.extend(q.drafts.iter().take(rows - 1));
        let time = self
            .model
            .forward(&self.input, q.position, rows, &mut self.logits)
            .map_err(GenerateError::forward(Role::Target, q.position))?;
        let expected = rows * self.model.vocabulary();
        GenerateError::check_logits(Role::Target, q.position, expected, self.logits.len())?;
        Ok(time)
    }

    /// Leaves the round's tokens in `tokens`, and returns how many drafts stand.
    pub(super) fn judge(
        &mut self,
        q: &Question,
        random: &mut ChaCha12Rng,
    ) -> Result<usize, GenerateError> {
        self.tokens.clear();
        if q.sampling.is_greedy() {
            self.judge_greedily(q)
        } else {
            self.judge_at_random(q, random)
        }
    }

    fn judge_greedily(&mut self, q: &Question) -> Result<usize, GenerateError> {
        let bad = GenerateError::sampling(Role::Target);
        self.choices.clear();
        for row in self.logits.chunks_exact(self.model.vocabulary()) {
            self.choices.push(argmax(row).map_err(&bad)?);
        }
        // Without a bonus the choice that would be one decides on the last draft.
        let before = q.drafts.get(..q.rows() - 1).unwrap_or(q.drafts);
        let count = greedy(before, &self.choices)?;
        self.tokens.extend(self.choices.iter().take(count));
        let last_stands = count == q.drafts.len() && self.tokens.last() == q.drafts.last();
        Ok(count - 1 + usize::from(!q.bonus && last_stands))
    }

    fn judge_at_random(
        &mut self,
        q: &Question,
        random: &mut ChaCha12Rng,
    ) -> Result<usize, GenerateError> {
        let vocabulary = self.model.vocabulary();
        self.p.clear();
        for row in self.logits.chunks_exact(vocabulary) {
            self.p
                .push(&q.sampling, row, vocabulary)
                .map_err(GenerateError::sampling(Role::Target))?;
        }
        if !q.bonus {
            // The rule wants a row for the token behind the drafts. It is sampled from if all stand, and then left out.
            self.p.repeat_last();
        }
        self.uniforms.clear();
        self.uniforms
            .extend((0..=q.drafts.len()).map(|_| uniform(random)));
        let Accepted { accepted, last } =
            self.judge
                .rejection(q.drafts, q.q, &self.p, &self.uniforms, vocabulary)?;
        #[cfg(test)]
        let (accepted, last) =
            planted::change((accepted, last), (q, &self.p), &self.uniforms, vocabulary)?;
        self.tokens.extend(q.drafts.iter().take(accepted));
        if q.bonus || accepted < q.drafts.len() {
            self.tokens.push(last);
        }
        Ok(accepted)
    }

    /// Bytes held, but for the model's.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let words = [
            self.logits.capacity(),
            self.input.capacity(),
            self.choices.capacity(),
            self.uniforms.capacity(),
            self.tokens.capacity(),
        ];
        4 * words.iter().sum::<usize>() + self.p.bytes() + self.judge.bytes()
    }
}

/// Verifies and judges; returns the number of drafts that stand, and the time.
pub(super) fn answer(
    target: &mut Target,
    question: &Question,
    random: &mut ChaCha12Rng,
    stats: &mut RoundStats,
    began: Instant,
) -> Result<(usize, Duration), GenerateError> {
    let from = began.elapsed();
    let CallTime { run, handoff } = target.verify(question)?;
    let middle = began.elapsed();
    let accepted = target.judge(question, random)?;
    let to = began.elapsed();
    stats.verify += run;
    stats.handoff += handoff;
    stats.sampling += to - middle;
    for (lane, from, to) in [(Lane::Target, from, middle), (Lane::Host, middle, to)] {
        stats.spans.push(Span { lane, from, to });
    }
    Ok((accepted, to - from))
}

/// Bugs for the tests to find.
#[cfg(test)]
pub(super) mod planted {
    use super::*;
    use crate::accept::AcceptError;
    use std::cell::Cell;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Bug {
        None,
        /// All drafts stand.
        AcceptAlways,
        /// A rejected draft is replaced by a sample of p.
        ResidualIsTarget,
        /// Drafts are taken to be sampled evenly.
        EvenDrafter,
        /// One random number both accepts and replaces.
        OneUniform,
    }

    thread_local! {
        pub static BUG: Cell<Bug> = const { Cell::new(Bug::None) };
    }

    pub fn change(
        (accepted, last): (usize, u32),
        (q, p): (&Question, &Distributions),
        uniforms: &[f32],
        vocabulary: usize,
    ) -> Result<(usize, u32), AcceptError> {
        let g = q.drafts.len();
        let mut judge = Judge::default();
        let again = |p: &Distributions, q_rows: &Distributions, u: &[f32]| {
            let out = Judge::default().rejection(q.drafts, q_rows, p, u, vocabulary)?;
            Ok((out.accepted, out.last))
        };
        match BUG.get() {
            Bug::None => Ok((accepted, last)),
            Bug::AcceptAlways => {
                let zeros: Vec<f32> = (0..=g).map(|i| uniforms[i] * f32::from(i == g)).collect();
                let out = judge.rejection(q.drafts, q.q, p, &zeros, vocabulary)?;
                Ok(if out.accepted == g {
                    (g, out.last)
                } else {
                    (g, 0)
                })
            }
            Bug::ResidualIsTarget if accepted < g => {
                let only = p.row(accepted);
                Ok((accepted, only.sample_last(uniforms[g])?))
            }
            Bug::ResidualIsTarget => Ok((accepted, last)),
            Bug::EvenDrafter => {
                let mut even = Distributions::default();
                let all = Sampling::Random {
                    temperature: 1.0,
                    top_k: 0,
                    top_p: 1.0,
                };
                for _ in 0..g {
                    even.push(&all, &vec![0.0; vocabulary], vocabulary)
                        .expect("zeros are fine");
                }
                again(p, &even, uniforms)
            }
            Bug::OneUniform => again(p, q.q, &vec![uniforms[0]; g + 1]),
        }
    }
}
