//! Reading what Mesa's Valhall compiler prints, and counting what a dispatch executes. Captured outputs are in testsuite/tests/mali.

use spec_kernels::gpu::Device;
use spec_runtime::schedule::{Access, Buffer, Dispatch, KernelInfo, Schedule, Span};
use spec_testsuite::mali::{self, Bytes, Compiled, Gpu, Kernel, Launch, MaliError, Site};
use std::collections::BTreeMap;
use std::path::Path;

/// Sums the first n of a column's elements; n is word `push[1]` of binding 1. Workgroups of 24 invocations, 40 columns.
const KNOWN: &str = include_str!("mali/known.g310.txt");
const KNOWN_G610: &str = include_str!("mali/known.g610.txt");
/// Product of a 4096x4096 f16 matrix and a vector, 4 rows a workgroup of 64, sums through workgroup memory.
const MATVEC: &str = include_str!("mali/matvec.g310.txt");
/// One row a workgroup of 64, f32, sums by subgroup operations, which the driver does lane by lane.
const REDUCE: &str = include_str!("mali/reduce.g310.txt");

fn one(gpu: Gpu, text: &str) -> Result<Compiled, MaliError> {
    mali::parse(gpu, text.as_bytes()).map(|mut all| all.remove(0))
}

fn launch(groups: u32, push: &[u32], known: &[((u32, u32), u32)]) -> Launch {
    Launch {
        groups: [groups, 1, 1],
        push: push.to_vec(),
        known: known.iter().copied().collect(),
    }
}

/// What `known` executes with n = 5, counted by hand: 4 warps of which 3 have columns.
fn check_known(kernel: &Compiled) {
    let run = kernel
        .run(&launch(2, &[0, 3, 0], &[((1, 3), 5)]), true)
        .expect("the bound is known");
    assert_eq!((run.groups, run.warps), (2, 4));
    // before the condition 8, the end 1; in it 4, the test 6 times 3, the body 5 times 7, 4 after it
    assert_eq!(
        run.instructions(),
        4 * (8 + 1) + 3 * (4 + 6 * 3 + 5 * 7 + 4)
    );
    let [one] = run.loops[..] else {
        panic!("one loop: {:?}", run.loops)
    };
    assert_eq!(
        (one.entered, one.rounds, one.instructions),
        (3, 3 * 6, 3 * (6 * 3 + 5 * 7))
    );
    let inner = run.inner.expect("a loop");
    assert_eq!(
        (inner.instructions(), inner.loads),
        (10, vec![(Some(0), 4)])
    );
    assert_eq!(
        run.buffers,
        Bytes {
            loaded: 40 * 4 * (1 + 5),
            stored: 40 * 4
        }
    );
    let lines = run.lines.expect("traced");
    // five rows of 160 bytes side by side, and n
    assert_eq!(
        lines.distinct,
        Bytes {
            loaded: 64 * (800_u64.div_ceil(64) + 1),
            stored: 64 * 3
        }
    );
    assert_eq!((lines.untraced, run.data_dependent), (Bytes::default(), 0));
}

#[test]
fn counts_are_those_counted_by_hand() {
    let kernel = one(Gpu::G310, KNOWN).expect("a capture");
    assert_eq!(kernel.workgroup(), [24, 1, 1]);
    let s = kernel.statistics;
    assert_eq!(
        (s.instructions, s.loops, s.registers, s.code_bytes),
        (27, 1, 7, 256)
    );
    assert!(s.full_occupancy() && s.spills + s.fills == 0);
    check_known(&kernel);
    check_known(&one(Gpu::G610, KNOWN_G610).expect("a capture"));
}

#[test]
fn a_loop_that_ends_at_once_and_a_longer_one() {
    let kernel = one(Gpu::G310, KNOWN).expect("a capture");
    let count = |n| {
        let run = kernel.run(&launch(1, &[0, 0, 0], &[((1, 0), n)]), false);
        run.expect("the bound is known").instructions()
    };
    // two warps with columns, 10 instructions a round
    assert_eq!(count(0), 2 * (8 + 4 + 3 + 4 + 1));
    assert_eq!(count(1000) - count(0), 2 * 10 * 1000);
}

#[test]
fn a_bound_in_unknown_memory_is_an_error() {
    let kernel = one(Gpu::G310, KNOWN).expect("a capture");
    let error = kernel
        .run(&launch(2, &[0, 3, 0], &[]), false)
        .expect_err("nothing says what n is");
    assert_eq!(
        error.to_string(),
        "known: how often a loop runs depends on memory (condition 1 of the shader): give the words that it reads"
    );
}

#[test]
fn a_product_loads_each_weight_once() {
    let kernel = one(Gpu::G310, MATVEC).expect("a capture");
    let run = kernel
        .run(&launch(1024, &[], &[]), false)
        .expect("all bounds are constants");
    let inner = run.inner.clone().expect("a loop");
    // 4 rows of 4 weights, 4 activations
    assert_eq!(
        (inner.instructions(), inner.loaded_bytes()),
        (48, 4 * 8 + 16)
    );
    assert_eq!(run.loops[0].rounds, 1024 * 4 * (1024 / 64 + 1));
    let (weights, activations) = (2 * 4096 * 4096, 4 * 4096 * 1024);
    assert_eq!(
        run.buffers,
        Bytes {
            loaded: weights + activations,
            stored: 4 * 4096
        }
    );
    assert_eq!(run.emulation(), 0);
}

#[test]
fn subgroup_operations_are_counted_apart() {
    let kernel = one(Gpu::G310, REDUCE).expect("a capture");
    let run = kernel
        .run(&launch(1, &[], &[]), false)
        .expect("all bounds are constants");
    assert_eq!(kernel.statistics.loops, 13);
    // full warps take the short way of four loops, each of which runs once a lane
    let made: Vec<u64> = run
        .loops
        .iter()
        .filter(|l| l.emulates && l.rounds > 0)
        .map(|l| l.rounds)
        .collect();
    assert!(
        made.len() >= 4 && made[..4].iter().all(|r| *r == 4 * 16),
        "{made:?}"
    );
    assert!(run.emulation() > run.instructions() / 2);
    let inner = run.inner.expect("the product's own loop");
    assert_eq!(
        (inner.instructions(), inner.loads),
        (14, vec![(Some(1), 16), (Some(0), 16)])
    );
}

/// The message with which a changed capture is refused.
fn refused(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in the capture");
    let changed = text.replace(from, to);
    one(Gpu::G310, &changed)
        .err()
        .expect("a change that is noticed")
        .to_string()
}

#[test]
fn what_is_not_known_is_refused() {
    let cases = [
        (
            "statistic 27 Instructions",
            "statistic 28 Instructions",
            "27 instructions and 28",
        ),
        (
            "statistic 27 Instructions\n",
            "",
            "no statistic \"Instructions\"",
        ),
        ("statistic 1 Loops", "statistic 2 Loops", "1 loops and 2"),
        ("statistic 1.25 SFU", "statistic 1.5 SFU", "cycles of units"),
        (
            "statistic 7 Registers",
            "statistic 7.5 Registers",
            "Registers used is 7.5",
        ),
        ("statistic 4 Cycles", "figure 4 Cycles", "an unknown line"),
        (
            "FADD.f32",
            "FNEW.f32",
            "an instruction whose unit is not known: FNEW.f32",
        ),
        ("offset:-10", "offset:-99", "a branch to nowhere"),
        ("NOP.end", "NOP.xyz", "a program without an end"),
        ("        loop {", "        lxxp {", "an unknown line"),
        (
            "@store_global",
            "@store_gxobal",
            "accesses an unknown kind of memory",
        ),
        ("workgroup_size", "workgroup_sixe", "no workgroup_size"),
        (
            "kernel known 16",
            "kernel known 32",
            "no kernel with warps of 16 lanes",
        ),
        (
            "kernel known 16",
            "kernel known 0",
            "kernel known does nothing",
        ),
        (
            "device Mali-G310",
            "device Mali-G710",
            "the device is not a Mali-G310",
        ),
    ];
    for (from, to, why) in cases {
        let message = refused(KNOWN, from, to);
        assert!(message.contains(why), "{to:?}: {message}");
    }
    assert!(refused(KNOWN, "\nend\n", "\n").contains("a kernel without an end"));
}

#[test]
fn machine_code_that_decides_otherwise_is_noticed() {
    // the loop's test is never true in this machine code
    let changed = KNOWN.replace(
        "BRANCHZ.reconverge r4^.h0, offset:7",
        "BRANCHZ.reconverge r4^.h0, offset:0",
    );
    let kernel = one(Gpu::G310, &changed).expect("the same counts");
    let error = kernel
        .run(&launch(2, &[0, 3, 0], &[((1, 3), 5)]), false)
        .expect_err("other control flow");
    assert!(
        error.to_string().contains("NIR and machine code differ"),
        "{error}"
    );
}

fn schedule() -> Schedule {
    let span = |buffer, bytes, access| Span {
        buffer,
        offset: 0,
        bytes,
        access,
    };
    let dispatch = |barrier| Dispatch {
        kernel: 0,
        groups: [2, 1, 1],
        barrier,
        spans: vec![
            span(Buffer::Argument(0), 1 << 16, Access::Read),
            span(Buffer::Argument(1), 8, Access::Read),
            span(Buffer::Workspace, 160, Access::Write),
        ],
        push: vec![0, 0, 0],
    };
    Schedule {
        workspace_bytes: 256,
        constants_bytes: 0,
        kernels: vec![KernelInfo {
            entry: "known".into(),
            bindings: 3,
            push_words: 3,
            workgroup: [24, 1, 1],
        }],
        dispatches: vec![dispatch(false), dispatch(true)],
    }
}

#[test]
fn a_schedule_is_added_up() {
    let position = BTreeMap::from([(1, 5_i64.to_le_bytes().to_vec())]);
    let (kernels, sites): (Vec<Kernel>, Vec<Site>) =
        mali::sites(&schedule(), Path::new("kernels.spv"), &position);
    assert_eq!(
        (
            kernels[0].entry.as_str(),
            kernels[0].bindings,
            kernels[0].push_words
        ),
        ("known", 3, 3)
    );
    let kernel = one(Gpu::G310, KNOWN).expect("a capture");
    let report = mali::report(&[kernel], &sites, true).expect("the position is known");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("mali");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!("report", report.to_string()));
    assert!(report.spilling().is_empty());
    assert_eq!(report.totals.instructions, 2 * 219);
}

/// The text of `known`.
const KERNEL: &str = include_str!("mali/known.mlir");

#[test]
fn the_driver_compiles_what_we_assemble() {
    let device = Device {
        invocations: 512,
        shared_bytes: 32768,
        subgroup: 16,
        bindings: 64,
        storage16: true,
        storage8: true,
        float16: true,
        int8: true,
        dot4x8: true,
    };
    let kernels = [
        ("known".to_owned(), KERNEL.to_owned()),
        ("again".to_owned(), KERNEL.to_owned()),
    ];
    let module = spec_codegen::gpu::assemble(&kernels, &device).expect("valid SPIR-V");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kernels.spv");
    std::fs::write(&path, module).expect("written");
    let list = ["known", "again"].map(|entry| Kernel {
        module: path.clone(),
        entry: entry.into(),
        bindings: 3,
        push_words: 3,
    });
    for gpu in [Gpu::G310, Gpu::G610] {
        let compiled = mali::compile(gpu, &list).expect("compiled for Mali");
        for (kernel, wanted) in compiled.iter().zip(&list) {
            assert_eq!(kernel.entry, wanted.entry);
            let run = kernel
                .run(&launch(2, &[0, 3, 0], &[((1, 3), 5)]), true)
                .expect("the bound is known");
            assert_eq!(run.loops[0].entered, 3);
            assert_eq!(
                run.buffers,
                Bytes {
                    loaded: 40 * 4 * (1 + 5),
                    stored: 40 * 4
                }
            );
        }
    }
}

#[test]
fn a_missing_entry_point_is_the_drivers_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("empty.spv");
    std::fs::write(&path, [0; 64]).expect("written");
    let kernel = Kernel {
        module: path,
        entry: "nothing".into(),
        bindings: 1,
        push_words: 0,
    };
    let error = mali::compile(Gpu::G310, &[kernel])
        .err()
        .expect("no SPIR-V");
    assert!(matches!(error, MaliError::Driver(_)), "{error}");
}
