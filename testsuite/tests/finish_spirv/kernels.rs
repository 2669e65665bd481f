//! Kernels by hand, and devices.

use spec_kernels::gpu::Device;

/// As Mali-G310 and G610.
pub(crate) const MALI: Device = Device {
    invocations: 512,
    shared_bytes: 32768,
    subgroup: 16,
    bindings: 64,
    storage16: true,
    storage8: true,
    float16: true,
    int8: true,
    dot4x8: true,
};

/// As Raspberry Pi 5.
pub(crate) const PI: Device = Device {
    invocations: 256,
    shared_bytes: 16384,
    subgroup: 16,
    bindings: 16,
    storage16: false,
    storage8: false,
    float16: false,
    int8: false,
    dot4x8: false,
};

/// Name and text.
pub(crate) type Kernel = (String, String);

/// A kernel of `finish_spirv/NAME.kernel`.
pub(crate) fn kernel(name: &str) -> Kernel {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/finish_spirv");
    let file = folder.join(name).with_extension("kernel");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    (name.to_owned(), text)
}

/// A kernel of one buffer `%b0: memref<?xf32>`, with these lines (the first is line 3).
pub(crate) fn body(workgroup: &str, lines: &str) -> String {
    format!(
        "gpu.func @KERNEL(%b0: memref<?xf32>) kernel
          attributes {{spirv.entry_point_abi = #spirv.entry_point_abi<workgroup_size = [{workgroup}]>}} {{
          {lines}
          gpu.return
        }}"
    )
}
