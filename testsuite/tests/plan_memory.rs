//! `spec-plan-memory`: goldens, and random functions whose results with all buffers in one workspace are those of stock bufferization
//! with an allocation each.

mod goldens;
#[path = "native/inputs.rs"]
mod inputs;
mod native;
#[path = "native/random.rs"]
mod random;

use inputs::{dense, scalar};
use native::compile;
use random::{ARGS, Random, SHAPES};
use spec_testsuite::modelgen::run::{Call, execute_all};
use spec_testsuite::modelgen::{Element, Type};

#[test]
fn goldens_of_plan_memory() {
    goldens::check("plan_memory", &["--spec-plan-memory"]);
}

/// Calls with no, some and many trips, at every offset, on both branches.
fn calls(name: &str, random: &Random, seed: usize) -> Vec<Call> {
    let given = [(0.0, 0.0, 1.0), (1.0, 2.0, 0.0), (3.0, 1.0, 1.0)];
    let call = |(i, (n, p, c)): (usize, (f64, f64, f64))| {
        let number = |a: usize, k: usize| ((k * 7 + a * 31 + i * 13 + seed) % 19) as f64 - 9.0;
        let mut args: Vec<_> = (ARGS.iter().enumerate())
            .map(|(a, shape)| dense(SHAPES[*shape].1, Element::I32, |k| number(a, k)))
            .collect();
        args.extend([
            scalar(Element::Index, n),
            scalar(Element::Index, p),
            scalar(Element::Index, c),
        ]);
        Call {
            entry: name.to_owned(),
            args,
            results: (random.results.iter())
                .map(|s| Type::tensor(SHAPES[*s].1, Element::I32))
                .collect(),
        }
    };
    given.into_iter().enumerate().map(call).collect()
}

fn check_seeds(seeds: std::ops::Range<u64>) {
    let all: Vec<(String, Random)> = seeds
        .map(|seed| (format!("f{seed}"), seed))
        .map(|(name, seed)| (name.clone(), random::function(&name, seed)))
        .collect();
    let module: String = all.iter().map(|(_, r)| r.text.as_str()).collect();
    let calls: Vec<Call> = (all.iter().enumerate())
        .flat_map(|(i, (name, r))| calls(name, r, i))
        .collect();
    let expected = execute_all(&module, &calls).unwrap_or_else(|e| panic!("{e}"));
    let compiled = compile(&module);
    for (call, expected) in calls.iter().zip(expected) {
        let text = &all
            .iter()
            .find(|(n, _)| *n == call.entry)
            .expect("is there")
            .1
            .text;
        assert_eq!(compiled.call(call), expected, "{}\n{text}", call.entry);
    }
}

#[test]
fn random_functions_compute_the_same_in_one_workspace() {
    // SPEC_SEEDS=1000 for a longer run
    let n = std::env::var("SPEC_SEEDS").map_or(48, |n| n.parse().expect("SPEC_SEEDS is a number"));
    for start in (1..=n).step_by(16) {
        check_seeds(start..(start + 16).min(n + 1));
    }
}
