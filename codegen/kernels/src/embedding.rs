//! Rows of a table, by number.
//!
//! Units are tokens. Slots: ids `[M]`, table `[V, N]`, scale if the table is quantised (`[V]` or `[V, N / group]`), y `[M, N]`, status (one i32).
//! An id outside of `[0, V)` sets the status to 1 and takes row 0; the kernel never clears the status.

use crate::lanes::{Accumulators, Lanes, extent, float, sizes, stride, unsupported};
use crate::{DType, Emit, KernelError, Slot, Target, Value};

/// How the table is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    /// Floats of this type.
    Dense(DType),
    /// One byte an element, symmetric.
    I8 {
        /// Elements of a row that share a scale, a multiple of 32; 0: the whole row.
        group: i64,
        /// f16 or f32.
        scale: DType,
    },
    /// Half a byte an element: per 32 elements 16 bytes, byte i holds element i in its low and element i + 16 in its high nibble; value =
    /// nibble - 8.
    I4 {
        /// Elements of a row that share a scale, a multiple of 32; 0: the whole row.
        group: i64,
        /// f16 or f32.
        scale: DType,
    },
}

/// Look-up of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// Tokens M.
    pub m: i64,
    /// Rows V of the table.
    pub v: i64,
    /// Elements N of a row.
    pub n: i64,
    /// Type of the ids: i32 or i64.
    pub ids: DType,
    /// The table; its rows are contiguous.
    pub table: Table,
    /// Type of y.
    pub y: DType,
    /// Distance of y's rows, elements.
    pub y_stride: i64,
}

impl Embedding {
    /// The type of the scales and how many elements share one, if there are scales.
    pub(crate) fn scale(&self) -> Option<(DType, i64)> {
        match self.table {
            Table::Dense(_) => None,
            Table::I8 { group, scale } | Table::I4 { group, scale } => {
                Some((scale, if group == 0 { self.n } else { group }))
            }
        }
    }

    /// The table's type and elements of that type in a row.
    pub(crate) fn stored(&self) -> (DType, i64) {
        match self.table {
            Table::Dense(dtype) => (dtype, self.n),
            Table::I8 { .. } => (DType::I8, self.n),
            Table::I4 { .. } => (DType::I8, self.n / 2),
        }
    }

    pub(crate) fn check(&self) -> Result<(), KernelError> {
        sizes("embedding", &[self.m, self.y_stride])?;
        sizes("embedding", &[self.v, self.n])?;
        stride("y", self.y_stride, self.n)?;
        float("y", self.y)?;
        if !matches!(self.ids, DType::I32 | DType::I64) {
            return unsupported(format!(
                "ids are {}: kernels take i32 or i64",
                self.ids.name()
            ));
        }
        if let Table::Dense(dtype) = self.table {
            return float("the table", dtype);
        }
        let (scale, group) = self.scale().expect("quantised tables have scales");
        float("the scale", scale)?;
        let blocks = matches!(self.table, Table::I4 { .. }) || group != self.n;
        if blocks && (group % 32 != 0 || self.n % group != 0) {
            return unsupported(format!(
                "a table with rows of {} and groups of {group}: groups are multiples of 32 and divide the row",
                self.n
            ));
        }
        Ok(())
    }

    /// The row of an id, which the table has: the id's, or 0 after a note in the status.
    fn checked(&self, l: &mut Lanes, ids: &Value, status: &Value, token: &Value) -> Value {
        let (ty, bytes) = (self.ids.name(), self.ids.bytes());
        let at = l.at(ids, self.ids, token);
        let mut id = l.op(format_args!(
            "llvm.load {at} {{alignment = {bytes} : i64}} : !llvm.ptr -> {ty}"
        ));
        if self.ids == DType::I32 {
            id = l.op(format_args!("arith.extsi {id} : i32 to i64"));
        }
        let (rows, zero, one) = (l.i64(self.v), l.i64(0), l.i32(1));
        let outside = l.int_is("uge", &id, &rows);
        // Cores may note the same at once.
        l.when(&outside, |l| l.line(format_args!("llvm.store {one}, {status} atomic monotonic {{alignment = 4 : i64}} : i32, !llvm.ptr")));
        l.op(format_args!("arith.select {outside}, {zero}, {id} : i64"))
    }

    fn dense(&self, l: &mut Lanes, dtype: DType, row: &Value, y: &Value) {
        l.row_of(
            self.n,
            &Accumulators::none(l.side_by_side()),
            &mut |l, i, counts, _| {
                let (from, to) = (
                    l.places((row, dtype), i, counts.len()),
                    l.places((y, self.y), i, counts.len()),
                );
                for ((from, to), &n) in from.iter().zip(&to).zip(counts) {
                    let mut x = l.load_raw(from, dtype, n);
                    if dtype != self.y {
                        x = l.extend(&x, dtype);
                        x = l.round(&x, self.y);
                    }
                    l.store_raw(to, &x, self.y, n);
                }
                Vec::new()
            },
        );
    }

    /// A vector of i8 integers as f32, times a factor.
    fn numbers(l: &mut Lanes, x: &Value, factor: &Value) -> Value {
        let (i8s, v) = (l.vector(DType::I8), l.v());
        let x = l.op(format_args!("arith.sitofp {x} : {i8s} to {v}"));
        l.binary("mulf", &x, factor)
    }

    fn factor(l: &mut Lanes, scale: &Value, dtype: DType) -> Value {
        let (ty, bytes) = (dtype.name(), dtype.bytes());
        let mut x = l.op(format_args!(
            "llvm.load {scale} {{alignment = {bytes} : i64}} : !llvm.ptr -> {ty}"
        ));
        if dtype != DType::F32 {
            x = l.op(format_args!("arith.extf {x} : {ty} to f32"));
        }
        l.broadcast(&x)
    }

    /// `n` elements of i8 with one scale.
    fn bytes(&self, l: &mut Lanes, n: i64, (from, factor, to): (&Value, &Value, &Value)) {
        l.row_of(n, &Accumulators::none(2), &mut |l, i, counts, _| {
            let places = l.places((from, DType::I8), i, counts.len());
            let mut ys = Vec::new();
            for (at, &n) in places.iter().zip(counts) {
                let x = l.load_raw(at, DType::I8, n);
                ys.push(Self::numbers(l, &x, factor));
            }
            l.stores((to, self.y), i, counts, &ys);
            Vec::new()
        });
    }

    /// `n` elements of i4 with one scale.
    fn nibbles(&self, l: &mut Lanes, n: i64, (from, factor, to): (&Value, &Value, &Value)) {
        let (zero, blocks, ty) = (l.i64(0), l.i64(n / 32), l.vector(DType::I8));
        l.each((&zero, &blocks, 1), &[], |l, block, _| {
            let (from, to) = (
                l.stride(from, DType::I8, block, 16),
                l.stride(to, self.y, block, 32),
            );
            for start in (0..16).step_by(l.lanes) {
                let at = l.offset(&from, DType::I8, start);
                let packed = l.load_raw(&at, DType::I8, l.lanes);
                let (mask, four, eight) = (
                    l.splat_int(15, DType::I8),
                    l.splat_int(4, DType::I8),
                    l.splat_int(8, DType::I8),
                );
                let low = l.op(format_args!("arith.andi {packed}, {mask} : {ty}"));
                let high = l.op(format_args!("arith.shrui {packed}, {four} : {ty}"));
                for (nibble, offset) in [(low, start), (high, start + 16)] {
                    let x = l.op(format_args!("arith.subi {nibble}, {eight} : {ty}"));
                    let y = Self::numbers(l, &x, factor);
                    let at = l.offset(&to, self.y, offset);
                    l.store(&at, &y, self.y, l.lanes);
                }
            }
            Vec::new()
        });
    }

    fn quantised(
        &self,
        l: &mut Lanes,
        (row, scale, y): (&Value, &Value, &Value),
        (dtype, group): (DType, i64),
    ) {
        let (zero, groups) = (l.i64(0), l.i64(self.n / group));
        let packed = matches!(self.table, Table::I4 { .. });
        l.each((&zero, &groups, 1), &[], |l, g, _| {
            let at = l.at(scale, dtype, g);
            let factor = Self::factor(l, &at, dtype);
            let (from, to) = (
                l.stride(row, DType::I8, g, if packed { group / 2 } else { group }),
                l.stride(y, self.y, g, group),
            );
            if packed {
                self.nibbles(l, group, (&from, &factor, &to));
            } else {
                self.bytes(l, group, (&from, &factor, &to));
            }
            Vec::new()
        });
    }
}

impl Emit for Embedding {
    fn name(&self) -> String {
        let table = match self.table {
            Table::Dense(dtype) => dtype.name().to_owned(),
            Table::I8 { group, scale } => format!("i8g{group}{}", scale.name()),
            Table::I4 { group, scale } => format!("i4g{group}{}", scale.name()),
        };
        format!(
            "embedding_v{}_n{}_{}_t{table}_y{}s{}",
            self.v,
            self.n,
            self.ids.name(),
            self.y.name(),
            self.y_stride
        )
    }

    fn units(&self) -> i64 {
        self.m
    }

    fn grain(&self, _target: &Target) -> i64 {
        1
    }

    fn slots(&self) -> Vec<Slot> {
        let (dtype, row) = self.stored();
        let mut slots = vec![
            Slot::Read {
                name: "ids",
                dtype: self.ids,
                elements: self.m,
            },
            Slot::Read {
                name: "table",
                dtype,
                elements: self.v * row,
            },
        ];
        slots.extend(self.scale().map(|(dtype, group)| Slot::Read {
            name: "scale",
            dtype,
            elements: self.v * (self.n / group),
        }));
        slots.push(Slot::Write {
            name: "y",
            dtype: self.y,
            elements: extent(&[(self.m, self.y_stride)], self.n),
        });
        slots.push(Slot::Write {
            name: "status",
            dtype: DType::I32,
            elements: 1,
        });
        slots
    }

    fn emit(&self, target: &Target) -> Result<String, KernelError> {
        self.check()?;
        let mut l = Lanes::new(target)?;
        let (ids, table) = (l.slot_pointer(0), l.slot_pointer(1));
        let scale = self.scale().map(|scale| (l.slot_pointer(2), scale));
        let next = if scale.is_some() { 3 } else { 2 };
        let (y, status) = (l.slot_pointer(next), l.slot_pointer(next + 1));
        let (dtype, row) = self.stored();
        let (lo, hi) = (Value::named("lo"), Value::named("hi"));
        l.each((&lo, &hi, 1), &[], |l, token, _| {
            let id = self.checked(l, &ids, &status, token);
            let from = l.stride(&table, dtype, &id, row);
            let y = l.stride(&y, self.y, token, self.y_stride);
            match &scale {
                None => self.dense(l, dtype, &from, &y),
                Some((base, (scale, group))) => {
                    let scales = l.stride(base, *scale, &id, self.n / group);
                    self.quantised(l, (&from, &scales, &y), (*scale, *group));
                }
            }
            Vec::new()
        });
        Ok(l.finish(&self.name()))
    }
}
