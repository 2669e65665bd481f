//! Token trees: Sequoia's dynamic programme (2402.12374) and the plan that minimises time a token.
//!
//! T\[m\]\[l\]\[b\] is the most tokens that a tree of m nodes, depth at most l, whose root has exactly b children, gains in
//! expectation; the j-th child of a node is accepted with probability p_j. The root counts 1 (the token the target itself adds).
//! T\[1\]\[l\]\[0\] = 1; T\[m\]\[l\]\[b\] = max over y of T\[y\]\[l\]\[b-1\] + p_b max over b' of T\[m-y\]\[l-1\]\[b'\].

/// The table of best expected gains G(n, d).
#[derive(Clone, Debug)]
pub struct TreeTable {
    best: Vec<Vec<f64>>,
}

impl TreeTable {
    /// Fills the table for trees of up to `nodes` nodes (root included) and depth `depth` (the root alone has depth 1), where
    /// `acceptance[j]` is the probability that the child of rank j is the accepted one. Time nodes^2 * depth * ranks.
    #[must_use]
    pub fn new(nodes: usize, depth: usize, acceptance: &[f64]) -> TreeTable {
        let mut best = vec![vec![f64::NEG_INFINITY; nodes + 1]; depth + 1];
        for l in 1..=depth {
            let previous = best[l - 1].clone();
            best[l] = layer(nodes, acceptance, &previous);
        }
        TreeTable { best }
    }

    /// G(n, d): tokens gained by the best tree of exactly `nodes` nodes and depth at most `depth`; `None` where no such tree exists.
    #[must_use]
    pub fn gain(&self, nodes: usize, depth: usize) -> Option<f64> {
        let gain = *self.best.get(depth)?.get(nodes)?;
        gain.is_finite().then_some(gain)
    }

    /// The (nodes, depth, seconds a token) that minimises (steps t_D + t_T(n)) / G(n, d), where `steps` = depth - 1 drafter calls
    /// make a tree of that depth and `verify(n)` is the target's time for n nodes.
    #[must_use]
    pub fn plan(
        &self,
        draft_seconds: f64,
        verify: impl Fn(usize) -> f64,
    ) -> Option<(usize, usize, f64)> {
        let mut best: Option<(usize, usize, f64)> = None;
        for depth in 1..self.best.len() {
            for nodes in 1..self.best[depth].len() {
                let Some(gain) = self.gain(nodes, depth) else {
                    continue;
                };
                let seconds = ((depth - 1) as f64 * draft_seconds + verify(nodes)) / gain;
                if best.is_none_or(|b| seconds < b.2) {
                    best = Some((nodes, depth, seconds));
                }
            }
        }
        best
    }
}

/// max over b of T\[.\]\[l\]\[b\], from the same maximum one level down.
fn layer(nodes: usize, acceptance: &[f64], below: &[f64]) -> Vec<f64> {
    let mut row = vec![f64::NEG_INFINITY; nodes + 1];
    if nodes >= 1 {
        row[1] = 1.0;
    }
    let mut best = row.clone();
    for p in acceptance {
        let mut next = vec![f64::NEG_INFINITY; nodes + 1];
        for m in 2..=nodes {
            for y in 1..m {
                let gain = row[y] + p * below[m - y];
                if gain > next[m] {
                    next[m] = gain;
                }
            }
        }
        for (b, n) in best.iter_mut().zip(&next) {
            *b = b.max(*n);
        }
        row = next;
    }
    best
}
