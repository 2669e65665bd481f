//! Goldens of `spec-lower-to-gpu`: the launches, and the names of the kernels. Texts of kernels have goldens of their own (`codegen/kernels`); what
//! they compute is checked where they are run: whole models (`gpu`), kernel by kernel (`gpu_kernels`).

mod goldens;

/// A Mali-G310, as its device file has it.
const DEVICE: &str = "invocations=512 shared-bytes=32768 subgroup=16 bindings=64 features=storage16,storage8,float16,int8,dot4x8";

/// The module with one line for each kernel.
fn without_bodies(module: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in module.lines() {
        if let Some((_, rest)) = line.split_once("gpu.func @") {
            let name = rest.split('(').next().unwrap_or_default();
            out += &format!("    gpu.func @{name}\n");
            inside = true;
        }
        if !inside && !line.starts_with('#') {
            // the target environment is the device once more
            let line = line
                .split(" attributes {spirv.target_env")
                .next()
                .unwrap_or(line);
            out += line;
            out.push('\n');
        }
        inside &= line != "    }";
    }
    out
}

#[test]
fn goldens() {
    goldens::check_shown(
        "lower_to_gpu",
        &[&format!("--spec-lower-to-gpu={DEVICE}"), "--canonicalize"],
        without_bodies,
    );
}
