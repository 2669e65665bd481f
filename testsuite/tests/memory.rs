//! Weights in the module are neither copied nor printed: the peak of `--spec-partition` is that of parsing and printing.
//!
//! 64 MiB of weights; `SPEC_MEMORY_MIB=500 cargo test -p spec-testsuite --test memory -- --nocapture` for more, with figures.
//! Peaks are `VmHWM` of the kernel's /proc, read while the process runs.
#![allow(clippy::print_stdout)] // figures, with --nocapture

use spec_testsuite::modelgen::{Config, Exporter, Form, ModelSpec, Style, Weights, module};
use spec_testsuite::tools::spec_opt;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const PARTITION: &str = "--spec-partition=soc=imx95 alpha=0.8";
const MIB: usize = 1 << 20;
/// Elements of a row of the embedding table.
const HIDDEN: usize = 256;

fn weights_in_mib() -> usize {
    let given = std::env::var("SPEC_MEMORY_MIB").ok();
    given.map_or(64, |v| {
        v.parse()
            .unwrap_or_else(|_| panic!("SPEC_MEMORY_MIB must be a number, got '{v}'"))
    })
}

/// A model of one layer; its table of embeddings, which is also its head, has `rows` rows.
fn text(weights: Weights, rows: usize) -> String {
    let config = Config {
        layers: 1,
        hidden: HIDDEN,
        heads: 4,
        kv_heads: 1,
        head_dim: HIDDEN / 4,
        ffn: 64,
        vocabulary: rows,
        ..Config::default()
    };
    let mut style = Style::of(Exporter::Generic);
    style.weights = weights;
    module(&Form::Single(ModelSpec::new(config, style)))
}

/// Writes the module with a table of so many MiB. The generator writes a small one, of a row count that nothing else has;
/// its bytes and sizes are replaced on the way to the file, so that this process stays small: a child's peak starts from
/// its parent's.
fn write_module(file: &Path, weights: Weights, mib: usize) {
    const SMALL: usize = 97;
    let rows = mib * MIB / (HIDDEN * 4);
    let small = text(weights, SMALL);
    let digits = SMALL * HIDDEN * 4 * 2;
    let (prefix, separator) = match weights {
        // a resource starts with its alignment, 4 bytes
        Weights::Resource => (8, "\"0x"),
        _ => (0, "\"0x"),
    };
    let mut out = BufWriter::new(File::create(file).expect("the module can be written"));
    let mut replaced = 0;
    for (i, part) in small.split(separator).enumerate() {
        if i > 0 {
            out.write_all(separator.as_bytes()).expect("written");
        }
        let length = part.find('"').filter(|_| i > 0);
        let rest = match length {
            Some(n) if n == digits + prefix => {
                out.write_all(&part.as_bytes()[..prefix]).expect("written");
                let row = &part[prefix..prefix + HIDDEN * 8];
                (0..rows).for_each(|_| out.write_all(row.as_bytes()).expect("written"));
                replaced += 1;
                &part[n..]
            }
            _ => part,
        };
        out.write_all(resized(rest, SMALL, rows).as_bytes())
            .expect("written");
    }
    out.flush().expect("written");
    assert_eq!(replaced, 1, "the table is there once");
}

/// The row count, wherever a type or a constant has it.
fn resized(text: &str, from: usize, to: usize) -> String {
    let mut text = text.to_owned();
    for (before, after) in [
        ("<", "x"),
        ("x", "x"),
        ("constant ", " "),
        ("constant ", "."),
    ] {
        text = text.replace(
            &format!("{before}{from}{after}"),
            &format!("{before}{to}{after}"),
        );
    }
    let last = |offset: usize| format!("constant {} :", offset - 1);
    text.replace(&last(from), &last(to))
}

/// `VmHWM` of a run that must succeed, in MiB.
fn peak(args: &[&str]) -> f64 {
    let mut child = Command::new(spec_opt())
        .args(args)
        .stdin(Stdio::null())
        .spawn()
        .expect("spec-opt starts");
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        let now = fs::read_to_string(&status_file).unwrap_or_default();
        let line = now.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0));
        match child.try_wait().expect("spec-opt can be waited for") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_micros(200)),
        }
    };
    assert!(status.success(), "spec-opt {args:?}: {status}");
    peak as f64 / 1024.0
}

/// The peak of partitioning is at most 10 % above that of parsing and printing.
fn check(weights: Weights) {
    let mib = weights_in_mib();
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name).display().to_string();
    let (source, input) = (at("model.mlir"), at("model.mlirbc"));
    write_module(Path::new(&source), weights, mib);
    let run = |args: &[&str]| peak(&[args, &["-o", &at("out")]].concat());
    peak(&["--emit-bytecode", &source, "-o", &input]);
    fs::remove_file(&source).expect("the text can be removed");
    assert!(fs::metadata(&input).expect("bytecode").len() as usize > mib * MIB);
    for (format, flags) in [("bytecode", &["--emit-bytecode"][..]), ("text", &[])] {
        let plain = run(&[flags, &[input.as_str()]].concat());
        let partitioned = run(&[flags, &[PARTITION, &input]].concat());
        println!(
            "{weights:?}, {mib} MiB, to {format}: {plain:.0} MiB parsed and printed, {partitioned:.0} MiB partitioned"
        );
        assert!(
            plain > mib as f64 * 0.9,
            "{plain} MiB for {mib} MiB of weights: was it parsed?"
        );
        assert!(
            partitioned < 1.1 * plain,
            "{partitioned} MiB, and {plain} MiB without our passes"
        );
        let out = fs::metadata(at("out")).expect("the output").len() as usize;
        assert!(out > mib * MIB, "the weights are in the output");
    }
}

#[test]
fn resources() {
    check(Weights::Resource);
}

#[test]
fn literals() {
    check(Weights::Literal);
}

/// Reports hold figures, not weights.
#[test]
fn reports_do_not_print_weights() {
    for weights in [Weights::Resource, Weights::Literal] {
        let small = text(weights, 97);
        let ran = spec_testsuite::tools::opt_text(
            &["--spec-partition=alpha=0.8", "--report=json"],
            &small,
        );
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(
            !ran.stdout.contains("0x") && ran.stdout.len() < 100_000,
            "{} bytes",
            ran.stdout.len()
        );
    }
}
