//! What kernels are written for.

use super::bind::place;
use super::{Pair, Product};
use crate::gpu::{Finish, LinearGroup, Part, Stage};
use crate::lanes::{float, unsupported};
use crate::{Activations, DType, Format, KernelError, Pairing};

/// Largest size of a dimension.
const LARGEST: i64 = 1 << 24;

/// The products of a group.
///
/// # Errors
/// Heads or factors do not fit.
pub(super) fn products(group: &LinearGroup) -> Result<Vec<Product>, KernelError> {
    let mut products = Vec::new();
    let mut parts = group.parts.iter().enumerate().peekable();
    while let Some((i, part)) = parts.next() {
        let pair = match &part.finish {
            Finish::Store { .. } => Pair::One,
            Finish::Rope { to, .. } if to.d < 2 || to.d % 2 != 0 || part.n % to.d != 0 => {
                return unsupported(format!(
                    "linear: {} rows rotated in heads of {}: heads are even and divide the rows",
                    part.n, to.d
                ));
            }
            Finish::Rope {
                pairing: Pairing::Half,
                to,
                ..
            } => Pair::Half { d: to.d },
            Finish::Rope { to, .. } => Pair::Neighbours { d: to.d },
            Finish::Activate { gated: false, .. } => Pair::One,
            Finish::Activate { gated: true, .. } => {
                let up = parts.next_if(|(_, up)| {
                    up.finish == Finish::Up && up.n == part.n && up.format == part.format
                });
                if up.is_none() {
                    return unsupported(
                        "linear: a gated part needs a next part that is its factor, of the same rows and format",
                    );
                }
                Pair::Gated
            }
            Finish::Up => return unsupported("linear: a factor without a gated part before it"),
        };
        let together = if pair == Pair::Gated { 1 } else { pair.rows() };
        products.push(Product {
            part: i,
            pair,
            units: part.n / together,
        });
    }
    if products.is_empty() {
        return unsupported("linear: no weight");
    }
    Ok(products)
}

/// Refuses what kernels are not written for.
pub(super) fn check(group: &LinearGroup) -> Result<(), KernelError> {
    let sizes = [group.m, group.k, group.x.stride];
    if sizes.iter().any(|&d| !(1..=LARGEST).contains(&d)) || group.x.stride < group.k && group.m > 1
    {
        return unsupported(format!(
            "linear: m={} k={} in rows {} apart: sizes are 1 to 2^24 and rows do not overlap",
            group.m, group.k, group.x.stride
        ));
    }
    float("x", group.x.dtype)?;
    if let Stage::Norm {
        eps,
        weight_offset,
        weight,
        bias,
        ..
    } = group.stage
    {
        float("the norm's weight", weight)?;
        float("the norm's bias", bias.unwrap_or(weight))?;
        if !(eps.is_finite() && weight_offset.is_finite()) {
            return unsupported("linear: eps and weight_offset must be finite");
        }
    }
    let block = |p: &Part| p.format.group().max(32);
    for part in &group.parts {
        check_part(group, part)?;
        if group.activations == Activations::I8 && block(part) != block(&group.parts[0]) {
            return unsupported("linear: i8 activations have one group size for all weights");
        }
    }
    Ok(())
}

fn check_part(group: &LinearGroup, part: &Part) -> Result<(), KernelError> {
    let err = |what: String| unsupported(format!("linear: {what}"));
    if !(1..=LARGEST).contains(&part.n) {
        return err(format!("{} rows; 1 to 2^24 are possible", part.n));
    }
    float("the bias", part.bias.unwrap_or(DType::F32))?;
    match part.format {
        Format::Dense { dtype, layout } => {
            float("a dense weight", dtype)?;
            if group.activations == Activations::I8 {
                return err(format!(
                    "i8 activations need a quantised weight, not {layout:?} {}",
                    dtype.name()
                ));
            }
        }
        Format::I8 { group: g, .. } if ![0, 32, 64].contains(&g) => {
            return err(format!("i8 in groups of {g}; 0, 32 and 64 exist"));
        }
        Format::I4 { group: g, .. } if ![32, 64].contains(&g) => {
            return err(format!("i4 in groups of {g}; 32 and 64 exist"));
        }
        _ => {}
    }
    let g = part.format.group();
    if g > 0 && group.k % g != 0 {
        return err(format!("k={} is no multiple of the group {g}", group.k));
    }
    if let Some(d) = part
        .format
        .scale()
        .filter(|d| !matches!(d, DType::F16 | DType::F32))
    {
        return err(format!("scales of {}; f16 and f32 exist", d.name()));
    }
    let floats = match &part.finish {
        Finish::Store { add, to } => vec![add.map_or(to.dtype, |a| a.dtype), to.dtype],
        Finish::Rope { cos, sin, to, .. } => vec![*cos, *sin, to.dtype],
        Finish::Activate { to, .. } => vec![to.dtype],
        Finish::Up => vec![],
    };
    floats
        .into_iter()
        .try_for_each(|d| float("an operand", d))?;
    if let Some(to) = place(part)
        && (to.d < 1 || part.n % to.d != 0 || to.at.is_some() && to.capacity < group.m)
    {
        return err(format!(
            "{} rows of {} tokens in heads of {} with room for {} tokens",
            part.n, group.m, to.d, to.capacity
        ));
    }
    Ok(())
}
