//! Rotary position embedding: frequencies, angles, the rotation.

use super::text::{Body, Tensor, commas, float};
use crate::source::{Config, RopeScaling};
use std::f64::consts::PI;

/// Radians a position of each pair of a head, scaled: `head_dim / 2` of them.
pub fn frequencies(c: &Config) -> Vec<f64> {
    let pairs = c.head_dim / 2;
    let plain = |i: usize| c.rope_theta.powf(-2.0 * i as f64 / c.head_dim as f64);
    (0..pairs)
        .map(|i| scaled(plain(i), c.rope_scaling.as_ref()))
        .collect()
}

fn scaled(frequency: f64, scaling: Option<&RopeScaling>) -> f64 {
    match scaling {
        None => frequency,
        Some(RopeScaling::Linear { factor }) => frequency / factor,
        Some(RopeScaling::Llama3 {
            factor,
            low_freq_factor: low,
            high_freq_factor: high,
            original_max_position: original,
        }) => {
            let wavelength = 2.0 * PI / frequency;
            if wavelength < original / high {
                frequency
            } else if wavelength > original / low {
                frequency / factor
            } else {
                let kept = (original / wavelength - low) / (high - low);
                (1.0 - kept) * frequency / factor + kept * frequency
            }
        }
    }
}

/// Cosines and sines of the tokens' angles, `[tokens, head_dim / 2]`.
pub struct Angles {
    cos: Tensor,
    sin: Tensor,
}

/// The angles of tokens at `position` (an index) and after it.
pub fn angles(b: &mut Body, c: &Config, tokens: usize, position: &str) -> Angles {
    let all = frequencies(c);
    let values = commas(all.iter().map(|f| float(*f as f32)));
    let pairs = [all.len()];
    let text = format!(
        "arith.constant dense<[{values}]> : tensor<{}xf32>",
        all.len()
    );
    let frequencies = b.tensor(&pairs, text);
    let shape = [tokens, all.len()];
    let init = b.empty(&shape);
    let absolute = format!("%p = arith.addi %t, {position} : index");
    let angle = b.generic(
        &[(&frequencies, "#ab_b")],
        (&init, "#ab"),
        "pp",
        &[
            "%t = linalg.index 0 : index",
            &absolute,
            "%i = arith.index_cast %p : index to i64",
            "%f = arith.sitofp %i : i64 to f32",
            "%y = arith.mulf %f, %x0 : f32",
        ],
        "%y",
    );
    let mut of = |op: &str| {
        let line = format!("%y = math.{op} %x0 : f32");
        let input = [(&angle, "#ab")];
        b.generic(&input, (&init, "#ab"), "pp", &[&line], "%y")
    };
    Angles {
        cos: of("cos"),
        sin: of("sin"),
    }
}

/// Rotates heads `[n, tokens, head_dim]`, the first half of each against its second.
pub fn rotate(b: &mut Body, x: &Tensor, angles: &Angles) -> Option<Tensor> {
    let [n, m, d] = x.shape[..] else { return None };
    let half = [n, m, d / 2];
    let low = b.slice(x, &[0, 0, 0], &half, &half);
    let high = b.slice(x, &[0, 0, d / 2], &half, &half);
    let init = b.empty(&half);
    let mut turned = |x: &Tensor, y: &Tensor, op: &str| {
        let last = format!("%r = arith.{op} %a, %b : f32");
        b.generic(
            &[
                (x, "#abc"),
                (y, "#abc"),
                (&angles.cos, "#abc_bc"),
                (&angles.sin, "#abc_bc"),
            ],
            (&init, "#abc"),
            "ppp",
            &[
                "%a = arith.mulf %x0, %x2 : f32",
                "%b = arith.mulf %x1, %x3 : f32",
                &last,
            ],
            "%r",
        )
    };
    let parts = [turned(&low, &high, "subf"), turned(&high, &low, "addf")];
    Some(b.concat(2, &parts, &x.shape))
}

#[cfg(test)]
mod tests {
    use super::scaled;
    use crate::source::RopeScaling;

    #[test]
    fn llama3_scaling_keeps_short_and_divides_long_wavelengths() {
        let scaling = RopeScaling::Llama3 {
            factor: 32.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position: 8192.0,
        };
        let scaled = |f| scaled(f, Some(&scaling));
        assert_eq!(scaled(1.0), 1.0);
        assert_eq!(scaled(1e-6), 1e-6 / 32.0);
        // a wavelength of 4096: half of 8192, a third of the way from 1 to 4
        let f = 2.0 * std::f64::consts::PI / 4096.0;
        let expected = f * (2.0 / 3.0 / 32.0 + 1.0 / 3.0);
        assert!((scaled(f) / expected - 1.0).abs() < 1e-12);
    }

    #[test]
    fn linear_scaling_divides() {
        let scaling = RopeScaling::Linear { factor: 4.0 };
        assert_eq!(scaled(0.5, Some(&scaling)), 0.125);
    }
}
