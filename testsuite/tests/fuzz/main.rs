//! Mutated modules, device files, acceptance curves and profiles: an answer or an error, never a crash.
//!
//! Deterministic; CI runs a few hundred modules. For longer runs:
//! `SPEC_FUZZ_CASES=100000 SPEC_FUZZ_SEED=7 cargo test -p spec-testsuite --test fuzz -- --nocapture`.
//! A module that crashes is left in `target/tmp/`, with the command that shows it.

mod corpus;
mod data;
mod mutate;
mod rng;
mod structure;

use rng::Rng;
use spec_testsuite::tools::{opt_text, spec_opt};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Modules a process works on: a crash is still seen, and starting up costs more than a module.
const BATCH: usize = 40;
/// Address space of a process in KiB: a module that needs more is one that asks for the absurd.
const MEMORY: &str = "6000000";
/// What a batch may take; one that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

fn from_env(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(default, |v| {
        v.parse()
            .unwrap_or_else(|_| panic!("{name} must be a number, got '{v}'"))
    })
}

const FOREIGN: &str = "--allow-unregistered-dialect";

/// Why a run is not an answer, if it is not.
fn crash(file: &Path, args: &[&str]) -> Option<String> {
    let log = file.with_extension("log");
    let mut child = Command::new("sh")
        .args([
            "-c",
            "ulimit -v \"$1\" && shift && exec \"$@\"",
            "sh",
            MEMORY,
        ])
        .arg(spec_opt())
        .args(args)
        .args([
            "--mlir-disable-threading",
            "--mlir-print-op-on-diagnostic=false",
            "-o",
            "/dev/null",
        ])
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log).expect("the log can be written"))
        .spawn()
        .expect("spec-opt starts");
    let start = Instant::now();
    let status = loop {
        match child.try_wait().expect("spec-opt can be waited for") {
            Some(status) => break status,
            None if start.elapsed() > PATIENCE => {
                child
                    .kill()
                    .and_then(|()| child.wait())
                    .expect("spec-opt can be ended");
                return Some(format!("no answer after {PATIENCE:?}"));
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let said = String::from_utf8_lossy(&fs::read(&log).expect("the log can be read")).into_owned();
    let bug = [
        "internal error",
        "panicked",
        "LLVM ERROR",
        "Stack dump",
        "please report",
    ];
    let line = said.lines().find(|l| bug.iter().any(|b| l.contains(b)));
    match (status.code(), line) {
        (Some(0 | 1), None) => None,
        (Some(0 | 1), Some(l)) => Some(l.to_owned()),
        _ => Some(format!("{status}; {}", line.unwrap_or("no message"))),
    }
}

/// The modules of a batch that crash our passes, each with the reason. What crashes MLIR's parser or verifier on its own
/// is not ours.
fn culprits(dir: &Path, batch: &[Vec<u8>], args: &[&str]) -> Vec<(PathBuf, String)> {
    let file = dir.join("batch.mlir");
    fs::write(&file, batch.join(&b"\n// -----\n"[..])).expect("the batch can be written");
    let Some(reason) = crash(&file, &[args, &["--split-input-file"]].concat()) else {
        return vec![];
    };
    let mut found = vec![];
    for (i, module) in batch.iter().enumerate() {
        let file = dir.join(format!("mutant{i}.mlir"));
        fs::write(&file, module).expect("the module can be written");
        if let Some(reason) = crash(&file, args)
            && crash(&file, &[FOREIGN]).is_none()
        {
            found.push((file, reason));
        }
    }
    if found.is_empty() && crash(&file, &[FOREIGN, "--split-input-file"]).is_none() {
        found.push((
            file,
            format!("{reason} (only as a batch, with --split-input-file)"),
        ));
    }
    found
}

/// Copies a crashing module to where it outlives the test.
fn keep(file: &Path, seed: u64, n: u64) -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{seed}-{n}.mlir"));
    fs::copy(file, &kept).expect("the module can be kept");
    kept
}

#[test]
fn mutated_modules() {
    let (cases, seed) = (
        from_env("SPEC_FUZZ_CASES", 400),
        from_env("SPEC_FUZZ_SEED", 1),
    );
    let corpora = corpus::all();
    let dir = tempfile::tempdir().expect("a folder for modules");
    let mut rng = Rng::new(seed);
    let (mut failures, mut n) = (vec![], 0);
    while n < cases {
        let corpus = rng.pick(corpora);
        let pipeline = *rng.pick(corpus.pipelines);
        let count = BATCH.min((cases - n) as usize);
        let batch: Vec<Vec<u8>> = (0..count)
            .map(|_| mutate::module(&mut rng, &corpus.modules))
            .collect();
        let mut args = pipeline.to_vec();
        if rng.chance(0.5) {
            args.push(FOREIGN);
        }
        for (file, reason) in culprits(dir.path(), &batch, &args) {
            let kept = keep(&file, seed, n + failures.len() as u64);
            failures.push(format!(
                "{reason}\n  spec-opt {} {}",
                args.join(" "),
                kept.display()
            ));
        }
        n += count as u64;
    }
    assert!(
        failures.is_empty(),
        "{} of {cases} crash:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Modules that crashed once.
#[test]
fn regressions() {
    let corpora = corpus::all();
    for (path, _) in data::files("testsuite/tests/fuzz/regressions", "mlir") {
        for pipeline in corpora.iter().flat_map(|c| c.pipelines) {
            for flags in [&[][..], &[FOREIGN]] {
                let dir = tempfile::tempdir().expect("a folder");
                let file = dir.path().join("module.mlir");
                fs::copy(&path, &file).expect("the module can be copied");
                let found = crash(&file, &[pipeline, flags].concat());
                assert_eq!(found, None, "{path} {pipeline:?}");
            }
        }
    }
}

/// Mutants must not all fail at once: then nothing of ours is tested.
#[test]
fn a_part_of_the_mutants_is_valid() {
    let corpora = corpus::all();
    let mut rng = Rng::new(1);
    let valid = (0..60)
        .filter(|_| {
            let mutant = mutate::module(&mut rng, &corpora[0].modules);
            let Ok(text) = String::from_utf8(mutant) else {
                return false;
            };
            opt_text(&[FOREIGN, "-o", "/dev/null"], &text).code == Some(0)
        })
        .count();
    assert!(
        (12..=54).contains(&valid),
        "{valid} of 60 mutants are valid MLIR"
    );
}
