//! Modules of several models: they verify, and rounds and loops give what the reference gives.

use crate::modelgen::run::{self, Input};
use crate::modelgen::*;

const PROMPT: usize = 9;

fn pair(drafter: Exporter, target: Exporter) -> Pair {
    let config = Config {
        layers: 3,
        ..Config::default()
    };
    Pair {
        drafter: ModelSpec::new(config.with_layers(1), Style::of(drafter)),
        target: ModelSpec::new(config, Style::of(target)),
        draft_calls: 3,
    }
}

/// Arguments of a function over both models: empty caches, seeded weights.
fn inputs(pair: &Pair, abi: &Abi) -> Vec<Input> {
    let models = [&pair.drafter, &pair.target];
    abi.args
        .iter()
        .map(|arg| match &arg.role {
            Role::Tokens => Input::Dense(arg.ty.clone(), vec![PROMPT as f64]),
            Role::Weight(tensor) => {
                let spec = models[arg.model];
                Input::Dense(
                    arg.ty.clone(),
                    weight_data(&spec.config, &spec.style, tensor),
                )
            }
            _ => Input::Zero(arg.ty.clone()),
        })
        .collect()
}

/// Runs `name` and returns the first `keep` results.
fn run_function(pair: &Pair, module: &ModuleText, name: &str, keep: usize) -> Vec<Vec<f64>> {
    let abi = module.abi(name).expect("the function is there");
    let types: Vec<Type> = abi.results.iter().map(|r| r.ty.clone()).collect();
    let mut results = run::execute(&module.text, name, &inputs(pair, abi), &types).expect("runs");
    results.truncate(keep);
    results
}

/// The drafter's greedy tokens and the target's logits over them.
fn expected(pair: &Pair) -> (Vec<usize>, Vec<Vec<f64>>) {
    let mut drafter = Reference::new(&pair.drafter.config, &pair.drafter.style);
    let mut tokens = vec![PROMPT];
    for i in 0..pair.draft_calls {
        let next = drafter.greedy(&tokens[i..=i], i)[0];
        tokens.push(next);
    }
    let logits = Reference::new(&pair.target.config, &pair.target.style).forward(&tokens, 0);
    (tokens, logits)
}

fn check_round(form: &Form, pair: &Pair) {
    let results = run_function(pair, &build(form), "main", 2);
    let (tokens, logits) = expected(pair);
    assert_eq!(
        results[0],
        tokens.iter().map(|t| *t as f64).collect::<Vec<_>>()
    );
    for (a, b) in results[1].iter().zip(logits.iter().flatten()) {
        assert!((a - b).abs() < 1e-4, "{a} is not {b}");
    }
}

fn check_generation(pair: Pair, naming: Naming, kind: LoopKind, tokens: usize) {
    let form = Form::GenerationLoop {
        pair: pair.clone(),
        naming,
        kind,
        tokens,
    };
    let results = run_function(&pair, &build(&form), "generate", 2);
    let count = results[1][0] as usize;
    assert!(count >= tokens);
    let mut target = Reference::new(&pair.target.config, &pair.target.style);
    let mut token = PROMPT;
    for (i, found) in results[0][..count].iter().enumerate() {
        token = target.greedy(&[token], i)[0];
        assert_eq!(*found as usize, token, "token {i}");
    }
}

#[test]
fn a_greedy_loop_gives_the_models_tokens() {
    let mut style = Style::of(Exporter::Generic);
    style.mask_argument = true;
    let model = ModelSpec::new(Config::default(), style);
    let pair = Pair {
        drafter: model.clone(),
        target: model.clone(),
        draft_calls: 1,
    };
    let module = build(&Form::GreedyLoop(model.clone(), 5));
    let results = run_function(&pair, &module, "generate", 1);
    let mut reference = Reference::new(&model.config, &model.style);
    let mut token = PROMPT;
    for (i, found) in results[0].iter().enumerate() {
        token = reference.greedy(&[token], i)[0];
        assert_eq!(*found as usize, token, "token {i}");
    }
    assert_eq!(results[0].len(), 5);
}

#[test]
fn two_functions_verify() {
    for naming in [
        Naming::Telling,
        Naming::Neutral,
        Naming::Hinted,
        Naming::Swapped,
    ] {
        let text = module(&Form::TwoFunctions(
            pair(Exporter::Torch, Exporter::Jax),
            naming,
        ));
        run::verify(&text).expect("verifies");
    }
}

#[test]
fn several_models_verify() {
    let Pair {
        drafter,
        target,
        draft_calls,
    } = pair(Exporter::Onnx, Exporter::Generic);
    let third = ModelSpec::new(Config::default(), Style::of(Exporter::Loop));
    let three = Form::ThreeModels(Box::new([drafter.clone(), target.clone(), third.clone()]));
    let pair = Pair {
        drafter,
        target,
        draft_calls,
    };
    for form in [
        three,
        Form::DecodeVerify(third.clone(), 4),
        Form::DecodeVerifyDrafter(pair),
        Form::Single(third),
    ] {
        run::verify(&module(&form)).expect("verifies");
    }
}

#[test]
fn inlined_rounds_agree_with_the_reference() {
    let pair = pair(Exporter::Torch, Exporter::Torch);
    check_round(&Form::Inlined(pair.clone()), &pair);
}

#[test]
fn inlined_rounds_of_different_exporters_agree_with_the_reference() {
    let pair = pair(Exporter::Jax, Exporter::Onnx);
    check_round(&Form::Inlined(pair.clone()), &pair);
}

#[test]
fn inlined_loops_agree_with_the_reference() {
    let pair = pair(Exporter::Generic, Exporter::Torch);
    check_round(&Form::InlinedLoop(pair.clone()), &pair);
}

#[test]
fn generation_while_gives_the_targets_greedy_tokens() {
    check_generation(
        pair(Exporter::Torch, Exporter::Torch),
        Naming::Neutral,
        LoopKind::While,
        6,
    );
}

#[test]
fn generation_for_gives_the_targets_greedy_tokens() {
    check_generation(
        pair(Exporter::Loop, Exporter::Jax),
        Naming::Telling,
        LoopKind::For,
        3,
    );
}

#[test]
fn inlined_mixtures_agree_with_the_reference() {
    for (i, drafter) in EXPORTERS.into_iter().enumerate() {
        let mut target = mixtures(EXPORTERS[(i + 2) % 5], i + 1, 3).remove(i).1;
        target.style.output = Output::Logits;
        let mut drafter = mixtures(drafter, 1, 7).remove(0).1;
        drafter.config.layers = 1;
        let pair = Pair {
            drafter,
            target,
            draft_calls: 2,
        };
        check_round(
            &if i % 2 == 0 {
                Form::Inlined(pair.clone())
            } else {
                Form::InlinedLoop(pair.clone())
            },
            &pair,
        );
    }
}

#[test]
fn gather_ops_verify() {
    for exporter in EXPORTERS {
        let style = Style {
            gather_op: true,
            ..Style::of(exporter)
        };
        let text = function("f", &Config::default().with_tokens(2), &style).module();
        assert!(text.contains("tensor.gather"));
        run::verify(&text).expect("verifies");
    }
}
