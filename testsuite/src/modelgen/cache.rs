//! Positions, table look-ups, and reading and writing KV caches.

use super::attention::extract;
use super::mask::Place;
use super::model::{Layer, Model};
use super::style::{CacheForm, Exporter, Position};
use super::text::{At, Builder, Element, Type, Value, identity};
use super::weights::Kind;

impl Model<'_> {
    /// The position as an index, whatever its type.
    pub(super) fn position_index(&mut self, position: &Value) -> Value {
        let scalar = match position.ty.dims.as_deref() {
            None => position.clone(),
            Some([]) => self.ops.extract(position, &[]),
            Some(_) => {
                let zero = self.ops.b.int(0, Element::Index);
                self.ops.extract(position, &[&zero])
            }
        };
        if scalar.element() == Element::Index {
            return scalar;
        }
        self.ops
            .b
            .convert("arith.index_cast", &scalar, Element::Index)
    }

    /// Position of each token, `[M]`.
    pub(super) fn positions(&mut self, index: &Value) -> Value {
        let init = self.ops.empty(&[self.c.tokens], self.s.index_type);
        let int = self.s.index_type;
        let start = self.ops.b.convert("arith.index_cast", index, int);
        self.ops.generic(&[], &init, &identity(1), "p", |b, _| {
            let i = b.op(Type::scalar(Element::Index), "linalg.index 0 : index");
            let i = b.convert("arith.index_cast", &i, int);
            b.scalar("arith.addi", &[&i, &start])
        })
    }

    /// Cosines and sines at the positions, f32 `[M, d / 2]`.
    pub(super) fn angles(&mut self, index: &Value, positions: &Value) -> (Value, Value) {
        if self.s.position == Position::RopeTable {
            let (cos, sin) = (self.whole(Kind::CosTable), self.whole(Kind::SinTable));
            let cos = self.table_rows(&cos, index, positions);
            let sin = self.table_rows(&sin, index, positions);
            return (
                self.ops.cast(&cos, Element::F32),
                self.ops.cast(&sin, Element::F32),
            );
        }
        let (d, half, m) = (self.c.head_dim as f64, self.c.head_dim / 2, self.c.tokens);
        let constants = [-2.0 / d, 10000.0].map(|v| self.ops.b.float(v, Element::F32));
        let init = self.ops.empty(&[half], Element::F32);
        let frequency = self.ops.generic(&[], &init, &identity(1), "p", |b, _| {
            let i = b.op(Type::scalar(Element::Index), "linalg.index 0 : index");
            let i = b.convert("arith.index_cast", &i, Element::I64);
            let i = b.convert("arith.sitofp", &i, Element::F32);
            let exponent = b.scalar("arith.mulf", &[&i, &constants[0]]);
            b.scalar("math.powf", &[&constants[1], &exponent])
        });
        let init = self.ops.empty(&[m, half], Element::F32);
        let ins = [(positions, vec![At::D(0)]), (&frequency, vec![At::D(1)])];
        let angle = self
            .ops
            .generic(&ins, &init, &identity(2), "pp", |b, args| {
                let position = b.convert("arith.sitofp", &args[0], Element::F32);
                b.scalar("arith.mulf", &[&position, &args[1]])
            });
        (
            self.ops.unary(super::ops::Unary::Cos, &angle),
            self.ops.unary(super::ops::Unary::Sin, &angle),
        )
    }

    /// Rows of a table of the whole model at the positions.
    pub(super) fn rows_at_position(&mut self, table: &Value, place: &Place) -> Value {
        self.table_rows(table, &place.index, &place.positions)
    }

    fn table_rows(&mut self, table: &Value, index: &Value, positions: &Value) -> Value {
        if matches!(self.s.exporter, Exporter::Torch | Exporter::Onnx) {
            return self.gather(table, positions);
        }
        let dims = [self.c.tokens, table.shape()[1]];
        self.ops
            .slice(table, &[index.name.clone(), "0".to_owned()], &dims, &dims)
    }

    /// Rows `ids [M]` of `table [R, C]`.
    pub(super) fn gather(&mut self, table: &Value, ids: &Value) -> Value {
        let (rows, columns) = (table.shape()[0] as i64, table.shape()[1]);
        let init = self.ops.empty(&[ids.shape()[0], columns], table.element());
        let int = ids.element();
        if self.s.gather_op {
            let ids = self.ops.reshape(ids, &[ids.shape()[0], 1]);
            let ty = init.ty;
            let text = format!(
                "tensor.gather {table}[{ids}] gather_dims([0]) : ({}, {}) -> {ty}",
                table.ty, ids.ty
            );
            return self.ops.b.op(ty, text);
        }
        let ids = if self.s.exporter == Exporter::Jax {
            self.wrap_negative(ids, rows)
        } else {
            ids.clone()
        };
        if self.s.exporter == Exporter::Loop {
            return self.gather_loop(table, &ids, &init);
        }
        let zero = self.ops.b.int(0, int);
        let limit = self.ops.b.int(rows, Element::Index);
        let last = self.ops.b.int(rows - 1, int);
        let exporter = self.s.exporter;
        self.ops.generic(
            &[(&ids, vec![At::D(0)])],
            &init,
            &identity(2),
            "pp",
            |b, args| {
                let column = b.op(Type::scalar(Element::Index), "linalg.index 1 : index");
                let mut id = args[0].clone();
                if exporter == Exporter::Generic {
                    id = b.scalar("arith.maxsi", &[&id, &zero]);
                    id = b.scalar("arith.minsi", &[&id, &last]);
                }
                let row = b.convert("arith.index_cast", &id, Element::Index);
                if exporter == Exporter::Torch {
                    assert_in_bounds(b, &row, &limit, &args[0], &zero);
                }
                extract(b, table, &[&row, &column])
            },
        )
    }

    fn wrap_negative(&mut self, ids: &Value, rows: i64) -> Value {
        let int = ids.element();
        let (zero, rows) = (self.ops.b.int(0, int), self.ops.b.int(rows, int));
        let negative = self.ops.pointwise(&[ids], Element::I1, |b, a| {
            b.compare("arith.cmpi slt", &a[0], &zero)
        });
        let wrapped = self
            .ops
            .pointwise(&[ids], int, |b, a| b.scalar("arith.addi", &[&a[0], &rows]));
        self.ops
            .pointwise(&[&negative, &wrapped, ids], int, |b, a| {
                b.select(&a[0], &a[1], &a[2])
            })
    }

    fn gather_loop(&mut self, table: &Value, ids: &Value, init: &Value) -> Value {
        let size = [1, table.shape()[1]];
        let open = self
            .ops
            .open_for(ids.shape()[0], std::slice::from_ref(init));
        let id = self.ops.extract(ids, &[&open.index]);
        let row = self.ops.b.convert("arith.index_cast", &id, Element::Index);
        let found = self
            .ops
            .slice(table, &[row.name, "0".to_owned()], &size, &size);
        let at = [open.index.name.clone(), "0".to_owned()];
        let next = self.ops.insert(&found, &open.args[0], &at, &size);
        self.ops.close(open, &[next])[0].clone()
    }

    /// Shape of a function's cache (or of the new rows, `rows` of them).
    pub(super) fn cache_dims(&self, rows: usize) -> Vec<usize> {
        let mut dims = self.view_dims(rows);
        if self.s.batch_dim {
            dims.insert(0, 1);
        }
        if !self.s.cache_per_layer() {
            dims.insert(0, self.c.layers);
        }
        dims
    }

    /// One layer's rows: `[kv, rows, d]` or `[rows, kv, d]`.
    pub(super) fn view_dims(&self, rows: usize) -> Vec<usize> {
        let (g, d) = (self.c.kv_heads, self.c.head_dim);
        if self.s.token_major() {
            vec![rows, g, d]
        } else {
            vec![g, rows, d]
        }
    }

    /// Whether layers hand their caches back one by one, to be stacked behind the last.
    pub(super) fn stack_at_end(&self) -> bool {
        !self.s.cache_per_layer()
            && !self.s.looped()
            && (self.s.cache == CacheForm::Rows || self.s.exporter == Exporter::Torch)
    }

    /// Whether `cache` is that of one layer already.
    fn single(&self, layer: &Layer) -> bool {
        self.s.cache_per_layer() || matches!(layer, Layer::Helper)
    }

    /// One layer's cache, without the dimensions of layers and batch.
    pub(super) fn view(&mut self, cache: &Value, layer: &Layer) -> Value {
        let dims = self.view_dims(self.c.context);
        if self.single(layer) {
            return self.ops.reshape(cache, &dims);
        }
        let mut sizes = cache.shape().to_vec();
        sizes[0] = 1;
        let mut offsets = vec!["0".to_owned(); sizes.len()];
        offsets[0] = layer.offset();
        if matches!(self.s.exporter, Exporter::Torch | Exporter::Jax) {
            let one = self.ops.slice(cache, &offsets, &sizes, &sizes);
            return self.ops.reshape(&one, &dims);
        }
        self.ops.slice(cache, &offsets, &sizes, &dims)
    }

    /// Puts one layer's rows (or cache) into a stack of them.
    pub(super) fn insert_layer(&mut self, one: &Value, stack: &Value, layer: &Layer) -> Value {
        let mut sizes = stack.shape().to_vec();
        sizes[0] = 1;
        let mut offsets = vec!["0".to_owned(); sizes.len()];
        offsets[0] = layer.offset();
        self.ops.insert(one, stack, &offsets, &sizes)
    }

    /// Stacks the rows (or caches) of all layers.
    pub(super) fn stack_rows(&mut self, rows: &[Value]) -> Value {
        let one = rows[0].shape().to_vec();
        let all = self.ops.concat(0, &rows.iter().collect::<Vec<_>>());
        let mut dims = one.clone();
        dims.insert(0, rows.len());
        let stacked = self.ops.reshape(&all, &dims);
        if !self.s.batch_dim {
            return stacked;
        }
        dims.insert(1, 1);
        self.ops.reshape(&stacked, &dims)
    }

    /// What attention reads for `rows`, and what the layer hands on: the rows, or the updated cache.
    pub(super) fn remember(
        &mut self,
        cache: &Value,
        rows: &Value,
        layer: &Layer,
        place: &Place,
    ) -> (Value, Value) {
        let axis = usize::from(!self.s.token_major());
        match self.s.cache {
            CacheForm::Rows => {
                let view = self.view(cache, layer);
                let all = self.ops.concat(axis, &[&view, rows]);
                let out = self.hand_on(rows, layer);
                (all, out)
            }
            CacheForm::Slice if self.single(layer) || self.stack_at_end() => {
                let view = self.view(cache, layer);
                let mut offsets = vec!["0".to_owned(); 3];
                offsets[axis] = self.write_offset(place);
                let updated = self.ops.insert(rows, &view, &offsets, rows.shape());
                let out = self.hand_on(&updated, layer);
                (updated, out)
            }
            CacheForm::Slice => {
                let mut sizes = cache.shape().to_vec();
                let rank = sizes.len();
                sizes[0] = 1;
                sizes[rank - 3 + axis] = self.c.tokens;
                let mut offsets = vec!["0".to_owned(); rank];
                offsets[0] = layer.offset();
                offsets[rank - 3 + axis] = self.write_offset(place);
                let updated = self.ops.insert(rows, cache, &offsets, &sizes);
                (self.view(&updated, layer), updated)
            }
            CacheForm::Where => {
                let view = self.view(cache, layer);
                let updated = self.select_rows(&view, rows, axis, place);
                let out = if self.single(layer) || self.stack_at_end() {
                    self.hand_on(&updated, layer)
                } else {
                    self.insert_layer(&updated, cache, layer)
                };
                (updated, out)
            }
        }
    }

    fn hand_on(&mut self, one: &Value, layer: &Layer) -> Value {
        if self.s.cache_per_layer() && self.s.batch_dim && !matches!(layer, Layer::Helper) {
            let mut dims = one.shape().to_vec();
            dims.insert(0, 1);
            return self.ops.reshape(one, &dims);
        }
        one.clone()
    }

    /// Row to write at; JAX clamps it to what `dynamic_update_slice` allows.
    fn write_offset(&mut self, place: &Place) -> String {
        if self.s.exporter != Exporter::Jax {
            return place.index.name.clone();
        }
        let zero = self.ops.b.int(0, Element::Index);
        let last = self
            .ops
            .b
            .int((self.c.context - self.c.tokens) as i64, Element::Index);
        let low = self.ops.b.scalar("arith.maxsi", &[&place.index, &zero]);
        self.ops.b.scalar("arith.minsi", &[&low, &last]).name
    }

    /// `row in position..position + M ? rows[row - position] : cache[row]`.
    fn select_rows(&mut self, view: &Value, rows: &Value, axis: usize, place: &Place) -> Value {
        let init = self.ops.empty(view.shape(), view.element());
        let last = self.ops.b.int(self.c.tokens as i64 - 1, Element::Index);
        let zero = self.ops.b.int(0, Element::Index);
        let index = Type::scalar(Element::Index);
        self.ops.generic(
            &[(view, identity(3))],
            &init,
            &identity(3),
            "ppp",
            |b: &mut Builder, args| {
                let mut at = [0, 1, 2]
                    .map(|d| b.op(index.clone(), format_args!("linalg.index {d} : index")));
                let new = b.scalar("arith.subi", &[&at[axis], &place.index]);
                let low = b.scalar("arith.maxsi", &[&new, &zero]);
                let clamped = b.scalar("arith.minsi", &[&low, &last]);
                let inside = b.compare("arith.cmpi eq", &new, &clamped);
                at[axis] = clamped;
                let row = extract(b, rows, &at.iter().collect::<Vec<_>>());
                b.select(&inside, &row, &args[0])
            },
        )
    }
}

fn assert_in_bounds(b: &mut Builder, row: &Value, limit: &Value, id: &Value, zero: &Value) {
    let below = b.compare("arith.cmpi slt", row, limit);
    b.line(format_args!(
        "cf.assert {below}, \"index must be smaller than dim size\""
    ));
    let above = b.compare("arith.cmpi sge", id, zero);
    b.line(format_args!(
        "cf.assert {above}, \"index must be larger or equal to 0\""
    ));
}
