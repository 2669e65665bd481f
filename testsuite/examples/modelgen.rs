//! Prints a model of the catalogue: `cargo run -p spec-testsuite --example modelgen -- Torch-where 1 [LAYERS]`.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::exit)] // a tool of its own

use spec_testsuite::modelgen::{EXPORTERS, Form, ModelSpec, build, catalogue, mixtures};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let number = |i: usize| args.get(i).and_then(|a| a.parse().ok());
    let models = || {
        EXPORTERS
            .into_iter()
            .flat_map(|e| catalogue(e).into_iter().chain(mixtures(e, 6, 7)))
    };
    let found = args
        .get(1)
        .and_then(|name| models().find(|(n, _)| n == name));
    let Some((_, spec)) = found else {
        let names: Vec<String> = models().map(|m| m.0).collect();
        eprintln!(
            "usage: modelgen NAME [TOKENS [LAYERS]]; names: {}",
            names.join(" ")
        );
        std::process::exit(2);
    };
    let config = spec.config.with_tokens(number(2).unwrap_or(1));
    let layers = number(3).unwrap_or(config.layers);
    let spec = ModelSpec::new(config.with_layers(layers), spec.style);
    print!("{}", build(&Form::Single(spec)).text);
}
