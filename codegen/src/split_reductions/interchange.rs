//! The same op with its loops in another order.

use super::structure::Structure;
use crate::cursor::Cursor;
use spec_dialect::ffi::{Map, MapResult, Type, Value, new_block};

/// Makes the parallel loop `last` the innermost one. Reduction loops keep their order among themselves, so no sum changes; parallel loops
/// that the largest input does not have go inside, so that it is read once.
pub(super) fn innermost(reduction: &Structure, last: usize) {
    let indexed = |name: &str| name == "linalg.index";
    if reduction.op.nested().iter().any(|o| indexed(o.name())) {
        return;
    }
    let largest = reduction.largest();
    let parallel = reduction.parallel().into_iter().filter(|d| *d != last);
    let (outer, inner): (Vec<_>, Vec<_>) =
        parallel.partition(|d| largest.is_some_and(|o| o.uses(*d)));
    let order = [outer, reduction.reduced(), inner, vec![last]].concat();
    if !order.is_sorted() {
        rebuild(reduction, &order);
    }
}

/// `reduction` as a `linalg.generic` whose loop i is loop `order[i]`.
fn rebuild(reduction: &Structure, order: &[usize]) {
    let op = reduction.op;
    let at = Cursor::before(op);
    let types: Vec<Type> = reduction.body.args().iter().map(|a| a.ty()).collect();
    let block = new_block(&types, op.loc());
    let inside = at.at_end(block);
    let results = inside.copy_of(reduction.body, &block.args());
    inside.op("linalg.yield", &results, &[], &[], &[]);

    let maps: Vec<String> = (reduction.operands.iter())
        .map(|o| permuted(&o.map, order))
        .collect();
    let kinds: Vec<String> = (order.iter())
        .map(|d| {
            if reduction.output().uses(*d) {
                "parallel"
            } else {
                "reduction"
            }
        })
        .map(|kind| format!("#linalg.iterator_type<{kind}>"))
        .collect();
    let inputs = reduction.inputs().len();
    let attrs = [
        ("indexing_maps", at.attr(&format!("[{}]", maps.join(", ")))),
        (
            "iterator_types",
            at.attr(&format!("[{}]", kinds.join(", "))),
        ),
        (
            "operandSegmentSizes",
            at.attr(&format!("array<i32: {inputs}, 1>")),
        ),
    ];
    let operands: Vec<Value> = op.operands().collect();
    at.op("linalg.generic", &operands, &[], &attrs, &[vec![block]]);
    op.erase();
}

/// The text of `map` as a function of the loops in `order`.
fn permuted(map: &Map, order: &[usize]) -> String {
    let place = |dim: usize| order.iter().position(|d| *d == dim).unwrap_or(dim);
    let results: Vec<String> = (map.results.iter())
        .map(|r| match r {
            MapResult::Dim(dim) => format!("d{}", place(*dim)),
            MapResult::Const(c) => c.to_string(),
            MapResult::Other => unreachable!("refused by `Structure::of`"),
        })
        .collect();
    let dims: Vec<String> = (0..order.len()).map(|i| format!("d{i}")).collect();
    format!(
        "affine_map<({}) -> ({})>",
        dims.join(", "),
        results.join(", ")
    )
}
