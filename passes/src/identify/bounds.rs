//! Upper bounds for dynamic sizes, from the program itself (slices, casts, minima) or from `spec.bounds` hints.

use rustc_hash::FxHashMap as HashMap;
use spec_dialect::ffi::{Loc, MapResult, Op, Value};

/// A size that nothing bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbounded {
    /// Where the value is defined.
    pub loc: Loc,
    /// What it is, for the message.
    pub what: String,
}

/// No tensor of a program that means it is larger: 16 TiB. All arithmetic on sizes relies on it.
pub const MAX_BYTES: u64 = 1 << 44;

/// Product of sizes; saturates.
pub fn volume(dims: impl IntoIterator<Item = u64>) -> u64 {
    dims.into_iter().fold(1, u64::saturating_mul)
}

/// Memo of bounds by value.
#[derive(Default)]
pub struct Bounds {
    memo: HashMap<Value, Result<Vec<u64>, Unbounded>>,
}

const DYNAMIC: i64 = i64::MIN;
const DEPTH: usize = 64;

impl Bounds {
    /// Upper bounds of the sizes of a tensor or scalar.
    ///
    /// # Errors
    /// A size is dynamic and nothing bounds it.
    pub fn dims(&mut self, v: Value) -> Result<Vec<u64>, Unbounded> {
        let shape = v.ty().shape();
        if let Some(dims) = shape.dims.iter().copied().collect::<Option<Vec<u64>>>() {
            return Ok(dims);
        }
        if let Some(known) = self.memo.get(&v) {
            return known.clone();
        }
        // a cycle through a loop ends here
        self.memo.insert(v, Err(unbounded(v)));
        let bound = self.infer(v);
        let result = shape
            .dims
            .iter()
            .enumerate()
            .map(|(i, d)| {
                d.or_else(|| bound.as_ref()?.get(i).copied().flatten())
                    .ok_or_else(|| unbounded(v))
            })
            .collect::<Result<Vec<u64>, _>>()
            .and_then(|dims| match volume(dims.iter().copied()) {
                n if n > MAX_BYTES => Err(unbounded(v)),
                _ => Ok(dims),
            });
        self.memo.insert(v, result);
        self.memo[&v].clone()
    }

    fn infer(&mut self, v: Value) -> Option<Vec<Option<u64>>> {
        let Some(op) = v.def() else {
            return self.argument(v);
        };
        let known = |d: Vec<u64>| d.into_iter().map(Some).collect::<Vec<_>>();
        match op.name() {
            "tensor.cast" | "linalg.copy" | "linalg.softmax" => {
                self.dims(op.operand(0)?).ok().map(known)
            }
            "tensor.extract_slice" => self.slice(op),
            "tensor.insert_slice" => self.dims(op.operand(1)?).ok().map(known),
            "tensor.empty" => {
                let mut dynamic = op.operands();
                Some(
                    v.ty()
                        .shape()
                        .dims
                        .iter()
                        .map(|d| d.or_else(|| self.scalar(dynamic.next()?, DEPTH)))
                        .collect(),
                )
            }
            "tensor.collapse_shape" => {
                let source = self.dims(op.operand(0)?).ok()?;
                let groups = op.attr("reassociation")?.elements()?;
                let product = |g: &spec_dialect::ffi::Attr| {
                    Some(volume(
                        g.elements()?
                            .iter()
                            .map(|i| source.get(i.as_i64()? as usize).copied())
                            .collect::<Option<Vec<_>>>()?,
                    ))
                };
                Some(groups.iter().map(product).collect())
            }
            "tensor.expand_shape" => self.expand(op, v),
            "tensor.concat" => self.concat(op),
            n if n.starts_with("linalg.") => self.structured(op, v),
            _ => None,
        }
    }

    fn argument(&mut self, v: Value) -> Option<Vec<Option<u64>>> {
        let block = v.arg_block()?;
        let parent = block.parent()?;
        match parent.name() {
            "scf.for" => {
                let init = parent.operand(v.index().checked_sub(1)? + 3)?;
                self.dims(init)
                    .ok()
                    .map(|d| d.into_iter().map(Some).collect())
            }
            _ => {
                let hints = parent.attr("arg_attrs")?.elements()?;
                let bounds = hints.get(v.index())?.entry("spec.bounds")?.as_i64_array()?;
                Some(bounds.into_iter().map(|b| u64::try_from(b).ok()).collect())
            }
        }
    }

    fn slice(&mut self, op: Op) -> Option<Vec<Option<u64>>> {
        let source = self.dims(op.operand(0)?).ok()?;
        let sizes = op.attr("static_sizes")?.as_i64_array()?;
        let bound: Vec<Option<u64>> = sizes
            .iter()
            .zip(&source)
            .map(|(s, d)| Some(if *s == DYNAMIC { *d } else { *s as u64 }))
            .collect();
        let rank = op.results().next()?.ty().shape().dims.len();
        if rank == bound.len() {
            return Some(bound);
        }
        // rank-reducing: unit sizes are dropped
        let kept: Vec<_> = bound
            .into_iter()
            .zip(&sizes)
            .filter(|(_, s)| **s != 1)
            .map(|(b, _)| b)
            .collect();
        (kept.len() == rank).then_some(kept)
    }

    fn expand(&mut self, op: Op, v: Value) -> Option<Vec<Option<u64>>> {
        let source = self.dims(op.operand(0)?).ok()?;
        let dims = v.ty().shape().dims;
        let mut out = dims.clone();
        for (group, size) in op.attr("reassociation")?.elements()?.iter().zip(source) {
            let members: Vec<usize> = group
                .elements()?
                .iter()
                .filter_map(|i| Some(i.as_i64()? as usize))
                .collect();
            let fixed = volume(members.iter().filter_map(|i| dims[*i]));
            let open: Vec<usize> = members.into_iter().filter(|i| dims[*i].is_none()).collect();
            if let [one] = open[..] {
                out[one] = Some(size / fixed.max(1));
            }
        }
        Some(out)
    }

    fn concat(&mut self, op: Op) -> Option<Vec<Option<u64>>> {
        let dim = op.attr("dim")?.as_i64()? as usize;
        let mut total: Option<Vec<u64>> = None;
        for part in op.operands() {
            let dims = self.dims(part).ok()?;
            match &mut total {
                None => total = Some(dims),
                Some(t) => *t.get_mut(dim)? = t.get(dim)?.checked_add(*dims.get(dim)?)?,
            }
        }
        Some(total?.into_iter().map(Some).collect())
    }

    fn structured(&mut self, op: Op, v: Value) -> Option<Vec<Option<u64>>> {
        let maps = op.indexing_maps()?;
        let mut sizes: Vec<Option<u64>> = vec![None; maps.first()?.dims];
        let inputs = op.operands().len().checked_sub(op.results().len())?;
        let out = op.operand(inputs + v.index())?;
        for (i, (operand, map)) in op.operands().zip(&maps).enumerate() {
            if (i < inputs || operand == out)
                && let Ok(dims) = self.dims(operand)
            {
                for (d, r) in dims.into_iter().zip(&map.results) {
                    if let MapResult::Dim(l) = *r {
                        sizes[l] = Some(sizes[l].map_or(d, |s| s.min(d)));
                    }
                }
            }
        }
        Some(
            maps.get(inputs + v.index())?
                .results
                .iter()
                .map(|r| match r {
                    MapResult::Dim(l) => sizes[*l],
                    _ => None,
                })
                .collect(),
        )
    }

    /// Upper bound of an index or integer.
    fn scalar(&mut self, v: Value, depth: usize) -> Option<u64> {
        let op = v.def()?;
        if depth == 0 {
            return None;
        }
        let arg = |i| op.operand(i);
        match op.name() {
            "arith.constant" => u64::try_from(op.attr("value")?.as_i64()?).ok(),
            "tensor.dim" => {
                let i = self.scalar(arg(1)?, depth - 1)? as usize;
                self.dims(arg(0)?).ok()?.get(i).copied()
            }
            "arith.index_cast" | "arith.index_castui" | "arith.extsi" | "arith.extui" => {
                self.scalar(arg(0)?, depth - 1)
            }
            "arith.minsi" | "arith.minui" => match (
                self.scalar(arg(0)?, depth - 1),
                self.scalar(arg(1)?, depth - 1),
            ) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            "arith.addi" => self
                .scalar(arg(0)?, depth - 1)?
                .checked_add(self.scalar(arg(1)?, depth - 1)?),
            "arith.muli" => self
                .scalar(arg(0)?, depth - 1)?
                .checked_mul(self.scalar(arg(1)?, depth - 1)?),
            "arith.maxsi" | "arith.maxui" => Some(
                self.scalar(arg(0)?, depth - 1)?
                    .max(self.scalar(arg(1)?, depth - 1)?),
            ),
            _ => None,
        }
    }
}

fn unbounded(v: Value) -> Unbounded {
    Unbounded {
        loc: v.loc(),
        what: format!(
            "{} of type {}",
            if v.def().is_some() {
                "a value"
            } else {
                "an argument"
            },
            v.ty()
        ),
    }
}
