//! Argument slots, addresses, loads and stores.

use super::{Lanes, to_i64};
use crate::{DType, Value};

/// Powers of two that add up to `n`, largest first, each behind its offset.
fn pieces(n: usize) -> Vec<(usize, usize)> {
    let powers = (0..usize::BITS)
        .rev()
        .map(|bit| 1_usize << bit)
        .filter(|piece| n & piece != 0);
    // What lies before a piece are the larger powers in n.
    powers.map(|piece| (n & !(2 * piece - 1), piece)).collect()
}

impl Lanes<'_> {
    /// The pointer in slot `slot`.
    pub fn slot_pointer(&mut self, slot: usize) -> Value {
        self.slot(slot, "!llvm.ptr")
    }

    /// The i64 in slot `slot`.
    pub fn slot_scalar(&mut self, slot: usize) -> Value {
        self.slot(slot, "i64")
    }

    fn slot(&mut self, slot: usize, ty: &str) -> Value {
        let at = self.op(format_args!(
            "llvm.getelementptr %args[{slot}] : (!llvm.ptr) -> !llvm.ptr, i64"
        ));
        self.op(format_args!(
            "llvm.load {at} {{alignment = 8 : i64}} : !llvm.ptr -> {ty}"
        ))
    }

    /// `n` f32 on the stack, aligned to a cache line; only at the start of the function.
    pub fn stack(&mut self, n: i64) -> Value {
        let n = self.i64(n);
        self.op(format_args!(
            "llvm.alloca {n} x f32 {{alignment = 64 : i64}} : (i64) -> !llvm.ptr"
        ))
    }

    /// `base + index` elements.
    pub fn at(&mut self, base: &Value, dtype: DType, index: &Value) -> Value {
        self.op(format_args!(
            "llvm.getelementptr {base}[{index}] : (!llvm.ptr, i64) -> !llvm.ptr, {}",
            dtype.name()
        ))
    }

    /// `base + offset` elements, the offset a constant.
    pub fn offset(&mut self, base: &Value, dtype: DType, offset: i64) -> Value {
        if offset == 0 {
            return base.clone();
        }
        if i32::try_from(offset).is_err() {
            let offset = self.i64(offset);
            return self.at(base, dtype, &offset);
        }
        self.op(format_args!(
            "llvm.getelementptr {base}[{offset}] : (!llvm.ptr) -> !llvm.ptr, {}",
            dtype.name()
        ))
    }

    /// `base + i * stride` elements.
    pub fn stride(&mut self, base: &Value, dtype: DType, i: &Value, stride: i64) -> Value {
        let index = self.int_c("muli", i, stride);
        self.at(base, dtype, &index)
    }

    /// `n` elements from `at` on, unconverted, one in each lane; further lanes repeat some of them.
    pub fn load_raw(&mut self, at: &Value, dtype: DType, n: usize) -> Value {
        let (lanes, ty, bytes) = (self.lanes, dtype.name(), dtype.bytes());
        let mut whole: Option<Value> = None;
        for (offset, piece) in pieces(n) {
            let p = self.offset(at, dtype, to_i64(offset));
            let part = self.op(format_args!(
                "llvm.load {p} {{alignment = {bytes} : i64}} : !llvm.ptr -> vector<{piece}x{ty}>"
            ));
            if piece == lanes {
                return part;
            }
            let wide: Vec<usize> = (0..lanes).map(|i| i % piece).collect();
            let wide = self.shuffle(&part, &part, (piece, ty), &wide);
            whole = Some(match whole {
                None => wide,
                Some(rest) => {
                    let mix: Vec<usize> = (0..lanes)
                        .map(|i| if i < offset { i } else { lanes + i - offset })
                        .collect();
                    self.shuffle(&rest, &wide, (lanes, ty), &mix)
                }
            });
        }
        whole.expect("at least one element")
    }

    /// `n` elements from `at` on as f32, further lanes hold `fill`.
    pub fn load(&mut self, at: &Value, dtype: DType, n: usize, fill: f32) -> Value {
        let raw = self.load_raw(at, dtype, n);
        let x = self.extend(&raw, dtype);
        if n == self.lanes {
            return x;
        }
        let (mask, fill) = (self.first(n), self.splat(fill));
        self.choose(&mask, &x, &fill, DType::F32)
    }

    /// A vector of floats as f32.
    pub fn extend(&mut self, x: &Value, dtype: DType) -> Value {
        if dtype == DType::F32 {
            return x.clone();
        }
        let (from, to) = (self.vector(dtype), self.v());
        self.op(format_args!("arith.extf {x} : {from} to {to}"))
    }

    /// A vector of f32, rounded to `dtype`.
    pub fn round(&mut self, x: &Value, dtype: DType) -> Value {
        if dtype == DType::F32 {
            return x.clone();
        }
        if dtype == DType::BF16 {
            return self.round_to_bf16(x);
        }
        let (from, to) = (self.v(), self.vector(dtype));
        self.op(format_args!("arith.truncf {x} : {from} to {to}"))
    }

    /// The upper halves, to nearest, ties to even; a NaN stays one. (`arith.truncf` becomes a call for each lane where the core has no
    /// instruction, and loses subnormal numbers where it has one.)
    fn round_to_bf16(&mut self, x: &Value) -> Value {
        let (n, v, i) = (self.lanes, self.v(), self.vector(DType::I32));
        let [half, one, width, quiet] =
            [0x7FFF, 1, 16, 0x0040].map(|n| self.splat_int(n, DType::I32));
        let bits = self.op(format_args!("arith.bitcast {x} : {v} to {i}"));
        let mut int =
            |op: &str, a: &Value, b: &Value| self.op(format_args!("arith.{op} {a}, {b} : {i}"));
        let upper = int("shrui", &bits, &width);
        let odd = int("andi", &upper, &one);
        let up = int("addi", &bits, &half);
        let up = int("addi", &up, &odd);
        let rounded = int("shrui", &up, &width);
        let nan = int("ori", &upper, &quiet);
        let is_nan = self.compare("uno", x, x);
        let bits = self.choose(&is_nan, &nan, &rounded, DType::I32);
        let bits = self.op(format_args!("arith.trunci {bits} : {i} to vector<{n}xi16>"));
        self.op(format_args!(
            "arith.bitcast {bits} : vector<{n}xi16> to vector<{n}xbf16>"
        ))
    }

    /// Stores the first `n` lanes of a vector of `dtype` at `at`.
    pub fn store_raw(&mut self, at: &Value, x: &Value, dtype: DType, n: usize) {
        let (lanes, ty, bytes) = (self.lanes, dtype.name(), dtype.bytes());
        for (offset, piece) in pieces(n) {
            let part = if piece == lanes {
                x.clone()
            } else {
                let these: Vec<usize> = (offset..offset + piece).collect();
                self.shuffle(x, x, (lanes, ty), &these)
            };
            let p = self.offset(at, dtype, to_i64(offset));
            self.line(format_args!("llvm.store {part}, {p} {{alignment = {bytes} : i64}} : vector<{piece}x{ty}>, !llvm.ptr"));
        }
    }

    /// Rounds a vector of f32 to `dtype` and stores its first `n` lanes at `at`.
    pub fn store(&mut self, at: &Value, x: &Value, dtype: DType, n: usize) {
        let x = self.round(x, dtype);
        self.store_raw(at, &x, dtype, n);
    }

    /// Pointers to neighbouring vectors: `base + index`, one vector further, and so on.
    pub fn places(
        &mut self,
        (base, dtype): (&Value, DType),
        index: &Value,
        n: usize,
    ) -> Vec<Value> {
        let at = self.at(base, dtype, index);
        (0..n)
            .map(|i| self.offset(&at, dtype, to_i64(i * self.lanes)))
            .collect()
    }

    /// Neighbouring vectors from `base + index` on as f32, `counts` elements each.
    pub fn loads(
        &mut self,
        base: (&Value, DType),
        index: &Value,
        counts: &[usize],
        fill: f32,
    ) -> Vec<Value> {
        let places = self.places(base, index, counts.len());
        places
            .iter()
            .zip(counts)
            .map(|(at, &n)| self.load(at, base.1, n, fill))
            .collect()
    }

    /// Rounds and stores what [`Lanes::loads`] would load.
    pub fn stores(&mut self, base: (&Value, DType), index: &Value, counts: &[usize], xs: &[Value]) {
        let places = self.places(base, index, counts.len());
        for ((at, &n), x) in places.iter().zip(counts).zip(xs) {
            self.store(at, x, base.1, n);
        }
    }
}
