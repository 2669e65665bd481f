use super::*;
use crate::predict::tests::{model, pair, predictor};
use crate::predict::{Assumed, Predictor};
use spec_cost::Acceptance;

fn given(alpha: f64) -> Assumed {
    Assumed::Given(Acceptance::constant(alpha, "given".to_owned()).expect("a rate"))
}

/// Latencies that do not depend on the context: of a drafter step, and of a call of 1 and of 9 tokens of the target, milliseconds.
fn profile(cores: u32, step: f64, one: f64, nine: f64) -> String {
    let mut text = "latency = [\n".to_owned();
    let mut row = |role: &str, dtype: &str, m: u32, milliseconds: f64| {
        for s in [0, 512] {
            text += &format!(
                "{{ role = \"{role}\", unit = \"cpu\", cores = {cores}, dtype = \"{dtype}\", m = {m}, s = {s}, seconds = {} }},\n",
                milliseconds * 1e-3
            );
        }
    };
    for m in [1, 2] {
        row("drafter", "i4g32", m, step);
    }
    row("target", "f16", 1, one);
    row("target", "f16", 9, nine);
    text + "]\n"
}

fn ways(predictor: &Predictor, cores: u32, overlapped: bool) -> Vec<Way> {
    let found = predictor.ways(&pair("i4g32", cores), 0..=8, overlapped);
    found.expect("predicted")
}

#[test]
fn drafts_that_do_not_pay_are_not_made() {
    let dear = profile(2, 9.0, 10.0, 12.0);
    let ways = ways(&predictor(given(0.5), Some(&dear)), 2, false);
    assert_eq!(ways.len(), 9, "plain decoding, and 1 to 8 drafts");
    assert!(ways.iter().all(|w| w.measured), "{ways:?}");
    let best = fastest(&ways).expect("there are some");
    assert_eq!(
        (best.draft_length, best.schedule, best.speed_up),
        (0, Strategy::Autoregressive, 1.0)
    );
    assert!((best.tokens_per_second - 100.0).abs() < 1.0, "{best:?}");
}

#[test]
fn the_best_length_is_found() {
    let cheap = profile(2, 1.0, 10.0, 11.0);
    let ways = ways(&predictor(given(0.8), Some(&cheap)), 2, false);
    let best = fastest(&ways).expect("there are some");
    // by hand, in milliseconds: g steps, a verification of 10 + g / 8, and one step more after a round in which all drafts stood
    let by_hand = |g: i32| {
        let (drafts, all) = (f64::from(g), 0.8_f64.powi(g));
        let tokens = (1.0 - 0.8 * all) / 0.2;
        let catch_up = if g > 0 { all } else { 0.0 };
        tokens / (drafts + 10.0 + drafts / 8.0 + catch_up)
    };
    let most = (0..=8).max_by(|a, b| by_hand(*a).total_cmp(&by_hand(*b)));
    assert_eq!(i32::try_from(best.draft_length).ok(), most, "{ways:?}");
    assert!(most.is_some_and(|m| m > 2 && m < 8), "{most:?}");
    assert!(best.speed_up > 1.5 && best.speed_up < 3.0, "{best:?}");
}

#[test]
fn overlapped_rounds_need_cores_of_their_own() {
    let host = predictor(given(0.8), None).soc;
    assert!(!at_once(&host, &pair("i4g32", 2), 8), "the unit has 2");
    assert!(at_once(&host, &pair("i4g32", 1), 2));
    assert!(!at_once(&host, &pair("i4g32", 1), 1), "the process has 1");
    let mut other = pair("i4g32", 2);
    if let Some(drafter) = &mut other.drafter {
        drafter.described.unit = "gpu".to_owned();
        drafter.described.gpu = true;
    }
    let device = spec_cost::Soc::load("imx95").expect("built in");
    assert!(at_once(&device, &other, 2), "different units");
    other.drafter = None;
    assert!(!at_once(&device, &other, 2));
    let ways = ways(&predictor(given(0.9), None), 1, true);
    let overlapped = ways.iter().filter(|w| w.schedule == Strategy::Overlapped);
    assert_eq!((ways.len(), overlapped.count()), (17, 8));
}

#[test]
fn ties_go_to_fewer_drafts() {
    let way = |draft_length, schedule, tokens_per_second| Way {
        draft_length,
        schedule,
        tokens_per_second,
        speed_up: 1.0,
        tokens_per_round: 1.0,
        round_seconds: 1.0,
        measured: true,
    };
    let (s, o) = (Strategy::Sequential, Strategy::Overlapped);
    let ways = [
        way(3, s, 5.0),
        way(2, o, 5.0),
        way(2, s, 5.0),
        way(1, s, 4.0),
    ];
    assert_eq!(fastest(&ways), Some(&ways[2]));
    assert_eq!(fastest([]), None);
}

#[test]
fn a_profile_without_the_models_is_refused() {
    let other = profile(1, 1.0, 10.0, 11.0);
    let here = predictor(given(0.8), Some(&other));
    let error = here.ways(&pair("i4g32", 2), 0..=8, false);
    let text = error.expect_err("measured on 1 core").to_string();
    assert!(
        text.contains("the target 'smollm2-135m' in f16 on 2 cores of cpu")
            && text.contains("spec-profile out -o"),
        "{text}"
    );
    let error = here.ways(&pair("i8", 1), 0..=8, false);
    let text = error.expect_err("measured in another type").to_string();
    assert!(
        text.contains("the drafter 'smollm2-135m' in i8 on 1 core of cpu"),
        "{text}"
    );
    assert!(
        here.ways(&pair("i8", 1), [0], false).is_ok(),
        "of the target there are rows"
    );
}

#[test]
fn what_is_not_known_is_not_predicted() {
    let here = predictor(Assumed::Unknown, None);
    let found = here
        .ways(&pair("i4g32", 2), 0..=8, true)
        .expect("plain decoding");
    assert_eq!(found.len(), 1);
    let mut alone = pair("i4g32", 2);
    alone.drafter = None;
    assert_eq!(model("smollm2-135m", "f16", 2).place(), "2 cores of cpu");
    let found = predictor(given(0.8), None).ways(&alone, 0..=8, true);
    assert_eq!(found.expect("plain decoding").len(), 1);
}
