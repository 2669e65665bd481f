//! Results as they were written, read again: what was measured and predicted is taken, and all that follows from it is made anew.

use super::{BundleInfo, Curve, Results, Sources, assemble};
use crate::bench::{Configuration, Run, TimeLine};
use crate::forecast::{Forecast, Guess};
use serde::Deserialize;
use spec_profile::conditions::Conditions;

/// What is read of a results.json; also of one that an earlier version wrote.
#[derive(Deserialize)]
struct Stored {
    sources: Sources,
    conditions: Conditions,
    bundles: Vec<BundleInfo>,
    rows: Vec<StoredRow>,
    #[serde(default)]
    acceptance: Vec<Curve>,
    #[serde(default)]
    time_lines: Vec<(usize, TimeLine)>,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct StoredRow {
    #[serde(flatten)]
    configuration: Configuration,
    predicted: Option<Guess>,
    #[serde(default)]
    by_task: Vec<StoredTask>,
}

#[derive(Deserialize)]
struct StoredTask {
    task: String,
    predicted: Option<Guess>,
}

/// The results that a text holds.
///
/// # Errors
/// It is no results.json.
pub(crate) fn read(text: &str) -> Result<Results, serde_json::Error> {
    let stored: Stored = serde_json::from_str(text)?;
    let configurations: Vec<Configuration> = stored.rows.iter().map(|r| r.configuration).collect();
    let forecasts = stored.rows.into_iter().map(|row| Forecast {
        // a file of an earlier version says no errors; plain decoding has none
        pooled: row.predicted.map(|guess| Guess {
            relative_standard_error: match row.configuration.draft_length {
                0 => Some(0.0),
                _ => guess.relative_standard_error,
            },
            ..guess
        }),
        tasks: (row.by_task.into_iter())
            .filter_map(|t| Some((t.task, t.predicted?)))
            .collect(),
    });
    let forecasts: Vec<Forecast> = forecasts.collect();
    let mut results = assemble(
        stored.sources,
        stored.conditions,
        stored.bundles,
        &configurations,
        &forecasts,
        stored.runs,
    );
    results.acceptance = stored.acceptance;
    results.time_lines = stored.time_lines;
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Measured;
    use crate::results::tests::sample;

    #[test]
    fn what_was_written_is_read_again() {
        let results = sample();
        let text = serde_json::to_string(&results).expect("JSON");
        let again = read(&text).expect("the same");
        // numbers may differ in their last digit: text is not read to the last bit
        let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-9 * a.abs(), "{a} {b}");
        assert_eq!(again.rows.len(), results.rows.len());
        for (a, b) in again.rows.iter().zip(&results.rows) {
            assert_eq!(a.configuration, b.configuration);
            assert_eq!((a.differing, &a.lengths), (b.differing, &b.lengths));
            close(a.measured.speed_up, b.measured.speed_up);
            let error = |m: &Measured| m.standard_error.unwrap_or(-1.0);
            close(error(&a.measured), error(&b.measured));
            let tasks = a.by_task.iter().zip(&b.by_task);
            let mut pairs = vec![(a.predicted, b.predicted)];
            pairs.extend(tasks.map(|(a, b)| (a.predicted, b.predicted)));
            for pair in pairs {
                match pair {
                    (Some(a), Some(b)) => close(a.speed_up, b.speed_up),
                    other => assert_eq!(other, (None, None)),
                }
            }
        }
        assert_eq!(again.verdict.best, results.verdict.best);
        assert_eq!(again.acceptance.len(), results.acceptance.len());
        assert_eq!(again.time_lines.len(), results.time_lines.len());
        assert!(again.rows.iter().any(|r| r.configuration.auto));
        assert!(read("{}").is_err());
    }

    /// Of a version that knew no tasks' predictions, no standard errors and no lengths chosen in the run.
    #[test]
    fn older_results_are_read_too() {
        let mut json = serde_json::to_value(sample()).expect("JSON");
        let rows = json["rows"].as_array_mut().expect("rows");
        rows.retain(|r| r.get("auto").is_none());
        for row in rows {
            let row = row.as_object_mut().expect("a row");
            row.remove("by_task");
            row.insert("tasks".to_owned(), serde_json::json!([["chat", 1.0, 1.0]]));
            if let Some(p) = row.get_mut("predicted").and_then(|p| p.as_object_mut()) {
                p.remove("relative_standard_error");
            }
        }
        let again = read(&json.to_string()).expect("readable");
        let pooled = again.verdict.pooled.expect("predicted");
        assert!(pooled.compared > 0);
        assert_eq!((pooled.within_noise, again.verdict.by_task), ((0, 0), None));
    }
}
