//! What a compiler must know of a CPU core: section `[unit.machine]` of a device file. Nothing of the cost model is computed from it.

use crate::CostError;
use crate::quantity::{Dimension, Raw, Reader};
use serde::{Deserialize, Serialize};

/// What a compiler must know of a CPU core.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// LLVM's target triple.
    pub triple: String,
    /// LLVM's name of the core (`-mcpu`).
    pub cpu: String,
    /// LLVM's features beyond those of `features`, each with a leading `+` or `-`.
    pub llvm_features: Vec<String>,
    /// Width of a vector register, bits.
    pub vector_bits: u32,
    /// Vector registers that a program may name.
    pub vector_registers: u32,
    /// Level-1 data cache of one core, bytes.
    pub l1_data_bytes: u64,
}

/// The section as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMachine {
    triple: toml::Spanned<String>,
    cpu: toml::Spanned<String>,
    #[serde(default)]
    llvm_features: Vec<toml::Spanned<String>>,
    vector_bits: Raw,
    vector_registers: Raw,
    l1_data: Raw,
}

/// Vector widths that instruction sets have.
const WIDTHS: std::ops::RangeInclusive<f64> = 64.0..=2048.0;

/// Most registers of an instruction set.
const REGISTERS: f64 = 256.0;

/// Largest level-1 cache that is believed, bytes.
const L1: f64 = 16.0 * 1024.0 * 1024.0;

/// Reads the section of the unit whose keys start with `prefix`.
pub(crate) fn machine(
    reader: &mut Reader<'_>,
    prefix: &str,
    raw: &RawMachine,
) -> Result<Machine, CostError> {
    let key = |name: &str| format!("{prefix}.machine.{name}");
    let triple = word(reader, &key("triple"), &raw.triple)?;
    if triple.split('-').count() < 3 || triple.split('-').any(str::is_empty) {
        let message = "must be LLVM's target triple, such as aarch64-unknown-linux-gnu";
        return Err(at(reader, &key("triple"), &raw.triple, message));
    }
    let mut llvm_features = vec![];
    for feature in &raw.llvm_features {
        let name = word(reader, &key("llvm_features"), feature)?;
        if !name.starts_with(['+', '-']) || name.len() < 2 {
            let message = format!("'{name}' must start with + or -, such as -sve");
            return Err(at(reader, &key("llvm_features"), feature, &message));
        }
        llvm_features.push(name);
    }
    let bits = reader.si(&key("vector_bits"), &raw.vector_bits, Dimension::Bits, None)?;
    if !WIDTHS.contains(&bits) || !(bits as u32).is_power_of_two() {
        let message = "must be a power of two from 64 to 2048";
        return Err(reader.error(&raw.vector_bits, &key("vector_bits"), message));
    }
    let registers = reader.si(
        &key("vector_registers"),
        &raw.vector_registers,
        Dimension::Count,
        None,
    )?;
    if registers > REGISTERS {
        let message = "more than 256 registers";
        return Err(reader.error(&raw.vector_registers, &key("vector_registers"), message));
    }
    let l1 = reader.si(&key("l1_data"), &raw.l1_data, Dimension::Bytes, None)?;
    if !(1024.0..=L1).contains(&l1) {
        let message = "must be from 1 KiB to 16 MiB; check the unit";
        return Err(reader.error(&raw.l1_data, &key("l1_data"), message));
    }
    Ok(Machine {
        triple,
        cpu: word(reader, &key("cpu"), &raw.cpu)?,
        llvm_features,
        vector_bits: bits as u32,
        vector_registers: registers as u32,
        l1_data_bytes: l1 as u64,
    })
}

fn at(reader: &Reader<'_>, key: &str, raw: &toml::Spanned<String>, message: &str) -> CostError {
    CostError::at(
        reader.path,
        reader.text,
        raw.span().start,
        format!("{key}: {message}"),
    )
}

/// A name as LLVM spells names.
fn word(reader: &Reader<'_>, key: &str, raw: &toml::Spanned<String>) -> Result<String, CostError> {
    let text = raw.get_ref();
    let ok = |c: char| c.is_ascii_alphanumeric() || "+-_.".contains(c);
    if text.is_empty() || !text.chars().all(ok) {
        let message = format!("'{text}' must be letters, digits, '-', '_', '.' or '+'");
        return Err(at(reader, key, raw, &message));
    }
    Ok(text.clone())
}
