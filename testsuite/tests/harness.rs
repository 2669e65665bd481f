//! The harness, with a model written by hand (testsuite/harness/model.c), on every machine and with every linking.

use spec_testsuite::harness::{Arg, Call, HarnessError, Linking, Machine, Program, compile_c};
use std::path::Path;

const EVERYWHERE: [(Machine, Linking); 4] = [
    (Machine::Native, Linking::Static),
    (Machine::Native, Linking::Dynamic),
    (Machine::Aarch64, Linking::Static),
    (Machine::Aarch64, Linking::Dynamic),
];

fn program(machine: Machine, linking: Linking) -> Program {
    let folder = tempfile::tempdir().expect("a folder");
    let object = folder.path().join("model.o");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/model.c");
    compile_c(machine, &source, &object).unwrap_or_else(|e| panic!("{e}"));
    Program::build(machine, linking, &object, "spec_model").unwrap_or_else(|e| panic!("{e}"))
}

fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

/// A call of the model; a first scale of -fault makes it commit that fault.
fn call(tokens: [i64; 4], first_scale: f32) -> Call {
    let scales = (0..8u8).map(|n| if n == 0 { first_scale } else { f32::from(n) });
    let args = vec![
        Arg::read(tokens.into_iter().flat_map(i64::to_le_bytes).collect(), 8),
        Arg::update(floats([10.0, 20.0, 30.0, 40.0]), 4),
        Arg::read(floats(scales), 4),
        Arg::result(4 * 8 * 4, 4),
    ];
    Call::new(64, args)
}

/// What the model returns after `calls` calls.
fn expected(calls: u8) -> Vec<u8> {
    let before = f32::from(calls - 1);
    let row = |m: u8| {
        let sum = f32::from(m + 1) + 10.0 * f32::from(m + 1) + before;
        (0..8u8).map(move |n| sum * if n == 0 { 0.5 } else { f32::from(n) })
    };
    floats((0..4).flat_map(row))
}

#[test]
fn results_on_every_machine() {
    for (machine, linking) in EVERYWHERE {
        let program = program(machine, linking);
        for (threads, guard, huge, repetitions) in [
            (1, true, false, 1),
            (3, true, false, 2),
            (2, false, true, 3),
        ] {
            let call = Call {
                threads,
                guard,
                huge,
                repetitions: usize::from(repetitions),
                time: huge,
                ..call([1, 2, 3, 4], 0.5)
            };
            let what = format!("{machine:?} {linking:?} {threads} threads");
            let outcome = program.run(&call).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!((outcome.status, outcome.allocations), (0, 0), "{what}");
            let [None, Some(cache), None, Some(result)] = &outcome.outputs[..] else {
                panic!("{what}: {:?}", outcome.outputs);
            };
            let cached = [10.0, 20.0, 30.0, 40.0].map(|c| c + f32::from(repetitions));
            assert_eq!(*cache, floats(cached), "{what}");
            assert_eq!(*result, expected(repetitions), "{what}");
            match (outcome.best_ns, outcome.median_ns) {
                (Some(best), Some(median)) => assert!(huge && best > 0 && best <= median),
                (None, None) => assert!(!huge),
                other => panic!("{what}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_status_is_an_outcome() {
    for (machine, linking) in EVERYWHERE {
        let program = program(machine, linking);
        let bad_token = program.run(&call([1, -2, 3, 4], 0.5)).expect("it runs");
        let assertion = program.run(&call([1, 2, 3, 4], -6.0)).expect("it runs");
        assert_eq!((bad_token.status, assertion.status), (1, 2));
    }
}

#[test]
fn allocations_are_counted() {
    for (machine, linking) in EVERYWHERE {
        let program = program(machine, linking);
        let call = Call {
            warmup: 2,
            repetitions: 3,
            ..call([1, 2, 3, 4], -1.0)
        };
        let outcome = program.run(&call).expect("it runs");
        assert_eq!(outcome.allocations, 6, "{machine:?} {linking:?}");
    }
}

#[test]
fn guards_find_what_leaves_its_buffer() {
    let faults = [
        (
            -2.0,
            "argument 3: byte 128 was accessed (the buffer has 128)",
        ),
        (-3.0, "argument 3: byte -1 was written (the buffer has 128)"),
        (
            -4.0,
            "argument 2: byte 4 was written, but it is only read (the buffer has 32)",
        ),
        (
            -5.0,
            "the workspace: byte 64 was accessed (the buffer has 64)",
        ),
        (
            -7.0,
            "argument 1: byte -8000 was accessed (the buffer has 16)",
        ),
    ];
    for (machine, linking) in EVERYWHERE {
        let program = program(machine, linking);
        for (fault, message) in faults {
            let error = program
                .run(&call([1, 2, 3, 4], fault))
                .expect_err("a fault");
            let HarnessError::Guard(found) = error else {
                panic!("{machine:?} {linking:?}: {error}");
            };
            assert_eq!(
                found,
                format!("guard: {message}"),
                "{machine:?} {linking:?}"
            );
        }
    }
}

#[test]
fn a_canary_lies_between_an_aligned_buffer_and_its_guard() {
    let program = program(Machine::Native, Linking::Dynamic);
    let mut call = call([1, 2, 3, 4], -2.0);
    let scratch = call.args.pop().expect("the result");
    assert_eq!(scratch, Arg::result(128, 4));
    call.args.push(Arg::result(128, 256)); // ends 128 bytes before the page
    let error = program.run(&call).expect_err("a fault").to_string();
    assert_eq!(
        error,
        "guard: argument 3: byte 128 was written (the buffer has 128)"
    );
}

#[test]
fn errors_say_whose_fault_it_is() {
    let program = program(Machine::Native, Linking::Dynamic);
    let too_many = Call {
        threads: 100,
        ..call([1, 2, 3, 4], 0.5)
    };
    let error = program.run(&too_many).expect_err("too many").to_string();
    assert!(
        error.contains("'100' is not a number from 1 to 65"),
        "{error}"
    );

    let folder = tempfile::tempdir().expect("a folder");
    let object = folder.path().join("model.o");
    let source = folder.path().join("model.c");
    std::fs::write(
        &source,
        "int gone(void); int spec_model(void) { return gone(); }",
    )
    .expect("written");
    compile_c(Machine::Aarch64, &source, &object).expect("it compiles");
    for linking in [Linking::Static, Linking::Dynamic] {
        let error = Program::build(Machine::Aarch64, linking, &object, "spec_model");
        let error = error.expect_err("gone is gone").to_string();
        assert!(error.contains("undefined symbol: gone"), "{error}");
    }
    let missing = Program::library(Machine::Native, &folder.path().join("no.so"), "spec_model");
    let error = missing.expect("the runner").run(&call([1, 2, 3, 4], 0.5));
    let error = error.expect_err("no library").to_string();
    assert!(
        error.contains("no.so: cannot open shared object file"),
        "{error}"
    );
}

/// The loop of fault 8 has 100,000 rounds of some instructions each; without it a call has few.
#[test]
fn instructions_are_counted() {
    for linking in [Linking::Static, Linking::Dynamic] {
        let program = program(Machine::Aarch64, linking);
        let count = |scale| {
            let call = call([1, 2, 3, 4], scale);
            program
                .instructions(&call)
                .unwrap_or_else(|e| panic!("{e}"))
        };
        let (short, long) = (count(0.5), count(-8.0));
        assert!((30..1000).contains(&short), "{short}");
        let loop_only = long - short;
        assert!((300_000..=1_000_000).contains(&loop_only), "{loop_only}");
        assert!(
            loop_only % 100_000 < 100,
            "{loop_only} is not a multiple of the rounds"
        );
    }
    let native = program(Machine::Native, Linking::Static);
    let error = native
        .instructions(&call([1, 2, 3, 4], 0.5))
        .expect_err("native");
    assert!(
        error.to_string().contains("only aarch64 programs"),
        "{error}"
    );
}
