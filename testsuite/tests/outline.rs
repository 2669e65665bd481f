//! Goldens of `spec-outline`; what the outlined modules compute is checked in `outline_twins.rs` and `round_twins.rs`.

mod goldens;

#[test]
fn goldens_of_outline() {
    goldens::check("outline", &["--spec-outline"]);
}
