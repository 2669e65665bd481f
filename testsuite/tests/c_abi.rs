//! Goldens of `spec-c-abi`.

mod goldens;

#[test]
fn goldens_of_c_abi() {
    goldens::check("c_abi", &["--spec-c-abi"]);
}
