//! How a strided memref is seen with the sizes of a buffer.

use super::layout::Layout;
use crate::cursor::Cursor;
use spec_dialect::ffi::Value;

/// A view op.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Transpose(Vec<usize>),
    Collapse(Vec<Vec<usize>>),
    Expand(Vec<Vec<usize>>),
}

/// View ops, and the layout behind each of them.
#[derive(Clone, Debug)]
pub(super) struct Route {
    start: Layout,
    steps: Vec<(Step, Layout)>,
}

impl Route {
    /// Sees `place` with the sizes of `buffer`, so that each element of `buffer` is where `place` has the element of the same index of
    /// `view`. `view` is a view of all of `buffer`, which is contiguous; dimension `i` of it is dimension `order[i]` of `place`;
    /// `None`: of size 1.
    pub(super) fn new(
        place: &Layout,
        order: &[Option<usize>],
        view: &Layout,
        buffer: &Layout,
    ) -> Option<Route> {
        let mut route = Route {
            start: place.clone(),
            steps: vec![],
        };
        let inner = by_stride(view, buffer)?;
        let inner: Vec<usize> = inner.iter().map(|i| order[*i]).collect::<Option<_>>()?;
        let order = with_units(place, inner.into_iter());
        if !order.is_sorted() {
            let transposed = place.transposed(&order);
            route.steps.push((Step::Transpose(order), transposed));
        }
        if route.end().sizes != buffer.sizes {
            route.reshape(&buffer.sizes)?;
        }
        Some(route)
    }

    /// The layout of what comes out.
    pub(super) fn end(&self) -> &Layout {
        self.steps.last().map_or(&self.start, |(_, layout)| layout)
    }

    /// Adds steps that give the sizes `to`.
    fn reshape(&mut self, to: &[i64]) -> Option<()> {
        let groups = pairs(&self.end().sizes, to)?;
        let (mut from_groups, mut to_groups) = (vec![], vec![]);
        for (from, to) in groups {
            from_groups.push(from.collect::<Vec<_>>());
            to_groups.push(to.collect::<Vec<_>>());
        }
        if from_groups.iter().any(|g| g.len() > 1) {
            let collapsed = self.end().collapsed(&from_groups)?;
            self.steps.push((Step::Collapse(from_groups), collapsed));
        }
        if to_groups.iter().any(|g| g.len() > 1) {
            let expanded = self.end().expanded(&to_groups, to);
            self.steps.push((Step::Expand(to_groups), expanded));
        }
        Some(())
    }

    /// Makes the ops. Panics (our bug) if MLIR refuses one.
    pub(super) fn emit(&self, at: Cursor, place: Value) -> Value {
        let mut value = place;
        for (step, layout) in &self.steps {
            let ctx = at.loc().ctx();
            let ty = (layout.ty(ctx)).unwrap_or_else(|| panic!("no type for {layout:?}"));
            value = match step {
                Step::Transpose(order) => {
                    let map = at.attr(&permutation(order));
                    at.one("memref.transpose", &[value], ty, &[("permutation", map)])
                }
                Step::Collapse(groups) => {
                    let groups = at.attr(&format!("{}", Groups(groups)));
                    let attrs = [("reassociation", groups)];
                    at.one("memref.collapse_shape", &[value], ty, &attrs)
                }
                Step::Expand(groups) => {
                    let sizes: Vec<String> = layout.sizes.iter().map(i64::to_string).collect();
                    let sizes = format!("array<i64: {}>", sizes.join(", "));
                    let attrs = [
                        ("reassociation", at.attr(&format!("{}", Groups(groups)))),
                        ("static_output_shape", at.attr(&sizes)),
                    ];
                    at.one("memref.expand_shape", &[value], ty, &attrs)
                }
            };
        }
        value
    }
}

/// The dimensions of `view` that are larger than 1, outermost first as `buffer` has them; `None` if they are not all of it.
fn by_stride(view: &Layout, buffer: &Layout) -> Option<Vec<usize>> {
    if view.offset != Some(0) || !buffer.is_plain {
        return None;
    }
    let mut dims: Vec<usize> = (0..view.sizes.len())
        .filter(|i| view.sizes[*i] != 1)
        .collect();
    dims.sort_by_key(|i| view.strides[*i]);
    let mut expected = 1;
    for i in &dims {
        if view.strides[*i] != expected {
            return None;
        }
        expected *= view.sizes[*i];
    }
    dims.reverse();
    (expected == buffer.sizes.iter().product()).then_some(dims)
}

/// All dimensions of `place`: those of size 1 where they are, `others` between them.
fn with_units(place: &Layout, mut others: impl Iterator<Item = usize>) -> Vec<usize> {
    let one = |i: usize| match place.sizes[i] {
        1 => i,
        _ => others.next().unwrap_or(i),
    };
    (0..place.sizes.len()).map(one).collect()
}

type Dims = std::ops::Range<usize>;

/// The smallest groups of dimensions of `from` and `to` that hold as many elements.
fn pairs(from: &[i64], to: &[i64]) -> Option<Vec<(Dims, Dims)>> {
    let (mut i, mut j, mut out) = (0, 0, vec![]);
    while i < from.len() && j < to.len() {
        let (first_i, first_j) = (i, j);
        let (mut a, mut b) = (from[i], to[j]);
        (i, j) = (i + 1, j + 1);
        while a != b {
            let (list, at, product) = match a < b {
                true => (from, &mut i, &mut a),
                false => (to, &mut j, &mut b),
            };
            *product *= list.get(*at)?;
            *at += 1;
        }
        // what is left of size 1 belongs to the last group
        let (last_i, last_j) = (i == from.len(), j == to.len());
        if last_i != last_j {
            let is_unit = |n: &i64| *n == 1;
            if last_i && to[j..].iter().all(is_unit) {
                j = to.len();
            } else if last_j && from[i..].iter().all(is_unit) {
                i = from.len();
            }
        }
        out.push((first_i..i, first_j..j));
    }
    (i == from.len() && j == to.len()).then_some(out)
}

fn permutation(order: &[usize]) -> String {
    let list = |dims: &mut dyn Iterator<Item = usize>| {
        let names: Vec<String> = dims.map(|i| format!("d{i}")).collect();
        names.join(", ")
    };
    let (all, results) = (
        list(&mut (0..order.len())),
        list(&mut order.iter().copied()),
    );
    format!("affine_map<({all}) -> ({results})>")
}

struct Groups<'a>(&'a [Vec<usize>]);

impl std::fmt::Display for Groups<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let group = |g: &Vec<usize>| {
            let dims: Vec<String> = g.iter().map(|i| format!("{i} : i64")).collect();
            format!("[{}]", dims.join(", "))
        };
        let groups: Vec<String> = self.0.iter().map(group).collect();
        write!(f, "[{}]", groups.join(", "))
    }
}
