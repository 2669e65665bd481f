//! One group of weights: its scale, its integers, its bytes.

use super::{QuantFormat, Scheme};

/// Weights of i4 that are packed together.
const BLOCK: usize = 32;

/// Adding and taking away 1.5 * 2^23 rounds a float of magnitude below 2^22 to the nearest integer, ties to even, in two
/// additions that every vector unit has.
const ROUND: f32 = 12_582_912.0;

/// Divisors of the largest element that are tried for i4, q4_0's first.
const DIVISORS: [f32; 9] = [-8.0, -7.5, -7.0, -6.5, -8.5, 7.0, 7.5, 6.5, 8.0];

/// The range of a format.
fn range(format: QuantFormat) -> (f32, f32) {
    match format {
        QuantFormat::I8 => (-127.0, 127.0),
        QuantFormat::I4 => (-8.0, 7.0),
    }
}

fn nearest(t: f32, (lo, hi): (f32, f32)) -> f32 {
    // clamped first: then it is small enough to be rounded so
    (t.max(lo).min(hi) + ROUND) - ROUND
}

/// The reciprocal, unless the scale is too small to have one.
fn reciprocal(scale: f32) -> Option<f32> {
    let inverse = 1.0 / scale;
    (scale != 0.0 && inverse.is_finite()).then_some(inverse)
}

/// Chooses scale and integers for finite weights; the scale is as its type holds it.
///
/// # Errors
/// The largest weight, if the scale's type cannot hold its scale.
pub fn choose(x: &[f32], scheme: Scheme, integers: &mut [i8]) -> Result<f32, f32> {
    let larger = |m: f32, v: &f32| if v.abs() > m.abs() { *v } else { m };
    let largest = x.iter().fold(0.0_f32, larger);
    let scale = match scheme.format {
        QuantFormat::I8 => scheme.rounded(largest.abs() / 127.0),
        QuantFormat::I4 => best(x, largest, scheme),
    };
    let range = range(scheme.format);
    // the largest value must not become infinite either
    if !(scale * range.0).is_finite() {
        return Err(largest);
    }
    let Some(inverse) = reciprocal(scale) else {
        integers.fill(0);
        return Ok(0.0);
    };
    for (q, x) in integers.iter_mut().zip(x) {
        *q = nearest(x * inverse, range) as i8;
    }
    Ok(scale)
}

/// The scale of least squared error for i4; 0 if it must be 0, infinite if it cannot be held.
fn best(x: &[f32], largest: f32, scheme: Scheme) -> f32 {
    let mut found = scheme.rounded(largest / DIVISORS[0]);
    let mut least = f64::INFINITY;
    let mut attempt = |scale: f32, found: &mut f32| {
        if let Some(inverse) = reciprocal(scale).filter(|_| scale.is_finite()) {
            let error = squared_error(x, inverse) * f64::from(scale) * f64::from(scale);
            if error < least {
                (least, *found) = (error, scale);
            }
        }
    };
    for divisor in DIVISORS {
        attempt(scheme.rounded(largest / divisor), &mut found);
    }
    if let Some(inverse) = reciprocal(found) {
        attempt(scheme.rounded(least_squares(x, inverse)), &mut found);
    }
    found
}

/// Sum of squared errors in units of the scale.
fn squared_error(x: &[f32], inverse: f32) -> f64 {
    let range = range(QuantFormat::I4);
    let mut sums = [0.0_f32; 8];
    for x in x.chunks_exact(8) {
        for (sum, x) in sums.iter_mut().zip(x) {
            let t = x * inverse;
            let e = t - nearest(t, range);
            *sum += e * e;
        }
    }
    sums.iter().map(|s| f64::from(*s)).sum()
}

/// The scale that fits the integers best.
fn least_squares(x: &[f32], inverse: f32) -> f32 {
    let range = range(QuantFormat::I4);
    let (mut xq, mut qq) = (0.0_f64, 0.0_f64);
    for x in x {
        let q = f64::from(nearest(x * inverse, range));
        xq += f64::from(*x) * q;
        qq += q * q;
    }
    if qq == 0.0 { 0.0 } else { (xq / qq) as f32 }
}

/// Writes integers as bytes.
pub fn pack(format: QuantFormat, integers: &[i8], out: &mut [u8]) {
    match format {
        QuantFormat::I8 => {
            for (byte, q) in out.iter_mut().zip(integers) {
                *byte = q.cast_unsigned();
            }
        }
        QuantFormat::I4 => {
            let blocks = integers.chunks_exact(BLOCK);
            for (bytes, block) in out.chunks_exact_mut(BLOCK / 2).zip(blocks) {
                let (low, high) = block.split_at(BLOCK / 2);
                for ((byte, low), high) in bytes.iter_mut().zip(low).zip(high) {
                    let [low, high] = [low, high].map(|q| (q + 8).cast_unsigned());
                    *byte = low | high << 4;
                }
            }
        }
    }
}

/// Reads integers from bytes.
pub fn unpack(format: QuantFormat, bytes: &[u8], integers: &mut [i8]) {
    match format {
        QuantFormat::I8 => {
            for (q, byte) in integers.iter_mut().zip(bytes) {
                *q = byte.cast_signed();
            }
        }
        QuantFormat::I4 => {
            let blocks = integers.chunks_exact_mut(BLOCK);
            for (bytes, block) in bytes.chunks_exact(BLOCK / 2).zip(blocks) {
                let (low, high) = block.split_at_mut(BLOCK / 2);
                for ((byte, low), high) in bytes.iter().zip(low).zip(high) {
                    *low = (byte & 15).cast_signed() - 8;
                    *high = (byte >> 4).cast_signed() - 8;
                }
            }
        }
    }
}
