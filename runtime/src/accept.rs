//! Which drafts stand: the greedy rule, and lossless rejection sampling.
//!
//! Both keep the output what the target alone would have produced: the greedy rule token by token, rejection sampling in
//! distribution (Leviathan et al., *Fast Inference from Transformers via Speculative Decoding*, arXiv 2211.17192, section
//! 2.3 and appendix A.1). Probabilities are f32 and computed with in f64; each row is taken as normalised by its sum, so that
//! rows rounded to f16 or bf16 are sampled without bias too.

/// How far a row's sum may be from 1. Rounding a softmax to bf16 moves the sum by up to 2^-9; rounding it to f16 by up to
/// 2^-11, and 2^-25 for each entry below 2^-14: 0.8 % over a vocabulary of 256,000. More is not rounding.
pub const SUM_TOLERANCE: f64 = 1e-2;

/// The caller's data cannot be what it should be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AcceptError {
    /// A list has the wrong length.
    #[error("{what}: expected {expected} elements, got {got}")]
    Length {
        /// Which list.
        what: &'static str,
        /// Its length by the others' lengths.
        expected: usize,
        /// Its length.
        got: usize,
    },
    /// The vocabulary is empty, or the number of probabilities is no multiple of it.
    #[error("{values} probabilities do not make rows of a vocabulary of {vocabulary}")]
    Rows {
        /// Number of probabilities.
        values: usize,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// The drafter and the target have different vocabularies.
    #[error("the drafter's vocabulary has {drafter} tokens, the target's {target}")]
    Vocabulary {
        /// The drafter's.
        drafter: usize,
        /// The target's.
        target: usize,
    },
    /// A probability is negative, infinite or NaN.
    #[error("row {row}: {value} for token {token} is no probability")]
    Probability {
        /// Row.
        row: usize,
        /// Column.
        token: usize,
        /// The value.
        value: f32,
    },
    /// A row does not sum to 1 (see [`SUM_TOLERANCE`]): logits, perhaps, or a row that was never written.
    #[error("row {row} sums to {sum}, not to 1: apply softmax first")]
    Sum {
        /// Row.
        row: usize,
        /// Its sum.
        sum: f64,
    },
    /// A random number is outside [0, 1).
    #[error("random number {index} is {value}, outside of [0, 1)")]
    Uniform {
        /// Which one.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A drafted token is not in the vocabulary.
    #[error("draft {index} is token {token}, outside of the vocabulary of {vocabulary}")]
    Token {
        /// Which draft.
        index: usize,
        /// The token.
        token: u32,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// There is no such row.
    #[error("there is no row {row}, only {rows}")]
    NoRow {
        /// The row asked for.
        row: usize,
        /// Number of rows.
        rows: usize,
    },
}

/// Checked distributions over one vocabulary: row-major, `rows x vocabulary`, f32.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    values: &'a [f32],
    vocabulary: usize,
    sums: Vec<f64>,
}

impl<'a> Rows<'a> {
    /// Checks and takes `values`, a multiple of `vocabulary` many; none at all is no rows.
    ///
    /// # Errors
    /// [`AcceptError::Rows`], [`AcceptError::Probability`], [`AcceptError::Sum`].
    pub fn new(values: &'a [f32], vocabulary: usize) -> Result<Self, AcceptError> {
        if vocabulary == 0 || !values.len().is_multiple_of(vocabulary) {
            let values = values.len();
            return Err(AcceptError::Rows { values, vocabulary });
        }
        let mut sums = vec![];
        for (row, v) in values.chunks_exact(vocabulary).enumerate() {
            // All of them first, several at a time: vocabularies are large, and bad ones rare.
            let good = |x: &f32| (*x >= 0.0) & (*x < f32::INFINITY);
            if !v.iter().fold(true, |all, x| all & good(x))
                && let Some(token) = v.iter().position(|x| !good(x))
            {
                let value = v[token];
                return Err(AcceptError::Probability { row, token, value });
            }
            let sum = crate::sampling::sum(v);
            if (sum - 1.0).abs() > SUM_TOLERANCE {
                return Err(AcceptError::Sum { row, sum });
            }
            sums.push(sum);
        }
        Ok(Self {
            values,
            vocabulary,
            sums,
        })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// Size of the vocabulary.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// Shannon entropy of a row in nats, `-sum p ln p` of the normalised row: 0 ..= ln(vocabulary).
    ///
    /// # Errors
    /// [`AcceptError::NoRow`].
    pub fn entropy(&self, row: usize) -> Result<f64, AcceptError> {
        let (p, sum) = self.row(row)?;
        let plogp = |x: &f32| {
            let p = f64::from(*x) / sum;
            if p > 0.0 { p * p.ln() } else { 0.0 }
        };
        Ok(-p.iter().map(plogp).sum::<f64>() + 0.0) // no -0
    }

    fn row(&self, row: usize) -> Result<(&'a [f32], f64), AcceptError> {
        let rows = self.len();
        match (
            self.values.chunks_exact(self.vocabulary).nth(row),
            self.sums.get(row),
        ) {
            (Some(values), Some(sum)) => Ok((values, *sum)),
            _ => Err(AcceptError::NoRow { row, rows }),
        }
    }
}

/// The result of [`rejection`]: the first `accepted` drafts and then `last` are the round's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Number of leading drafts that stand: 0 ..= g.
    pub accepted: usize,
    /// The token behind them: a replacement for the first rejected draft, or one more if all stand.
    pub last: u32,
}

impl Accepted {
    /// Number of tokens of the round, 1 ..= g + 1: what `spec.round` calls `count`.
    pub fn count(self) -> usize {
        self.accepted + 1
    }
}

/// Number of tokens of a greedy round, 1 ..= g + 1: one more than the leading `drafts` (g of them) that equal `choices`
/// (g + 1). That many leading elements of `choices` are the round's tokens. The rule of `spec.accept`.
///
/// # Errors
/// [`AcceptError::Length`] unless there is one choice more than drafts.
pub fn greedy<T: PartialEq>(drafts: &[T], choices: &[T]) -> Result<usize, AcceptError> {
    length("choices", drafts.len() + 1, choices.len())?;
    Ok(1 + drafts
        .iter()
        .zip(choices)
        .take_while(|(d, c)| d == c)
        .count())
}

/// Rejection sampling: draft i stands with probability min(1, p(i, d) / q(i, d)) as long as all before it stand; the first
/// that does not is replaced by a sample of norm(max(0, p(i) - q(i))); if all stand, a sample of p(g) follows.
///
/// The g `drafts` were sampled from the g rows of `q`; the g + 1 rows of `p` are the target's view of the same places. The
/// g + 1 `uniforms` are independent and uniform in [0, 1): g to accept, one for the last token. A draft of q = 0, which no sampler
/// returns, stands unless p = 0. Should rounding leave no residual (p = q up to rounding), p itself is sampled.
///
/// # Errors
/// [`AcceptError::Length`], [`AcceptError::Vocabulary`], [`AcceptError::Token`], [`AcceptError::Uniform`].
pub fn rejection(
    drafts: &[u32],
    q: &Rows,
    p: &Rows,
    uniforms: &[f32],
) -> Result<Accepted, AcceptError> {
    let g = drafts.len();
    length("rows of the drafter", g, q.len())?;
    length("rows of the target", g + 1, p.len())?;
    length("random numbers", g + 1, uniforms.len())?;
    if g > 0 && q.vocabulary != p.vocabulary {
        let (drafter, target) = (q.vocabulary, p.vocabulary);
        return Err(AcceptError::Vocabulary { drafter, target });
    }
    for (index, u) in uniforms.iter().enumerate() {
        uniform(index, *u)?;
    }
    let vocabulary = p.vocabulary;
    if let Some(index) = drafts.iter().position(|t| *t as usize >= vocabulary) {
        let token = drafts[index];
        return Err(AcceptError::Token {
            index,
            token,
            vocabulary,
        });
    }
    let mut accepted = 0;
    while accepted < g && stands(accepted, drafts[accepted], (q, p), uniforms[accepted])? {
        accepted += 1;
    }
    let (weights, sum) = p.row(accepted)?;
    let last = if accepted < g {
        replacement(weights, sum, q.row(accepted)?, uniforms[g])
    } else {
        choose(|x| f64::from(weights[x]), vocabulary, uniforms[g])
    };
    Ok(Accepted { accepted, last })
}

/// The token that `uniform` in [0, 1) selects from a row: the first at which the cumulative sum exceeds it (inverse CDF). Never
/// one of probability 0.
///
/// # Errors
/// [`AcceptError::NoRow`], [`AcceptError::Uniform`].
pub fn sample(p: &Rows, row: usize, u: f32) -> Result<u32, AcceptError> {
    let (weights, _) = p.row(row)?;
    uniform(0, u)?;
    Ok(choose(|x| f64::from(weights[x]), p.vocabulary, u))
}

/// u < (p / P) / (q / Q), without a division that could be 0 / 0.
fn stands(i: usize, draft: u32, (q, p): (&Rows, &Rows), u: f32) -> Result<bool, AcceptError> {
    let ((q, q_sum), (p, p_sum)) = (q.row(i)?, p.row(i)?);
    let (q, p) = (f64::from(q[draft as usize]), f64::from(p[draft as usize]));
    Ok(f64::from(u) * q * p_sum < p * q_sum)
}

fn replacement(p: &[f32], p_sum: f64, (q, q_sum): (&[f32], f64), u: f32) -> u32 {
    let residual = |x: usize| {
        let rest = f64::from(p[x]) * q_sum - f64::from(q[x]) * p_sum;
        if rest > 0.0 { rest } else { 0.0 }
    };
    if (0..p.len()).any(|x| residual(x) > 0.0) {
        choose(residual, p.len(), u)
    } else {
        choose(|x| f64::from(p[x]), p.len(), u)
    }
}

/// The first x at which the cumulative weight exceeds `u` times the total; should rounding hide it, the last of positive weight.
fn choose(weight: impl Fn(usize) -> f64, n: usize, u: f32) -> u32 {
    let total = (0..n).fold(0.0, |s, x| s + weight(x));
    let threshold = f64::from(u) * total;
    let (mut sum, mut chosen) = (0.0, 0);
    for x in 0..n {
        let w = weight(x);
        sum += w;
        if w > 0.0 {
            chosen = x;
        }
        if threshold < sum {
            break;
        }
    }
    chosen as u32
}

fn length(what: &'static str, expected: usize, got: usize) -> Result<(), AcceptError> {
    if expected == got {
        Ok(())
    } else {
        Err(AcceptError::Length {
            what,
            expected,
            got,
        })
    }
}

fn uniform(index: usize, value: f32) -> Result<(), AcceptError> {
    if (0.0..1.0).contains(&value) {
        Ok(())
    } else {
        Err(AcceptError::Uniform { index, value })
    }
}

#[cfg(test)]
mod tests;
