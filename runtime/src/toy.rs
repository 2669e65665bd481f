//! A model made of a hash, for tests: its logits depend on every row of its cache, so that a wrong position, a token that
//! was never fed, or a stale row changes its output, or is an error.

use crate::forward::{CallTime, Forward, ForwardError, check};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A model whose every prefix has logits of its own, between -`sharpness` and `sharpness`.
#[derive(Clone, Debug)]
pub struct Toy {
    seed: u64,
    vocabulary: usize,
    widths: Vec<usize>,
    /// A hash of token and position; 0 where nothing, or padding, was written.
    rows: Vec<u64>,
    agreement: f64,
    sharpness: f32,
    delay: Duration,
    fault: Option<(usize, Fault)>,
    calls: Arc<Mutex<Vec<Call>>>,
}

/// One call of a [`Toy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Of the first token.
    pub position: usize,
    /// Number of tokens.
    pub tokens: usize,
    /// Rows of logits asked for.
    pub rows: usize,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It returns [`ForwardError::Device`].
    Error,
    /// It panics.
    Panic,
    /// Its logits are NaN.
    Nan,
    /// It returns a logit too few.
    Short,
}

impl Toy {
    /// Models of the same seed and vocabulary agree. Takes one token or four a call.
    pub fn new(seed: u64, vocabulary: usize, context: usize) -> Self {
        Self {
            seed,
            vocabulary,
            widths: vec![1, 4],
            rows: vec![0; context],
            agreement: 1.0,
            sharpness: 2.0,
            delay: Duration::ZERO,
            fault: None,
            calls: Arc::default(),
        }
    }

    /// Makes it a drafter that agrees with the model of its seed after this share of prefixes, 0 to 1; after the others its logits
    /// are unrelated.
    #[must_use]
    pub fn agreeing(self, agreement: f64) -> Self {
        Self { agreement, ..self }
    }

    /// Bounds the logits.
    #[must_use]
    pub fn sharpness(self, sharpness: f32) -> Self {
        Self { sharpness, ..self }
    }

    /// Sets the numbers of tokens that a call takes; ascending.
    #[must_use]
    pub fn with_widths(self, widths: &[usize]) -> Self {
        let widths = widths.to_vec();
        Self { widths, ..self }
    }

    /// Makes each call take this long.
    #[must_use]
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Lets call number `at`, from 0, go wrong; later ones work.
    #[must_use]
    pub fn failing(self, at: usize, fault: Fault) -> Self {
        let fault = Some((at, fault));
        Self { fault, ..self }
    }

    /// The calls so far, also after the model was given away.
    pub fn calls(&self) -> Arc<Mutex<Vec<Call>>> {
        self.calls.clone()
    }

    /// The logits behind these tokens, by no cache.
    pub fn logits_after(&self, tokens: &[u32]) -> Vec<f32> {
        let rows = tokens.iter().enumerate().map(|(i, t)| row(*t, i));
        let mut logits = vec![];
        self.logits(rows.fold(0, u64::wrapping_add), &mut logits);
        logits
    }

    fn logits(&self, prefix: u64, to: &mut Vec<f32>) {
        let agrees = unit(mix(prefix ^ 0x0dd)) < self.agreement;
        let seed = if agrees { self.seed } else { !self.seed };
        let prefix = mix(prefix ^ mix(seed));
        let logit = |v: usize| unit(mix(prefix.wrapping_add(v as u64))) as f32 * 2.0 - 1.0;
        to.extend((0..self.vocabulary).map(|v| self.sharpness * logit(v)));
    }
}

impl Forward for Toy {
    fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    fn context(&self) -> usize {
        self.rows.len()
    }

    fn widths(&self) -> &[usize] {
        &self.widths
    }

    fn forward(
        &mut self,
        tokens: &[u32],
        position: usize,
        rows: usize,
        logits: &mut Vec<f32>,
    ) -> Result<CallTime, ForwardError> {
        let began = Instant::now();
        check(self.vocabulary, self.rows.len(), tokens, position, rows)?;
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = self.fault.filter(|(at, _)| *at == calls.len());
        calls.push(Call {
            position,
            tokens: tokens.len(),
            rows,
        });
        drop(calls);
        std::thread::sleep(self.delay);
        match fault {
            Some((_, Fault::Error)) => return Err(ForwardError::device("a planted error")),
            Some((_, Fault::Panic)) => panic!("a planted panic"),
            _ => {}
        }
        let behind = position + tokens.len();
        for (at, token) in (position..).zip(tokens) {
            self.rows[at] = row(*token, at);
        }
        let last = self
            .widths
            .iter()
            .rev()
            .find(|w| !tokens.len().is_multiple_of(**w));
        let padding = last.map_or(0, |w| w - tokens.len() % w);
        for padded in self.rows.iter_mut().skip(behind).take(padding) {
            *padded = 0;
        }
        if let Some(at) = self.rows[..behind].iter().position(|row| *row == 0) {
            let what = format!("row {at} is read but was not fed");
            return Err(ForwardError::device(what));
        }
        logits.clear();
        let first = behind - rows;
        let mut prefix = sum(&self.rows[..first]);
        for at in first..behind {
            prefix = prefix.wrapping_add(self.rows[at]);
            self.logits(prefix, logits);
        }
        match fault {
            Some((_, Fault::Nan)) => logits.fill(f32::NAN),
            Some((_, Fault::Short)) => logits.truncate(logits.len().saturating_sub(1)),
            _ => {}
        }
        let run = began.elapsed();
        let handoff = Duration::ZERO;
        Ok(CallTime { run, handoff })
    }
}

/// Never 0.
fn row(token: u32, position: usize) -> u64 {
    mix(u64::from(token) << 32 | position as u64) | 1
}

fn sum(rows: &[u64]) -> u64 {
    rows.iter().fold(0, |sum, row| sum.wrapping_add(*row))
}

/// The last steps of SplitMix64.
fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// In [0, 1).
fn unit(x: u64) -> f64 {
    (x >> 11) as f64 / (1_u64 << 53) as f64
}
