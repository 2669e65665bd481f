//! Whole models, run token by token: against a double-precision reference, and bit for bit.

use crate::modelgen::run::Input;
use crate::modelgen::{CacheForm, Element, Host, ModelSpec, Output, Reference, Type, argmax};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tokens that a verification takes.
pub const M: usize = 3;
/// A prompt, long enough for several verifications.
pub const PROMPT: [usize; 9] = [3, 17, 42, 5, 63, 0, 31, 8, 22];

/// What a model answers to the prompt, token by token.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Logits, or the chosen token.
    pub heads: Vec<Vec<f64>>,
    /// Caches after the last token.
    pub caches: Vec<Vec<f64>>,
}

/// Feeds the prompt in calls of `m` tokens to `call`, which takes arguments and types of results.
///
/// # Errors
/// Those of `call`.
pub fn answers(
    model: &ModelSpec,
    m: usize,
    mut call: impl FnMut(&[Input], &[Type]) -> Result<Vec<Vec<f64>>, String>,
) -> Result<Answers, String> {
    let mut host = Host::new(&model.config, &model.style);
    let mut heads = vec![];
    for (i, tokens) in PROMPT.chunks(m).enumerate() {
        let head = host.call_with(tokens, i * m, &mut call)?;
        let width = head.len() / m;
        heads.extend(head.chunks(width).map(<[f64]>::to_vec));
    }
    let caches = host.caches().map(<[f64]>::to_vec).collect();
    Ok(Answers { heads, caches })
}

/// Largest difference that rounding explains, relative to the largest logit.
fn tolerance(dtype: Element) -> f64 {
    match dtype {
        Element::F32 => 2e-5,
        Element::F16 => 2e-2,
        _ => 1e-1,
    }
}

impl Answers {
    /// Whether two runs agree in every bit.
    pub fn same_bits(&self, other: &Answers) -> bool {
        let bits = |rows: &[Vec<f64>]| -> Vec<Vec<u64>> {
            (rows.iter())
                .map(|r| r.iter().map(|v| v.to_bits()).collect())
                .collect()
        };
        bits(&self.heads) == bits(&other.heads) && bits(&self.caches) == bits(&other.caches)
    }

    /// Compares with what the model answers in double precision.
    ///
    /// # Errors
    /// The first difference that rounding does not explain.
    pub fn against_reference(&self, model: &ModelSpec) -> Result<(), String> {
        let mut reference = Reference::new(&model.config, &model.style);
        let expected = reference.forward(&PROMPT, 0);
        for (i, (expected, found)) in expected.iter().zip(&self.heads).enumerate() {
            if model.style.output == Output::Token {
                let best = argmax(expected);
                if found != &[best as f64] {
                    return Err(format!("token {i}: {found:?}, expected {best}"));
                }
                continue;
            }
            let largest = expected.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
            for (e, f) in expected.iter().zip(found) {
                let error = (e - f).abs() / largest;
                if error.is_nan() || error > tolerance(model.config.dtype) {
                    return Err(format!("token {i}: {f}, expected {e} (error {error:.2e})"));
                }
            }
        }
        Ok(())
    }
}

/// With a mask as an argument, nothing says which rows are visible: a new row is summed behind the whole cache, and as a cached row at
/// its position.
pub fn reorders_rows(model: &ModelSpec) -> bool {
    model.style.mask_argument && model.style.cache == CacheForm::Rows
}

/// Checks all models, two at a time; each thread has what `start` makes.
///
/// # Panics
/// With all problems that were found.
pub fn check_all<T>(
    models: Vec<(String, ModelSpec)>,
    start: impl Fn() -> T + Sync,
    problem: impl Fn(&ModelSpec, &T) -> Result<(), String> + Sync,
) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(vec![]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let own = start();
                while let Some((name, model)) = models.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(problem) = problem(model, &own) {
                        let line = format!("{name}: {problem}");
                        failures.lock().expect("no panic elsewhere").push(line);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic elsewhere");
    assert!(
        failures.is_empty(),
        "{} of {} models:\n{}",
        failures.len(),
        models.len(),
        failures.join("\n")
    );
}
