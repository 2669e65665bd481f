use super::*;

const NOTHING: &dyn Fn(usize) -> Option<f64> = &|_| None;

fn calls(widths: &[usize], seen: &[(usize, &[f64])]) -> Calls {
    let mut calls = Calls::new(widths);
    for (tokens, samples) in seen {
        for sample in *samples {
            calls.observe(*tokens, *sample);
        }
    }
    calls
}

fn near(a: Option<f64>, b: f64) {
    assert!(
        a.is_some_and(|a| (a - b).abs() < 1e-9 * b),
        "{a:?}, not {b}"
    );
}

#[test]
fn a_slow_first_call_is_not_the_estimate() {
    let mut r = Running::default();
    for sample in [9.0, 1.0, 1.1] {
        r.add(sample);
    }
    assert_eq!(r.mean(), Some(1.1));
    r.add(f64::NAN);
    r.add(-1.0);
    assert_eq!(r.count(), 3);
}

#[test]
fn outliers_hardly_move_it_and_another_level_is_followed() {
    let mut r = Running::default();
    let noise = |i: usize| 1.0 + 0.02 * ((i * 7 % 5) as f64 - 2.0);
    for i in 0..100 {
        r.add(if i % 20 == 19 { 30.0 } else { noise(i) });
    }
    let mean = r.mean().unwrap();
    assert!((mean - 1.0).abs() < 0.05, "{mean}");
    for i in 0..60 {
        r.add(2.0 * noise(i));
    }
    let mean = r.mean().unwrap();
    assert!((mean - 2.0).abs() < 0.1, "{mean}");
}

#[test]
fn widths_that_were_never_called_lie_between_their_neighbours() {
    let three = |x| [x; 3];
    let (one, five) = (three(10.0), three(18.0));
    let c = calls(&[1, 2, 3, 5, 9], &[(1, &one), (5, &five)]);
    near(c.seconds(2, NOTHING), 12.0);
    near(c.seconds(3, NOTHING), 14.0);
    near(c.seconds(4, NOTHING), 18.0); // padded
    near(c.seconds(7, NOTHING), 26.0); // on the line of the last two
    near(c.seconds(11, NOTHING), 38.0); // 9 and 2
    assert_eq!(calls(&[1, 2], &[]).seconds(1, NOTHING), None);
    let c = calls(&[1, 4], &[(1, &one)]);
    near(c.seconds(3, NOTHING), 10.0); // nothing speaks against it
}

/// The shape of what is believed stays, its height is measured.
#[test]
fn what_is_believed_is_scaled_by_what_is_measured() {
    let prior = [(1, 1.0), (2, 1.5), (4, 2.0)];
    let base = |w: usize| on_list(&prior, w);
    let c = calls(&[1, 2, 4, 8], &[(1, &[10.0; 3])]);
    near(c.seconds(2, &base), 15.0);
    near(c.seconds(8, &base), 30.0);
    near(Calls::new(&[1, 2]).seconds(2, &base), 1.5);
    assert_eq!(on_list(&[], 1), None);
    assert_eq!(on_list(&prior, 3), Some(1.75));
    assert_eq!(on_list(&[(3, 2.0)], 1), Some(2.0));
}

#[test]
fn one_slow_sample_is_doubted() {
    let c = calls(&[1, 2], &[(1, &[10.0; 3]), (2, &[60.0])]);
    near(c.seconds(2, NOTHING), 30.0);
    let c = calls(&[1, 2], &[(1, &[10.0; 3]), (2, &[60.0; 3])]);
    near(c.seconds(2, NOTHING), 60.0);
}

/// A machine that slows down does so for calls that are not made, too.
#[test]
fn what_is_not_called_moves_with_what_is() {
    let mut c = calls(&[1, 3], &[(1, &[10.0; 20]), (3, &[14.0; 20])]);
    for _ in 0..80 {
        c.observe(3, 21.0);
    }
    let one = c.seconds(1, NOTHING).unwrap();
    assert!((one - 15.0).abs() < 0.3, "{one}");
}
