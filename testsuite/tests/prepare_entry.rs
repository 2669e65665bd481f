//! Goldens of `spec-prepare-entry`.

mod goldens;

#[test]
fn goldens_of_prepare_entry() {
    goldens::check("prepare_entry", &["--spec-prepare-entry"]);
}
