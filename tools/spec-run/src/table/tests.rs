use super::*;
use crate::compare::{Pair, summary};
use crate::generation::{Run, Watch, generate};
use crate::report::{self, AtMeasuredLine, FORMAT_VERSION, MadeHere, Measured};
use crate::toy::{generator, settings};
use spec_profile::choose::Way;
use spec_runtime::generate::{Decided, Drafting, Schedule};
use spec_runtime::manifest::Plan;

fn toy_run(drafts: usize) -> Run {
    let watch = Watch {
        sink: &mut |_| Ok(true),
        interrupted: &|| false,
        meter: None,
        trace: None,
    };
    generate(
        &mut generator(true),
        &[1, 2, 3],
        &settings(30, drafts),
        watch,
    )
    .unwrap()
}

fn planned() -> Plan {
    let plan = serde_json::json!({"gamma": 3, "strategy": "sequential", "speed_up": 2.0, "tokens_per_second": 1e6,
        "acceptance": 0.8, "baseline": "toy on cpu:1:f32, no speculation", "baseline_tokens_per_second": 5e5});
    serde_json::from_value(plan).unwrap()
}

/// Runs of the toy, and this plan of it.
fn made(drafts: usize, pairs: &[Pair]) -> Report {
    let run = toy_run(drafts);
    let decoding = Decided {
        drafting: Drafting::Fixed(drafts),
        schedule: Schedule::Sequential,
        as_planned: drafts == 3,
        note: Some("a note"),
    };
    let summary = summary(pairs, Some(2.0));
    let measured = Measured {
        tokens_per_second: run.stats.tokens_per_second(),
        speed_up: summary.as_ref().map(|s| s.speed_up),
        acceptance: run.stats.acceptance_rate(),
    };
    let lines = report::run(&run, Some("text".into()));
    Report {
        format_version: FORMAT_VERSION,
        tool: "spec-run 0".into(),
        bundle: "out".into(),
        models: vec![ModelLine {
            role: "target",
            name: Some("toy".into()),
            dtype: Some("f32".into()),
            device: "cpu".into(),
            cores: 2,
            widths: vec![1, 5],
        }],
        settings: report::settings(&settings(30, drafts)),
        plan: Some(report::plan(&planned(), &decoding, &measured)),
        prompt: lines.prompt,
        output: lines.output,
        decode: lines.decode,
        times: lines.times,
        energy: lines.energy,
        compare: (!pairs.is_empty()).then(|| CompareLine {
            pairs: pairs.to_vec(),
            complete: true,
            tokens_equal: Some(true),
            plain_cores: Some(4),
            summary,
        }),
        notes: decoding.note.map(str::to_owned).into_iter().collect(),
    }
}

/// The text of a row.
fn row<'a>(table: &'a str, name: &str) -> Option<&'a str> {
    let mut rows = table
        .lines()
        .filter_map(|l| l.strip_prefix(name)?.strip_prefix("  "));
    rows.next().map(str::trim)
}

#[test]
fn a_speculative_run_shows_rounds_acceptance_and_times() {
    let table = table(&made(3, &[]), false);
    let has = |name: &str, part: &str| {
        let row = row(&table, name).unwrap_or_else(|| panic!("no row {name}:\n{table}"));
        assert!(row.contains(part), "{name}: {part}\n{table}");
    };
    has("target", "toy, f32, CPU, 2 cores");
    has("prompt", "3 tokens, prefill ");
    has("generated", "30 tokens in ");
    has("generated", "tokens/s; as many as asked for");
    has("rounds", "tokens a round; draft length 3, sequential");
    has("acceptance", "% of the drafts that were reached");
    has("  draft 1", " of ");
    has("  draft 3", " of ");
    for part in [
        "time",
        "  draft",
        "  verify",
        "  hand-off",
        "  sampling",
        "  other",
    ] {
        has(part, "%");
    }
    has("  outside", "% outside of the models");
    has(
        "plan",
        "draft length 3, sequential; predicted 1000000.00 tokens/s (",
    );
    has("plan", "% too high), for an acceptance rate of 80.0 %");
    has("note", "a note");
    for absent in ["energy", "compared", "  beside", "verdict"] {
        assert_eq!(row(&table, absent), None, "{absent}");
    }
}

#[test]
fn plain_decoding_has_no_drafts() {
    let table = table(&made(0, &[]), false);
    assert_eq!(row(&table, "acceptance"), None);
    assert_eq!(
        (row(&table, "  draft"), row(&table, "  verify")),
        (None, None)
    );
    assert!(row(&table, "  model").is_some(), "{table}");
    assert!(
        row(&table, "rounds")
            .unwrap()
            .starts_with("30, 1.00 tokens a round; plain decoding")
    );
    assert!(
        row(&table, "plan").unwrap().ends_with("; not followed"),
        "{table}"
    );
}

#[test]
fn a_comparison_shows_both_speeds_and_the_prediction() {
    let pair = |speculative, plain| Pair { speculative, plain };
    let table = table(
        &made(3, &[pair(15.0, 10.0), pair(16.0, 10.0), pair(17.0, 10.0)]),
        false,
    );
    assert_eq!(row(&table, "compared"), Some("medians of 3 pairs of runs"));
    assert_eq!(row(&table, "  speculative"), Some("16.00 tokens/s"));
    assert_eq!(
        row(&table, "  plain"),
        Some("10.00 tokens/s, on 4 cores as the plan's baseline")
    );
    assert_eq!(
        row(&table, "  speed-up"),
        Some("1.600 (1.500 to 1.700), predicted 2.000: 25.0 % too high")
    );
    assert_eq!(row(&table, "  tokens"), Some("the same both ways"));
    assert!(
        row(&table, "verdict")
            .unwrap()
            .starts_with("speculation pays here")
    );
}

/// Names and meaning of the document's fields: what docs/spec-run.md promises.
#[test]
fn the_document_has_stable_names() {
    let report = made(
        3,
        &[Pair {
            speculative: 16.0,
            plain: 10.0,
        }],
    );
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec-run.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut seen = 0;
    let mut check = |object: &serde_json::Value| {
        for name in object.as_object().unwrap().keys() {
            assert!(
                page.contains(&format!("`{name}`")),
                "docs/spec-run.md does not explain {name}"
            );
            seen += 1;
        }
    };
    check(&json);
    for part in [
        "settings", "plan", "prompt", "output", "decode", "times", "compare",
    ] {
        check(&json[part]);
    }
    let way = Way {
        draft_length: 3,
        schedule: spec_cost::Strategy::Sequential,
        tokens_per_second: 16.0,
        speed_up: 1.6,
        tokens_per_round: 2.0,
        round_seconds: 0.1,
        measured: true,
    };
    let at = AtMeasuredLine {
        tokens_per_second: 16.0,
        speed_up: 1.6,
        tokens_per_second_error_percent: None,
        speed_up_error_percent: None,
    };
    check(&serde_json::to_value(&way).unwrap());
    check(&serde_json::to_value(at).unwrap());
    let here = MadeHere {
        acceptance_source: None,
        shortest_context: 1,
        longest_context: 2,
        candidates: vec![way],
        at_measured_acceptance: Some(at),
    };
    check(&serde_json::to_value(here).unwrap());
    check(&json["models"][0]);
    check(&json["decode"]["acceptance_by_position"][0]);
    check(&json["decode"]["lengths"][0]);
    check(&json["compare"]["pairs"][0]);
    assert!(seen > 60, "{seen}");
    let times = &json["times"];
    let number = |name: &str| times[name].as_f64().unwrap();
    let parts = [
        "draft_seconds",
        "verify_seconds",
        "handoff_seconds",
        "sampling_seconds",
        "other_seconds",
    ];
    let sum: f64 = parts.iter().map(|p| number(p)).sum();
    assert!((sum - number("total_seconds")).abs() < 1e-9);
    assert_eq!(json["output"]["tokens"].as_array().unwrap().len(), 30);
    assert_eq!(
        (&json["output"]["finish"], &json["compare"]["speed_up"]),
        (&"max_tokens".into(), &1.6.into())
    );
    assert_eq!(json["plan"]["source"], "bundle");
    let error = json["plan"]["speed_up_error_percent"].as_f64().unwrap();
    assert!((error - 25.0).abs() < 1e-9);
}

#[test]
fn times_have_sensible_units() {
    let texts = [0.0000123, 0.0123, 0.9994, 1.5, 123.45].map(time);
    assert_eq!(
        texts,
        ["0.012 ms", "12.3 ms", "999.4 ms", "1.500 s", "123.5 s"]
    );
}
