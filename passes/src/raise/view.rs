//! Ops that only move elements, as maps of indices.

use super::body;
use super::graph::{Graph, Id, Node, Step};
use super::index::Ix;
use spec_dialect::ffi::{MapResult, Op, Value};

/// Tensors of more elements are not looked at: products of sizes always fit into an i64, whatever they are multiplied with.
const MOST: i64 = 1 << 40;

/// Sizes of a static tensor (or of a scalar: none).
pub fn sizes(value: Value) -> Option<Vec<i64>> {
    let shape = value.ty().shape();
    let sizes: Option<Vec<i64>> = shape
        .dims
        .iter()
        .map(|d| d.and_then(|d| i64::try_from(d).ok()))
        .collect();
    let total = sizes
        .iter()
        .flatten()
        .try_fold(1i64, |all, d| all.checked_mul(*d));
    sizes.filter(|_| total.is_some_and(|t| t <= MOST))
}

/// Where the element comes from, if the op that makes it only moves elements.
pub fn behind(g: &mut Graph, value: Value, index: &[Ix]) -> Option<Step> {
    let op = value.def()?;
    let source = op.operand(0)?;
    match op.name() {
        "tensor.expand_shape" => Some((source, expanded(op, source, value, index)?)),
        "tensor.collapse_shape" => Some((source, collapsed(op, source, index)?)),
        "tensor.cast" => Some((source, index.to_vec())),
        "tensor.extract_slice" => {
            let slice = Slice::of(g, op)?;
            Some((source, slice.source_index(&sizes(value)?, index)))
        }
        "tensor.concat" | "tensor.insert_slice" => piece(g, op, index),
        "arith.extf" => Some((source, index.to_vec())),
        name if name.starts_with("linalg.") => moved(op, value, index),
        _ => None,
    }
}

/// The groups of a reshape.
fn groups(op: Op) -> Option<Vec<Vec<usize>>> {
    let group = |a: spec_dialect::ffi::Attr| {
        let all = a.elements()?;
        all.iter()
            .map(|i| i.as_i64().map(|i| i as usize))
            .collect::<Option<Vec<_>>>()
    };
    op.attr("reassociation")?
        .elements()?
        .into_iter()
        .map(group)
        .collect()
}

/// Indices before an expansion.
fn expanded(op: Op, source: Value, value: Value, index: &[Ix]) -> Option<Vec<Ix>> {
    let shape = sizes(value)?;
    sizes(source)?;
    let linear = |group: &Vec<usize>| {
        let (ix, size): (Vec<Ix>, Vec<i64>) =
            group.iter().map(|d| (index[*d].clone(), shape[*d])).unzip();
        super::index::linear(&ix, &size)
    };
    Some(groups(op)?.iter().map(linear).collect())
}

/// Indices before a collapse.
fn collapsed(op: Op, source: Value, index: &[Ix]) -> Option<Vec<Ix>> {
    let shape = sizes(source)?;
    let mut out = vec![Ix::default(); shape.len()];
    for (group, ix) in groups(op)?.iter().zip(index) {
        let mut rest = ix.clone();
        for (i, d) in group.iter().enumerate().rev() {
            if i == 0 {
                out[*d] = rest.clone();
            } else {
                let (quotient, low) = rest.div_rem(shape[*d])?;
                out[*d] = low;
                rest = quotient;
            }
        }
    }
    Some(out)
}

/// Offsets, sizes and strides of a slice.
pub struct Slice {
    /// Offsets; `None` where one cannot be an index expression.
    pub offsets: Vec<Ix>,
    /// Static sizes.
    pub sizes: Vec<i64>,
    /// Static strides.
    pub strides: Vec<i64>,
}

impl Slice {
    /// Of an extract_slice or insert_slice with static sizes and strides.
    pub fn of(g: &mut Graph, op: Op) -> Option<Slice> {
        let list = |name: &str| op.attr(name)?.as_i64_array();
        let fixed = |l: Vec<i64>| (!l.contains(&i64::MIN)).then_some(l);
        let sizes = fixed(list("static_sizes")?)?;
        let strides = fixed(list("static_strides")?)?;
        let first = if op.name() == "tensor.insert_slice" {
            2
        } else {
            1
        };
        let mut dynamic = op.operands().skip(first);
        let mut offsets = vec![];
        for offset in list("static_offsets")? {
            offsets.push(if offset == i64::MIN {
                let id = g.scalar(dynamic.next()?);
                g.as_ix(id)
            } else {
                Ix::constant(offset)
            });
        }
        Some(Slice {
            offsets,
            sizes,
            strides,
        })
    }

    /// Which dimensions of the whole tensor those of a part of this shape are.
    pub fn kept(&self, part: &[i64]) -> Vec<Option<usize>> {
        let mut next = 0;
        let mut left = self.sizes.len();
        self.sizes
            .iter()
            .map(|size| {
                let must_keep = left == part.len() - next;
                left -= 1;
                let keep = next < part.len() && part[next] == *size && (*size != 1 || must_keep);
                keep.then(|| {
                    next += 1;
                    next - 1
                })
            })
            .collect()
    }

    /// Indices in the whole tensor.
    pub fn source_index(&self, part: &[i64], index: &[Ix]) -> Vec<Ix> {
        let kept = self.kept(part);
        (0..self.sizes.len())
            .map(|d| match kept[d] {
                Some(i) => index[i].times(self.strides[d]).add(&self.offsets[d]),
                None => self.offsets[d].clone(),
            })
            .collect()
    }

    /// Indices in the part, for an index in the whole tensor that lies in it.
    fn part_index(&self, part: &[i64], index: &[Ix]) -> Option<Vec<Ix>> {
        let kept = self.kept(part);
        let mut out = vec![Ix::default(); part.len()];
        for d in 0..self.sizes.len() {
            if let Some(i) = kept[d] {
                let relative = index[d].minus(&self.offsets[d]);
                out[i] = if self.strides[d] == 1 {
                    relative
                } else {
                    relative.div_rem(self.strides[d])?.0
                };
            }
        }
        Some(out)
    }
}

/// The one piece of a concatenation or insertion that ranges say the element comes from.
fn piece(g: &mut Graph, op: Op, index: &[Ix]) -> Option<Step> {
    if op.name() == "tensor.concat" {
        let dim = op.attr("dim")?.as_i64()? as usize;
        let (lo, hi) = index[dim].range()?;
        let mut start = 0;
        for part in op.operands() {
            let size = sizes(part)?[dim];
            if lo >= start && hi < start + size {
                let mut at = index.to_vec();
                at[dim] = at[dim].plus(-start);
                return Some((part, at));
            }
            start += size;
        }
        return None;
    }
    let slice = Slice::of(g, op)?;
    let (part, whole) = (op.operand(0)?, op.operand(1)?);
    let mut inside = true;
    for (d, ix) in index.iter().enumerate() {
        let relative = ix.minus(&slice.offsets[d]);
        let end = (slice.sizes[d] - 1) * slice.strides[d];
        if slice.strides[d] != 1 {
            match relative
                .div_rem(slice.strides[d])
                .map(|(_, rest)| rest.as_constant())
            {
                Some(Some(0)) => {}
                Some(Some(_)) => return Some((whole, index.to_vec())),
                _ => inside = false,
            }
        }
        match relative.range() {
            Some((lo, hi)) if hi < 0 || lo > end => return Some((whole, index.to_vec())),
            Some((lo, hi)) if lo >= 0 && hi <= end => {}
            _ => inside = false,
        }
    }
    let at = slice.part_index(&sizes(part)?, index)?;
    inside.then_some((part, at))
}

/// A concatenation or insertion as a choice between pieces.
pub fn pieces(g: &mut Graph, op: Op, index: &[Ix]) -> Option<Id> {
    if op.name() == "tensor.concat" {
        let dim = op.attr("dim")?.as_i64()? as usize;
        let parts: Vec<Value> = op.operands().collect();
        let mut ends = vec![];
        let mut start = 0;
        for part in &parts {
            ends.push((*part, start));
            start += sizes(*part)?[dim];
        }
        let mut out: Option<Id> = None;
        for (part, start) in ends.into_iter().rev() {
            let mut at = index.to_vec();
            at[dim] = at[dim].plus(-start);
            let here = g.elem(part, at);
            let end = start + sizes(part)?[dim];
            out = Some(match out {
                None => here,
                Some(rest) => {
                    let below = less(g, &index[dim], end);
                    g.select(below, here, rest)
                }
            });
        }
        return out;
    }
    let slice = Slice::of(g, op)?;
    if slice.strides.iter().any(|s| *s != 1) {
        return None;
    }
    let (part, whole) = (op.operand(0)?, op.operand(1)?);
    let at = slice.part_index(&sizes(part)?, index)?;
    let yes = g.elem(part, at);
    let mut out = yes;
    let no = g.elem(whole, index.to_vec());
    for (d, ix) in index.iter().enumerate() {
        let relative = ix.minus(&slice.offsets[d]);
        let (before, in_front) = (less(g, &relative, 0), less(g, &relative, slice.sizes[d]));
        out = g.select(in_front, out, no);
        out = g.select(before, no, out);
    }
    Some(out)
}

fn less(g: &mut Graph, ix: &Ix, end: i64) -> Id {
    // the constant part goes to the right side, so that equal conditions are equal nodes
    let (a, b) = (
        g.int(Ix {
            base: 0,
            ..ix.clone()
        }),
        g.int(Ix::constant(end - ix.base)),
    );
    g.compare(false, 2, a, b)
}

/// A linalg op that yields an input (widened, perhaps).
fn moved(op: Op, value: Value, index: &[Ix]) -> Option<Step> {
    let block = op.body()?;
    let mut yielded = block.terminator()?.operand(value.index())?;
    while let Some(cast) = yielded.def().filter(|d| d.name() == "arith.extf") {
        yielded = cast.operand(0)?;
    }
    if yielded.arg_block() != Some(block) {
        return None;
    }
    let loops = body::loops(op)?;
    let input = yielded.index();
    if input >= loops.inputs || !loops.reductions.is_empty() {
        return None;
    }
    let source = op.operand(input)?;
    if !source.ty().shape().is_shaped {
        return None;
    }
    let mut at = vec![Ix::default(); loops.sizes.len()];
    for (result, ix) in loops.maps[loops.inputs + value.index()].iter().zip(index) {
        if let MapResult::Dim(d) = result {
            at[*d] = ix.clone();
        }
    }
    Some((source, loops.index(input, &at)))
}

/// True for an element whose value cannot be looked into.
pub fn is_elem(g: &Graph, id: Id) -> bool {
    matches!(g.node(id), Node::Elem(..))
}
