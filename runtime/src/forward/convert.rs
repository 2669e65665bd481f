//! Numbers of a model's inputs and outputs as bytes.

use crate::manifest::DType;
use half::slice::HalfFloatSliceExt as _;
use half::{bf16, f16};

/// Writes numbers as elements of this type, i64 or i32; what has no place is left out.
pub(super) fn write_integers(to: &mut [u8], dtype: DType, values: impl Iterator<Item = u64>) {
    let bytes = dtype.bytes();
    for (place, value) in to.chunks_exact_mut(bytes).zip(values) {
        // token ids and positions are below 2^31: they are checked against the vocabulary and the cache
        match dtype {
            DType::I32 => place.copy_from_slice(&(value as u32).to_ne_bytes()),
            _ => place.copy_from_slice(value.to_ne_bytes().get(..bytes).unwrap_or_default()),
        }
    }
}

/// Appends elements of this type, f32, f16 or bf16, as f32.
pub(super) fn append_floats(to: &mut Vec<f32>, dtype: DType, from: &[u8]) {
    match dtype {
        DType::F16 => append_halves(to, from, |step, out| {
            let mut halves = [f16::ZERO; STEP];
            for (half, bytes) in halves.iter_mut().zip(step) {
                *half = f16::from_ne_bytes(*bytes);
            }
            halves.convert_to_f32_slice(out);
        }),
        DType::Bf16 => append_halves(to, from, |step, out| {
            for (float, bytes) in out.iter_mut().zip(step) {
                *float = bf16::from_ne_bytes(*bytes).to_f32();
            }
        }),
        _ => {
            let (floats, _) = from.as_chunks::<4>();
            to.extend(floats.iter().map(|b| f32::from_ne_bytes(*b)));
        }
    }
}

/// Elements that are converted at once.
const STEP: usize = 256;

fn append_halves(to: &mut Vec<f32>, from: &[u8], convert: impl Fn(&[[u8; 2]], &mut [f32; STEP])) {
    let (halves, _) = from.as_chunks::<2>();
    for step in halves.chunks(STEP) {
        let mut floats = [0.0; STEP];
        convert(step, &mut floats);
        to.extend(floats.iter().take(step.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_of_all_types() {
        let values: Vec<f32> = (0..700)
            .map(|i| i as f32 - 350.0)
            .chain([f32::INFINITY])
            .collect();
        let read = |dtype, bytes: Vec<u8>| {
            let mut out = vec![1.5];
            append_floats(&mut out, dtype, &bytes);
            assert_eq!(out.remove(0), 1.5, "appended");
            out
        };
        let each = |f: &dyn Fn(f32) -> Vec<u8>| values.iter().flat_map(|v| f(*v)).collect();
        assert_eq!(read(DType::F32, each(&|v| v.to_ne_bytes().into())), values);
        let halves = each(&|v| f16::from_f32(v).to_ne_bytes().into());
        assert_eq!(read(DType::F16, halves), values);
        let rounded: Vec<f32> = values.iter().map(|v| bf16::from_f32(*v).to_f32()).collect();
        let halves = each(&|v| bf16::from_f32(v).to_ne_bytes().into());
        assert_eq!(read(DType::Bf16, halves), rounded);
    }

    #[test]
    fn integers_of_both_types() {
        let mut bytes = [0xff; 16];
        write_integers(&mut bytes, DType::I64, [7, 70_000].into_iter());
        assert_eq!(bytes[..8], 7_i64.to_ne_bytes());
        assert_eq!(bytes[8..], 70_000_i64.to_ne_bytes());
        write_integers(&mut bytes, DType::I32, [1, 2, 3].into_iter());
        assert_eq!(bytes[..4], 1_i32.to_ne_bytes());
        assert_eq!(bytes[8..12], 3_i32.to_ne_bytes());
        assert_eq!(bytes[12..], 70_000_i64.to_ne_bytes()[4..], "left alone");
    }
}
