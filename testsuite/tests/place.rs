//! Goldens of `spec-place`: plan and placements.

mod goldens;

#[test]
fn goldens_of_place() {
    goldens::check("place", &["--spec-place=soc=unit alpha=0.9"]);
}
