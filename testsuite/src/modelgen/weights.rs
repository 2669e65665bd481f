//! The parameters of a model: which there are, how they are stored, and their seeded values.

use super::style::{Activation, Config, Norm, Position, Style};
use super::text::{Element, Type};

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Kind {
    Embed,
    PositionTable,
    CosTable,
    SinTable,
    Norm1,
    Norm1Bias,
    Q,
    QBias,
    K,
    KBias,
    V,
    VBias,
    QNorm,
    KNorm,
    O,
    OBias,
    Norm2,
    Norm2Bias,
    Gate,
    GateBias,
    Up,
    UpBias,
    Down,
    DownBias,
    FinalNorm,
    FinalNormBias,
    Head,
}

impl Kind {
    /// Name as a state dict has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Embed => "embed",
            Kind::PositionTable => "positions",
            Kind::CosTable => "rope_cos",
            Kind::SinTable => "rope_sin",
            Kind::Norm1 => "attn_norm",
            Kind::Norm1Bias => "attn_norm_bias",
            Kind::Q => "q",
            Kind::QBias => "q_bias",
            Kind::K => "k",
            Kind::KBias => "k_bias",
            Kind::V => "v",
            Kind::VBias => "v_bias",
            Kind::QNorm => "q_norm",
            Kind::KNorm => "k_norm",
            Kind::O => "o",
            Kind::OBias => "o_bias",
            Kind::Norm2 => "ffn_norm",
            Kind::Norm2Bias => "ffn_norm_bias",
            Kind::Gate => "gate",
            Kind::GateBias => "gate_bias",
            Kind::Up => "up",
            Kind::UpBias => "up_bias",
            Kind::Down => "down",
            Kind::DownBias => "down_bias",
            Kind::FinalNorm => "norm",
            Kind::FinalNormBias => "norm_bias",
            Kind::Head => "lm_head",
        }
    }

    /// Whether every layer has one.
    pub fn per_layer(self) -> bool {
        !matches!(
            self,
            Kind::Embed
                | Kind::PositionTable
                | Kind::CosTable
                | Kind::SinTable
                | Kind::FinalNorm
                | Kind::FinalNormBias
                | Kind::Head
        )
    }

    /// Whether this is the `[out, in]` weight of a linear layer.
    pub fn linear(self) -> bool {
        matches!(
            self,
            Kind::Q | Kind::K | Kind::V | Kind::O | Kind::Gate | Kind::Up | Kind::Down | Kind::Head
        )
    }

    /// The bias that belongs to a linear layer.
    pub(super) fn bias(self) -> Option<Kind> {
        match self {
            Kind::Q => Some(Kind::QBias),
            Kind::K => Some(Kind::KBias),
            Kind::V => Some(Kind::VBias),
            Kind::O => Some(Kind::OBias),
            Kind::Gate => Some(Kind::GateBias),
            Kind::Up => Some(Kind::UpBias),
            Kind::Down => Some(Kind::DownBias),
            _ => None,
        }
    }

    /// Logical shape: `[out, in]`, `[rows, columns]` or `[n]`.
    pub fn shape(self, c: &Config) -> Vec<usize> {
        let (q, kv) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        match self {
            Kind::Embed | Kind::Head => vec![c.vocabulary, c.hidden],
            Kind::PositionTable => vec![c.context, c.hidden],
            Kind::CosTable | Kind::SinTable => vec![c.context, c.head_dim / 2],
            Kind::Q => vec![q, c.hidden],
            Kind::K | Kind::V => vec![kv, c.hidden],
            Kind::O => vec![c.hidden, q],
            Kind::Gate | Kind::Up => vec![c.ffn, c.hidden],
            Kind::Down => vec![c.hidden, c.ffn],
            Kind::QBias => vec![q],
            Kind::KBias | Kind::VBias => vec![kv],
            Kind::GateBias | Kind::UpBias => vec![c.ffn],
            Kind::QNorm | Kind::KNorm => vec![c.head_dim],
            _ => vec![c.hidden],
        }
    }
}

/// The kinds a model has, in state-dict order.
pub fn kinds(c: &Config, s: &Style) -> Vec<Kind> {
    let layer_norm = s.norm == Norm::LayerNorm;
    let swiglu = s.activation == Activation::SwiGlu;
    let all = [
        (Kind::Embed, true),
        (Kind::PositionTable, s.position == Position::Learned),
        (Kind::CosTable, s.position == Position::RopeTable),
        (Kind::SinTable, s.position == Position::RopeTable),
        (Kind::Norm1, true),
        (Kind::Norm1Bias, layer_norm),
        (Kind::Norm2, true),
        (Kind::Norm2Bias, layer_norm),
        (Kind::Q, true),
        (Kind::QBias, s.bias),
        (Kind::K, true),
        (Kind::KBias, s.bias),
        (Kind::V, true),
        (Kind::VBias, s.bias),
        (Kind::QNorm, s.qk_norm),
        (Kind::KNorm, s.qk_norm),
        (Kind::O, true),
        (Kind::OBias, s.bias),
        (Kind::Gate, swiglu),
        (Kind::GateBias, swiglu && s.bias),
        (Kind::Up, true),
        (Kind::UpBias, s.bias),
        (Kind::Down, true),
        (Kind::DownBias, s.bias),
        (Kind::FinalNorm, true),
        (Kind::FinalNormBias, layer_norm),
        (Kind::Head, !c.tied),
    ];
    all.iter()
        .filter(|(_, on)| *on)
        .map(|(kind, _)| *kind)
        .collect()
}

/// Which part of a parameter a tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The values themselves.
    Whole,
    /// Quantised values, i8.
    Quantised,
    /// Scale of each output row, f32.
    Scale,
}

/// One stored weight tensor: an argument, a constant or a global.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightTensor {
    /// Unique name within the model, such as `layers.0.q`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its layer; `None` for a parameter of the whole model and for a stack of all layers.
    pub layer: Option<usize>,
    /// Which part of the parameter.
    pub part: Part,
    /// Stored type.
    pub ty: Type,
}

/// All weight tensors of a model, in the exporter's order.
pub fn weight_tensors(c: &Config, s: &Style) -> Vec<WeightTensor> {
    let kinds = kinds(c, s);
    let mut tensors = Vec::new();
    let first_layer = kinds.iter().position(|k| k.per_layer()).unwrap_or(0);
    let (before, rest) = kinds.split_at(first_layer);
    let (layer, after): (Vec<Kind>, Vec<Kind>) = rest.iter().partition(|k| k.per_layer());
    let mut add = |kind: Kind, at: Option<usize>| push(&mut tensors, c, s, kind, at);
    before.iter().for_each(|k| add(*k, None));
    if s.stacked() {
        layer.iter().for_each(|k| add(*k, None));
    } else {
        (0..c.layers).for_each(|l| layer.iter().for_each(|k| add(*k, Some(l))));
    }
    after.iter().for_each(|k| add(*k, None));
    if s.exporter == super::Exporter::Jax {
        tensors.sort_by(|a: &WeightTensor, b| a.name.cmp(&b.name));
    }
    tensors
}

fn push(tensors: &mut Vec<WeightTensor>, c: &Config, s: &Style, kind: Kind, layer: Option<usize>) {
    let logical = kind.shape(c);
    let mut dims = logical.clone();
    let transposed = kind.linear() && s.in_out() && kind != Kind::Head;
    let int8 = s.int8_weights && kind.linear() && kind != Kind::Head;
    if transposed && !int8 {
        dims.reverse();
    }
    let mut rows = vec![logical[0]];
    if s.stacked() && kind.per_layer() {
        dims.insert(0, c.layers);
        rows.insert(0, c.layers);
    }
    let name = match layer {
        Some(l) => format!("layers.{l}.{}", kind.name()),
        None => kind.name().to_owned(),
    };
    let mut add = |name: String, part, ty| {
        tensors.push(WeightTensor {
            name,
            kind,
            layer,
            part,
            ty,
        })
    };
    if int8 {
        add(
            name.clone(),
            Part::Quantised,
            Type::tensor(&dims, Element::I8),
        );
        add(
            name + "_scale",
            Part::Scale,
            Type::tensor(&rows, Element::F32),
        );
    } else {
        add(name, Part::Whole, Type::tensor(&dims, c.dtype));
    }
}

/// A value in [-1, 1) that depends on nothing but its arguments (splitmix64).
pub fn noise(seed: u64, stream: u64, index: u64) -> f64 {
    let mut z = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(stream.wrapping_mul(0xd1b5_4a32_d192_ed03))
        .wrapping_add(index.wrapping_mul(0x2545_f491_4f6c_dd1d));
    for _ in 0..2 {
        z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
    }
    (z >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// A parameter's values before quantisation, in logical order (`[out, in]` rows), unrounded.
fn raw(c: &Config, kind: Kind, layer: usize) -> Vec<f64> {
    let shape = kind.shape(c);
    let count: usize = shape.iter().product();
    if matches!(kind, Kind::CosTable | Kind::SinTable) {
        return (0..count)
            .map(|i| table(c, kind, i / shape[1], i % shape[1]))
            .collect();
    }
    let stream = (kind as u64) * 4096 + layer as u64;
    let fan_in = shape.get(1).copied().unwrap_or(1) as f64;
    let (centre, spread) = match kind {
        Kind::Norm1 | Kind::Norm2 | Kind::FinalNorm | Kind::QNorm | Kind::KNorm => (1.0, 0.2),
        Kind::Embed | Kind::PositionTable => (0.0, 1.0),
        Kind::O | Kind::Down => (
            0.0,
            2.0 * (3.0 / fan_in).sqrt() * c.damping.powi(layer as i32),
        ),
        _ if kind.linear() => (0.0, 1.5 * (3.0 / fan_in).sqrt()),
        _ => (0.0, 0.2),
    };
    (0..count)
        .map(|i| centre + spread * noise(c.seed, stream, i as u64))
        .collect()
}

/// Cosine or sine of the rotary angle of pair `pair` at `position`.
fn table(c: &Config, kind: Kind, position: usize, pair: usize) -> f64 {
    let angle = position as f64 * 10000f64.powf(-2.0 * pair as f64 / c.head_dim as f64);
    if kind == Kind::CosTable {
        angle.cos()
    } else {
        angle.sin()
    }
}

/// i8 values and f32 scales of the rows of a `[out, in]` weight.
fn quantise(values: &[f64], columns: usize) -> (Vec<f64>, Vec<f64>) {
    let scales: Vec<f64> = values
        .chunks(columns)
        .map(|row| Element::F32.round(row.iter().fold(1e-6, |m: f64, v| m.max(v.abs())) / 127.0))
        .collect();
    let quantised = values
        .iter()
        .enumerate()
        .map(|(i, v)| (v / scales[i / columns]).round())
        .collect();
    (quantised, scales)
}

/// The parameter that the program computes with, in logical order: rounded to `dtype`, or quantised and dequantised.
pub fn parameter(c: &Config, s: &Style, kind: Kind, layer: usize) -> Vec<f64> {
    let values = raw(c, kind, layer);
    if s.int8_weights && kind.linear() && kind != Kind::Head {
        let columns = kind.shape(c)[1];
        let (quantised, scales) = quantise(&values, columns);
        return quantised
            .iter()
            .enumerate()
            .map(|(i, q)| q * scales[i / columns])
            .collect();
    }
    values.iter().map(|v| c.dtype.round(*v)).collect()
}

/// Values of a stored tensor in row-major order of its type.
pub fn weight_data(c: &Config, s: &Style, tensor: &WeightTensor) -> Vec<f64> {
    let stack = tensor.kind.per_layer() && tensor.layer.is_none();
    let layers = if stack {
        0..c.layers
    } else {
        tensor.layer.unwrap_or(0)..tensor.layer.unwrap_or(0) + 1
    };
    layers.flat_map(|l| stored_layer(c, s, tensor, l)).collect()
}

fn stored_layer(c: &Config, s: &Style, tensor: &WeightTensor, layer: usize) -> Vec<f64> {
    let shape = tensor.kind.shape(c);
    match tensor.part {
        Part::Quantised => quantise(&raw(c, tensor.kind, layer), shape[1]).0,
        Part::Scale => quantise(&raw(c, tensor.kind, layer), shape[1]).1,
        Part::Whole => {
            let values = parameter(c, s, tensor.kind, layer);
            if !(tensor.kind.linear() && s.in_out() && tensor.kind != Kind::Head) {
                return values;
            }
            let (rows, columns) = (shape[0], shape[1]);
            (0..rows * columns)
                .map(|i| values[(i % rows) * columns + i / rows])
                .collect()
        }
    }
}
