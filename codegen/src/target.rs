//! What a core can do, from the options of a pass.

use spec_dialect::ffi::Options;
use spec_kernels::{Arch, Feature, Target};
use std::collections::BTreeSet;

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
        let known = Feature::NAMES.map(|(name, _)| name).join(", ");
        features.insert(
            Feature::from_name(name)
                .ok_or(format!("unknown feature '{name}'; known are {known}"))?,
        );
    }
    Ok(Target {
        arch: Arch::from_name(&name).ok_or(format!(
            "unknown arch '{name}'; known are x86_64 and aarch64"
        ))?,
        vector_bits: number("vector-bits", &[128, 256, 512])? as u32,
        vector_registers: number("vector-registers", &[8, 16, 32])? as u32,
        l1_bytes: number("l1-bytes", &[])? as u64,
        features,
    })
}
