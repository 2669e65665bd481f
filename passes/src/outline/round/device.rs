//! The device functions of a round: the model called on tokens, its choice made, its caches written.

use super::{Entry, Round, device_of, parse_function};
use crate::outline::text::{Body, dims, element, symbol, tensor};
use crate::outline::{Host, symbols};
use spec_dialect::attrs::{Accept, Role};
use spec_dialect::ffi::Type;

/// `(tokens [n], position, caches..., parameters...) -> (choices [n] or distributions, caches...)` in the model's device module.
pub fn device_function(
    host: &mut Host,
    e: &Entry,
    round: &Round,
    suffix: &str,
    n: u64,
) -> Result<String, String> {
    let device = device_of(host, e.f)?;
    let name = symbols::unique(&[device.body], &format!("{}_{suffix}", e.f.name));
    let mut b = Body::default();
    let caches: Vec<String> = (0..e.cache_types().len())
        .map(|i| format!("%c{i}"))
        .collect();
    let parameters: Vec<String> = (0..e.parameter_types().len())
        .map(|i| format!("%w{i}"))
        .collect();
    let tokens: Vec<String> = (0..n)
        .map(|i| {
            let at = b.index(i);
            b.op(format!(
                "tensor.extract %tokens[{at}] : {}",
                tensor(&[n], &round.token)
            ))
        })
        .collect();
    let start = b.op("tensor.extract %position[] : tensor<i64>");
    let (outputs, caches) = chunks(&mut b, e, round, &tokens, &start, caches, &parameters);
    let result_type = result_type(e, round, n);
    let joined = join(&mut b, e, round, &outputs, n);

    let mut args = vec![
        format!("%tokens: {}", tensor(&[n], &round.token)),
        "%position: tensor<i64>".to_owned(),
    ];
    args.extend(
        e.cache_types()
            .iter()
            .enumerate()
            .map(|(i, t)| format!("%c{i}: {t}")),
    );
    args.extend(
        e.parameter_types()
            .iter()
            .enumerate()
            .map(|(i, t)| format!("%w{i}: {t}")),
    );
    let mut results = vec![result_type];
    results.extend(e.cache_types().iter().map(Type::to_string));
    let mut values = vec![joined];
    values.extend(caches);
    let text = format!(
        "func.func {}({}) -> ({}) {{\n  {}\n  return {} : {}\n}}",
        symbol(&name),
        args.join(", "),
        results.join(", "),
        b.lines.join("\n  "),
        values.join(", "),
        results.join(", ")
    );
    let list = |types: &[Type]| {
        types
            .iter()
            .map(Type::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let prelude = format!(
        "func.func private {}({}) -> ({})",
        symbol(&e.f.name),
        list(&e.inputs),
        list(&e.outputs)
    );
    let op = parse_function(host, &prelude, &text, &name)?;
    device.body.append(op);
    Ok(name)
}

/// Type of what the function yields for `n` tokens: choices, or distributions.
pub fn result_type(e: &Entry, round: &Round, n: u64) -> String {
    match (round.accept, n) {
        (Accept::Greedy, _) => tensor(&[n], &round.token),
        (Accept::Rejection, 1) if round.draft_length > 0 && e.model().role == Role::Drafter => {
            tensor(&[e.model().vocabulary as u64], "f32")
        }
        (Accept::Rejection, _) => tensor(&[n, e.model().vocabulary as u64], "f32"),
    }
}

/// Calls the model as often as its width needs: one call a chunk of tokens, the last one padded with its last token (rows of
/// padding are dead: they lie behind the committed length). Returns (matrix or choices, rows used) of each call, and the caches.
fn chunks(
    b: &mut Body,
    e: &Entry,
    round: &Round,
    tokens: &[String],
    start: &str,
    mut caches: Vec<String>,
    parameters: &[String],
) -> (Vec<(String, u64)>, Vec<String>) {
    let m = e.model();
    let width = m.tokens.max(1) as usize;
    let mut outputs = vec![];
    for (i, chunk) in tokens.chunks(width).enumerate() {
        let mut padded = chunk.to_vec();
        while padded.len() < width {
            padded.push(chunk[chunk.len() - 1].clone());
        }
        let position = if i == 0 {
            start.to_owned()
        } else {
            let offset = b.op(format!("arith.constant {} : i64", i * width));
            b.op(format!("arith.addi {start}, {offset} : i64"))
        };
        let results = call_model(b, e, round, &padded, &position, &caches, parameters);
        outputs.push((choose(b, e, round, &results), chunk.len() as u64));
        caches = commit(b, e, &results, &position, caches, chunk.len() as u64);
    }
    (outputs, caches)
}

/// The call itself, arguments in the function's own order. Returns the name of each result.
fn call_model(
    b: &mut Body,
    e: &Entry,
    round: &Round,
    tokens: &[String],
    position: &str,
    caches: &[String],
    parameters: &[String],
) -> Vec<String> {
    let m = e.model();
    let mut args: Vec<String> = vec![];
    let (mut cache, mut parameter) = (caches.iter(), parameters.iter());
    for (i, ty) in e.inputs.iter().enumerate() {
        let i = i as i64;
        let arg = if m.token_args.contains(&i) {
            let scalars: Vec<String> = tokens
                .iter()
                .map(|t| b.convert_int(t, &round.token, &element(*ty)))
                .collect();
            b.from_elements(&scalars, *ty)
        } else if m.position_args.contains(&i) {
            position_argument(b, *ty, position)
        } else if m.cache_args.contains(&i) {
            cache.next().cloned().unwrap_or_default()
        } else {
            parameter.next().cloned().unwrap_or_default()
        };
        args.push(arg);
    }
    let list = |types: &[Type]| {
        types
            .iter()
            .map(Type::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let name = b.fresh();
    let n = e.outputs.len();
    let count = if n == 1 {
        String::new()
    } else {
        format!(":{n}")
    };
    b.lines.push(format!(
        "{name}{count} = call {}({}) : ({}) -> ({})",
        symbol(&e.f.name),
        args.join(", "),
        list(&e.inputs),
        list(&e.outputs)
    ));
    (0..n)
        .map(|i| {
            if n == 1 {
                name.clone()
            } else {
                format!("{name}#{i}")
            }
        })
        .collect()
}

/// A position, or the positions of all tokens of the call, in the type that the function wants.
fn position_argument(b: &mut Body, ty: Type, position: &str) -> String {
    let n = dims(ty).iter().product::<u64>().max(1);
    let scalars: Vec<String> = (0..n)
        .map(|i| {
            let at = if i == 0 {
                position.to_owned()
            } else {
                let offset = b.op(format!("arith.constant {i} : i64"));
                b.op(format!("arith.addi {position}, {offset} : i64"))
            };
            b.convert_int(&at, "i64", &element(ty))
        })
        .collect();
    b.from_elements(&scalars, ty)
}

/// Whole caches as they are; the first `used` of the new rows are committed at the position.
fn commit(
    b: &mut Body,
    e: &Entry,
    results: &[String],
    position: &str,
    caches: Vec<String>,
    used: u64,
) -> Vec<String> {
    let m = e.model();
    if m.row_results.is_empty() {
        return m
            .cache_results
            .iter()
            .map(|r| results[*r as usize].clone())
            .collect();
    }
    let rows = m
        .row_results
        .iter()
        .map(|r| (*r as usize, e.outputs[*r as usize]));
    rows.zip(caches)
        .zip(e.cache_types())
        .map(|(((r, rows), cache), ty)| {
            let dim = dims(rows)
                .iter()
                .zip(dims(ty))
                .position(|(a, c)| *a != c)
                .unwrap_or(0);
            let (rows, value) = first_rows(b, &results[r], rows, dim, used);
            b.op(format!(
                "spec.commit {value} into {cache} at {position} : i64 dim {dim} : {rows} into {ty}"
            ))
        })
        .collect()
}

/// The first `used` rows along a dimension: type and name.
fn first_rows(b: &mut Body, value: &str, ty: Type, dim: usize, used: u64) -> (String, String) {
    let mut sizes = dims(ty);
    if sizes[dim] <= used {
        return (ty.to_string(), value.to_owned());
    }
    sizes[dim] = used;
    let cut = tensor(&sizes, &element(ty));
    let list = |items: Vec<String>| items.join(", ");
    let offsets = list(vec!["0".into(); sizes.len()]);
    let strides = list(vec!["1".into(); sizes.len()]);
    let sizes = list(sizes.iter().map(u64::to_string).collect());
    let name = b.op(format!(
        "tensor.extract_slice {value}[{offsets}] [{sizes}] [{strides}] : {ty} to {cut}"
    ));
    (cut, name)
}

/// Choices (greedy) or distributions (rejection) of one call, one row a token.
fn choose(b: &mut Body, e: &Entry, round: &Round, results: &[String]) -> String {
    let m = e.model();
    let width = m.tokens.max(1) as u64;
    let Some(&l) = m.logits_results.first() else {
        let t = m.token_results[0] as usize;
        return tokens_of(b, &results[t], e.outputs[t], &round.token, width);
    };
    let ty = e.outputs[l as usize];
    let v = m.vocabulary as u64;
    let matrix = b.to_matrix(&results[l as usize], ty, width, v);
    match round.accept {
        Accept::Greedy => arg_max(b, &matrix, width, v, &element(ty), &round.token),
        Accept::Rejection => softmax(b, &matrix, width, v, &element(ty)),
    }
}

/// Tokens that the model chose itself, as a vector of the round's token type.
fn tokens_of(b: &mut Body, value: &str, ty: Type, token: &str, n: u64) -> String {
    let shape = dims(ty);
    let scalars: Vec<String> = (0..n)
        .map(|i| {
            let mut rest = i;
            let mut at = vec![];
            for d in shape.iter().rev() {
                at.push(rest % d.max(&1));
                rest /= d.max(&1);
            }
            let at: Vec<String> = at.into_iter().rev().map(|x| b.index(x)).collect();
            let scalar = if ty.shape().is_shaped {
                b.op(format!("tensor.extract {value}[{}] : {ty}", at.join(", ")))
            } else {
                value.to_owned()
            };
            b.convert_int(&scalar, &element(ty), token)
        })
        .collect();
    b.op(format!(
        "tensor.from_elements {} : {}",
        scalars.join(", "),
        tensor(&[n], token)
    ))
}

const MAPS: &str = "affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>";

/// The first index of the largest logit of each row.
fn arg_max(b: &mut Body, logits: &str, rows: u64, v: u64, float: &str, token: &str) -> String {
    let (values, indices) = (tensor(&[rows], float), tensor(&[rows], token));
    let lowest = b.op(format!(
        "arith.constant {} : {float}",
        if float == "f16" {
            "0xFC00"
        } else if float == "bf16" {
            "0xFF80"
        } else if float == "f64" {
            "0xFFF0000000000000"
        } else {
            "0xFF800000"
        }
    ));
    let zero = b.op(format!("arith.constant 0 : {token}"));
    let e0 = b.op(format!("tensor.empty() : {values}"));
    let m0 = b.op(format!(
        "linalg.fill ins({lowest} : {float}) outs({e0} : {values}) -> {values}"
    ));
    let e1 = b.op(format!("tensor.empty() : {indices}"));
    let i0 = b.op(format!(
        "linalg.fill ins({zero} : {token}) outs({e1} : {indices}) -> {indices}"
    ));
    let name = b.fresh();
    b.lines.push(format!(
        "{name}:2 = linalg.generic {{indexing_maps = [{MAPS}, affine_map<(d0, d1) -> (d0)>], iterator_types = [\"parallel\", \"reduction\"]}} \
         ins({logits} : {}) outs({m0}, {i0} : {values}, {indices}) {{\n  ^bb0(%x: {float}, %best: {float}, %at: {token}):\n    \
         %greater = arith.cmpf ogt, %x, %best : {float}\n    %column = linalg.index 1 : index\n    %id = arith.index_cast %column : index to {token}\n    \
         %value = arith.select %greater, %x, %best : {float}\n    %index = arith.select %greater, %id, %at : {token}\n    \
         linalg.yield %value, %index : {float}, {token}\n  }} -> ({values}, {indices})",
        tensor(&[rows, v], float)
    ));
    format!("{name}#1")
}

/// The distribution of each row, in f32.
fn softmax(b: &mut Body, logits: &str, rows: u64, v: u64, float: &str) -> String {
    let f32s = tensor(&[rows, v], "f32");
    let given = tensor(&[rows, v], float);
    let wide = match float {
        "f32" => logits.to_owned(),
        "f64" => b.op(format!("arith.truncf {logits} : {given} to {f32s}")),
        _ => b.op(format!("arith.extf {logits} : {given} to {f32s}")),
    };
    let e = b.op(format!("tensor.empty() : {f32s}"));
    b.op(format!(
        "linalg.softmax dimension(1) ins({wide} : {f32s}) outs({e} : {f32s}) -> {f32s}"
    ))
}

/// Joins the chunks' rows and drops the padding.
fn join(b: &mut Body, e: &Entry, round: &Round, outputs: &[(String, u64)], n: u64) -> String {
    let width = e.model().tokens.max(1) as u64;
    let v = e.model().vocabulary as u64;
    let greedy = round.accept == Accept::Greedy;
    let ty = |rows: u64| {
        if greedy {
            tensor(&[rows], &round.token)
        } else {
            tensor(&[rows, v], "f32")
        }
    };
    let cut: Vec<String> = outputs
        .iter()
        .map(|(value, rows)| match (*rows == width, greedy) {
            (true, _) => value.clone(),
            (false, true) => b.op(format!(
                "tensor.extract_slice {value}[0] [{rows}] [1] : {} to {}",
                ty(width),
                ty(*rows)
            )),
            (false, false) => b.op(format!(
                "tensor.extract_slice {value}[0, 0] [{rows}, {v}] [1, 1] : {} to {}",
                ty(width),
                ty(*rows)
            )),
        })
        .collect();
    let joined = match &cut[..] {
        [one] => one.clone(),
        parts => {
            let types: Vec<String> = outputs.iter().map(|(_, rows)| ty(*rows)).collect();
            b.op(format!(
                "tensor.concat dim(0) {} : ({}) -> {}",
                parts.join(", "),
                types.join(", "),
                ty(n)
            ))
        }
    };
    if !greedy && n == 1 && e.model().role == Role::Drafter {
        return b.op(format!(
            "tensor.collapse_shape {joined} [[0, 1]] : {} into {}",
            ty(1),
            tensor(&[v], "f32")
        ));
    }
    joined
}
