//! Goldens of `spec-lower-kernels`.

mod goldens;

#[test]
fn goldens_of_lower_kernels() {
    goldens::check("lower_kernels", &["--spec-lower-kernels"]);
}
