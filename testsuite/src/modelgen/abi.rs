//! Argument and result lists.

use super::style::{CacheForm, Config, Exporter, Output, Style, Weights};
use super::text::{Element, Type};
use super::weights::{WeightTensor, weight_tensors};

/// What an argument or a result is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// Token ids.
    Tokens,
    /// Position of the first token.
    Position,
    /// Additive mask.
    Mask,
    /// Key cache (or new key rows) of one layer or, with `None`, of all.
    Keys(Option<usize>),
    /// Value cache (or new value rows) of one layer or of all.
    Values(Option<usize>),
    /// A weight.
    Weight(WeightTensor),
    /// Logits, f32 `[.., M, vocabulary]`.
    Logits,
    /// A count, `index`.
    Count,
}

/// One argument or result.
#[derive(Clone, Debug, PartialEq)]
pub struct ArgInfo {
    /// What it is for.
    pub role: Role,
    /// Its type.
    pub ty: Type,
    /// Which model of the module it belongs to, in the order of the form's fields.
    pub model: usize,
}

/// Arguments and results of a function, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Abi {
    /// Arguments.
    pub args: Vec<ArgInfo>,
    /// Results.
    pub results: Vec<ArgInfo>,
}

/// Tokens' type in `style`: `[1, M]` for Torch and with a batch dimension, else `[M]`.
pub(super) fn token_type(c: &Config, s: &Style) -> Type {
    match s.exporter {
        Exporter::Torch => Type::tensor(&[1, c.tokens], s.index_type),
        _ if s.batch_dim => Type::tensor(&[1, c.tokens], s.index_type),
        _ => Type::tensor(&[c.tokens], s.index_type),
    }
}

/// The position's type in `style`.
pub(super) fn position_type(s: &Style) -> Type {
    match s.exporter {
        Exporter::Torch | Exporter::Jax => Type::tensor(&[], s.index_type),
        Exporter::Onnx => Type::tensor(&[1], s.index_type),
        Exporter::Generic => Type::scalar(s.index_type),
        Exporter::Loop => Type::scalar(Element::Index),
    }
}

/// The mask's type in `style`.
pub(super) fn mask_type(c: &Config, s: &Style) -> Type {
    let new = if s.cache == CacheForm::Rows {
        c.tokens
    } else {
        0
    };
    let mut dims = vec![c.tokens, c.context + new];
    if s.batch_dim {
        dims.splice(0..0, [1, 1]);
    }
    Type::tensor(&dims, Element::F32)
}

/// Shape of a cache, or of `rows` new rows.
pub(super) fn cache_type(c: &Config, s: &Style, rows: usize) -> Type {
    let mut dims = if s.token_major() {
        vec![rows, c.kv_heads, c.head_dim]
    } else {
        vec![c.kv_heads, rows, c.head_dim]
    };
    if s.batch_dim {
        dims.insert(0, 1);
    }
    if !s.cache_per_layer() {
        dims.insert(0, c.layers);
    }
    Type::tensor(&dims, c.dtype)
}

/// Keys and values as infos: one pair, or a pair per layer.
pub(super) fn cache_infos(c: &Config, s: &Style, rows: usize, model: usize) -> Vec<ArgInfo> {
    let ty = cache_type(c, s, rows);
    let layers: Vec<Option<usize>> = if s.cache_per_layer() {
        (0..c.layers).map(Some).collect()
    } else {
        vec![None]
    };
    let info = |role| ArgInfo {
        role,
        ty: ty.clone(),
        model,
    };
    layers
        .into_iter()
        .flat_map(|l| [info(Role::Keys(l)), info(Role::Values(l))])
        .collect()
}

/// Weights as infos; none unless they are arguments.
pub(super) fn weight_infos(c: &Config, s: &Style, model: usize) -> Vec<ArgInfo> {
    if s.weights != Weights::Arguments {
        return Vec::new();
    }
    let info = |tensor: WeightTensor| ArgInfo {
        ty: tensor.ty.clone(),
        role: Role::Weight(tensor),
        model,
    };
    weight_tensors(c, s).into_iter().map(info).collect()
}

pub(super) fn head_info(c: &Config, s: &Style) -> ArgInfo {
    let mut dims = if s.batch_dim {
        vec![1, c.tokens]
    } else {
        vec![c.tokens]
    };
    match s.output {
        Output::Token => ArgInfo {
            role: Role::Tokens,
            ty: Type::tensor(&dims, s.index_type),
            model: 0,
        },
        Output::Logits => {
            dims.push(c.vocabulary);
            ArgInfo {
                role: Role::Logits,
                ty: Type::tensor(&dims, Element::F32),
                model: 0,
            }
        }
    }
}

/// The signature of a model's function, in its exporter's order.
pub fn abi(c: &Config, s: &Style) -> Abi {
    let tokens = vec![ArgInfo {
        role: Role::Tokens,
        ty: token_type(c, s),
        model: 0,
    }];
    let mut position = vec![ArgInfo {
        role: Role::Position,
        ty: position_type(s),
        model: 0,
    }];
    if s.mask_argument {
        position.push(ArgInfo {
            role: Role::Mask,
            ty: mask_type(c, s),
            model: 0,
        });
    }
    let caches = cache_infos(c, s, c.context, 0);
    let weights = weight_infos(c, s, 0);
    let mut reversed = caches.clone();
    reversed.reverse();
    let args = match s.exporter {
        Exporter::Torch | Exporter::Jax => [tokens, position, caches, weights],
        Exporter::Onnx => [tokens, caches, position, weights],
        Exporter::Generic => [weights, reversed, position, tokens],
        Exporter::Loop => [position, tokens, weights, reversed],
    };
    let rows = if s.cache == CacheForm::Rows {
        c.tokens
    } else {
        c.context
    };
    let mut results = cache_infos(c, s, rows, 0);
    let at = if s.exporter == Exporter::Generic {
        results.len()
    } else {
        0
    };
    results.insert(at, head_info(c, s));
    Abi {
        args: args.concat(),
        results,
    }
}
