//! How good the predictions and the choice are.

use super::{BundleInfo, Errors, Predicted, Row, Verdict, ratio};
use spec_profile::statistics::median;

/// A choice that loses no more than so many percent is as good as the best.
pub(crate) const CLOSE: f64 = 3.0;

/// Index of the largest number.
fn largest(numbers: impl Iterator<Item = (usize, f64)>) -> Option<usize> {
    numbers.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
}

/// Median and largest of the absolute values.
fn worst(errors: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let all: Vec<f64> = errors.map(f64::abs).collect();
    Some((median(&all)?, all.iter().copied().reduce(f64::max)?))
}

fn errors(predictions: &[Predicted]) -> Option<Errors> {
    let all = || predictions.iter();
    let known = || all().filter_map(|p| p.within_noise);
    Some(Errors {
        compared: predictions.len(),
        total: worst(all().map(|p| p.error))?,
        acceptance: worst(all().map(|p| p.acceptance_error))?,
        latency: worst(all().map(|p| p.latency_error))?,
        within_noise: (known().filter(|w| *w).count(), known().count()),
    })
}

/// Of all rows.
pub(super) fn verdict(rows: &[Row], bundles: &[BundleInfo]) -> Verdict {
    let drafting = || rows.iter().filter(|r| r.configuration.drafts_alike());
    let pooled: Vec<Predicted> = drafting().filter_map(|r| r.predicted).collect();
    let tasks = drafting().flat_map(|r| r.by_task.iter().filter_map(|t| t.predicted));
    let rates = rows.iter().filter_map(|r| r.predicted);
    let rates: Vec<f64> = rates.map(|p| p.rate_error.abs()).collect();
    // what is chosen in the run is no choice of the cost model
    let measured = || {
        let all = rows.iter().enumerate();
        let fixed = all.filter(|(_, r)| !r.configuration.auto);
        fixed.map(|(i, r)| (i, r.measured.tokens_per_second))
    };
    let best = largest(measured());
    let promised = rows.iter().enumerate();
    let promised =
        promised.filter_map(|(i, r)| Some((i, r.predicted?.guess.prediction.tokens_per_second)));
    let choice = largest(promised);
    let speed = |i: Option<usize>| rows.get(i?).map(|r| r.measured.tokens_per_second);
    let loss = |chosen: Option<usize>, best: Option<usize>| {
        Some(100.0 * (1.0 - ratio(speed(chosen)?, speed(best)?)))
    };
    let of_bundle = |number: usize| {
        let mine = move |i: &usize| {
            rows.get(*i)
                .is_some_and(|r| r.configuration.bundle == number)
        };
        largest(measured().filter(|(i, _)| mine(i)))
    };
    let choice_loss = loss(choice, best);
    let plan_losses = bundles.iter().enumerate().map(|(number, bundle)| {
        let plan = bundle.plan.as_ref()?;
        let chosen = rows.iter().position(|r| {
            let c = &r.configuration;
            let schedule = plan.draft_length == 0 || c.schedule.name() == plan.strategy;
            c.bundle == number && !c.auto && c.draft_length == plan.draft_length && schedule
        });
        loss(Some(chosen?), of_bundle(number))
    });
    let in_the_run = rows.iter().enumerate();
    let in_the_run = in_the_run.filter(|(_, r)| r.configuration.auto);
    let chosen_losses = in_the_run
        .filter_map(|(i, r)| Some((i, loss(Some(i), of_bundle(r.configuration.bundle))?)));
    Verdict {
        pooled: errors(&pooled),
        by_task: errors(&tasks.collect::<Vec<_>>()),
        median_rate_error: median(&rates),
        best,
        choice,
        choice_loss,
        choice_is_good: choice_loss.map(|loss| loss <= CLOSE),
        plan_losses: plan_losses.collect(),
        chosen_losses: chosen_losses.collect(),
        differing: rows.iter().map(|r| r.differing).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_predicted_is_no_error() {
        assert_eq!(verdict(&[], &[]), Verdict::default());
        assert_eq!(worst([-3.0, 1.0, 2.0].into_iter()), Some((2.0, 3.0)));
    }
}
