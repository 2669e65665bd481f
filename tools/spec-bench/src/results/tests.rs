use super::*;
use crate::bench::{Kind, Mode, configurations, run};
use crate::toy;
use spec_profile::predict::Prediction;
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
        &crate::args::Lengths {
            auto: true,
            ..toy::lengths(&[0, 1, 2, 4])
        },
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
            .map_or(0.0, |o| o.measured.tokens_per_second)
    };
    let guess = |m: &Measured, plain: f64| Guess {
        prediction: Prediction {
            tokens_per_second: m.speed_up * plain,
            plain_tokens_per_second: plain,
            tokens_per_round: m.tokens_per_round,
            c: 0.25,
            v: 1.0,
            measured: true,
        },
        relative_standard_error: Some(0.01),
    };
    let mut forecasts: Vec<Forecast> = first
        .rows
        .iter()
        .map(|r| match r.configuration.auto {
            true => Forecast::default(),
            false => Forecast {
                pooled: Some(guess(&r.measured, plain(r))),
                tasks: (r.by_task.iter())
                    .map(|t| (t.task.clone(), guess(&t.measured, 10.0)))
                    .collect(),
            },
        })
        .collect();
    let pooled = forecasts.iter_mut().filter_map(|f| f.pooled.as_mut());
    if let Some(last) = pooled.last() {
        last.prediction.tokens_per_second *= 0.5;
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
        &forecasts,
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
    assert_eq!(found.rows.len(), 2 * (1 + 2 * (3 + 1)));
    let v = &found.verdict;
    let pooled = v.pooled.expect("predicted");
    assert_eq!((pooled.compared, v.differing), (12, 0));
    assert!(pooled.total.0 < 1e-9, "all but one are right: {v:?}");
    assert!((pooled.total.1 - 50.0).abs() < 1e-9, "{v:?}");
    assert_eq!(pooled.within_noise, (11, 12), "all but one");
    let by_task = v.by_task.expect("predicted");
    assert_eq!(by_task.compared, 2 * 12);
    assert!(by_task.total.1 < 1e-9, "{v:?}");
    // one prompt of chat says nothing of others
    assert_eq!(by_task.within_noise, (12, 12));
    let last = found
        .rows
        .iter()
        .filter_map(|r| r.predicted)
        .next_back()
        .expect("predicted");
    assert!((last.latency_error + 50.0).abs() < 1e-9 && last.acceptance_error.abs() < 1e-9);
    assert!((pooled.latency.1 - 50.0).abs() < 1e-9 && pooled.acceptance.1 < 1e-9);
    let chosen: Vec<&Row> = found.rows.iter().filter(|r| r.configuration.auto).collect();
    assert_eq!(chosen.len(), 4, "two bundles, two schedules");
    assert_eq!(v.chosen_losses.len(), 4);
    for row in &chosen {
        let rounds: u64 = row.lengths.iter().sum();
        assert!(rounds > 0 && row.lengths.len() <= 5, "{row:?}");
        let drafts: u64 = (0..).zip(&row.lengths).map(|(n, count)| n * count).sum();
        let average = drafts as f64 / rounds as f64;
        assert!((average - row.drafts_per_round).abs() < 1e-9, "{row:?}");
    }
    assert!(
        chosen
            .iter()
            .all(|r| r.predicted.is_none() && r.drafts_per_round <= 4.0),
        "{chosen:?}"
    );
    assert!((last.error + 50.0).abs() < 1e-9 && (last.rate_error + 50.0).abs() < 1e-9);
    let row = |bundle, draft_length, schedule| {
        let c = Configuration {
            bundle,
            schedule,
            draft_length,
            auto: false,
        };
        found
            .rows
            .iter()
            .find(|r| r.configuration == c)
            .expect("there")
    };
    let plain = row(0, 0, Kind::Sequential);
    assert_eq!(
        (
            plain.measured.speed_up,
            plain.spread,
            plain.measured.tokens_per_round
        ),
        (1.0, 0.0, 1.0)
    );
    // a call of the target gives five tokens, not one, and drafts cost nothing: faster, whatever the machine does beside it
    let four = row(1, 4, Kind::Sequential);
    assert!(
        four.measured.speed_up > 1.2 && four.measured.tokens_per_round > 4.0,
        "{four:?}"
    );
    assert!(
        four.by_task
            .iter()
            .map(|t| t.task.as_str())
            .eq(["chat", "code"])
    );
    assert!(four.shares.iter().take(2).sum::<f64>() > 0.5, "{four:?}");
    assert!(row(0, 4, Kind::Sequential).measured.tokens_per_round < four.measured.tokens_per_round);
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
fn the_csv_has_a_line_a_configuration_and_task() {
    let found = sample();
    let text = found.to_csv().expect("text");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers().expect("a header").len();
    let rows: Vec<csv::StringRecord> = reader.records().map(|r| r.expect("a record")).collect();
    assert_eq!((columns, rows.len()), (26, 3 * found.rows.len()));
    let tasks: Vec<&str> = rows.iter().take(4).map(|r| &r[5]).collect();
    assert_eq!(tasks, ["all", "chat", "code", "all"]);
    assert!(rows.iter().all(|r| r.len() == columns));
    assert_eq!(&rows[0][2], "cpu:2:f16");
}
