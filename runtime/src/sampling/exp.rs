//! The exponential function, the same to the last bit on any machine, and fast over a row.

use std::f32::consts::LOG2_E;

/// Below this, e^x is taken as 0: it would be no normal f32.
const LEAST: f32 = -87.0;
/// Adding it rounds to an integer, which is then in the lowest bits.
const ROUND: f32 = 12_582_912.0; // 1.5 x 2^23
const LN2_HIGH: f32 = 0.693_359_4; // 355 / 512: its multiples up to 2^9 are exact
const LN2_LOW: f32 = -2.121_944_4e-4;

/// e^x for x <= 0 (and x = -infinity), within 2 units in the last place of f32; 0 below -87. The system's `expf` differs
/// between C libraries, and cannot be computed several at a time.
#[inline]
pub(super) fn exp(x: f32) -> f32 {
    let kept = x.max(LEAST);
    let shifted = kept * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (kept - n * LN2_HIGH) - n * LN2_LOW;
    // Minimax on [-ln 2 / 2, ln 2 / 2], of the Cephes library's expf.
    let mut p = 1.987_569_2e-4;
    for c in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        p = p * r + c;
    }
    let mantissa = p * (r * r) + r + 1.0;
    // Of `shifted`, 23 bits of n are the lowest: n + 127 is the exponent of 2^n.
    let scale = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    if x < LEAST { 0.0 } else { mantissa * scale }
}

/// Replaces each x of `row` by e^((x - max) / temperature), and returns their sum. `max` is the largest of the row; the
/// temperature is positive.
pub(super) fn exponentiate(row: &mut [f32], max: f32, temperature: f32) -> f64 {
    // A division, not a product with 1 / temperature: that may be infinite, and 0 times it NaN.
    if temperature == 1.0 {
        row.iter_mut().for_each(|x| *x = exp(*x - max));
    } else {
        row.iter_mut()
            .for_each(|x| *x = exp((*x - max) / temperature));
    }
    sum(row)
}

/// In f64, eight sums side by side: exact enough for any vocabulary, and in an order that does not depend on the machine.
pub(crate) fn sum(row: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    let (blocks, rest) = row.as_chunks::<8>();
    for block in blocks {
        for (lane, x) in lanes.iter_mut().zip(block) {
            *lane += f64::from(*x);
        }
    }
    let rest: f64 = rest.iter().map(|x| f64::from(*x)).sum();
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the f64 function: within 2 units in the last place at a million places.
    #[test]
    fn exp_is_exact_to_two_ulps() {
        let mut worst = 0.0_f64;
        for i in 0..1_000_000 {
            let x = -(i as f32) * 8.7e-5;
            let (got, want) = (f64::from(exp(x)), f64::from(x).exp());
            let ulp = f64::from(f32::EPSILON) * 2_f64.powf(want.log2().floor());
            worst = worst.max((got - want).abs() / ulp);
        }
        assert!(worst < 2.0, "{worst} ulps");
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-0.0), 1.0);
        for x in [-87.1, -1e30, f32::MIN, f32::NEG_INFINITY] {
            assert_eq!(exp(x), 0.0, "{x}");
        }
    }

    /// Bits written down once: another machine must find the same.
    #[test]
    fn exp_has_the_same_bits_everywhere() {
        let bits = [-0.1_f32, -1.0, -3.7, -42.0, -86.9].map(|x| exp(x).to_bits());
        assert_eq!(bits, BITS);
    }
    const BITS: [u32; 5] = [
        1_063_756_653,
        1_052_531_378,
        1_019_906_302,
        556_380_714,
        12_980_105,
    ];

    #[test]
    fn sums_take_every_element() {
        for n in 0..40_usize {
            let row: Vec<f32> = (0..n).map(|i| (i + 1) as f32).collect();
            assert_eq!(sum(&row), (n * (n + 1) / 2) as f64);
        }
    }
}
