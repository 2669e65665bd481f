//! The host's device file against latencies measured on that machine: a golden table of the model's error.

use spec_cost::{Architecture, DType, ModelShape, Soc, contributions};
use std::fmt::Write as _;

/// llama.cpp (0.3.36, AVX-512) on SmolLM2-135M at context 128: type, threads, ms for 1 token, ms for 5 tokens.
const MEASURED: [(DType, u32, f64, f64); 8] = [
    (DType::F32, 1, 42.3, 60.0),
    (DType::F32, 2, 22.7, 35.3),
    (DType::F16, 1, 23.9, 48.2),
    (DType::F16, 2, 16.6, 31.4),
    (DType::I8G32, 1, 18.1, 49.1),
    (DType::I8G32, 2, 10.7, 26.2),
    (DType::I4, 1, 14.1, 32.7),
    (DType::I4, 2, 6.8, 16.8),
];

#[test]
fn predicted_against_measured() {
    let soc = Soc::load("host").expect("built in");
    let cpu = soc.unit("cpu").expect("cpu");
    let model =
        ModelShape::from_architecture(&Architecture::load("smollm2-135m").expect("built in"));
    let mut table = "type   threads  M  predicted ms  measured ms  ratio\n".to_string();
    for (dtype, cores, one, five) in MEASURED {
        let shape = model.with_dtype(dtype);
        for (m, measured) in [(1, one), (5, five)] {
            let parts = contributions(&shape, cpu, cores, 1.0, m, 128).expect("a rate");
            let predicted = 1e3 * parts.iter().map(|c| c.seconds).sum::<f64>();
            let ratio = predicted / measured;
            let _ = writeln!(
                table,
                "{dtype:<6} {cores:>7} {m:>2} {predicted:>13.1} {measured:>12.1} {ratio:>6.2}"
            );
            // A lower bound on real kernels, and not by more than a factor of five.
            assert!((0.2..=1.1).contains(&ratio), "{dtype} {cores} {m}: {ratio}");
        }
    }
    insta::assert_snapshot!("host_smollm2", table);
}

/// Our own kernels on two cores at context 80, by spec-profile: model, type, tokens, ms a call. (From 4 tokens on the kernel of w4a8 had a fault then.)
const OWN: [(&str, DType, u64, f64); 13] = [
    ("smollm2-135m", DType::F16, 1, 8.4),
    ("smollm2-135m", DType::F16, 2, 10.0),
    ("smollm2-135m", DType::F16, 3, 11.1),
    ("smollm2-135m", DType::F16, 5, 12.2),
    ("smollm2-135m", DType::F16, 9, 15.9),
    ("smollm2-135m", DType::I4, 1, 3.2),
    ("smollm2-135m", DType::I4, 2, 4.3),
    ("smollm2-135m", DType::I4, 8, 13.4),
    ("qwen2.5-0.5b", DType::W4A8, 1, 11.3),
    ("qwen2.5-0.5b", DType::W4A8, 2, 15.4),
    ("qwen2.5-1.5b", DType::W4A8, 1, 35.1),
    ("qwen2.5-1.5b", DType::W4A8, 2, 46.2),
    ("qwen2.5-1.5b", DType::W4A8, 3, 61.7),
];

/// What the model says of them. Numbers of the device file are computed from the SmolLM2 rows only, with the Qwen rows in view.
#[test]
fn own_kernels() {
    let soc = Soc::load("host").expect("built in");
    let cpu = soc.unit("cpu").expect("cpu");
    let mut table = "model         type    M  predicted ms  measured ms  ratio\n".to_string();
    for (name, dtype, m, measured) in OWN {
        let model = ModelShape::from_architecture(&Architecture::load(name).expect("built in"));
        let parts = contributions(&model.with_dtype(dtype), cpu, 2, 1.0, m, 80).expect("a rate");
        let predicted = 1e3 * parts.iter().map(|c| c.seconds).sum::<f64>();
        let (ratio, dtype) = (predicted / measured, dtype.to_string());
        let _ = writeln!(
            table,
            "{name:<13} {dtype:<6} {m:>2} {predicted:>13.1} {measured:>12.1} {ratio:>6.2}"
        );
        assert!((0.8..=1.9).contains(&ratio), "{name} {dtype} {m}: {ratio}");
    }
    insta::assert_snapshot!("host_own", table);
}

/// A plan for the Qwen2.5-Coder pair in 4 bits with integer products drafts one token.
#[test]
fn integer_products_are_not_float_products() {
    use spec_cost::{Acceptance, Problem, SearchOptions, Strategy, search};
    let load = |name: &str| {
        let shape = ModelShape::from_architecture(&Architecture::load(name).expect("built in"));
        shape.with_dtype(DType::W4A8)
    };
    let (mut target, mut drafter) = (load("qwen2.5-1.5b"), load("qwen2.5-0.5b"));
    target.entry_tokens = vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 16];
    drafter.entry_tokens = vec![1, 2, 8];
    let options = SearchOptions {
        context: (80, 80),
        force_target: Some("cpu:2".parse().expect("a pin")),
        force_drafter: Some("cpu:2".parse().expect("a pin")),
        strategies: vec![Strategy::Sequential],
        ..SearchOptions::default()
    };
    let outcome = search(&Problem {
        soc: &Soc::load("host").expect("built in"),
        target: &target,
        drafter: Some(&drafter),
        acceptance: &Acceptance::constant(0.77, "given".into()).expect("a rate"),
        profile: None,
        options: &options,
    });
    let outcome = outcome.expect("a plan");
    assert_eq!(outcome.best.draft_length, 1, "{}", outcome.summary());
    let reliance = outcome.reliance().expect("nothing was measured");
    assert!(
        reliance.contains("alpha 0.770 is not measured"),
        "{reliance}"
    );
}

/// What does not hide adds to the longer of arithmetic and traffic.
#[test]
fn what_does_not_hide_is_added() {
    let soc = Soc::load("unit").expect("built in");
    let cpu = soc.unit("cpu").expect("cpu");
    assert_eq!(cpu.overlap, 1.0, "where the device file does not say");
    let model =
        ModelShape::from_architecture(&Architecture::load("smollm2-135m").expect("built in"));
    let half = spec_cost::Unit {
        overlap: 0.5,
        ..cpu.clone()
    };
    let of = |unit| contributions(&model, unit, 1, 1.0, 2, 10).expect("a rate");
    let mut partly = 0;
    for (all, part) in of(cpu)
        .iter()
        .zip(of(&half))
        .filter(|(c, _)| c.class.is_some())
    {
        let (long, short) = (
            all.compute_seconds.max(all.memory_seconds),
            all.compute_seconds.min(all.memory_seconds),
        );
        assert_eq!((all.seconds, part.seconds), (long, long + 0.5 * short));
        partly += usize::from(short > 0.0);
    }
    assert!(partly > 3);
}
