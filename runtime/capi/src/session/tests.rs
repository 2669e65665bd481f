use super::*;
use crate::error::{BAD_ARGUMENT, GENERATE};
use spec_runtime::draft_length::goodput::{Goodput, Prior};
use spec_runtime::forward::{CallTime, Forward, ForwardError, check};

/// The next token is the last one plus 1.
struct Counting;

impl Forward for Counting {
    fn vocabulary(&self) -> usize {
        100
    }

    fn context(&self) -> usize {
        50
    }

    fn widths(&self) -> &[usize] {
        &[1, 9]
    }

    fn forward(
        &mut self,
        tokens: &[u32],
        position: usize,
        rows: usize,
        logits: &mut Vec<f32>,
    ) -> Result<CallTime, ForwardError> {
        check(100, 50, tokens, position, rows)?;
        logits.clear();
        for token in tokens.iter().skip(tokens.len() - rows) {
            let next = (*token as usize + 1) % 100;
            logits.extend((0..100).map(|x| if x == next { 1.0 } else { 0.0 }));
        }
        Ok(CallTime::default())
    }
}

fn session(drafts: usize, max_tokens: usize) -> Session {
    let generator = Generator::new(Box::new(Counting), Some(Box::new(Counting))).unwrap();
    let settings = Settings {
        max_tokens,
        drafting: Drafting::Fixed(drafts),
        stop: vec![40],
        ..Settings::default()
    };
    Session::of(generator, settings)
}

#[test]
fn tokens_that_do_not_fit_come_with_the_next_call() {
    let mut session = session(4, 8);
    assert_eq!(
        session.round(&mut [0; 2]).unwrap_err().status,
        GENERATE,
        "not started"
    );
    session.start(&[1, 2]).unwrap();
    let (mut seen, mut calls): (Vec<u32>, Vec<usize>) = (vec![], vec![]);
    loop {
        let mut out = [0; 2];
        let (count, finished) = session.round(&mut out).unwrap();
        seen.extend(&out[..count]);
        calls.push(count);
        if finished.is_some() {
            assert_eq!(finished, Some(Finish::MaxTokens));
            break;
        }
        assert_eq!(
            session.round(&mut []).unwrap(),
            (0, None),
            "no room, nothing lost"
        );
    }
    assert_eq!(seen, (3..11).collect::<Vec<u32>>());
    assert!(
        calls.len() >= 4 && calls.iter().all(|n| *n <= 2),
        "{calls:?}"
    );
    assert_eq!(
        session.round(&mut [0; 2]).unwrap(),
        (0, Some(Finish::MaxTokens))
    );
    assert_eq!(
        (session.stats().tokens, session.stats().prompt_tokens),
        (8, 2)
    );
    session.start(&[38]).unwrap();
    let mut out = [0; 65];
    assert_eq!(
        session.round(&mut out).unwrap(),
        (2, Some(Finish::Stop(40)))
    );
}

#[test]
fn what_c_asks_for_becomes_settings() {
    let offer = Offer {
        drafts: 3,
        strategy: "overlapped".into(),
        has_drafter: true,
        widest: 9,
        prior: Prior::default(),
    };
    let ask = |draft_length, schedule, offer: &Offer| {
        let (kappa, lambda) = (0.2, 0.4);
        let asked = Asked {
            draft_length,
            schedule,
            kappa,
            lambda,
        };
        asked.resolve(offer)
    };
    let (s, o) = (Schedule::Sequential, Schedule::Overlapped);
    assert_eq!(ask(-1, 0, &offer).unwrap(), (Drafting::Fixed(3), o));
    assert_eq!(ask(5, 1, &offer).unwrap(), (Drafting::Fixed(5), s));
    assert_eq!(ask(0, 2, &offer).unwrap(), (Drafting::Fixed(0), s));
    assert_eq!(
        ask(-2, 0, &offer).unwrap().0,
        Drafting::Heuristic { first: 3, max: 8 }
    );
    assert!(matches!(
        ask(-3, 0, &offer).unwrap().0,
        Drafting::Entropy { max: 8, .. }
    ));
    let refused = |draft_length, schedule, offer: &Offer| {
        let failure = ask(draft_length, schedule, offer).unwrap_err();
        assert_eq!(failure.status, BAD_ARGUMENT);
        failure.message
    };
    assert!(refused(65, 0, &offer).contains("0 to 64"));
    assert!(refused(-6, 0, &offer).contains("-6"));
    assert!(refused(1, 3, &offer).contains("schedule is 3"));
    for (code, measure) in [(-4, true), (-5, false)] {
        let (drafting, schedule) = ask(code, 0, &offer).unwrap();
        let goodput = Goodput {
            measure,
            ..Goodput::new(8)
        };
        assert_eq!((drafting, schedule), (Drafting::Goodput(goodput), o));
    }
    let alone = Offer {
        has_drafter: false,
        ..offer
    };
    assert_eq!(ask(-4, 0, &alone).unwrap(), (Drafting::Fixed(0), s));
    assert!(refused(2, 0, &alone).contains("no drafter"));
    assert!(ask(0, 0, &alone).is_ok());
}

#[test]
fn one_caller_at_a_time() {
    let session = Mutex::new(session(2, 4));
    let held = enter(&session).unwrap();
    assert_eq!(enter(&session).err().map(|e| e.status), Some(BUSY));
    drop(held);
    assert!(enter(&session).is_ok());
}
