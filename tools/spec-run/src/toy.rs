//! Models for tests: the next token follows from the last one and its position, and the drafter is wrong at some positions.

use spec_runtime::forward::{CallTime, Forward, ForwardError, check};
use spec_runtime::generate::{Drafting, Generator, Settings};
use std::time::{Duration, Instant};

/// Size of the vocabulary.
pub const VOCABULARY: usize = 300;
/// Rows of the cache.
pub const CONTEXT: usize = 256;

/// A model without weights.
pub struct Toy {
    /// At every so many positions another token than the target's; 0: never.
    pub wrong_every: usize,
    /// How long a call takes.
    pub takes: Duration,
    /// Whether what it says depends on how many tokens a call has, which no right model does.
    pub width_dependent: bool,
}

impl Forward for Toy {
    fn vocabulary(&self) -> usize {
        VOCABULARY
    }

    fn context(&self) -> usize {
        CONTEXT
    }

    fn widths(&self) -> &[usize] {
        &[1, 5]
    }

    fn forward(
        &mut self,
        tokens: &[u32],
        position: usize,
        rows: usize,
        logits: &mut Vec<f32>,
    ) -> Result<CallTime, ForwardError> {
        check(VOCABULARY, CONTEXT, tokens, position, rows)?;
        let start = Instant::now();
        std::thread::sleep(self.takes);
        logits.clear();
        for (i, token) in tokens.iter().enumerate().skip(tokens.len() - rows) {
            let at = position + i;
            let mut next = (*token as usize * 7 + at * 3 + 11) % 256;
            if self.wrong_every > 0 && at.is_multiple_of(self.wrong_every) {
                next = (next + 1) % 256;
            }
            if self.width_dependent && tokens.len() > 1 && at > 12 {
                next = (next + 2) % 256;
            }
            logits.extend((0..VOCABULARY).map(|x| if x == next { 4.0 } else { 0.0 }));
        }
        let (run, handoff) = (start.elapsed(), Duration::ZERO);
        Ok(CallTime { run, handoff })
    }
}

/// A target with or without a drafter that is wrong at every fourth position.
pub fn generator(drafter: bool) -> Generator {
    pair(drafter, false)
}

/// The same; `broken`: the target's tokens depend on the width of its calls.
pub fn pair(drafter: bool, broken: bool) -> Generator {
    let toy = |wrong_every, micros, width_dependent| -> Box<dyn Forward> {
        Box::new(Toy {
            wrong_every,
            takes: Duration::from_micros(micros),
            width_dependent,
        })
    };
    let drafter = drafter.then(|| toy(4, 50, false));
    Generator::new(toy(0, 400, broken), drafter).expect("they are a pair")
}

/// Greedy, without stop tokens.
pub fn settings(max_tokens: usize, drafts: usize) -> Settings {
    Settings {
        max_tokens,
        drafting: Drafting::Fixed(drafts),
        ..Settings::default()
    }
}
