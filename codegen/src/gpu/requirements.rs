//! What a module asks of a device.

use super::{GpuError, disassemble};

/// Version, capabilities and extensions of a SPIR-V module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirements {
    /// `1.3`.
    pub version: String,
    /// Capabilities, as the specification spells them.
    pub capabilities: Vec<String>,
    /// Extensions.
    pub extensions: Vec<String>,
}

/// What a module asks for.
///
/// # Errors
/// As of [`disassemble`].
pub fn requirements(bytes: &[u8]) -> Result<Requirements, GpuError> {
    let text = disassemble(bytes)?;
    let with = |start: &'static str| {
        let lines = text.lines().map(str::trim);
        let found = lines.filter_map(move |l| l.strip_prefix(start));
        found.map(|name| name.trim_matches('"').to_owned())
    };
    Ok(Requirements {
        version: with("; Version: ").next().unwrap_or_default(),
        capabilities: with("OpCapability ").collect(),
        extensions: with("OpExtension ").collect(),
    })
}
