//! What a core can do, from the options of a pass.

use spec_dialect::ffi::Options;
use spec_kernels::{Arch, Feature, Target};
use std::collections::BTreeSet;

/// The extension of that name, as device files and options spell it.
pub fn feature(name: &str) -> Option<Feature> {
    Some(match name {
        "avx512" => Feature::Avx512,
        "vnni" => Feature::Vnni,
        "avxvnni" => Feature::AvxVnni,
        "dotprod" => Feature::Dotprod,
        "fp16" => Feature::Fp16,
        "bf16" => Feature::Bf16,
        "i8mm" => Feature::I8mm,
        _ => return None,
    })
}

/// The instruction set of that name.
pub fn arch(name: &str) -> Option<Arch> {
    match name {
        "x86_64" => Some(Arch::X86_64),
        "aarch64" => Some(Arch::Aarch64),
        _ => None,
    }
}

pub(crate) fn from_options(options: &Options) -> Result<Target, String> {
    let number = |name: &str, allowed: &[i64]| {
        let value = options.int(name);
        if allowed.is_empty() && value > 0 && value <= 1 << 30 || allowed.contains(&value) {
            return Ok(value);
        }
        Err(format!("{name} = {value} is not possible"))
    };
    let name = options.string("arch");
    let mut features = BTreeSet::new();
    for name in options
        .string("features")
        .split(',')
        .filter(|n| !n.is_empty())
    {
        let known = "avx512, vnni, avxvnni, dotprod, fp16, bf16, i8mm";
        features
            .insert(feature(name).ok_or(format!("unknown feature '{name}'; known are {known}"))?);
    }
    Ok(Target {
        arch: arch(&name).ok_or(format!(
            "unknown arch '{name}'; known are x86_64 and aarch64"
        ))?,
        vector_bits: number("vector-bits", &[128, 256, 512])? as u32,
        vector_registers: number("vector-registers", &[8, 16, 32])? as u32,
        l1_bytes: number("l1-bytes", &[])? as u64,
        features,
    })
}
