//! One forward function.

use super::Model;
use super::attention::attention;
use super::rope::{Angles, angles};
use super::text::{Body, Tensor, commas, ty};
use crate::source::Config;
use std::slice::Iter;

/// What a layer needs.
pub struct Layer<'a> {
    /// The model's sizes.
    pub config: &'a Config,
    /// Tokens a call.
    pub tokens: usize,
    /// Position of the first token, an index.
    pub position: &'a str,
    /// The tokens' angles.
    pub angles: &'a Angles,
    /// Weights that were not used yet, in the order of the arguments.
    rest: Iter<'a, Tensor>,
}

impl<'a> Layer<'a> {
    /// The next weight.
    pub fn weight(&mut self) -> Option<&'a Tensor> {
        self.rest.next()
    }
}

/// Text of the function for calls of `tokens` tokens; none if the list of weights and their uses disagree.
pub fn function(model: &Model, tokens: usize) -> Option<String> {
    let c = &model.config;
    let cache = [c.layers, c.kv_heads, model.context, c.head_dim];
    let weights = model.weights();
    let named = weights.iter().enumerate();
    let arguments: Vec<Tensor> = named
        .map(|(i, w)| Tensor::f32(format!("%w{i}"), &w.shape))
        .collect();
    let listed = arguments.iter().zip(&weights);
    let listed = listed.map(|(t, w)| format!("{t}: {} loc({})", t.ty(), quoted(&w.name)));
    let caches = ty(&cache, "f32");
    let results = format!("{}, {caches}, {caches}", ty(&[tokens, model.logits], "f32"));
    let mut body = Body::default();
    let returned = forward(&mut body, model, tokens, &arguments)?;
    Some(format!(
        "  func.func @{}(%tokens: {}, %position: tensor<i64>, %keys: {caches}, %values: {caches}, {}) -> ({results}) attributes {{spec.role = \"{}\"}} {{\n{}    return {} : {results}\n  }}\n",
        model.role.function(tokens),
        ty(&[1, tokens], "i64"),
        commas(listed),
        model.role.name(),
        body.into_text(),
        commas(&returned),
    ))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Logits, keys, values.
fn forward(b: &mut Body, model: &Model, tokens: usize, weights: &[Tensor]) -> Option<Vec<Tensor>> {
    let c = &model.config;
    let (embedding, rest) = weights.split_first()?;
    let mut x = embed(b, embedding, tokens);
    let extracted = b.op("tensor.extract %position[] : tensor<i64>");
    let position = b.op(format!("arith.index_cast {extracted} : i64 to index"));
    let angles = angles(b, c, tokens, &position);
    let mut layer = Layer {
        config: c,
        tokens,
        position: &position,
        angles: &angles,
        rest: rest.iter(),
    };
    let stacked = [c.layers, c.kv_heads, model.context, c.head_dim];
    let own = [c.kv_heads, model.context, c.head_dim];
    let (mut keys, mut values) = (vec![], vec![]);
    for number in 0..c.layers {
        let [k, v] = ["%keys", "%values"].map(|name| {
            let cache = Tensor::f32(name, &stacked);
            b.slice(
                &cache,
                &[number, 0, 0, 0],
                &[1, own[0], own[1], own[2]],
                &own,
            )
        });
        let normed = row_norm(b, c.norm_eps, &x, layer.weight()?)?;
        let attended = attention(b, &mut layer, &normed, [&k, &v])?;
        x = add(b, &x, &attended.output);
        keys.push(attended.keys);
        values.push(attended.values);
        let normed = row_norm(b, c.norm_eps, &x, layer.weight()?)?;
        let fed = feed_forward(b, &mut layer, &normed)?;
        x = add(b, &x, &fed);
    }
    let normed = row_norm(b, c.norm_eps, &x, layer.weight()?)?;
    let head = if c.tied { embedding } else { layer.weight()? };
    let mut logits = linear(b, &normed, head, None)?;
    if model.logits < c.vocabulary {
        let cut = [tokens, model.logits];
        logits = b.slice(&logits, &[0, 0], &cut, &cut);
    }
    let flat = [c.layers * own[0], own[1], own[2]];
    let mut out = vec![logits];
    for parts in [keys, values] {
        let all = b.concat(0, &parts, &flat);
        out.push(b.expand(&all, "[[0, 1], [2], [3]]", &stacked));
    }
    Some(out)
}

/// Rows of the embedding, `[tokens, hidden]`.
fn embed(b: &mut Body, table: &Tensor, tokens: usize) -> Tensor {
    let ids = Tensor {
        element: "i64",
        ..Tensor::f32("%tokens", &[1, tokens])
    };
    let ids = b.collapse(&ids, "[[0, 1]]", &[tokens]);
    let hidden = table.shape.get(1).copied().unwrap_or(0);
    let init = b.empty(&[tokens, hidden]);
    let extract = format!("%y = tensor.extract {table}[%r, %c] : {}", table.ty());
    b.generic(
        &[(&ids, "#ab_a")],
        (&init, "#ab"),
        "pp",
        &[
            "%r = arith.index_cast %x0 : i64 to index",
            "%c = linalg.index 1 : index",
            &extract,
        ],
        "%y",
    )
}

/// SiLU-gated feed-forward network.
fn feed_forward(b: &mut Body, layer: &mut Layer<'_>, x: &Tensor) -> Option<Tensor> {
    let gate = linear(b, x, layer.weight()?, None)?;
    let up = linear(b, x, layer.weight()?, None)?;
    let one = b.constant(1.0);
    let init = b.empty(&gate.shape);
    let plus = format!("%p = arith.addf %e, {one} : f32");
    let sigmoid = format!("%s = arith.divf {one}, %p : f32");
    let active = b.generic(
        &[(&gate, "#ab"), (&up, "#ab")],
        (&init, "#ab"),
        "pp",
        &[
            "%n = arith.negf %x0 : f32",
            "%e = math.exp %n : f32",
            &plus,
            &sigmoid,
            "%a = arith.mulf %x0, %s : f32",
            "%y = arith.mulf %a, %x1 : f32",
        ],
        "%y",
    );
    linear(b, &active, layer.weight()?, None)
}

/// `x [tokens, in]` times the transpose of `weight [out, in]`, plus `bias [out]`.
pub fn linear(b: &mut Body, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Option<Tensor> {
    let shape = [*x.shape.first()?, *weight.shape.first()?];
    let transposed = b.transpose(weight, [1, 0]);
    let y = b.matmul("matmul", x, &transposed, &shape);
    Some(match bias {
        Some(bias) => binary(b, (&y, "#ab"), (bias, "#ab_b")),
        None => y,
    })
}

fn add(b: &mut Body, x: &Tensor, y: &Tensor) -> Tensor {
    binary(b, (x, "#ab"), (y, "#ab"))
}

fn binary(b: &mut Body, x: (&Tensor, &str), y: (&Tensor, &str)) -> Tensor {
    let init = b.empty(&x.0.shape);
    let line = "%y = arith.addf %x0, %x1 : f32";
    b.generic(&[x, y], (&init, "#ab"), "pp", &[line], "%y")
}

fn row_norm(b: &mut Body, eps: f64, x: &Tensor, weight: &Tensor) -> Option<Tensor> {
    rms_norm(b, eps, x, weight, ["#ab", "#ab_a", "#ab_b"], ["pr", "pp"])
}

/// RMS norm over the last dimension; the maps of `x`, of its rows and of the weight, the loops of the sum and of the product.
pub fn rms_norm(
    b: &mut Body,
    eps: f64,
    x: &Tensor,
    weight: &Tensor,
    [whole, rows, column]: [&str; 3],
    [sum, product]: [&str; 2],
) -> Option<Tensor> {
    let (size, outer) = x.shape.split_last()?;
    let start = b.filled(outer, 0.0);
    let squares = b.generic(
        &[(x, whole)],
        (&start, rows),
        sum,
        &[
            "%q = arith.mulf %x0, %x0 : f32",
            "%y = arith.addf %q, %acc : f32",
        ],
        "%y",
    );
    let (size, eps) = (b.constant(*size as f32), b.constant(eps as f32));
    let mean = format!("%m = arith.divf %x1, {size} : f32");
    let shifted = format!("%s = arith.addf %m, {eps} : f32");
    let init = b.empty(&x.shape);
    Some(b.generic(
        &[(x, whole), (&squares, rows), (weight, column)],
        (&init, whole),
        product,
        &[
            &mean,
            &shifted,
            "%r = math.rsqrt %s : f32",
            "%n = arith.mulf %x0, %r : f32",
            "%y = arith.mulf %n, %x2 : f32",
        ],
        "%y",
    ))
}
