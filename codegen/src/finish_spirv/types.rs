//! Stock type conversion takes 32 bits where a device lacks a smaller type, and f32 where it is bf16: in registers the results differ, in
//! buffers they are garbage. Kernels that would meet it are refused.

use super::capabilities::mentions;
use super::symbols::variables;
use spec_dialect::ffi::{Op, Value};
use spec_dialect::pass::Diagnostics;
use std::collections::HashMap;

/// Types of 32 bits are there anyway; these are if the target environment has the capability, or never.
const TYPES: &[(&str, Option<&str>)] = &[
    ("bf16", None),
    ("i4", None),
    ("f16", Some("Float16")),
    ("i16", Some("Int16")),
    ("i8", Some("Int8")),
    ("i64", Some("Int64")),
    ("f64", Some("Float64")),
];

/// Compares the kernels of `gpu`, which the stock passes copied, with what they made of them.
pub(super) fn check(spirv: Op, gpu: Op) -> Result<(), Diagnostics> {
    let environment = spirv
        .attr("spirv.target_env")
        .map_or(String::new(), |a| a.to_string());
    let has = |capability: &str| {
        let mut words = environment.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|w| w == capability)
    };
    let lacking = TYPES.iter().filter(|(_, needed)| !needed.is_some_and(has));
    let lacking: Vec<&str> = lacking.map(|(ty, _)| *ty).collect();
    let strides: HashMap<&str, u64> = variables(spirv)
        .filter_map(|v| Some((v.symbol()?, stride(v)?)))
        .collect();
    let funcs = gpu.body().map_or(vec![], |b| b.ops());
    for func in funcs.into_iter().filter(|o| o.name() == "gpu.func") {
        registers(func, &lacking)?;
        buffers(func, &strides)?;
    }
    Ok(())
}

/// No op may have a value of a type that is not there.
fn registers(func: Op, lacking: &[&str]) -> Result<(), Diagnostics> {
    for op in func.nested() {
        let blocks = (0..op.region_count()).flat_map(|i| op.region_blocks(i));
        let args = blocks.flat_map(|b| b.args());
        let values: Vec<Value> = op.results().chain(args).collect();
        for value in values {
            let ty = value.ty().to_string();
            if let Some(small) = lacking.iter().find(|t| mentions(&ty, t)) {
                let what = format!(
                    "a kernel has a value of type {ty}, and this device has no {small}: use words of 32 bits"
                );
                return Err(Diagnostics::at(value.loc(), what).note(func.loc(), "in this kernel"));
            }
        }
    }
    Ok(())
}

/// Elements of buffers must have kept their sizes.
fn buffers(func: Op, strides: &HashMap<&str, u64>) -> Result<(), Diagnostics> {
    let kernel = func.symbol().unwrap_or_default();
    let args = func.body().map_or(vec![], |b| b.args());
    for (i, arg) in args.into_iter().enumerate() {
        let ty = arg.ty().to_string();
        let stride = strides.get(format!("{kernel}_arg_{i}").as_str());
        let expected = element_bytes(&ty);
        if let (Some(stride), Some(expected)) = (stride, expected)
            && *stride != expected
        {
            let what = format!(
                "a buffer of type {ty}: this device has no elements of that size in buffers; use words of 32 bits"
            );
            return Err(Diagnostics::at(arg.loc(), what).note(func.loc(), "in this kernel"));
        }
    }
    Ok(())
}

/// Distance of the elements of a buffer.
fn stride(variable: Op) -> Option<u64> {
    let ty = variable.attr("type")?.to_string();
    let (_, rest) = ty.split_once("stride=")?;
    rest.split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// Bytes of the elements of a memref, vectors of them included; none for `index`.
fn element_bytes(memref: &str) -> Option<u64> {
    let inner = memref.strip_prefix("memref<")?;
    let shape = inner.split([',', '>']).next()?; // ?xf32, 4x?xvector<4xf32
    let (lanes, scalar) = match shape.split_once("vector<") {
        Some((_, vector)) => {
            let mut parts: Vec<&str> = vector.split('x').collect();
            let scalar = parts.pop()?;
            let lanes = parts
                .iter()
                .map(|n| n.parse::<u64>().ok())
                .product::<Option<u64>>();
            (lanes?, scalar)
        }
        None => (1, shape.rsplit('x').next()?),
    };
    let bits: u64 = scalar
        .trim_start_matches(|c: char| c.is_ascii_alphabetic())
        .parse()
        .ok()?;
    Some(lanes * bits / 8)
}

#[cfg(test)]
mod tests {
    use super::element_bytes;

    #[test]
    fn elements_have_sizes() {
        for (ty, bytes) in [
            (
                "memref<?xf32, #spirv.storage_class<StorageBuffer>>",
                Some(4),
            ),
            ("memref<4x?xvector<4xf16>>", Some(8)),
            ("memref<?xbf16>", Some(2)),
            ("memref<?xi8>", Some(1)),
            (
                "memref<?xvector<4xi8>, #spirv.storage_class<StorageBuffer>>",
                Some(4),
            ),
            ("memref<?xindex>", None),
            ("f32", None),
        ] {
            assert_eq!(element_bytes(ty), bytes, "{ty}");
        }
    }
}
