//! Schedules on lavapipe, the driver for the CPU, with validation and validation of synchronisation.
#![cfg(feature = "vulkan")]

#[path = "vulkan/common.rs"]
mod common;
#[path = "vulkan/memory.rs"]
mod memory;
#[path = "vulkan/model.rs"]
mod model;
#[path = "vulkan/refused.rs"]
mod refused;
#[path = "vulkan/shared.rs"]
mod shared;

use common::{Fixture, bytes, gpu, module, schedule, words};
use spec_runtime::schedule::{Access, Buffer, Hazard};
use spec_runtime::vulkan::{Gpu, Options, Status, VulkanError};
use std::time::Duration;

#[test]
fn the_device_says_what_it_is() {
    let gpu = gpu(false);
    let properties = gpu.properties();
    assert!(gpu.name().contains("llvmpipe"), "{}", gpu.name());
    assert!(properties.version >= (1, 3));
    assert!(properties.invocations >= 128 && properties.shared_memory >= 16 << 10);
    assert!(properties.max_storage_buffer_range >= 1 << 27);
    assert!(properties.subgroup_size.is_power_of_two());
    assert!(properties.features.storage16 && properties.features.subgroup.basic);
    assert_eq!(gpu.messages(), [""; 0]);
}

#[test]
fn runs_see_new_inputs_without_recording_again() {
    let mut fixture = Fixture::new(&schedule());
    let mut recorded = fixture.bind();
    for (round, seed) in [3u32, 1000, 3].into_iter().enumerate() {
        let input: Vec<u32> = (0..128).map(|i| i * 7 + seed).collect();
        fixture.input.as_mut_slice().copy_from_slice(&bytes(&input));
        assert_eq!(recorded.run().expect("a run"), Status::Ok);
        // both kernels read from word 64 on; factors 3 and 5
        let wanted: Vec<u32> = input[64..].iter().map(|x| x * 8).collect();
        assert_eq!(words(&fixture.output.as_slice()), wanted, "round {round}");
    }
    drop(recorded);
    fixture.end();
}

#[test]
fn the_program_and_the_buffers_may_go_before_the_commands() {
    let fixture = Fixture::new(&schedule());
    let log = fixture.gpu.log();
    let mut recorded = fixture.bind();
    drop(fixture);
    assert_eq!(recorded.run().expect("a run"), Status::Ok);
    drop(recorded);
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn the_status_is_cleared_and_read() {
    let mut fixture = Fixture::new(&schedule());
    let mut recorded = fixture.bind();
    for (word, wanted) in [
        (1, Status::BadToken),
        (0, Status::Ok),
        (2, Status::Assertion),
        (0, Status::Ok),
    ] {
        fixture
            .status
            .as_mut_slice()
            .copy_from_slice(&bytes(&[word]));
        assert_eq!(recorded.run().expect("a status"), wanted);
    }
    fixture.status.as_mut_slice().copy_from_slice(&bytes(&[17]));
    let error = recorded.run().expect_err("17 is none");
    assert!(error.to_string().contains("unknown status 17"), "{error}");
    drop(recorded);
    fixture.end();

    // no kernel writes it: it is 0
    let mut schedule = schedule();
    schedule.dispatches.pop();
    let fixture = Fixture::new(&schedule);
    assert_eq!(fixture.bind().run().expect("a run"), Status::Ok);
    fixture.end();
}

#[test]
fn constants_reach_the_kernels() {
    let mut schedule = schedule();
    schedule.constants_bytes = 512;
    for dispatch in &mut schedule.dispatches[..2] {
        dispatch.spans[0].buffer = Buffer::Constants;
    }
    let constants: Vec<u32> = (0..128).map(|i| i * i).collect();
    let fixture = Fixture::with(&schedule, &bytes(&constants));
    assert_eq!(fixture.bind().run().expect("a run"), Status::Ok);
    let wanted: Vec<u32> = constants[64..].iter().map(|x| x * 8).collect();
    assert_eq!(words(&fixture.output.as_slice()), wanted);
    fixture.end();
}

#[test]
fn two_programs_share_an_input_and_run_on_two_threads() {
    let fixture = Fixture::new(&schedule());
    let other = fixture.gpu.program(&module("kernels"), &schedule(), &[]);
    let other = other.expect("a second program");
    let (output, status) = (fixture.gpu.buffer(256), fixture.gpu.buffer(4));
    let (output, status) = (output.expect("room"), status.expect("room"));
    let second = other.bind(&[&fixture.input, &output, &status]);
    std::thread::scope(|scope| {
        for mut recorded in [fixture.bind(), second.expect("bound")] {
            scope.spawn(move || {
                for _ in 0..20 {
                    assert_eq!(recorded.run().expect("a run"), Status::Ok);
                }
            });
        }
    });
    assert_eq!(*output.as_slice(), *fixture.output.as_slice());
    drop((other, output, status));
    fixture.end();
}

#[test]
fn buffers_are_lent_to_one_side_at_a_time() {
    let mut fixture = Fixture::new(&schedule());
    let mut recorded = fixture.bind();
    let looking = fixture.output.as_slice();
    let error = recorded.run().expect_err("the output is looked at");
    assert!(matches!(&error, VulkanError::Busy(who) if who == "argument 1"));
    drop(looking);
    let looking = fixture.input.as_slice();
    recorded.run().expect("both read the input");
    drop(looking);
    let writing = fixture.input.as_mut_slice();
    let error = recorded.run().expect_err("the input is written");
    assert!(matches!(&error, VulkanError::Busy(who) if who == "argument 0"));
    drop(writing);
    recorded.run().expect("all is free");
    drop(recorded);
    fixture.end();
}

#[test]
fn a_run_that_takes_too_long_is_an_error_and_ends_in_peace() {
    const STEPS: u32 = 60_000; // lavapipe leaves loops after 65535 rounds
    let gpu = gpu(true);
    let log = gpu.log();
    let schedule = common::spin(STEPS);
    let program = gpu.program(&module("kernels"), &schedule, &[]);
    let mut output = gpu.buffer(256).expect("room");
    let mut recorded = program.expect("a program").bind(&[&output]).expect("bound");
    recorded.set_timeout(Duration::from_millis(1));
    for _ in 0..2 {
        let error = recorded.run().expect_err("more than 1 ms");
        assert!(matches!(error, VulkanError::Timeout(t) if t == 0.001));
    }
    let error = recorded.settle().expect_err("it still runs");
    assert!(matches!(error, VulkanError::Timeout(_)));
    // waits for the GPU, which goes on writing
    let first = words(&output.as_slice());
    assert_eq!(first[5], common::spun(5, STEPS));
    output.as_mut_slice().fill(0);
    recorded.set_timeout(Duration::from_secs(100));
    assert_eq!(recorded.run().expect("time enough"), Status::Ok);
    assert_eq!(words(&output.as_slice()), first);
    // ends while it runs: the commands wait
    recorded.set_timeout(Duration::from_millis(1));
    recorded.run().expect_err("too long");
    drop((recorded, output, gpu));
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn synchronisation_validation_sees_a_missing_barrier() {
    let mut schedule = schedule();
    schedule.dispatches[2].barrier = false;
    let hazard = Hazard {
        first: 1,
        second: 2,
        buffer: Buffer::Workspace,
    };
    assert_eq!(schedule.hazards(), [hazard]);
    let fixture = Fixture::new(&schedule);
    fixture.bind().run().expect("it runs all the same");
    let messages = fixture.gpu.messages();
    let seen = |m: &String| m.contains("READ-AFTER-WRITE") || m.contains("READ_AFTER_WRITE");
    assert!(messages.iter().any(seen), "{messages:#?}");
}

#[test]
fn validation_sees_a_bad_descriptor() {
    let mut schedule = schedule();
    schedule.dispatches.truncate(1);
    schedule.dispatches[0].push.clear();
    schedule.kernels.truncate(1);
    schedule.kernels[0].entry = "wrong".to_owned();
    schedule.kernels[0].push_words = 0;
    let gpu = gpu(true);
    let program = gpu.program(&module("uniform"), &schedule, &[]);
    let messages = gpu.messages();
    let seen = |m: &String| m.contains("STORAGE_BUFFER") && m.contains("UNIFORM_BUFFER");
    assert!(messages.iter().any(seen), "{program:?}: {messages:#?}");
}

#[test]
fn placed_barriers_are_those_of_the_example() {
    let wanted = schedule();
    let mut placed = wanted.clone();
    for dispatch in &mut placed.dispatches {
        dispatch.barrier = false;
    }
    placed.place_barriers();
    assert_eq!(placed, wanted);
    let spans = wanted.dispatches.iter().flat_map(|d| &d.spans);
    assert!(spans.clone().any(|s| s.access == Access::Write));
}

#[test]
fn errors_say_what_to_install() {
    let table: &[(Options, &[&str])] = &[
        (
            Options {
                library: Some("libno-such-vulkan.so.1".into()),
                ..Options::default()
            },
            &["cannot load libvulkan", "libno-such-vulkan", "install"],
        ),
        (
            Options {
                device: Some("no such device".to_owned()),
                ..Options::default()
            },
            &["called \"no such device\"; here are: ", "llvmpipe"],
        ),
    ];
    for (options, wanted) in table {
        let error = Gpu::open(options).expect_err("it is not there").to_string();
        for part in *wanted {
            assert!(error.contains(part), "{error}");
        }
    }
}
