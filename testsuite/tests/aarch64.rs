//! Models compiled for Cortex-A55 and run under qemu, linked statically and loaded: against the double-precision reference, with
//! guards around every buffer, and bit for bit whatever the number of tokens in a call and of threads.

use spec_testsuite::compiled::{Entry, compile, decode, encode};
use spec_testsuite::harness::{Linking, Machine};
use spec_testsuite::modelgen::run::Input;
use spec_testsuite::modelgen::{
    CacheForm, EXPORTERS, Element, Form, Host, ModelSpec, Reference, Type, abi, build, catalogue,
};

const M: usize = 3;
const PROMPT: [usize; 6] = [3, 17, 42, 5, 63, 0];

fn answers(entry: &Entry, model: &ModelSpec, m: usize, threads: usize) -> Result<Vec<f64>, String> {
    let mut host = Host::new(&model.config, &model.style);
    let mut all = vec![];
    for (i, tokens) in PROMPT.chunks(m).enumerate() {
        let run = |args: &[Input], types: &[Type]| {
            let args = args.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
            let results = entry.call_bytes(&args, threads)?;
            let values = types.iter().zip(&results).map(|(t, b)| decode(t, b));
            Ok::<_, String>(values.collect())
        };
        all.extend(host.call_with(tokens, i * m, run)?);
    }
    all.extend(host.caches().flatten());
    Ok(all)
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

fn problem(model: &ModelSpec, soc: &str, machine: Machine) -> Result<(), String> {
    let text = build(&Form::DecodeVerify(model.clone(), M)).text;
    let folder = compile(&text, &[&format!("--soc={soc}")])?;
    let out = folder.path().join("out");
    let decode = Entry::new(machine, Linking::Static, &out, "decode")?;
    let one = answers(&decode, model, 1, 1)?;
    let mut reference = Reference::new(&model.config, &model.style);
    let expected: Vec<f64> = reference.forward(&PROMPT, 0).concat();
    let largest = expected.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    let tolerance = if model.config.dtype == Element::F32 {
        2e-5
    } else {
        3e-2
    };
    for (e, f) in expected.iter().zip(&one) {
        if f.is_nan() || (e - f).abs() > tolerance * largest {
            return Err(format!("{f}, expected {e}"));
        }
    }
    for (linking, threads) in [(Linking::Static, 1), (Linking::Dynamic, 2)] {
        let verify = Entry::new(machine, linking, &out, "verify")?;
        if bits(&answers(&verify, model, M, threads)?) != bits(&one) {
            return Err(format!(
                "{linking:?}, {threads} threads: other bits than one token a call"
            ));
        }
    }
    Ok(())
}

fn models() -> Vec<(String, ModelSpec)> {
    let mut models = vec![];
    for (i, exporter) in EXPORTERS.into_iter().enumerate() {
        let (name, mut model) = catalogue(exporter).swap_remove(0);
        model.config.dtype = [
            Element::F32,
            Element::F16,
            Element::BF16,
            Element::F32,
            Element::F16,
        ][i];
        models.push((name, model));
    }
    models
}

fn check(soc: &str, machine: Machine) {
    for (name, model) in models() {
        if let Err(problem) = problem(&model, soc, machine) {
            panic!("{name} for {soc}: {problem}");
        }
    }
}

#[test]
fn cortex_a55_under_qemu() {
    check("imx95", Machine::Aarch64);
}

#[test]
fn cortex_a76_under_qemu() {
    check("rpi5", Machine::Aarch64);
}

/// The same on this machine: the guards, and the C runner's own pool.
#[test]
fn this_machine() {
    check("host", Machine::Native);
}

/// A position that leaves no room for the new rows, or a negative one, is an error of the call: nothing outside of buffers is touched.
#[test]
fn a_full_cache_is_an_error() {
    let mut failures = vec![];
    for (name, model) in models() {
        let text = build(&Form::DecodeVerify(model.clone(), M)).text;
        let folder = compile(&text, &["--soc=host"]).expect("compiles");
        let out = folder.path().join("out");
        let context = model.config.context;
        for (function, m) in [("decode", 1), ("verify", M)] {
            let entry =
                Entry::new(Machine::Native, Linking::Dynamic, &out, function).expect("links");
            // rows are the caller's to append: such a model may read one position further
            let last = context
                - if model.style.cache == CacheForm::Rows {
                    0
                } else {
                    m
                };
            for (position, fits) in [
                (last, true),
                (last + 1, false),
                (1 << 40, false),
                (usize::MAX, false),
            ] {
                let abi = abi(&model.config.with_tokens(m), &model.style);
                let args =
                    Host::new(&model.config, &model.style).args(&abi, &PROMPT[..m], position);
                let args = args.iter().map(encode).collect::<Result<Vec<_>, _>>();
                let ran = entry.call_bytes(&args.expect("dense"), 1);
                let expected = if fits {
                    Ok(())
                } else {
                    Err("status 2, 0 allocations".to_owned())
                };
                let ran = ran.map(drop);
                if ran != expected {
                    failures.push(format!("{name} {function} at {position}: {ran:?}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
