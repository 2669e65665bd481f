//! Goldens of `spec-share-layers`.

mod goldens;

#[test]
fn goldens_of_share_layers() {
    goldens::check("share_layers", &["--spec-share-layers"]);
}
