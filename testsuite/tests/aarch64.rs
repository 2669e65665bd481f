//! Models compiled for Cortex-A55 and run under qemu, linked statically and loaded: against the double-precision reference, with
//! guards around every buffer, and bit for bit whatever the number of tokens in a call and of threads.

use spec_runtime::manifest::{Function, Manifest};
use spec_testsuite::compiled::{compile, decode, encode};
use spec_testsuite::harness::{Arg, Call, Linking, Machine, Program};
use spec_testsuite::modelgen::run::Input;
use spec_testsuite::modelgen::{
    EXPORTERS, Element, Form, Host, ModelSpec, Reference, Type, build, catalogue,
};
use std::path::Path;

const M: usize = 3;
const PROMPT: [usize; 6] = [3, 17, 42, 5, 63, 0];

/// A function of a bundle, linked with the C runner.
struct Entry {
    function: Function,
    program: Program,
}

impl Entry {
    fn new(machine: Machine, linking: Linking, out: &Path, name: &str) -> Result<Self, String> {
        let text = std::fs::read_to_string(out.join("manifest.json")).map_err(|e| e.to_string())?;
        let manifest = Manifest::from_json(&text).map_err(|e| e.to_string())?;
        let function = (manifest.functions.into_iter())
            .find(|f| f.name == name)
            .ok_or(format!("no function {name}"))?;
        let program = match linking {
            Linking::Static => {
                Program::build(machine, linking, &out.join("model.o"), &function.symbol)
            }
            Linking::Dynamic => Program::library(machine, &out.join("model.so"), &function.symbol),
        };
        let program = program.map_err(|e| e.to_string())?;
        Ok(Entry { function, program })
    }

    fn call(
        &self,
        args: &[Input],
        results: &[Type],
        threads: usize,
    ) -> Result<Vec<Vec<f64>>, String> {
        let slots = self.function.slots().map_err(|e| e.to_string())?;
        let mut list = vec![];
        for slot in &slots {
            let align = slot.dtype.bytes();
            list.push(if slot.is_result {
                Arg::result(slot.bytes, align)
            } else if slot.written {
                Arg::update(encode(&args[slot.index])?, align)
            } else {
                Arg::read(encode(&args[slot.index])?, align)
            });
        }
        let mut call = Call::new(self.function.workspace_bytes as usize, list);
        call.threads = threads;
        let outcome = self.program.run(&call).map_err(|e| e.to_string())?;
        if outcome.status != 0 || outcome.allocations != 0 {
            return Err(format!(
                "status {}, {} allocations",
                outcome.status, outcome.allocations
            ));
        }
        let mut out = vec![];
        for (i, (ty, result)) in results.iter().zip(&self.function.results).enumerate() {
            let wanted = result.aliases_argument.map_or((true, i), |a| (false, a));
            let at = (slots.iter()).position(|s| (s.is_result, s.index) == wanted);
            let bytes = at.and_then(|at| outcome.outputs[at].as_ref());
            out.push(decode(ty, bytes.ok_or("a result was not written")?));
        }
        Ok(out)
    }
}

fn answers(entry: &Entry, model: &ModelSpec, m: usize, threads: usize) -> Result<Vec<f64>, String> {
    let mut host = Host::new(&model.config, &model.style);
    let mut all = vec![];
    for (i, tokens) in PROMPT.chunks(m).enumerate() {
        let run = |args: &[Input], types: &[Type]| entry.call(args, types, threads);
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
