//! Goldens of `spec-decompose`.

mod goldens;

#[test]
fn goldens_of_decompose() {
    goldens::check("decompose", &["--spec-decompose"]);
}
