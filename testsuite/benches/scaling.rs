//! How the time of each pass grows with the number of ops: `cargo bench -p spec-testsuite --bench scaling`.
//!
//! A drafter/target pair of 1 to 256 layers goes through `spec-opt --spec-partition` with MLIR's own timing; the table
//! shows medians of several runs in milliseconds, and for each pass the exponent of a fit time ~ ops^x over the larger half
//! (1 = linear).

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::exit)] // a tool of its own

use spec_testsuite::modelgen::{
    Config, Exporter, Form, ModelSpec, Naming, Pair, Style, build, fixtures,
};
use spec_testsuite::tools::{run, spec_opt};
use std::path::Path;

const PASSES: [&str; 5] = [
    "Parser",
    "SpecIdentify",
    "SpecPlace",
    "SpecOutline",
    "Output",
];

/// Milliseconds of each of [`PASSES`], medians over `runs`.
fn time(file: &str, runs: usize) -> [f64; 5] {
    let mut samples: [Vec<f64>; 5] = Default::default();
    for _ in 0..runs {
        let args = [
            "--spec-partition=soc=imx95 alpha=0.8",
            "--mlir-timing",
            "--mlir-timing-display=list",
            file,
            "-o",
            "/dev/null",
        ];
        let ran = run(&spec_opt(), &args, Path::new("."), None);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        for (pass, sample) in PASSES.iter().zip(&mut samples) {
            let line = ran.stderr.lines().find(|l| l.ends_with(pass));
            let seconds: Option<f64> = line.and_then(|l| l.split_whitespace().next()?.parse().ok());
            sample.push(seconds.unwrap_or(f64::NAN) * 1e3);
        }
    }
    samples.map(|mut s| {
        s.sort_by(f64::total_cmp);
        s[s.len() / 2]
    })
}

/// Slope of log(time) over log(ops).
fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points
        .iter()
        .map(|(x, y)| (x.ln(), y.max(1e-3).ln()))
        .collect();
    let n = logs.len() as f64;
    let mean = |f: fn(&(f64, f64)) -> f64| logs.iter().map(f).sum::<f64>() / n;
    let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
    let cov: f64 = logs.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    cov / logs.iter().map(|(x, _)| (x - mx).powi(2)).sum::<f64>()
}

fn row(name: &str, ops: usize, t: &[f64; 5]) {
    print!("{name:>22} {ops:>9}");
    t.iter().for_each(|x| print!(" {x:>13.1}"));
    println!();
}

fn main() {
    let runs = std::env::var("SPEC_BENCH_RUNS")
        .ok()
        .and_then(|r| r.parse().ok())
        .unwrap_or(5);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("the folder is writable");
        (
            path.to_string_lossy().into_owned(),
            text.matches(" = ").count(),
        )
    };
    println!(
        "{:>22} {:>9} {}",
        "module",
        "ops",
        PASSES.map(|p| format!("{p:>13}")).join(" ")
    );
    let mut points: [Vec<(f64, f64)>; 5] = Default::default();
    for layers in [1usize, 2, 4, 8, 16, 32, 64, 128, 256] {
        let model =
            |l| ModelSpec::new(Config::default().with_layers(l), Style::of(Exporter::Torch));
        let pair = Pair {
            drafter: model(layers.div_ceil(4)),
            target: model(layers),
            draft_calls: 4,
        };
        let text = build(&Form::TwoFunctions(pair, Naming::Neutral)).text;
        let (file, ops) = write("pair.mlir", &text);
        let t = time(&file, runs);
        row(&format!("{layers} layers"), ops, &t);
        for (p, t) in points.iter_mut().zip(t) {
            p.push((ops as f64, t));
        }
    }
    let slopes = points.map(|p| exponent(&p[p.len() / 2..]));
    println!(
        "{:>22} {:>9} {}",
        "exponent",
        "",
        slopes.map(|s| format!("{s:>13.2}")).join(" ")
    );
    for name in [
        "smollm2-135m.rows.m1.f16.mlir.gz",
        "smollm2-135m.rows.m5.f32.mlir.gz",
    ] {
        let text = fixtures::text(name).expect("the fixture is readable");
        let (file, ops) = write("smollm2.mlir", &text);
        row(name.trim_end_matches(".mlir.gz"), ops, &time(&file, runs));
    }
}
