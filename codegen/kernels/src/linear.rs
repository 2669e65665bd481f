//! Matrix times vectors: `y[m, n] = round(sum_k f32(x[m, k]) * scale * f32(w[n, k]) + bias[n])`.
//!
//! Slots: x, weight, scale (quantised formats), bias (where there is one), y. Units are outputs, or vectors of outputs for weights `[K, N]`.
//!
//! One f32 accumulator per lane and output: weight k of a row goes to lane k mod L of the vector, in ascending order of k; the lanes are summed by
//! halving. With groups, a group's products are summed first and enter the accumulator times the group's scale (i4 that is looked up in a table:
//! the table is scaled first). Weights `[K, N]` have one accumulator an output, and so have i8 activations where an instruction adds four
//! products to a lane: there a lane is an output. Tiles of outputs and tokens only choose which of these sums run side by side.

mod across;
mod columns;
mod dot;
mod float;
mod pairwise;
mod quantise;
mod results;
mod rows;
mod simd;
mod turns;

use crate::{DType, Emit, KernelError, Slot, Target, schedule};

/// Stack that one call may use, bytes: 16 quantised tokens of 9,000 inputs.
const STACK: i64 = 256 << 10;

/// Order of a dense weight's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `[N, K]`.
    OutIn,
    /// `[K, N]`.
    InOut,
}

/// How the weight is stored. Quantised weights are `[N, K]` and symmetric: value = integer * scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Floats of this type.
    Dense {
        /// f32, f16 or bf16.
        dtype: DType,
        /// Order of the dimensions.
        layout: Layout,
    },
    /// One byte a weight.
    I8 {
        /// Weights of a row that share a scale: 32 or 64; 0: the whole row.
        group: i64,
        /// f16 or f32.
        scale: DType,
    },
    /// Half a byte a weight: per 32 weights 16 bytes, byte i holds weight i in its low and weight i + 16 in its high nibble; value = nibble - 8.
    I4 {
        /// Weights of a row that share a scale: 32 or 64.
        group: i64,
        /// f16 or f32.
        scale: DType,
    },
}

/// Arithmetic of the products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activations {
    /// f32.
    Float,
    /// x is quantised to i8 per token and group of the weight (32 where the weight has one scale a row); products sum in i32 within a group.
    I8,
}

/// A matrix product with few rows on the left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Tokens.
    pub m: i64,
    /// Outputs.
    pub n: i64,
    /// Inputs.
    pub k: i64,
    /// Type of x.
    pub x: DType,
    /// Distance of x's rows, elements.
    pub x_stride: i64,
    /// Type of y.
    pub y: DType,
    /// Distance of y's rows, elements.
    pub y_stride: i64,
    /// The weight.
    pub format: Format,
    /// Type of the bias, if there is one.
    pub bias: Option<DType>,
    /// Arithmetic.
    pub activations: Activations,
}

impl Format {
    /// Bits of a weight.
    pub(crate) fn bits(self) -> i64 {
        match self {
            Format::Dense { dtype, .. } => 8 * dtype.bytes() as i64,
            Format::I8 { .. } => 8,
            Format::I4 { .. } => 4,
        }
    }

    /// Weights that share a scale within a row; 0: all, or there is none.
    pub(crate) fn group(self) -> i64 {
        match self {
            Format::Dense { .. } => 0,
            Format::I8 { group, .. } | Format::I4 { group, .. } => group,
        }
    }

    /// Type of the scales.
    pub(crate) fn scale(self) -> Option<DType> {
        match self {
            Format::Dense { .. } => None,
            Format::I8 { scale, .. } | Format::I4 { scale, .. } => Some(scale),
        }
    }

    /// Part of a kernel's name.
    fn tag(self) -> String {
        match self {
            Format::Dense {
                dtype,
                layout: Layout::OutIn,
            } => format!("{}_nk", dtype.name()),
            Format::Dense {
                dtype,
                layout: Layout::InOut,
            } => format!("{}_kn", dtype.name()),
            Format::I8 { group, scale } => format!("i8g{group}_{}", scale.name()),
            Format::I4 { group, scale } => format!("i4g{group}_{}", scale.name()),
        }
    }
}

impl Linear {
    /// Whether the weight is `[K, N]`.
    pub(crate) fn in_out(&self) -> bool {
        matches!(
            self.format,
            Format::Dense {
                layout: Layout::InOut,
                ..
            }
        )
    }

    /// Scales of a row.
    pub(crate) fn groups(&self) -> i64 {
        match self.format.group() {
            0 => 1,
            group => self.k / group,
        }
    }

    /// Index of the slot of the bias, and of y.
    pub(crate) fn tail_slots(&self) -> (usize, usize) {
        let bias = 2 + usize::from(self.format.scale().is_some());
        (bias, bias + usize::from(self.bias.is_some()))
    }

    fn check(&self) -> Result<(), KernelError> {
        let err = |what: String| Err(KernelError::Unsupported(format!("linear: {what}")));
        let float = |d: DType| matches!(d, DType::F32 | DType::F16 | DType::BF16);
        if self.m < 1
            || self.n < 1
            || self.k < 1
            || [self.m, self.n, self.k].iter().any(|&d| d > 1 << 24)
        {
            return err(format!(
                "sizes m={} n={} k={} are outside of 1..=2^24",
                self.m, self.n, self.k
            ));
        }
        if (self.x_stride < self.k || self.y_stride < self.n) && self.m > 1 {
            return err(format!(
                "rows overlap: strides {} of x, {} of y",
                self.x_stride, self.y_stride
            ));
        }
        if let Some(d) = [Some(self.x), Some(self.y), self.bias]
            .into_iter()
            .flatten()
            .find(|&d| !float(d))
        {
            return err(format!("x, y and bias are floats, not {}", d.name()));
        }
        match self.format {
            Format::Dense { dtype, .. } if !float(dtype) => {
                return err(format!("a dense weight of {}", dtype.name()));
            }
            Format::Dense { .. } if self.activations == Activations::I8 => {
                return err("i8 activations need a quantised weight".into());
            }
            Format::I8 { group, .. } if ![0, 32, 64].contains(&group) => {
                return err(format!("i8 in groups of {group}; 0, 32 and 64 exist"));
            }
            Format::I4 { group, .. } if ![32, 64].contains(&group) => {
                return err(format!("i4 in groups of {group}; 32 and 64 exist"));
            }
            _ => {}
        }
        if self.format.group() > 0 && self.k % self.format.group() != 0 {
            return err(format!(
                "k={} is no multiple of the group {}",
                self.k,
                self.format.group()
            ));
        }
        match self.format.scale() {
            Some(d) if !matches!(d, DType::F16 | DType::F32) => {
                err(format!("scales of {}; f16 and f32 exist", d.name()))
            }
            _ => Ok(()),
        }
    }
}

impl Emit for Linear {
    fn name(&self) -> String {
        let bias = self.bias.map_or("none", DType::name);
        let dot = if self.activations == Activations::I8 {
            "_xi8"
        } else {
            ""
        };
        format!(
            "linear_{}x{}x{}_{}{dot}_x{}s{}_y{}s{}_b{bias}",
            self.m,
            self.n,
            self.k,
            self.format.tag(),
            self.x.name(),
            self.x_stride,
            self.y.name(),
            self.y_stride
        )
    }

    /// Outputs; vectors of 16 outputs for weights `[K, N]`, whatever the target's vectors are.
    fn units(&self) -> i64 {
        if self.in_out() {
            (self.n + columns::UNIT - 1) / columns::UNIT
        } else {
            self.n
        }
    }

    fn grain(&self, target: &Target) -> i64 {
        let schedule = schedule::linear(target, self);
        if self.in_out() {
            schedule.rows as i64 * target.lanes() as i64 / columns::UNIT
        } else {
            16
        }
        .max(1)
    }

    fn slots(&self) -> Vec<Slot> {
        let rows = |m: i64, stride: i64, n: i64| (m - 1) * stride + n;
        let (weight, elements) = match self.format {
            Format::Dense { dtype, .. } => (dtype, self.n * self.k),
            Format::I8 { .. } => (DType::I8, self.n * self.k),
            Format::I4 { .. } => (DType::I8, self.n * self.k / 2),
        };
        let mut slots = vec![
            Slot::Read {
                name: "x",
                dtype: self.x,
                elements: rows(self.m, self.x_stride, self.k),
            },
            Slot::Read {
                name: "weight",
                dtype: weight,
                elements,
            },
        ];
        if let Some(dtype) = self.format.scale() {
            slots.push(Slot::Read {
                name: "scale",
                dtype,
                elements: self.n * self.groups(),
            });
        }
        if let Some(dtype) = self.bias {
            slots.push(Slot::Read {
                name: "bias",
                dtype,
                elements: self.n,
            });
        }
        slots.push(Slot::Write {
            name: "y",
            dtype: self.y,
            elements: rows(self.m, self.y_stride, self.n),
        });
        slots
    }

    fn emit(&self, target: &Target) -> Result<String, KernelError> {
        self.check()?;
        let schedule = schedule::linear(target, self);
        if self.in_out() {
            Ok(columns::emit(self, target, &schedule))
        } else {
            rows::emit(self, target, &schedule)
        }
    }
}
