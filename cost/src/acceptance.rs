//! How many drafted tokens the target accepts: one constant alpha, or curves measured in real rounds.

use crate::acceptance_file::{parse_rows, select};
use crate::formulas::MAX_DRAFT_LENGTH;
use crate::{CostError, DType, error};
use std::collections::BTreeMap;

/// Which rows of an acceptance file to take. What is `None` may have one value only; a task defaults to `all`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcceptanceFilter {
    /// Column `target`.
    pub target: Option<String>,
    /// Column `drafter`.
    pub drafter: Option<String>,
    /// Column `mode` (`greedy`, `t1`).
    pub mode: Option<String>,
    /// Column `task`.
    pub task: Option<String>,
}

/// Acceptance of drafted tokens, with its source.
#[derive(Clone, Debug, PartialEq)]
pub struct Acceptance {
    alpha: f64,
    /// By draft length: conditional acceptance of the k-th draft given that those before it were accepted. Empty: constant.
    curves: BTreeMap<u32, Vec<f64>>,
    source: String,
    notes: Vec<String>,
    pairs: Vec<(DType, DType, Acceptance)>,
}

impl Acceptance {
    /// One acceptance rate for every position.
    ///
    /// # Errors
    /// `alpha` must be a number in 0..=1.
    pub fn constant(alpha: f64, source: String) -> Result<Acceptance, CostError> {
        if !(0.0..=1.0).contains(&alpha) {
            return Err(CostError::input(format!(
                "acceptance rate {alpha} is not in 0..=1"
            )));
        }
        Ok(Acceptance {
            alpha,
            curves: BTreeMap::new(),
            source,
            notes: Vec::new(),
            pairs: Vec::new(),
        })
    }

    /// As rounds of one length showed it: `survival[k - 1]` is the share of rounds whose first k drafts were accepted. Beyond the
    /// last the conditional acceptance there is continued.
    ///
    /// # Errors
    /// No shares, or such as are not in 0..=1 or rise.
    pub fn measured(survival: &[f64], source: String) -> Result<Acceptance, CostError> {
        let (mut before, mut curve) = (1.0, Vec::with_capacity(survival.len()));
        for share in survival.iter().copied() {
            if !(0.0..=before).contains(&share) {
                return Err(CostError::input(format!(
                    "a share {share} of accepted drafts after {before}: shares are in 0..=1 and do not rise"
                )));
            }
            curve.push(if before > 0.0 { share / before } else { 0.0 });
            before = share;
        }
        let gamma = u32::try_from(survival.len()).unwrap_or(u32::MAX);
        if !(1..=MAX_DRAFT_LENGTH).contains(&gamma) {
            return Err(CostError::input(format!(
                "shares of {gamma} accepted drafts: 1 to {MAX_DRAFT_LENGTH} can be"
            )));
        }
        Ok(Acceptance {
            curves: BTreeMap::from([(gamma, curve)]),
            ..Acceptance::constant(rate(survival), source)?
        })
    }

    /// Curves from a CSV file with the columns `target, drafter, mode, task, gamma, alpha_per_token, tokens_per_round,
    /// survival_1..gamma` (and optionally `n_tokens, beta_mean, rounds, accepted_per_round, alpha_geometric_fit`); the last holds
    /// gamma probabilities separated by `;`.
    ///
    /// `tokens_per_round` is what real rounds of that gamma gained and is kept exactly. Where the survival column was taken over
    /// all positions and promises more (a round starts right after a miss, where acceptance is lower), its conditional
    /// probabilities are scaled by one factor until 1 + sum survival_k is the measured figure; a note says so.
    ///
    /// # Errors
    /// An unreadable file; a missing, unknown or malformed column (with its line); a filter that selects nothing or several series.
    pub fn from_csv(path: &str, filter: &AcceptanceFilter) -> Result<Acceptance, CostError> {
        Acceptance::parse_csv(&error::read(path)?, path, filter)
    }

    /// As [`Acceptance::from_csv`], from text; `path` is used in errors.
    ///
    /// # Errors
    /// As [`Acceptance::from_csv`].
    pub fn parse_csv(
        text: &str,
        path: &str,
        filter: &AcceptanceFilter,
    ) -> Result<Acceptance, CostError> {
        let rows = parse_rows(text, path)?;
        let selected = select(&rows, path, filter)?;
        let mut curves = BTreeMap::new();
        let mut scaled: Option<(u32, f64, f64)> = None;
        for row in &selected {
            let (curve, factor) = row.curve();
            if (factor - 1.0).abs() > 1e-3 {
                scaled = Some((
                    row.gamma,
                    1.0 + row.survival.iter().sum::<f64>(),
                    row.tokens,
                ));
            }
            if curves.insert(row.gamma, curve).is_some() {
                return Err(CostError::File {
                    path: path.to_string(),
                    line: row.line,
                    message: format!("gamma: a second row for gamma {}", row.gamma),
                });
            }
        }
        let first = selected[0];
        let longest = curves.keys().next_back().copied().unwrap_or(0);
        let mut notes = vec![format!(
            "acceptance was measured up to gamma {longest}; beyond it the last conditional acceptance is continued"
        )];
        if let Some((gamma, promised, measured)) = scaled {
            notes.push(format!(
                "the survival columns promise {promised:.2} tokens a round at gamma {gamma}, real rounds gained {measured:.2}: \
                 scaled to the latter"
            ));
        }
        Ok(Acceptance {
            alpha: first.alpha,
            curves,
            source: format!("{path}: {}", first.series.join(" / ")),
            notes,
            pairs: Vec::new(),
        })
    }

    /// Adds the acceptance of a drafter and a target in given data types.
    #[must_use]
    pub fn with_pair(
        mut self,
        drafter: DType,
        target: DType,
        acceptance: Acceptance,
    ) -> Acceptance {
        self.pairs.push((drafter, target, acceptance));
        self
    }

    /// The acceptance for a pair of data types, and whether it is that pair's own (otherwise the base one).
    #[must_use]
    pub fn for_pair(&self, drafter: DType, target: DType) -> (&Acceptance, bool) {
        let own = self
            .pairs
            .iter()
            .find(|(d, t, _)| *d == drafter && *t == target);
        own.map_or((self, false), |(_, _, a)| (a, true))
    }

    /// survival\[k-1\]: probability that the first k of `gamma` drafts are accepted, k = 1..=gamma.
    #[must_use]
    pub fn survival(&self, gamma: u32) -> Vec<f64> {
        let gamma = gamma.min(MAX_DRAFT_LENGTH) as usize;
        let curve = self
            .curves
            .range(gamma as u32..)
            .next()
            .or_else(|| self.curves.iter().next_back());
        let conditional = |k: usize| match curve {
            None => self.alpha,
            Some((_, c)) => c.get(k).or(c.last()).copied().unwrap_or(0.0),
        };
        let mut survival = Vec::with_capacity(gamma);
        let mut product = 1.0;
        for k in 0..gamma {
            product *= conditional(k);
            survival.push(product);
        }
        survival
    }

    /// E\[tokens a round\] = 1 + sum survival_k.
    #[must_use]
    pub fn tokens_per_round(&self, gamma: u32) -> f64 {
        crate::formulas::expected_tokens_from_survival(&self.survival(gamma))
    }

    /// Accepted drafts of those that are reached, in rounds of `gamma` drafts: all up to the first that is not accepted. 0 for no
    /// drafts.
    #[must_use]
    pub fn rate(&self, gamma: u32) -> f64 {
        rate(&self.survival(gamma))
    }

    /// Probability that all `gamma` drafts are accepted.
    #[must_use]
    pub fn all_accepted(&self, gamma: u32) -> f64 {
        self.survival(gamma).last().copied().unwrap_or(1.0)
    }

    /// The same with every conditional acceptance moved by `delta`, kept in 0..=1.
    #[must_use]
    pub fn shifted(&self, delta: f64) -> Acceptance {
        let mut moved = self.clone();
        let shift = |x: f64| (x + delta).clamp(0.0, 1.0);
        moved.alpha = shift(self.alpha);
        for curve in moved.curves.values_mut() {
            curve.iter_mut().for_each(|x| *x = shift(*x));
        }
        for (_, _, pair) in &mut moved.pairs {
            *pair = pair.shifted(delta);
        }
        moved
    }

    /// Where the figures come from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What a reader must know about the figures.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Mean acceptance of one drafted token.
    #[must_use]
    pub fn mean_alpha(&self) -> f64 {
        self.alpha
    }

    /// Whether there are curves, not one constant.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        !self.curves.is_empty()
    }
}

/// Accepted drafts of those that are reached.
fn rate(survival: &[f64]) -> f64 {
    let accepted: f64 = survival.iter().sum();
    let reached = match survival.split_last() {
        None => return 0.0,
        Some((_, before)) => 1.0 + before.iter().sum::<f64>(),
    };
    accepted / reached
}
