//! The formulas of speculative decoding, as pure functions of numbers.
//!
//! Symbols: `alpha` mean acceptance of one drafted token; `gamma` draft length; `c` = t_D / t_T(1); `v` = t_T(M) / t_T(1);
//! `sigma` = hand-off and sampling of a round / t_T(1). All are dimensionless. Sources: Leviathan et al. 2211.17192 (L),
//! Sequoia 2402.12374, SpecExec 2406.02532; what carries no source is derived here and checked by simulation in the tests.

/// Longest draft the model looks at; longer ones are refused as input.
pub const MAX_DRAFT_LENGTH: u32 = 64;

/// E\[tokens a round\] = (1 - alpha^(gamma+1)) / (1 - alpha) (L, eq. 1), as the sum 1 + alpha + ... + alpha^gamma, which is
/// exact at alpha = 1 (gamma + 1) and loses no digits near it. `alpha` outside 0..=1 is clamped.
#[must_use]
pub fn expected_tokens(alpha: f64, gamma: u32) -> f64 {
    let alpha = alpha.clamp(0.0, 1.0);
    (0..gamma).fold(1.0, |sum, _| 1.0 + alpha * sum)
}

/// E\[tokens a round\] from survival probabilities: 1 + sum over k of `survival[k-1]`, the probability that the first k drafts are
/// accepted.
#[must_use]
pub fn expected_tokens_from_survival(survival: &[f64]) -> f64 {
    1.0 + survival.iter().sum::<f64>()
}

/// Ideal speed-up E / (gamma c + 1) (L, theorem 3.8): verification costs one target step, hand-off nothing.
#[must_use]
pub fn ideal_speedup(alpha: f64, gamma: u32, c: f64) -> f64 {
    speedup(expected_tokens(alpha, gamma), gamma, c, 1.0, 0.0)
}

/// S = E / (gamma c + v + sigma) with a verifier that is not free. `v` is v(gamma).
#[must_use]
pub fn speedup(expected: f64, gamma: u32, c: f64, v: f64, sigma: f64) -> f64 {
    expected / (f64::from(gamma) * c + v + sigma)
}

/// The gain that some gamma is sure to reach when alpha > c: (1 + alpha) / (1 + c) (L, corollary 3.9). `None` when alpha <= c.
#[must_use]
pub fn guaranteed_gain(alpha: f64, c: f64) -> Option<f64> {
    (alpha > c).then(|| (1.0 + alpha) / (1.0 + c))
}

/// Drafter steps a round with the catch-up step: gamma, and one more when all gamma were accepted (probability `all_accepted`).
/// Zero at gamma = 0. A drafter with an entry point of 2 tokens catches up for less: docs/cost-model.md.
#[must_use]
pub fn draft_steps(gamma: u32, all_accepted: f64) -> f64 {
    if gamma == 0 {
        0.0
    } else {
        f64::from(gamma) + all_accepted
    }
}

/// The draft length in 0..=max with the best ideal speed-up, and that speed-up; the shortest wins a tie.
#[must_use]
pub fn best_ideal(alpha: f64, c: f64, max: u32) -> (u32, f64) {
    let mut best = (0, 1.0);
    for gamma in 1..=max {
        let s = ideal_speedup(alpha, gamma, c);
        if s > best.1 {
            best = (gamma, s);
        }
    }
    best
}

/// E\[tokens a round\] when drafting overlaps verification: (1 - alpha^gamma) / (1 - alpha). No bonus token while the pipe runs,
/// so a round of gamma drafts commits at most gamma tokens.
#[must_use]
pub fn expected_tokens_overlapped(alpha: f64, gamma: u32) -> f64 {
    if gamma == 0 {
        1.0
    } else {
        expected_tokens(alpha, gamma - 1)
    }
}

/// Mean length of an overlapped round in target steps: max(gamma c, v) + (1 - all_accepted) gamma c + sigma. The second term is
/// the redraft after a miss, which nothing hides. Exact when gamma c <= v; pessimistic when gamma c > v and the drafter can be
/// stopped at the miss (checked by simulation).
#[must_use]
pub fn overlapped_round(gamma: u32, c: f64, v: f64, sigma: f64, all_accepted: f64) -> f64 {
    let draft = f64::from(gamma) * c;
    draft.max(v) + (1.0 - all_accepted) * draft + sigma
}

/// Speed-up of the overlapped strategy with one constant alpha.
#[must_use]
pub fn overlapped_speedup(alpha: f64, gamma: u32, c: f64, v: f64, sigma: f64) -> f64 {
    let all = alpha
        .clamp(0.0, 1.0)
        .powi(gamma.min(MAX_DRAFT_LENGTH) as i32);
    expected_tokens_overlapped(alpha, gamma) / overlapped_round(gamma, c, v, sigma, all)
}

/// Self-speculation: the drafter is the target's first layers, a share `draft_share` of its cost, and verification reuses what was
/// computed for a share `reuse_share`: S = E / (gamma draft_share + 1 - reuse_share).
#[must_use]
pub fn self_speculation_speedup(alpha: f64, gamma: u32, draft_share: f64, reuse_share: f64) -> f64 {
    expected_tokens(alpha, gamma) / (f64::from(gamma) * draft_share + 1.0 - reuse_share)
}

/// The smallest x in 0..=1 at which a non-decreasing `f` exceeds `level`, to 1e-9; `None` if `f(1)` does not.
#[must_use]
pub fn first_above(level: f64, f: impl Fn(f64) -> f64) -> Option<f64> {
    if f(1.0) <= level {
        return None;
    }
    if f(0.0) > level {
        return Some(0.0);
    }
    let (mut low, mut high) = (0.0, 1.0);
    while high - low > 1e-9 {
        let middle = 0.5 * (low + high);
        if f(middle) > level {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// Measured cost of one tree budget (SpecExec, table of budgets): seconds a round and tokens accepted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TreeBudget {
    /// Nodes of the tree.
    pub nodes: u32,
    /// Seconds to draft it.
    pub draft_seconds: f64,
    /// Seconds to verify it.
    pub verify_seconds: f64,
    /// Tokens a round gains.
    pub tokens: f64,
}

impl TreeBudget {
    /// Tokens a second at this budget.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.tokens / (self.draft_seconds + self.verify_seconds)
    }
}

/// The budget with the most tokens a second; `None` of none.
#[must_use]
pub fn best_tree_budget(rows: &[TreeBudget]) -> Option<TreeBudget> {
    rows.iter()
        .copied()
        .max_by(|a, b| a.rate().total_cmp(&b.rate()))
}
