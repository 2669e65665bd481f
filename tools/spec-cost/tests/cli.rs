//! The tool as a user runs it: output, exit codes, errors that say what to do.

use std::process::{Command, Output};

fn run(args: &str) -> Output {
    let words: Vec<&str> = args.split_whitespace().collect();
    let output = Command::new(env!("CARGO_BIN_EXE_spec-cost"))
        .args(words)
        .output();
    output.expect("the tool starts")
}

fn ok(args: &str) -> String {
    let output = run(args);
    assert!(
        output.status.success(),
        "{args}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn fails(args: &str, code: i32) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(code), "{args}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).expect("UTF-8")
}

const PAIR: &str = "--drafter llama-3.2-1b --target llama-3.2-3b";

#[test]
fn plan_reports_and_adds_up() {
    let report = ok(&format!("plan --soc imx95 {PAIR} --alpha 0.8"));
    for part in [
        "plan:",
        "baseline:",
        "break-even:",
        "one round:",
        "total",
        "caveats:",
        "guesses that bear",
    ] {
        assert!(report.contains(part), "no '{part}' in\n{report}");
    }
}

#[test]
fn plan_as_json_parses() {
    let json = ok(&format!(
        "plan --soc imx95 {PAIR} --alpha 0.8 --json --force-drafter gpu --force-target cpu:1"
    ));
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["best"]["drafter"]["unit"], "gpu");
    assert_eq!(value["best"]["target"]["cores"], 1);
    assert!(value["guesses"].as_array().is_some_and(|g| !g.is_empty()));
}

#[test]
fn measured_acceptance_is_read() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../cost/tests/data/qwen2.5-1.5b-0.5b.acceptance.csv"
    );
    let report = ok(&format!(
        "plan --soc rk3588 --drafter qwen2.5-0.5b --target qwen2.5-1.5b --acceptance {file} --mode greedy --task code"
    ));
    assert!(report.contains("greedy / code"), "{report}");
}

#[test]
fn curve_rises() {
    let curve = ok(&format!(
        "curve --soc imx95 {PAIR} --from 0.6 --to 0.9 --step 0.1"
    ));
    let speedups: Vec<f64> = curve
        .lines()
        .skip(3)
        .map(|l| {
            l.split_whitespace()
                .nth(1)
                .and_then(|s| s.trim_end_matches('x').parse().ok())
                .expect("a speed-up")
        })
        .collect();
    assert_eq!(speedups.len(), 4);
    assert!(speedups.windows(2).all(|w| w[0] <= w[1]), "{speedups:?}");
}

#[test]
fn devices_models_and_table() {
    let all = ok("devices");
    assert_eq!(all.lines().count(), 8);
    let one = ok("devices imx95");
    assert!(one.contains("unit.gpu.device_to_host") && one.contains("guesses"));
    assert_eq!(ok("models").lines().count(), 5);
    assert!(ok("models llama-3.2-1b").contains("attention"));
    assert!(ok("table").contains("6.40@15"));
}

#[test]
fn bad_input_is_1_and_wrong_usage_is_2() {
    assert!(fails(&format!("plan --soc orin {PAIR} --alpha 0.8"), 1).contains("built in: imx95"));
    assert!(fails(&format!("plan --soc imx95 {PAIR} --alpha 1.8"), 1).contains("not in 0..=1"));
    assert!(
        fails(&format!("plan --soc imx95 {PAIR}"), 1)
            .contains("give --alpha RATE or --acceptance FILE.csv")
    );
    assert!(
        fails(
            &format!("plan --soc imx95 {PAIR} --alpha 0.8 --force-target npu"),
            1
        )
        .contains("it has cpu, gpu")
    );
    assert!(fails(&format!("curve --soc imx95 {PAIR} --step 0"), 1).contains("1 to 1000 points"));
    fails("plan", 2);
    fails(
        &format!("plan --soc imx95 {PAIR} --alpha 0.8 --context 5"),
        2,
    );
    fails(
        &format!("plan --soc imx95 {PAIR} --alpha 0.8 --objective speed"),
        2,
    );
    fails("conjure", 2);
}
