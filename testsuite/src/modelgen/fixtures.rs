//! The files in `testsuite/fixtures`; its README says what each is and where it comes from.

use std::io::{self, Read};
use std::path::PathBuf;

use super::forms::{Form, LoopKind, ModelSpec, Naming, Pair, module};
use super::style::{Config, Exporter, Style};

/// Exported and generated models that the toolkit must take.
pub const GOOD: [&str; 16] = [
    "pair.mlir",
    "stories260k.rows.m1.mlir",
    "stories260k.rows.m5.mlir",
    "stories260k.slice.m1.mlir",
    "stories260k.slice.m5.mlir",
    "jax.stories-shape.decode.mlir",
    "jax.scan.decode.mlir",
    "jax.gemma.decode.mlir",
    "jax.gpt2.verify4.mlir",
    "jax.speculative_loop.mlir",
    "smollm2-135m.rows.m1.f16.mlir.gz",
    "smollm2-135m.rows.m5.f32.mlir.gz",
    "dynamic_bounded.mlir",
    "inlined.mlir",
    "inlined_loop.mlir",
    "generation_loop.mlir",
];

/// Path of a fixture.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// Bytes of a fixture; a name that ends in `.gz` is decompressed.
///
/// # Errors
/// Where the file cannot be read.
pub fn bytes(name: &str) -> io::Result<Vec<u8>> {
    let bytes = std::fs::read(path(name))?;
    if !name.ends_with(".gz") {
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain)?;
    Ok(plain)
}

/// Text of a fixture; a name that ends in `.gz` is decompressed.
///
/// # Errors
/// Where the file cannot be read, or is not UTF-8.
pub fn text(name: &str) -> io::Result<String> {
    String::from_utf8(bytes(name)?).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// Names and texts of the fixtures that this module writes.
pub fn generated() -> Vec<(&'static str, String)> {
    let small = Config {
        hidden: 8,
        heads: 2,
        kv_heads: 1,
        head_dim: 4,
        ffn: 16,
        vocabulary: 32,
        ..Config::default()
    };
    let model = |config: Config, exporter| ModelSpec::new(config, Style::of(exporter));
    let pair = |drafter, target| Pair {
        drafter: model(small.with_layers(1), drafter),
        target: model(small.clone(), target),
        draft_calls: 3,
    };
    let torch = pair(Exporter::Torch, Exporter::Torch);
    let mut vocabularies = torch.clone();
    vocabularies.drafter.config.vocabulary = 24;
    let three =
        [Exporter::Torch, Exporter::Jax, Exporter::Generic].map(|e| model(small.clone(), e));
    let generation = Form::GenerationLoop {
        pair: pair(Exporter::Jax, Exporter::Torch),
        naming: Naming::Neutral,
        kind: LoopKind::While,
        tokens: 8,
    };
    vec![
        (
            "inlined.mlir",
            module(&Form::Inlined(pair(Exporter::Generic, Exporter::Torch))),
        ),
        (
            "inlined_loop.mlir",
            module(&Form::InlinedLoop(torch.clone())),
        ),
        ("generation_loop.mlir", module(&generation)),
        (
            "bad/different_vocabularies.mlir",
            module(&Form::TwoFunctions(vocabularies, Naming::Telling)),
        ),
        (
            "bad/three_models.mlir",
            module(&Form::ThreeModels(Box::new(three))),
        ),
        (
            "bad/drafter_larger_by_hint.mlir",
            module(&Form::TwoFunctions(torch, Naming::Swapped)),
        ),
    ]
}
