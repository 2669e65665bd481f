//! Lengths chosen in the run: when the drafter is called, and with what.

use super::*;
use std::time::Duration;

/// The plan says 0, so the prompt is not fed to the drafter; the first probe feeds it all that it lacks.
#[test]
fn a_drafter_that_is_not_wanted_is_not_called() {
    let prompt = [1, 2, 3, 4, 5];
    for schedule in SCHEDULES {
        let mut goodput = told(4);
        goodput.prior.draft_length = Some(0);
        let drafting = Drafting::Goodput(goodput);
        let drafter = toy(900).agreeing(0.0);
        let log = drafter.calls();
        let mut pair = generator(toy(900), drafter);
        generate(
            &mut pair,
            &prompt,
            &settings(20, drafting.clone(), schedule),
        );
        assert!(log.lock().unwrap().is_empty());
        let (tokens, _) = generate(&mut pair, &prompt, &settings(800, drafting, schedule));
        assert!(tokens == greedy_chain(&toy(0), &prompt, 800));
        let calls = log.lock().unwrap().clone();
        let first = calls.first().expect("a probe");
        assert_eq!((first.position, first.rows), (0, 1));
        assert!(first.tokens > 20, "{first:?}");
        let learned = pair.learned().expect("it chooses by goodput");
        let drafted = pair.stats().sum.drafted;
        assert!(learned.probes > 0 && drafted < 40, "{drafted} {learned:?}");
        let lengths = pair.stats().rounds_by_length();
        let rounds: u64 = lengths.iter().sum();
        assert_eq!(rounds, pair.stats().round_count as u64);
        assert_eq!(learned.ways.len(), 5, "0 to 4 drafts");
    }
}

/// Nobody knows what the drafter costs, and the plan says 0: it is fed with one call before it is fed with all, and is found to be cheap.
#[test]
fn a_cheap_drafter_is_found() {
    let mut goodput = Goodput::new(3);
    goodput.prior.draft_length = Some(0);
    let drafter = toy(900).with_widths(&[1, 8]);
    let log = drafter.calls();
    let mut pair = generator(toy(900).delay(Duration::from_millis(2)), drafter);
    let drafting = Drafting::Goodput(goodput);
    let settings = settings(500, drafting, Schedule::Sequential);
    let (tokens, _) = generate(&mut pair, &[1], &settings);
    assert!(tokens == greedy_chain(&toy(0), &[1], 500));
    let calls = log.lock().unwrap().clone();
    let first: Vec<_> = calls.iter().take(2).collect();
    assert!(
        first.iter().all(|c| (c.tokens, c.rows) == (8, 0)),
        "{first:?}"
    );
    assert!(
        pair.stats().sum.accepted > 200,
        "{:?}",
        pair.stats().rounds_by_length()
    );
    // the next sequence begins with what is known
    generate(&mut pair, &[2], &settings);
    assert!(pair.stats().rounds[0].drafted > 0);
    // and a plain one between does not make it forget
    let plain = self::settings(5, Drafting::Fixed(0), Schedule::Sequential);
    generate(&mut pair, &[2], &plain);
    assert_eq!(pair.learned(), None);
    generate(&mut pair, &[2], &settings);
    assert!(pair.stats().rounds[0].drafted > 0);
}

/// A slow drafter costs a few rounds, whatever it is told to be.
#[test]
fn a_slow_drafter_is_left() {
    let prior = Prior {
        survival: vec![0.95],
        ..Prior::default()
    };
    let goodput = Goodput {
        prior,
        ..Goodput::new(4)
    };
    let drafter = toy(900).agreeing(0.1).delay(Duration::from_millis(2));
    for schedule in SCHEDULES {
        let target = toy(900).delay(Duration::from_millis(1));
        let mut pair = generator(target, drafter.clone());
        let drafting = Drafting::Goodput(goodput.clone());
        generate(&mut pair, &[1], &settings(300, drafting, schedule));
        let lengths = pair.stats().rounds_by_length();
        let with: u64 = lengths.iter().skip(1).sum();
        assert!(with > 0 && with < 25, "{schedule:?} {lengths:?}");
    }
}

/// The same seed gives the same random tokens where times are not measured, however long calls take.
#[test]
fn without_measuring_seeds_decide() {
    let sampling = Sampling::Random {
        temperature: 0.9,
        top_k: 0,
        top_p: 1.0,
    };
    for schedule in SCHEDULES {
        let mut outputs = vec![];
        for delay in [0, 1] {
            let delay = Duration::from_millis(delay);
            let mut pair = generator(toy(200), toy(200).agreeing(0.7).delay(delay));
            for _ in 0..2 {
                let settings = Settings {
                    sampling,
                    seed: 3,
                    ..settings(60, Drafting::Goodput(told(4)), schedule)
                };
                outputs.push(generate(&mut pair, &[1], &settings).0);
                assert!(pair.stats().sum.drafted > 20);
            }
        }
        assert!(outputs.iter().all(|o| *o == outputs[0]), "{schedule:?}");
    }
}
