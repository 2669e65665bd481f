//! `spec-forward-layouts`: goldens; the same functions, and random ones, compute the same bits as without the pass; what is left of
//! transpositions and copies in whole models.

#[path = "forward_layouts/counts.rs"]
mod counts;
mod goldens;
#[path = "native/inputs.rs"]
mod inputs;
mod native;
#[path = "forward_layouts/random.rs"]
mod random;
#[path = "forward_layouts/twins.rs"]
mod twins;

use counts::layout_ops;
use inputs::{dense, scalar};
use random::ARGS;
use spec_testsuite::modelgen::run::Call;
use spec_testsuite::modelgen::{
    EXPORTERS, Element, Form, ModelSpec, Position, Type, build, catalogue, fixtures,
};
use twins::{bits, calls, changes_something, forwarded, to_buffers, twins};

#[test]
fn goldens_of_forward_layouts() {
    goldens::check(
        "forward_layouts",
        &["--spec-forward-layouts", "--canonicalize", "--cse"],
    );
}

/// A golden's functions write to their arguments what they write without the pass.
#[test]
fn goldens_compute_what_they_did() {
    for case in goldens::cases("forward_layouts") {
        let file = format!(
            "{}/tests/forward_layouts/{case}.mlir",
            env!("CARGO_MANIFEST_DIR")
        );
        let module = std::fs::read_to_string(file).expect("is there");
        let (before, after) = twins(&module);
        let calls = calls(&module);
        assert!(!calls.is_empty(), "{case}");
        for call in calls {
            let (found, expected) = (after.call(&call), before.call(&call));
            assert_eq!(bits(&found), bits(&expected), "{case}: {}", call.entry);
            let works = changes_something(&before, &call, &found);
            assert!(works, "{case}: {} does nothing", call.entry);
        }
    }
}

fn random_call(name: &str, trips: usize) -> Call {
    let number = |a: usize, k: usize| ((k * 7 + a * 31 + trips * 13) % 19) as f64 - 9.0;
    let mut args: Vec<_> = (ARGS.iter().enumerate())
        .map(|(a, dims)| dense(dims, Element::I32, |k| number(a, k)))
        .collect();
    // the rows from 5 on are used at a static place, too
    let place = [0.0, 4.0, 13.0][trips];
    args.extend([trips as f64, place].map(|n| scalar(Element::Index, n)));
    let ty = |dims: &&[usize]| Type::tensor(dims, Element::I32);
    Call {
        entry: name.to_owned(),
        args,
        results: ARGS.iter().map(ty).collect(),
    }
}

#[test]
fn random_functions_compute_what_they_did() {
    // SPEC_SEEDS=1000 for a longer run
    let n = std::env::var("SPEC_SEEDS").map_or(64, |n| n.parse().expect("SPEC_SEEDS is a number"));
    let seeds: Vec<u64> = (1..=n).collect();
    let mut gone = 0;
    for seeds in seeds.chunks(32) {
        let named = seeds.iter().map(|s| (format!("f{s}"), *s));
        let all: Vec<(String, String)> = named
            .map(|(name, seed)| (name.clone(), random::function(&name, seed)))
            .collect();
        let module: String = all.iter().map(|(_, text)| text.as_str()).collect();
        let buffers = to_buffers(&module);
        gone += layout_ops(&buffers) - layout_ops(&forwarded(&buffers));
        let (before, after) = twins(&module);
        for (name, text) in &all {
            for trips in 0..3 {
                let call = random_call(name, trips);
                assert_eq!(after.call(&call), before.call(&call), "{text}");
            }
        }
    }
    assert!(gone > 2 * seeds.len(), "{gone} ops are gone");
}

/// Numbers before and after the pass.
fn counted(module: &str) -> (usize, usize) {
    let buffers = counts::with_model_ops(module);
    (layout_ops(&buffers), layout_ops(&forwarded(&buffers)))
}

/// What may stay of a layer: values go from a product to a cache, keys as well if nothing turns them; a norm of heads has no strides.
fn per_layer(model: &ModelSpec, tokens: usize) -> usize {
    let keys = usize::from(model.style.position == Position::Learned);
    let norms = 2 * usize::from(model.style.qk_norm && tokens > 1);
    1 + keys + norms
}

#[test]
fn whole_models_keep_few_copies() {
    let (mut before, mut after) = (0, 0);
    for (name, model) in EXPORTERS.into_iter().flat_map(catalogue) {
        for tokens in [1, 3] {
            let config = model.config.with_tokens(tokens);
            let spec = ModelSpec::new(config, model.style.clone());
            let (had, has) = counted(&build(&Form::Single(spec)).text);
            let most = per_layer(&model, tokens) * model.config.layers;
            assert!(
                has <= most,
                "{name} of {tokens} tokens keeps {has} of {had}"
            );
            (before, after) = (before + had, after + has);
        }
    }
    assert!(5 * after <= before, "{after} of {before} are left");
}

/// Exported models, with the numbers before and after.
#[test]
fn exported_models() {
    let expected = [
        ("stories260k.rows.m1.mlir", (15, 0)),
        ("stories260k.rows.m5.mlir", (30, 5)),
        ("stories260k.slice.m1.mlir", (15, 5)),
        ("stories260k.slice.m5.mlir", (30, 5)),
        ("smollm2-135m.rows.m1.f16.mlir.gz", (98, 0)),
        ("smollm2-135m.rows.m5.f32.mlir.gz", (188, 30)),
        ("jax.stories-shape.decode.mlir", (20, 5)),
        ("jax.gemma.decode.mlir", (3, 0)),
        ("jax.gpt2.verify4.mlir", (19, 6)),
        ("jax.scan.decode.mlir", (3, 1)),
        ("generation_loop.mlir", (34, 5)),
    ];
    for (file, expected) in expected {
        let module = fixtures::text(file).expect("the fixture is readable");
        assert_eq!(counted(&module), expected, "{file}");
    }
}
