//! Models that fail.

use super::*;
use crate::manifest::Role;

/// Whichever call fails, and however: an error that names the model, and a new start gives what it should.
#[test]
fn a_failure_is_an_error_and_a_new_start_works() {
    let prompt = [3, 8, 1];
    let expected = greedy_chain(&toy(0), &prompt, 30);
    let mut failed = 0;
    for schedule in SCHEDULES {
        for role in [Role::Drafter, Role::Target] {
            for fault in [Fault::Error, Fault::Nan, Fault::Short] {
                for at in 0..20 {
                    let (mut target, mut drafter) = (toy(50), toy(50).agreeing(0.8));
                    match role {
                        Role::Target => target = target.failing(at, fault),
                        _ => drafter = drafter.failing(at, fault),
                    }
                    let calls = match role {
                        Role::Target => target.calls(),
                        _ => drafter.calls(),
                    };
                    let mut pair = generator(target, drafter);
                    let settings = settings(30, Drafting::Fixed(3), schedule);
                    let result = match pair.start(&prompt, &settings) {
                        Ok(()) => finish(&mut pair).map(drop),
                        Err(error) => Err(error),
                    };
                    let what = format!("{schedule:?} {role:?} {fault:?} {at}");
                    if calls.lock().unwrap().len() <= at {
                        assert!(result.is_ok(), "{what}");
                        continue; // the sequence ended before that call
                    }
                    failed += 1;
                    match result {
                        Err(GenerateError::Forward { role: r, .. }) => {
                            assert_eq!(r, role, "{what}")
                        }
                        Err(GenerateError::Sampling { role: r, .. }) => {
                            assert_eq!(r, Some(role), "{what}")
                        }
                        Err(other) => panic!("{what}: {other}"),
                        // Prefill reads no logits.
                        Ok(()) => assert!(at == 0 && fault != Fault::Error, "{what}: not noticed"),
                    }
                    if at > 0 || fault == Fault::Error {
                        let next = pair.round();
                        assert!(matches!(next, Err(GenerateError::NotStarted)), "{what}");
                    }
                    let got = generate(&mut pair, &prompt, &settings);
                    assert_eq!(got.0, expected, "{what}");
                }
            }
        }
    }
    assert!(failed > 150, "{failed}");
}

/// A panic on the drafter's thread is an error, never a hang; the drafter can be started anew.
#[test]
fn a_panic_of_the_drafter_is_an_error() {
    let prompt = [3, 8, 1];
    let expected = greedy_chain(&toy(0), &prompt, 30);
    for at in [0, 1, 3, 5, 8] {
        let mut pair = generator(toy(50), toy(50).failing(at, Fault::Panic));
        let settings = settings(30, Drafting::Fixed(3), Schedule::Overlapped);
        let result = match pair.start(&prompt, &settings) {
            Ok(()) => finish(&mut pair).map(drop),
            Err(error) => Err(error),
        };
        let error = result.unwrap_err();
        assert_eq!(error.to_string(), "the drafter panicked: a planted panic");
        assert_eq!(generate(&mut pair, &prompt, &settings).0, expected);
    }
}

/// If the caller catches a panic of the target, the drafter's result of that round is not taken for that of another.
#[test]
fn a_panic_of_the_target_leaves_nothing_behind() {
    let prompt = [3, 8, 1];
    let expected = greedy_chain(&toy(0), &prompt, 30);
    for at in 0..6 {
        let mut pair = generator(toy(50).failing(at, Fault::Panic), toy(50).agreeing(0.8));
        let settings = settings(30, Drafting::Fixed(3), Schedule::Overlapped);
        let run = std::panic::AssertUnwindSafe(|| generate(&mut pair, &prompt, &settings));
        assert!(std::panic::catch_unwind(run).is_err());
        assert_eq!(generate(&mut pair, &prompt, &settings).0, expected, "{at}");
    }
}

/// Dropped in the middle of a sequence, at each point, and between schedules: threads end, nothing hangs.
#[test]
fn a_generator_can_be_dropped_or_switched_at_any_time() {
    let expected = greedy_chain(&toy(0), &[1], 30);
    for rounds in 0..5 {
        let drafter = toy(50);
        let alive = drafter.calls();
        let mut pair = generator(toy(50), drafter);
        let mut settings = settings(30, Drafting::Fixed(3), Schedule::Overlapped);
        for schedule in [
            Schedule::Overlapped,
            Schedule::Sequential,
            Schedule::Overlapped,
        ] {
            settings.schedule = schedule;
            pair.start(&[1], &settings).unwrap();
            for _ in 0..rounds {
                pair.round().unwrap();
            }
        }
        assert_eq!(generate(&mut pair, &[1], &settings).0, expected);
        pair.start(&[1], &settings).unwrap();
        pair.round().unwrap();
        drop(pair);
        // The thread has ended: it held the other reference.
        assert_eq!(std::sync::Arc::strong_count(&alive), 1);
    }
}
