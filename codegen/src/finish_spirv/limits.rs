//! Limits of the device, kernel by kernel.

use super::symbols::{entries, storage_class};
use spec_dialect::ffi::{Attr, Op};
use spec_dialect::pass::Diagnostics;
use std::collections::{HashMap, HashSet};

/// Bytes of push constants that every Vulkan device has.
const PUSH_BYTES: u64 = 128;

/// `bindings`: storage buffers of a kernel at most, 0: any number.
pub(super) fn check(spirv: Op, bindings: usize) -> Result<(), Diagnostics> {
    let ops = spirv.body().map_or(vec![], |b| b.ops());
    let by_name = |name: &'static str| ops.iter().copied().filter(move |o| o.name() == name);
    let variables: HashMap<&str, Op> = by_name("spirv.GlobalVariable")
        .filter_map(|v| Some((v.symbol()?, v)))
        .collect();
    let functions: HashMap<&str, Op> = by_name("spirv.func")
        .filter_map(|f| Some((f.symbol()?, f)))
        .collect();
    let limits = Limits::of(spirv);
    for mode in by_name("spirv.ExecutionMode") {
        limits.workgroup(mode)?;
    }
    for entry in entries(spirv) {
        let name = entry.attr("fn").map_or(String::new(), symbol);
        let Some(function) = functions.get(name.as_str()) else {
            continue;
        };
        let used = used(*function, &variables);
        limits.memory(*function, &used)?;
        buffers(*function, &variables, bindings)?;
    }
    Ok(())
}

fn symbol(attr: Attr) -> String {
    let text = attr.to_string();
    text.trim_start_matches('@').trim_matches('"').to_owned()
}

/// Variables that a function names, each once.
fn used(function: Op, variables: &HashMap<&str, Op>) -> Vec<Op> {
    let mut seen = HashSet::new();
    let names = (function.nested().into_iter())
        .filter(|o| o.name() == "spirv.mlir.addressof")
        .filter_map(|o| Some(symbol(o.attr("variable")?)));
    names
        .filter(|n| seen.insert(n.clone()))
        .filter_map(|n| variables.get(n.as_str()).copied())
        .collect()
}

/// What the target environment says; nothing where there is none.
struct Limits {
    invocations: Option<u64>,
    shared_bytes: Option<u64>,
}

/// What a target environment means that does not say: MLIR leaves these out when it prints.
const DEFAULT_INVOCATIONS: u64 = 128;
const DEFAULT_SHARED_BYTES: u64 = 16384;

impl Limits {
    fn of(spirv: Op) -> Self {
        let text = spirv.attr("spirv.target_env").map(|a| a.to_string());
        let limit = |name: &str, default: u64| {
            let text = text.as_deref()?;
            let Some((_, rest)) = text.split_once(name) else {
                return Some(default);
            };
            let digits = rest.trim_start_matches([' ', '=']);
            let number = digits.split(|c: char| !c.is_ascii_digit()).next();
            number?.parse().ok()
        };
        Limits {
            invocations: limit("max_compute_workgroup_invocations", DEFAULT_INVOCATIONS),
            shared_bytes: limit("max_compute_shared_memory_size", DEFAULT_SHARED_BYTES),
        }
    }

    fn workgroup(&self, mode: Op) -> Result<(), Diagnostics> {
        let sizes = mode.attr("values").map_or(String::new(), |a| a.to_string());
        // [64 : i32, 1 : i32, 1 : i32]
        let numbers = sizes.trim_start_matches('[').split(',');
        let numbers = numbers.filter_map(|n| n.split_whitespace().next()?.parse::<u64>().ok());
        let n: u64 = numbers.product();
        match self.invocations.filter(|most| n > *most) {
            Some(most) => Err(Diagnostics::at(
                mode.loc(),
                format!("a workgroup of {n} invocations; the device has {most}"),
            )),
            None => Ok(()),
        }
    }

    fn memory(&self, function: Op, used: &[Op]) -> Result<(), Diagnostics> {
        let shared = used.iter().filter(|v| storage_class(**v) == "Workgroup");
        let bytes: u64 = shared.map(|v| bytes_of(*v)).sum();
        match self.shared_bytes.filter(|most| bytes > *most) {
            Some(most) => Err(Diagnostics::at(
                function.loc(),
                format!("{bytes} bytes of workgroup memory; the device has {most}"),
            )),
            None => Ok(()),
        }
    }
}

/// Storage buffers and push constants of a kernel, used or not.
fn buffers(
    function: Op,
    variables: &HashMap<&str, Op>,
    bindings: usize,
) -> Result<(), Diagnostics> {
    let prefix = format!("{}_arg_", function.symbol().unwrap_or_default());
    let mine = |class: &'static str| {
        let named = variables.iter().filter(|(name, _)| {
            let number = name.strip_prefix(prefix.as_str());
            number.is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
        });
        named
            .map(|(_, v)| *v)
            .filter(move |v| storage_class(*v) == class)
    };
    let n = mine("StorageBuffer").count();
    if bindings > 0 && n > bindings {
        let what = format!("a kernel of {n} buffers; the device binds {bindings}");
        return Err(Diagnostics::at(function.loc(), what));
    }
    let bytes: u64 = mine("PushConstant").map(bytes_of).sum();
    if bytes > PUSH_BYTES {
        let what = format!("{bytes} bytes of push constants; devices have {PUSH_BYTES}");
        return Err(Diagnostics::at(function.loc(), what));
    }
    Ok(())
}

/// Size of `!spirv.ptr<!spirv.struct<(!spirv.array<N x T>)>, C>`; 0 of a type that has no size here.
fn bytes_of(variable: Op) -> u64 {
    let ty = variable
        .attr("type")
        .map_or(String::new(), |t| t.to_string());
    array_bytes(&ty).unwrap_or(0)
}

fn array_bytes(ty: &str) -> Option<u64> {
    let (_, array) = ty.split_once("!spirv.array<")?;
    let (count, element) = array.split_once(" x ")?;
    let count: u64 = count.trim().parse().ok()?;
    if element.starts_with("!spirv.array<") {
        return Some(count * array_bytes(element)?);
    }
    let (lanes, scalar) = match element.strip_prefix("vector<") {
        Some(vector) => vector
            .split_once('x')
            .and_then(|(n, s)| Some((n.parse().ok()?, s)))?,
        None => (1_u64, element),
    };
    let bits = scalar.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let bits: u64 = bits
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()?;
    Some(count * lanes * bits / 8)
}
