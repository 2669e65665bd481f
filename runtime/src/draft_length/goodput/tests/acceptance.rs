use super::*;

/// Draws in a fixed order: a draft stands if the number is below its rate.
fn draws() -> impl FnMut() -> f64 {
    let mut x = 0_u64;
    move || {
        x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = x;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn run(a: &mut Acceptance, rates: &[f64], rounds: usize) {
    let mut draw = draws();
    for _ in 0..rounds {
        let stood = rates.iter().take_while(|r| draw() < **r).count();
        a.observe(rates.len(), stood);
    }
}

#[test]
fn the_prior_is_what_is_expected_at_first() {
    let a = Acceptance::new(&[0.8, 0.4], 8.0);
    let t = a.tokens(4, true);
    // 1 + 0.8 + 0.4 + 0.2 + 0.1
    assert!((t.mean - 2.5).abs() < 1e-9 && (t.all - 0.1).abs() < 1e-9);
    let t = a.tokens(4, false);
    assert!((t.mean - 2.4).abs() < 1e-9);
    assert_eq!(a.tokens(0, true).mean, 1.0);
    assert_eq!(Acceptance::new(&[0.0, 0.0], 8.0).tokens(3, true).mean, 1.0);
    let nothing = Acceptance::new(&[], 8.0).tokens(1, true);
    assert!(nothing.deviation > a.tokens(1, true).deviation);
}

#[test]
fn rates_are_learned_by_position_whatever_was_believed() {
    for prior in [&[0.1][..], &[0.99], &[], &[0.5, 0.25, 0.125]] {
        let mut a = Acceptance::new(prior, 8.0);
        run(&mut a, &[0.8, 0.6, 0.5], 400);
        let t = a.tokens(3, true);
        let expected = 1.0 + 0.8 + 0.48 + 0.24;
        assert!(
            (t.mean - expected).abs() < 3.0 * t.deviation.max(0.05),
            "{prior:?}: {t:?}"
        );
        assert!(t.deviation < 0.25, "{t:?}");
    }
}

/// Positions behind those that were reached do as the last one that was.
#[test]
fn positions_never_reached_borrow() {
    let mut a = Acceptance::new(&[0.9, 0.81], 8.0);
    for _ in 0..200 {
        a.observe(1, 0);
    }
    let t = a.tokens(4, true);
    assert!(t.mean < 1.15, "{t:?}");
}

/// The uncertainty is that of means over as many rounds as count: compared with the spread over many runs.
#[test]
fn the_deviation_is_that_of_repeated_runs() {
    let mut draw = draws();
    let mut means = vec![];
    let mut said = 0.0;
    for _ in 0..400 {
        let mut a = Acceptance::new(&[0.7, 0.42], 8.0);
        for _ in 0..100 {
            let stood = [0.7, 0.6].iter().take_while(|r| draw() < **r).count();
            a.observe(2, stood);
        }
        let t = a.tokens(2, true);
        means.push(t.mean);
        said += t.deviation / 400.0;
    }
    let mean = means.iter().sum::<f64>() / 400.0;
    let spread = (means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / 400.0).sqrt();
    // forgotten rounds count less than a full window does, so runs vary more or less than said, but not by a factor
    assert!(
        spread < 1.6 * said && said < 1.6 * spread,
        "{spread}, said {said}"
    );
}

#[test]
fn another_text_is_noticed_within_rounds() {
    let mut a = Acceptance::new(&[0.75], 8.0);
    run(&mut a, &[0.9, 0.9], 200);
    assert!(a.first() > 0.82, "{}", a.first());
    for _ in 0..10 {
        a.observe(2, 0);
    }
    assert!(a.first() < 0.35, "{}", a.first());
}

#[test]
fn what_is_doubted_gives_way() {
    let mut a = Acceptance::new(&[], 8.0);
    run(&mut a, &[0.2], 200);
    let before = a.first();
    let mut other = a.clone();
    a.settle(4.0);
    assert!((a.first() - before).abs() < 1e-9);
    other.doubt(4.0);
    for a in [&mut a, &mut other] {
        for _ in 0..6 {
            a.observe(1, 1);
        }
        assert!(a.first() > 0.55, "{}", a.first());
    }
}
