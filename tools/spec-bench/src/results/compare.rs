//! One prediction beside one measurement.

use super::{Measured, Predicted, ratio};
use crate::forecast::Guess;
use crate::noise::WIDTH;

/// How far a prediction is off, and what it is owed to. The error of the speed-up is that of acceptance times that of latency:
/// 1 + error = (1 + acceptance error) * (1 + latency error).
pub(super) fn predicted(guess: Guess, measured: &Measured) -> Predicted {
    let p = &guess.prediction;
    let off = |predicted: f64, measured: f64| 100.0 * (ratio(predicted, measured) - 1.0);
    let speed_up = ratio(p.tokens_per_second, p.plain_tokens_per_second);
    // a round takes as long whatever is accepted in it
    let as_accepted = speed_up * ratio(measured.tokens_per_round, p.tokens_per_round);
    let standard_error = guess.relative_standard_error.map(|e| e * speed_up);
    let both = standard_error.zip(measured.standard_error);
    let within = both.map(|(a, b)| {
        let expected = WIDTH * (a * a + b * b).sqrt();
        (speed_up - measured.speed_up).abs() <= expected
    });
    Predicted {
        speed_up,
        standard_error,
        speed_up_as_accepted: as_accepted,
        error: off(speed_up, measured.speed_up),
        rate_error: off(p.tokens_per_second, measured.tokens_per_second),
        acceptance_error: off(p.tokens_per_round, measured.tokens_per_round),
        latency_error: off(as_accepted, measured.speed_up),
        within_noise: within,
        guess,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spec_profile::predict::Prediction;

    #[test]
    fn an_error_is_split_into_acceptance_and_latency() {
        let measured = Measured {
            tokens: 100,
            seconds: 1.0,
            tokens_per_second: 100.0,
            tokens_per_round: 2.0,
            tokens_per_round_error: None,
            speed_up: 1.25,
            standard_error: Some(0.03),
        };
        let guess = |relative_standard_error| Guess {
            prediction: Prediction {
                tokens_per_second: 120.0,
                plain_tokens_per_second: 80.0,
                tokens_per_round: 2.2,
                c: 0.2,
                v: 1.0,
                measured: true,
            },
            relative_standard_error,
        };
        let p = predicted(guess(Some(0.08)), &measured);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        close(p.speed_up, 1.5);
        close(p.error, 20.0);
        close(p.rate_error, 20.0);
        close(p.acceptance_error, 10.0);
        close(p.speed_up_as_accepted, 1.5 / 1.1);
        close(
            (1.0 + p.acceptance_error / 100.0) * (1.0 + p.latency_error / 100.0),
            1.2,
        );
        close(p.standard_error.expect("known"), 0.12);
        // 0.25 off; 1.96 times the root of 0.12 and 0.03 squared is 0.242; of 0.125 and 0.03 it is 0.252, of 0.125 alone 0.245
        assert_eq!(p.within_noise, Some(false));
        let wider = predicted(guess(Some(0.125 / 1.5)), &measured);
        assert_eq!(wider.within_noise, Some(true));
        assert_eq!(predicted(guess(None), &measured).within_noise, None);
    }
}
