//! Writes one round of speculative decoding as IR: a step function for the drafter and a verify function for the target, each
//! in its device module, and `@spec_round` on the host.
//!
//! The device functions choose the tokens (arg max) where the logits are, and append to the KV caches, so that only token ids
//! cross; with rejection sampling they return distributions instead.

use super::text::{Body, dims, element, tensor};
use super::{Device, Host, PlacedFunction, call, symbols};
use spec_dialect::attrs::{Accept, Model, Role, indices, quoted};
use spec_dialect::ffi::{Op, Type, parse_op};
use std::fmt::Write;

/// A model function, looked at as "tokens and caches in, choices and caches out".
struct Entry<'a> {
    f: &'a PlacedFunction,
    inputs: Vec<Type>,
    outputs: Vec<Type>,
}

impl<'a> Entry<'a> {
    fn new(f: &'a PlacedFunction) -> Result<Self, String> {
        let (inputs, outputs) =
            f.op.attr("function_type")
                .and_then(|t| t.as_type())
                .and_then(|t| t.function())
                .ok_or("a model function has no function type")?;
        let e = Entry { f, inputs, outputs };
        e.check()?;
        Ok(e)
    }

    fn model(&self) -> &Model {
        &self.f.model
    }

    fn check(&self) -> Result<(), String> {
        let m = self.model();
        let name = &self.f.name;
        if m.token_args.len() != 1 {
            return Err(format!(
                "@{name} has {} token arguments, one is needed",
                m.token_args.len()
            ));
        }
        if m.position_args.len() > 1 {
            return Err(format!(
                "@{name} has {} integer arguments that could be the position; name the interface with spec.model",
                m.position_args.len()
            ));
        }
        let covered = 1 + m.position_args.len() + m.cache_args.len() + m.parameter_args.len();
        if covered != self.inputs.len() {
            return Err(format!(
                "@{name} has {} arguments of unknown purpose",
                self.inputs.len() - covered
            ));
        }
        if m.cache_args.len() != m.cache_results.len() + m.row_results.len() {
            return Err(format!(
                "@{name} takes {} caches and returns {}",
                m.cache_args.len(),
                m.cache_results.len() + m.row_results.len()
            ));
        }
        if !m.cache_results.is_empty() && !m.row_results.is_empty() {
            return Err(format!(
                "@{name} returns some caches whole and of others only the new rows"
            ));
        }
        if m.logits_results.is_empty() && m.token_results.is_empty() {
            return Err(format!("@{name} returns neither logits nor tokens"));
        }
        if let Some(l) = m.logits_results.first() {
            let rows = dims(self.outputs[*l as usize]).iter().product::<u64>()
                / m.vocabulary.max(1) as u64;
            if rows != m.tokens as u64 {
                return Err(format!(
                    "@{name} returns logits for {rows} of its {} tokens",
                    m.tokens
                ));
            }
        }
        Ok(())
    }

    fn token_type(&self) -> Type {
        self.inputs[self.model().token_args[0] as usize]
    }

    fn cache_types(&self) -> Vec<Type> {
        self.model()
            .cache_args
            .iter()
            .map(|i| self.inputs[*i as usize])
            .collect()
    }

    fn parameter_types(&self) -> Vec<Type> {
        self.model()
            .parameter_args
            .iter()
            .map(|i| self.inputs[*i as usize])
            .collect()
    }
}

/// What both sides of the round agree on.
struct Round {
    draft_length: u64,
    accept: Accept,
    token: String,
}

/// Builds the device functions and `@spec_round`.
///
/// # Errors
/// A reason, for the report: the functions' interfaces do not allow it.
pub fn build(host: &mut Host, functions: &[PlacedFunction]) -> Result<(), String> {
    let draft_length = u64::try_from(host.plan.draft_length).unwrap_or(0);
    let target = pick(functions, Role::Target, draft_length + 1)?
        .ok_or("the target is not a function of its own")?;
    let drafter = if draft_length == 0 {
        None
    } else {
        Some(pick(functions, Role::Drafter, 1)?.ok_or("the drafter is not a function of its own")?)
    };
    let round = Round {
        draft_length,
        accept: host.plan.accept,
        token: element(target.token_type()),
    };
    let verify = device_function(host, &target, &round, "verify", draft_length + 1)?;
    let draft = drafter
        .as_ref()
        .map(|d| device_function(host, d, &round, "step", 1))
        .transpose()?;
    host_function(
        host,
        &round,
        drafter.as_ref().zip(draft.as_deref()),
        (&target, &verify),
    )
}

/// The entry point that covers `tokens` in fewest calls, the narrowest of those.
fn pick(
    functions: &[PlacedFunction],
    role: Role,
    tokens: u64,
) -> Result<Option<Entry<'_>>, String> {
    let of_role = functions.iter().filter(|f| f.model.role == role);
    let best = of_role.min_by_key(|f| {
        let m = f.model.tokens.max(1) as u64;
        (tokens.div_ceil(m), m)
    });
    best.map(Entry::new).transpose()
}

fn device_of(host: &Host, f: &PlacedFunction) -> Result<Device, String> {
    host.devices
        .iter()
        .find(|d| d.placement == f.placement)
        .cloned()
        .ok_or_else(|| "a placement has no device module".into())
}

/// `(tokens [n], position, caches..., parameters...) -> (choices [n] or distributions, caches...)` in the model's device module.
fn device_function(
    host: &mut Host,
    e: &Entry,
    round: &Round,
    suffix: &str,
    n: u64,
) -> Result<String, String> {
    let device = device_of(host, e.f)?;
    let name = symbols::unique(device.body, &format!("{}_{suffix}", e.f.name));
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
        "func.func @{name}({}) -> ({}) {{\n  {}\n  return {} : {}\n}}",
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
        "func.func private @{}({}) -> ({})",
        e.f.name,
        list(&e.inputs),
        list(&e.outputs)
    );
    let op = parse_function(host, &prelude, &text, &name)?;
    device.body.append(op);
    Ok(name)
}

fn result_type(e: &Entry, round: &Round, n: u64) -> String {
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
        caches = commit(b, e, &results, &position, caches);
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
        "{name}{count} = call @{}({}) : ({}) -> ({})",
        e.f.name,
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

/// Whole caches as they are; new rows are committed at the position.
fn commit(
    b: &mut Body,
    e: &Entry,
    results: &[String],
    position: &str,
    caches: Vec<String>,
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
            b.op(format!(
                "spec.commit {} into {cache} at {position} : i64 dim {dim} : {rows} into {ty}",
                results[r]
            ))
        })
        .collect()
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

/// Parses a function in a scratch module whose `prelude` declares what it refers to; the result is detached.
fn parse_function(host: &Host, prelude: &str, text: &str, name: &str) -> Result<Op, String> {
    let bug = || format!("internal error in the text of @{name}; please report it with the input");
    let scratch = parse_op(
        host.module.ctx(),
        &format!("module {{\n{prelude}\n{text}\n}}"),
        "<spec-outline>",
    )
    .ok_or_else(bug)?;
    let found = scratch
        .body()
        .and_then(|b| b.ops().into_iter().find(|o| o.symbol() == Some(name)))
        .ok_or_else(bug)?;
    let copy = found.duplicate();
    scratch.erase();
    Ok(copy)
}

/// One region of the round: transfers, the dispatch, transfers back, yield.
fn region(
    host: &Host,
    round: &Round,
    e: &Entry,
    name: &str,
    n: u64,
    parameters: &[String],
    prelude: &mut String,
) -> Result<String, String> {
    let device = device_of(host, e.f)?;
    let placement = &e.f.placement;
    let tokens = tensor(&[n], &round.token);
    let caches = e.cache_types();
    let mut lines = vec![];
    let t = call::transfer_text(host, placement, "%t", &tokens, true, &mut lines);
    let p = call::transfer_text(host, placement, "%p", "tensor<i64>", true, &mut lines);
    let names: Vec<String> = (0..caches.len()).map(|i| format!("%s{i}")).collect();
    let mut operands = vec![t, p];
    operands.extend(names.iter().cloned());
    operands.extend(parameters.iter().cloned());
    let mut types = vec![tokens.clone(), "tensor<i64>".to_owned()];
    types.extend(caches.iter().map(Type::to_string));
    types.extend(e.parameter_types().iter().map(Type::to_string));
    let output = result_type(e, round, n);
    let mut results = vec![output.clone()];
    results.extend(caches.iter().map(Type::to_string));
    let resident: Vec<i64> = (2..operands.len() as i64).collect();
    let keeps: Vec<i64> = (1..results.len() as i64).collect();
    let (bind, first) = if results.len() == 1 {
        ("%r".to_owned(), "%r".to_owned())
    } else {
        (format!("%r:{}", results.len()), "%r#0".to_owned())
    };
    let list = |word: &str, l: &[i64]| {
        if l.is_empty() {
            String::new()
        } else {
            format!(" {word} {}", indices(l))
        }
    };
    lines.push(format!(
        "{bind} = spec.dispatch @{}::@{name}({}){}{} : ({}) -> ({})",
        device.name,
        operands.join(", "),
        list("resident", &resident),
        list("keeps", &keeps),
        types.join(", "),
        results.join(", ")
    ));
    let _ = write!(
        prelude,
        "module @{} attributes {{spec.placement = #spec.placement<role = {}, device = {}, units = {}, dtype = {}>}} {{ func.func private @{name}({}) -> ({}) }}\n",
        device.name,
        placement.role,
        quoted(&placement.device),
        placement.units,
        placement.dtype,
        types.join(", "),
        results.join(", ")
    );
    let out = call::transfer_text(host, placement, &first, &output, false, &mut lines);
    let mut yielded = vec![out];
    yielded.extend((1..results.len()).map(|i| format!("%r#{i}")));
    lines.push(format!(
        "spec.yield {} : {}",
        yielded.join(", "),
        results.join(", ")
    ));
    let mut args = vec![format!("%t: {tokens}"), "%p: tensor<i64>".to_owned()];
    args.extend(
        caches
            .iter()
            .enumerate()
            .map(|(i, t)| format!("%s{i}: {t}")),
    );
    Ok(format!(
        "{{\n  ^bb0({}):\n    {}\n  }}",
        args.join(", "),
        lines.join("\n    ")
    ))
}

fn host_function(
    host: &mut Host,
    round: &Round,
    draft: Option<(&Entry, &str)>,
    (target, verify): (&Entry, &str),
) -> Result<(), String> {
    let n = round.draft_length + 1;
    let name = symbols::unique(host.body, "spec_round");
    let mut args = vec![
        format!("%last: {}", tensor(&[1], &round.token)),
        "%position: tensor<i64>".to_owned(),
    ];
    let random =
        (round.accept == Accept::Rejection).then(|| tensor(&[2 * round.draft_length + 1], "f32"));
    args.extend(random.iter().map(|t| format!("%random: {t}")));
    let names =
        |prefix: &str, n: usize| (0..n).map(|i| format!("%{prefix}{i}")).collect::<Vec<_>>();
    let mut states: Vec<String> = vec![];
    let mut parameters: Vec<String> = vec![];
    let (mut clauses, mut prelude) = (String::new(), String::new());
    let sides = draft
        .map(|(e, f)| (e, f, "draft", "d", 1))
        .into_iter()
        .chain([(target, verify, "verify", "t", n)]);
    for (e, function, keyword, prefix, tokens) in sides {
        let cache_names = names(&format!("{prefix}cache"), e.cache_types().len());
        let weight_names = names(&format!("{prefix}weight"), e.parameter_types().len());
        args.extend(
            cache_names
                .iter()
                .zip(e.cache_types())
                .map(|(n, t)| format!("{n}: {t}")),
        );
        parameters.extend(
            weight_names
                .iter()
                .zip(e.parameter_types())
                .map(|(n, t)| format!("{n}: {t}")),
        );
        states.extend(e.cache_types().iter().map(Type::to_string));
        let types: Vec<String> = e.cache_types().iter().map(Type::to_string).collect();
        let operands = if types.is_empty() {
            String::new()
        } else {
            format!("{} : {}", cache_names.join(", "), types.join(", "))
        };
        let body = region(
            host,
            round,
            e,
            function,
            tokens,
            &weight_names,
            &mut prelude,
        )?;
        let _ = write!(clauses, " {keyword}({operands}) {body}");
    }
    args.extend(parameters);
    let output = tensor(&[n], &round.token);
    let mut results = vec![output.clone(), "index".to_owned()];
    results.extend(states.iter().cloned());
    let bind = if states.is_empty() {
        "%tokens, %count".to_owned()
    } else {
        format!("%tokens, %count, %states:{}", states.len())
    };
    let mut returned = vec!["%tokens".to_owned(), "%count".to_owned()];
    returned.extend((0..states.len()).map(|i| {
        if states.len() == 1 {
            "%states".to_owned()
        } else {
            format!("%states#{i}")
        }
    }));
    let random = random.map_or(String::new(), |t| format!(" random(%random : {t})"));
    let text = format!(
        "func.func @{name}({}) -> ({}) {{\n  {bind} = spec.round {} draft_length {} last(%last : {}) position(%position : tensor<i64>){random}{clauses} : {output}\n  return {} : {}\n}}",
        args.join(", "),
        results.join(", "),
        round.accept,
        round.draft_length,
        tensor(&[1], &round.token),
        returned.join(", "),
        results.join(", ")
    );
    let op = parse_function(host, &prelude, &text, &name)?;
    match host.devices.first() {
        Some(first) => first.op.insert_before(op),
        None => host.body.append(op),
    }
    Ok(())
}
