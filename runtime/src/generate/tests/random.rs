//! Random settings: never a panic, never a token too many, never a position out of range (a toy refuses those).

use super::*;
use proptest::prelude::*;

fn drafting() -> impl Strategy<Value = Drafting> {
    let entropy = (1..12_usize, 0.01..2.0_f64, 0.0..=1.0_f64);
    prop_oneof![
        (0..12_usize).prop_map(Drafting::Fixed),
        (1..6_usize, 6..12_usize).prop_map(|(first, max)| Drafting::Heuristic { first, max }),
        (1..12_usize).prop_map(|max| Drafting::Goodput(Goodput::new(max))),
        (1..12_usize).prop_map(|max| Drafting::Goodput(told(max))),
        entropy.prop_map(|(max, kappa, lambda)| Drafting::Entropy { max, kappa, lambda }),
    ]
}

fn sampling() -> impl Strategy<Value = Sampling> {
    let random = (0.0..3.0_f32, 0..14_usize, 0.01..=1.0_f32);
    prop_oneof![
        Just(Sampling::Greedy),
        random.prop_map(|(temperature, top_k, top_p)| Sampling::Random {
            temperature,
            top_k,
            top_p
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn any_settings_work(
        contexts in (2..60_usize, 2..60_usize),
        vocabularies in (2..12_usize, 2..12_usize),
        agreement in 0.0..=1.0_f64,
        prompt in prop::collection::vec(0..12_u32, 0..40),
        max_tokens in 0..70_usize,
        drafting in drafting(),
        sampling in sampling(),
        stop in prop::collection::vec(0..100_u32, 0..3),
        overlapped: bool,
        seed: u64,
    ) {
        let target = Toy::new(1, vocabularies.0, contexts.0).with_widths(&[1, 3, 8]);
        let drafter = Toy::new(1, vocabularies.1, contexts.1).agreeing(agreement);
        let context = contexts.0.min(contexts.1);
        let mut pair = generator(target.clone(), drafter);
        let schedule = SCHEDULES[usize::from(overlapped)];
        let settings = Settings { max_tokens, stop, sampling, drafting, schedule, seed };
        let fits = !prompt.is_empty() && prompt.len() < context
            && prompt.iter().all(|t| (*t as usize) < vocabularies.0);
        let started = pair.start(&prompt, &settings);
        prop_assert_eq!(started.is_ok(), fits);
        if !fits {
            return Ok(());
        }
        let (tokens, finish) = finish(&mut pair).unwrap();
        prop_assert!(tokens.len() <= max_tokens && prompt.len() + tokens.len() <= context);
        prop_assert!(tokens.iter().all(|t| (*t as usize) < vocabularies.0));
        let stops = tokens.iter().position(|t| settings.stop.contains(t));
        match finish {
            Finish::Stop(token) => {
                prop_assert_eq!(stops, Some(tokens.len() - 1));
                prop_assert_eq!(tokens.last(), Some(&token));
            }
            Finish::MaxTokens => prop_assert!(tokens.len() == max_tokens && stops.is_none()),
            Finish::Context => prop_assert!(prompt.len() + tokens.len() == context && stops.is_none()),
        }
        if settings.sampling.is_greedy() {
            prop_assert_eq!(&tokens, &greedy_chain(&target, &prompt, tokens.len()));
        }
    }
}
