//! Types of tensors in GGUF files: their blocks, and their values as floats.

use candle_core::CpuStorage;
use candle_core::quantized::GgmlDType;
use std::borrow::Cow;

/// How a tensor's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// The upper halves of 32-bit floats.
    Bf16,
    /// Blocks of small integers with scales.
    Blocks(GgmlDType),
}

/// Numbers, names and formats, as in `ggml.h`. `None`: cannot be read.
const TYPES: &[(u32, &str, Option<Format>)] = &[
    (0, "F32", Some(Format::F32)),
    (1, "F16", Some(Format::F16)),
    (2, "Q4_0", Some(Format::Blocks(GgmlDType::Q4_0))),
    (3, "Q4_1", Some(Format::Blocks(GgmlDType::Q4_1))),
    (6, "Q5_0", Some(Format::Blocks(GgmlDType::Q5_0))),
    (7, "Q5_1", Some(Format::Blocks(GgmlDType::Q5_1))),
    (8, "Q8_0", Some(Format::Blocks(GgmlDType::Q8_0))),
    (9, "Q8_1", None),
    (10, "Q2_K", Some(Format::Blocks(GgmlDType::Q2K))),
    (11, "Q3_K", Some(Format::Blocks(GgmlDType::Q3K))),
    (12, "Q4_K", Some(Format::Blocks(GgmlDType::Q4K))),
    (13, "Q5_K", Some(Format::Blocks(GgmlDType::Q5K))),
    (14, "Q6_K", Some(Format::Blocks(GgmlDType::Q6K))),
    (15, "Q8_K", None),
    (16, "IQ2_XXS", None),
    (17, "IQ2_XS", None),
    (18, "IQ3_XXS", None),
    (19, "IQ1_S", None),
    (20, "IQ4_NL", None),
    (21, "IQ3_S", None),
    (22, "IQ2_S", None),
    (23, "IQ4_XS", None),
    (24, "I8", None),
    (25, "I16", None),
    (26, "I32", None),
    (27, "I64", None),
    (28, "F64", None),
    (29, "IQ1_M", None),
    (30, "BF16", Some(Format::Bf16)),
    (34, "TQ1_0", None),
    (35, "TQ2_0", None),
    (39, "MXFP4", None),
];

/// Name and format of a type by its number; the name says the number if it is unknown.
pub(super) fn of(id: u32) -> (String, Option<Format>) {
    match TYPES.iter().find(|t| t.0 == id) {
        Some((_, name, format)) => ((*name).to_owned(), *format),
        None => (format!("number {id}"), None),
    }
}

/// Names of all types that can be read, for messages.
pub(super) fn readable() -> String {
    let names = TYPES.iter().filter(|t| t.2.is_some()).map(|t| t.1);
    names.collect::<Vec<_>>().join(", ")
}

impl Format {
    /// Values in a block.
    pub fn block(self) -> usize {
        match self {
            Format::Blocks(t) => t.block_size(),
            _ => 1,
        }
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        match self {
            Format::F32 => 4,
            Format::F16 | Format::Bf16 => 2,
            Format::Blocks(t) => t.type_size(),
        }
    }

    /// Values of whole blocks. `raw` must be as long as a number of blocks.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn values(self, raw: &[u8]) -> Result<Vec<f32>, String> {
        if !raw.len().is_multiple_of(self.block_bytes()) {
            return Err(format!("{} bytes are not whole blocks", raw.len()));
        }
        let blocks = match self {
            Format::F32 => {
                let words = raw.as_chunks::<4>().0.iter();
                return Ok(words.map(|b| f32::from_le_bytes(*b)).collect());
            }
            Format::F16 => {
                let words = raw.as_chunks::<2>().0.iter();
                return Ok(words
                    .map(|b| half::f16::from_le_bytes(*b).to_f32())
                    .collect());
            }
            Format::Bf16 => {
                let words = raw.as_chunks::<2>().0.iter();
                return Ok(words
                    .map(|b| half::bf16::from_le_bytes(*b).to_f32())
                    .collect());
            }
            Format::Blocks(t) => t,
        };
        let aligned = Aligned::new(raw);
        let blocks = blocks.from_data(Cow::Borrowed(aligned.bytes()));
        let count = raw.len() / self.block_bytes() * self.block();
        match blocks.dequantize(count) {
            Ok(CpuStorage::F32(values)) => Ok(values),
            Ok(_) => Err("dequantised to another type than f32".into()),
            Err(e) => Err(e.to_string()),
        }
    }
}

/// A copy of bytes at an address that is a multiple of 16: the dequantiser insists on its blocks' alignment.
struct Aligned {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    fn new(raw: &[u8]) -> Self {
        let mut bytes = vec![0; raw.len() + 15];
        let start = bytes.as_ptr().align_offset(16).min(15);
        if let Some(room) = bytes.get_mut(start..start + raw.len()) {
            room.copy_from_slice(raw);
        }
        let len = raw.len();
        Self { bytes, start, len }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes
            .get(self.start..self.start + self.len)
            .unwrap_or_default()
    }
}
