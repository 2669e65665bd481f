//! Grouped-query attention over a cache that is updated on the way.

use super::function::{Layer, linear, rms_norm};
use super::rope::rotate;
use super::text::{Body, Tensor};

/// What one layer's attention gives.
pub struct Attended {
    /// `[tokens, hidden]`.
    pub output: Tensor,
    /// Keys `[kv heads, context, head_dim]` with the new rows.
    pub keys: Tensor,
    /// Values, likewise.
    pub values: Tensor,
}

/// Attention of normalised `x [tokens, hidden]`; `caches` are the layer's keys and values.
pub fn attention(
    b: &mut Body,
    layer: &mut Layer<'_>,
    x: &Tensor,
    caches: [&Tensor; 2],
) -> Option<Attended> {
    let c = layer.config;
    let (kv, group, d) = (c.kv_heads, c.heads / c.kv_heads, c.head_dim);
    let [q, k, v] = {
        let mut projected = |heads: usize| -> Option<Tensor> {
            let weight = layer.weight()?;
            let bias = if c.qkv_bias {
                Some(layer.weight()?)
            } else {
                None
            };
            let y = linear(b, x, weight, bias)?;
            Some(b.expand(&y, "[[0], [1, 2]]", &[layer.tokens, heads, d]))
        };
        [projected(c.heads)?, projected(kv)?, projected(kv)?]
    };
    let (q, k) = if c.qk_norm {
        let (wq, wk) = (layer.weight()?, layer.weight()?);
        (
            head_norm(b, c.norm_eps, &q, wq)?,
            head_norm(b, c.norm_eps, &k, wk)?,
        )
    } else {
        (q, k)
    };
    let [q, k, v] = [q, k, v].map(|t| b.transpose(&t, [1, 0, 2]));
    let q = rotate(b, &q, layer.angles)?;
    let k = rotate(b, &k, layer.angles)?;
    let [keys, values] = [(&k, caches[0]), (&v, caches[1])].map(|(new, cache)| {
        let (m, from, to) = (layer.tokens, new.ty(), cache.ty());
        let position = layer.position;
        b.tensor(
            &cache.shape,
            format!(
                "tensor.insert_slice {new} into {cache}[0, {position}, 0] [{kv}, {m}, {d}] [1, 1, 1] : {from} into {to}"
            ),
        )
    });
    let q = b.expand(&q, "[[0, 1], [2], [3]]", &[kv, group, layer.tokens, d]);
    let q = b.collapse(&q, "[[0], [1, 2], [3]]", &[kv, group * layer.tokens, d]);
    let context = caches[0].shape.get(1).copied()?;
    let rows = [kv, group * layer.tokens, context];
    let kt = b.transpose(&keys, [0, 2, 1]);
    let scores = b.matmul("batch_matmul", &q, &kt, &rows);
    let p = probabilities(b, layer, &scores, [kv, group, layer.tokens, context]);
    let p = b.collapse(&p, "[[0], [1, 2], [3]]", &rows);
    let y = b.matmul("batch_matmul", &p, &values, &[kv, group * layer.tokens, d]);
    let y = b.expand(&y, "[[0], [1, 2], [3]]", &[kv, group, layer.tokens, d]);
    let y = b.collapse(&y, "[[0, 1], [2], [3]]", &[c.heads, layer.tokens, d]);
    let y = b.transpose(&y, [1, 0, 2]);
    let y = b.collapse(&y, "[[0], [1, 2]]", &[layer.tokens, c.heads * d]);
    let output = linear(b, &y, layer.weight()?, None)?;
    Some(Attended {
        output,
        keys,
        values,
    })
}

/// Softmax over the rows of the cache up to each token's own.
fn probabilities(b: &mut Body, layer: &Layer<'_>, scores: &Tensor, shape: [usize; 4]) -> Tensor {
    let scores = b.expand(scores, "[[0], [1, 2], [3]]", &shape);
    let scale = b.constant((1.0 / (layer.config.head_dim as f64).sqrt()) as f32);
    let hidden = b.constant(f32::NEG_INFINITY);
    let init = b.empty(&shape);
    let whole = (&init, "#abcd");
    let absolute = format!("%p = arith.addi %m, {} : index", layer.position);
    let product = format!("%s = arith.mulf %x0, {scale} : f32");
    let choice = format!("%y = arith.select %v, %s, {hidden} : f32");
    let masked = b.generic(
        &[(&scores, "#abcd")],
        whole,
        "pppp",
        &[
            "%m = linalg.index 2 : index",
            "%t = linalg.index 3 : index",
            &absolute,
            "%v = arith.cmpi sle, %t, %p : index",
            &product,
            &choice,
        ],
        "%y",
    );
    let rows = &shape[..3];
    let start = b.filled(rows, f32::NEG_INFINITY);
    let largest = b.generic(
        &[(&masked, "#abcd")],
        (&start, "#abcd_abc"),
        "pppr",
        &["%y = arith.maximumf %x0, %acc : f32"],
        "%y",
    );
    let weights = b.generic(
        &[(&masked, "#abcd"), (&largest, "#abcd_abc")],
        whole,
        "pppp",
        &["%d = arith.subf %x0, %x1 : f32", "%y = math.exp %d : f32"],
        "%y",
    );
    let start = b.filled(rows, 0.0);
    let sum = b.generic(
        &[(&weights, "#abcd")],
        (&start, "#abcd_abc"),
        "pppr",
        &["%y = arith.addf %x0, %acc : f32"],
        "%y",
    );
    b.generic(
        &[(&weights, "#abcd"), (&sum, "#abcd_abc")],
        whole,
        "pppp",
        &["%y = arith.divf %x0, %x1 : f32"],
        "%y",
    )
}

/// RMS norm of each head of `[tokens, heads, head_dim]`.
fn head_norm(b: &mut Body, eps: f64, x: &Tensor, weight: &Tensor) -> Option<Tensor> {
    rms_norm(
        b,
        eps,
        x,
        weight,
        ["#abc", "#abc_ab", "#abc_c"],
        ["ppr", "ppp"],
    )
}
