//! Goldens of `spec-link`.

mod goldens;

#[test]
fn goldens_of_link() {
    goldens::check("link", &[]);
}
