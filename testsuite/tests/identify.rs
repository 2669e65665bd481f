//! Goldens of `spec-identify` on models that fit on a page; sizes of real ones are checked in `catalogue.rs` and
//! `exports.rs`, rejections in `diagnostics.rs`.

mod goldens;

#[test]
fn goldens_of_identify() {
    goldens::check("identify", &["--spec-identify"]);
}
