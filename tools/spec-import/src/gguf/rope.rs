//! Scaling of rotary frequencies: linear, or a table of factors that Llama 3.1's rule gives.

use super::config::Keys;
use super::names::ROPE_FREQS;
use super::{Gguf, types::Format};
use crate::error::ImportError;
use crate::source::RopeScaling;

/// What all models with Llama 3.1's rule have: `low_freq_factor`, `high_freq_factor`; positions before scaling.
const LOW: f64 = 1.0;
const HIGH: f64 = 4.0;
const ORIGINAL: f64 = 8192.0;

/// A table's factors are in f32, computed in f32; other rules' differ by percents.
const TOLERANCE: f64 = 1e-4;

/// Reads the scaling.
///
/// # Errors
/// [`ImportError::Unsupported`] for rules that the configuration has no words for.
pub(super) fn scaling(
    file: &Gguf,
    keys: &Keys<'_>,
    theta: f64,
    head_dim: usize,
) -> Result<Option<RopeScaling>, ImportError> {
    let table = table(file, keys, theta, head_dim)?;
    let factor = keys.float("rope.scaling.factor")?;
    let factor = factor.or(keys.float("rope.scale_linear")?).unwrap_or(0.0);
    let linear = match keys.metadata.text(&keys.key("rope.scaling.type"))? {
        Some("none") => None,
        None | Some("linear") => (factor != 0.0 && factor != 1.0).then_some(factor),
        Some(other) => {
            let reason = format!(
                "rotary frequencies scaled by the rule {other:?}; linear and Llama 3.1's can be imported"
            );
            return Err(keys.unsupported(reason));
        }
    };
    match (linear, table) {
        (Some(factor), _) if factor < 1.0 => {
            Err(keys.damaged(format!("a rotary scaling by {factor} is impossible")))
        }
        (Some(_), Some(_)) => {
            Err(keys.unsupported("rotary frequencies scaled both linearly and by a table"))
        }
        (Some(factor), None) => Ok(Some(RopeScaling::Linear { factor })),
        (None, table) => Ok(table),
    }
}

/// The rule that gives the file's table, if it has one.
fn table(
    file: &Gguf,
    keys: &Keys<'_>,
    theta: f64,
    head_dim: usize,
) -> Result<Option<RopeScaling>, ImportError> {
    let Some(stored) = file.stored(ROPE_FREQS) else {
        return Ok(None);
    };
    let wrong = |what: &str| keys.damaged(format!("{ROPE_FREQS:?} {what}"));
    if stored.format != Format::F32 || stored.dims.iter().product::<usize>() != head_dim / 2 {
        return Err(wrong(&format!(
            "is not a table of {} values in F32",
            head_dim / 2
        )));
    }
    let values = stored
        .format
        .values(file.raw(stored))
        .map_err(|e| wrong(&e))?;
    let values: Vec<f64> = values.into_iter().map(f64::from).collect();
    let is = |rule: &dyn Fn(f64) -> f64| {
        let expected = frequencies(theta, head_dim).map(rule);
        values
            .iter()
            .zip(expected)
            .all(|(v, e)| (v - e).abs() <= TOLERANCE * e)
    };
    if is(&|_| 1.0) {
        return Ok(None);
    }
    let factor = values.iter().copied().fold(1.0, f64::max);
    if !is(&|f| llama3(f, factor)) {
        return Err(keys.unsupported(format!(
            "the factors in {ROPE_FREQS:?} are not those of Llama 3.1's rule (factor {factor}, {LOW} to {HIGH}, {ORIGINAL} positions); \
             other tables cannot be imported"
        )));
    }
    Ok(Some(RopeScaling::Llama3 {
        factor,
        low_freq_factor: LOW,
        high_freq_factor: HIGH,
        original_max_position: ORIGINAL,
    }))
}

/// Frequencies before scaling, in radians a position.
fn frequencies(theta: f64, head_dim: usize) -> impl Iterator<Item = f64> {
    (0..head_dim / 2).map(move |i| theta.powf(-((2 * i) as f64) / head_dim as f64))
}

/// By what Llama 3.1 divides a frequency.
fn llama3(frequency: f64, factor: f64) -> f64 {
    let turns = ORIGINAL * frequency / std::f64::consts::TAU;
    if turns > HIGH {
        1.0
    } else if turns < LOW {
        factor
    } else {
        let smooth = (turns - LOW) / (HIGH - LOW);
        1.0 / ((1.0 - smooth) / factor + smooth)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The table that the converter writes, in f32 as it computes.
    pub fn converted(theta: f32, head_dim: usize, factor: f32, high: f32) -> Vec<f32> {
        let of = |i: usize| {
            let frequency = 1.0 / theta.powf((2 * i) as f32 / head_dim as f32);
            let wavelength = 2.0 * std::f32::consts::PI / frequency;
            if wavelength < 8192.0 / high {
                1.0
            } else if wavelength > 8192.0 {
                factor
            } else {
                let smooth = (8192.0 / wavelength - 1.0) / (high - 1.0);
                1.0 / ((1.0 - smooth) / factor + smooth)
            }
        };
        (0..head_dim / 2).map(of).collect()
    }

    #[test]
    fn the_rule_gives_the_converters_table() {
        for (theta, dim, factor) in [(500000.0, 128, 8.0), (500000.0, 64, 32.0)] {
            let table = converted(theta, dim, factor, 4.0);
            assert!(
                table.iter().any(|f| *f > 1.0 && *f < factor),
                "nothing is blended"
            );
            for (f, t) in frequencies(theta.into(), dim).zip(table) {
                let ours = llama3(f, factor.into());
                assert!((ours - f64::from(t)).abs() <= 1e-5 * ours, "{ours} {t}");
            }
        }
    }
}
