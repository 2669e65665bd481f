//! Runs the tool on a bundle of toy models with measured latencies: what it chooses, what it predicts, what it refuses.

mod bundle;

use bundle::Kind;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// One core, so that both models take turns on any machine.
const ONE: [&str; 7] = [
    "--prompt-tokens",
    "97,98",
    "-n",
    "30",
    "--no-pin",
    "--cores",
    "0",
];

fn made(alone: bool) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let kind = Kind {
        alone,
        ..Kind::default()
    };
    bundle::write(folder.path(), kind);
    folder
}

/// Exit code, standard output, standard error. The plan is followed unless the arguments say a draft length.
fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let length: &[&str] = match args.contains(&"-d") {
        true => &[],
        false => &["-d", "plan"],
    };
    let output = Command::new(env!("CARGO_BIN_EXE_spec-run"))
        .current_dir(folder)
        .arg(".")
        .args(ONE)
        .args(length)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn json(folder: &Path, args: &[&str]) -> Value {
    let (code, out, error) = run(folder, &[args, &["--json"]].concat());
    assert_eq!(code, Some(0), "{args:?}: {error}");
    serde_json::from_str(&out).expect("JSON")
}

fn refused(folder: &Path, args: &[&str], parts: &[&str]) {
    let (code, out, error) = run(folder, args);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{args:?}: {error}");
    for part in parts {
        assert!(error.contains(part), "{args:?}: {part}: {error}");
    }
}

/// Writes a profile: a drafter step takes `step` milliseconds, a call of the target 10 to 11.
fn profile(folder: &Path, name: &str, step: f64, drafter: bool) {
    let mut rows = String::new();
    let mut row = |role: &str, m: u32, milliseconds: f64| {
        for s in [0, 64] {
            rows += &format!(
                "{{ role = \"{role}\", unit = \"cpu\", cores = 1, dtype = \"f32\", m = {m}, s = {s}, seconds = {} }},\n",
                milliseconds * 1e-3
            );
        }
    };
    row("target", 1, 10.0);
    row("target", 5, 11.0);
    if drafter {
        row("drafter", 1, step);
        row("drafter", 2, step);
    }
    let text = format!("source = \"made up\"\nlatency = [\n{rows}]\n");
    std::fs::write(folder.join(name), text).expect("written");
}

#[test]
fn the_best_draft_length_is_taken_and_its_prediction_compared() {
    let folder = made(false);
    profile(folder.path(), "p.toml", 0.1, true);
    let found = json(folder.path(), &["--profile", "p.toml", "--alpha", "0.9"]);
    let plan = &found["plan"];
    assert_eq!(
        (&plan["draft_length"], &plan["strategy"], &plan["followed"]),
        (&4.into(), &"sequential".into(), &true.into()),
        "drafts are all but free: as many as one call verifies; {plan}"
    );
    assert_eq!(
        (&found["settings"]["draft_length"], &plan["source"]),
        (&"4".into(), &"profile p.toml".into())
    );
    let here = &plan["made_here"];
    assert_eq!(
        (&here["shortest_context"], &here["longest_context"]),
        (&2.into(), &32.into())
    );
    let ways = here["candidates"].as_array().expect("a list");
    let lengths: Vec<u64> = ways
        .iter()
        .filter_map(|w| w["draft_length"].as_u64())
        .collect();
    assert_eq!(lengths, [0, 1, 2, 3, 4], "{here}");
    // tokens a round of the run in place of those assumed, and nearly the same time
    let mut share = 1.0;
    let positions = found["decode"]["acceptance_by_position"].as_array();
    let tokens: f64 = positions
        .expect("a list")
        .iter()
        .map(|p| {
            share *= p["rate"].as_f64().expect("a rate");
            share
        })
        .sum();
    let number = |v: &Value, name: &str| v[name].as_f64().expect("a number");
    let at = number(&here["at_measured_acceptance"], "tokens_per_second");
    let by_hand = (1.0 + tokens) / number(&ways[4], "round_seconds");
    assert!((at / by_hand - 1.0).abs() < 0.01, "{at}, by hand {by_hand}");
    let assumed = number(&ways[4], "tokens_per_second");
    assert!((at / assumed - 1.0).abs() > 0.1, "{at}, assumed {assumed}");

    let (code, out, table) = run(
        folder.path(),
        &["--profile", "p.toml", "--alpha", "0.9", "-v"],
    );
    assert_eq!((code, out.is_empty()), (Some(0), false), "{table}");
    for part in [
        "\nplan (profile p.toml)  draft length 4, sequential; predicted ",
        "\n  choice ",
        "of 0 to 4 drafts, for contexts of 2 to 32 tokens: ",
        "acceptance of --alpha",
        "that were accepted",
        "\n  plain ",
        "\n  3 sequential ",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let (_, _, table) = run(folder.path(), &["--profile", "p.toml"]);
    assert!(
        !table.contains("\n  3 sequential ") && table.contains("acceptance of the bundle's plan"),
        "{table}"
    );
}

#[test]
fn where_drafting_does_not_pay_nothing_is_drafted() {
    let folder = made(false);
    profile(folder.path(), "p.toml", 9.0, true);
    let slow = ["--profile", "p.toml", "--alpha", "0.5"];
    let found = json(folder.path(), &slow);
    let plan = &found["plan"];
    assert_eq!(
        (&plan["draft_length"], &plan["strategy"], &plan["speed_up"]),
        (&0.into(), &"none".into(), &1.0.into())
    );
    assert_eq!(
        (&plan["followed"], &found["decode"]["drafted"]),
        (&true.into(), &0.into())
    );
    assert_eq!(
        plan["made_here"]["at_measured_acceptance"],
        Value::Null,
        "nothing was drafted"
    );
    refused(
        folder.path(),
        &[&slow[..], &["--compare=1"]].concat(),
        &["nothing to compare"],
    );
    let found = json(folder.path(), &[&slow[..], &["-d", "2"]].concat());
    let plan = &found["plan"];
    assert_eq!(
        (&plan["draft_length"], &plan["followed"]),
        (&2.into(), &true.into()),
        "asked for, so predicted"
    );
    assert!(plan["speed_up"].as_f64().is_some_and(|s| s < 1.0), "{plan}");
    let found = json(folder.path(), &[&slow[..], &["-d", "adaptive"]].concat());
    assert_eq!(found["plan"]["followed"], false);
}

#[test]
fn the_verdict_tells_acceptance_from_latency() {
    let folder = made(false);
    profile(folder.path(), "p.toml", 1.0, true);
    let args = [
        "--profile",
        "p.toml",
        "--alpha",
        "0.1",
        "-d",
        "3",
        "--compare=1",
    ];
    let found = json(folder.path(), &args);
    let verdict = found["compare"]["verdict"].as_str().expect("a verdict");
    for part in [
        "the plan predicted ",
        "% of the drafts were accepted, not 10.0 % as it assumed, and for those it predicts ",
    ] {
        assert!(verdict.contains(part), "{part}: {verdict}");
    }
    let at = &found["plan"]["made_here"]["at_measured_acceptance"];
    let better = at["speed_up"].as_f64() > found["plan"]["speed_up"].as_f64();
    assert!(better && at["speed_up_error_percent"].is_f64(), "{at}");
}

#[test]
fn acceptance_comes_from_a_file_by_task() {
    let folder = made(false);
    let csv = "target,drafter,mode,task,gamma,alpha_per_token,tokens_per_round,survival_1..gamma
toy-target:f32,toy-drafter:f32,greedy,all,2,0.5,1.75,0.5;0.25
toy-target:f32,toy-drafter:f32,greedy,chat,2,0.9,2.71,0.9;0.81
toy-target:f32,other:f32,greedy,all,2,0.1,1.11,0.1;0.01
";
    std::fs::write(folder.path().join("a.csv"), csv).expect("written");
    let rate = |more: &[&str]| {
        let args = [&["--acceptance", "a.csv", "-d", "2"], more].concat();
        let found = json(folder.path(), &args);
        let plan = &found["plan"];
        assert_eq!(plan["source"], "device file host", "there is no profile");
        plan["acceptance"].as_f64().expect("a rate")
    };
    assert!((rate(&[]) - 0.5).abs() < 1e-9);
    assert!((rate(&["--task", "chat"]) - 0.9).abs() < 1e-9);
    let unknown = ["--acceptance", "a.csv", "--task", "poetry"];
    refused(folder.path(), &unknown, &["no row matches"]);
    refused(
        folder.path(),
        &["--acceptance", "b.csv"],
        &["cannot read b.csv"],
    );
}

#[test]
fn what_does_not_fit_is_said() {
    let folder = made(false);
    profile(folder.path(), "half.toml", 1.0, false);
    refused(
        folder.path(),
        &["--profile", "half.toml"],
        &[
            "half.toml (made up) has no rows of the drafter 'toy-drafter' in f32 on 1 core of cpu",
            "spec-profile . -o",
        ],
    );
    refused(folder.path(), &["--profile", "none.toml"], &["none.toml"]);
    let elsewhere = ["--alpha", "0.5", "--soc", "no-such-device"];
    refused(folder.path(), &elsewhere, &["no-such-device"]);
    let alone = made(true);
    profile(alone.path(), "half.toml", 1.0, false);
    for option in [&["--acceptance", "a.csv"], &["--alpha", "0.5"]] {
        refused(alone.path(), option, &["has no drafter", option[0]]);
    }
    let found = json(alone.path(), &["--profile", "half.toml"]);
    let plan = &found["plan"];
    assert_eq!(
        (&plan["draft_length"], &plan["followed"]),
        (&0.into(), &true.into())
    );
    let predicted = plan["tokens_per_second"].as_f64().expect("a speed");
    assert!(
        (predicted - 100.0).abs() < 2.0,
        "10 ms a token: {predicted}"
    );
    let drafts = ["--profile", "half.toml", "-d", "2"];
    refused(alone.path(), &drafts, &["has no drafter"]);
}

/// What a profile predicts is where lengths that are chosen in the run begin; by its times alone they are the same again.
#[test]
fn a_profile_is_the_prior_of_lengths_chosen_in_the_run() {
    let folder = made(false);
    profile(folder.path(), "p.toml", 1.0, true);
    profile(folder.path(), "slow.toml", 9.0, true);
    let auto = |profile: &str, alpha: &str| {
        let length = [
            "-d",
            "auto:predicted",
            "--profile",
            profile,
            "--alpha",
            alpha,
        ];
        json(folder.path(), &length)
    };
    let found = auto("p.toml", "0.9");
    assert_eq!(
        found["settings"]["draft_length"],
        "auto up to 4, times as predicted"
    );
    assert_eq!(found["plan"]["followed"], false);
    let lengths = &found["decode"]["lengths"];
    let of = |drafts: u64| {
        let mut lines = lengths.as_array().expect("a list").iter();
        lines.find(|l| l["drafts"] == drafts).cloned()
    };
    let line = of(4).unwrap_or_else(|| panic!("4 drafts are best: {lengths}"));
    assert!(line["rounds"].as_u64().is_some_and(|n| n > 1), "{lengths}");
    // 10 to 11 ms for the target, 1 ms a draft: 5 tokens in 14 to 15 ms at best
    let expected = line["expected_tokens_per_second"]
        .as_f64()
        .expect("a speed");
    assert!((100.0..360.0).contains(&expected), "{lengths}");
    assert_eq!(auto("p.toml", "0.9")["decode"]["lengths"], *lengths);
    let found = auto("slow.toml", "0.2");
    assert_eq!(
        (&found["decode"]["drafted"], &found["decode"]["probes"]),
        (&0.into(), &0.into())
    );
    let (code, _, table) = run(folder.path(), &["--profile", "p.toml", "-d", "auto"]);
    assert_eq!(code, Some(0), "{table}");
    assert!(
        table.contains("; lengths were chosen in the run\n"),
        "{table}"
    );
}
