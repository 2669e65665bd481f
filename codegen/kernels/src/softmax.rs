//! Rows to probabilities: `e^(x - max) / sum`.
//!
//! Units are rows. Slots: x, y; y may be x if both are f32. A row of -inf, or with a NaN or +inf, gives NaN, as the formula does.

use crate::lanes::{Accumulators, Lanes, extent, float, sizes, stride};
use crate::{DType, Emit, KernelError, Slot, Target, Value};

/// Softmax of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax {
    /// Rows R.
    pub rows: i64,
    /// Elements N of a row.
    pub n: i64,
    /// Type of x `[R, N]`.
    pub x: DType,
    /// Distance of x's rows, elements.
    pub x_stride: i64,
    /// Type of y `[R, N]`.
    pub y: DType,
    /// Distance of y's rows, elements.
    pub y_stride: i64,
}

impl Softmax {
    pub(crate) fn check(&self) -> Result<(), KernelError> {
        sizes("softmax", &[self.rows, self.n])?;
        sizes("softmax", &[self.rows, self.x_stride.max(self.y_stride)])?;
        for (what, dtype, distance) in [("x", self.x, self.x_stride), ("y", self.y, self.y_stride)]
        {
            float(what, dtype)?;
            stride(what, distance, self.n)?;
        }
        Ok(())
    }

    fn exps(
        &self,
        l: &mut Lanes,
        (x, max): (&Value, &Value),
        i: &Value,
        counts: &[usize],
    ) -> Vec<Value> {
        let xs = l.loads((x, self.x), i, counts, f32::NEG_INFINITY);
        let xs: Vec<Value> = xs.iter().map(|x| l.binary("subf", x, max)).collect();
        l.exp_small(&xs)
    }

    fn row(&self, l: &mut Lanes, x: &Value, y: &Value) {
        let (side, least, zero, one) = (
            l.side_by_side(),
            l.splat(f32::NEG_INFINITY),
            l.splat(0.0),
            l.splat(1.0),
        );
        let maxima = l.row_of(
            self.n,
            &Accumulators::of(side, &least),
            &mut |l, i, counts, maxima| {
                let xs = l.loads((x, self.x), i, counts, f32::NEG_INFINITY);
                xs.iter()
                    .zip(maxima)
                    .map(|(x, max)| l.larger(x, max))
                    .collect()
            },
        );
        let max = maxima[1..]
            .iter()
            .fold(maxima[0].clone(), |a, b| l.larger(&a, b));
        let max = l.max(&max);
        let max = l.broadcast(&max);
        // Where y is f32 it keeps the exponentials until the sum is known.
        let keep = self.y == DType::F32;
        let sums = l.row_of(
            self.n,
            &Accumulators::of(side, &zero),
            &mut |l, i, counts, sums| {
                let es = self.exps(l, (x, &max), i, counts);
                if keep {
                    l.stores((y, self.y), i, counts, &es);
                }
                es.iter()
                    .zip(sums)
                    .map(|(e, sum)| l.binary("addf", sum, e))
                    .collect()
            },
        );
        let sum = l.add_all(&sums);
        let sum = l.sum(&sum);
        let sum = l.broadcast(&sum);
        let factor = l.binary("divf", &one, &sum);
        l.row_of(self.n, &Accumulators::none(side), &mut |l, i, counts, _| {
            let es = if keep {
                l.loads((y, self.y), i, counts, 0.0)
            } else {
                self.exps(l, (x, &max), i, counts)
            };
            let ys: Vec<Value> = es.iter().map(|e| l.binary("mulf", e, &factor)).collect();
            l.stores((y, self.y), i, counts, &ys);
            Vec::new()
        });
    }
}

impl Emit for Softmax {
    fn name(&self) -> String {
        format!(
            "softmax_n{}_x{}s{}_y{}s{}",
            self.n,
            self.x.name(),
            self.x_stride,
            self.y.name(),
            self.y_stride
        )
    }

    fn units(&self) -> i64 {
        self.rows
    }

    fn grain(&self, _target: &Target) -> i64 {
        1
    }

    fn slots(&self) -> Vec<Slot> {
        let rows = |stride| extent(&[(self.rows, stride)], self.n);
        vec![
            Slot::Read {
                name: "x",
                dtype: self.x,
                elements: rows(self.x_stride),
            },
            Slot::Write {
                name: "y",
                dtype: self.y,
                elements: rows(self.y_stride),
            },
        ]
    }

    fn emit(&self, target: &Target) -> Result<String, KernelError> {
        self.check()?;
        let mut l = Lanes::new(target)?;
        let (x, y) = (l.slot_pointer(0), l.slot_pointer(1));
        let (lo, hi) = (Value::named("lo"), Value::named("hi"));
        l.each((&lo, &hi, 1), &[], |l, row, _| {
            let x = l.stride(&x, self.x, row, self.x_stride);
            let y = l.stride(&y, self.y, row, self.y_stride);
            self.row(l, &x, &y);
            Vec::new()
        });
        Ok(l.finish(&self.name()))
    }
}
