//! Models for tests: one that counts upwards, and a drafter that errs at every so-manieth position.

use crate::args::Lengths;
use crate::bench::{Bundle, Encoded};
use crate::error::BenchError;
use spec_runtime::draft_length::goodput::Goodput;
use spec_runtime::forward::{CallTime, Forward, ForwardError, check};
use spec_runtime::generate::{Drafting, Generator};
use std::time::Duration;

const VOCABULARY: usize = 32;
const CONTEXT: usize = 256;

/// After token t comes t + 1; where `errs` divides the position, t + 2.
struct Counter {
    errs: usize,
    /// Of a call.
    time: Duration,
}

impl Forward for Counter {
    fn vocabulary(&self) -> usize {
        VOCABULARY
    }
    fn context(&self) -> usize {
        CONTEXT
    }
    fn widths(&self) -> &[usize] {
        &[1, 2, 3, 4, 5]
    }
    fn forward(
        &mut self,
        tokens: &[u32],
        position: usize,
        rows: usize,
        logits: &mut Vec<f32>,
    ) -> Result<CallTime, ForwardError> {
        check(VOCABULARY, CONTEXT, tokens, position, rows)?;
        if !self.time.is_zero() {
            std::thread::sleep(self.time);
        }
        logits.clear();
        for (i, token) in tokens.iter().enumerate().skip(tokens.len() - rows) {
            let wrong = self.errs > 0 && (position + i).is_multiple_of(self.errs);
            let next = (*token as usize + 1 + usize::from(wrong)) % VOCABULARY;
            logits.extend((0..VOCABULARY).map(|t| if t == next { 8.0 } else { 0.0 }));
        }
        Ok(CallTime {
            run: self.time,
            handoff: Duration::ZERO,
        })
    }
}

/// A pair: a call of the target takes 400 microseconds at least, one of the drafter nothing; it errs at every `errs`-th position.
pub(crate) fn bundle(label: &str, errs: usize) -> Bundle {
    Bundle {
        label: label.to_owned(),
        drafter: true,
        auto: Drafting::Goodput(Goodput::new(4)),
        draft: Box::new(move || {
            Ok(Box::new(Counter {
                errs,
                time: Duration::ZERO,
            }))
        }),
        make: Box::new(move |_| {
            let model = |errs, micros| Counter {
                errs,
                time: Duration::from_micros(micros),
            };
            let target = Box::new(model(0, 400));
            let drafter = Box::new(model(errs, 0));
            Generator::new(target, Some(drafter)).map_err(|source| BenchError::Generate {
                bundle: "toy".to_owned(),
                prompt: "none".to_owned(),
                source,
            })
        }),
    }
}

/// Fixed lengths.
pub(crate) fn lengths(fixed: &[usize]) -> Lengths {
    Lengths {
        fixed: fixed.to_vec(),
        auto: false,
    }
}

/// Prompts of two tasks.
pub(crate) fn prompts(bundles: usize) -> Vec<Encoded> {
    [("chat", 3), ("code", 5), ("code", 7)]
        .into_iter()
        .enumerate()
        .map(|(i, (task, length))| Encoded {
            id: format!("{task}-{i}"),
            task: task.to_owned(),
            tokens: vec![(1..=length).collect(); bundles],
            stop: vec![vec![]; bundles],
        })
        .collect()
}
