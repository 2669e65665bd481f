//! Every style in every form of two models can be partitioned: both models are placed, no KV cache crosses, there is a
//! round where the models are functions, and what comes out can be lowered to one host again. What a sample of them computes
//! is checked in `outline_twins.rs`.

use spec_testsuite::modelgen::{
    EXPORTERS, Form, LoopKind, ModelSpec, Naming, Pair, Role, abi, build, catalogue, mixtures,
};
use spec_testsuite::tools::opt_text;

const PARTITION: &str = "--spec-partition=soc=unit alpha=0.9 force-drafter=gpu force-target=cpu";

/// Drafters of one layer beside targets of other exporters; `first` and `step` choose some of all.
fn pairs(first: usize, step: usize) -> Vec<(String, Pair)> {
    let of = |e| catalogue(e).into_iter().chain(mixtures(e, 6, 7));
    let models: Vec<(String, ModelSpec)> = EXPORTERS.into_iter().flat_map(of).collect();
    let n = models.len();
    let pair = |i: usize| {
        let (a, drafter) = &models[i];
        let (b, mut target) = models[(i * 7 + 11) % n].clone();
        target.config.layers = 3;
        let drafter = ModelSpec::new(drafter.config.with_layers(1), drafter.style.clone());
        let pair = Pair {
            drafter,
            target,
            draft_calls: 2,
        };
        (format!("{a} + {b}"), pair)
    };
    (first..n).step_by(step).map(pair).collect()
}

/// What is wrong with the partitioned module, if anything.
fn problem(text: &str, pair: &Pair, functions: bool) -> Option<String> {
    let ran = opt_text(&[PARTITION], text);
    if ran.code != Some(0) {
        return Some(ran.stderr);
    }
    if !ran.stdout.contains("spec.dispatch @drafter_gpu")
        || !ran.stdout.contains("spec.dispatch @target_cpu")
    {
        return Some("a model is not dispatched".into());
    }
    // the caller of a function computes masks: a round cannot
    let masks = pair.drafter.style.mask_argument || pair.target.style.mask_argument;
    if functions && ran.stdout.contains("spec.round") == masks {
        return Some(format!("round: {}; {}", !masks, ran.stderr));
    }
    if let Some(line) = crossing_cache(&ran.stdout, pair) {
        return Some(format!("a KV cache crosses: {line}"));
    }
    let lowered = opt_text(&["--spec-lower-to-host"], &ran.stdout);
    (lowered.code != Some(0)).then_some(lowered.stderr)
}

fn crossing_cache(text: &str, pair: &Pair) -> Option<String> {
    let caches = [&pair.drafter, &pair.target].map(|m| abi(&m.config, &m.style).args);
    let caches = caches
        .iter()
        .flatten()
        .filter(|a| matches!(a.role, Role::Keys(_) | Role::Values(_)));
    let ends: Vec<String> = caches.map(|a| format!(": {}", a.ty)).collect();
    let mut transfers = text.lines().filter(|l| l.contains("spec.transfer"));
    transfers
        .find(|l| ends.iter().any(|e| l.ends_with(e)))
        .map(str::to_owned)
}

fn check(first: usize, functions: bool, form: impl Fn(Pair) -> Form) {
    let mut failures = vec![];
    for (name, pair) in pairs(first, 6) {
        let text = build(&form(pair.clone())).text;
        failures.extend(problem(&text, &pair, functions).map(|p| format!("{name}: {p}")));
    }
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn two_functions() {
    check(0, true, |p| Form::TwoFunctions(p, Naming::Neutral));
}

#[test]
fn inlined() {
    check(1, false, Form::Inlined);
}

#[test]
fn inlined_loop() {
    check(2, false, Form::InlinedLoop);
}

#[test]
fn generation_loop() {
    let (naming, kind) = (Naming::Neutral, LoopKind::While);
    check(4, true, |pair| Form::GenerationLoop {
        pair,
        naming,
        kind,
        tokens: 4,
    });
}
