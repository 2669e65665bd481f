//! Text of vector code of one width: constants, loads and stores of any count of elements, trees, loops.
//!
//! All arithmetic is on vectors of [`Lanes::lanes`] f32, also where fewer elements are left: such a tail is loaded in pieces of
//! powers of two and the lanes beyond it are filled, so that nothing outside of an operand is touched and a tail's elements get the
//! bits that they would get in the middle of a row.

use std::collections::HashMap;
use std::fmt::Display;

use crate::{DType, KernelError, Target, Text, Value};

mod memory;
mod rows;
mod trees;

pub(crate) use rows::{Accumulators, extent, float, sizes, stride, unsupported};

/// A kernel's body under construction.
pub(crate) struct Lanes<'t> {
    /// What the text is for.
    pub target: &'t Target,
    /// f32 in a vector.
    pub lanes: usize,
    text: Text,
    constants: Vec<String>,
    known: HashMap<String, Value>,
}

/// A loop's variable: its type and its value before the first iteration.
pub(crate) struct Carried {
    /// MLIR type.
    pub ty: String,
    /// Value before the first iteration.
    pub init: Value,
}

/// A float as MLIR reads it, to the bit.
pub(crate) fn float_literal(x: f32) -> String {
    if !x.is_finite() {
        return format!("0x{:08X}", x.to_bits());
    }
    let text = format!("{x:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => text,
    }
}

fn types(carried: &[Carried]) -> String {
    carried
        .iter()
        .map(|c| c.ty.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// A small count as the integer of shapes.
pub(crate) fn to_i64(n: usize) -> i64 {
    i64::try_from(n).expect("counts within a kernel are small")
}

impl<'t> Lanes<'t> {
    /// An empty body, inside of the function's braces.
    ///
    /// # Errors
    /// Vectors of a width that kernels are not written for.
    pub fn new(target: &'t Target) -> Result<Self, KernelError> {
        let lanes = target.lanes();
        if ![4, 8, 16].contains(&lanes) {
            return unsupported(format!(
                "vectors of {} bits: kernels are written for 128, 256 and 512",
                target.vector_bits
            ));
        }
        Ok(Lanes {
            target,
            lanes,
            text: Text::new(),
            constants: Vec::new(),
            known: HashMap::new(),
        })
    }

    /// Vectors that are worked on side by side: enough for the latency of a chain, few enough for the registers.
    pub fn side_by_side(&self) -> usize {
        if self.target.vector_registers >= 32 {
            4
        } else {
            2
        }
    }

    /// The function, with the constants first.
    pub fn finish(self, name: &str) -> String {
        let mut text = Text::new();
        text.open(format_args!(
            "func.func private @{name}(%args: !llvm.ptr, %lo: i64, %hi: i64) {{"
        ));
        for line in self
            .constants
            .iter()
            .map(String::as_str)
            .chain(self.text.finish().lines())
        {
            text.line(line);
        }
        text.line("return");
        text.close("}");
        text.finish()
    }

    /// `%fresh = op`.
    pub fn op(&mut self, op: impl Display) -> Value {
        self.text.op(op)
    }

    /// A line of its own.
    pub fn line(&mut self, line: impl Display) {
        self.text.line(line);
    }

    /// The type of a vector of `dtype`, one element per lane.
    pub fn vector(&self, dtype: DType) -> String {
        format!("vector<{}x{}>", self.lanes, dtype.name())
    }

    /// The type of a vector of f32.
    pub fn v(&self) -> String {
        self.vector(DType::F32)
    }

    fn constant(&mut self, what: String) -> Value {
        if let Some(value) = self.known.get(&what) {
            return value.clone();
        }
        let value = Value::named(&format!("c{}", self.constants.len()));
        self.constants
            .push(format!("{value} = arith.constant {what}"));
        self.known.insert(what, value.clone());
        value
    }

    /// An i64 constant.
    pub fn i64(&mut self, n: i64) -> Value {
        self.constant(format!("{n} : i64"))
    }

    /// An i32 constant.
    pub fn i32(&mut self, n: i32) -> Value {
        self.constant(format!("{n} : i32"))
    }

    /// An f32 constant.
    pub fn f32(&mut self, x: f32) -> Value {
        self.constant(format!("{} : f32", float_literal(x)))
    }

    /// A vector of one f32 constant.
    pub fn splat(&mut self, x: f32) -> Value {
        let v = self.v();
        self.constant(format!("dense<{}> : {v}", float_literal(x)))
    }

    /// A vector of one i8 or i32 constant.
    pub fn splat_int(&mut self, n: i32, dtype: DType) -> Value {
        let v = self.vector(dtype);
        self.constant(format!("dense<{n}> : {v}"))
    }

    /// The vector 0, 1, 2 ... of i32.
    pub fn iota(&mut self) -> Value {
        let v = self.vector(DType::I32);
        let all: Vec<String> = (0..self.lanes).map(|i| i.to_string()).collect();
        self.constant(format!("dense<[{}]> : {v}", all.join(", ")))
    }

    /// The mask of the first `n` lanes.
    pub fn first(&mut self, n: usize) -> Value {
        let lanes = self.lanes;
        let all: Vec<&str> = (0..lanes)
            .map(|i| if i < n { "true" } else { "false" })
            .collect();
        self.constant(format!("dense<[{}]> : vector<{lanes}xi1>", all.join(", ")))
    }

    /// An i64 operation on two values.
    pub fn int(&mut self, op: &str, a: &Value, b: &Value) -> Value {
        self.op(format_args!("arith.{op} {a}, {b} : i64"))
    }

    /// `a op n` in i64.
    pub fn int_c(&mut self, op: &str, a: &Value, n: i64) -> Value {
        let n = self.i64(n);
        self.int(op, a, &n)
    }

    /// A comparison of two i64.
    pub fn int_is(&mut self, predicate: &str, a: &Value, b: &Value) -> Value {
        self.op(format_args!("arith.cmpi {predicate}, {a}, {b} : i64"))
    }

    /// A loop over i64 from `lo` to `hi`; `body` gets the counter and the carried values and gives their next values.
    pub fn each(
        &mut self,
        (lo, hi, step): (&Value, &Value, i64),
        carried: &[Carried],
        body: impl FnOnce(&mut Self, &Value, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        if carried.is_empty() {
            let at = self.open_each((lo, hi, step));
            body(self, &at, &[]);
            self.close();
            return Vec::new();
        }
        let (at, inside, results) = self.open_carried((lo, hi, step), carried);
        let next = body(self, &at, &inside);
        self.close_carried(&next, carried);
        results
    }

    /// Begins a loop with carried values that [`Lanes::close_carried`] ends: its counter, the values inside, and those after it.
    pub fn open_carried(
        &mut self,
        (lo, hi, step): (&Value, &Value, i64),
        carried: &[Carried],
    ) -> (Value, Vec<Value>, Vec<Value>) {
        let (step, at) = (self.i64(step), self.text.fresh());
        let inside: Vec<Value> = carried.iter().map(|_| self.text.fresh()).collect();
        let pairs: Vec<String> = inside
            .iter()
            .zip(carried)
            .map(|(v, c)| format!("{v} = {}", c.init))
            .collect();
        let (result, n) = (self.text.fresh().to_string(), carried.len());
        let count = if n == 1 {
            String::new()
        } else {
            format!(":{n}")
        };
        self.text.open(format_args!(
            "{result}{count} = scf.for {at} = {lo} to {hi} step {step} iter_args({}) -> ({}) : i64 {{",
            pairs.join(", "),
            types(carried)
        ));
        let name = &result[1..];
        let results = if n == 1 {
            vec![Value::named(name)]
        } else {
            (0..n)
                .map(|i| Value::named(&format!("{name}#{i}")))
                .collect()
        };
        (at, inside, results)
    }

    /// Ends a loop with the values for its next iteration.
    pub fn close_carried(&mut self, next: &[Value], carried: &[Carried]) {
        let next: Vec<String> = next.iter().map(ToString::to_string).collect();
        self.line(format_args!(
            "scf.yield {} : {}",
            next.join(", "),
            types(carried)
        ));
        self.close();
    }

    /// Begins a loop without carried values that [`Lanes::close`] ends; its counter.
    pub fn open_each(&mut self, (lo, hi, step): (&Value, &Value, i64)) -> Value {
        let (step, at) = (self.i64(step), self.text.fresh());
        self.text.open(format_args!(
            "scf.for {at} = {lo} to {hi} step {step} : i64 {{"
        ));
        at
    }

    /// Begins what runs if `condition` holds, until [`Lanes::close`].
    pub fn open_when(&mut self, condition: &Value) {
        self.text.open(format_args!("scf.if {condition} {{"));
    }

    /// Ends a loop or condition.
    pub fn close(&mut self) {
        self.text.close("}");
    }

    /// What stands in `body` runs if `condition` holds.
    pub fn when(&mut self, condition: &Value, body: impl FnOnce(&mut Self)) {
        self.open_when(condition);
        body(self);
        self.close();
    }

    /// A vector with `x` in each lane.
    pub fn broadcast(&mut self, x: &Value) -> Value {
        let v = self.v();
        self.op(format_args!("vector.broadcast {x} : f32 to {v}"))
    }

    /// `op` on one vector of f32.
    pub fn unary(&mut self, op: &str, x: &Value) -> Value {
        let v = self.v();
        self.op(format_args!("{op} {x} : {v}"))
    }

    /// `arith.op` on two vectors of f32.
    pub fn binary(&mut self, op: &str, a: &Value, b: &Value) -> Value {
        let v = self.v();
        self.op(format_args!("arith.{op} {a}, {b} : {v}"))
    }

    /// `a * b + c`, rounded once. (`vector.fma` would become `llvm.fmuladd`, which may round twice.)
    pub fn fma(&mut self, a: &Value, b: &Value, c: &Value) -> Value {
        let v = self.v();
        self.op(format_args!("math.fma {a}, {b}, {c} : {v}"))
    }

    /// A comparison of vectors of f32.
    pub fn compare(&mut self, predicate: &str, a: &Value, b: &Value) -> Value {
        let v = self.v();
        self.op(format_args!("arith.cmpf {predicate}, {a}, {b} : {v}"))
    }

    /// Lane by lane, `a` where `mask` holds, else `b`; vectors of `dtype`.
    pub fn choose(&mut self, mask: &Value, a: &Value, b: &Value, dtype: DType) -> Value {
        let (lanes, v) = (self.lanes, self.vector(dtype));
        self.op(format_args!(
            "arith.select {mask}, {a}, {b} : vector<{lanes}xi1>, {v}"
        ))
    }

    /// The larger of `a` and `b`; `b` where either is a NaN.
    pub fn larger(&mut self, a: &Value, b: &Value) -> Value {
        let mask = self.compare("ogt", a, b);
        self.choose(&mask, a, b, DType::F32)
    }

    /// The smaller of `a` and `b`; `b` where either is a NaN.
    pub fn smaller(&mut self, a: &Value, b: &Value) -> Value {
        let mask = self.compare("olt", a, b);
        self.choose(&mask, a, b, DType::F32)
    }
}
