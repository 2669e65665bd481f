//! Mutations that know what a function looks like, and tend to leave it well-formed.

use crate::mutate::{lines, replace_one, replaced, runs};
use crate::rng::Rng;

/// Everywhere in one function, or at one place.
pub fn other_type(rng: &mut Rng, text: &str) -> String {
    const TYPES: [&str; 8] = ["f32", "f16", "i64", "i32", "i1", "i8", "index", "bf16"];
    if rng.chance(0.5) {
        return replace_one(rng, text, &TYPES);
    }
    let (from, to) = (*rng.pick(&TYPES), *rng.pick(&TYPES));
    in_a_function(rng, text, |_, f| f.replace(from, to))
}

pub fn other_op(rng: &mut Rng, text: &str) -> String {
    const OPS: [&[&str]; 4] = [
        &[
            "arith.addf",
            "arith.mulf",
            "arith.subf",
            "arith.divf",
            "arith.maximumf",
        ],
        &[
            "arith.addi",
            "arith.muli",
            "arith.subi",
            "arith.maxsi",
            "arith.remsi",
            "arith.divsi",
        ],
        &[
            "math.exp",
            "math.rsqrt",
            "math.tanh",
            "math.sin",
            "math.cos",
            "math.log",
        ],
        &["parallel", "reduction"],
    ];
    let family = *rng.pick(&OPS);
    replace_one(rng, text, family)
}

/// Applies `change` to the text of one of the functions.
fn in_a_function(
    rng: &mut Rng,
    text: &str,
    change: impl FnOnce(&mut Rng, &str) -> String,
) -> String {
    let starts: Vec<usize> = text.match_indices("func.func").map(|(i, _)| i).collect();
    if starts.is_empty() {
        return text.to_owned();
    }
    let n = rng.below(starts.len());
    let (start, end) = (starts[n], starts.get(n + 1).copied().unwrap_or(text.len()));
    let changed = change(rng, &text[start..end]);
    replaced(text, start..end, &changed)
}

/// A size wherever it stands in shapes of a function: the vocabulary, a width, the context.
fn resize(rng: &mut Rng, f: &str, to: &str) -> String {
    let sizes: Vec<&str> = f
        .split(['<', 'x', ' '])
        .filter(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()))
        .collect();
    if sizes.is_empty() {
        return f.to_owned();
    }
    let size = *rng.pick(&sizes);
    if rng.chance(0.3) || to == "?" {
        let inner = f.replace(&format!("x{size}x"), &format!("x{to}x"));
        return inner.replace(&format!("<{size}x"), &format!("<{to}x"));
    }
    // slices, reassociations and constants as well: the function tends to stay valid
    let mut out = String::with_capacity(f.len());
    let mut last = 0;
    for at in runs(f, |c| c.is_ascii_digit()) {
        let before = f[..at.start].chars().next_back().unwrap_or(' ');
        if &f[at.clone()] == size && (before == 'x' || "<[ -".contains(before)) {
            out += &f[last..at.start];
            out += to;
            last = at.end;
        }
    }
    out + &f[last..]
}

pub fn dimension(rng: &mut Rng, text: &str) -> String {
    const TO: [&str; 12] = [
        "12",
        "64",
        "0",
        "1",
        "2",
        "3",
        "7",
        "16",
        "33",
        "4096",
        "2147483648",
        "4611686018427387904",
    ];
    let to = *rng.pick(&TO);
    in_a_function(rng, text, |rng, f| resize(rng, f, to))
}

pub fn dynamic(rng: &mut Rng, text: &str) -> String {
    in_a_function(rng, text, |rng, f| resize(rng, f, "?"))
}

/// Top-level parts of a list: brackets and quotes are not looked into.
fn parts(list: &str) -> Vec<&str> {
    let (mut all, mut depth, mut start) = (vec![], 0i32, 0);
    for (i, c) in list.char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '>' if !list[..i].ends_with('-') => depth -= 1,
            ',' if depth == 0 => {
                all.push(list[start..i].trim());
                start = i + 1;
            }
            _ => (),
        }
    }
    all.push(list[start..].trim());
    all
}

/// Byte range of what stands between the bracket at or after `from` and its partner.
fn bracketed(text: &str, from: usize) -> Option<std::ops::Range<usize>> {
    let open = from + text[from..].find('(')?;
    let mut depth = 0;
    for (i, c) in text[open..].char_indices() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 {
            return Some(open + 1..open + i);
        }
    }
    None
}

/// An argument becomes an empty tensor inside, as if the exporter had folded it.
pub fn drop_argument(rng: &mut Rng, text: &str) -> String {
    in_a_function(rng, text, |rng, f| {
        let Some(list) = bracketed(f, 0) else {
            return f.to_owned();
        };
        let mut arguments = parts(&f[list.clone()]);
        let dropped = arguments.remove(rng.below(arguments.len()));
        let Some((name, ty)) = dropped.split_once(": ") else {
            return f.to_owned();
        };
        let joined = arguments.join(", ");
        let without = replaced(f, list, &joined);
        let making = match ty.starts_with("tensor<") {
            true => format!("{{\n    {name} = tensor.empty() : {ty}"),
            false => format!("{{\n    {name} = ub.poison : {ty}"),
        };
        match without.find("{\n") {
            Some(at) => replaced(&without, at..at + 1, &making),
            None => without,
        }
    })
}

/// A result less: a model without its head, or without a cache.
pub fn drop_result(rng: &mut Rng, text: &str) -> String {
    in_a_function(rng, text, |rng, f| {
        let results = f.find("-> (").and_then(|a| bracketed(f, a));
        let returned = f.rfind("return ").map(|r| r + "return ".len());
        let (Some(results), Some(returned)) = (results, returned) else {
            return f.to_owned();
        };
        let end = returned + f[returned..].find('\n').unwrap_or(f.len() - returned);
        let Some((values, types)) = f[returned..end].split_once(" : ") else {
            return f.to_owned();
        };
        let mut lists = [parts(&f[results.clone()]), parts(values), parts(types)];
        let i = rng.below(lists[0].len());
        for l in &mut lists {
            if i < l.len() {
                l.remove(i);
            }
        }
        let [signature, values, types] = lists.map(|l| l.join(", "));
        let f = replaced(f, returned..end, &format!("{values} : {types}"));
        replaced(&f, results, &signature)
    })
}

pub fn rename_symbol(rng: &mut Rng, text: &str) -> String {
    let names: Vec<&str> = text
        .match_indices('@')
        .map(|(i, _)| {
            let rest = &text[i..];
            let end = rest[1..]
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .map_or(rest.len(), |e| e + 1);
            &rest[..end]
        })
        .collect();
    if names.is_empty() {
        return text.to_owned();
    }
    let from = *rng.pick(&names);
    let new = [
        "@draft",
        "@target",
        "@\"a b\"",
        "@spec_round",
        "@cpu",
        "@\"\"",
        "@main",
    ];
    let to = if rng.chance(0.3) {
        *rng.pick(&names)
    } else {
        *rng.pick(&new)
    };
    if rng.chance(0.7) {
        return text.replace(from, to);
    }
    let all: Vec<usize> = text.match_indices(from).map(|(i, _)| i).collect();
    let at = *rng.pick(&all);
    replaced(text, at..at + from.len(), to)
}

pub fn foreign_op(rng: &mut Rng, text: &str) -> String {
    const OPS: [&str; 8] = [
        r#""stablehlo.add"() : () -> ()"#,
        r#""test.unknown"() ({ ^bb0(%x: index): "test.end"() : () -> () }) : () -> ()"#,
        r#"%fuzz = "test.value"() : () -> tensor<4xf32>"#,
        r#"func.func private @fuzz(tensor<1xi64>) -> tensor<1x32xf32>"#,
        "module {}",
        r#"%fuzz = arith.constant dense<1.0> : tensor<8x8xf32>"#,
        r#"%fuzz = ub.poison : tensor<?x?xf32>"#,
        r#"cf.br ^bb1"#,
    ];
    let mut l = lines(text);
    let op = *rng.pick(&OPS);
    let at = rng.below(l.len() + 1);
    l.insert(at, op);
    l.join("\n") + "\n"
}

/// An attribute of ours, right or wrong, on a function.
pub fn attribute(rng: &mut Rng, text: &str) -> String {
    const ATTRIBUTES: [&str; 8] = [
        r#"spec.role = "drafter""#,
        r#"spec.role = "target""#,
        r#"spec.role = "both""#,
        "spec.role = 1",
        "spec.placement = #spec.placement<role = target, device = \"gpu\", units = 1, dtype = f32>",
        "spec.bounds = array<i64: 1, 256>",
        "spec.call = #spec.call<model = \"m\", role = drafter, index = 7>",
        "spec.unknown",
    ];
    let attribute = *rng.pick(&ATTRIBUTES);
    in_a_function(rng, text, |_, f| match f.find("{\n") {
        Some(at) if !f[..at].contains("attributes") => {
            replaced(f, at..at, &format!("attributes {{{attribute}}} "))
        }
        _ => f.to_owned(),
    })
}

/// An operand becomes another value.
pub fn other_operand(rng: &mut Rng, text: &str) -> String {
    in_a_function(rng, text, |rng, f| {
        let all: Vec<std::ops::Range<usize>> = f
            .match_indices('%')
            .map(|(i, _)| {
                let end = f[i + 1..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != '#');
                i..end.map_or(f.len(), |e| i + 1 + e)
            })
            .collect();
        if all.is_empty() {
            return f.to_owned();
        }
        // values made near each other tend to have one type
        let at = rng.below(all.len());
        let from = at.saturating_sub(rng.below(12));
        let with = f[all[from].clone()].to_owned();
        replaced(f, all[at].clone(), &with)
    })
}
