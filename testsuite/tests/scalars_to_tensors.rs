//! Goldens of `spec-scalars-to-tensors`. What such functions compute is checked where they are run: models that take their position as a
//! number (`gpu`).

mod goldens;

#[test]
fn goldens() {
    goldens::check("scalars_to_tensors", &["--spec-scalars-to-tensors"]);
}
