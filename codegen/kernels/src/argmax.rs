//! Index of the largest element of each row: the first of equals; a NaN never wins; 0 for a row of NaNs.
//!
//! Units are rows. Slots: x `[M, V]`, ids `[M]`.

use crate::lanes::{Carried, Lanes, extent, float, sizes, stride, to_i64, unsupported};
use crate::{DType, Emit, KernelError, Slot, Target, Value};

/// Index of the largest element.
#[derive(Clone, Debug, PartialEq)]
pub struct Argmax {
    /// Rows M.
    pub m: i64,
    /// Elements V of a row, below 2^31.
    pub v: i64,
    /// Type of x `[M, V]`.
    pub x: DType,
    /// Distance of x's rows, elements.
    pub x_stride: i64,
    /// Type of the result: i32 or i64.
    pub ids: DType,
}

/// Values and their indices, lane by lane, or halves of lanes.
#[derive(Clone)]
struct Best {
    value: Value,
    index: Value,
}

impl Argmax {
    pub(crate) fn check(&self) -> Result<(), KernelError> {
        sizes("argmax", &[self.m, self.v])?;
        sizes("argmax", &[self.m, self.x_stride])?;
        float("x", self.x)?;
        stride("x", self.x_stride, self.v)?;
        if !matches!(self.ids, DType::I32 | DType::I64) || i32::try_from(self.v).is_err() {
            return unsupported(format!(
                "argmax of rows of {} to {}: rows are shorter than 2^31, ids i32 or i64",
                self.v,
                self.ids.name()
            ));
        }
        Ok(())
    }

    /// One pass: in each lane of some vectors the largest element so far and which vector it was in; strictly larger ones win.
    fn pass(&self, l: &mut Lanes, x: &Value) -> Vec<Best> {
        let side = l.side_by_side();
        let (floats, ints, lanes) = (l.v(), l.vector(DType::I32), to_i64(l.lanes));
        let wide = lanes * to_i64(side);
        let full = self.v - self.v % wide;
        let (least, none) = (
            l.splat(f32::NEG_INFINITY),
            l.splat_int(i32::MAX, DType::I32),
        );
        let carry = |ty: &String, init: &Value| Carried {
            ty: ty.clone(),
            init: init.clone(),
        };
        let mut carried: Vec<Carried> = (0..side)
            .flat_map(|_| [carry(&floats, &least), carry(&ints, &none)])
            .collect();
        let (from, to) = (l.i64(0), l.i64(full));
        if full > 0 {
            let counts = vec![l.lanes; side];
            let next = l.each((&from, &to, wide), &carried, |l, i, state| {
                self.step(l, (x, i), &counts, state)
            });
            carried
                .iter_mut()
                .zip(next)
                .for_each(|(c, next)| c.init = next);
        }
        let mut state: Vec<Value> = carried.into_iter().map(|c| c.init).collect();
        let left = usize::try_from(self.v - full).expect("less than a few vectors");
        if left > 0 {
            let counts: Vec<usize> = (0..left)
                .step_by(l.lanes)
                .map(|i| l.lanes.min(left - i))
                .collect();
            let used = 2 * counts.len();
            let next = self.step(l, (x, &to), &counts, &state[..used]);
            state.splice(..used, next);
        }
        state
            .chunks(2)
            .map(|pair| Best {
                value: pair[0].clone(),
                index: pair[1].clone(),
            })
            .collect()
    }

    fn step(
        &self,
        l: &mut Lanes,
        (x, i): (&Value, &Value),
        counts: &[usize],
        state: &[Value],
    ) -> Vec<Value> {
        let ints = l.vector(DType::I32);
        let at = l.op(format_args!("arith.trunci {i} : i64 to i32"));
        let at = l.op(format_args!("vector.broadcast {at} : i32 to {ints}"));
        let xs = l.loads((x, self.x), i, counts, f32::NEG_INFINITY);
        let mut next = Vec::new();
        for (best, x) in state.chunks(2).zip(&xs) {
            let wins = l.compare("ogt", x, &best[0]);
            next.push(l.choose(&wins, x, &best[0], DType::F32));
            next.push(l.choose(&wins, &at, &best[1], DType::I32));
        }
        next
    }

    /// The better of two, lane by lane: the larger, the earlier of equals.
    fn better(l: &mut Lanes, a: &Best, b: &Best, n: usize) -> Best {
        let (floats, ints, bits) = (
            format!("vector<{n}xf32>"),
            format!("vector<{n}xi32>"),
            format!("vector<{n}xi1>"),
        );
        let larger = l.op(format_args!(
            "arith.cmpf ogt, {}, {} : {floats}",
            b.value, a.value
        ));
        let same = l.op(format_args!(
            "arith.cmpf oeq, {}, {} : {floats}",
            b.value, a.value
        ));
        let earlier = l.op(format_args!(
            "arith.cmpi slt, {}, {} : {ints}",
            b.index, a.index
        ));
        let earlier = l.op(format_args!("arith.andi {same}, {earlier} : {bits}"));
        let wins = l.op(format_args!("arith.ori {larger}, {earlier} : {bits}"));
        Best {
            value: l.op(format_args!(
                "arith.select {wins}, {}, {} : {bits}, {floats}",
                b.value, a.value
            )),
            index: l.op(format_args!(
                "arith.select {wins}, {}, {} : {bits}, {ints}",
                b.index, a.index
            )),
        }
    }

    /// The element index of each lane's winner: what is recorded is where its vectors began.
    fn number(l: &mut Lanes, bests: &[Best]) -> Vec<Best> {
        let (ints, none, iota) = (
            l.vector(DType::I32),
            l.splat_int(i32::MAX, DType::I32),
            l.iota(),
        );
        let lanes = l.lanes;
        let mut numbered = Vec::new();
        for (k, best) in bests.iter().enumerate() {
            let start = i32::try_from(k * lanes).expect("a few vectors");
            let offset = l.splat_int(start, DType::I32);
            let lane = l.op(format_args!("arith.addi {iota}, {offset} : {ints}"));
            let index = l.op(format_args!("arith.addi {}, {lane} : {ints}", best.index));
            let unset = l.op(format_args!(
                "arith.cmpi eq, {}, {none} : {ints}",
                best.index
            ));
            let index = l.choose(&unset, &none, &index, DType::I32);
            numbered.push(Best {
                value: best.value.clone(),
                index,
            });
        }
        numbered
    }

    /// The index of the first -inf, or i32's largest: the answer where nothing is larger than -inf.
    fn first_least(&self, l: &mut Lanes, x: &Value) -> Value {
        let (ints, none) = (l.vector(DType::I32), l.splat_int(i32::MAX, DType::I32));
        let (least, quiet, iota) = (l.splat(f32::NEG_INFINITY), f32::NAN, l.iota());
        let lanes = to_i64(l.lanes);
        let check = |l: &mut Lanes, i: &Value, n: usize, found: &Value| {
            let at = l.at(x, self.x, i);
            let x = l.load(&at, self.x, n, quiet);
            let start = l.op(format_args!("arith.trunci {i} : i64 to i32"));
            let start = l.op(format_args!("vector.broadcast {start} : i32 to {ints}"));
            let index = l.op(format_args!("arith.addi {start}, {iota} : {ints}"));
            let is = l.compare("oeq", &x, &least);
            let index = l.choose(&is, &index, &none, DType::I32);
            l.op(format_args!("arith.minsi {found}, {index} : {ints}"))
        };
        let tail = usize::try_from(self.v % lanes).expect("below 16");
        let (from, to) = (l.i64(0), l.i64(self.v - self.v % lanes));
        let carried = [Carried {
            ty: ints.clone(),
            init: none.clone(),
        }];
        let found = l.each((&from, &to, lanes), &carried, |l, i, found| {
            vec![check(l, i, l.lanes, &found[0])]
        });
        let mut found = found[0].clone();
        if tail > 0 {
            found = check(l, &to, tail, &found);
        }
        l.op(format_args!(
            "vector.reduction <minsi>, {found} : {ints} into i32"
        ))
    }

    fn store(&self, l: &mut Lanes, at: &Value, index: &Value) {
        let (ty, bytes) = (self.ids.name(), self.ids.bytes());
        let mut id = index.clone();
        if self.ids == DType::I64 {
            id = l.op(format_args!("arith.extui {index} : i32 to i64"));
        }
        l.line(format_args!(
            "llvm.store {id}, {at} {{alignment = {bytes} : i64}} : {ty}, !llvm.ptr"
        ));
    }

    fn row(&self, l: &mut Lanes, x: &Value, at: &Value) {
        let bests = self.pass(l, x);
        let bests = Self::number(l, &bests);
        let lanes = l.lanes;
        let mut best = bests[1..]
            .iter()
            .fold(bests[0].clone(), |a, b| Self::better(l, &a, b, lanes));
        let mut n = lanes;
        while n > 1 {
            let (values, indices) = (
                l.halves(&best.value, n, "f32"),
                l.halves(&best.index, n, "i32"),
            );
            n /= 2;
            best = Self::better(
                l,
                &Best {
                    value: values.0,
                    index: indices.0,
                },
                &Best {
                    value: values.1,
                    index: indices.1,
                },
                n,
            );
        }
        let index = l.only(&best.index, "i32");
        self.store(l, at, &index);
        let none = l.i32(i32::MAX);
        let unset = l.op(format_args!("arith.cmpi eq, {index}, {none} : i32"));
        l.when(&unset, |l| {
            let first = self.first_least(l, x);
            let (zero, none) = (l.i32(0), l.i32(i32::MAX));
            let nothing = l.op(format_args!("arith.cmpi eq, {first}, {none} : i32"));
            let index = l.op(format_args!(
                "arith.select {nothing}, {zero}, {first} : i32"
            ));
            self.store(l, at, &index);
        });
    }
}

impl Emit for Argmax {
    fn name(&self) -> String {
        format!(
            "argmax_v{}_x{}s{}_{}",
            self.v,
            self.x.name(),
            self.x_stride,
            self.ids.name()
        )
    }

    fn units(&self) -> i64 {
        self.m
    }

    fn grain(&self, _target: &Target) -> i64 {
        1
    }

    fn slots(&self) -> Vec<Slot> {
        vec![
            Slot::Read {
                name: "x",
                dtype: self.x,
                elements: extent(&[(self.m, self.x_stride)], self.v),
            },
            Slot::Write {
                name: "ids",
                dtype: self.ids,
                elements: self.m,
            },
        ]
    }

    fn emit(&self, target: &Target) -> Result<String, KernelError> {
        self.check()?;
        let mut l = Lanes::new(target)?;
        let (x, ids) = (l.slot_pointer(0), l.slot_pointer(1));
        let (lo, hi) = (Value::named("lo"), Value::named("hi"));
        l.each((&lo, &hi, 1), &[], |l, row, _| {
            let x = l.stride(&x, self.x, row, self.x_stride);
            let at = l.at(&ids, self.ids, row);
            self.row(l, &x, &at);
            Vec::new()
        });
        Ok(l.finish(&self.name()))
    }
}
