//! Quantised models beside the same model with the weights that the integers stand for.

use crate::compiled::{decode, encode};
use crate::modelgen::run::Input;
use crate::modelgen::{Config, Exporter, Host, ModelSpec, Style, Type};
use spec_runtime::manifest::{Argument, DType};
use spec_runtime::quantize::{Matrix, Scheme, TRANSPOSED, dequantise, quantise};

/// Tokens that a verification takes.
pub const M: usize = 3;
/// Prompt of all runs.
pub const PROMPT: [usize; 6] = [3, 17, 42, 5, 63, 0];

/// Sizes that groups of 32 divide.
pub fn model(exporter: Exporter) -> ModelSpec {
    let config = Config {
        hidden: 64,
        heads: 8,
        kv_heads: 4,
        ffn: 96,
        vocabulary: 160,
        ..Config::default()
    };
    ModelSpec::new(config, Style::of(exporter))
}

/// Integers, scales and values.
type Packed = (Vec<u8>, Vec<u8>, Vec<f64>);

/// The argument's integers and scales, and the values that they stand for, in the order of the exported weight.
fn quantised(argument: &Argument, scale: DType, bytes: &[u8]) -> Result<Packed, String> {
    let from = argument.quantised_from.as_ref().ok_or("a dense weight")?;
    let transposed = argument.layout.as_deref() == Some(TRANSPOSED);
    let [.., a, b] = from.shape[..] else {
        return Err(format!("a weight of shape {:?}", from.shape));
    };
    let (rows, columns) = if transposed { (b, a) } else { (a, b) };
    let (rows, columns) = (rows as usize, columns as usize);
    let scheme = Scheme::new(from.format, from.group, scale).map_err(|e| e.to_string())?;
    let (of_weights, of_scales) = scheme.row_bytes(columns).map_err(|e| e.to_string())?;
    let (mut weights, mut scales, mut values) = (vec![], vec![], vec![]);
    for one in bytes.chunks(rows * columns * from.dtype.bytes()) {
        let matrix = Matrix::new("weight", from.dtype, one, rows, columns, transposed);
        let matrix = matrix.map_err(|e| e.to_string())?;
        let (mut w, mut s) = (vec![0; rows * of_weights], vec![0; rows * of_scales]);
        quantise(&matrix, scheme, &mut w, &mut s).map_err(|e| e.to_string())?;
        let mut dense = vec![0.0; rows * columns];
        dequantise(scheme, columns, &w, &s, &mut dense).map_err(|e| e.to_string())?;
        let at = |i: usize| match transposed {
            true => dense[i % rows * columns + i / rows],
            false => dense[i],
        };
        values.extend((0..dense.len()).map(|i| f64::from(at(i))));
        weights.extend(w);
        scales.extend(s);
    }
    Ok((weights, scales, values))
}

/// Arguments of the quantised function, and of the dense one with the values that the integers stand for.
fn arguments(
    described: &[Argument],
    dense: &[Input],
) -> Result<(Vec<Vec<u8>>, Vec<Input>), String> {
    let mut packed = dense.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
    packed.resize(described.len(), vec![]);
    let mut meant = dense.to_vec();
    for (i, argument) in described.iter().enumerate() {
        let Some(from) = &argument.quantised_from else {
            continue;
        };
        let scale = described[from.scale_argument].dtype;
        let (weights, scales, values) = quantised(argument, scale, &packed[i])?;
        packed[i] = weights;
        packed[from.scale_argument] = scales;
        if let Input::Dense(_, old) = &mut meant[i] {
            *old = values;
        }
    }
    Ok((packed, meant))
}

/// What the model answers to the prompt in calls of `m` tokens; `call` takes the quantised function's arguments to its results.
///
/// # Errors
/// Those of `call`, or a weight cannot be quantised.
pub fn answers(
    model: &ModelSpec,
    m: usize,
    described: &[Argument],
    mut call: impl FnMut(&[Vec<u8>]) -> Result<Vec<Vec<u8>>, String>,
) -> Result<Vec<f64>, String> {
    by_calls(model, m, |args, types| {
        let (bytes, _) = arguments(described, args)?;
        let results = call(&bytes)?;
        let values = types.iter().zip(&results).map(|(t, b)| decode(t, b));
        Ok(values.collect())
    })
}

/// What the dense model answers with the values that the quantised one's integers stand for.
///
/// # Errors
/// As [`answers`].
pub fn expected(
    model: &ModelSpec,
    m: usize,
    described: &[Argument],
    mut call: impl FnMut(&[Input], &[Type]) -> Result<Vec<Vec<f64>>, String>,
) -> Result<Vec<f64>, String> {
    by_calls(model, m, |args, types| {
        let (_, meant) = arguments(described, args)?;
        call(&meant, types)
    })
}

fn by_calls(
    model: &ModelSpec,
    m: usize,
    mut call: impl FnMut(&[Input], &[Type]) -> Result<Vec<Vec<f64>>, String>,
) -> Result<Vec<f64>, String> {
    let mut host = Host::new(&model.config, &model.style);
    let mut heads = vec![];
    for (i, tokens) in PROMPT.chunks(m).enumerate() {
        heads.extend(host.call_with(tokens, i * m, &mut call)?);
    }
    Ok(heads)
}

/// Compares answers; `tolerance` is relative to the largest.
///
/// # Errors
/// The first difference that is too large.
pub fn close(found: &[f64], expected: &[f64], tolerance: f64) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{} numbers, not {}", found.len(), expected.len()));
    }
    let largest = expected.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    for (f, e) in found.iter().zip(expected) {
        let error = (e - f).abs() / largest;
        if error.is_nan() || error > tolerance {
            return Err(format!("{f}, expected {e} (error {error:.2e})"));
        }
    }
    Ok(())
}

/// Whether two answers agree in every bit.
pub fn same_bits(one: &[f64], other: &[f64]) -> bool {
    let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    bits(one) == bits(other)
}
