//! How sequences end.

use super::*;

/// With 1 to 24 tokens of room, by the context or by `max_tokens`, every drafting and schedule ends where plain decoding
/// does, with the same tokens.
#[test]
fn the_end_is_that_of_plain_decoding() {
    const CONTEXT: usize = 40;
    let prompt: Vec<u32> = (0..CONTEXT as u32 - 1).map(|i| i * 5 % 11).collect();
    for agreement in [1.0, 0.6] {
        for (of_target, of_drafter) in [
            (CONTEXT, CONTEXT),
            (CONTEXT + 7, CONTEXT),
            (CONTEXT, CONTEXT + 7),
        ] {
            let mut pair = generator(toy(of_target), toy(of_drafter).agreeing(agreement));
            assert_eq!(pair.context(), CONTEXT);
            for room in 1..=24 {
                let prompt = &prompt[..CONTEXT - room];
                let expected = greedy_chain(&toy(0), prompt, room);
                for drafting in draftings() {
                    for schedule in SCHEDULES {
                        let what = format!("{room} {drafting:?} {schedule:?}");
                        let mut settings = settings(1000, drafting.clone(), schedule);
                        let got = generate(&mut pair, prompt, &settings);
                        assert_eq!(got, (expected.clone(), Finish::Context), "{what}");
                        settings.max_tokens = room;
                        let got = generate(&mut pair, prompt, &settings);
                        assert_eq!(got, (expected.clone(), Finish::MaxTokens), "{what}");
                        settings.max_tokens = room - 1;
                        let got = generate(&mut pair, prompt, &settings);
                        assert_eq!(
                            got,
                            (expected[..room - 1].to_vec(), Finish::MaxTokens),
                            "{what}"
                        );
                    }
                }
            }
        }
    }
}

/// Each token of the sequence in turn is the one to stop at: the output ends with its first occurrence, and nothing behind it.
#[test]
fn stop_tokens_end_in_the_middle_of_a_round() {
    let prompt = [2, 9];
    let chain = greedy_chain(&toy(0), &prompt, 60);
    let mut pair = generator(toy(100), toy(100).agreeing(0.9));
    let mut dropped = 0;
    for stop in 0..VOCABULARY as u32 {
        let Some(at) = chain.iter().position(|t| *t == stop) else {
            continue;
        };
        for schedule in SCHEDULES {
            for drafting in draftings() {
                let settings = Settings {
                    stop: vec![10_000, stop],
                    ..settings(60, drafting.clone(), schedule)
                };
                let got = generate(&mut pair, &prompt, &settings);
                assert_eq!(got, (chain[..=at].to_vec(), Finish::Stop(stop)));
                let last = pair.stats().rounds.last().unwrap();
                dropped += usize::from(last.emitted < last.accepted);
            }
        }
    }
    assert!(dropped > 10, "few rounds went past a stop token: {dropped}");
}

#[test]
fn a_stop_token_goes_before_the_limit() {
    let last = greedy_chain(&toy(0), &[1], 3)[2];
    let chain = greedy_chain(&toy(0), &[1], 3);
    assert!(!chain[..2].contains(&last), "choose another prompt");
    let mut plain = Generator::new(Box::new(toy(4)), None).unwrap();
    for max_tokens in [3, 4] {
        let settings = Settings {
            max_tokens,
            stop: vec![last],
            ..Settings::default()
        };
        let got = generate(&mut plain, &[1], &settings);
        assert_eq!(got, (chain.clone(), Finish::Stop(last)));
    }
}

#[test]
fn no_tokens_or_one() {
    for drafting in draftings() {
        for schedule in SCHEDULES {
            let mut pair = generator(toy(20), toy(20));
            let got = generate(&mut pair, &[1, 2], &settings(0, drafting.clone(), schedule));
            assert_eq!(got, (vec![], Finish::MaxTokens));
            assert_eq!(pair.stats().round_count, 0);
            let got = generate(&mut pair, &[1, 2], &settings(1, drafting.clone(), schedule));
            let one = greedy_chain(&toy(0), &[1, 2], 1);
            assert_eq!(got, (one, Finish::MaxTokens));
            assert_eq!(pair.stats().sum.drafted, 0);
        }
    }
}

#[test]
fn what_cannot_be_started_is_refused() {
    let mut alone = Generator::new(Box::new(toy(20)), None).unwrap();
    let plain = Settings::default();
    assert!(matches!(alone.round(), Err(GenerateError::NotStarted)));
    let error = |g: &mut Generator, prompt: &[u32], settings: &Settings| {
        let error = g.start(prompt, settings).unwrap_err();
        assert!(matches!(g.round(), Err(GenerateError::NotStarted)));
        error.to_string()
    };
    assert_eq!(
        error(&mut alone, &[], &plain),
        "the prompt is empty: give at least one token, such as the model's BOS"
    );
    assert_eq!(
        error(&mut alone, &[1; 20], &plain),
        "the prompt has 20 tokens; a context of 20 takes up to 19: shorten it, or compile for a longer context"
    );
    assert_eq!(
        error(&mut alone, &[1, 11], &plain),
        "token 11 at index 1 of the prompt is outside of the vocabulary of 11: was it encoded by another model's tokenizer?"
    );
    let drafting = settings(5, Drafting::Fixed(2), Schedule::Sequential);
    assert_eq!(
        error(&mut alone, &[1], &drafting),
        "there is no drafter: set a draft length of 0"
    );
    let long = settings(5, Drafting::Fixed(65), Schedule::Sequential);
    assert_eq!(
        error(&mut alone, &[1], &long),
        "draft length: the draft length must be 0 to 64, got 65"
    );
    let sampling = Sampling::Random {
        temperature: -1.0,
        top_k: 0,
        top_p: 1.0,
    };
    let cold = Settings { sampling, ..plain };
    assert_eq!(
        error(&mut alone, &[1], &cold),
        "the sampling settings are out of range"
    );
    assert_eq!(
        generate(&mut alone, &[1; 19], &Settings::default()).0.len(),
        1
    );
}
