//! Data types as a cost: bits of a stored weight, bytes of an activation, and which rate of a unit they use.

use crate::CostError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How a model's weights are stored and what its products are computed in.
///
/// Those of 8 and 4 bits are weight-only: activations stay f16, and products run in floats. `W8A8` and `W4A8` quantise the inputs of
/// products, too, which run in integers.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(try_from = "String", into = "String")]
pub enum DType {
    /// 64-bit float.
    F64,
    /// 32-bit float.
    F32,
    /// 16-bit float.
    F16,
    /// bfloat16.
    BF16,
    /// 8-bit weights, one scale a row.
    I8,
    /// 8-bit weights, an f16 scale for every 32.
    I8G32,
    /// 8-bit weights, an f16 scale for every 64.
    I8G64,
    /// 4-bit weights, an f16 scale for every 32.
    I4,
    /// 4-bit weights, an f16 scale for every 64.
    I4G64,
    /// 8-bit weights and 8-bit activations (integer dot products).
    W8A8,
    /// 4-bit weights, an f16 scale for every 32, and 8-bit inputs of products (integer dot products); all else stays f16.
    W4A8,
}

impl DType {
    /// All of them.
    pub const ALL: [DType; 11] = [
        DType::F64,
        DType::F32,
        DType::F16,
        DType::BF16,
        DType::I8,
        DType::I8G32,
        DType::I8G64,
        DType::I4,
        DType::I4G64,
        DType::W8A8,
        DType::W4A8,
    ];

    /// The name used in files, options and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DType::F64 => "f64",
            DType::F32 => "f32",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::I8 => "i8",
            DType::I8G32 => "i8g32",
            DType::I8G64 => "i8g64",
            DType::I4 => "i4g32",
            DType::I4G64 => "i4g64",
            DType::W8A8 => "w8a8",
            DType::W4A8 => "w4a8",
        }
    }

    /// Bits of one stored weight, without scales.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            DType::F64 => 64,
            DType::F32 => 32,
            DType::F16 | DType::BF16 => 16,
            DType::I8 | DType::I8G32 | DType::I8G64 | DType::W8A8 => 8,
            DType::I4 | DType::I4G64 | DType::W4A8 => 4,
        }
    }

    /// Bytes of one stored weight with its share of the group scales (a scale a row is neglected).
    #[must_use]
    pub fn weight_bytes(self) -> f64 {
        let scales = match self {
            DType::I8G32 | DType::I4 | DType::W4A8 => 16.0 / 32.0,
            DType::I8G64 | DType::I4G64 => 16.0 / 64.0,
            _ => 0.0,
        };
        (f64::from(self.bits()) + scales) / 8.0
    }

    /// Bytes of one activation.
    #[must_use]
    pub fn activation_bytes(self) -> f64 {
        match self {
            DType::F64 => 8.0,
            DType::F32 => 4.0,
            DType::W8A8 => 1.0,
            _ => 2.0,
        }
    }

    /// The type the KV cache is kept in: f16, unless the model is f32 or f64.
    #[must_use]
    pub fn kv(self) -> DType {
        match self {
            DType::F64 | DType::F32 | DType::BF16 => self,
            _ => DType::F16,
        }
    }

    /// The keys of a unit's rate table that serve this type, the best first. Those after the first widen to a wider type:
    /// the bytes stay small, the rate is the wider type's. `W8A8` has none: without integer dot products it is no gain. `W4A8` is one for its bytes alone, and
    /// its products are those of `W8A8` once the weights are unpacked.
    #[must_use]
    pub fn rate_keys(self) -> &'static [DType] {
        match self {
            DType::F64 => &[DType::F64],
            DType::F32 => &[DType::F32],
            DType::F16 => &[DType::F16, DType::F32],
            DType::BF16 => &[DType::BF16, DType::F32],
            DType::I8 | DType::I8G32 | DType::I8G64 => &[DType::I8, DType::F32],
            DType::I4 | DType::I4G64 => &[DType::I4, DType::I8, DType::F32],
            DType::W8A8 => &[DType::W8A8],
            DType::W4A8 => &[DType::W4A8, DType::W8A8, DType::I4, DType::I8, DType::F32],
        }
    }

    /// Parses `f64`, `f32`, `f16`, `bf16`, `i8`, `i8g32`, `i8g64`, `i4g32`, `i4g64`, `w8a8`, `w4a8` (and `i4` for `i4g32`).
    ///
    /// # Errors
    /// [`CostError::Input`] names the types that exist.
    pub fn parse(text: &str) -> Result<DType, CostError> {
        let wanted = match text.trim() {
            "i4" => "i4g32",
            other => other,
        };
        let found = DType::ALL.into_iter().find(|d| d.name() == wanted);
        found.ok_or_else(|| {
            let names = DType::ALL.map(DType::name).join(", ");
            CostError::input(format!("unknown data type '{text}'; known: {names}"))
        })
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for DType {
    type Err = CostError;
    fn from_str(text: &str) -> Result<Self, CostError> {
        DType::parse(text)
    }
}

impl TryFrom<String> for DType {
    type Error = CostError;
    fn try_from(text: String) -> Result<Self, CostError> {
        DType::parse(&text)
    }
}

impl From<DType> for String {
    fn from(dtype: DType) -> String {
        dtype.name().to_string()
    }
}
