//! `y = f(x) [* up]`, element by element, rounded once.
//!
//! Units are blocks of up to 256 elements of a row, row by row, so that one token can be split over cores. Slots: x, up if there is one, y;
//! y may be x or up.

use crate::lanes::{Accumulators, Lanes, extent, float, sizes, stride};
use crate::mathfn::Function;
use crate::{DType, Emit, KernelError, Slot, Target, Value};

/// Elements of a unit.
const BLOCK: i64 = 256;

/// A function of each element.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// f.
    pub function: Function,
    /// Rows R.
    pub rows: i64,
    /// Elements N of a row.
    pub n: i64,
    /// Type of x `[R, N]`.
    pub x: DType,
    /// Distance of x's rows, elements.
    pub x_stride: i64,
    /// Type and distance of rows of the factor `[R, N]`, if there is one.
    pub up: Option<(DType, i64)>,
    /// Type of y `[R, N]`.
    pub y: DType,
    /// Distance of y's rows, elements.
    pub y_stride: i64,
}

impl Activation {
    fn blocks(&self) -> i64 {
        (self.n + BLOCK - 1) / BLOCK
    }

    pub(crate) fn check(&self) -> Result<(), KernelError> {
        let (up, up_stride) = self.up.unwrap_or((self.x, self.x_stride));
        sizes("activation", &[self.rows, self.n])?;
        sizes(
            "activation",
            &[self.rows, self.x_stride.max(self.y_stride).max(up_stride)],
        )?;
        for (what, dtype, distance) in [
            ("x", self.x, self.x_stride),
            ("up", up, up_stride),
            ("y", self.y, self.y_stride),
        ] {
            float(what, dtype)?;
            stride(what, distance, self.n)?;
        }
        Ok(())
    }

    /// `n` elements from the given pointers on.
    fn block(&self, l: &mut Lanes, n: i64, (x, up, y): (&Value, Option<&(Value, DType)>, &Value)) {
        l.row_of(
            n,
            &Accumulators::none(l.apply_side()),
            &mut |l, i, counts, _| {
                let xs = l.loads((x, self.x), i, counts, 0.0);
                let mut ys = l.apply(self.function, &xs);
                if let Some((up, dtype)) = up {
                    let ups = l.loads((up, *dtype), i, counts, 0.0);
                    ys = ys
                        .iter()
                        .zip(&ups)
                        .map(|(y, up)| l.binary("mulf", y, up))
                        .collect();
                }
                l.stores((y, self.y), i, counts, &ys);
                Vec::new()
            },
        );
    }
}

impl Emit for Activation {
    fn name(&self) -> String {
        let up = self.up.map_or_else(String::new, |(dtype, stride)| {
            format!("_u{}s{stride}", dtype.name())
        });
        let (x, y) = (self.x.name(), self.y.name());
        format!(
            "activation_{}_n{}_x{x}s{}{up}_y{y}s{}",
            self.function.name(),
            self.n,
            self.x_stride,
            self.y_stride
        )
    }

    fn units(&self) -> i64 {
        self.rows * self.blocks()
    }

    fn grain(&self, _target: &Target) -> i64 {
        1
    }

    fn slots(&self) -> Vec<Slot> {
        let rows = |stride| extent(&[(self.rows, stride)], self.n);
        let mut slots = vec![Slot::Read {
            name: "x",
            dtype: self.x,
            elements: rows(self.x_stride),
        }];
        slots.extend(self.up.map(|(dtype, stride)| Slot::Read {
            name: "up",
            dtype,
            elements: rows(stride),
        }));
        slots.push(Slot::Write {
            name: "y",
            dtype: self.y,
            elements: rows(self.y_stride),
        });
        slots
    }

    fn emit(&self, target: &Target) -> Result<String, KernelError> {
        self.check()?;
        let mut l = Lanes::new(target)?;
        let x = l.slot_pointer(0);
        let up = self
            .up
            .map(|(dtype, stride)| (l.slot_pointer(1), dtype, stride));
        let y = l.slot_pointer(if up.is_some() { 2 } else { 1 });
        let (blocks, tail) = (self.blocks(), self.n % BLOCK);
        let (lo, hi) = (Value::named("lo"), Value::named("hi"));
        l.each((&lo, &hi, 1), &[], |l, unit, _| {
            let (row, block) = (
                l.int_c("divsi", unit, blocks),
                l.int_c("remsi", unit, blocks),
            );
            let mut place = |base: &Value, dtype, stride| {
                let base = l.stride(base, dtype, &row, stride);
                l.stride(&base, dtype, &block, BLOCK)
            };
            let x = place(&x, self.x, self.x_stride);
            let up = up
                .as_ref()
                .map(|(up, dtype, stride)| (place(up, *dtype, *stride), *dtype));
            let y = place(&y, self.y, self.y_stride);
            let operands = (&x, up.as_ref(), &y);
            let last = l.i64(blocks - 1);
            if tail != 0 {
                let is_last = l.int_is("eq", &block, &last);
                l.when(&is_last, |l| self.block(l, tail, operands));
            }
            if self.n >= BLOCK {
                let predicate = if tail == 0 { "sle" } else { "slt" };
                let is_full = l.int_is(predicate, &block, &last);
                l.when(&is_full, |l| self.block(l, BLOCK, operands));
            }
            Vec::new()
        });
        Ok(l.finish(&self.name()))
    }
}
