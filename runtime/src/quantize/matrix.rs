//! A matrix of floats as it lies in a file.

use super::{DType, QuantiseError, length};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use std::ops::Range;

/// A matrix \[rows, columns\] of little-endian floats, rows first in memory, or columns first.
#[derive(Clone, Debug)]
pub struct Matrix<'a> {
    name: &'a str,
    dtype: DType,
    bytes: &'a [u8],
    rows: Range<usize>,
    all_rows: usize,
    columns: usize,
    transposed: bool,
}

impl<'a> Matrix<'a> {
    /// A matrix of `rows` and `columns`; `transposed`: element \[row, column\] lies at column * rows + row. `name` is for errors.
    ///
    /// # Errors
    /// [`QuantiseError::NotFloat`], [`QuantiseError::Length`].
    pub fn new(
        name: &'a str,
        dtype: DType,
        bytes: &'a [u8],
        rows: usize,
        columns: usize,
        transposed: bool,
    ) -> Result<Self, QuantiseError> {
        let matrix = Self {
            name,
            dtype,
            bytes,
            rows: 0..rows,
            all_rows: rows,
            columns,
            transposed,
        };
        if !matches!(dtype, DType::F32 | DType::F16 | DType::Bf16) {
            return Err(matrix.not_float(dtype));
        }
        let needed = rows
            .checked_mul(columns)
            .and_then(|n| n.checked_mul(dtype.bytes()));
        length(
            name,
            "the matrix",
            needed.unwrap_or(usize::MAX),
            bytes.len(),
        )?;
        Ok(matrix)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.name
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Some of its rows.
    pub(super) fn part(&self, rows: Range<usize>) -> Self {
        let start = self.rows.start;
        Self {
            rows: start + rows.start..start + rows.end,
            ..self.clone()
        }
    }

    pub(super) fn not_float(&self, dtype: DType) -> QuantiseError {
        QuantiseError::NotFloat {
            name: self.name.to_owned(),
            dtype,
        }
    }

    pub(super) fn too_large(&self, row: usize, value: f32, dtype: DType) -> QuantiseError {
        QuantiseError::TooLarge {
            name: self.name.to_owned(),
            row: self.rows.start + row,
            value,
            dtype,
        }
    }

    /// Gives each row as f32, in order; reads `at_once` rows together, which is what makes columns first bearable.
    ///
    /// # Errors
    /// [`QuantiseError::NotFinite`], and those of `take`.
    pub(super) fn for_each_row(
        &self,
        at_once: usize,
        mut take: impl FnMut(usize, &[f32]) -> Result<(), QuantiseError>,
    ) -> Result<(), QuantiseError> {
        if self.columns == 0 {
            return Ok(());
        }
        let at_once = if self.transposed { at_once } else { 1 };
        let mut values = vec![0.0; at_once * self.columns];
        let mut line = vec![0.0; at_once];
        let mut halves = vec![0; at_once.max(self.columns)];
        for first in self.rows.clone().step_by(at_once) {
            let n = at_once.min(self.rows.end - first);
            if self.transposed {
                for column in 0..self.columns {
                    self.read(column * self.all_rows + first, &mut line[..n], &mut halves);
                    for (i, value) in line[..n].iter().enumerate() {
                        values[i * self.columns + column] = *value;
                    }
                }
            } else {
                self.read(first * self.columns, &mut values, &mut halves);
            }
            for (i, row) in values.chunks_exact(self.columns).take(n).enumerate() {
                self.check(first + i, row)?;
                take(first + i - self.rows.start, row)?;
            }
        }
        Ok(())
    }

    /// Elements from `first` on as f32.
    fn read(&self, first: usize, out: &mut [f32], halves: &mut [u16]) {
        let size = self.dtype.bytes();
        let bytes = &self.bytes[first * size..][..out.len() * size];
        if self.dtype == DType::F32 {
            for (value, b) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *value = f32::from_le_bytes(*b);
            }
            return;
        }
        let halves = &mut halves[..out.len()];
        for (half, b) in halves.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *half = u16::from_le_bytes(*b);
        }
        use half::slice::HalfBitsSliceExt;
        if self.dtype == DType::F16 {
            halves.reinterpret_cast::<f16>().convert_to_f32_slice(out);
        } else {
            halves.reinterpret_cast::<bf16>().convert_to_f32_slice(out);
        }
    }

    fn check(&self, row: usize, values: &[f32]) -> Result<(), QuantiseError> {
        // the sum of zeros is a zero, of anything else not: a loop without a branch
        if values.iter().map(|v| v * 0.0).fold(0.0, |a, b| a + b) == 0.0 {
            return Ok(());
        }
        match values.iter().position(|v| !v.is_finite()) {
            None => Ok(()),
            Some(column) => Err(QuantiseError::NotFinite {
                name: self.name.to_owned(),
                row,
                column,
                value: values[column],
            }),
        }
    }
}

/// Writes floats of a type, and to `rounded` what they became; false for other types.
pub fn write_floats(values: &[f32], to: DType, out: &mut [u8], rounded: &mut [f32]) -> bool {
    let halves = out.as_chunks_mut::<2>().0;
    match to {
        DType::F32 => {
            for (b, v) in out.as_chunks_mut::<4>().0.iter_mut().zip(values) {
                *b = v.to_le_bytes();
            }
            rounded.copy_from_slice(values);
        }
        DType::F16 => {
            for ((b, v), r) in halves.iter_mut().zip(values).zip(rounded) {
                let half = f16::from_f32(*v);
                (*b, *r) = (half.to_le_bytes(), half.to_f32());
            }
        }
        DType::Bf16 => {
            for ((b, v), r) in halves.iter_mut().zip(values).zip(rounded) {
                let half = bf16::from_f32(*v);
                (*b, *r) = (half.to_le_bytes(), half.to_f32());
            }
        }
        _ => return false,
    }
    true
}
