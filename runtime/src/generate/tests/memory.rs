//! Memory does not grow with the sequence.

use super::*;
use crate::stats::KEPT_ROUNDS;

/// Bytes that this thread holds more after `rounds` rounds than before, and the number of allocations.
fn growth(generator: &mut Generator, rounds: usize) -> (i64, u64) {
    let info = allocation_counter::measure(|| {
        for _ in 0..rounds {
            assert_eq!(generator.round().unwrap().finished, None);
        }
    });
    (info.bytes_current, info.count_total)
}

/// A model that needs no memory a call, and knows only one token: the others would search their whole cache a call.
struct Steady;

impl Forward for Steady {
    fn vocabulary(&self) -> usize {
        8
    }

    fn context(&self) -> usize {
        1_000_000
    }

    fn widths(&self) -> &[usize] {
        &[1, 4]
    }

    fn forward(
        &mut self,
        tokens: &[u32],
        position: usize,
        rows: usize,
        logits: &mut Vec<f32>,
    ) -> Result<CallTime, crate::forward::ForwardError> {
        crate::forward::check(8, 1_000_000, tokens, position, rows)?;
        logits.clear();
        logits.resize(rows * 8, 0.0);
        Ok(CallTime::default())
    }
}

/// After the rounds that are kept one by one, as many again and again leave no byte more; a round allocates its list of spans,
/// nothing else.
#[test]
fn ten_thousand_rounds_hold_what_the_first_did() {
    for schedule in SCHEDULES {
        let goodput = Drafting::Goodput(Goodput::new(3));
        for drafting in [Drafting::Fixed(0), Drafting::Fixed(3), goodput] {
            for top_k in [0, 4] {
                let mut pair = Generator::new(Box::new(Steady), Some(Box::new(Steady))).unwrap();
                let settings = Settings {
                    sampling: Sampling::Random {
                        temperature: 1.0,
                        top_k,
                        top_p: 1.0,
                    },
                    ..settings(1_000_000, drafting.clone(), schedule)
                };
                pair.start(&[1], &settings).unwrap();
                growth(&mut pair, 2 * KEPT_ROUNDS + 1);
                assert_eq!(pair.stats().rounds.len(), KEPT_ROUNDS + 1);
                let before = pair.target.bytes();
                let (bytes, allocations) = growth(&mut pair, KEPT_ROUNDS);
                assert_eq!(pair.stats().rounds.len(), KEPT_ROUNDS + 1);
                assert_eq!(pair.target.bytes(), before);
                assert_eq!(bytes, 0, "{schedule:?} {drafting:?}");
                let round = allocations as f64 / KEPT_ROUNDS as f64;
                assert!(
                    round < 12.0,
                    "{schedule:?} {drafting:?}: {round} allocations a round"
                );
                assert_eq!(pair.stats().round_count, 3 * KEPT_ROUNDS + 1);
            }
        }
    }
}
