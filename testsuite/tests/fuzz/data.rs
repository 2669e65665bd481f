//! Device files, acceptance curves and profiles, in the library and through the driver.

use crate::rng::Rng;
use crate::{corpus, crash, from_env, mutate};
use spec_cost::{
    Acceptance, AcceptanceFilter, Architecture, ModelShape, Problem, Profile, SearchOptions, Soc,
    search,
};
use std::fs;
use std::path::Path;

pub fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder);
    let mut all: Vec<_> = fs::read_dir(&dir)
        .unwrap_or_else(|e| panic!("{folder}: {e}"))
        .map(|f| f.expect("readable").path())
        .filter(|p| p.extension().is_some_and(|e| e == extension))
        .map(|p| {
            (
                p.display().to_string(),
                fs::read_to_string(&p).expect("readable"),
            )
        })
        .collect();
    all.sort();
    assert!(!all.is_empty(), "{folder} has no *.{extension}");
    all
}

/// Reads mutants of `files` with `read`, which plans with those that are accepted; (accepted, refused).
fn read_mutants(files: &[(String, String)], read: impl Fn(&str) -> bool) -> (u64, u64) {
    let cases = from_env("SPEC_FUZZ_CASES", 400) * 2;
    let mut rng = Rng::new(from_env("SPEC_FUZZ_SEED", 1));
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..cases {
        let (_, original) = rng.pick(files);
        let mut text = original.clone();
        for _ in 0..=rng.below(3) {
            text = mutate::data(&mut rng, &text);
        }
        let ok = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read(&text)));
        match ok {
            Ok(true) => accepted += 1,
            Ok(false) => refused += 1,
            Err(_) => panic!("a crash on this text:\n{text}"),
        }
    }
    (accepted, refused)
}

fn shape(name: &str) -> ModelShape {
    ModelShape::from_architecture(&Architecture::load(name).expect("a built-in shape"))
}

/// Plans; a refusal is an answer, a number that is none is not.
fn plan(soc: &Soc, acceptance: &Acceptance, profile: Option<&Profile>) {
    let (target, drafter) = (shape("llama-3.2-3b"), shape("llama-3.2-1b"));
    let options = SearchOptions::default();
    let problem = Problem {
        soc,
        target: &target,
        drafter: Some(&drafter),
        acceptance,
        profile,
        options: &options,
    };
    if let Ok(outcome) = search(&problem) {
        let best = &outcome.best;
        assert!(
            best.tokens_per_second > 0.0 && best.tokens_per_second.is_finite(),
            "{best:?}"
        );
        assert!(best.speedup > 0.0 && best.speedup.is_finite(), "{best:?}");
        assert!(!outcome.explain().contains("NaN"), "{}", outcome.explain());
    }
}

fn constant() -> Acceptance {
    Acceptance::constant(0.8, "test".into()).expect("a rate")
}

#[test]
fn mutated_device_files() {
    let (accepted, refused) = read_mutants(&files("cost/devices", "toml"), |text| {
        let Ok(soc) = Soc::parse(text, "mutant.toml") else {
            return false;
        };
        plan(&soc, &constant(), None);
        true
    });
    assert!(
        accepted > refused / 20 && refused > accepted / 20,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn mutated_acceptance_files() {
    let soc = Soc::load("imx95").expect("a built-in device");
    let (accepted, refused) = read_mutants(&files("cost/tests/data", "csv"), |text| {
        let filter = AcceptanceFilter {
            mode: Some("greedy".into()),
            task: Some("all".into()),
            ..AcceptanceFilter::default()
        };
        let Ok(acceptance) = Acceptance::parse_csv(text, "mutant.csv", &filter) else {
            return false;
        };
        plan(&soc, &acceptance, None);
        true
    });
    assert!(
        accepted > refused / 20 && refused > accepted / 20,
        "{accepted} accepted, {refused} refused"
    );
}

const PROFILE_TOML: &str = r#"source = "a bench"
[[latency]]
role = "target"
unit = "cpu"
cores = 6
dtype = "f16"
m = 1
s = 0
seconds = 0.1
spread = 0.002
[[latency]]
role = "target"
unit = "cpu"
dtype = "f16"
m = 5
s = 1000
seconds = 0.3
[[handoff]]
from = "gpu"
to = "cpu"
bytes = 1000
seconds = 0.001
"#;

const PROFILE_CSV: &str = "role,unit,cores,dtype,m,s,seconds,spread
target,cpu,6,f16,1,0,0.1,0.002
target,cpu,6,f16,1,1000,0.2,0
target,cpu,6,f16,5,0,0.3,0
drafter,gpu,,f16,1,0,0.02,0
";

#[test]
fn mutated_profiles() {
    let soc = Soc::load("imx95").expect("a built-in device");
    for (name, text) in [("mutant.toml", PROFILE_TOML), ("mutant.csv", PROFILE_CSV)] {
        assert!(
            Profile::parse(text, name).is_ok(),
            "the original of {name} is refused"
        );
        let original = [(name.to_owned(), text.to_owned())];
        let (accepted, refused) = read_mutants(&original, |text| {
            let Ok(profile) = Profile::parse(text, name) else {
                return false;
            };
            plan(&soc, &constant(), Some(&profile));
            true
        });
        assert!(
            accepted > refused / 20 && refused > accepted / 20,
            "{accepted} accepted, {refused} refused"
        );
    }
}

/// The same files through the driver: what the library refuses ends as one error of the pass.
#[test]
fn mutated_device_files_in_the_driver() {
    let dir = tempfile::tempdir().expect("a folder for device files");
    let module = dir.path().join("module.mlir");
    fs::write(&module, &corpus::all()[0].modules[0]).expect("the module can be written");
    let devices = files("cost/devices", "toml");
    let mut rng = Rng::new(from_env("SPEC_FUZZ_SEED", 1));
    for i in 0..from_env("SPEC_FUZZ_CASES", 400) / 20 {
        let (_, original) = rng.pick(&devices);
        let soc = dir.path().join(format!("{i}.toml"));
        fs::write(&soc, mutate::data(&mut rng, original)).expect("the device file can be written");
        let option = format!("--spec-partition=alpha=0.8 soc={}", soc.display());
        if let Some(reason) = crash(&module, &[&option]) {
            panic!(
                "{reason}: {}",
                fs::read_to_string(&soc).expect("the device file can be read")
            );
        }
    }
}
