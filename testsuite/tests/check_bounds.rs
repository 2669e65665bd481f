//! Goldens of `spec-check-bounds`. That a call with a bad position touches nothing outside of its buffers is tested in `aarch64`.

mod goldens;

#[test]
fn goldens_of_check_bounds() {
    goldens::check("check_bounds", &["--spec-check-bounds"]);
}
