//! What the position decides: angles, and which rows a token sees.

use super::model::Model;
use super::style::{CacheForm, Exporter, Position};
use super::text::{At, Builder, Element, Type, Value, identity};

/// What the position decides, computed once for all layers.
pub(super) struct Place {
    /// The position as an index.
    pub(super) index: Value,
    /// Position of each token, `[M]`, of the style's integer type.
    pub(super) positions: Value,
    /// Cosines and sines, f32 `[M, d / 2]`.
    pub(super) angles: Option<(Value, Value)>,
    /// `[M, T]`: f32 to be added, or i1 (JAX); none where scores compute it.
    pub(super) mask: Option<Value>,
}

/// Which rows a token sees: cached rows before the position, and new rows up to its own.
#[derive(Clone, Copy)]
pub(super) struct Visible {
    context: usize,
    rows: bool,
}

impl Visible {
    pub(super) fn limits(self, b: &mut Builder) -> Value {
        b.int(self.context as i64, Element::Index)
    }

    /// The condition at token `linalg.index token` and row `linalg.index row`.
    pub(super) fn emit(
        self,
        b: &mut Builder,
        token: usize,
        row: usize,
        position: &Value,
        context: &Value,
    ) -> Value {
        let at = [token, row].map(|d| {
            b.op(
                Type::scalar(Element::Index),
                format_args!("linalg.index {d} : index"),
            )
        });
        if !self.rows {
            let last = b.scalar("arith.addi", &[position, &at[0]]);
            return b.compare("arith.cmpi sle", &at[1], &last);
        }
        let cached = b.compare("arith.cmpi slt", &at[1], context);
        let before = b.compare("arith.cmpi slt", &at[1], position);
        let new = b.scalar("arith.subi", &[&at[1], context]);
        let causal = b.compare("arith.cmpi sle", &new, &at[0]);
        b.select(&cached, &before, &causal)
    }
}

impl Model<'_> {
    /// What the position decides, for one call.
    pub(super) fn place(&mut self, position: &Value, mask: Option<&Value>) -> Place {
        let index = self.position_index(position);
        let positions = self.positions(&index);
        let angles =
            (self.s.position != Position::Learned).then(|| self.angles(&index, &positions));
        let mask = match mask {
            Some(mask) => {
                let rank = mask.shape().len();
                let dims = mask.shape()[rank - 2..].to_vec();
                Some(self.ops.reshape(mask, &dims))
            }
            None => (self.s.exporter != Exporter::Generic).then(|| self.mask(&index)),
        };
        Place {
            index,
            positions,
            angles,
            mask,
        }
    }

    pub(super) fn mask(&mut self, index: &Value) -> Value {
        let (m, s) = (self.c.tokens, self.c.context);
        let rows = self.s.cache == CacheForm::Rows;
        let visible = self.visible();
        if self.s.exporter == Exporter::Torch && rows {
            let cached = self.condition(&[m, s], |b, _, t| b.compare("arith.cmpi slt", t, index));
            let new = self.condition(&[m, m], |b, m, t| b.compare("arith.cmpi sle", t, m));
            let (cached, new) = (self.additive(&cached), self.additive(&new));
            return self.ops.concat(1, &[&cached, &new]);
        }
        let t = if rows { s + m } else { s };
        let limits = visible.limits(&mut self.ops.b);
        let init = self.ops.empty(&[m, t], Element::I1);
        let sees = self.ops.generic(&[], &init, &identity(2), "pp", |b, _| {
            visible.emit(b, 0, 1, index, &limits)
        });
        if self.s.exporter == Exporter::Jax && !self.s.mask_argument {
            sees
        } else {
            self.additive(&sees)
        }
    }

    pub(super) fn condition(
        &mut self,
        dims: &[usize],
        body: impl FnOnce(&mut Builder, &Value, &Value) -> Value,
    ) -> Value {
        let init = self.ops.empty(dims, Element::I1);
        self.ops
            .generic(&[], &init, &[At::D(0), At::D(1)], "pp", |b, _| {
                let at = [0, 1].map(|d| {
                    b.op(
                        Type::scalar(Element::Index),
                        format_args!("linalg.index {d} : index"),
                    )
                });
                body(b, &at[0], &at[1])
            })
    }

    pub(super) fn additive(&mut self, sees: &Value) -> Value {
        let (zero, low) = (
            self.ops.b.float(0.0, Element::F32),
            self.ops.b.float(-1e30, Element::F32),
        );
        self.ops.pointwise(&[sees], Element::F32, |b, args| {
            b.select(&args[0], &zero, &low)
        })
    }

    pub(super) fn visible(&self) -> Visible {
        Visible {
            context: self.c.context,
            rows: self.s.cache == CacheForm::Rows,
        }
    }
}
