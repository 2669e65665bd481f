use super::*;
use proptest::prelude::*;

/// SplitMix64: uniform f32 in [0, 1) of 24 bits.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32
    }
}

fn chi_square(counts: &[u64], p: &[f32]) -> f64 {
    let n: u64 = counts.iter().sum();
    let sum: f64 = p.iter().map(|x| f64::from(*x)).sum();
    let terms = counts.iter().zip(p).map(|(c, p)| {
        let expected = n as f64 * f64::from(*p) / sum;
        if expected == 0.0 {
            return if *c == 0 { 0.0 } else { f64::INFINITY };
        }
        (*c as f64 - expected).powi(2) / expected
    });
    terms.sum()
}

/// Draws `rounds` rounds of drafts from `q`; counts the token at each place, given that the round reaches it.
fn simulate(q: &Rows, p: &Rows, rounds: usize) -> Vec<Vec<u64>> {
    let (g, mut random) = (q.len(), Random(7));
    let mut counts = vec![vec![0; p.vocabulary()]; g + 1];
    for _ in 0..rounds {
        let drafts: Vec<u32> = (0..g)
            .map(|i| sample(q, i, random.next()).unwrap())
            .collect();
        let uniforms: Vec<f32> = (0..=g).map(|_| random.next()).collect();
        let out = rejection(&drafts, q, p, &uniforms).unwrap();
        let tokens = drafts[..out.accepted].iter().chain([&out.last]);
        for (place, token) in tokens.enumerate() {
            counts[place][*token as usize] += 1;
        }
    }
    counts
}

/// The 0.9999 quantile of chi-square with 3 degrees of freedom.
const CRITICAL: f64 = 21.11;

const Q: [f32; 8] = [0.7, 0.1, 0.1, 0.1, 0.25, 0.25, 0.25, 0.25];
const P: [f32; 12] = [
    0.1, 0.2, 0.3, 0.4, 0.0, 0.5, 0.25, 0.25, 0.97, 0.01, 0.01, 0.01,
];

#[test]
fn rejection_is_lossless() {
    let (q, p) = (Rows::new(&Q, 4).unwrap(), Rows::new(&P, 4).unwrap());
    let counts = simulate(&q, &p, 200_000);
    for (place, counts) in counts.iter().enumerate() {
        let chi = chi_square(counts, &P[place * 4..][..4]);
        assert!(
            chi < CRITICAL,
            "place {place}: {counts:?}, chi-square {chi}"
        );
    }
    // the test can fail: the same counts are far from the drafter's distribution
    assert!(chi_square(&counts[0], &Q[..4]) > 1000.0 * CRITICAL);
}

/// Rows rounded to f16 or bf16 do not sum to 1; acceptance is of the normalised rows.
#[test]
fn rejection_is_lossless_for_rows_of_another_sum() {
    let scaled: Vec<f32> = P.iter().map(|x| x * 0.992).collect();
    let q_scaled: Vec<f32> = Q.iter().map(|x| x * 1.008).collect();
    let (q, p) = (
        Rows::new(&q_scaled, 4).unwrap(),
        Rows::new(&scaled, 4).unwrap(),
    );
    for (place, counts) in simulate(&q, &p, 400_000).iter().enumerate() {
        let chi = chi_square(counts, &P[place * 4..][..4]);
        assert!(
            chi < CRITICAL,
            "place {place}: {counts:?}, chi-square {chi}"
        );
    }
}

/// The mean acceptance is sum min(p, q) (Leviathan et al., corollary 3.6).
#[test]
fn acceptance_rate_is_the_overlap() {
    let (q, p) = (Rows::new(&Q, 4).unwrap(), Rows::new(&P, 4).unwrap());
    let reached = simulate(&q, &p, 200_000)[1].iter().sum::<u64>() as f64 / 200_000.0;
    let overlap = f64::from(0.1_f32 + 0.1 + 0.1 + 0.1);
    assert!(
        (reached - overlap).abs() < 0.005,
        "{reached} instead of {overlap}"
    );
}

#[test]
fn greedy_counts_leading_matches_and_one() {
    assert_eq!(greedy(&[1, 2, 3], &[1, 2, 3, 4]), Ok(4));
    assert_eq!(greedy(&[1, 2, 3], &[1, 9, 3, 4]), Ok(2));
    assert_eq!(greedy(&[1, 2, 3], &[9, 2, 3, 4]), Ok(1));
    assert_eq!(greedy::<u32>(&[], &[5]), Ok(1));
    assert_eq!(
        greedy(&[1, 2], &[1, 2]).unwrap_err().to_string(),
        "choices: expected 3 elements, got 2"
    );
}

#[test]
fn zero_probabilities_are_no_division() {
    let q = [0.0, 1.0];
    let p = [1.0, 0.0, 0.5, 0.5];
    let (q, p) = (Rows::new(&q, 2).unwrap(), Rows::new(&p, 2).unwrap());
    // q = 0, p > 0: stands; p = 0: never stands, even at u = 0, and is replaced by what p allows
    assert_eq!(
        rejection(&[0], &q, &p, &[0.99, 0.0]),
        Ok(Accepted {
            accepted: 1,
            last: 0
        })
    );
    assert_eq!(
        rejection(&[1], &q, &p, &[0.0, 0.99]),
        Ok(Accepted {
            accepted: 0,
            last: 0
        })
    );
}

#[test]
fn without_a_residual_p_is_sampled() {
    // p = q up to rounding: the drafted token is a hair less likely under p, and nothing is more likely
    let q = [0.5_f32, 0.5, 0.0];
    let p = [0.5_f32, 0.5, 0.0, 1.0, 0.0, 0.0];
    let (q, p) = (Rows::new(&q, 3).unwrap(), Rows::new(&p, 3).unwrap());
    // token 2 has p = q = 0: refused, no residual
    assert_eq!(
        rejection(&[2], &q, &p, &[0.0, 0.75]),
        Ok(Accepted {
            accepted: 0,
            last: 1
        })
    );
}

#[test]
fn bad_input_is_named() {
    let text = |r: Result<Accepted, AcceptError>| r.unwrap_err().to_string();
    let rows = |v: &'static [f32]| Rows::new(v, 2);
    assert_eq!(
        rows(&[0.5, 0.5, 1.0]).unwrap_err().to_string(),
        "3 probabilities do not make rows of a vocabulary of 2"
    );
    assert_eq!(
        Rows::new(&[], 0).unwrap_err(),
        AcceptError::Rows {
            values: 0,
            vocabulary: 0
        }
    );
    assert_eq!(
        rows(&[0.5, f32::NAN]).unwrap_err().to_string(),
        "row 0: NaN for token 1 is no probability"
    );
    assert_eq!(
        rows(&[1.5, -0.5]).unwrap_err().to_string(),
        "row 0: -0.5 for token 1 is no probability"
    );
    assert_eq!(
        rows(&[0.5, 0.5, 0.0, 0.0]).unwrap_err().to_string(),
        "row 1 sums to 0, not to 1: apply softmax first"
    );
    assert_eq!(
        rows(&[3.0, 1.0]).unwrap_err().to_string(),
        "row 0 sums to 4, not to 1: apply softmax first"
    );
    let (q, p) = (
        rows(&[0.5, 0.5]).unwrap(),
        rows(&[0.5, 0.5, 1.0, 0.0]).unwrap(),
    );
    assert_eq!(
        text(rejection(&[], &q, &p, &[0.5])),
        "rows of the drafter: expected 0 elements, got 1"
    );
    assert_eq!(
        text(rejection(&[0], &q, &q, &[0.5, 0.5])),
        "rows of the target: expected 2 elements, got 1"
    );
    assert_eq!(
        text(rejection(&[0], &q, &p, &[0.5])),
        "random numbers: expected 2 elements, got 1"
    );
    assert_eq!(
        text(rejection(&[0], &q, &p, &[0.5, 1.0])),
        "random number 1 is 1, outside of [0, 1)"
    );
    assert_eq!(
        text(rejection(&[0], &q, &p, &[f32::NAN, 0.0])),
        "random number 0 is NaN, outside of [0, 1)"
    );
    assert_eq!(
        text(rejection(&[2], &q, &p, &[0.5, 0.5])),
        "draft 0 is token 2, outside of the vocabulary of 2"
    );
    let wide = Rows::new(&[1.0, 0.0, 0.0, 1.0], 4);
    assert!(matches!(wide, Err(AcceptError::Sum { .. })));
    let other = Rows::new(&[1.0, 0.0, 0.0], 3).unwrap();
    assert_eq!(
        text(rejection(&[0], &other, &p, &[0.5, 0.5])),
        "the drafter's vocabulary has 3 tokens, the target's 2"
    );
    assert_eq!(
        sample(&p, 2, 0.5),
        Err(AcceptError::NoRow { row: 2, rows: 2 })
    );
}

/// Rows that sum to 1 up to f32 rounding; zeros are common.
fn distributions(rows: usize, vocabulary: usize) -> impl Strategy<Value = Vec<f32>> {
    let weight = prop_oneof![2 => Just(0.0_f32), 5 => 0.0..1.0_f32, 1 => Just(1e-30_f32)];
    let row = prop::collection::vec(weight, vocabulary).prop_filter_map("no weight", |w| {
        let sum: f32 = w.iter().sum();
        (sum > 0.01).then(|| w.iter().map(|x| x / sum).collect::<Vec<f32>>())
    });
    prop::collection::vec(row, rows).prop_map(|rows| rows.concat())
}

fn case() -> impl Strategy<Value = (usize, Vec<f32>, Vec<f32>, Vec<f32>)> {
    (0..5_usize, 1..9_usize).prop_flat_map(|(g, v)| {
        let uniform =
            prop_oneof![1 => Just(0.0_f32), 1 => Just(1.0 - f32::EPSILON / 2.0), 6 => 0.0..1.0_f32];
        (
            Just(v),
            distributions(g, v),
            distributions(g + 1, v),
            prop::collection::vec(uniform, 2 * g + 1),
        )
    })
}

proptest! {
    #[test]
    fn rejection_keeps_its_promises((v, q, p, random) in case()) {
        let (q, p) = (Rows::new(&q, v).unwrap(), Rows::new(&p, v).unwrap());
        let g = q.len();
        let drafts: Vec<u32> = (0..g).map(|i| sample(&q, i, random[i]).unwrap()).collect();
        for (i, d) in drafts.iter().enumerate() {
            prop_assert!(q.row(i).unwrap().0[*d as usize] > 0.0);
        }
        let out = rejection(&drafts, &q, &p, &random[g..]).unwrap();
        prop_assert!(out.accepted <= g && out.count() == out.accepted + 1);
        // the target never produces what it holds impossible
        for (i, t) in drafts[..out.accepted].iter().chain([&out.last]).enumerate() {
            prop_assert!(p.row(i).unwrap().0[*t as usize] > 0.0, "place {}", i);
        }
        // a lower number accepts no fewer
        let mut lower = random[g..].to_vec();
        lower[..g].iter_mut().for_each(|u| *u /= 2.0);
        prop_assert!(rejection(&drafts, &q, &p, &lower).unwrap().accepted >= out.accepted);
    }

    /// p = q accepts everything.
    #[test]
    fn equal_models_always_agree((v, _, p, random) in case()) {
        let p = Rows::new(&p, v).unwrap();
        let g = p.len() - 1;
        let q_values = p.values[..g * v].to_vec();
        let q = Rows::new(&q_values, v).unwrap();
        let drafts: Vec<u32> = (0..g).map(|i| sample(&q, i, random[i]).unwrap()).collect();
        prop_assert_eq!(rejection(&drafts, &q, &p, &random[g..]).unwrap().accepted, g);
    }

    /// Arbitrary floats are refused or used, never a panic.
    #[test]
    fn garbage_is_refused(values in prop::collection::vec(any::<f32>(), 0..12), v in 0..5_usize, u in any::<f32>(), d in any::<u32>()) {
        if let Ok(rows) = Rows::new(&values, v) {
            let _ = rejection(&[d], &rows, &rows, &[u, u]);
            let _ = sample(&rows, 0, u);
            let _ = rows.entropy(0);
        }
    }

    #[test]
    fn entropy_is_within_bounds((v, _, p, _) in case()) {
        let p = Rows::new(&p, v).unwrap();
        for i in 0..p.len() {
            let h = p.entropy(i).unwrap();
            prop_assert!((0.0..=(v as f64).ln() + 1e-6).contains(&h), "{}", h);
        }
    }
}
