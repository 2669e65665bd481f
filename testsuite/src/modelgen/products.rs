//! Contractions and argmax.

use super::model::{Model, results_of};
use super::ops::Ops;
use super::text::{At, Element, Type, Value, affine_map};

impl Ops {
    fn product(&mut self, op: &str, a: &Value, b: &Value, dims: &[usize]) -> Value {
        let init = self.fill(0.0, dims, Element::F32);
        let ty = init.ty.clone();
        let text = format!(
            "{op} ins({a}, {b} : {}, {}) outs({init} : {ty}) -> {ty}",
            a.ty, b.ty
        );
        self.b.op(ty, text)
    }

    /// `[M, K] x [K, N]`, summed in f32.
    pub(super) fn matmul(&mut self, a: &Value, b: &Value) -> Value {
        self.product("linalg.matmul", a, b, &[a.shape()[0], b.shape()[1]])
    }

    /// `[B, M, K] x [B, K, N]`, summed in f32.
    pub(super) fn batch_matmul(&mut self, a: &Value, b: &Value) -> Value {
        self.product(
            "linalg.batch_matmul",
            a,
            b,
            &[a.shape()[0], a.shape()[1], b.shape()[2]],
        )
    }

    /// `[M, K] x [N, K]^T` as `linalg.matmul` with indexing maps.
    pub(super) fn matmul_maps(&mut self, a: &Value, b: &Value) -> Value {
        let maps = [[0, 2], [1, 2], [0, 1]].map(|m| affine_map(3, &m.map(At::D)));
        let op = format!("linalg.matmul indexing_maps = [{}]", maps.join(", "));
        self.product(&op, a, b, &[a.shape()[0], b.shape()[0]])
    }

    /// JAX's `dot`: a vector product for one row, `[in, out]` or `[out, in]`.
    pub(super) fn dot(&mut self, a: &Value, b: &Value, in_out: bool) -> Value {
        let (rows, inner) = (a.shape()[0], a.shape()[1]);
        let outer = if in_out { b.shape()[1] } else { b.shape()[0] };
        if rows > 1 {
            let b = if in_out {
                b.clone()
            } else {
                self.transpose(b, &[1, 0])
            };
            return self.matmul(a, &b);
        }
        let vector = self.reshape(a, &[inner]);
        let product = if in_out {
            self.product("linalg.vecmat", &vector, b, &[outer])
        } else {
            let b = self.transpose(b, &[1, 0]);
            self.product("linalg.vecmat", &vector, &b, &[outer])
        };
        self.reshape(&product, &[1, outer])
    }

    /// `[M, K] x W` as a `linalg.generic` or a `linalg.contract`.
    pub(super) fn contraction(
        &mut self,
        a: &Value,
        b: &Value,
        in_out: bool,
        generic: bool,
    ) -> Value {
        let outer = if in_out { b.shape()[1] } else { b.shape()[0] };
        let weight = if in_out { [2, 1] } else { [1, 2] };
        if !generic {
            let maps = [[0, 2], weight, [0, 1]].map(|m| affine_map(3, &m.map(At::D)));
            let op = format!("linalg.contract indexing_maps = [{}]", maps.join(", "));
            return self.product(&op, a, b, &[a.shape()[0], outer]);
        }
        self.contract(
            (a, &[0, 2]),
            (b, &weight),
            &[a.shape()[0], outer],
            &[0, 1],
            "ppr",
        )
    }

    /// A multiply-and-add generic, summed in f32.
    pub(super) fn contract(
        &mut self,
        a: (&Value, &[usize]),
        b: (&Value, &[usize]),
        dims: &[usize],
        out: &[usize],
        iterators: &str,
    ) -> Value {
        let map = |dims: &[usize]| dims.iter().map(|d| At::D(*d)).collect::<Vec<_>>();
        let init = self.fill(0.0, dims, Element::F32);
        let ins = [(a.0, map(a.1)), (b.0, map(b.1))];
        self.generic(&ins, &init, &map(out), iterators, |body, args| {
            let wide = |body: &mut super::text::Builder, v: &Value| match v.element() {
                Element::F32 => v.clone(),
                _ => body.convert("arith.extf", v, Element::F32),
            };
            let (x, y) = (wide(body, &args[0]), wide(body, &args[1]));
            let product = body.scalar("arith.mulf", &[&x, &y]);
            body.scalar("arith.addf", &[&args[2], &product])
        })
    }
}

impl Model<'_> {
    /// Maximum over the last dimension and its index (the first of equals), as torch-mlir writes it.
    pub(super) fn argmax(&mut self, a: &Value, index: Element) -> (Value, Value) {
        argmax(self.ops, a, index)
    }
}

/// Maximum over the last dimension and its index (the first of equals).
pub(super) fn argmax(ops: &mut Ops, a: &Value, index: Element) -> (Value, Value) {
    let rank = a.shape().len();
    let dims = a.shape()[..rank - 1].to_vec();
    let best = ops.fill(f64::NEG_INFINITY, &dims, a.element());
    let at = ops.fill(0.0, &dims, index);
    let (all, kept) = (super::text::identity(rank), super::text::identity(rank - 1));
    let maps = [all, kept.clone(), kept]
        .map(|m| affine_map(rank, &m))
        .join(", ");
    let iterators = "\"parallel\", ".repeat(rank - 1) + "\"reduction\"";
    let name = ops.b.fresh();
    ops.b.line(format_args!(
        "{name}:2 = linalg.generic {{indexing_maps = [{maps}], iterator_types = [{iterators}]}} ins({a} : {}) outs({best}, {at} : {}, {}) {{",
        a.ty, best.ty, at.ty
    ));
    let args =
        [a.element(), a.element(), index].map(|e| Value::new(ops.b.fresh(), Type::scalar(e)));
    let [value, best_so_far, index_so_far] = &args;
    ops.b.line(format_args!(
        "^bb0({value}: {}, {best_so_far}: {}, {index_so_far}: {}):",
        value.ty, value.ty, index_so_far.ty
    ));
    ops.b.nested(|b| {
        let here = b.op(
            Type::scalar(Element::Index),
            format_args!("linalg.index {} : index", rank - 1),
        );
        let here = b.convert("arith.index_cast", &here, index);
        let larger = b.scalar("arith.maximumf", &[value, best_so_far]);
        let better = b.compare("arith.cmpf ogt", value, best_so_far);
        let chosen = b.select(&better, &here, index_so_far);
        b.line(format_args!(
            "linalg.yield {larger}, {chosen} : {}, {}",
            larger.ty, chosen.ty
        ));
    });
    ops.b.line(format_args!("}} -> ({}, {})", best.ty, at.ty));
    let results = results_of(&name, [best.ty, at.ty].into_iter());
    (results[0].clone(), results[1].clone())
}
