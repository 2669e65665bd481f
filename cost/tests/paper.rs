//! The paper's case (arXiv 2602.08060): i.MX 95, Llama-3.2-3B as target, Llama-3.2-1B as drafter, 1.68x with the drafter on the GPU and
//! the target on the CPU. These tests hold what the model really says, agreement and disagreement; nothing was tuned to it.

use spec_cost::formulas::first_above;
use spec_cost::{
    Acceptance, Architecture, DType, ModelShape, Outcome, Problem, SearchOptions, Soc, Strategy,
    UnitKind, search,
};

fn shape(name: &str) -> ModelShape {
    ModelShape::from_architecture(&Architecture::load(name).expect("built in"))
}

fn run_on(soc: &Soc, alpha: f64, options: &SearchOptions) -> Outcome {
    let acceptance = Acceptance::constant(alpha, "curve".into()).expect("valid");
    let (target, drafter) = (shape("llama-3.2-3b"), shape("llama-3.2-1b"));
    let problem = Problem {
        soc,
        target: &target,
        drafter: Some(&drafter),
        acceptance: &acceptance,
        profile: None,
        options,
    };
    search(&problem).expect("a plan")
}

fn run(alpha: f64, options: &SearchOptions) -> Outcome {
    run_on(&Soc::load("imx95").expect("built in"), alpha, options)
}

/// The target on one A55 core, as a reader of the paper reports; the other five are left to the rest of the system.
fn one_core() -> SearchOptions {
    SearchOptions {
        force_target: Some("cpu:1".parse().expect("a pin")),
        core_limits: vec![("cpu".into(), 1)],
        ..SearchOptions::default()
    }
}

fn split(o: &Outcome) -> bool {
    let gpu = o
        .best
        .drafter
        .as_ref()
        .is_some_and(|d| d.kind == UnitKind::Gpu);
    gpu && o.best.target.kind == UnitKind::Cpu
}

/// The alpha at which the best plan reaches 1.68x.
fn alpha_of_1_68(options: &SearchOptions) -> Option<f64> {
    first_above(1.68, |alpha| run(alpha, options).best.speedup)
}

/// Disagreement: with all six cores free the model keeps both models on the CPU, which moves 15.4 GB/s to the GPU's 8.3.
#[test]
fn with_all_cores_free_the_model_keeps_both_on_the_cpu() {
    for alpha in [0.7, 0.8, 0.9] {
        let o = run(alpha, &SearchOptions::default());
        assert_eq!(o.best.target.to_string(), "cpu:6:f16");
        assert_eq!(
            o.best.drafter.as_ref().map(ToString::to_string).as_deref(),
            Some("cpu:6:f16")
        );
        assert!(
            o.best.speedup > 1.05 && o.best.speedup < 1.45,
            "{}",
            o.best.speedup
        );
        let gpu_cpu = |c: &&spec_cost::Candidate| {
            c.drafter.as_ref().is_some_and(|d| d.kind == UnitKind::Gpu)
                && c.target.kind == UnitKind::Cpu
        };
        let papers = o.frontier.iter().find(gpu_cpu).expect("in the frontier");
        assert!(papers.speedup < o.best.speedup);
    }
    let alpha = alpha_of_1_68(&SearchOptions::default());
    assert!(
        alpha.is_none_or(|a| a > 0.97),
        "1.68x needs alpha {alpha:?}"
    );
}

/// Agreement: with the target on one core the model picks drafter on the GPU, target on the CPU, at every alpha where it speculates.
#[test]
fn with_the_target_on_one_core_the_model_picks_gpu_and_cpu() {
    for percent in (55..=95).step_by(5) {
        let o = run(f64::from(percent) / 100.0, &one_core());
        assert!(split(&o), "alpha .{percent}: {:?}", o.best);
    }
}

/// Where 1.68x lies on the curve, by the types of drafter and target.
#[test]
fn where_1_68_lies() {
    let with = |drafter: DType, target: DType, strategies: &[Strategy]| SearchOptions {
        drafter_dtypes: vec![drafter],
        target_dtypes: vec![target],
        strategies: strategies.to_vec(),
        ..one_core()
    };
    let any = [Strategy::Sequential, Strategy::Overlapped];
    let only = [Strategy::Sequential];
    let mut table = String::new();
    for (drafter, target) in [
        (DType::F16, DType::F32),
        (DType::F16, DType::F16),
        (DType::I8, DType::F16),
        (DType::F16, DType::W8A8),
        (DType::W8A8, DType::W8A8),
    ] {
        for (strategies, name) in [(&any[..], "any"), (&only[..], "sequential")] {
            let options = with(drafter, target, strategies);
            let row = match alpha_of_1_68(&options) {
                None => "never".to_string(),
                Some(alpha) => {
                    let b = run(alpha, &options).best;
                    format!(
                        "alpha {alpha:.3} gamma {} {} c {:.3} v {:.3}",
                        b.draft_length, b.strategy, b.c, b.v
                    )
                }
            };
            table +=
                &format!("drafter gpu {drafter:<5} target cpu:1 {target:<5} {name:<10} {row}\n");
        }
    }
    insta::assert_snapshot!("where_1_68_lies", table);
}

/// Where the GPU may map no more than 4 GiB, one CPU core is left, and nothing is forced, the model finds the split by itself.
#[test]
fn a_gpu_too_small_for_the_target_gives_the_split_unforced() {
    let text = include_str!("../devices/imx95.toml");
    let limit =
        "memory_limit = { value = 4, unit = \"GiB\", kind = \"guess\", source = \"what if\" }\n";
    let gpu = text.find("name = \"gpu\"").expect("a gpu");
    let soc = Soc::parse(
        &format!("{}{limit}{}", &text[..gpu], &text[gpu..]),
        "what-if.toml",
    )
    .expect("valid");
    let options = SearchOptions {
        core_limits: vec![("cpu".into(), 1)],
        ..SearchOptions::default()
    };
    let o = run_on(&soc, 0.8, &options);
    assert!(split(&o), "{:?}", o.best);
    assert!(
        o.refused
            .iter()
            .any(|r| r.what == "target on gpu in f16" && r.why.contains("6.66 GB, 4.29 GB")),
        "{:?}",
        o.refused
    );
}
