//! Where the rows of a product go, when what reads them has its own order of dimensions.

use super::scalars::Scalars;
use super::view::View;
use spec_kernels::DType;
use spec_kernels::gpu::{Place, Rows};

/// Row r of token t at `r / d * head + t * token + r % d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fit {
    d: i64,
    head: i64,
    token: i64,
}

/// The element of `to` that stands for row r of token t, where `from` is a view of a contiguous [m, n] buffer and both have the same
/// dimensions. `d`: elements of a head, if heads must stay apart.
///
/// # Errors
/// No such form fits.
pub(crate) fn fit(from: &View, to: &View, m: i64, n: i64, d: Option<i64>) -> Result<Fit, String> {
    let no = |why: &str| {
        Err(format!(
            "the result of a product cannot go where it is read: {why}"
        ))
    };
    if from.sizes != to.sizes {
        return no("the shapes differ");
    }
    if from.offset != 0 || !from.dynamic.is_empty() {
        return no("only a part of it is read");
    }
    let dims = (from.sizes.iter()).zip(from.strides.iter().zip(&to.strides));
    let dims = dims.filter(|(size, _)| **size > 1);
    let (tokens, mut rows): (Vec<_>, Vec<_>) = dims
        .map(|(size, (from, to))| (*size, *from, *to))
        .partition(|(_, from, _)| m > 1 && *from >= n && from % n == 0);
    let token = match tokens[..] {
        [] if m == 1 => 0,
        [(size, from, to)] if size == m && from == n => to,
        _ => return no("tokens are split over several dimensions"),
    };
    rows.sort_by_key(|(_, from, _)| *from);
    let (mut width, mut head, mut seen) = (1, None, 1);
    for (size, from, to) in rows {
        if from != seen {
            return no("rows are not in order");
        }
        seen *= size;
        let side_by_side = to == width && head.is_none();
        if side_by_side && d.is_none_or(|d| width * size <= d) {
            width *= size;
        } else if head.is_none() && width > 1 {
            head = Some((to, size));
        } else {
            match head {
                Some((stride, count)) if to == stride * count => {
                    head = Some((stride, count * size))
                }
                _ => return no("heads are split over several dimensions"),
            }
        }
    }
    let heads = head.map_or(1, |(_, count)| count);
    if seen != n || width * heads != n || d.is_some_and(|d| d != width) {
        return no("heads have another size");
    }
    let head = head.map_or(0, |(stride, _)| stride);
    Ok(Fit {
        d: width,
        head,
        token,
    })
}

impl Fit {
    /// The fit as a place in `to`, which may lie at a run-time place of a cache.
    pub(crate) fn place(
        self,
        to: &View,
        m: i64,
        dtype: DType,
        scalars: &mut Scalars,
    ) -> Result<Place, String> {
        let token = match to.dynamic.first() {
            Some((_, stride)) if m == 1 => *stride,
            Some((_, stride)) if *stride != self.token => {
                return Err("a run-time place moves by something else than tokens".into());
            }
            _ => self.token,
        };
        let at = match &to.dynamic[..] {
            [] => None,
            some => scalars.offset(some, token)?,
        };
        Ok(Place {
            dtype,
            d: self.d,
            head: self.head,
            token,
            capacity: if at.is_some() { to.room } else { m },
            at,
        })
    }

    /// The fit as rows without heads.
    pub(crate) fn rows(self, to: &View, n: i64, dtype: DType) -> Result<Rows, String> {
        if self.d != n || !to.dynamic.is_empty() {
            return Err("a residual whose rows do not stand side by side".into());
        }
        Ok(Rows {
            dtype,
            stride: self.token,
            aligned: to.is_aligned(&[self.token]),
        })
    }
}

/// A [heads, tokens, d] or [tokens, heads, d] view as a place.
///
/// # Errors
/// Elements of a head do not stand side by side, or a run-time place moves by something else than tokens.
pub(crate) fn of_heads(
    to: &View,
    token_dim: usize,
    m: i64,
    dtype: DType,
    scalars: &mut Scalars,
) -> Result<Place, String> {
    let ([_, _, d], [_, _, inner]) = (&to.sizes[..], &to.strides[..]) else {
        return Err("heads of tokens have three dimensions".into());
    };
    if *inner != 1 && *d != 1 {
        return Err("elements of a head must stand side by side".into());
    }
    let fit = Fit {
        d: *d,
        head: to.strides[1 - token_dim],
        token: to.strides[token_dim],
    };
    fit.place(to, m, dtype, scalars)
}
