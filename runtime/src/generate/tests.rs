use super::*;
use crate::draft_length::goodput::{Goodput, Prior};
use crate::forward::CallTime;
use crate::sampling::argmax;
use crate::stats::{Lane, Span};
use crate::toy::{Fault, Toy};

mod ends;
mod faults;
mod goodput;
mod lossless;
mod memory;
mod protocol;
mod random;

const VOCABULARY: usize = 11;
const SCHEDULES: [Schedule; 2] = [Schedule::Sequential, Schedule::Overlapped];

/// Lengths by a prior's seconds: drafts are cheap, and stand.
fn told(max: usize) -> Goodput {
    let prior = Prior {
        survival: vec![0.8],
        target: vec![(1, 1.0), (8, 1.3)],
        drafter: vec![(1, 0.1)],
        ..Prior::default()
    };
    Goodput {
        max,
        prior,
        measure: false,
    }
}

/// All that can choose how many drafts a round makes.
fn draftings() -> Vec<Drafting> {
    let fixed = (0..=8).map(Drafting::Fixed);
    let (kappa, max) = (0.2, 6);
    let entropy = |lambda| Drafting::Entropy { max, kappa, lambda };
    fixed
        .chain([
            Drafting::Fixed(20),
            Drafting::Heuristic { first: 2, max: 7 },
            Drafting::Goodput(Goodput::new(7)),
            Drafting::Goodput(told(6)),
            entropy(0.0),
            entropy(0.45),
            entropy(1.0),
        ])
        .collect()
}

fn toy(context: usize) -> Toy {
    Toy::new(5, VOCABULARY, context)
}

fn generator(target: Toy, drafter: Toy) -> Generator {
    Generator::new(Box::new(target), Some(Box::new(drafter))).unwrap()
}

fn settings(max_tokens: usize, drafting: Drafting, schedule: Schedule) -> Settings {
    Settings {
        max_tokens,
        drafting,
        schedule,
        ..Settings::default()
    }
}

/// Runs to the end; checks what holds of any round.
fn finish(generator: &mut Generator) -> Result<(Vec<u32>, Finish), GenerateError> {
    let mut tokens = vec![];
    loop {
        let step = generator.round()?;
        assert!(!step.tokens.is_empty() || step.finished.is_some());
        tokens.extend(step.tokens);
        if let Some(finish) = step.finished {
            let end = Step {
                tokens: &[],
                finished: Some(finish),
            };
            assert_eq!(generator.round().unwrap(), end);
            assert_eq!(generator.stats().tokens, tokens.len());
            return Ok((tokens, finish));
        }
    }
}

fn generate(generator: &mut Generator, prompt: &[u32], settings: &Settings) -> (Vec<u32>, Finish) {
    generator.start(prompt, settings).unwrap();
    finish(generator).unwrap()
}

/// What the target says greedily, by no cache and none of this module's code.
fn greedy_chain(target: &Toy, prompt: &[u32], tokens: usize) -> Vec<u32> {
    let mut all = prompt.to_vec();
    for _ in 0..tokens {
        all.push(argmax(&target.logits_after(&all)).unwrap());
    }
    all.split_off(prompt.len())
}

/// Over 1,500 tokens, for each drafting, both schedules, and drafters from perfect to useless.
#[test]
fn greedy_rounds_give_what_the_target_gives() {
    const TOKENS: usize = 1500;
    let prompt = [3, 1, 4, 1, 5];
    let expected = greedy_chain(&toy(0), &prompt, TOKENS);
    for agreement in [1.0, 0.9, 0.5, 0.0] {
        let mut pair = generator(toy(1600), toy(1600).agreeing(agreement));
        for schedule in SCHEDULES {
            for drafting in draftings() {
                let what = format!("{drafting:?} {schedule:?} agreement {agreement}");
                let fixed = !matches!(drafting, Drafting::Fixed(0) | Drafting::Goodput(_));
                let settings = settings(TOKENS, drafting, schedule);
                let got = generate(&mut pair, &prompt, &settings);
                assert_eq!(got.1, Finish::MaxTokens, "{what}");
                assert!(got.0 == expected, "{what}");
                let rate = pair.stats().acceptance_rate();
                if agreement == 1.0 && fixed {
                    assert_eq!(rate, Some(1.0), "{what}");
                }
                if agreement < 1.0 && fixed {
                    assert!(rate.is_none_or(|r| r < 1.0), "{what}");
                }
            }
        }
    }
}

/// A temperature of 0, a top-k of 1, and a temperature near 0 are greedy too, also where two models must agree on it.
#[test]
fn cold_sampling_is_greedy() {
    let prompt = [7, 7];
    let expected = greedy_chain(&toy(0), &prompt, 300);
    let mut pair = generator(toy(400), toy(400).agreeing(0.8));
    for (temperature, top_k, top_p) in [
        (0.0, 0, 1.0),
        (0.7, 1, 1.0),
        (1e-6, 0, 1.0),
        (1e-45, 5, 0.9),
        (f32::MIN_POSITIVE, 0, 0.5),
    ] {
        for schedule in SCHEDULES {
            let sampling = Sampling::Random {
                temperature,
                top_k,
                top_p,
            };
            let settings = Settings {
                sampling,
                ..settings(300, Drafting::Fixed(3), schedule)
            };
            let got = generate(&mut pair, &prompt, &settings);
            assert!(got.0 == expected, "{sampling:?} {schedule:?}");
        }
    }
}

/// The same seed gives the same tokens, however fast the drafter's thread is; another seed gives others.
#[test]
fn seeds_decide() {
    let sampling = Sampling::Random {
        temperature: 0.9,
        top_k: 0,
        top_p: 1.0,
    };
    for schedule in SCHEDULES {
        let mut outputs = vec![];
        for (seed, delay) in [(1, 0), (1, 1), (2, 0)] {
            let delay = std::time::Duration::from_millis(delay);
            let drafter = toy(100).agreeing(0.7).delay(delay);
            let mut pair = generator(toy(100), drafter);
            let settings = Settings {
                sampling,
                seed,
                ..settings(60, Drafting::Fixed(4), schedule)
            };
            outputs.push(generate(&mut pair, &[1], &settings).0);
        }
        assert_eq!(outputs[0], outputs[1], "{schedule:?}");
        assert_ne!(outputs[0], outputs[2], "{schedule:?}");
    }
}

/// Written down once: another machine must draw the same.
#[test]
fn random_numbers_are_the_same_everywhere() {
    let first = |seed, stream| {
        let mut random = drafter::random(seed, stream);
        [0; 3].map(|_| drafter::uniform(&mut random).to_bits())
    };
    assert_eq!([first(0, 0), first(42, 7)], KNOWN);
}
const KNOWN: [[u32; 3]; 2] = [
    [1_054_160_360, 1_051_194_026, 1_033_269_496],
    [1_035_701_928, 1_059_888_259, 1_058_518_337],
];

/// A server may start a sequence on one thread and go on with it on another.
#[test]
fn a_generator_can_be_sent() {
    fn sent<T: Send>(_: T) {}
    sent(generator(toy(9), toy(9)));
}

/// Padded vocabularies: 6 tokens more or fewer in the drafter, of which the target may choose some.
#[test]
fn vocabularies_may_differ_by_padding() {
    let expected = greedy_chain(&toy(0), &[1, 2], 200);
    for vocabulary in [VOCABULARY - 6, VOCABULARY + 6] {
        for schedule in SCHEDULES {
            let drafter = Toy::new(5, vocabulary, 300);
            let mut pair = generator(toy(300), drafter);
            let mut settings = settings(200, Drafting::Fixed(3), schedule);
            assert!(generate(&mut pair, &[1, 2], &settings).0 == expected);
            assert!(pair.stats().sum.accepted > 0);
            settings.sampling = Sampling::Random {
                temperature: 1.0,
                top_k: 0,
                top_p: 1.0,
            };
            assert_eq!(generate(&mut pair, &[1, 2], &settings).0.len(), 200);
        }
    }
    let far = Box::new(Toy::new(5, VOCABULARY + 129, 300));
    let error = Generator::new(Box::new(toy(300)), Some(far)).err().unwrap();
    assert!(matches!(error, GenerateError::Vocabulary { .. }));
}
