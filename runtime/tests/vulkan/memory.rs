//! Memory that the host does not see, and memory of the host that the device uses in place.

use super::common::{Fixture, bytes, gpu, module, schedule, words};
use spec_runtime::memory::Weights;
use spec_runtime::schedule::Buffer as Place;
use spec_runtime::vulkan::{Gpu, Kernels, Slot, Status, VulkanError};
use std::slice::from_ref;
use std::sync::Arc;

fn input() -> Vec<u32> {
    (0..128).map(|i| i * 7 + 5).collect()
}

/// What the example schedule computes of the input.
fn output() -> Vec<u32> {
    input()[64..].iter().map(|x| x * 8).collect()
}

/// The input as weights, behind 64 bytes of something else.
fn weights() -> Arc<Weights> {
    let all = [vec![9; 16], input()].concat();
    Arc::new(Weights::copy(&bytes(&all)).expect("small"))
}

fn ends_well(gpu: Gpu) {
    let log = gpu.log();
    drop(gpu);
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn all_of_a_call_is_staged_where_the_host_does_not_see_memory() {
    let gpu = gpu(true).with_staging();
    let mut schedule = schedule();
    schedule.constants_bytes = 512;
    schedule.dispatches[0].spans[0].buffer = Place::Constants;
    let kernels = Kernels::new(&gpu, &module("kernels"), &schedule, &bytes(&input()));
    let kernels = kernels.expect("constants are uploaded");
    let uploaded = gpu.upload(&[&bytes(&input()), &[]]).expect("room");
    assert!(!uploaded[0].is_mapped() && uploaded[1].is_empty());
    let found = gpu.download(&uploaded[0]).expect("room");
    assert_eq!(words(&found), input());
    let mut runs = vec![];
    for _ in 0..2 {
        let hidden = gpu.device_buffers(&[256, 4]).expect("room");
        assert!(
            gpu.download(&hidden[0])
                .expect("room")
                .iter()
                .all(|b| *b == 0)
        );
        let mut status = gpu.buffer(4).expect("room");
        let program = kernels.program().expect("a workspace");
        let slots = [
            Slot::Device(&uploaded[0]),
            Slot::Device(&hidden[0]),
            Slot::Host(&status),
        ];
        let mut recorded = program.bind_slots(&slots).expect("bound");
        for (word, wanted) in [
            (2, Status::Assertion),
            (0, Status::Ok),
            (1, Status::BadToken),
        ] {
            status.as_mut_slice().copy_from_slice(&bytes(&[word]));
            assert_eq!(recorded.run().expect("a run"), wanted);
            let found = gpu.download(&hidden[0]).expect("room");
            assert_eq!(words(&found), output());
        }
        runs.push(recorded);
    }
    drop((runs, uploaded, kernels));
    ends_well(gpu);
}

#[test]
fn more_than_one_batch_is_uploaded() {
    let gpu = gpu(true).with_staging();
    let large: Vec<u8> = (0..(40_u32 << 20))
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let buffers = gpu
        .upload(&[&large, &large[..1000], &large[5..77]])
        .expect("room");
    for (buffer, wanted) in buffers
        .iter()
        .zip([&large[..], &large[..1000], &large[5..77]])
    {
        assert_eq!(buffer.len(), wanted.len() as u64);
        assert!(gpu.download(buffer).expect("room") == wanted);
    }
    drop(buffers);
    ends_well(gpu);
}

#[test]
fn weights_are_used_in_place() {
    let gpu = gpu(true);
    assert_eq!(gpu.properties().import_alignment, Some(4096));
    let weights = weights();
    let ranges = [64..64 + 512, 0..64, 576..576];
    let imported = gpu.weights(&weights, &ranges[..2], true).expect("room");
    assert!(imported.iter().all(|b| b.is_imported() && !b.is_mapped()));
    assert_eq!(Arc::strong_count(&weights), 2, "the buffers keep them");
    assert_eq!(words(&gpu.download(&imported[0]).expect("room")), input());
    for (gpu, import) in [(gpu.clone(), false), (gpu.clone().with_staging(), true)] {
        let copied = gpu.weights(&weights, &ranges, import).expect("room");
        assert!(copied.iter().all(|b| !b.is_imported()));
        assert_eq!(words(&gpu.download(&copied[0]).expect("room")), input());
    }
    let program = gpu
        .program(&module("kernels"), &schedule(), &[])
        .expect("a program");
    let (output_buffer, status) = (
        gpu.output_buffer(256).expect("room"),
        gpu.buffer(4).expect("room"),
    );
    let host = |i| {
        [
            Slot::Device(i),
            Slot::Host(&output_buffer),
            Slot::Host(&status),
        ]
    };
    let mut recorded = program.bind_slots(&host(&imported[0])).expect("bound");
    let mut written = host(&imported[0]);
    written.swap(0, 1);
    let error = program.bind_slots(&[
        Slot::Host(&gpu.buffer(512).expect("room")),
        written[0],
        written[2],
    ]);
    assert!(error.is_ok(), "256 bytes are enough for the output");
    let error = program.bind_slots(&[
        Slot::Device(&imported[0]),
        Slot::Device(&imported[0]),
        written[2],
    ]);
    assert!(matches!(error, Err(VulkanError::ReadOnly(1))));
    drop((imported, weights, program));
    assert_eq!(
        recorded.run().expect("the commands keep the weights"),
        Status::Ok
    );
    assert_eq!(words(&output_buffer.as_slice()), output());
    drop((recorded, output_buffer, status));
    ends_well(gpu);
}

#[test]
fn what_cannot_be_imported_is_copied() {
    let gpu = gpu(true);
    let weights = weights();
    // not at a multiple of what a buffer needs
    let buffers = gpu
        .weights(&weights, from_ref(&(4..516)), true)
        .expect("room");
    assert!(!buffers[0].is_imported());
    assert_eq!(
        gpu.download(&buffers[0]).expect("room"),
        &weights.bytes()[4..516]
    );
    let error = gpu
        .weights(&weights, from_ref(&(0..577)), true)
        .expect_err("there are 576");
    assert!(
        error.to_string().contains("fewer bytes of weights"),
        "{error}"
    );
    assert!(
        gpu.weights(&weights, &[], true)
            .expect("nothing")
            .is_empty()
    );
    // a file that is mapped
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("weights");
    std::fs::write(&path, weights.bytes()).expect("written");
    let mapped = Arc::new(Weights::map(&path, 0, 576).expect("there"));
    let buffers = gpu
        .weights(&mapped, from_ref(&(64..576)), true)
        .expect("room");
    assert!(buffers[0].is_imported(), "the CPU's driver takes files too");
    assert_eq!(words(&gpu.download(&buffers[0]).expect("room")), input());
    drop((buffers, mapped));
    let too_much = gpu
        .device_buffers(&[1 << 60])
        .expect_err("too much")
        .to_string();
    assert!(
        too_much.contains("bytes of memory for llvmpipe"),
        "{too_much}"
    );
    let foreign = super::common::gpu(false);
    let theirs = foreign.upload(&[&[1, 2, 3]]).expect("room");
    assert!(matches!(
        gpu.download(&theirs[0]),
        Err(VulkanError::Foreign(_))
    ));
    ends_well(gpu);
}

#[test]
fn a_run_can_be_waited_for_later() {
    let mut fixture = Fixture::new(&schedule());
    fixture
        .input
        .as_mut_slice()
        .copy_from_slice(&bytes(&input()));
    let mut recorded = fixture.bind();
    let running = recorded.start().expect("started");
    while !running.is_over().expect("the device is there") {
        std::thread::yield_now();
    }
    let mut other = fixture.bind();
    let error = other.start().expect_err("the buffers are the run's");
    assert!(matches!(error, VulkanError::Busy(_)), "{error}");
    assert_eq!(running.wait().expect("over"), Status::Ok);
    assert_eq!(words(&fixture.output.as_slice()), output());
    // not waited for: the buffers come back when it is over
    fixture.output.as_mut_slice().fill(0);
    drop(recorded.start().expect("started"));
    assert_eq!(words(&fixture.output.as_slice()), output());
    drop(recorded.start().expect("started"));
    assert_eq!(recorded.run().expect("after the one before"), Status::Ok);
    drop(other);
    drop(recorded);
    fixture.end();
}
