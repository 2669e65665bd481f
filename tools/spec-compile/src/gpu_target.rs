//! From a unit of a device file, or a GPU of this machine, to what kernels are told of a GPU.

use crate::error::CompileError;
use spec_cost::{Soc, Unit};
use spec_kernels::gpu::Device;
use spec_runtime::vulkan::{Gpu, Options, Properties};

/// A GPU that is compiled for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuTarget {
    /// What it is called.
    pub name: String,
    /// For kernels.
    pub device: Device,
}

/// The GPU of a unit.
///
/// # Errors
/// The unit has no section `[unit.workgroup]`.
pub fn of_unit(soc: &Soc, unit: &Unit) -> Result<GpuTarget, CompileError> {
    let Some(limits) = &unit.workgroup else {
        return Err(CompileError::Refused(format!(
            "the device file of '{}' does not say what kernels may use: add [unit.workgroup] with invocations, subgroup, shared_memory and bindings to unit '{}' (docs/spec-compile.md)",
            soc.name(),
            unit.name
        )));
    };
    let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let has = |name: &str| unit.features.iter().any(|f| f == name);
    Ok(GpuTarget {
        name: unit.description.clone(),
        device: Device {
            invocations: small(limits.invocations),
            shared_bytes: small(limits.shared_bytes),
            subgroup: small(limits.subgroup),
            bindings: small(limits.bindings),
            storage16: has("storage16"),
            storage8: has("storage8"),
            float16: has("fp16"),
            int8: has("int8"),
            dot4x8: has("dot4x8packed"),
        },
    })
}

/// The GPU of this machine whose name contains `name`; none: the best one.
///
/// # Errors
/// There is none, or Vulkan is missing.
pub fn of_host(name: Option<&str>) -> Result<GpuTarget, CompileError> {
    let options = Options {
        device: name.map(str::to_owned),
        ..Options::default()
    };
    let gpu = Gpu::open(&options)?;
    Ok(GpuTarget {
        name: gpu.name().to_owned(),
        device: of_properties(gpu.properties()),
    })
}

fn of_properties(p: &Properties) -> Device {
    let f = &p.features;
    Device {
        invocations: p.invocations.min(p.workgroup[0]),
        shared_bytes: p.shared_memory,
        subgroup: p.subgroup_size,
        bindings: p.bindings,
        storage16: f.storage16,
        storage8: f.storage8,
        float16: f.float16,
        int8: f.int8,
        // without an instruction for it, unpacking to floats is faster
        dot4x8: f.integer_dot_product && f.dot4x8_accelerated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spec_cost::UnitKind;

    #[test]
    fn built_in_gpus_can_be_compiled_for() {
        for name in Soc::builtin() {
            let soc = Soc::load(name).expect(name);
            for unit in soc.units().iter().filter(|u| u.kind == UnitKind::Gpu) {
                match of_unit(&soc, unit) {
                    Ok(target) => assert!(target.device.bindings >= 8, "{name}"),
                    Err(e) => {
                        assert_eq!(name, "unit", "{e}");
                        assert!(e.to_string().contains("to unit 'gpu'"), "{e}");
                    }
                }
            }
        }
        let soc = Soc::load("rpi5").expect("built in");
        let pi = of_unit(&soc, soc.unit("gpu").expect("there")).expect("a GPU");
        let expected = Device {
            invocations: 256,
            shared_bytes: 16 << 10,
            subgroup: 16,
            bindings: 8,
            storage16: true,
            storage8: true,
            float16: false,
            int8: false,
            dot4x8: false,
        };
        assert_eq!((pi.device, pi.name.as_str()), (expected, "VideoCore VII"));
    }
}
