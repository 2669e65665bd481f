//! What a GPU offers, as options of passes.

use spec_dialect::ffi::{OptionKind, Options};
use spec_dialect::pass::OptionDesc;
use spec_kernels::gpu::Device;

const fn int(name: &'static str, help: &'static str, default: &'static str) -> OptionDesc {
    OptionDesc {
        name,
        help,
        kind: OptionKind::Int,
        default,
    }
}

/// The options.
pub(crate) const OPTIONS: &[OptionDesc] = &[
    int("invocations", "invocations of a workgroup, at most", "256"),
    int("shared-bytes", "workgroup memory", "16384"),
    int("subgroup", "usual size of a subgroup", "16"),
    int("bindings", "storage buffers of a kernel, at most", "16"),
    OptionDesc {
        name: "features",
        help: "what kernels may use, comma-separated: storage16, storage8, float16, int8, dot4x8",
        kind: OptionKind::String,
        default: "",
    },
];

/// Reads [`OPTIONS`].
pub(crate) fn from_options(options: &Options) -> Result<Device, String> {
    let number = |name: &str| {
        u32::try_from(options.int(name))
            .ok()
            .filter(|n| *n > 0)
            .ok_or_else(|| format!("{name} must be positive"))
    };
    let mut device = Device {
        invocations: number("invocations")?,
        shared_bytes: number("shared-bytes")?,
        subgroup: number("subgroup")?,
        bindings: number("bindings")?,
        storage16: false,
        storage8: false,
        float16: false,
        int8: false,
        dot4x8: false,
    };
    for feature in options
        .string("features")
        .split(',')
        .map(str::trim)
        .filter(|f| !f.is_empty())
    {
        let flag = match feature {
            "storage16" => &mut device.storage16,
            "storage8" => &mut device.storage8,
            "float16" => &mut device.float16,
            "int8" => &mut device.int8,
            "dot4x8" => &mut device.dot4x8,
            other => {
                return Err(format!(
                    "unknown feature '{other}': storage16, storage8, float16, int8 and dot4x8 are known"
                ));
            }
        };
        *flag = true;
    }
    Ok(device)
}

/// `device` as options, for a textual pipeline.
pub(crate) fn to_options(device: &Device) -> String {
    let features = [
        ("storage16", device.storage16),
        ("storage8", device.storage8),
        ("float16", device.float16),
        ("int8", device.int8),
        ("dot4x8", device.dot4x8),
    ];
    let features: Vec<&str> = features
        .into_iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| name)
        .collect();
    format!(
        "invocations={} shared-bytes={} subgroup={} bindings={} features={}",
        device.invocations,
        device.shared_bytes,
        device.subgroup,
        device.bindings,
        features.join(",")
    )
}
