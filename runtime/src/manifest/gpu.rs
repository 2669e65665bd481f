//! Functions on a GPU.

use super::check::wrong;
use super::{File, Function, ManifestError};
use crate::schedule::{Buffer, Schedule, Span};
use serde::{Deserialize, Serialize};

/// A function as kernels of a GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GpuCode {
    /// Name of the unit in the device file.
    pub unit: String,
    /// The kernels: a SPIR-V module for Vulkan 1.3. Functions of a unit share it.
    pub spirv: File,
    /// Constants that kernels read, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constants: Option<File>,
    /// What one call runs. Argument i is slot i of the function: its arguments, then its results that are not an argument.
    pub schedule: Schedule,
    /// Capabilities that the module declares, by SPIR-V's names.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Extensions that the module declares.
    #[serde(default)]
    pub extensions: Vec<String>,
}

impl GpuCode {
    /// Files of the bundle that it needs.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        std::iter::once(&self.spirv).chain(&self.constants)
    }

    /// Whether it agrees with itself and with its function.
    pub(super) fn check(&self, function: &Function) -> Result<(), ManifestError> {
        let problem = |text: String| Err(wrong(&function.name, text));
        for file in self.files() {
            file.check(&function.name)?;
        }
        if self.spirv.bytes == 0 || !self.spirv.bytes.is_multiple_of(4) {
            return problem(format!("{} bytes are no SPIR-V", self.spirv.bytes));
        }
        let schedule = &self.schedule;
        if let Err(e) = schedule.check() {
            return problem(e.to_string());
        }
        let constants = self.constants.as_ref().map_or(0, |f| f.bytes);
        if (schedule.workspace_bytes, schedule.constants_bytes)
            != (function.workspace_bytes, constants)
        {
            return problem("its schedule has another workspace or other constants".to_owned());
        }
        if let Some(hazard) = schedule.hazards().first() {
            let (first, second, buffer) = (hazard.first, hazard.second, hazard.buffer);
            return problem(format!(
                "dispatch {second} must wait for {first}, which touches the same bytes of {buffer}"
            ));
        }
        self.check_spans(function)
    }

    /// Arguments are there, as long as they are said to be, and written only if they may be.
    fn check_spans(&self, function: &Function) -> Result<(), ManifestError> {
        let slots = function.slots()?;
        let dispatches = self.schedule.dispatches.iter().enumerate();
        let spans = dispatches.flat_map(|(i, d)| d.spans.iter().map(move |s| (i, s)));
        for (dispatch, span) in spans {
            let Span { buffer, access, .. } = span;
            let Buffer::Argument(index) = buffer else {
                continue;
            };
            let problem = match slots.get(*index as usize) {
                None => format!("there are {} of them", slots.len()),
                Some(slot) if span.end() > slot.bytes as u64 => {
                    format!("it has {} bytes, not {}", slot.bytes, span.end())
                }
                Some(slot) if access.writes() && !slot.written => "it is only read".to_owned(),
                Some(_) => continue,
            };
            return Err(wrong(
                &function.name,
                format!("dispatch {dispatch}, {buffer}: {problem}"),
            ));
        }
        Ok(())
    }
}
