use super::*;
use proptest::prelude::*;

fn random(temperature: f32, top_k: usize, top_p: f32) -> Sampling {
    Sampling::Random {
        temperature,
        top_k,
        top_p,
    }
}

/// By the definition, in f64, with a full sort.
fn expected(logits: &[f32], temperature: f32, top_k: usize, top_p: f32) -> Vec<f64> {
    let max = logits.iter().copied().fold(f32::MIN, f32::max);
    let weight = |x: &f32| (f64::from(x - max) / f64::from(temperature)).exp();
    let mut p: Vec<f64> = logits.iter().map(weight).collect();
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| logits[*b].partial_cmp(&logits[*a]).unwrap());
    if top_k > 0 {
        for i in order.iter().skip(top_k) {
            p[*i] = 0.0;
        }
    }
    let total: f64 = p.iter().sum();
    let mut sum = 0.0;
    for i in &order {
        if sum >= f64::from(top_p) * total {
            p[*i] = 0.0;
        }
        sum += p[*i];
    }
    let total: f64 = p.iter().sum();
    p.iter().map(|x| x / total).collect()
}

/// softmax([2, 1, 0]) = [.665241, .244728, .090031], worked out by hand.
#[test]
fn known_distributions() {
    let logits = [1.0, 2.0, 0.0];
    let near = |sampling: Sampling, want: [f32; 3]| {
        let got = sampling.distribution(&logits).unwrap();
        for (g, w) in got.iter().zip(want) {
            assert!((g - w).abs() < 1e-6, "{sampling:?}: {got:?}");
        }
    };
    near(random(1.0, 0, 1.0), [0.244_728, 0.665_241, 0.090_031]);
    near(random(0.5, 0, 1.0), [0.117_310, 0.866_814, 0.015_876]);
    near(random(1.0, 2, 1.0), [0.268_941, 0.731_059, 0.0]);
    near(random(1.0, 0, 0.6), [0.0, 1.0, 0.0]);
    near(random(1.0, 0, 0.7), [0.268_941, 0.731_059, 0.0]);
    near(random(1.0, 2, 0.73), [0.0, 1.0, 0.0]); // .731 of the two
    near(random(1.0, 1, 1.0), [0.0, 1.0, 0.0]);
    near(random(0.0, 0, 1.0), [0.0, 1.0, 0.0]);
    near(Sampling::Greedy, [0.0, 1.0, 0.0]);
}

/// Towards temperature 0 the distribution becomes the largest logit's, without a NaN on the way; equal ones share.
#[test]
fn cold_is_greedy() {
    let logits = [1.0, 1.001, -7.0, f32::NEG_INFINITY];
    for temperature in [1e-5, 1e-20, f32::MIN_POSITIVE, 1e-45] {
        let got = random(temperature, 0, 1.0).distribution(&logits).unwrap();
        assert_eq!(got, [0.0, 1.0, 0.0, 0.0], "{temperature}");
        let got = random(temperature, 3, 0.5).distribution(&logits).unwrap();
        assert_eq!(got, [0.0, 1.0, 0.0, 0.0], "{temperature}");
        let got = random(temperature, 0, 1.0)
            .distribution(&[3.0, 1.0, 3.0])
            .unwrap();
        assert_eq!(got, [0.5, 0.0, 0.5], "{temperature}");
    }
    let hot = random(f32::MAX, 0, 1.0)
        .distribution(&[30.0, -30.0])
        .unwrap();
    assert_eq!(hot, [0.5, 0.5]);
}

#[test]
fn ties_at_the_cut_go_to_the_lower_token() {
    let p = random(1.0, 2, 1.0)
        .distribution(&[0.0, 5.0, 5.0, 5.0])
        .unwrap();
    assert_eq!(p, [0.0, 0.5, 0.5, 0.0]);
    let p = random(1.0, 0, 0.01).distribution(&[5.0; 4]).unwrap();
    assert_eq!(p, [1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn bad_settings_are_refused() {
    for t in [-1.0, f32::NAN, f32::INFINITY] {
        let error = random(t, 0, 1.0).check().unwrap_err();
        assert!(matches!(error, SamplingError::Temperature(_)), "{t}");
    }
    for p in [0.0, -0.1, 1.1, f32::NAN] {
        let error = random(1.0, 0, p).check().unwrap_err();
        assert!(matches!(error, SamplingError::TopP(_)), "{p}");
    }
    assert!(random(1.0, 0, 1.0).distribution(&[1.0, f32::NAN]).is_err());
    assert!(random(1.0, 1, 1.0).distribution(&[]).is_err());
}

/// A nucleus larger than the first guesses.
#[test]
fn a_wide_nucleus_is_found() {
    let logits: Vec<f32> = (0..5000).map(|i| (i * 7919 % 5000) as f32 * 1e-4).collect();
    let got = random(1.0, 0, 0.9).distribution(&logits).unwrap();
    let want = expected(&logits, 1.0, 0, 0.9);
    for (g, w) in got.iter().zip(&want) {
        assert!((f64::from(*g) - w).abs() < 1e-7);
    }
    assert!(want.iter().filter(|w| **w > 0.0).count() > 4096);
}

/// A drafter of fewer tokens never drafts the rest; one of more is cut.
#[test]
fn vocabularies_are_brought_together() {
    for sampling in [random(1.0, 0, 1.0), random(1.0, 3, 1.0)] {
        let mut rows = Distributions::default();
        rows.push(&sampling, &[1.0, 1.0], 4).unwrap();
        assert_eq!(rows.last_whole(4), [0.5, 0.5, 0.0, 0.0]);
        rows.clear();
        rows.push(&sampling, &[0.0, 0.0, 9.0], 2).unwrap();
        assert_eq!(rows.last_whole(2), [0.5, 0.5]);
    }
}

proptest! {
    #[test]
    fn distributions_are_those_of_the_definition(
        logits in prop::collection::vec(-12.0..12.0_f32, 1..300),
        temperature in 0.1..3.0_f32,
        top_k in 0..40_usize,
        top_p in 0.05..=1.0_f32,
    ) {
        let got = random(temperature, top_k, top_p).distribution(&logits).unwrap();
        let want = expected(&logits, temperature, top_k, top_p);
        for (token, (g, w)) in got.iter().zip(&want).enumerate() {
            prop_assert!((f64::from(*g) - w).abs() < 1e-5 * w.max(1e-3), "token {token}: {g}, not {w}");
        }
    }

    /// Judged over the tokens that are left, or over all: the same.
    #[test]
    fn few_tokens_are_judged_as_all(
        logits in prop::collection::vec(-3.0..3.0_f32, 84),
        top_k in 1..8_usize,
        uniforms in prop::collection::vec(0.0..1.0_f32, 7),
    ) {
        let sampling = random(1.0, top_k, 1.0);
        let mut rows = logits.chunks(12);
        let (mut q, mut p, mut drafts) = (Distributions::default(), Distributions::default(), vec![]);
        let (mut whole_q, mut whole_p) = (vec![], vec![]);
        for u in &uniforms[..3] {
            q.push(&sampling, rows.next().unwrap(), 12).unwrap();
            whole_q.extend(q.last_whole(12));
            drafts.push(q.sample_last(*u).unwrap());
            prop_assert_eq!(*drafts.last().unwrap(), sample(&Rows::new(&whole_q, 12).unwrap(), q.len() - 1, *u).unwrap());
        }
        for logits in rows {
            p.push(&sampling, logits, 12).unwrap();
            whole_p.extend(p.last_whole(12));
        }
        let got = Judge::default().rejection(&drafts, &q, &p, &uniforms[3..], 12).unwrap();
        let (whole_q, whole_p) = (Rows::new(&whole_q, 12).unwrap(), Rows::new(&whole_p, 12).unwrap());
        prop_assert_eq!(got, rejection(&drafts, &whole_q, &whole_p, &uniforms[3..]).unwrap());
    }
}
