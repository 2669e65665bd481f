//! Whether a module, a schedule and a device fit.

use super::super::module::{Entry, Module};
use super::super::{Gpu, VulkanError};
use crate::schedule::{KernelInfo, Schedule};

/// Whether the module has what the schedule says, and needs nothing that the device lacks.
pub(super) fn check_module(
    gpu: &Gpu,
    module: &Module,
    schedule: &Schedule,
) -> Result<(), VulkanError> {
    if let Some(needs) = module.lacks(&gpu.properties().features) {
        let device = gpu.name().to_owned();
        return Err(VulkanError::Lacks { needs, device });
    }
    for kernel in &schedule.kernels {
        let name = &kernel.entry;
        let entry = module.entry(name);
        let problem = match entry {
            None => Some("is not in it".to_owned()),
            Some(entry) => contradiction(kernel, entry),
        };
        if let Some(problem) = problem {
            return Err(VulkanError::Module(format!("kernel {name:?} {problem}")));
        }
    }
    Ok(())
}

/// How a kernel of the schedule and its entry point differ.
fn contradiction(kernel: &KernelInfo, entry: &Entry) -> Option<String> {
    let KernelInfo {
        bindings,
        push_words,
        workgroup,
        ..
    } = kernel;
    let other = |(set, binding): &&(u32, u32)| *set != 0 || binding >= bindings;
    if let Some((set, binding)) = entry.bindings.iter().find(other) {
        let has = format!("uses binding {binding} of set {set}");
        return Some(format!("{has}, the schedule gives it {bindings} of set 0"));
    }
    if entry.push && *push_words == 0 {
        return Some("takes push constants, the schedule gives it none".to_owned());
    }
    match entry.workgroup {
        Some(found) if found == *workgroup => None,
        found => Some(format!(
            "has workgroups of {found:?}, the schedule says {workgroup:?}"
        )),
    }
}

/// Whether the device has room for each kernel and dispatch.
pub(super) fn check_limits(
    gpu: &Gpu,
    module: &Module,
    schedule: &Schedule,
) -> Result<(), VulkanError> {
    let p = gpu.properties();
    let limit = |place: &dyn Fn() -> String, what, found: u64, most: u64| {
        if found <= most {
            return Ok(());
        }
        Err(VulkanError::Limit {
            place: place(),
            what,
            found,
            most,
            device: p.name.clone(),
        })
    };
    for kernel in &schedule.kernels {
        let place = || format!("kernel {:?}", kernel.entry);
        let check =
            |what, found: u32, most: u32| limit(&place, what, u64::from(found), u64::from(most));
        check(
            "invocations a workgroup",
            kernel.workgroup.iter().product(),
            p.invocations,
        )?;
        for (found, most) in kernel.workgroup.iter().zip(p.workgroup) {
            check("invocations along a side of its workgroup", *found, most)?;
        }
        check("storage buffers", kernel.bindings, p.bindings)?;
        check(
            "bytes of push constants",
            4 * kernel.push_words,
            p.push_bytes,
        )?;
        let shared = module.entry(&kernel.entry).map_or(0, |e| e.shared_bytes);
        let most = u64::from(p.shared_memory);
        limit(&place, "bytes of workgroup memory", shared, most)?;
    }
    for (index, dispatch) in schedule.dispatches.iter().enumerate() {
        let place = || format!("dispatch {index}");
        for (found, most) in dispatch.groups.iter().zip(p.groups) {
            let (found, most) = (u64::from(*found), u64::from(most));
            limit(&place, "workgroups along a side", found, most)?;
        }
        for span in &dispatch.spans {
            let most = p.max_storage_buffer_range;
            limit(&place, "bytes in a span", span.bytes, most)?;
        }
    }
    Ok(())
}
