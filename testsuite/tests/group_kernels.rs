//! Goldens of `spec-group-kernels`. What groups compute is checked where they are run: whole models on a GPU (`gpu`).

mod goldens;

/// A Mali-G310, as its device file has it.
const DEVICE: &str = "invocations=512 shared-bytes=32768 subgroup=16 bindings=64 features=storage16,storage8,float16,int8,dot4x8";

#[test]
fn goldens() {
    goldens::check(
        "group_kernels",
        &[&format!("--spec-group-kernels={DEVICE}")],
    );
}
