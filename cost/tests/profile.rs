//! Profiles: they replace the analytic latency, are interpolated, and say so.

use proptest::prelude::*;
use spec_cost::{
    Acceptance, AcceptanceFilter, Architecture, Basis, Candidate, ModelShape, Problem, Profile,
    SearchOptions, Soc, search,
};

const TOML: &str = r#"
source = "a bench"
[[latency]]
role = "target"
unit = "cpu"
cores = 2
dtype = "f16"
m = 1
s = 0
seconds = 0.1
spread = 0.002
[[latency]]
role = "target"
unit = "cpu"
cores = 2
dtype = "f16"
m = 1
s = 1000
seconds = 0.2
[[latency]]
role = "target"
unit = "cpu"
cores = 2
dtype = "f16"
m = 5
s = 0
seconds = 0.3
[[handoff]]
from = "gpu"
to = "cpu"
bytes = 1000
seconds = 0.001
"#;

fn alone(profile: &Profile, context: (u64, u64)) -> Candidate {
    let soc = Soc::load("host").expect("built in");
    let target =
        ModelShape::from_architecture(&Architecture::load("smollm2-135m").expect("built in"));
    let acceptance = Acceptance::constant(0.0, String::new()).expect("valid");
    let options = SearchOptions {
        context,
        force_target: Some("cpu:2".parse().expect("a pin")),
        ..SearchOptions::default()
    };
    let p = Problem {
        soc: &soc,
        target: &target,
        drafter: None,
        acceptance: &acceptance,
        profile: Some(profile),
        options: &options,
    };
    search(&p).expect("a plan").best
}

fn parse(text: &str) -> Profile {
    Profile::parse(text, "p.toml").expect("valid")
}

#[test]
fn measured_rows_replace_the_analytic_figure() {
    let c = alone(&parse(TOML), (0, 0));
    assert!(
        (c.verify_seconds - 0.1).abs() < 1e-12 && c.measured && c.target_basis == Basis::Measured
    );
}

#[test]
fn between_rows_linear_in_context() {
    let c = alone(&parse(TOML), (250, 250));
    assert!(
        (c.verify_seconds - 0.125).abs() < 1e-12
            && c.measured
            && c.target_basis == Basis::Interpolated
    );
}

#[test]
fn outside_the_rows_the_analytic_figure_is_scaled() {
    let c = alone(&parse(TOML), (4000, 4000));
    assert!(c.verify_seconds > 0.2 && !c.measured && c.target_basis == Basis::Calibrated);
}

#[test]
fn rows_of_another_placement_do_not_count() {
    for (from, to) in [
        ("cores = 2", "cores = 1"),
        ("\"f16\"", "\"f32\""),
        ("\"cpu\"", "\"cpu-x\""),
        ("role = \"target\"", "model = \"other\""),
    ] {
        let c = alone(&parse(&TOML.replace(from, to)), (0, 0));
        assert_eq!(c.target_basis, Basis::Analytic, "{to}");
    }
    let named = TOML.replace("role = \"target\"", "model = \"smollm2-135m\"");
    assert_eq!(alone(&parse(&named), (0, 0)).target_basis, Basis::Measured);
}

/// One row each of two targets, as a profile of several bundles has them.
fn two_targets(parameters: u64) -> String {
    let row = |model: &str, parameters: u64, seconds: f64| {
        format!(
            "[[latency]]\nrole = \"target\"\nmodel = \"{model}\"\nparameters = {parameters}\nunit = \"cpu\"\ncores = 2\n\
             dtype = \"f16\"\nm = 1\ns = 0\nseconds = {seconds}\n"
        )
    };
    [
        row("Small", parameters, 0.1),
        row("Large", 1_000_000_000, 0.7),
    ]
    .concat()
}

/// A module calls a model by its function, a bundle by its checkpoint: the number of parameters is the same.
#[test]
fn rows_of_several_models_are_found_by_parameters() {
    let parameters = Architecture::load("smollm2-135m")
        .expect("built in")
        .parameters();
    let text = two_targets(parameters);
    let c = alone(&parse(&text), (0, 0));
    assert_eq!((c.verify_seconds, c.target_basis), (0.1, Basis::Measured));
    let other = alone(&parse(&two_targets(parameters + 1)), (0, 0));
    assert_eq!(other.target_basis, Basis::Analytic, "no model is as large");
    let drafter = text.replace("target", "drafter");
    assert_eq!(
        alone(&parse(&drafter), (0, 0)).target_basis,
        Basis::Analytic,
        "the other role"
    );
    let named = text.replace("Large", "smollm2-135m");
    assert_eq!(
        alone(&parse(&named), (0, 0)).verify_seconds,
        0.7,
        "the name comes first"
    );
}

/// A profile without rows of the target says so: its figures are not mixed up in silence.
#[test]
fn what_a_profile_does_not_have_is_a_caveat() {
    let soc = Soc::load("host").expect("built in");
    let target = Architecture::load("smollm2-135m").expect("built in");
    let target = ModelShape::from_architecture(&target);
    let acceptance = Acceptance::constant(0.0, String::new()).expect("valid");
    let caveats = |parameters: u64| {
        let options = SearchOptions {
            context: (0, 0),
            force_target: Some("cpu:2".parse().expect("a pin")),
            ..SearchOptions::default()
        };
        let p = Problem {
            soc: &soc,
            target: &target,
            drafter: None,
            acceptance: &acceptance,
            profile: Some(&parse(&two_targets(parameters))),
            options: &options,
        };
        search(&p).expect("a plan").caveats.join("\n")
    };
    let lacking =
        "p.toml has no rows of the target 'smollm2-135m' (134515008 parameters) on cpu:2:f16";
    assert!(caveats(7).contains(lacking), "{}", caveats(7));
    assert!(!caveats(134_515_008).contains("no rows"));
}

const JSON: &str = r#"{"latency": [{"role": "target", "unit": "cpu", "cores": 2, "dtype": "f16", "m": 1, "s": 0, "seconds": 0.1}]}"#;
const CSV: &str = "model,role,unit,cores,dtype,m,s,seconds,spread\n,target,cpu,2,f16,1,0,0.1,0\n";

#[test]
fn json_and_csv_say_the_same() {
    for (text, path) in [(JSON, "p.json"), (CSV, "p.csv")] {
        let c = alone(&Profile::parse(text, path).expect(path), (0, 0));
        assert!((c.verify_seconds - 0.1).abs() < 1e-12, "{path}");
    }
}

/// M between measured Ms is interpolated: gamma 2 verifies 3 tokens, half way between .1 s (M = 1) and .3 s (M = 5).
#[test]
fn between_rows_linear_in_tokens_and_handoff_measured() {
    let soc = Soc::load("host").expect("built in");
    let target =
        ModelShape::from_architecture(&Architecture::load("smollm2-135m").expect("built in"));
    let acceptance = Acceptance::constant(0.9, String::new()).expect("valid");
    let options = SearchOptions {
        context: (0, 0),
        draft_lengths: vec![2],
        force_target: Some("cpu:2".parse().expect("a pin")),
        force_drafter: Some("gpu".parse().expect("a pin")),
        ..SearchOptions::default()
    };
    let profile = parse(TOML);
    let p = Problem {
        soc: &soc,
        target: &target,
        drafter: Some(&target),
        acceptance: &acceptance,
        profile: Some(&profile),
        options: &options,
    };
    let outcome = search(&p).expect("a plan");
    let c = outcome
        .frontier
        .iter()
        .find(|c| c.draft_length == 2)
        .expect("gamma 2");
    assert!((c.verify_seconds - 0.2).abs() < 1e-12);
    // 8 bytes of ids out, below the smallest measured transfer: its time; 12 bytes back, unmeasured: the device file's 10 GB/s.
    assert!(
        (c.handoff_seconds - 0.001).abs() < 1e-8,
        "{}",
        c.handoff_seconds
    );
}

/// llama.cpp on the host, Qwen2.5-Coder Q4_K_M, two threads: its own speculative mode was slower than plain decoding (13.3 tokens/s plain,
/// 7.3 to 11.7 speculative). From isolated latencies and measured acceptance the model says the same beforehand.
#[test]
fn a_measured_pair_that_does_not_pay_is_refused() {
    let row = |role: &str, m: u64, ms: f64| {
        format!(
            "[[latency]]\nrole = \"{role}\"\nunit = \"cpu\"\ncores = 2\ndtype = \"i4g32\"\nm = {m}\ns = 128\nseconds = {}\n",
            ms / 1e3
        )
    };
    let rows = [
        row("target", 1, 71.0),
        row("target", 5, 142.0),
        row("drafter", 1, 34.0),
    ]
    .concat();
    let profile = parse(&rows);
    let soc = Soc::load("host").expect("built in");
    let load = |n: &str| ModelShape::from_architecture(&Architecture::load(n).expect("built in"));
    let (target, drafter) = (load("qwen2.5-1.5b"), load("qwen2.5-0.5b"));
    let filter = AcceptanceFilter {
        mode: Some("greedy".into()),
        ..AcceptanceFilter::default()
    };
    let data = include_str!("data/qwen2.5-1.5b-0.5b.acceptance.csv");
    let acceptance = Acceptance::parse_csv(data, "data.csv", &filter).expect("valid");
    let options = SearchOptions {
        context: (128, 128),
        max_draft_length: 4,
        force_target: Some("cpu:2:i4".parse().expect("a pin")),
        force_drafter: Some("cpu:2:i4".parse().expect("a pin")),
        ..SearchOptions::default()
    };
    let p = Problem {
        soc: &soc,
        target: &target,
        drafter: Some(&drafter),
        acceptance: &acceptance,
        profile: Some(&profile),
        options: &options,
    };
    let o = search(&p).expect("a plan");
    assert_eq!((o.best.draft_length, o.best.measured), (0, true));
    assert!(
        (o.baseline.tokens_per_second - 13.9).abs() < 0.3,
        "{}",
        o.baseline.tokens_per_second
    );
    let speculative = o
        .frontier
        .iter()
        .find(|c| c.draft_length > 0)
        .expect("in the frontier");
    let rate = speculative.tokens_per_second;
    assert!((7.3..=1.2 * 11.7).contains(&rate), "{rate}"); // isolated costs predict to a factor of 1.2
}

#[test]
fn wrong_files_say_where_and_what() {
    let error = |from: &str, to: &str| {
        Profile::parse(&TOML.replacen(from, to, 1), "p.toml")
            .expect_err("must fail")
            .to_string()
    };
    let errors = [
        error("m = 1", "m = 0"),
        error("m = 1", "m = -1"),
        error("seconds = 0.1", "seconds = -0.1"),
        error("seconds = 0.1", "seconds = nan"),
        error("seconds = 0.1", "second = 0.1"),
        error("role = \"target\"", "role = \"judge\""),
        error("role = \"target\"", ""),
        error("role = \"target\"", "role = \"target\"\nparameters = 7"),
        error("role = \"target\"", "model = \"m\"\nparameters = 0"),
        error("\"f16\"", "\"f17\""),
        error("bytes = 1000", "bytes = -1"),
        Profile::parse("", "p.toml").expect_err("empty").to_string(),
        Profile::parse("{", "p.json")
            .expect_err("truncated")
            .to_string(),
        Profile::parse("unit,m\ncpu,1\n", "p.csv")
            .expect_err("columns")
            .to_string(),
    ]
    .join("\n");
    insta::assert_snapshot!("errors_profile", errors);
}

proptest! {
    #[test]
    fn mutated_files_give_errors_never_panics(at in 0.0..1.0f64, insert in "[-0-9a-z=\\[\\]{},:\". \n]{0,6}", delete in 0usize..30) {
        for (text, path) in [(TOML, "p.toml"), (JSON, "p.json"), (CSV, "p.csv")] {
            let mut text = text.to_string();
            let start = (at * text.len() as f64) as usize;
            text.replace_range(start..(start + delete).min(text.len()), &insert);
            if let Ok(profile) = Profile::parse(&text, path) {
                prop_assert!(alone(&profile, (0, 2000)).verify_seconds > 0.0);
            }
        }
    }
}
