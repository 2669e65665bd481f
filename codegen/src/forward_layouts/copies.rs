//! Ops that move elements and do nothing else.

use spec_dialect::ffi::{Attr, Map, MapResult, Op, Value};

/// `target` becomes `source`, whose dimensions come in another order.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub(super) op: Op,
    pub(super) source: Value,
    pub(super) target: Value,
    /// Dimension `i` of `target` is dimension `order[i]` of `source`; `None`: of size 1.
    pub(super) order: Vec<Option<usize>>,
}

impl Copy {
    /// What `op` copies, if it does no more.
    pub(super) fn of(op: Op) -> Option<Copy> {
        let rank = |v: Value| v.ty().shape().dims.len();
        let (source, target) = (op.operand(0)?, op.operand(1)?);
        let order = match op.name() {
            "memref.copy" | "linalg.copy" => (0..rank(source)).map(Some).collect(),
            "linalg.transpose" => {
                let order = op.attr("permutation")?.as_i64_array()?;
                order.into_iter().map(|i| Some(i as usize)).collect()
            }
            "linalg.generic" => generic_order(op)?,
            _ => return None,
        };
        let is_whole = op.operands().len() == 2
            && [source, target].iter().all(|v| v.ty().is_memref())
            && source.ty().shape().element == target.ty().shape().element
            && order.len() == rank(target);
        is_whole.then_some(Copy {
            op,
            source,
            target,
            order,
        })
    }

    /// Dimension `j` of `source` is dimension `back()[j]` of `target`.
    pub(super) fn back(&self) -> Vec<Option<usize>> {
        let rank = self.source.ty().shape().dims.len();
        let place = |j| self.order.iter().position(|i| *i == Some(j));
        (0..rank).map(place).collect()
    }
}

/// The order of a generic op that yields its only input, element for element.
fn generic_order(op: Op) -> Option<Vec<Option<usize>>> {
    let segments = op
        .attr("operandSegmentSizes")
        .and_then(Attr::as_i32_array)?;
    let body = op.body()?;
    let end = body.terminator()?;
    let yields = body.ops().len() == 1 && end.operand(0) == body.args().first().copied();
    if segments != [1, 1] || !yields {
        return None;
    }
    let maps = op.indexing_maps()?;
    let [from, to] = maps.as_slice() else {
        return None;
    };
    let (from_loops, to_loops) = (loops(from)?, loops(to)?);
    let sizes = op.operand(1)?.ty().shape().dims;
    let is_there = |j: &usize| to_loops.contains(j);
    if !from_loops.iter().all(is_there) || to_loops.len() != to.dims {
        return None;
    }
    let order = to_loops.iter().zip(sizes).map(|(loop_, size)| {
        let place = from_loops.iter().position(|j| j == loop_);
        (place.is_some() || size == Some(1)).then_some(place) // else it repeats its input
    });
    order.collect()
}

/// The loops that a map picks, each at most once.
fn loops(map: &Map) -> Option<Vec<usize>> {
    let mut found = vec![];
    for result in &map.results {
        match result {
            MapResult::Dim(i) if !found.contains(i) => found.push(*i),
            _ => return None,
        }
    }
    Some(found)
}
