//! Executed logits against the f64 reference, one token a call and all in one call.

use crate::modelgen::*;

const TOKENS: [usize; 5] = [3, 41, 7, 7, 60];

/// Decodes five tokens one by one, then all in one call; compares both with the reference.
pub(super) fn check(c: &Config, s: &Style, tolerance: f64) {
    let mut reference = Reference::new(c, s);
    let expected = reference.forward(&TOKENS, 0);
    let one = function("decode", &c.with_tokens(1), s);
    let mut host = Host::new(c, s);
    for (i, token) in TOKENS.iter().enumerate() {
        let head = host.call(&one, &[*token], i).expect("runs");
        compare("decode", s, &head, &expected[i..=i], tolerance);
    }
    let five = function("verify", &c.with_tokens(5), s);
    let head = Host::new(c, s).call(&five, &TOKENS, 0).expect("runs");
    compare("verify", s, &head, &expected, tolerance);
}

/// The head's rows against the reference's logits.
pub(super) fn compare(name: &str, s: &Style, head: &[f64], expected: &[Vec<f64>], tolerance: f64) {
    if s.output == Output::Token {
        let best: Vec<f64> = expected.iter().map(|row| argmax(row) as f64).collect();
        assert_eq!(head, best, "{name}");
        return;
    }
    let expected: Vec<f64> = expected.concat();
    assert_eq!(head.len(), expected.len(), "{name}");
    for (i, (a, b)) in head.iter().zip(&expected).enumerate() {
        assert!(
            (a - b).abs() <= tolerance,
            "{name}: logit {i} is {a}, not {b}"
        );
    }
}

/// Two calls, of two tokens and of three: the second reads what the first wrote.
fn check_steps(name: &str, c: &Config, s: &Style) {
    let expected = Reference::new(c, s).forward(&TOKENS, 0);
    let mut host = Host::new(c, s);
    for (start, end) in [(0, 2), (2, 5)] {
        let function = function("step", &c.with_tokens(end - start), s);
        let head = host
            .call(&function, &TOKENS[start..end], start)
            .expect(name);
        compare(name, s, &head, &expected[start..end], 1e-4);
    }
}

fn check_default(exporter: Exporter, cache: CacheForm) {
    check(
        &Config::default(),
        &Style {
            cache,
            ..Style::of(exporter)
        },
        1e-4,
    );
}

#[test]
fn torch_rows_agree_with_the_reference() {
    check_default(Exporter::Torch, CacheForm::Rows);
}

#[test]
fn torch_slices_agree_with_the_reference() {
    check_default(Exporter::Torch, CacheForm::Slice);
}

#[test]
fn jax_agrees_with_the_reference() {
    check_default(Exporter::Jax, CacheForm::Slice);
}

#[test]
fn generic_agrees_with_the_reference() {
    check_default(Exporter::Generic, CacheForm::Where);
}

#[test]
fn caches_are_carried_from_call_to_call() {
    for exporter in EXPORTERS {
        for cache in [CacheForm::Rows, CacheForm::Slice, CacheForm::Where] {
            check_steps(
                &format!("{exporter:?} {cache:?}"),
                &Config::default(),
                &Style {
                    cache,
                    ..Style::of(exporter)
                },
            );
        }
    }
}

#[test]
fn mixtures_carry_their_caches() {
    for exporter in EXPORTERS {
        for (name, model) in mixtures(exporter, 3, 5) {
            check_steps(&name, &model.config, &model.style);
        }
    }
}
