//! Rotary position embedding, as each exporter writes it.

use super::attention::extract;
use super::model::Model;
use super::ops::Binary;
use super::style::Exporter;
use super::text::{Element, Type, Value, identity};

impl Model<'_> {
    /// Rotary embedding of `[N, M, d]` (token-major: `[M, N, d]`), computed in f32.
    pub(super) fn rotate(&mut self, x: &Value, cos: &Value, sin: &Value) -> Value {
        let wide = self.ops.cast(x, Element::F32);
        let rotated = match self.s.exporter {
            Exporter::Torch | Exporter::Jax => self.rotate_pairs(&wide, cos, sin),
            Exporter::Generic => self.rotate_fused(&wide, cos, sin),
            Exporter::Onnx => self.rotate_half(&wide, cos, sin),
            Exporter::Loop => {
                let (low, high) = self.halves(&wide);
                let (low, high) = self.turn(&low, &high, cos, sin);
                self.ops.concat(2, &[&low, &high])
            }
        };
        self.ops.cast(&rotated, x.element())
    }

    pub(super) fn turn(
        &mut self,
        a: &Value,
        b: &Value,
        cos: &Value,
        sin: &Value,
    ) -> (Value, Value) {
        let ac = self.ops.binary(Binary::Mul, a, cos);
        let bs = self.ops.binary(Binary::Mul, b, sin);
        let first = self.ops.binary(Binary::Sub, &ac, &bs);
        let asin = self.ops.binary(Binary::Mul, a, sin);
        let bc = self.ops.binary(Binary::Mul, b, cos);
        (first, self.ops.binary(Binary::Add, &asin, &bc))
    }

    pub(super) fn rotate_pairs(&mut self, x: &Value, cos: &Value, sin: &Value) -> Value {
        let [n, m, d] = *x.shape() else {
            unreachable!("heads have rank 3")
        };
        let half = [n, m, d / 2];
        let [even, odd] = ["0", "1"].map(|offset| {
            let offsets = ["0", "0", offset].map(str::to_owned);
            self.ops
                .strided_slice(x, &offsets, &half, &[1, 1, 2], &half)
        });
        let (even, odd) = self.turn(&even, &odd, cos, sin);
        let [even, odd] = [even, odd].map(|v| self.ops.reshape(&v, &[n, m, d / 2, 1]));
        let pairs = self.ops.concat(3, &[&even, &odd]);
        self.ops.reshape(&pairs, &[n, m, d])
    }

    pub(super) fn halves(&mut self, x: &Value) -> (Value, Value) {
        let [n, m, d] = *x.shape() else {
            unreachable!("heads have rank 3")
        };
        let half = [n, m, d / 2];
        let [low, high] = [0, d / 2].map(|offset| {
            let offsets = ["0".to_owned(), "0".to_owned(), offset.to_string()];
            self.ops.slice(x, &offsets, &half, &half)
        });
        (low, high)
    }

    /// `x * [cos, cos] + [-high, low] * [sin, sin]`.
    pub(super) fn rotate_half(&mut self, x: &Value, cos: &Value, sin: &Value) -> Value {
        let (low, high) = self.halves(x);
        let negated = self.ops.unary(super::ops::Unary::Neg, &high);
        let turned = self.ops.concat(2, &[&negated, &low]);
        let cos = self.ops.concat(1, &[cos, cos]);
        let sin = self.ops.concat(1, &[sin, sin]);
        let a = self.ops.binary(Binary::Mul, x, &cos);
        let b = self.ops.binary(Binary::Mul, &turned, &sin);
        self.ops.binary(Binary::Add, &a, &b)
    }

    /// The same on token-major heads, in one generic that reads the partner with `tensor.extract`.
    pub(super) fn rotate_fused(&mut self, x: &Value, cos: &Value, sin: &Value) -> Value {
        let half = self.ops.b.int(self.c.head_dim as i64 / 2, Element::Index);
        let whole = self.ops.b.int(self.c.head_dim as i64, Element::Index);
        let init = self.ops.empty(x.shape(), x.element());
        let index = Type::scalar(Element::Index);
        self.ops.generic(
            &[(x, identity(3))],
            &init,
            &identity(3),
            "ppp",
            |b, args| {
                let at = [0, 1, 2]
                    .map(|d| b.op(index.clone(), format_args!("linalg.index {d} : index")));
                let shifted = b.scalar("arith.addi", &[&at[2], &half]);
                let partner = b.scalar("arith.remui", &[&shifted, &whole]);
                let pair = b.scalar("arith.remui", &[&at[2], &half]);
                let other = extract(b, x, &[&at[0], &at[1], &partner]);
                let (c, s) = (
                    extract(b, cos, &[&at[0], &pair]),
                    extract(b, sin, &[&at[0], &pair]),
                );
                let kept = b.scalar("arith.mulf", &[&args[0], &c]);
                let turned = b.scalar("arith.mulf", &[&other, &s]);
                let difference = b.scalar("arith.subf", &[&kept, &turned]);
                let sum = b.scalar("arith.addf", &[&kept, &turned]);
                let low = b.compare("arith.cmpi ult", &at[2], &half);
                b.select(&low, &difference, &sum)
            },
        )
    }
}
