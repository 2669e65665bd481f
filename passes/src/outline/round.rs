//! Writes one round of speculative decoding as IR: a step function for the drafter and a verify function for the target, each
//! in its device module, and `@spec_round` on the host.
//!
//! The device functions choose the tokens (arg max) where the logits are, and append to the KV caches, so that only token ids
//! cross; with rejection sampling they return distributions instead.

mod device;
mod entry;

use self::device::{device_function, result_type};
use self::entry::Entry;
use super::text::{element, symbol, tensor};
use super::{Device, Host, PlacedFunction, call, symbols};
use spec_dialect::attrs::{Accept, Role, indices, quoted};
use spec_dialect::ffi::{Op, Severity, Type, emit, parse_op};
use std::fmt::Write;

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
    for e in std::iter::once(&target).chain(&drafter) {
        if round.accept == Accept::Rejection && e.model().logits_results.is_empty() {
            return Err(format!(
                "@{} returns tokens, and rejection sampling needs distributions: export it with logits, or plan with sampling=greedy",
                e.f.name
            ));
        }
    }
    warn_padding(&target, draft_length + 1);
    drafter.iter().for_each(|d| warn_padding(d, 1));
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

/// Padding is never committed, but the function sees it: it needs positions for it, and room in caches that it writes itself.
fn warn_padding(e: &Entry, n: u64) {
    let width = e.model().tokens.max(1) as u64;
    let taken = n.div_ceil(width) * width;
    if taken > n {
        let text = format!(
            "spec-outline: @{} takes {width} tokens a call and the round gives it {n}, the rest is padding: position + {taken} must not exceed the context",
            e.f.name
        );
        emit(e.f.op.loc(), Severity::Remark, &text, &[]);
    }
}

fn device_of(host: &Host, f: &PlacedFunction) -> Result<Device, String> {
    host.devices
        .iter()
        .find(|d| d.placement == f.placement)
        .cloned()
        .ok_or_else(|| "a placement has no device module".into())
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
        "{bind} = spec.dispatch {}::{}({}){}{} : ({}) -> ({})",
        symbol(&device.name),
        symbol(name),
        operands.join(", "),
        list("resident", &resident),
        list("keeps", &keeps),
        types.join(", "),
        results.join(", ")
    ));
    let _ = writeln!(
        prelude,
        "module {} attributes {{spec.placement = #spec.placement<role = {}, device = {}, units = {}, dtype = {}>}} {{ func.func private {}({}) -> ({}) }}",
        symbol(&device.name),
        placement.role,
        quoted(&placement.device),
        placement.units,
        placement.dtype,
        symbol(name),
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
    let name = symbols::unique(&[host.body], "spec_round");
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
        "func.func {}({}) -> ({}) {{\n  {bind} = spec.round {} draft_length {} last(%last : {}) position(%position : tensor<i64>){random}{clauses} : {output}\n  return {} : {}\n}}",
        symbol(&name),
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
