//! Self-attention over the cache and the new rows, with grouped heads.

use super::mask::Place;
use super::model::{Layer, Model};
use super::ops::Binary;
use super::style::Exporter;
use super::text::{Builder, Element, Type, Value, identity};
use super::weights::Kind;

impl Model<'_> {
    /// Attention on the normed `x [.., hidden]`: its output, and the rows or the updated caches.
    pub(super) fn attention(
        &mut self,
        x: &Value,
        layer: &Layer,
        k_cache: &Value,
        v_cache: &Value,
        place: &Place,
    ) -> (Value, Value, Value) {
        let (q, k, v) = self.projections(x, layer, place);
        let (keys, k_out) = self.remember(k_cache, &k, layer, place);
        let (values, v_out) = self.remember(v_cache, &v, layer, place);
        let context = match self.s.exporter {
            Exporter::Generic => self.attend_token_major(&q, &keys, &values, place),
            Exporter::Onnx => self.attend_repeated(&q, &keys, &values, place),
            _ => self.attend_grouped(&q, &keys, &values, place),
        };
        let mut dims = x.shape().to_vec();
        *dims.last_mut().expect("x has a rank") = self.c.heads * self.c.head_dim;
        let context = self.ops.reshape(&context, &dims);
        (self.linear(&context, Kind::O, layer), k_out, v_out)
    }

    /// Queries `[H, M, d]`, keys and values `[kv, M, d]`; token-major: `[M, H, d]`, `[M, kv, d]`.
    fn projections(&mut self, x: &Value, layer: &Layer, place: &Place) -> (Value, Value, Value) {
        let order = match self.s.exporter {
            Exporter::Generic => [Kind::V, Kind::K, Kind::Q],
            _ => [Kind::Q, Kind::K, Kind::V],
        };
        let mut found = order.map(|kind| (kind, self.heads(x, kind, layer)));
        found.sort_by_key(|(kind, _)| *kind);
        let [(_, mut q), (_, mut k), (_, v)] = found;
        if self.s.qk_norm {
            q = self.norm(&q, Kind::QNorm, layer);
            k = self.norm(&k, Kind::KNorm, layer);
        }
        if let Some((cos, sin)) = &place.angles {
            q = self.rotate(&q, cos, sin);
            k = self.rotate(&k, cos, sin);
        }
        (q, k, v)
    }

    fn heads(&mut self, x: &Value, kind: Kind, layer: &Layer) -> Value {
        let heads = if kind == Kind::Q {
            self.c.heads
        } else {
            self.c.kv_heads
        };
        let (m, d) = (self.c.tokens, self.c.head_dim);
        let y = self.linear(x, kind, layer);
        let y = self.ops.reshape(&y, &[m, heads * d]);
        if self.s.exporter == Exporter::Jax && m == 1 {
            let flat = self.ops.reshape(&y, &[heads * d]);
            return self.ops.reshape(&flat, &[heads, 1, d]);
        }
        let y = self.ops.reshape(&y, &[m, heads, d]);
        if self.s.token_major() {
            y
        } else {
            self.ops.transpose(&y, &[1, 0, 2])
        }
    }

    /// `[H, M, d]` against `[kv, T, d]`: one batch product per KV head. Result `[M, H * d]`.
    fn attend_grouped(&mut self, q: &Value, keys: &Value, values: &Value, place: &Place) -> Value {
        let (m, d, g) = (self.c.tokens, self.c.head_dim, self.c.kv_heads);
        let (per, t) = (self.c.heads / g, keys.shape()[1]);
        let flat = self.ops.reshape(q, &[self.c.heads * m, d]);
        let grouped = self.ops.reshape(&flat, &[g, per * m, d]);
        let transposed = self.ops.transpose(keys, &[0, 2, 1]);
        let scores = self.ops.batch_matmul(&grouped, &transposed);
        let scores = self.scale(&scores);
        let scores = self.ops.reshape(&scores, &[g, per, m, t]);
        let scores = self.masked(&scores, place);
        let scores = self.ops.reshape(&scores, &[g, per * m, t]);
        let chances = self.softmax(&scores);
        let chances = self.ops.cast(&chances, self.c.dtype);
        let context = self.ops.batch_matmul(&chances, values);
        let context = self.ops.cast(&context, self.c.dtype);
        let flat = self.ops.reshape(&context, &[self.c.heads * m, d]);
        self.tokens_first(&flat)
    }

    fn tokens_first(&mut self, flat: &Value) -> Value {
        let (m, h, d) = (self.c.tokens, self.c.heads, self.c.head_dim);
        let heads = self.ops.reshape(flat, &[h, m, d]);
        let tokens = self.ops.transpose(&heads, &[1, 0, 2]);
        self.ops.reshape(&tokens, &[m, h * d])
    }

    /// KV heads repeated to all heads, then one batch product per head.
    fn attend_repeated(&mut self, q: &Value, keys: &Value, values: &Value, place: &Place) -> Value {
        let (h, d, g, t) = (
            self.c.heads,
            self.c.head_dim,
            self.c.kv_heads,
            keys.shape()[1],
        );
        let [keys, values] = [keys, values].map(|v| {
            let single = self.ops.reshape(v, &[g, 1, t, d]);
            let repeated = self.ops.broadcast(&single, &[g, h / g, t, d]);
            self.ops.reshape(&repeated, &[h, t, d])
        });
        let transposed = self.ops.transpose(&keys, &[0, 2, 1]);
        let scores = self.ops.batch_matmul(q, &transposed);
        let scores = self.scale(&scores);
        let scores = self.masked(&scores, place);
        let chances = self.softmax(&scores);
        let chances = self.ops.cast(&chances, self.c.dtype);
        let context = self.ops.batch_matmul(&chances, &values);
        let context = self.ops.cast(&context, self.c.dtype);
        let flat = self.ops.reshape(&context, &[h * self.c.tokens, d]);
        self.tokens_first(&flat)
    }

    /// `[M, H, d]` against `[T, kv, d]`, all generics, heads as two dimensions. Result `[M, H * d]`.
    fn attend_token_major(
        &mut self,
        q: &Value,
        keys: &Value,
        values: &Value,
        place: &Place,
    ) -> Value {
        let (m, d, g) = (self.c.tokens, self.c.head_dim, self.c.kv_heads);
        let (per, t) = (self.c.heads / g, keys.shape()[0]);
        let q = self.ops.reshape(q, &[m, g, per, d]);
        // d0 kv head, d1 head of the group, d2 token, d3 row, d4 element
        let scores = self.ops.contract(
            (&q, &[2, 0, 1, 4]),
            (keys, &[3, 0, 4]),
            &[g, per, m, t],
            &[0, 1, 2, 3],
            "ppppr",
        );
        let masked = if place.mask.is_some() {
            let scaled = self.scale(&scores);
            self.masked(&scaled, place)
        } else {
            self.mask_fused(&scores, place)
        };
        let init = self.ops.empty(masked.shape(), Element::F32);
        let ty = init.ty.clone();
        let text =
            format!("linalg.softmax dimension(3) ins({masked} : {ty}) outs({init} : {ty}) -> {ty}");
        let chances = self.ops.b.op(ty, text);
        let chances = self.ops.cast(&chances, self.c.dtype);
        // d0 token, d1 kv head, d2 head of the group, d3 element, d4 row
        let context = self.ops.contract(
            (&chances, &[1, 2, 0, 4]),
            (values, &[4, 1, 3]),
            &[m, g, per, d],
            &[0, 1, 2, 3],
            "ppppr",
        );
        let context = self.ops.cast(&context, self.c.dtype);
        self.ops.reshape(&context, &[m, self.c.heads * d])
    }

    fn mask_fused(&mut self, scores: &Value, place: &Place) -> Value {
        let factor = self.ops.b.float(self.factor(), Element::F32);
        let low = self.ops.b.float(-1e30, Element::F32);
        let visible = self.visible();
        let init = self.ops.empty(scores.shape(), Element::F32);
        let limits = visible.limits(&mut self.ops.b);
        self.ops.generic(
            &[(scores, identity(4))],
            &init,
            &identity(4),
            "pppp",
            |b, args| {
                let scaled = b.scalar("arith.mulf", &[&args[0], &factor]);
                let sees = visible.emit(b, 2, 3, &place.index, &limits);
                b.select(&sees, &scaled, &low)
            },
        )
    }

    fn factor(&self) -> f64 {
        1.0 / (self.c.head_dim as f64).sqrt()
    }

    fn scale(&mut self, scores: &Value) -> Value {
        if self.s.exporter == Exporter::Jax {
            return self
                .ops
                .with_constant(Binary::Div, scores, (self.c.head_dim as f64).sqrt());
        }
        self.ops.with_constant(Binary::Mul, scores, self.factor())
    }

    fn masked(&mut self, scores: &Value, place: &Place) -> Value {
        let mask = place.mask.as_ref().expect("only fused scores have no mask");
        if mask.element() != Element::I1 {
            return self.ops.binary(Binary::Add, scores, mask);
        }
        let low = self.ops.b.float(-1e30, Element::F32);
        let mask = self.ops.broadcast(mask, scores.shape());
        self.ops
            .pointwise(&[&mask, scores], Element::F32, |b, args| {
                b.select(&args[0], &args[1], &low)
            })
    }

    fn softmax(&mut self, scores: &Value) -> Value {
        let largest = if self.s.exporter == Exporter::Torch {
            let (best, _) = self.argmax(scores, Element::I64);
            let mut kept = scores.shape().to_vec();
            *kept.last_mut().expect("scores have a rank") = 1;
            self.ops.reshape(&best, &kept)
        } else {
            self.ops.reduce_last(Binary::Max, scores)
        };
        let shifted = self.ops.binary(Binary::Sub, scores, &largest);
        let exp = self.ops.unary(super::ops::Unary::Exp, &shifted);
        let sum = self.ops.reduce_last(Binary::Add, &exp);
        self.ops.binary(Binary::Div, &exp, &sum)
    }
}

/// `tensor.extract` inside a body.
pub(super) fn extract(b: &mut Builder, from: &Value, at: &[&Value]) -> Value {
    let text = format!(
        "tensor.extract {from}{} : {}",
        super::text::list(at),
        from.ty
    );
    b.op(Type::scalar(from.element()), text)
}
