//! What a mask hides, and the proof that it hides what lies in the future.

use super::eval::{Env, Val, eval, leaves, rename, resolve, turning_points};
use super::graph::{Bin, Graph, Id, Node};
use super::index::Ix;

/// Scores at or below this are hidden.
pub const HIDDEN: f64 = -1e4;

/// Index spaces of more points are not looked at.
pub const MOST_POINTS: i64 = 1 << 22;

/// One mask of scores.
#[derive(Clone, Copy, Debug)]
pub enum Mask {
    /// Visible where true.
    Visible(Id),
    /// Hidden where true.
    Hidden(Id),
    /// Added to the scores.
    Added(Id),
}

impl Mask {
    /// The node.
    pub fn id(self) -> Id {
        match self {
            Mask::Visible(id) | Mask::Hidden(id) | Mask::Added(id) => id,
        }
    }

    /// The same with another node.
    pub fn with(self, id: Id) -> Mask {
        match self {
            Mask::Visible(_) => Mask::Visible(id),
            Mask::Hidden(_) => Mask::Hidden(id),
            Mask::Added(_) => Mask::Added(id),
        }
    }

    /// Opened down to its leaves.
    pub fn resolved(self, g: &mut Graph) -> Mask {
        let id = resolve(g, self.id());
        self.with(id)
    }

    /// At another index.
    pub fn at(self, g: &mut Graph, dim: u32, by: &Ix) -> Option<Mask> {
        let id = g.substitute(self.id(), dim, by)?;
        Some(self.with(id).resolved(g))
    }

    /// Whether it leaves a point visible; `None` if that is not known, or it is neither.
    fn visible(self, g: &Graph, env: &Env) -> Option<bool> {
        match (self, eval(g, self.id(), env)?) {
            (Mask::Visible(_), Val::Int(i)) => Some(i != 0),
            (Mask::Hidden(_), Val::Int(i)) => Some(i == 0),
            (Mask::Added(_), Val::Float(0.0)) => Some(true),
            (Mask::Added(_), Val::Float(f)) if f <= HIDDEN => Some(false),
            _ => None,
        }
    }
}

/// Masks as functions of one position.
pub struct Positioned {
    /// The position, in terms of the program.
    pub position: Ix,
    /// The node that stands for it in the masks.
    pub symbol: Id,
    /// The masks (resolved).
    pub masks: Vec<Mask>,
    old: Id,
    by: Ix,
}

impl Positioned {
    /// Writes resolved masks that depend on a sum of scalars as functions of `position = sum + c`, where `probe(masks,
    /// symbol)` says which position a value of the sum is (value, position).
    pub fn of(
        g: &mut Graph,
        masks: &[Mask],
        probe: impl Fn(&Graph, &[Mask], Id) -> Option<(i64, i64)>,
    ) -> Option<Positioned> {
        let mut found = vec![];
        for m in masks {
            leaves(g, m.id(), &mut found);
        }
        let old = *found.first()?;
        if !found.iter().all(|f| is_scalar(g, *f)) {
            return None;
        }
        let symbol = g.unknown();
        let others = found[1..]
            .iter()
            .fold(Ix::default(), |sum, f| sum.add(&g.as_ix(*f)));
        let mut this = Positioned {
            position: others.add(&g.as_ix(old)),
            symbol,
            masks: vec![],
            old,
            by: Ix::node(symbol).minus(&others),
        };
        let renamed = this.renamed_all(g, masks)?;
        let (value, position) = probe(g, &renamed, symbol)?;
        this.position.base += position - value;
        this.by.base -= position - value;
        this.masks = this.renamed_all(g, masks)?;
        Some(this)
    }

    fn renamed_all(&self, g: &mut Graph, masks: &[Mask]) -> Option<Vec<Mask>> {
        masks
            .iter()
            .map(|m| self.renamed(g, m.id()).map(|id| m.with(id)))
            .collect()
    }

    /// A resolved node in terms of the position; `None` if another scalar remains.
    pub fn renamed(&self, g: &mut Graph, id: Id) -> Option<Id> {
        let id = rename(g, id, self.old, &self.by);
        let mut left = vec![];
        leaves(g, id, &mut left);
        left.iter().all(|l| *l == self.symbol).then_some(id)
    }
}

/// True for an integer that no dimension changes.
fn is_scalar(g: &Graph, id: Id) -> bool {
    super::emit::is_integer(g, id) && super::linear::dims(g, id).is_empty()
}

/// An index space to look at: one token dimension (if there is more than one token) and one of rows.
#[derive(Clone, Copy)]
pub struct Space {
    /// The dimension of tokens and their number.
    pub tokens: (Option<u32>, i64),
    /// The dimension of rows and their number.
    pub rows: (Option<u32>, i64),
    /// Largest position.
    pub last: i64,
}

/// Proves that masks (resolved) leave row t visible to token m at position p exactly where `expected(p, m, t)`, for all of
/// them. `turns(m, t)` are positions where the expectation changes.
pub fn proved(
    g: &Graph,
    masks: &[Mask],
    space: Space,
    symbol: Id,
    turns: impl Fn(i64, i64) -> [i64; 2],
    expected: impl Fn(i64, i64, i64) -> bool,
) -> bool {
    if space.tokens.1.saturating_mul(space.rows.1) > MOST_POINTS {
        return false;
    }
    let mut env = Env::default();
    for m in 0..space.tokens.1 {
        for t in 0..space.rows.1 {
            env.dims.extend(space.tokens.0.map(|d| (d, m)));
            env.dims.extend(space.rows.0.map(|d| (d, t)));
            let mut positions = vec![0, space.last];
            for at in turns(m, t) {
                positions.extend([at - 1, at, at + 1]);
            }
            env.symbol = None;
            for mask in masks {
                if turning_points(g, mask.id(), &env, symbol, &mut positions).is_none() {
                    return false;
                }
            }
            positions.retain(|p| (0..=space.last).contains(p));
            positions.sort_unstable();
            positions.dedup();
            for p in positions {
                env.symbol = Some((symbol, p));
                if visible(g, masks, &env) != Some(expected(p, m, t)) {
                    return false;
                }
            }
        }
    }
    true
}

/// Whether all masks leave a point visible.
fn visible(g: &Graph, masks: &[Mask], env: &Env) -> Option<bool> {
    let mut all = true;
    for mask in masks {
        all &= mask.visible(g, env)?;
    }
    Some(all)
}

/// The rows that are visible to the first token when the symbol has a value.
pub fn visible_rows(
    g: &Graph,
    masks: &[Mask],
    space: Space,
    symbol: Id,
    value: i64,
) -> Option<Vec<i64>> {
    let mut env = Env {
        symbol: Some((symbol, value)),
        ..Env::default()
    };
    env.dims.extend(space.tokens.0.map(|d| (d, 0)));
    if space.rows.1 > MOST_POINTS {
        return None;
    }
    let mut out = vec![];
    for t in 0..space.rows.1 {
        env.dims.extend(space.rows.0.map(|d| (d, t)));
        if visible(g, masks, &env)? {
            out.push(t);
        }
    }
    Some(out)
}

/// All masks as one number to add to a score.
pub fn as_number(g: &mut Graph, masks: &[Mask]) -> Id {
    let (zero, hidden) = (g.float(0.0), g.float(f64::NEG_INFINITY));
    let mut sum = None;
    for m in masks {
        let here = match *m {
            Mask::Visible(c) => g.select(c, zero, hidden),
            Mask::Hidden(c) => g.select(c, hidden, zero),
            Mask::Added(a) => a,
        };
        sum = Some(match sum {
            None => here,
            Some(s) => g.add(Node::Bin(Bin::Add, s, here)),
        });
    }
    sum.unwrap_or(zero)
}
