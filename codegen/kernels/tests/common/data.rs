//! Operands of kernels: numbers of all types from a seed, and back.
#![allow(dead_code, reason = "each test uses its part")]

use half::{bf16, f16};
use spec_kernels::DType;

/// A stream of pseudo-random numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of [-1, 1).
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// A stream of its own for each seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// Numbers of [-size, size).
    pub fn units(&mut self, n: usize, size: f32) -> Vec<f32> {
        (0..n).map(|_| size * self.unit()).collect()
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }
}

/// Numbers as elements of a float type, rounded to nearest even, little endian.
pub fn encode(values: impl IntoIterator<Item = f32>, dtype: DType) -> Vec<u8> {
    let mut bytes = Vec::new();
    for v in values {
        match dtype {
            DType::F32 => bytes.extend(v.to_le_bytes()),
            DType::F16 => bytes.extend(f16::from_f32(v).to_le_bytes()),
            DType::BF16 => bytes.extend(bf16::from_f32(v).to_le_bytes()),
            other => panic!("{} is no float", other.name()),
        }
    }
    bytes
}

/// Elements as numbers.
pub fn decode(bytes: &[u8], dtype: DType) -> Vec<f32> {
    let pairs = || bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
    match dtype {
        DType::F32 => bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
        DType::F16 => pairs().map(|b| f16::from_le_bytes(b).to_f32()).collect(),
        DType::BF16 => pairs().map(|b| bf16::from_le_bytes(b).to_f32()).collect(),
        DType::I8 => bytes.iter().map(|&b| f32::from(b as i8)).collect(),
        other => panic!("{} does not fit in f32", other.name()),
    }
}

/// Half of the distance of neighbours near `value`, relative: 2^-24, 2^-11 or 2^-8.
pub fn rounding(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 2f64.powi(-11),
        DType::BF16 => 2f64.powi(-8),
        _ => 2f64.powi(-24),
    }
}
