//! Rows scaled to one size: `rms`: `x / sqrt(mean(x^2) + eps) * (offset + w) [+ bias]`; `layer`: `(x - mean) / sqrt(var + eps) * w + bias`.
//!
//! Units are rows. Slots: x, weight, bias if there is one, y; y may be x.

use crate::lanes::{Accumulators, Lanes, extent, float, sizes, stride, unsupported};
use crate::{DType, Emit, KernelError, Slot, Target, Value};

/// What a row is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NormKind {
    /// Root of the mean square.
    Rms,
    /// Standard deviation, after the mean is subtracted.
    Layer,
}

/// Normalisation of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Norm {
    /// What a row is divided by.
    pub kind: NormKind,
    /// Rows R.
    pub rows: i64,
    /// Elements N of a row.
    pub n: i64,
    /// Type of x `[R, N]`.
    pub x: DType,
    /// Distance of x's rows, elements.
    pub x_stride: i64,
    /// Type of the weight `[N]`.
    pub weight: DType,
    /// Type of the bias `[N]`, if there is one.
    pub bias: Option<DType>,
    /// Type of y `[R, N]`.
    pub y: DType,
    /// Distance of y's rows, elements.
    pub y_stride: i64,
    /// Added to the mean square or the variance.
    pub eps: f32,
    /// Added to each weight.
    pub weight_offset: f32,
}

impl Norm {
    pub(crate) fn check(&self) -> Result<(), KernelError> {
        sizes("norm", &[self.rows, self.n])?;
        sizes("norm", &[self.rows, self.x_stride.max(self.y_stride)])?;
        stride("x", self.x_stride, self.n)?;
        stride("y", self.y_stride, self.n)?;
        for (what, dtype) in [
            ("x", self.x),
            ("the weight", self.weight),
            ("the bias", self.bias.unwrap_or(self.x)),
            ("y", self.y),
        ] {
            float(what, dtype)?;
        }
        if !(self.eps.is_finite() && self.weight_offset.is_finite()) {
            return unsupported("norm: eps and weight_offset must be finite");
        }
        Ok(())
    }

    /// Sum over the row of x (`mean` is none), or of the squares of x - mean.
    fn sum(&self, l: &mut Lanes, x: &Value, square: bool, mean: Option<&Value>) -> Value {
        let zero = l.splat(0.0);
        let inits = Accumulators::of(l.side_by_side(), &zero);
        let sums = l.row_of(self.n, &inits, &mut |l, i, counts, sums| {
            let mut xs = l.loads((x, self.x), i, counts, 0.0);
            if let Some(mean) = mean {
                xs = xs.iter().map(|x| l.binary("subf", x, mean)).collect();
                if let Some((tail, &n)) = xs
                    .last_mut()
                    .zip(counts.last())
                    .filter(|(_, n)| **n < l.lanes)
                {
                    let mask = l.first(n);
                    *tail = l.choose(&mask, tail, &zero, DType::F32);
                }
            }
            let pairs = xs.iter().zip(sums);
            pairs
                .map(|(x, sum)| {
                    if square {
                        l.fma(x, x, sum)
                    } else {
                        l.binary("addf", sum, x)
                    }
                })
                .collect()
        });
        let sum = l.add_all(&sums);
        l.sum(&sum)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "rows are shorter than 2^24 or the rounding of 1/N does not matter"
    )]
    fn row(&self, l: &mut Lanes, (x, weight, bias, y): (&Value, &Value, Option<&Value>, &Value)) {
        let count = l.f32(self.n as f32);
        let mean = (self.kind == NormKind::Layer).then(|| {
            let sum = self.sum(l, x, false, None);
            let mean = l.op(format_args!("arith.divf {sum}, {count} : f32"));
            l.broadcast(&mean)
        });
        let squares = self.sum(l, x, true, mean.as_ref());
        let (eps, one) = (l.f32(self.eps), l.f32(1.0));
        let mean_square = l.op(format_args!("arith.divf {squares}, {count} : f32"));
        let size = l.op(format_args!("arith.addf {mean_square}, {eps} : f32"));
        let size = l.op(format_args!("math.sqrt {size} : f32"));
        let factor = l.op(format_args!("arith.divf {one}, {size} : f32"));
        let factor = l.broadcast(&factor);
        let offset = l.splat(self.weight_offset);
        l.row_of(
            self.n,
            &Accumulators::none(l.side_by_side()),
            &mut |l, i, counts, _| {
                let xs = l.loads((x, self.x), i, counts, 0.0);
                let ws = l.loads((weight, self.weight), i, counts, 0.0);
                let bs = bias.map(|b| l.loads((b, self.bias.unwrap_or(self.x)), i, counts, 0.0));
                let mut ys = Vec::new();
                for (k, (x, w)) in xs.iter().zip(&ws).enumerate() {
                    let x = mean
                        .as_ref()
                        .map_or_else(|| x.clone(), |mean| l.binary("subf", x, mean));
                    let x = l.binary("mulf", &x, &factor);
                    let w = if self.weight_offset == 0.0 {
                        w.clone()
                    } else {
                        l.binary("addf", w, &offset)
                    };
                    ys.push(match &bs {
                        Some(bs) => l.fma(&x, &w, &bs[k]),
                        None => l.binary("mulf", &x, &w),
                    });
                }
                l.stores((y, self.y), i, counts, &ys);
                Vec::new()
            },
        );
    }
}

impl Emit for Norm {
    fn name(&self) -> String {
        let kind = if self.kind == NormKind::Rms {
            "rms"
        } else {
            "layer"
        };
        let bias = self.bias.map_or("none", DType::name);
        format!(
            "norm_{kind}_n{}_x{}s{}_w{}_b{bias}_y{}s{}_e{:08x}_o{:08x}",
            self.n,
            self.x.name(),
            self.x_stride,
            self.weight.name(),
            self.y.name(),
            self.y_stride,
            self.eps.to_bits(),
            self.weight_offset.to_bits()
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
        let mut slots = vec![
            Slot::Read {
                name: "x",
                dtype: self.x,
                elements: rows(self.x_stride),
            },
            Slot::Read {
                name: "weight",
                dtype: self.weight,
                elements: self.n,
            },
        ];
        slots.extend(self.bias.map(|dtype| Slot::Read {
            name: "bias",
            dtype,
            elements: self.n,
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
        let (x, weight) = (l.slot_pointer(0), l.slot_pointer(1));
        let bias = self.bias.map(|_| l.slot_pointer(2));
        let y = l.slot_pointer(if bias.is_some() { 3 } else { 2 });
        let (lo, hi) = (Value::named("lo"), Value::named("hi"));
        l.each((&lo, &hi, 1), &[], |l, row, _| {
            let x = l.stride(&x, self.x, row, self.x_stride);
            let y = l.stride(&y, self.y, row, self.y_stride);
            self.row(l, (&x, &weight, bias.as_ref(), &y));
            Vec::new()
        });
        Ok(l.finish(&self.name()))
    }
}
