//! Updates of caches that are written as a choice for every element: `tensor.insert_slice` of the new rows.

use super::eval::{Env, Val, eval, resolve};
use super::graph::{Graph, Id, Node, Step};
use super::index::{Atom, Ix};
use super::linear::dims;
use super::mask::{self, Mask, Positioned, Space};
use super::root::Root;

/// A choice between new rows and a cache.
struct Update {
    /// The dimension that rows are along: its place in the root, and itself.
    at: usize,
    along: u32,
    new: Id,
    old: Id,
    condition: Positioned,
    /// Number of new rows.
    rows: i64,
}

/// Raises the root, if it is a cache with new rows in place of some of its own.
pub fn raise(g: &mut Graph, root: &Root) -> Option<()> {
    let (_, Node::Select(condition, a, b)) = g.op_node(root.id) else {
        return None;
    };
    let condition = resolve(g, condition);
    let choices = [
        (Mask::Visible(condition), a, b),
        (Mask::Hidden(condition), b, a),
    ];
    choices.into_iter().find_map(|(mask, new, old)| {
        let update = Update::of(g, root, mask, new, old)?;
        update.write(g, root)
    })
}

impl Update {
    fn of(g: &mut Graph, root: &Root, mask: Mask, new: Id, old: Id) -> Option<Update> {
        let [along] = dims(g, mask.id())[..] else {
            return None;
        };
        let at = root.dims.iter().position(|d| *d == along)?;
        let size = root.shape[at];
        let (new, old) = (g.closed(new), g.closed(old));
        if !matches!((g.node(new), g.node(old)), (Node::Elem(..), Node::Elem(..))) {
            return None;
        }
        let space = Space {
            tokens: (None, 1),
            rows: (Some(along), size),
            last: size,
        };
        let middle = size / 2;
        let chosen =
            |g: &Graph, masks: &[Mask], symbol| mask::visible_rows(g, masks, space, symbol, middle);
        let probe =
            |g: &Graph, masks: &[Mask], symbol| Some((middle, *chosen(g, masks, symbol)?.first()?));
        let condition = Positioned::of(g, &[mask], probe)?;
        // counted where they certainly fit
        let rows =
            mask::visible_rows(g, &condition.masks, space, condition.symbol, 0)?.len() as i64;
        if rows == 0 || rows > size {
            return None;
        }
        let space = Space {
            last: size - rows,
            ..space
        };
        let turns = |_, t| [t + 1, t + 1 - rows];
        let expected = |p, _, t| p <= t && t < p + rows;
        let proved = mask::proved(
            g,
            &condition.masks,
            space,
            condition.symbol,
            turns,
            expected,
        );
        proved.then_some(Update {
            at,
            along,
            new,
            old,
            condition,
            rows,
        })
    }

    fn write(self, g: &mut Graph, root: &Root) -> Option<()> {
        let b = root.builder();
        let own = root.axes(g);
        let (_, row) = g.new_dim(self.rows);
        let steps = self.new_rows(g, &row)?;
        let mut part = own.clone();
        part[self.at] = (row, self.rows);
        let new = b.tensor_of_steps(g, &steps, &part)?;
        let old = b.tensor_of(g, self.old, &own)?;
        if old.ty() != root.value.ty() || new.ty().shape().element != old.ty().shape().element {
            return None;
        }
        let mut offsets = vec![Ix::default(); own.len()];
        offsets[self.at] = self.condition.position.clone();
        let sizes: Vec<i64> = part.iter().map(|a| a.1).collect();
        let result = b.insert(g, new, old, &offsets, &sizes)?;
        root.value.replace_all_uses(result);
        Some(())
    }

    /// The ways to an element of the new rows, by row.
    fn new_rows(&self, g: &mut Graph, row: &Ix) -> Option<Vec<Step>> {
        let mut out = vec![];
        for (value, index) in g.steps(self.new).to_vec() {
            let index: Option<Vec<Ix>> = index.iter().map(|ix| self.by_row(g, ix, row)).collect();
            out.extend(index.map(|index| (value, index)));
        }
        (!out.is_empty()).then_some(out)
    }

    /// An index with `row` for what is `t - position` wherever the row is chosen.
    fn by_row(&self, g: &mut Graph, ix: &Ix, row: &Ix) -> Option<Ix> {
        let mut out = Ix::constant(ix.base);
        let mut rest = Ix::default();
        for t in &ix.terms {
            let depends = match t.atom {
                Atom::Dim(d) => d == self.along,
                Atom::Node(n) => dims(g, n).contains(&self.along) || dims(g, n).is_empty(),
            };
            let part = Ix {
                terms: vec![*t],
                base: 0,
            };
            if depends {
                rest = rest.add(&part);
            } else {
                out = out.add(&part);
            }
        }
        if rest.terms.is_empty() {
            return Some(out);
        }
        let scale = rest.terms.iter().map(|t| t.scale.abs()).min()?;
        let mut unit = rest.clone();
        for t in &mut unit.terms {
            t.scale /= scale;
        }
        let id = g.int(unit);
        self.counts_rows(g, id).then(|| out.add(&row.times(scale)))
    }

    /// True if a node is `t - position` for all rows that are chosen.
    fn counts_rows(&self, g: &mut Graph, id: Id) -> bool {
        let id = resolve(g, id);
        let Some(id) = self.condition.renamed(g, id) else {
            return false;
        };
        let size = g.sizes[self.along as usize];
        if size.saturating_mul(self.rows) > mask::MOST_POINTS {
            return false;
        }
        let mut env = Env::default();
        for t in 0..size {
            env.dims.insert(self.along, t);
            for p in (t - self.rows + 1).max(0)..=t.min(size - self.rows) {
                env.symbol = Some((self.condition.symbol, p));
                if eval(g, id, &env) != Some(Val::Int(t - p)) {
                    return false;
                }
            }
        }
        true
    }
}
