//! Speculative decoding with compiled models: what it generates is what the target alone generates, on every placement, for every draft
//! length and both schedules; on arm64, too.

use spec_runtime::draft_length::goodput::{Goodput, Prior};
use spec_runtime::generate::{Drafting, Finish, Generator, Schedule, Settings};
use spec_runtime::manifest::Role;
use spec_runtime::model::{InstanceOptions, LoadOptions, Loaded, VulkanOptions};
use spec_testsuite::checkpoint::{Model, llama};
use spec_testsuite::runnable::Runnable;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};

const BOTH: [Schedule; 2] = [Schedule::Sequential, Schedule::Overlapped];
/// Widths of the target up to nine tokens, of which drafts of 6 and 7 are padded.
const WIDTHS: &str = "--target-tokens=1-6,9";

fn drafter_cpu(target: &'static str) -> Vec<&'static str> {
    vec![
        "--soc=host",
        "--keep-drafter",
        "--drafter-device=cpu:1",
        target,
    ]
}

/// Rows of 64 elements, so that groups of 32 fit.
fn checkpoint(layers: usize, positions: usize) -> Model {
    Model {
        layers,
        hidden: 64,
        intermediate: 128,
        head_dim: 16,
        vocabulary: 96,
        tied: false,
        more: serde_json::json!({ "max_position_embeddings": positions }),
        ..llama()
    }
}

/// Drafter and target on the CPU; the drafter is the target's quantised copy.
static ON_CPU: LazyLock<Runnable> = LazyLock::new(|| {
    let import = ["--self-draft=i4g32", WIDTHS];
    Runnable::new(
        &checkpoint(3, 256),
        &import,
        &drafter_cpu("--target-device=cpu:1"),
    )
});

fn open(bundle: &Path) -> Arc<Loaded> {
    let options = LoadOptions {
        vulkan: Some(VulkanOptions {
            device: Some(spec_testsuite::gpu::DEVICE.into()),
            ..VulkanOptions::default()
        }),
        ..LoadOptions::default()
    };
    Loaded::open(bundle, &options).unwrap_or_else(|e| panic!("{e}"))
}

fn generator(loaded: &Arc<Loaded>, apart: bool) -> Generator {
    let target = loaded.instance(Role::Target, None).expect("a target");
    let options = InstanceOptions {
        apart,
        ..InstanceOptions::default()
    };
    let drafter = loaded.instance_with(Role::Drafter, &options);
    Generator::new(target, Some(drafter.expect("a drafter"))).expect("a pair")
}

/// All tokens of a sequence, and how it ended.
fn generate(generator: &mut Generator, prompt: &[u32], settings: &Settings) -> (Vec<u32>, Finish) {
    generator.start(prompt, settings).expect("it starts");
    let mut tokens = vec![];
    loop {
        let step = generator.round().expect("a round");
        tokens.extend_from_slice(step.tokens);
        if let Some(finish) = step.finished {
            return (tokens, finish);
        }
    }
}

fn fixed(length: usize, schedule: Schedule, max_tokens: usize) -> Settings {
    Settings {
        max_tokens,
        drafting: Drafting::Fixed(length),
        schedule,
        ..Settings::default()
    }
}

/// Compares all `settings` with plain decoding; returns the number of tokens compared and the drafts accepted of those made.
fn compare(bundle: &Path, prompts: &[&[u32]], settings: &[Settings]) -> (usize, u64, u64) {
    let loaded = open(bundle);
    let (mut tokens, mut accepted, mut drafted) = (0, 0, 0);
    for schedule in BOTH {
        let mut generator = generator(&loaded, schedule == Schedule::Overlapped);
        for prompt in prompts {
            let most = settings.iter().map(|s| s.max_tokens).max().unwrap_or(0);
            let (plain, _) = generate(&mut generator, prompt, &fixed(0, schedule, most));
            for s in settings.iter().filter(|s| s.schedule == schedule) {
                let (found, _) = generate(&mut generator, prompt, s);
                let expected = &plain[..plain.len().min(s.max_tokens)];
                assert_eq!(found, expected, "{prompt:?} {s:?}");
                tokens += found.len();
                accepted += generator.stats().sum.accepted as u64;
                drafted += generator.stats().sum.drafted as u64;
            }
        }
    }
    (tokens, accepted, drafted)
}

const PROMPTS: [&[u32]; 4] = [
    &[5],
    &[3, 1, 4, 1, 5, 9, 2, 6],
    &[40, 41],
    &[90, 7, 7, 7, 13],
];

/// All draft lengths up to 8 and both schedules, to the end of the context.
#[test]
fn greedy_output_is_the_targets_own() {
    let lengths = (1..=8).flat_map(|n| BOTH.map(|s| fixed(n, s, 400)));
    let (tokens, accepted, drafted) =
        compare(&ON_CPU.bundle(), &PROMPTS, &lengths.collect::<Vec<_>>());
    assert!(tokens > 10_000, "{tokens} tokens");
    // both kinds of rounds occurred
    assert!(
        accepted * 10 > drafted && accepted < drafted,
        "{accepted} of {drafted}"
    );
}

#[test]
fn adaptive_draft_lengths_change_nothing() {
    // by times that it is told: these models are too small for drafts to pay
    let prior = Prior {
        target: vec![(1, 1.0), (9, 1.2)],
        drafter: vec![(1, 0.02)],
        ..Prior::default()
    };
    let cheap = Goodput {
        max: 8,
        prior,
        measure: false,
    };
    let adaptive = [
        Drafting::Heuristic { first: 2, max: 8 },
        Drafting::Entropy {
            max: 8,
            kappa: 0.2,
            lambda: 0.3,
        },
        Drafting::Goodput(Goodput::new(8)),
        Drafting::Goodput(cheap),
    ];
    let settings = adaptive.into_iter().flat_map(|drafting| {
        BOTH.map(|schedule| Settings {
            drafting: drafting.clone(),
            ..fixed(0, schedule, 400)
        })
    });
    let (tokens, accepted, _) = compare(&ON_CPU.bundle(), &PROMPTS, &settings.collect::<Vec<_>>());
    assert!(
        tokens > 2_000 && accepted > 0,
        "{tokens} tokens, {accepted} accepted"
    );
}

/// A drafter of the target's first layer.
#[test]
fn a_drafter_of_fewer_layers_changes_nothing() {
    let import = ["--self-draft=layers:1", WIDTHS];
    let made = Runnable::new(
        &checkpoint(3, 256),
        &import,
        &drafter_cpu("--target-device=cpu:1"),
    );
    let settings: Vec<_> = [1, 4]
        .into_iter()
        .flat_map(|n| BOTH.map(|s| fixed(n, s, 400)))
        .collect();
    let (tokens, _, drafted) = compare(&made.bundle(), &PROMPTS[..2], &settings);
    assert!(tokens > 1_000 && drafted > 0);
}

#[test]
fn a_gpu_may_draft_or_verify() {
    let placements = [
        ["--drafter-device=vulkan:llvmpipe", "--target-device=cpu:1"],
        ["--drafter-device=cpu:1", "--target-device=vulkan:llvmpipe"],
    ];
    for (i, placement) in placements.iter().enumerate() {
        let options = [&["--soc=host", "--keep-drafter"], &placement[..]].concat();
        let bundle = ON_CPU.compile(&format!("gpu{i}"), &options);
        let settings: Vec<_> = [1, 3, 8]
            .into_iter()
            .flat_map(|n| BOTH.map(|s| fixed(n, s, 150)))
            .collect();
        let (tokens, accepted, _) = compare(&bundle, &PROMPTS[..2], &settings);
        assert!(
            tokens > 1_000 && accepted > 0,
            "{placement:?}: {tokens} tokens, {accepted} accepted"
        );
    }
}

/// Sessions on several threads share one loaded bundle.
#[test]
fn sessions_do_not_disturb_each_other() {
    let loaded = open(&ON_CPU.bundle());
    let alone: Vec<_> = PROMPTS
        .iter()
        .map(|p| {
            generate(
                &mut generator(&loaded, false),
                p,
                &fixed(3, Schedule::Sequential, 120),
            )
        })
        .collect();
    std::thread::scope(|scope| {
        for (prompt, expected) in PROMPTS.iter().zip(&alone) {
            let loaded = &loaded;
            scope.spawn(move || {
                let mut own = generator(loaded, false);
                for _ in 0..3 {
                    let found = generate(&mut own, prompt, &fixed(3, Schedule::Sequential, 120));
                    assert_eq!(found, *expected);
                }
            });
        }
    });
}

/// Resident memory of this process in bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = text
        .split(' ')
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number");
    pages * 4096
}

/// Ten thousand tokens and more, in one sequence.
#[test]
fn memory_does_not_grow_with_the_sequence() {
    let checkpoint = checkpoint(1, 12_000);
    let import = [
        "--self-draft=i4g32",
        "--context=12000",
        "--target-tokens=1,4",
        "--drafter-tokens=1,2",
    ];
    let made = Runnable::new(&checkpoint, &import, &drafter_cpu("--target-device=cpu:1"));
    let loaded = open(&made.bundle());
    let mut generator = generator(&loaded, false);
    generator
        .start(&[1, 2, 3], &fixed(3, Schedule::Sequential, 10_500))
        .expect("it starts");
    let (mut tokens, mut early) = (0, 0);
    loop {
        let step = generator.round().expect("a round");
        tokens += step.tokens.len();
        if early == 0 && tokens > 2_000 {
            early = resident();
        }
        if let Some(finish) = step.finished {
            assert_eq!(finish, Finish::MaxTokens);
            break;
        }
    }
    assert_eq!(tokens, 10_500);
    // rows of the caches are memory only when they are written: 2 models, keys and values of 2 heads of 16 in f32; and the rounds' statistics
    let caches = 2 * 2 * 2 * 16 * 4 * 12_000;
    let grown = resident().saturating_sub(early);
    assert!(grown < caches + (4 << 20), "{grown} bytes more");
}

/// The same tokens from an arm64 build of the runtime and of the models, under qemu.
#[test]
fn arm64_generates_the_same_tokens() {
    let options = [
        "--soc=imx95",
        "--keep-drafter",
        "--drafter-device=cpu:1",
        "--target-device=cpu:1",
    ];
    let bundle = ON_CPU.compile("arm64", &options);
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/arm64");
    let mut build = Command::new(scripts.join("example.sh"));
    build.arg("generate").env("CARGO", env!("CARGO"));
    let program = PathBuf::from(said(&mut build));
    let loaded = open(&ON_CPU.bundle());
    let mut here = generator(&loaded, false);
    for (length, overlapped) in [(0, false), (3, false), (2, true)] {
        let mut command = Command::new("qemu-aarch64");
        // the generic core has no fp16 arithmetic, which the device's has
        command
            .args(["-cpu", "max", "-L", "/usr/aarch64-linux-gnu"])
            .arg(&program)
            .arg(&bundle);
        command.args(["3,1,4,1,5", "60", &length.to_string()]);
        if overlapped {
            command.arg("overlapped");
        }
        let (expected, _) = generate(
            &mut here,
            &[3, 1, 4, 1, 5],
            &fixed(0, Schedule::Sequential, 60),
        );
        let expected: Vec<String> = expected.iter().map(u32::to_string).collect();
        assert_eq!(
            said(&mut command),
            expected.join(","),
            "draft length {length}"
        );
    }
}

/// Standard output of a program that succeeds.
fn said(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
