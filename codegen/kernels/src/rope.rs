//! Rotary position embedding: pairs (a, b) of a row of D become (a c - b s, b c + a s), with c and s from rows of tables.
//!
//! Units are the rows of x `[A, B, D]`, A-major. Slots: x, cos `[M, D/2]`, sin `[M, D/2]`, y; M is A or B; y may be x.

use crate::lanes::{Accumulators, Lanes, extent, float, sizes, stride, unsupported};
use crate::{DType, Emit, KernelError, Slot, Target, Value};

/// Which elements of a row make a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pairing {
    /// i and i + D/2.
    Half,
    /// 2i and 2i + 1.
    Interleaved,
}

/// Distances between the rows of an operand `[A, B, D]`, elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Strides {
    /// From a to a + 1.
    pub a: i64,
    /// From b to b + 1.
    pub b: i64,
}

/// Rotary position embedding.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    /// Size of the first dimension.
    pub a: i64,
    /// Size of the second dimension.
    pub b: i64,
    /// Elements D of a row, even.
    pub d: i64,
    /// 0 or 1: which of the two dimensions counts tokens.
    pub token_dim: u32,
    /// Which elements make a pair.
    pub pairing: Pairing,
    /// Type of x.
    pub x: DType,
    /// Rows of x.
    pub x_strides: Strides,
    /// Type of the table of cosines.
    pub cos: DType,
    /// Type of the table of sines.
    pub sin: DType,
    /// Type of y.
    pub y: DType,
    /// Rows of y.
    pub y_strides: Strides,
}

impl Rope {
    fn tokens(&self) -> i64 {
        if self.token_dim == 0 { self.a } else { self.b }
    }

    pub(crate) fn check(&self) -> Result<(), KernelError> {
        sizes("rope", &[self.a, self.b, self.d])?;
        for (what, dtype) in [
            ("x", self.x),
            ("cos", self.cos),
            ("sin", self.sin),
            ("y", self.y),
        ] {
            float(what, dtype)?;
        }
        for (what, strides) in [("x", self.x_strides), ("y", self.y_strides)] {
            stride(what, strides.a, self.d)?;
            stride(what, strides.b, self.d)?;
        }
        if self.d % 2 != 0 || self.token_dim > 1 {
            return unsupported(format!(
                "rope: rows of {} elements and token_dim {}: D must be even, token_dim 0 or 1",
                self.d, self.token_dim
            ));
        }
        Ok(())
    }

    /// The rotated pairs of one vector each.
    fn rotate(l: &mut Lanes, (a, b): (&Value, &Value), (c, s): (&Value, &Value)) -> (Value, Value) {
        let bs = l.binary("mulf", b, s);
        let minus = l.unary("arith.negf", &bs);
        let first = l.fma(a, c, &minus);
        let bc = l.binary("mulf", b, c);
        (first, l.fma(a, s, &bc))
    }

    /// One row; x and y are pointers to it, c and s to the token's angles.
    fn row(&self, l: &mut Lanes, (x, c, s, y): (&Value, &Value, &Value, &Value)) {
        let half = self.d / 2;
        let (upper_x, upper_y) = (l.offset(x, self.x, half), l.offset(y, self.y, half));
        l.row_of(half, &Accumulators::none(2), &mut |l, i, counts, _| {
            let cs = l.loads((c, self.cos), i, counts, 0.0);
            let ss = l.loads((s, self.sin), i, counts, 0.0);
            if self.pairing == Pairing::Half {
                let lows = l.loads((x, self.x), i, counts, 0.0);
                let highs = l.loads((&upper_x, self.x), i, counts, 0.0);
                let pairs: Vec<_> = (0..counts.len())
                    .map(|k| Self::rotate(l, (&lows[k], &highs[k]), (&cs[k], &ss[k])))
                    .collect();
                let (lows, highs): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
                l.stores((y, self.y), i, counts, &lows);
                l.stores((&upper_y, self.y), i, counts, &highs);
                return Vec::new();
            }
            let i = l.int("addi", i, i);
            let both = split(counts, l.lanes);
            let xs = l.loads((x, self.x), &i, &both, 0.0);
            let ys: Vec<Value> = (0..counts.len())
                .flat_map(|k| Self::interleaved(l, &xs, k, (&cs[k], &ss[k])))
                .collect();
            l.stores((y, self.y), &i, &both, &ys[..both.len()]);
            Vec::new()
        });
    }

    /// The `k`-th two vectors of a row of neighbouring pairs, rotated.
    fn interleaved(l: &mut Lanes, xs: &[Value], k: usize, angles: (&Value, &Value)) -> [Value; 2] {
        let n = l.lanes;
        let low = &xs[2 * k];
        let high = xs.get(2 * k + 1).unwrap_or(low);
        let lanes = |first: usize| -> Vec<usize> { (0..n).map(|i| 2 * i + first).collect() };
        let a = l.shuffle(low, high, (n, "f32"), &lanes(0));
        let b = l.shuffle(low, high, (n, "f32"), &lanes(1));
        let (a, b) = Self::rotate(l, (&a, &b), angles);
        let zipped: Vec<usize> = (0..n).flat_map(|i| [i, n + i]).collect();
        [
            l.shuffle(&a, &b, (n, "f32"), &zipped[..n]),
            l.shuffle(&a, &b, (n, "f32"), &zipped[n..]),
        ]
    }
}

/// The counts of the vectors that hold two elements for each one in `counts`.
fn split(counts: &[usize], lanes: usize) -> Vec<usize> {
    counts
        .iter()
        .flat_map(|&n| [(2 * n).min(lanes), (2 * n).saturating_sub(lanes)])
        .filter(|&n| n > 0)
        .collect()
}

impl Emit for Rope {
    fn name(&self) -> String {
        let pairing = if self.pairing == Pairing::Half {
            "half"
        } else {
            "interleaved"
        };
        let (x, y) = (self.x_strides, self.y_strides);
        format!(
            "rope_{pairing}_b{}_d{}_t{}_x{}s{}s{}_c{}_s{}_y{}s{}s{}",
            self.b,
            self.d,
            self.token_dim,
            self.x.name(),
            x.a,
            x.b,
            self.cos.name(),
            self.sin.name(),
            self.y.name(),
            y.a,
            y.b
        )
    }

    fn units(&self) -> i64 {
        self.a * self.b
    }

    fn grain(&self, _target: &Target) -> i64 {
        1
    }

    fn slots(&self) -> Vec<Slot> {
        let rows = |strides: Strides| extent(&[(self.a, strides.a), (self.b, strides.b)], self.d);
        let angles = self.tokens() * (self.d / 2);
        vec![
            Slot::Read {
                name: "x",
                dtype: self.x,
                elements: rows(self.x_strides),
            },
            Slot::Read {
                name: "cos",
                dtype: self.cos,
                elements: angles,
            },
            Slot::Read {
                name: "sin",
                dtype: self.sin,
                elements: angles,
            },
            Slot::Write {
                name: "y",
                dtype: self.y,
                elements: rows(self.y_strides),
            },
        ]
    }

    fn emit(&self, target: &Target) -> Result<String, KernelError> {
        self.check()?;
        let mut l = Lanes::new(target)?;
        let [x, c, s, y] = [0, 1, 2, 3].map(|slot| l.slot_pointer(slot));
        let (lo, hi) = (Value::named("lo"), Value::named("hi"));
        l.each((&lo, &hi, 1), &[], |l, unit, _| {
            let (a, b) = (
                l.int_c("divsi", unit, self.b),
                l.int_c("remsi", unit, self.b),
            );
            let token = if self.token_dim == 0 { &a } else { &b };
            let mut place = |base: &Value, dtype, strides: Strides| {
                let base = l.stride(base, dtype, &a, strides.a);
                l.stride(&base, dtype, &b, strides.b)
            };
            let (x, y) = (
                place(&x, self.x, self.x_strides),
                place(&y, self.y, self.y_strides),
            );
            let (c, s) = (
                l.stride(&c, self.cos, token, self.d / 2),
                l.stride(&s, self.sin, token, self.d / 2),
            );
            self.row(l, (&x, &c, &s, &y));
            Vec::new()
        });
        Ok(l.finish(&self.name()))
    }
}
