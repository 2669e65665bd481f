//! The search: what it compares, what it refuses, what it reports.

use proptest::prelude::*;
use spec_cost::{
    Acceptance, Architecture, CostError, DType, ModelShape, Objective, Outcome, Pin, Problem,
    Sampling, SearchOptions, Soc, Strategy, search,
};

fn shape(name: &str) -> ModelShape {
    ModelShape::from_architecture(&Architecture::load(name).expect("built in"))
}

fn pin(text: &str) -> Option<Pin> {
    Some(text.parse().expect("a pin"))
}

struct Case {
    soc: Soc,
    target: ModelShape,
    drafter: Option<ModelShape>,
    acceptance: Acceptance,
    options: SearchOptions,
}

impl Case {
    fn new(soc: &str, target: &str, drafter: &str, alpha: f64) -> Case {
        Case {
            soc: Soc::load(soc).expect("built in"),
            target: shape(target),
            drafter: Some(shape(drafter)),
            acceptance: Acceptance::constant(alpha, "test".into()).expect("valid"),
            options: SearchOptions::default(),
        }
    }

    fn qwen(soc: &str, alpha: f64) -> Case {
        Case::new(soc, "qwen2.5-1.5b", "qwen2.5-0.5b", alpha)
    }

    fn try_run(&self) -> Result<Outcome, CostError> {
        search(&Problem {
            soc: &self.soc,
            target: &self.target,
            drafter: self.drafter.as_ref(),
            acceptance: &self.acceptance,
            profile: None,
            options: &self.options,
        })
    }

    fn run(&self) -> Outcome {
        self.try_run().expect("a plan")
    }
}

fn adds_up(o: &Outcome) {
    let sum: f64 = o.contributions.iter().map(|c| c.2).sum();
    assert!(
        (sum / o.best.round_seconds - 1.0).abs() < 1e-9,
        "{sum} is not {}",
        o.best.round_seconds
    );
    let c = &o.best;
    let parts = c.draft_seconds
        + c.verify_seconds
        + c.catch_up_seconds
        + c.handoff_seconds
        + c.sampling_seconds;
    assert!(((parts - c.hidden_seconds) / c.round_seconds - 1.0).abs() < 1e-9);
    assert!((c.tokens_per_round / c.round_seconds / c.tokens_per_second - 1.0).abs() < 1e-9);
}

#[test]
fn no_drafter_means_no_speculation() {
    let mut case = Case::qwen("rk3588", 0.8);
    case.drafter = None;
    let o = case.run();
    assert_eq!(
        (o.best.draft_length, o.best.strategy, o.best.speedup),
        (0, Strategy::Autoregressive, 1.0)
    );
    assert_eq!(o.best, o.baseline);
    assert_eq!(o.break_even_alpha, None);
    adds_up(&o);
}

#[test]
fn a_useless_drafter_is_left_out_and_ties_go_to_gamma_0() {
    let o = Case::qwen("imx95", 0.0).run();
    assert_eq!((o.best.draft_length, o.best.speedup), (0, 1.0));
    // A drafter that costs as much as the target, always accepted, never wins on one unit.
    let mut same = Case::new("imx95", "smollm2-135m", "smollm2-135m", 1.0);
    same.options.force_target = pin("cpu:1");
    same.options.force_drafter = pin("cpu:1");
    same.options.strategies = vec![Strategy::Sequential];
    same.options.draft_lengths = vec![1];
    assert_eq!(same.run().best.draft_length, 0);
}

#[test]
fn the_plan_is_consistent_with_the_formula() {
    let o = Case::qwen("imx95", 0.8).run();
    let b = &o.best;
    assert_eq!(b.strategy, Strategy::Sequential);
    let g = f64::from(b.draft_length);
    let predicted =
        b.tokens_per_round / ((g + 0.8f64.powi(b.draft_length as i32)) * b.c + b.v + b.sigma);
    let same_place = o.by_draft_length[0].tokens_per_second;
    // sigma of the baseline (its own argmax) is not part of the formula's 1.
    assert!((predicted * same_place / b.tokens_per_second - 1.0).abs() < 0.002);
    assert_eq!(o.by_draft_length.len(), 17);
    adds_up(&o);
}

#[test]
fn break_even_is_where_speculation_starts_to_pay() {
    let o = Case::qwen("imx95", 0.8).run();
    let edge = o.break_even_alpha.expect("it pays somewhere");
    assert_eq!(Case::qwen("imx95", edge - 0.001).run().best.draft_length, 0);
    let above = Case::qwen("imx95", edge + 0.001).run().best;
    assert!(above.draft_length > 0 && above.speedup > 1.0 && above.speedup < 1.01);
}

#[test]
fn sensitivity_brackets_the_plan() {
    let o = Case::qwen("imx95", 0.8).run();
    let [low, mid, high] = &o.sensitivity[..] else {
        panic!("three points")
    };
    assert!((low.alpha - 0.75).abs() < 1e-9 && (high.alpha - 0.85).abs() < 1e-9);
    assert!((mid.speedup - o.best.speedup).abs() < 1e-12);
    assert!(low.speedup < mid.speedup && mid.speedup < high.speedup);
    assert!(low.best_speedup >= low.speedup && high.best_speedup >= high.speedup);
}

#[test]
fn pins_and_limits_hold() {
    let mut case = Case::qwen("rk3588", 0.9);
    case.options.force_drafter = pin("cpu-a55:2:i8");
    case.options.force_target = pin("cpu-a76:3");
    let o = case.run();
    assert!(
        o.frontier
            .iter()
            .all(|c| c.target.unit == "cpu-a76" && c.target.cores == 3)
    );
    let d = o
        .frontier
        .iter()
        .find_map(|c| c.drafter.clone())
        .expect("a drafter");
    assert_eq!(
        (d.unit.as_str(), d.cores, d.dtype),
        ("cpu-a55", 2, DType::I8)
    );
    let mut limited = Case::qwen("imx95", 0.9);
    limited.options.core_limits = vec![("cpu".into(), 2)];
    let o = limited.run();
    for c in &o.frontier {
        let cpu = |p: &spec_cost::Place| if p.unit == "cpu" { p.cores } else { 0 };
        let used = c.drafter.as_ref().map_or(0, cpu);
        assert!(used <= 2 && cpu(&c.target) <= 2);
        assert!(c.strategy != Strategy::Overlapped || used + cpu(&c.target) <= 2);
    }
}

/// A baseline that pins hold down is named beside the one they forbid.
#[test]
fn the_unrestricted_baseline_is_told() {
    let mut case = Case::new("imx95", "llama-3.2-3b", "llama-3.2-1b", 0.9);
    assert_eq!(case.run().unrestricted, None);
    let free = case.run().baseline;
    case.options.force_target = pin("cpu:1");
    let o = case.run();
    let told = o.unrestricted.as_ref().expect("a pin holds");
    assert_eq!(
        (&told.target, told.tokens_per_second),
        (&free.target, free.tokens_per_second)
    );
    assert!(o.baseline.tokens_per_second < 0.4 * told.tokens_per_second);
    assert!(
        o.explain()
            .contains("without the forced placement and limits: cpu:6:f16 alone")
    );
}

#[test]
fn kinds_stand_for_units() {
    let mut case = Case::qwen("tensor-g2", 0.9);
    case.options.force_target = pin("cpu");
    let o = case.run();
    assert!(o.frontier.iter().all(|c| c.target.unit.starts_with("cpu-")));
}

/// Argmax moves ids; rejection sampling moves gamma distributions of 4 V bytes, read back from the GPU at 0.2 GB/s.
#[test]
fn handoff_by_volume_and_direction() {
    let mut case = Case::new("imx95", "llama-3.2-3b", "llama-3.2-1b", 0.9);
    case.options.strategies = vec![Strategy::Sequential];
    case.options.draft_lengths = vec![4];
    case.options.force_target = pin("cpu:6");
    case.options.force_drafter = pin("gpu");
    let gamma4 = |case: &Case| {
        case.run()
            .frontier
            .into_iter()
            .find(|c| c.draft_length == 4)
            .expect("gamma 4")
    };
    let greedy = gamma4(&case);
    let ids = 16.0 / 0.2e9 + 20.0 / 4.81e9;
    assert!((greedy.handoff_seconds - ids).abs() < 1e-12);
    case.options.sampling = Sampling::Rejection;
    let sampling = gamma4(&case);
    let distributions = 4.0 * 128_256.0 * 4.0 / 0.2e9;
    assert!((sampling.handoff_seconds - ids - distributions).abs() < 1e-9);
    case.options.force_drafter = pin("cpu:6");
    assert_eq!(
        gamma4(&case).handoff_seconds,
        0.0,
        "nothing moves within a unit"
    );
    case.options.force_drafter = pin("gpu");
    case.options.sampling = Sampling::Greedy;
    case.options.token_id_bytes = 8;
    assert!((gamma4(&case).handoff_seconds - 2.0 * ids).abs() < 1e-12);
}

/// Two units at once want 15.4 + 8.3 GB/s of a DRAM that sustains 15.4: a memory-bound pass takes 1.54 times as long.
#[test]
fn running_at_once_shares_the_bandwidth() {
    let mut case = Case::qwen("imx95", 0.8);
    case.options.draft_lengths = vec![1];
    case.options.force_target = pin("cpu:6");
    case.options.force_drafter = pin("gpu");
    let o = case.run();
    let of = |s: Strategy| {
        let found = o.frontier.iter().find(|c| c.strategy == s);
        found.expect("in the frontier")
    };
    let (seq, over) = (of(Strategy::Sequential), of(Strategy::Overlapped));
    let slower = over.verify_seconds / o.baseline.verify_seconds;
    assert!((1.45..=23.7 / 15.4).contains(&slower), "{slower}");
    assert!(
        over.tokens_per_round < seq.tokens_per_round,
        "no bonus token"
    );
    assert!(over.hidden_seconds > 0.0 && seq.hidden_seconds == 0.0);
}

#[test]
fn a_software_device_is_not_overlapped_with_the_cores_it_runs_on() {
    let o = Case::qwen("host", 0.9).run();
    let mixed =
        |c: &spec_cost::Candidate| c.drafter.as_ref().is_some_and(|d| d.unit != c.target.unit);
    assert!(o.frontier.iter().any(mixed));
    assert!(
        o.frontier
            .iter()
            .filter(|c| mixed(c))
            .all(|c| c.strategy == Strategy::Sequential)
    );
}

#[test]
fn entry_points_limit_the_verifier_and_what_if_says_so() {
    let mut case = Case::qwen("imx95", 0.8);
    let free = case.run();
    case.target.entry_tokens = vec![1];
    case.drafter.as_mut().expect("set").entry_tokens = vec![1];
    let o = case.run();
    assert_eq!(
        o.best.draft_length, 0,
        "verifying token by token gains nothing"
    );
    let w = o.what_if.as_ref().expect("an entry point would help");
    assert_eq!(w.entry_tokens, u64::from(w.draft_length) + 1);
    assert_eq!(w.draft_length, free.best.draft_length);
    assert!((w.speedup - free.best.speedup).abs() < 1e-9);
    assert!(o.explain().contains(&format!(
        "export a verify entry point with M = {} tokens a call",
        w.entry_tokens
    )));
    // An entry of 5: gamma 1..4 all cost one padded call of 5 tokens.
    case.target.entry_tokens = vec![1, 5];
    case.options.force_target = pin("cpu:6");
    let o = case.run();
    let padded: Vec<f64> = o.by_draft_length[2..=4]
        .iter()
        .map(|c| c.verify_seconds)
        .collect();
    assert!(padded.windows(2).all(|w| w[0] == w[1]), "{padded:?}");
    assert!(
        o.by_draft_length[5].verify_seconds > padded[0],
        "six tokens: a call of 5 and one of 1"
    );
}

#[test]
fn data_types_have_their_own_acceptance() {
    let mut case = Case::new("imx95", "llama-3.2-3b", "llama-3.2-1b", 0.8);
    case.options.target_dtypes = vec![DType::F16, DType::W8A8];
    case.options.drafter_dtypes = vec![DType::F16, DType::W8A8];
    let o = case.run();
    assert_eq!(o.best.target.dtype, DType::W8A8);
    assert!(
        o.caveats
            .iter()
            .any(|c| c.contains("no acceptance was given for a w8a8 drafter and a w8a8 target"))
    );
    let zero = Acceptance::constant(0.0, "full int8".into()).expect("valid");
    for d in [DType::F16, DType::W8A8] {
        case.acceptance = case
            .acceptance
            .clone()
            .with_pair(d, DType::W8A8, zero.clone());
    }
    let o = case.run();
    assert!(o.best.draft_length == 0 || o.best.target.dtype == DType::F16);
}

#[test]
fn what_does_not_fit_is_refused_with_the_numbers() {
    let mut case = Case::new("rpi5", "llama-3.2-3b", "llama-3.2-1b", 0.8);
    let o = case.run();
    assert_eq!(o.best.draft_length, 0);
    let refusal = o
        .refused
        .iter()
        .find(|r| r.what.contains("with target"))
        .expect("the pair does not fit 8 GiB");
    assert!(
        refusal.why.contains("need 9.20 GB, 7.52 GB are free"),
        "{}",
        refusal.why
    );
    case.options.target_dtypes = vec![DType::F32];
    let CostError::NothingFits { refused, .. } = case.try_run().expect_err("12.9 GB into 7.5")
    else {
        panic!("another error")
    };
    assert_eq!(refused.len(), 2);
}

#[test]
fn objectives_differ_in_what_they_choose() {
    let mut case = Case::new("imx95", "llama-3.2-3b", "llama-3.2-1b", 0.9);
    let latency = case.run();
    assert!(
        latency
            .frontier
            .iter()
            .all(|c| c.strategy != Strategy::Pipelined)
    );
    case.options.objective = Objective::Throughput;
    let throughput = case.run();
    assert!(throughput.best.tokens_per_second >= latency.best.tokens_per_second);
    case.options.objective = Objective::EnergyProxy;
    let energy = case.run();
    assert!(
        energy
            .frontier
            .iter()
            .all(|c| c.energy_proxy >= energy.best.energy_proxy)
    );
    assert!(energy.best.energy_proxy < latency.best.energy_proxy);
}

#[test]
fn wrong_questions_say_what_to_do() {
    let mut errors = Vec::new();
    let mut wrong = |change: &dyn Fn(&mut Case)| {
        let mut case = Case::qwen("imx95", 0.8);
        change(&mut case);
        errors.push(case.try_run().expect_err("must fail").to_string());
    };
    wrong(&|c| c.options.max_draft_length = 1000);
    wrong(&|c| c.options.context = (9, 3));
    wrong(&|c| c.options.context = (99_999, 100_000));
    wrong(&|c| c.options.force_drafter = pin("npu"));
    wrong(&|c| c.options.force_target = pin("cpu:7"));
    wrong(&|c| c.options.core_limits = vec![("cpu".into(), 0)]);
    wrong(&|c| c.drafter = None.or(Some(shape("smollm2-135m"))));
    wrong(&|c| {
        c.options.force_target = pin("cpu:4");
        c.options.core_limits = vec![("cpu".into(), 2)];
    });
    wrong(&|c| {
        c.drafter = None;
        c.options.force_drafter = pin("gpu");
    });
    for text in ["", "cpu:", "cpu:0", "cpu:x", "cpu:1:f9", "a:1:f16:z"] {
        match text.parse::<Pin>() {
            Ok(pin) => assert_eq!(pin.to_string(), "cpu"),
            Err(e) => errors.push(e.to_string()),
        }
    }
    insta::assert_snapshot!("errors_search", errors.join("\n"));
}

#[test]
fn the_report_of_a_small_plan() {
    insta::assert_snapshot!(
        "explain_imx95_qwen",
        Case::qwen("imx95", 0.8).run().explain()
    );
}

#[test]
fn outcomes_serialise() {
    let o = Case::qwen("imx95", 0.8).run();
    let json: serde_json::Value = serde_json::to_value(&o).expect("serialises");
    assert_eq!(json["best"]["target"]["dtype"], "f16");
    assert_eq!(json["best"]["strategy"], "sequential");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_best_is_never_below_the_baseline(alpha in 0.0..=1.0f64, soc in 0usize..8, rejection: bool, split in 0u64..4000) {
        let mut case = Case::qwen(Soc::builtin()[soc], alpha);
        case.options.context = (split / 2, split);
        case.options.sampling = if rejection { Sampling::Rejection } else { Sampling::Greedy };
        let o = case.run();
        prop_assert!(o.best.speedup >= 1.0);
        prop_assert!(o.frontier.iter().all(|c| c.tokens_per_second <= o.best.tokens_per_second * (1.0 + 1e-9)));
        prop_assert!(o.break_even_alpha.is_none_or(|b| (0.0..=1.0).contains(&b)));
        prop_assert_eq!(o.best.draft_length > 0, o.break_even_alpha.is_some_and(|b| alpha > b + 1e-8));
        adds_up(&o);
    }

    #[test]
    fn more_acceptance_is_never_slower(alpha in 0.0..0.95f64) {
        let a = Case::qwen("imx95", alpha).run().best.tokens_per_second;
        let b = Case::qwen("imx95", alpha + 0.05).run().best.tokens_per_second;
        prop_assert!(b >= a * (1.0 - 1e-9));
    }
}
