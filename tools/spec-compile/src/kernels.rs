//! What a function computes: model ops by kind, and generic code. Counted on a prepared module, or by the kernels that a GPU runs.

use spec_dialect::ffi::{Attr, Op};
use std::collections::{BTreeMap, HashMap};

/// Ops of one call, by kind.
pub type Counts = BTreeMap<String, u64>;

/// The kind of code without a kernel.
pub const GENERIC: &str = "generic";

/// Counts of each function of `module`, those of the functions that it calls included.
pub fn count(module: Op) -> HashMap<String, Counts> {
    let ops = module.body().map(|b| b.ops()).unwrap_or_default();
    let functions: Vec<Op> = ops
        .into_iter()
        .filter(|o| o.name() == "func.func")
        .collect();
    let by_name: HashMap<&str, Op> = functions
        .iter()
        .filter_map(|f| Some((f.symbol()?, *f)))
        .collect();
    let mut done = HashMap::new();
    for name in by_name.keys() {
        of(name, &by_name, &mut done);
    }
    done
}

fn of(name: &str, functions: &HashMap<&str, Op>, done: &mut HashMap<String, Counts>) -> Counts {
    if let Some(known) = done.get(name) {
        return known.clone();
    }
    done.insert(name.to_owned(), Counts::new()); // a recursive call counts nothing
    let mut counts = Counts::new();
    for op in functions.get(name).map(|f| f.nested()).unwrap_or_default() {
        match kind(op) {
            Kind::Op(kind) => *counts.entry(kind).or_default() += 1,
            Kind::Call(callee) => {
                for (kind, n) in of(&callee, functions, done) {
                    *counts.entry(kind).or_default() += n;
                }
            }
            Kind::None => {}
        }
    }
    done.insert(name.to_owned(), counts.clone());
    counts
}

enum Kind {
    Op(String),
    Call(String),
    None,
}

fn kind(op: Op) -> Kind {
    match op.name() {
        "func.call" => match op.attr("callee").and_then(Attr::as_flat_symbol) {
            Some(callee) => Kind::Call(callee.to_owned()),
            None => Kind::None,
        },
        "linalg.softmax" => Kind::Op("softmax".into()),
        "linalg.yield" | "linalg.index" | "linalg.fill" | "linalg.copy" => Kind::None,
        name => match name.split_once('.') {
            Some(("spec", name)) => Kind::Op(name.to_owned()),
            Some(("linalg", _)) => Kind::Op(GENERIC.into()),
            _ => Kind::None,
        },
    }
}

/// Kinds of kernels of a GPU, as their names begin.
const KINDS: &[&str] = &[
    "linear",
    "attention",
    "combine",
    "heads",
    "norm",
    "rope",
    "embedding",
    "argmax",
    "softmax",
    "check",
];

/// Functions that activations are named after.
const ACTIVATIONS: &[&str] = &["silu", "gelu", "relu", "relu2", "sigmoid", "tanh"];

/// The kind of a GPU's kernel, by its name: `linear` of `norm_linear3_64_f32`.
pub fn kind_of_kernel(entry: &str) -> String {
    let product = entry.find("linear").map(|at| &entry[at..]);
    let first = product.unwrap_or(entry).split('_').next();
    let first = first.unwrap_or_default();
    let kind = first.trim_end_matches(|c: char| c.is_ascii_digit());
    if ACTIVATIONS.contains(&first) {
        "activation".into()
    } else if KINDS.contains(&kind) {
        kind.to_owned()
    } else {
        GENERIC.into()
    }
}

#[cfg(test)]
mod tests {
    use super::kind_of_kernel;

    #[test]
    fn kernels_have_kinds() {
        let cases = [
            ("norm_linear3_64_f32_m3", "linear"),
            ("linear1_64_i4g32_dot", "linear"),
            ("norm_rms_64", "norm"),
            ("attention_split_8x8", "attention"),
            ("gelu_tanh_172", "activation"),
            ("relu2_172", "activation"),
            ("generic_addf_5x64", "generic"),
            ("copy_4", "generic"),
        ];
        for (name, kind) in cases {
            assert_eq!(kind_of_kernel(name), kind, "{name}");
        }
    }
}
