//! A list of models that covers every option with every exporter, and mixtures of options.

use super::forms::ModelSpec;
use super::style::{
    Activation, CacheForm, Config, Exporter, Norm, Output, Position, Style, WeightLayout, Weights,
};
use super::text::Element;
use super::weights::noise;

/// All exporters.
pub const EXPORTERS: [Exporter; 5] = [
    Exporter::Torch,
    Exporter::Jax,
    Exporter::Onnx,
    Exporter::Generic,
    Exporter::Loop,
];

type Change = (&'static str, fn(&mut ModelSpec));

/// One option each, away from an exporter's default.
const CHANGES: [Change; 24] = [
    ("rows", |m| m.style.cache = CacheForm::Rows),
    ("slice", |m| m.style.cache = CacheForm::Slice),
    ("where", |m| m.style.cache = CacheForm::Where),
    ("literal", |m| m.style.weights = Weights::Literal),
    ("resource", |m| m.style.weights = Weights::Resource),
    ("global", |m| m.style.weights = Weights::Global),
    ("i32", |m| m.style.index_type = Element::I32),
    ("token", |m| m.style.output = Output::Token),
    ("layer-norm", |m| m.style.norm = Norm::LayerNorm),
    ("bias", |m| m.style.bias = true),
    ("qk-norm", |m| m.style.qk_norm = true),
    ("learned", |m| m.style.position = Position::Learned),
    ("rope-table", |m| m.style.position = Position::RopeTable),
    ("gelu", |m| m.style.activation = Activation::Gelu),
    ("batch", |m| m.style.batch_dim = !m.style.batch_dim),
    ("out-in", |m| {
        m.style.weight_layout = WeightLayout::OutInTransposed
    }),
    ("in-out", |m| m.style.weight_layout = WeightLayout::InOut),
    ("stacked", |m| {
        m.style.weight_layout = WeightLayout::StackedByLayer
    }),
    ("maps", |m| {
        m.style.weight_layout = WeightLayout::IndexingMapMatmul
    }),
    ("int8", |m| m.style.int8_weights = true),
    ("helpers", |m| m.style.helper_functions = true),
    ("mask", |m| m.style.mask_argument = true),
    ("untied", |m| m.config.tied = false),
    ("multi-head", |m| m.config.kv_heads = m.config.heads),
];

/// Exporters' defaults, each with one change; f32.
pub fn catalogue(exporter: Exporter) -> Vec<(String, ModelSpec)> {
    let base = || ModelSpec::new(Config::default(), Style::of(exporter));
    let mut all = vec![(format!("{exporter:?}"), base())];
    for (name, change) in CHANGES {
        let mut model = base();
        change(&mut model);
        all.push((format!("{exporter:?}-{name}"), model));
    }
    all
}

/// `count` models of `exporter` with about a third of all changes each, chosen by `seed`.
pub fn mixtures(exporter: Exporter, count: usize, seed: u64) -> Vec<(String, ModelSpec)> {
    let mixture = |i: usize| {
        let mut model = ModelSpec::new(Config::default(), Style::of(exporter));
        let mut name = format!("{exporter:?}");
        for (at, (change_name, change)) in CHANGES.iter().enumerate() {
            if noise(seed, i as u64, at as u64) > 0.4 {
                change(&mut model);
                name = format!("{name}-{change_name}");
            }
        }
        (name, model)
    };
    (0..count).map(mixture).collect()
}
