//! Rows of keys and values.

use super::Build;
use crate::gpu::Writer;
use crate::{DType, Value};

/// Rows of a KV head in a binding.
pub(super) struct Operand {
    binding: usize,
    dtype: DType,
    /// Where the head's rows begin.
    base: Value,
    /// Distance of rows.
    token: i64,
    /// Elements of a load; the unit of `base` and `token`.
    each: i64,
}

impl Operand {
    /// Keys (binding 1) or values (2) of the cache, new keys (3) or values (4).
    pub fn new(build: &Build, w: &mut Writer, binding: usize) -> Self {
        let (k, v) = build.a.new.unwrap_or((build.a.k, build.a.v));
        let rows = [build.a.k, build.a.v, k, v][binding - 1];
        let (start, each) = (w.start(binding), w.per_access(binding));
        let head = w.div(
            &build.group,
            build.a.heads / build.a.kv_heads / build.plan.heads,
        );
        Operand {
            binding,
            dtype: rows.dtype,
            base: w.mul_add(&head, rows.head / each, &start),
            token: rows.token / each,
            each,
        }
    }

    /// Where a row begins.
    pub fn row(&self, w: &mut Writer, row: &Value) -> Value {
        w.mul_add(row, self.token, &self.base)
    }

    /// Elements `chunk * n ..` of a row, as loaded.
    pub fn load(&self, w: &mut Writer, (row, chunk): (&Value, &Value), n: i64) -> Vec<Value> {
        let at = w.mul_add(chunk, n / self.each, row);
        let mut loaded = Vec::new();
        for i in 0..n / self.each {
            let at = w.add_const(&at, i);
            loaded.push(if self.each == 1 {
                w.load(self.binding, &at)
            } else {
                w.raw(self.binding, &at)
            });
        }
        loaded
    }

    /// `count` elements of those, from element `from` on, rounded to type `to`.
    pub fn elements(
        &self,
        w: &mut Writer,
        loaded: &[Value],
        (from, count): (i64, i64),
        to: DType,
    ) -> Vec<Value> {
        let mut values = Vec::new();
        for at in (from..from + count).step_by(count.min(self.each).max(1) as usize) {
            let access = &loaded[(at / self.each) as usize];
            if self.each == 1 {
                values.push(access.clone());
            } else {
                values.extend(w.elements(
                    self.binding,
                    access,
                    at % self.each,
                    count.min(self.each),
                ));
            }
        }
        if self.dtype == to || self.dtype.bytes() < to.bytes() {
            return values;
        }
        values.iter().map(|value| w.rounded(to, value)).collect()
    }
}
