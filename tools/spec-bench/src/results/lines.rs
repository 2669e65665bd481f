//! results.csv.

use super::{Measured, Place, Predicted, Results};
use crate::error::BenchError;

const COLUMNS: [&str; 26] = [
    "bundle",
    "drafter",
    "target",
    "schedule",
    "draft_length",
    "task",
    "tokens",
    "seconds",
    "tokens_per_second",
    "tokens_per_round",
    "tokens_per_round_standard_error",
    "speed_up",
    "speed_up_standard_error",
    "speed_up_over_best",
    "predicted_tokens_per_second",
    "predicted_tokens_per_round",
    "predicted_speed_up",
    "predicted_speed_up_standard_error",
    "predicted_speed_up_as_accepted",
    "error_percent",
    "rate_error_percent",
    "acceptance_error_percent",
    "latency_error_percent",
    "within_noise",
    "prediction_measured",
    "differing",
];

fn number(x: Option<f64>) -> String {
    x.map_or_else(String::new, |x| format!("{x:.4}"))
}

fn word(x: Option<bool>) -> String {
    x.map_or_else(String::new, |x| x.to_string())
}

impl Results {
    /// Text of results.csv: of each configuration one line for all tasks, and one for each.
    pub(crate) fn to_csv(&self) -> Result<String, BenchError> {
        let failed = |e: csv::Error| BenchError::Csv(e.to_string());
        let mut writer = csv::Writer::from_writer(vec![]);
        writer.write_record(COLUMNS).map_err(failed)?;
        for row in &self.rows {
            let c = &row.configuration;
            let Some(bundle) = self.bundles.get(c.bundle) else {
                continue;
            };
            let drafter = bundle.drafter.as_ref().map(Place::to_string);
            let first = [
                bundle.label.clone(),
                drafter.unwrap_or_default(),
                bundle.target.to_string(),
                c.schedule.name().to_owned(),
                c.length(),
            ];
            let over_best = Some(row.speed_up_over_best);
            let all = cells("all", &row.measured, over_best, row.predicted.as_ref());
            let all = all.into_iter().chain([row.differing.to_string()]);
            writer
                .write_record(first.iter().cloned().chain(all))
                .map_err(failed)?;
            for task in &row.by_task {
                let cells = cells(&task.task, &task.measured, None, task.predicted.as_ref());
                let cells = cells.into_iter().chain([String::new()]);
                writer
                    .write_record(first.iter().cloned().chain(cells))
                    .map_err(failed)?;
            }
        }
        let bytes = writer
            .into_inner()
            .map_err(|e| BenchError::Csv(e.to_string()))?;
        String::from_utf8(bytes).map_err(|e| BenchError::Csv(e.to_string()))
    }
}

/// From the task to whether the prediction rests on measurements.
fn cells(task: &str, m: &Measured, over_best: Option<f64>, p: Option<&Predicted>) -> Vec<String> {
    let prediction = p.map(|p| p.guess.prediction);
    vec![
        task.to_owned(),
        m.tokens.to_string(),
        number(Some(m.seconds)),
        number(Some(m.tokens_per_second)),
        number(Some(m.tokens_per_round)),
        number(m.tokens_per_round_error),
        number(Some(m.speed_up)),
        number(m.standard_error),
        number(over_best),
        number(prediction.map(|p| p.tokens_per_second)),
        number(prediction.map(|p| p.tokens_per_round)),
        number(p.map(|p| p.speed_up)),
        number(p.and_then(|p| p.standard_error)),
        number(p.map(|p| p.speed_up_as_accepted)),
        number(p.map(|p| p.error)),
        number(p.map(|p| p.rate_error)),
        number(p.map(|p| p.acceptance_error)),
        number(p.map(|p| p.latency_error)),
        word(p.and_then(|p| p.within_noise)),
        word(prediction.map(|p| p.measured)),
    ]
}
