//! Acceptance: constants, measured curves, and files that are wrong.

use proptest::prelude::*;
use spec_cost::{Acceptance, AcceptanceFilter, DType};

const DATA: &str = include_str!("data/qwen2.5-1.5b-0.5b.acceptance.csv");

fn filter(mode: &str, task: Option<&str>) -> AcceptanceFilter {
    AcceptanceFilter {
        mode: Some(mode.to_string()),
        task: task.map(str::to_string),
        ..AcceptanceFilter::default()
    }
}

fn measured(mode: &str, task: Option<&str>) -> Acceptance {
    Acceptance::parse_csv(DATA, "data.csv", &filter(mode, task)).expect("the data parse")
}

fn error(text: &str) -> String {
    Acceptance::parse_csv(text, "f.csv", &AcceptanceFilter::default())
        .expect_err("must fail")
        .to_string()
}

#[test]
fn a_constant_is_the_closed_form() {
    let a = Acceptance::constant(0.8, "test".into()).expect("valid");
    assert!((a.tokens_per_round(5) - 3.68928).abs() < 1e-9);
    assert!((a.all_accepted(5) - 0.8f64.powi(5)).abs() < 1e-12);
    assert_eq!((a.tokens_per_round(0), a.all_accepted(0)), (1.0, 1.0));
    assert_eq!(
        (a.mean_alpha(), a.source(), a.is_measured()),
        (0.8, "test", false)
    );
    for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(Acceptance::constant(bad, String::new()).is_err(), "{bad}");
    }
}

/// Tokens a round of real rounds, as measured: kept exactly at every gamma.
#[test]
fn measured_rounds_are_reproduced() {
    let a = measured("greedy", None);
    let measured = [
        1.773, 2.3156, 2.7599, 3.0518, 3.2574, 3.3914, 3.5093, 3.6158,
    ];
    for (gamma, tokens) in (1..).zip(measured) {
        assert!(
            (a.tokens_per_round(gamma) - tokens).abs() < 1e-3,
            "gamma {gamma}"
        );
    }
    assert!((a.mean_alpha() - 0.7732).abs() < 1e-9);
    assert!(
        a.notes()
            .iter()
            .any(|n| n.contains("promise 4.52 tokens a round at gamma 8, real rounds gained 3.62"))
    );
}

/// One constant alpha overestimates: 4 % at gamma 4, 9 % at gamma 8.
#[test]
fn a_constant_overestimates_a_real_pair() {
    let a = measured("greedy", None);
    let constant = Acceptance::constant(a.mean_alpha(), String::new()).expect("valid");
    let ratio = |g| a.tokens_per_round(g) / constant.tokens_per_round(g) - 1.0;
    assert!(
        (ratio(4) + 0.045).abs() < 0.01 && (ratio(8) + 0.09).abs() < 0.01,
        "{} {}",
        ratio(4),
        ratio(8)
    );
}

#[test]
fn tasks_differ() {
    let (code, chat) = (
        measured("greedy", Some("code")),
        measured("greedy", Some("chat")),
    );
    assert!(code.mean_alpha() > 0.9 && chat.mean_alpha() < 0.72);
    assert!(code.tokens_per_round(4) > chat.tokens_per_round(4) + 1.0);
}

#[test]
fn beyond_the_file_the_last_conditional_acceptance_is_continued() {
    let a = measured("greedy", None);
    let s = a.survival(16);
    assert_eq!(s.len(), 16);
    let last = s[7] / s[6];
    for k in 8..16 {
        assert!((s[k] / s[k - 1] - last).abs() < 1e-9);
    }
    assert!(a.notes().iter().any(|n| n.contains("up to gamma 8")));
}

#[test]
fn shifting_moves_every_position_and_stays_a_probability() {
    let a = measured("greedy", None);
    assert!(a.shifted(0.05).tokens_per_round(4) > a.tokens_per_round(4));
    assert!(a.shifted(-0.05).tokens_per_round(4) < a.tokens_per_round(4));
    assert!((a.shifted(5.0).tokens_per_round(16) - 17.0).abs() < 1e-9);
    assert!((a.shifted(-5.0).tokens_per_round(16) - 1.0).abs() < 1e-9);
}

#[test]
fn pairs_of_types_have_their_own() {
    let own = Acceptance::constant(0.02, "full int8".into()).expect("valid");
    let a = Acceptance::constant(0.8, "base".into())
        .expect("valid")
        .with_pair(DType::W8A8, DType::W8A8, own);
    assert_eq!(a.for_pair(DType::W8A8, DType::W8A8).0.mean_alpha(), 0.02);
    let (base, own) = a.for_pair(DType::F16, DType::W8A8);
    assert_eq!((base.mean_alpha(), own), (0.8, false));
}

#[test]
fn wrong_files_say_where_and_what() {
    let header = DATA.lines().next().expect("a header");
    let row = |r: &str| error(&format!("{header}\n{r}\n"));
    let errors = [
        error(""),
        error("target,drafter\n"),
        error(&format!("{header},colour\n")),
        row("t,d,greedy,all,2,100,0.7,0.7,50,1.2,2.2,0.7,0.7"),
        row("t,d,greedy,all,1,100,1.7,0.7,50,0.7,1.7,0.7,0.7"),
        row("t,d,greedy,all,1,100,nan,0.7,50,0.7,1.7,0.7,0.7"),
        row("t,d,greedy,all,1,100,0.7,0.7,50,0.7,2.7,0.7,0.7"),
        row("t,d,greedy,all,2,100,0.7,0.7,50,0.7,1.7,0.7,0.5;0.6"),
        row("t,d,greedy,all,1,100"),
        row("t,d,greedy,all,1,100,0.7,0.7,50,0.7,1.7,0.7,0.7\nt,d,greedy,all,1,100,0.7,0.7,50,0.7,1.7,0.7,0.7"),
        error(&format!("{header}\n")),
        error(DATA),
    ].join("\n");
    insta::assert_snapshot!("errors_acceptance", errors);
}

proptest! {
    #[test]
    fn tokens_are_monotone_in_gamma_for_a_constant(alpha in 0.0..=1.0f64, gamma in 0u32..32) {
        let a = Acceptance::constant(alpha, String::new()).expect("valid");
        prop_assert!(a.tokens_per_round(gamma + 1) >= a.tokens_per_round(gamma));
        prop_assert!(a.tokens_per_round(gamma) <= f64::from(gamma) + 1.0);
    }

    #[test]
    fn mutated_files_give_errors_never_panics(at in 0usize..4000, byte in any::<u8>(), cut in 0usize..9000) {
        let mut bytes = DATA.as_bytes().to_vec();
        bytes[at] = byte;
        bytes.truncate(cut.max(at + 1));
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(a) = Acceptance::parse_csv(&text, "f.csv", &filter("greedy", None)) {
            for gamma in 0..=16 {
                let e = a.tokens_per_round(gamma);
                prop_assert!((1.0..=f64::from(gamma) + 1.0 + 1e-9).contains(&e));
            }
        }
    }
}

#[test]
fn shares_of_real_rounds_are_kept() {
    let a = Acceptance::measured(&[0.8, 0.6, 0.6], "a run".to_string()).expect("good shares");
    let near = |found: &[f64], wanted: &[f64]| {
        assert_eq!(found.len(), wanted.len());
        let pairs = found.iter().zip(wanted);
        assert!(
            pairs.into_iter().all(|(f, w)| (f - w).abs() < 1e-12),
            "{found:?}"
        );
    };
    near(&a.survival(3), &[0.8, 0.6, 0.6]);
    near(&a.survival(2), &[0.8, 0.6]);
    near(&a.survival(4), &[0.8, 0.6, 0.6, 0.6]);
    near(&[a.rate(3)], &[2.0 / 2.4]);
    near(&[a.mean_alpha()], &[2.0 / 2.4]);
    near(
        &[
            Acceptance::constant(0.7, String::new())
                .expect("a rate")
                .rate(5),
            a.rate(0),
        ],
        &[0.7, 0.0],
    );
    near(
        &Acceptance::measured(&[0.0, 0.0], String::new())
            .expect("nothing accepted")
            .survival(2),
        &[0.0, 0.0],
    );
    for wrong in [&[][..], &[1.1], &[0.5, 0.6], &[f64::NAN], &[0.5; 65]] {
        assert!(
            Acceptance::measured(wrong, String::new()).is_err(),
            "{wrong:?}"
        );
    }
}
