use super::*;
use crate::bench::{Kind, Mode, configurations, run};
use crate::toy;
use spec_runtime::sampling::Sampling;

fn place(dtype: &str) -> Place {
    Place {
        model: "toy & co".to_owned(),
        unit: "cpu".to_owned(),
        cores: Some(2),
        dtype: dtype.to_owned(),
    }
}

/// Two toy bundles, measured; predictions that are right but for the last one, which is half.
pub(crate) fn sample() -> Results {
    let bundles = [toy::bundle("errs", 4), toy::bundle("<right>", 0)];
    let all = configurations(
        &bundles,
        &[0, 1, 2, 4],
        &[Kind::Sequential, Kind::Overlapped],
    );
    let mode = Mode {
        max_tokens: 48,
        sampling: Sampling::Greedy,
        seed: 0,
        repeats: 1,
    };
    let runs = run(&bundles, &all, &toy::prompts(2), &mode, |_| ()).expect("measured");
    let infos: Vec<BundleInfo> = ["errs", "<right>"]
        .into_iter()
        .map(|label| BundleInfo {
            label: label.to_owned(),
            target: place("f16"),
            drafter: Some(place("i4g32")),
            plan: Some(Planned {
                draft_length: 2,
                strategy: "sequential".to_owned(),
                speed_up: 1.5,
            }),
        })
        .collect();
    let first = results(
        sources(),
        Conditions::default(),
        infos.clone(),
        &all,
        &[],
        runs,
    );
    let plain = |r: &Row| {
        let same = |o: &&Row| {
            o.configuration.bundle == r.configuration.bundle && o.configuration.draft_length == 0
        };
        first
            .rows
            .iter()
            .find(same)
            .map_or(0.0, |o| o.tokens_per_second)
    };
    let mut predictions: Vec<Option<Prediction>> = first
        .rows
        .iter()
        .map(|r| {
            Some(Prediction {
                tokens_per_second: r.tokens_per_second,
                plain_tokens_per_second: plain(r),
                tokens_per_round: r.tokens_per_round,
                c: 0.25,
                v: 1.0,
                measured: true,
            })
        })
        .collect();
    if let Some(Some(last)) = predictions.last_mut() {
        last.tokens_per_second *= 0.5;
    }
    let runs = Runs {
        runs: first.runs.clone(),
        time_lines: first.time_lines.iter().cloned().collect(),
        rounds: std::collections::BTreeMap::new(),
    };
    let mut again = results(
        sources(),
        Conditions::default(),
        infos,
        &all,
        &predictions,
        runs,
    );
    again.acceptance = first.acceptance;
    again
}

fn sources() -> Sources {
    Sources {
        tool: "spec-bench".to_owned(),
        soc: Some("host".to_owned()),
        profile: None,
        acceptance: Some("a<b>.csv".to_owned()),
        prompts: "3 prompts".to_owned(),
        sampling: "greedy".to_owned(),
        max_tokens: 48,
        repeats: 1,
        notes: vec!["a \"note\" & more".to_owned()],
    }
}

#[test]
fn predictions_are_compared_with_what_was_measured() {
    let found = sample();
    assert_eq!(found.rows.len(), 2 * (1 + 2 * 3));
    let v = &found.verdict;
    assert_eq!((v.compared, v.differing), (12, 0));
    assert!(
        v.median_error.is_some_and(|e| e < 1e-9),
        "all but one are right: {v:?}"
    );
    assert!(
        v.worst_error.is_some_and(|e| (e - 50.0).abs() < 1e-9),
        "{v:?}"
    );
    let last = found
        .rows
        .last()
        .and_then(|r| r.predicted.clone())
        .expect("predicted");
    assert!((last.error + 50.0).abs() < 1e-9 && (last.rate_error + 50.0).abs() < 1e-9);
    let row = |bundle, draft_length, schedule| {
        let c = Configuration {
            bundle,
            schedule,
            draft_length,
        };
        found
            .rows
            .iter()
            .find(|r| r.configuration == c)
            .expect("there")
    };
    let plain = row(0, 0, Kind::Sequential);
    assert_eq!(
        (plain.speed_up, plain.spread, plain.tokens_per_round),
        (1.0, 0.0, 1.0)
    );
    // a call of the target gives five tokens, not one, and drafts cost nothing: faster, whatever the machine does beside it
    let four = row(1, 4, Kind::Sequential);
    assert!(
        four.speed_up > 1.2 && four.tokens_per_round > 4.0,
        "{four:?}"
    );
    assert!(four.tasks.iter().map(|t| t.0.as_str()).eq(["chat", "code"]));
    assert!(four.shares.iter().take(2).sum::<f64>() > 0.5, "{four:?}");
    assert!(row(0, 4, Kind::Sequential).tokens_per_round < four.tokens_per_round);
    assert_eq!(v.plan_losses.len(), 2);
    assert!(v.plan_losses.iter().all(|l| l.is_some_and(|l| l >= 0.0)));
    assert_eq!(v.choice_is_good, v.choice_loss.map(|l| l <= CLOSE));
}

#[test]
fn acceptance_is_that_of_the_toys() {
    let found = sample();
    let curve = |bundle, task: &str| {
        let mut all = found.acceptance.iter();
        all.find(|c| c.bundle == bundle && c.task == task)
            .expect("there")
            .clone()
    };
    let right = curve(1, "all");
    assert_eq!((right.draft_length, right.survival), (4, vec![1.0; 4]));
    let errs = curve(0, "code");
    assert!(errs.survival.last().is_some_and(|s| *s < 1.0), "{errs:?}");
    assert!(!found.time_lines.is_empty());
    for (row, line) in &found.time_lines {
        assert!(found.rows[*row].configuration.draft_length > 0);
        assert!(
            line.rounds.len() > 1 && line.spans.iter().any(|s| s.lane == "target"),
            "{line:?}"
        );
    }
}

#[test]
fn the_csv_has_a_line_a_configuration() {
    let found = sample();
    let text = found.to_csv().expect("text");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers().expect("a header").len();
    let rows: Vec<csv::StringRecord> = reader.records().map(|r| r.expect("a record")).collect();
    assert_eq!((columns, rows.len()), (20, found.rows.len()));
    assert!(rows.iter().all(|r| r.len() == columns));
    assert_eq!(&rows[0][2], "cpu:2:f16");
}

#[test]
fn nothing_predicted_is_no_error() {
    let found = verdict(&[], &[]);
    assert_eq!(found, Verdict::default());
}
