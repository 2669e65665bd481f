//! Walks over rows, and what kernels refuse.

use super::{Carried, Lanes, to_i64};
use crate::{DType, KernelError, Value};

/// `Err` that says what a kernel is not written for.
pub(crate) fn unsupported<T>(message: impl Into<String>) -> Result<T, KernelError> {
    Err(KernelError::Unsupported(message.into()))
}

/// Refuses types that are not floats.
pub(crate) fn float(what: &str, dtype: DType) -> Result<(), KernelError> {
    match dtype {
        DType::F32 | DType::F16 | DType::BF16 => Ok(()),
        _ => unsupported(format!(
            "{what} is {}: kernels take f32, f16 or bf16",
            dtype.name()
        )),
    }
}

/// Refuses sizes that are not positive, or so large that an offset in bytes does not fit an i64.
pub(crate) fn sizes(what: &str, sizes: &[i64]) -> Result<(), KernelError> {
    let product = sizes.iter().try_fold(8_i64, |product, &n| {
        product.checked_mul(n).filter(|_| n > 0)
    });
    if product.is_none() {
        return unsupported(format!(
            "{what} has sizes {sizes:?}: each must be positive and the elements countable"
        ));
    }
    Ok(())
}

/// Refuses strides with which rows of `row` elements would overlap, or so large that offsets do not fit an i64.
pub(crate) fn stride(what: &str, stride: i64, row: i64) -> Result<(), KernelError> {
    if stride < row || stride > 1 << 40 {
        return unsupported(format!(
            "{what} has rows of {row} elements {stride} apart: they must not overlap"
        ));
    }
    Ok(())
}

/// Elements from the first to one past the last of nested dimensions (count, stride) around contiguous rows.
pub(crate) fn extent(dims: &[(i64, i64)], row: i64) -> i64 {
    dims.iter().fold(row, |sum, &(n, stride)| {
        sum.saturating_add((n - 1).max(0).saturating_mul(stride))
    })
}

/// How many vectors [`Lanes::row_of`] takes at a time, and what is accumulated.
pub(crate) struct Accumulators {
    vectors: usize,
    inits: Vec<Value>,
}

impl Accumulators {
    /// `vectors` vectors at a time, nothing accumulated.
    pub fn none(vectors: usize) -> Self {
        Accumulators {
            vectors,
            inits: Vec::new(),
        }
    }

    /// One accumulator for each of `vectors` vectors.
    pub fn of(vectors: usize, init: &Value) -> Self {
        Accumulators {
            vectors,
            inits: vec![init.clone(); vectors],
        }
    }
}

/// What [`Lanes::row_of`] runs: index, elements of each vector, accumulators; the next accumulators.
type Body<'b, L> = dyn FnMut(&mut L, &Value, &[usize], &[Value]) -> Vec<Value> + 'b;

impl Lanes<'_> {
    /// Walks a row of `n` elements: `body` gets the index of the first of some neighbouring vectors, how many elements each holds, and an
    /// accumulator for each (or none), and gives the next accumulators. The k-th vector of the row meets accumulator k modulo their number.
    pub fn row_of(
        &mut self,
        n: i64,
        accumulators: &Accumulators,
        body: &mut Body<Self>,
    ) -> Vec<Value> {
        let side = accumulators.vectors;
        let wide = to_i64(side * self.lanes);
        let full = n - n % wide;
        let mut values = accumulators.inits.clone();
        if full > 0 {
            let ty = self.v();
            let carried: Vec<Carried> = values
                .iter()
                .map(|init| Carried {
                    ty: ty.clone(),
                    init: init.clone(),
                })
                .collect();
            let (from, to) = (self.i64(0), self.i64(full));
            let counts = vec![self.lanes; side];
            values = self.each((&from, &to, wide), &carried, |l, i, values| {
                body(l, i, &counts, values)
            });
        }
        let left = usize::try_from(n - full).expect("less than a few vectors");
        if left > 0 {
            let counts: Vec<usize> = (0..left)
                .step_by(self.lanes)
                .map(|i| self.lanes.min(left - i))
                .collect();
            let from = self.i64(full);
            let used = counts.len().min(values.len());
            let next = body(self, &from, &counts, &values[..used]);
            values.splice(..used, next);
        }
        values
    }
}
