//! One way to run: fixed draft lengths, what a catch-up costs, rows of a profile by type.

use spec_cost::{
    Acceptance, Architecture, Basis, CostError, DType, Evaluation, ModelShape, Pin, Problem,
    Profile, SearchOptions, Soc, Strategy, evaluate, search,
};

fn shape(name: &str, entries: &[u64]) -> ModelShape {
    let mut shape = ModelShape::from_architecture(&Architecture::load(name).expect("built in"));
    shape.entry_tokens = entries.to_vec();
    shape
}

struct Case {
    soc: Soc,
    target: ModelShape,
    drafter: ModelShape,
    acceptance: Acceptance,
    profile: Option<Profile>,
    options: SearchOptions,
}

impl Case {
    /// A pair of equal sizes, as a self-draft is, on two cores.
    fn new(alpha: f64, drafter_entries: &[u64]) -> Case {
        Case {
            soc: Soc::load("host").expect("built in"),
            target: shape("smollm2-135m", &[1, 2, 3, 4, 5, 9]),
            drafter: shape("smollm2-135m", drafter_entries),
            acceptance: Acceptance::constant(alpha, "test".into()).expect("valid"),
            profile: None,
            options: SearchOptions {
                context: (100, 100),
                ..SearchOptions::default()
            },
        }
    }

    fn problem(&self) -> Problem<'_> {
        Problem {
            soc: &self.soc,
            target: &self.target,
            drafter: Some(&self.drafter),
            acceptance: &self.acceptance,
            profile: self.profile.as_ref(),
            options: &self.options,
        }
    }

    fn try_at(&self, drafter: &str, target: &str, gamma: u32) -> Result<Evaluation, CostError> {
        let pin = |text: &str| text.parse::<Pin>().expect("a pin");
        let (d, t) = (pin(drafter), pin(target));
        evaluate(&self.problem(), Some(&d), &t, Strategy::Sequential, gamma)
    }

    fn at(&self, drafter: &str, target: &str, gamma: u32) -> Evaluation {
        self.try_at(drafter, target, gamma).expect("it can run")
    }
}

fn near(a: f64, b: f64) {
    assert!((a / b - 1.0).abs() < 1e-9, "{a} is not {b}");
}

/// A drafter of 10 ms a token and 12 ms for two, a target of 40 ms a token and 50 ms for up to 9.
fn profile() -> Profile {
    let row = |role: &str, dtype: &str, m: u64, seconds: f64| {
        format!("{role},cpu,2,{dtype},{m},100,{seconds},0\n")
    };
    let rows = [
        row("drafter", "i4g32", 1, 0.010),
        row("drafter", "i4g32", 2, 0.012),
        row("target", "f16", 1, 0.040),
        row("target", "f16", 2, 0.050),
        row("target", "f16", 9, 0.050),
    ];
    let text = "role,unit,cores,dtype,m,s,seconds,spread\n".to_owned() + &rows.concat();
    Profile::parse(&text, "p.csv").expect("valid")
}

#[test]
fn a_catch_up_joins_the_next_step_where_two_tokens_fit() {
    let with = |entries: &[u64], alpha| {
        let mut case = Case::new(alpha, entries);
        case.profile = Some(profile());
        case.at("cpu:2:i4g32", "cpu:2:f16", 3).candidate
    };
    // gamma t_D + A (t_D(2) - t_D(1)), A = 1: 30 + 2 ms
    let joined = with(&[1, 2, 8], 1.0);
    near(joined.draft_seconds, 0.030);
    near(joined.catch_up_seconds, 0.002);
    near(joined.verify_seconds, 0.050);
    near(
        joined.round_seconds,
        0.082 + joined.handoff_seconds + joined.sampling_seconds,
    );
    assert_eq!(joined.drafter_basis, Some(Basis::Measured));
    // without such an entry point, and from shapes alone: a step of its own
    for entries in [&[1, 8][..], &[]] {
        near(with(entries, 1.0).catch_up_seconds, 0.010);
    }
    // half the drafts accepted: an eighth of the rounds
    near(with(&[1, 2], 0.5).catch_up_seconds, 0.002 / 8.0);
    near(with(&[1], 0.5).catch_up_seconds, 0.010 / 8.0);
}

#[test]
fn a_call_of_two_that_is_measured_faster_makes_no_round_shorter() {
    let mut case = Case::new(1.0, &[1, 2]);
    let text = "role,unit,cores,dtype,m,s,seconds\ndrafter,cpu,2,i4g32,1,100,0.010\ndrafter,cpu,2,i4g32,2,100,0.009\n";
    case.profile = Some(Profile::parse(text, "p.csv").expect("valid"));
    let e = case.at("cpu:2:i4g32", "cpu:2:f16", 1);
    near(e.draft_step_seconds, 0.009); // the call of two, padded, is the cheapest step
    assert_eq!(e.candidate.catch_up_seconds, 0.0);
}

#[test]
fn a_pipelined_round_catches_up_in_the_same_way() {
    let at = |entries: &[u64]| {
        let case = Case::new(1.0, entries);
        let pin = |text: &str| text.parse::<Pin>().expect("a pin");
        let (d, t) = (pin("cpu:1:i4g32"), pin("cpu:1:f16"));
        let e = evaluate(&case.problem(), Some(&d), &t, Strategy::Pipelined, 2);
        e.expect("it can run").candidate.catch_up_seconds
    };
    let (joined, own) = (at(&[1, 2]), at(&[1]));
    assert!(joined > 0.0 && joined < 0.5 * own, "{joined} and {own}");
}

/// All formats that spec-quantize names, floats, and integer activations: rows by role are found for each.
#[test]
fn rows_are_found_for_the_type_of_every_format() {
    for dtype in [
        "f32", "f16", "bf16", "i8", "i8g32", "i8g64", "i4g32", "i4g64", "w8a8",
    ] {
        let parsed = DType::parse(dtype).expect("a type");
        assert_eq!(parsed.to_string(), dtype);
        let other = if dtype == "f32" { "f16" } else { "f32" };
        let text = format!(
            "[[latency]]\nrole = \"drafter\"\nunit = \"cpu\"\ncores = 2\ndtype = \"{dtype}\"\nm = 1\ns = 100\nseconds = 0.5\n\
             [[latency]]\nrole = \"target\"\nunit = \"cpu\"\ncores = 2\ndtype = \"{dtype}\"\nm = 1\ns = 100\nseconds = 0.25\n\
             [[latency]]\nrole = \"target\"\nunit = \"cpu\"\ncores = 2\ndtype = \"{other}\"\nm = 1\ns = 100\nseconds = 7.0\n"
        );
        let mut case = Case::new(0.5, &[1]);
        case.profile = Some(Profile::parse(&text, "p.toml").expect("valid"));
        let pin = format!("cpu:2:{dtype}");
        let e = case.at(&pin, &pin, 1);
        assert_eq!(e.draft_step_seconds, 0.5, "{dtype}");
        assert_eq!(e.target_step_seconds, 0.25, "{dtype}");
        assert_eq!(e.candidate.drafter_basis, Some(Basis::Measured), "{dtype}");
        assert_eq!(
            e.candidate.target.dtype, parsed,
            "the place says what was asked for"
        );
    }
}

#[test]
fn scales_of_larger_groups_are_fewer_bytes() {
    let bits = |d: DType| 8.0 * d.weight_bytes();
    assert_eq!(bits(DType::I8G64), 8.25);
    assert_eq!(bits(DType::I4G64), 4.25);
    let f16 = shape("smollm2-135m", &[]).with_dtype(DType::F16);
    let i4 = f16.with_dtype(DType::I4G64);
    near(
        i4.weight_bytes as f64,
        (f16.weight_bytes as f64 * 4.25 / 16.0).round(),
    );
}

#[test]
fn a_way_that_does_not_pay_is_costed_all_the_same() {
    let mut case = Case::new(0.2, &[1, 2, 8]);
    case.profile = Some(profile());
    let e = case.at("cpu:2:i4g32", "cpu:2:f16", 4);
    let c = &e.candidate;
    assert_eq!((c.draft_length, c.strategy), (4, Strategy::Sequential));
    assert!(c.speedup < 1.0 && e.speedup_here < 1.0);
    assert_eq!(c.target.to_string(), "cpu:2:f16");
    assert_eq!(c.drafter.as_ref().expect("one").to_string(), "cpu:2:i4g32");
    near(e.draft_step_seconds, 0.010);
    near(e.target_step_seconds, 0.040);
    near(c.c, 0.25);
    near(c.v, 1.25);
    near(c.tokens_per_round, (1.0 - 0.2_f64.powi(5)) / 0.8);
    near(
        e.speedup_here,
        c.tokens_per_second / e.alone.tokens_per_second,
    );
    near(
        c.speedup,
        c.tokens_per_second / e.baseline.tokens_per_second,
    );
    assert_eq!((e.alone.draft_length, e.baseline.draft_length), (0, 0));
    assert_eq!(e.alone.target, c.target);
    assert_eq!(e.baseline.speedup, 1.0);
    assert!(e.baseline.tokens_per_second >= e.alone.tokens_per_second);
    // the same as a search that may try nothing else
    let mut options = case.options.clone();
    options.fixed_draft_length = Some(4);
    options.force_drafter = Some("cpu:2:i4g32".parse().expect("a pin"));
    options.force_target = Some("cpu:2:f16".parse().expect("a pin"));
    let problem = Problem {
        options: &options,
        ..case.problem()
    };
    let best = search(&problem).expect("a plan").best;
    assert_eq!(best.draft_length, 4);
    near(best.tokens_per_second, c.tokens_per_second);
}

#[test]
fn the_baseline_is_free_where_the_target_is_held() {
    let case = Case::new(0.8, &[1, 2]);
    let e = case.at("cpu:1:i4g32", "cpu:1:f16", 2);
    assert_eq!(e.alone.target.cores, 1);
    assert_eq!(e.baseline.target.cores, 2);
    assert!(e.candidate.speedup < e.speedup_here);
    let mut limited = Case::new(0.8, &[1, 2]);
    limited.options.core_limits = vec![("cpu".into(), 1)];
    let limited = limited.at("cpu:1:i4g32", "cpu:1:f16", 2);
    assert_eq!(limited.baseline.target.cores, 1);
    near(limited.candidate.speedup, limited.speedup_here);
}

#[test]
fn no_drafts_are_the_target_alone() {
    let case = Case::new(0.8, &[1, 2]);
    let e = case.at("gpu", "cpu:2:f16", 0);
    assert_eq!(e.candidate, e.alone);
    assert_eq!(
        (e.speedup_here, e.draft_step_seconds, e.candidate.drafter),
        (1.0, 0.0, None)
    );
}

#[test]
fn a_fixed_draft_length_is_planned_whether_it_pays_or_not() {
    for alpha in [0.0, 0.9] {
        let mut case = Case::new(alpha, &[1, 2, 8]);
        for gamma in [0, 1, 3, 16, 64] {
            case.options.fixed_draft_length = Some(gamma);
            let o = search(&case.problem()).expect("a plan");
            assert_eq!(o.best.draft_length, gamma, "alpha {alpha}");
            assert_eq!(o.baseline.draft_length, 0);
            assert!(
                o.by_draft_length
                    .iter()
                    .all(|c| [0, gamma].contains(&c.draft_length))
            );
            let s = &o.sensitivity;
            assert!(s.iter().all(|s| s.best_draft_length == gamma), "{s:?}");
        }
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let mut case = Case::new(0.8, &[1, 2]);
    let refused = |e: Result<Evaluation, CostError>| e.expect_err("no").to_string();
    let pin = |text: &str| text.parse::<Pin>().expect("a pin");
    assert!(refused(case.try_at("npu", "cpu:2", 1)).contains("no unit 'npu'"));
    assert!(refused(case.try_at("cpu:9", "cpu:2", 1)).contains("takes 1 to 2 cores"));
    assert!(refused(case.try_at("cpu:2", "cpu:2", 65)).contains("above the limit of 64"));
    let none = evaluate(
        &case.problem(),
        None,
        &pin("cpu:2"),
        Strategy::Sequential,
        1,
    );
    assert!(refused(none).contains("1 drafts a round need a placement of the drafter"));
    let auto = evaluate(
        &case.problem(),
        Some(&pin("cpu:1")),
        &pin("cpu:2"),
        Strategy::Autoregressive,
        1,
    );
    assert!(refused(auto).contains("a strategy other than autoregressive"));
    case.options.core_limits = vec![("cpu".into(), 1)];
    assert!(refused(case.try_at("cpu:2", "cpu:1", 1)).contains("core limits leave none"));
    case.options.core_limits.clear();
    // a length that is fixed, and no pair that can run it: the GPU of this machine is software, so nothing overlaps with it
    case.options.fixed_draft_length = Some(2);
    case.options.strategies = vec![Strategy::Overlapped];
    case.options.force_drafter = Some(pin("gpu"));
    let error = search(&case.problem()).expect_err("no round").to_string();
    assert!(
        error.contains("no placement of a drafter and the target"),
        "{error}"
    );
    case.options.force_drafter = None;
    let alone = Problem {
        drafter: None,
        ..case.problem()
    };
    let error = search(&alone).expect_err("no drafter").to_string();
    assert!(
        error.contains("a draft length is fixed but there is no drafter"),
        "{error}"
    );
}

#[test]
fn a_shape_survives_json() {
    for dtype in [DType::F32, DType::W8A8, DType::I4] {
        let shape = shape("qwen2.5-0.5b", &[1, 2, 9]).with_dtype(dtype);
        let value = serde_json::to_value(&shape).expect("JSON");
        let read: ModelShape = serde_json::from_value(value).expect("a shape");
        assert_eq!(read, shape);
    }
}
