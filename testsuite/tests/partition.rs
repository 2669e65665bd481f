//! Goldens of the pipeline `spec-partition`.

mod goldens;

#[test]
fn goldens_of_partition() {
    goldens::check("partition", &["--spec-partition=soc=unit alpha=0.9"]);
}
