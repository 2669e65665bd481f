//! Weights as integers with scales: how `spec-weights` makes the data that the pass `spec-quantize` asks for.
//!
//! A matrix is \[rows, columns\], a row the inputs of one output. All formats are symmetric: value = scale * integer.
//!
//! | format | integers | bytes of a row | scales of a row |
//! |---|---|---|---|
//! | i8 | -127 to 127, two's complement | columns | 1, or columns / group |
//! | i4 | -8 to 7, stored plus 8 | columns / 2 | columns / group |
//!
//! i4: a block of 32 weights is 16 bytes; byte i holds weight i in its low and weight i + 16 in its high four bits. A group of 64
//! is two blocks. Scales are f16 or f32, little-endian, row by row.
//!
//! **Rounding.** A scale is rounded to its type first; integers are then chosen for the rounded scale: the nearest, ties to even,
//! clamped to the range.
//! * i8: scale = largest magnitude / 127.
//! * i4: let m be the element of largest magnitude, with its sign. Of the scales m / c, for c in -8, -7.5, -7, -6.5, -8.5, 7, 7.5, 6.5,
//!   8 and the scale that fits the integers of the best of these by least squares, the one with the least sum of squared errors;
//!   the first of equal ones. c = -8 alone is what q4_0 of ggml does.
//! * A group whose scale would be too small for its type becomes zeros.
//!
//! NaN and infinity are refused, and so is a scale that its type cannot hold. Nothing is held but the matrix that comes in, a few
//! of its rows as f32, and what comes out.

mod group;
mod index;
mod matrix;
mod report;

use crate::manifest::{DType, QuantFormat};
use half::f16;

pub use index::{INDEX_VERSION, IndexError, StoredWeight, WeightIndex};
pub use matrix::Matrix;
pub use report::Errors;

/// In a manifest, the layout of a weight whose two dimensions were exchanged against the exported model.
pub const TRANSPOSED: &str = "transposed";

/// Rows that are read at once.
const ROWS: usize = 16;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QuantiseError {
    /// A weight that is no number.
    #[error(
        "{name}: element [{row}, {column}] is {value}: weights must be finite; the file is damaged, or training diverged"
    )]
    NotFinite {
        /// The tensor.
        name: String,
        /// Its row (output).
        row: usize,
        /// Its column (input).
        column: usize,
        /// NaN, inf or -inf.
        value: f32,
    },
    /// A value that the wanted type cannot hold.
    #[error(
        "{name}: row {row} has a weight of {value:e}, too large for {dtype:?}: use f32 scales, or bf16 weights"
    )]
    TooLarge {
        /// The tensor.
        name: String,
        /// The row.
        row: usize,
        /// The weight.
        value: f32,
        /// The type of scales or weights.
        dtype: DType,
    },
    /// Not floats.
    #[error("{name} holds {dtype:?}: only f32, f16 and bf16 can be quantised or converted")]
    NotFloat {
        /// The tensor.
        name: String,
        /// Its type.
        dtype: DType,
    },
    /// A buffer of another length.
    #[error("{name}: {what} needs {expected} bytes, there are {found}")]
    Length {
        /// The tensor.
        name: String,
        /// Which buffer.
        what: &'static str,
        /// Bytes needed.
        expected: usize,
        /// Bytes there.
        found: usize,
    },
    /// A format that does not exist, or does not fit.
    #[error("no format: {0}")]
    Format(String),
}

/// A format of integers with scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    format: QuantFormat,
    group: usize,
    scale: DType,
}

impl Scheme {
    /// `format` in groups of `group` weights of a row, 32 or 64 (i8 also 0: the whole row), with scales of f16 or f32.
    ///
    /// # Errors
    /// [`QuantiseError::Format`].
    pub fn new(format: QuantFormat, group: u32, scale: DType) -> Result<Self, QuantiseError> {
        let wrong = |text: String| Err(QuantiseError::Format(text));
        if !matches!(scale, DType::F16 | DType::F32) {
            return wrong(format!("scales of {scale:?}; they are f16 or f32"));
        }
        match (format, group) {
            (QuantFormat::I8, 0) | (_, 32 | 64) => {}
            _ => return wrong(format!("{format:?} in groups of {group}")),
        }
        Ok(Self {
            format,
            group: group as usize,
            scale,
        })
    }

    /// Bytes of the integers and of the scales of a row.
    ///
    /// # Errors
    /// [`QuantiseError::Format`]: the group does not divide the columns.
    pub fn row_bytes(&self, columns: usize) -> Result<(usize, usize), QuantiseError> {
        let group = if self.group == 0 { columns } else { self.group };
        if group == 0 || !columns.is_multiple_of(group) {
            let text = format!("groups of {group} do not divide {columns} columns");
            return Err(QuantiseError::Format(text));
        }
        let weights = match self.format {
            QuantFormat::I8 => columns,
            QuantFormat::I4 => columns / 2,
        };
        Ok((weights, columns / group * self.scale.bytes()))
    }

    fn group_of(&self, columns: usize) -> usize {
        if self.group == 0 { columns } else { self.group }
    }

    /// A scale as its type holds it; infinite if it cannot.
    fn rounded(&self, scale: f32) -> f32 {
        match self.scale {
            DType::F16 => f16::from_f32(scale).to_f32(),
            _ => scale,
        }
    }

    fn write_scale(&self, scale: f32, out: &mut [u8]) {
        match self.scale {
            DType::F16 => out.copy_from_slice(&f16::from_f32(scale).to_le_bytes()),
            _ => out.copy_from_slice(&scale.to_le_bytes()),
        }
    }

    fn read_scale(&self, bytes: &[u8]) -> f32 {
        match *bytes {
            [a, b] => f16::from_le_bytes([a, b]).to_f32(),
            [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
            _ => 0.0,
        }
    }
}

fn length(
    name: &str,
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), QuantiseError> {
    if expected == found {
        return Ok(());
    }
    Err(QuantiseError::Length {
        name: name.to_owned(),
        what,
        expected,
        found,
    })
}

/// Quantises a matrix: integers to `weights`, scales to `scales`, rows in order. What is lost is in the answer.
///
/// # Errors
/// See [`QuantiseError`]; the buffers hold anything then.
pub fn quantise(
    matrix: &Matrix,
    scheme: Scheme,
    weights: &mut [u8],
    scales: &mut [u8],
) -> Result<Errors, QuantiseError> {
    let (name, columns) = (matrix.name(), matrix.columns());
    let (row_weights, row_scales) = scheme.row_bytes(columns)?;
    length(name, "integers", matrix.rows() * row_weights, weights.len())?;
    length(name, "scales", matrix.rows() * row_scales, scales.len())?;
    let group = scheme.group_of(columns);
    let (of_weights, of_scales) = (row_weights * group / columns, scheme.scale.bytes());
    let mut errors = Errors::default();
    let mut integers = vec![0; group];
    matrix.for_each_row(ROWS, |row, values| {
        let weights = weights[row * row_weights..][..row_weights].chunks_exact_mut(of_weights);
        let scales = scales[row * row_scales..][..row_scales].chunks_exact_mut(of_scales);
        for ((x, weights), scale) in values.chunks_exact(group).zip(weights).zip(scales) {
            let found = group::choose(x, scheme, &mut integers);
            let d = found.map_err(|value| matrix.too_large(row, value, scheme.scale))?;
            scheme.write_scale(d, scale);
            group::pack(scheme.format, &integers, weights);
            errors.add_group(x, &integers, d);
        }
        Ok(())
    })?;
    Ok(errors)
}

/// As [`quantise`], on `threads` threads; the result is the same.
///
/// # Errors
/// See [`QuantiseError`].
pub fn quantise_on(
    threads: usize,
    matrix: &Matrix,
    scheme: Scheme,
    weights: &mut [u8],
    scales: &mut [u8],
) -> Result<Errors, QuantiseError> {
    let (row_weights, row_scales) = scheme.row_bytes(matrix.columns())?;
    let rows = matrix.rows();
    length(matrix.name(), "integers", rows * row_weights, weights.len())?;
    length(matrix.name(), "scales", rows * row_scales, scales.len())?;
    let step = rows.div_ceil(threads.max(1)).max(1);
    let parts = weights.chunks_mut(step * row_weights);
    let parts = parts.zip(scales.chunks_mut(step * row_scales)).enumerate();
    let results: Vec<Result<Errors, QuantiseError>> = std::thread::scope(|scope| {
        let workers: Vec<_> = parts
            .map(|(i, (weights, scales))| {
                let part = matrix.part(i * step..rows.min((i + 1) * step));
                scope.spawn(move || quantise(&part, scheme, weights, scales))
            })
            .collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        workers.into_iter().map(join).collect()
    });
    let mut all = Errors::default();
    for result in results {
        all.merge(&result?);
    }
    Ok(all)
}

/// The values that integers and scales stand for, rows of `columns` in order.
///
/// # Errors
/// [`QuantiseError::Format`], [`QuantiseError::Length`].
pub fn dequantise(
    scheme: Scheme,
    columns: usize,
    weights: &[u8],
    scales: &[u8],
    out: &mut [f32],
) -> Result<(), QuantiseError> {
    let (row_weights, row_scales) = scheme.row_bytes(columns)?;
    let rows = out.len() / columns;
    length("values", "rows", rows * columns * 4, out.len() * 4)?;
    length("values", "integers", rows * row_weights, weights.len())?;
    length("values", "scales", rows * row_scales, scales.len())?;
    let group = scheme.group_of(columns);
    let weights = weights.chunks_exact(row_weights * group / columns);
    let scales = scales.chunks_exact(scheme.scale.bytes());
    let mut integers = vec![0; group];
    for ((x, weights), scale) in out.chunks_exact_mut(group).zip(weights).zip(scales) {
        let d = scheme.read_scale(scale);
        group::unpack(scheme.format, weights, &mut integers);
        for (x, q) in x.iter_mut().zip(&integers) {
            *x = d * f32::from(*q);
        }
    }
    Ok(())
}

/// Writes a matrix as floats of another type, rounded to nearest, ties to even.
///
/// # Errors
/// See [`QuantiseError`]; a finite weight that becomes infinite is [`QuantiseError::TooLarge`].
pub fn convert(matrix: &Matrix, to: DType, out: &mut [u8]) -> Result<Errors, QuantiseError> {
    let row_bytes = matrix.columns() * to.bytes();
    length(
        matrix.name(),
        "floats",
        matrix.rows() * row_bytes,
        out.len(),
    )?;
    let mut errors = Errors::default();
    let mut rounded = vec![0.0; matrix.columns()];
    matrix.for_each_row(ROWS, |row, values| {
        let out = &mut out[row * row_bytes..][..row_bytes];
        if !matrix::write_floats(values, to, out, &mut rounded) {
            return Err(matrix.not_float(to));
        }
        if let Some(i) = rounded.iter().position(|v| !v.is_finite()) {
            return Err(matrix.too_large(row, values[i], to));
        }
        errors.add(values, &rounded);
        Ok(())
    })?;
    Ok(errors)
}

#[cfg(test)]
mod tests;
