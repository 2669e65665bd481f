//! The controller in a world of known costs and acceptance.

use super::*;
mod world;

use world::{Chooser, World};

fn nothing_known() -> Goodput {
    Goodput::new(8)
}

/// Drafts are free and stand; so they say.
fn rosy() -> Goodput {
    let prior = Prior {
        draft_length: Some(8),
        survival: vec![0.97; 1],
        target: (1..=9).map(|w| (w, 1.0)).collect(),
        drafter: vec![(1, 0.02)],
        ..Prior::default()
    };
    Goodput {
        prior,
        ..nothing_known()
    }
}

/// Drafts are slow and never stand; so they say. Feeding costs little.
fn gloomy() -> Goodput {
    let prior = Prior {
        draft_length: Some(0),
        survival: vec![0.05],
        target: (1..=9).map(|w| (w, w as f64)).collect(),
        drafter: vec![(1, 0.9), (7, 0.9), (8, 0.04)],
        ..Prior::default()
    };
    Goodput {
        prior,
        ..nothing_known()
    }
}

/// The right length comes soon, and the run is no more than 2 % behind the best fixed length, whatever that is.
#[test]
fn it_converges_to_the_best_fixed_length() {
    let worlds = [
        World::good(),
        World {
            rate: |_, i| [0.9, 0.8, 0.6, 0.3, 0.2, 0.2, 0.2, 0.2][i],
            ..World::good()
        },
        World {
            rate: |_, _| 0.95,
            ..World::good()
        },
        // one and two drafts cost as much as three: the target is padded
        World {
            widths: vec![1, 4, 9],
            rate: |_, _| 0.7,
            ..World::good()
        },
    ];
    for (i, world) in worlds.iter().enumerate() {
        for overlapped in [false, true] {
            let (best, fixed) = world.best_fixed(overlapped, 1500);
            let learned = world.mean(
                || world.controller(&nothing_known(), overlapped),
                overlapped,
                1500,
            );
            assert!(best > 0, "world {i} pays");
            assert!(
                learned < 1.02 * fixed,
                "world {i}, overlapped {overlapped}: {learned} s a token, {best} drafts {fixed}"
            );
            let out = world.run(
                world.controller(&nothing_known(), overlapped),
                overlapped,
                1500,
                7,
            );
            let near = out.share(150, 1500, |n| n.abs_diff(best) <= 2);
            assert!(
                near > 0.85,
                "world {i}, {overlapped}: {best} drafts, {near}"
            );
        }
    }
}

/// Speculation that loses costs less than 2 % over 500 tokens, whatever is believed.
#[test]
fn what_loses_is_left_at_little_cost() {
    let worlds = [
        World::bad(),
        World {
            rate: |_, _| 0.0,
            ..World::bad()
        },
        // as slow as the target itself
        World {
            drafter: |w| 1.0 + 0.05 * (w - 1) as f64,
            rate: |_, _| 0.9,
            ..World::good()
        },
        // a little under what would pay
        World {
            drafter: |_| 0.4,
            rate: |_, _| 0.42,
            ..World::good()
        },
    ];
    for (i, world) in worlds.iter().enumerate() {
        for overlapped in [false, true] {
            let plain = world.mean(|| Chooser::Fixed(0), overlapped, 500);
            let (best, _) = world.best_fixed(overlapped, 500);
            if overlapped && best > 0 {
                continue; // in an overlapped schedule it pays
            }
            assert_eq!(best, 0, "world {i}");
            for (name, settings) in [
                ("nothing", nothing_known()),
                ("rosy", rosy()),
                ("gloomy", gloomy()),
            ] {
                let learned =
                    world.mean(|| world.controller(&settings, overlapped), overlapped, 500);
                assert!(
                    learned < 1.02 * plain,
                    "world {i}, overlapped {overlapped}, {name}: {:.4} of plain decoding",
                    learned / plain
                );
            }
        }
    }
}

/// What pays is found, whatever is believed: within some hundred tokens where nobody says that it does not.
#[test]
fn what_pays_is_found_against_all_that_is_said() {
    // so cheap to feed that probes are within what they may cost
    let world = World {
        drafter: |w| if w < 8 { 0.15 } else { 0.02 },
        ..World::good()
    };
    for (settings, by) in [(nothing_known(), 40), (rosy(), 40), (gloomy(), 600)] {
        let mut late = 0;
        for seed in 0..24 {
            let out = world.run(world.controller(&settings, false), false, 1200, seed);
            let share = out.share(by, 1200, |n| n >= 2);
            late += u32::from(share < 0.8);
        }
        assert!(late <= 2, "{late} of 24: {settings:?}");
    }
}

/// At first nothing stands, then all does, and the other way round.
#[test]
fn a_change_of_the_text_is_followed() {
    let cheap: fn(usize) -> f64 = |w| if w < 8 { 0.2 } else { 0.02 };
    let opens = World {
        drafter: cheap,
        rate: |at, _| if at < 400 { 0.05 } else { 0.9 },
        ..World::good()
    };
    let closes = World {
        drafter: cheap,
        rate: |at, _| if at < 400 { 0.9 } else { 0.0 },
        ..World::good()
    };
    let (mut found, mut left) = (0.0, 0.0);
    for seed in 0..24 {
        let out = opens.run(opens.controller(&nothing_known(), false), false, 1600, seed);
        found += out.share(900, 1600, |n| n > 1) / 24.0;
        assert!(out.share(100, 400, |n| n == 0) > 0.9);
        let out = closes.run(closes.controller(&nothing_known(), false), false, 900, seed);
        left += out.share(450, 900, |n| n == 0) / 24.0;
        let drafting = out.share(50, 400, |n| n > 1);
        assert!(drafting > 0.9, "{drafting}");
    }
    assert!(found > 0.8 && left > 0.9, "found {found}, left {left}");
}

/// Probes cost up to 1 % of the time in all, also where the drafter takes long to catch up.
#[test]
fn probes_cost_one_percent_at_most() {
    for (world, some) in [
        (World::bad(), false),
        (
            World {
                drafter: |w| if w < 8 { 0.3 } else { 0.02 },
                rate: |_, _| 0.1,
                ..World::good()
            },
            true,
        ),
    ] {
        let mut probes = 0;
        for seed in 0..12 {
            let out = world.run(world.controller(&gloomy(), false), false, 3000, seed);
            let learned = out.learned();
            probes += learned.probes;
            let share = learned.probe_seconds / out.seconds;
            assert!(share < 0.0105, "{share}");
            let plain = 3000.0 * world.mean(|| Chooser::Fixed(0), false, 300);
            assert!(out.seconds < 1.015 * plain * out.tokens as f64 / 3000.0);
        }
        assert_eq!(probes >= 36, some, "{probes} probes");
    }
}

/// The same lengths again, however long calls take.
#[test]
fn without_measuring_time_does_not_matter() {
    let world = World::good();
    let mut settings = Goodput {
        measure: false,
        ..rosy()
    };
    settings.prior.target = (1..=9).map(|w| (w, (world.target)(w))).collect();
    settings.prior.drafter = vec![(1, 0.15), (2, 0.16)];
    for overlapped in [false, true] {
        let run = |world: &World| {
            let chooser = world.controller(&settings, overlapped);
            world.run(chooser, overlapped, 500, 3).rounds
        };
        // the noise takes random numbers, so that it must be there, and small
        let slow = World {
            target: |w| 7.0 + w as f64,
            drafter: |w| 5.0 / w as f64,
            ..world.clone()
        };
        let rounds = run(&world);
        assert_eq!(rounds, run(&slow));
        assert!(rounds.iter().any(|r| r.1 > 2));
    }
    settings.prior.drafter.clear();
    let error = Controller::new(&settings, false, &[1], &[1]).unwrap_err();
    assert!(error.to_string().contains("give a profile"), "{error}");
}

/// A length of 0 at a tie, and where nothing can be gained any more.
#[test]
fn ties_go_to_plain_decoding() {
    let prior = Prior {
        survival: vec![0.5],
        target: vec![(1, 1.0), (2, 1.0)],
        drafter: vec![(1, 0.5), (2, 0.5)],
        ..Prior::default()
    };
    let settings = Goodput {
        max: 1,
        prior,
        measure: false,
    };
    let c = Controller::new(&settings, false, &[1, 2], &[1, 2]).unwrap();
    assert!(!c.begins_with_drafts(), "1.5 tokens for 1.5 seconds");
    let mut better = settings.clone();
    better.prior.survival = vec![0.51];
    let mut c = Controller::new(&better, false, &[1, 2], &[1, 2]).unwrap();
    assert!(c.begins_with_drafts());
    assert_eq!((c.choose(1, 5).drafts, c.choose(1, 0).drafts), (1, 0));
}

/// Calls of another sequence cost what they did; the text is another.
#[test]
fn the_next_sequence_knows_what_calls_cost() {
    let world = World::good();
    let out = world.run(world.controller(&nothing_known(), false), false, 400, 1);
    let Chooser::Learned(mut known) = out.chooser else {
        panic!("it is learned");
    };
    assert!(known.is_for(&nothing_known(), false) && !known.is_for(&nothing_known(), true));
    assert!(!known.is_for(&rosy(), false));
    known.restart();
    assert!(known.begins_with_drafts());
    let out = world.run(Chooser::Learned(known), false, 60, 2);
    assert!(out.rounds.iter().all(|r| r.1 >= 2), "{:?}", out.rounds);
}

#[test]
fn nonsense_is_refused() {
    let refused = |change: fn(&mut Goodput)| {
        let mut settings = rosy();
        change(&mut settings);
        Controller::new(&settings, false, &[1], &[1]).is_err()
    };
    assert!(!refused(|_| {}));
    assert!(refused(|s| s.max = 0) && refused(|s| s.max = 65));
    assert!(refused(|s| s.prior.draft_length = Some(65)));
    assert!(refused(|s| s.prior.survival = vec![0.5, 0.6]));
    assert!(refused(|s| s.prior.survival = vec![f64::NAN]));
    assert!(refused(|s| s.prior.survival = vec![1.5]));
    assert!(refused(|s| s.prior.weight = 0.0));
    assert!(refused(|s| s.prior.target = vec![(2, 1.0), (1, 1.0)]));
    assert!(refused(|s| s.prior.target = vec![(0, 1.0)]));
    assert!(refused(|s| s.prior.drafter = vec![(1, 0.0)]));
    assert!(refused(|s| s.prior.drafter = vec![(1, f64::INFINITY)]));
}
