//! `spec-lower-kernels`: goldens of what becomes of the functions that call kernels. What kernels hold, and that they compute what the
//! ops say, is tested beside them (codegen/kernels).

mod goldens;

/// The module without the bodies of kernels, which are functions on `(!llvm.ptr, i64, i64)`.
fn without_kernels(module: &str) -> String {
    let mut out = String::new();
    let mut skipping = false;
    for line in module.lines() {
        skipping &= line != "  }";
        if !skipping {
            out += line;
            out.push('\n');
        }
        skipping |= line.starts_with("  func.func private @")
            && line.contains("(%arg0: !llvm.ptr, %arg1: i64, %arg2: i64)");
    }
    out
}

#[test]
fn goldens_of_lower_kernels() {
    goldens::check_shown("lower_kernels", &["--spec-lower-kernels"], without_kernels);
}
