//! Rows of distributions, in memory that is used again, and what rejection sampling makes of them.

use super::exp::exponentiate;
use super::select::{Key, argmax, largest, maximum};
use super::{Sampling, SamplingError};
use crate::accept::{AcceptError, Accepted, Rows, rejection, sample};

/// Distributions over one vocabulary: each as all its probabilities, or if settings cut the tail off, as the tokens that are left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distributions {
    /// Probabilities, row after row.
    values: Vec<f32>,
    /// The tokens they belong to, ascending in a row; none if each row has the whole vocabulary.
    ids: Vec<u32>,
    /// Where each row ends.
    ends: Vec<usize>,
    keys: Vec<Key>,
}

impl Distributions {
    /// Removes all rows.
    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.ids.clear();
        self.ends.clear();
    }

    /// Row `row` alone.
    #[cfg(test)]
    pub(crate) fn row(&self, row: usize) -> Self {
        let range = self.range(row);
        Self {
            values: self.values[range.clone()].to_vec(),
            ids: self.ids.get(range.clone()).unwrap_or_default().to_vec(),
            ends: vec![range.len()],
            keys: vec![],
        }
    }

    /// Number of rows.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes held.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        4 * (self.values.capacity() + self.ids.capacity()) + 8 * self.ends.capacity()
    }

    /// Appends the distribution that `sampling` makes of `logits`, over a vocabulary of `vocabulary`: logits that are missing
    /// count as minus infinity, those too many are left out. Between two [`clear`](Self::clear)s `sampling` and `vocabulary` stay the same.
    pub(crate) fn push(
        &mut self,
        sampling: &Sampling,
        logits: &[f32],
        vocabulary: usize,
    ) -> Result<(), SamplingError> {
        let logits = logits.get(..vocabulary).unwrap_or(logits);
        match *sampling {
            Sampling::Random {
                temperature,
                top_k,
                top_p,
            } if temperature > 0.0 => {
                let k = if top_k == 0 { usize::MAX } else { top_k };
                if k < vocabulary || top_p < 1.0 {
                    self.push_cut(logits, temperature, k, top_p)?;
                } else {
                    self.push_whole(logits, temperature, vocabulary)?;
                }
            }
            _ => {
                self.ids.push(argmax(logits)?);
                self.values.push(1.0);
            }
        }
        self.ends.push(self.values.len());
        Ok(())
    }

    /// Appends softmax(logits).
    pub(crate) fn push_softmax(&mut self, logits: &[f32]) -> Result<(), SamplingError> {
        let all = Sampling::Random {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
        };
        self.push(&all, logits, logits.len())
    }

    /// Appends the last row once more.
    pub(crate) fn repeat_last(&mut self) {
        let row = self.range(self.ends.len().saturating_sub(1));
        if !self.ids.is_empty() {
            self.ids.extend_from_within(row.clone());
        }
        self.values.extend_from_within(row);
        self.ends.push(self.values.len());
    }

    /// The last row's probabilities, as one row.
    pub(crate) fn last(&self) -> Result<Rows<'_>, AcceptError> {
        let row = self.range(self.ends.len().saturating_sub(1));
        let values = self.values.get(row).unwrap_or_default();
        Rows::new(values, values.len())
    }

    /// The token that `uniform` in [0, 1) selects from the last row.
    pub(crate) fn sample_last(&self, uniform: f32) -> Result<u32, AcceptError> {
        let place = sample(&self.last()?, 0, uniform)?;
        let at = self.range(self.ends.len().saturating_sub(1)).start + place as usize;
        Ok(self.ids.get(at).copied().unwrap_or(place))
    }

    /// The last row, token by token.
    pub(super) fn last_whole(&self, vocabulary: usize) -> Vec<f32> {
        let row = self.range(self.ends.len().saturating_sub(1));
        let mut whole = vec![0.0; vocabulary];
        for (place, value) in self
            .values
            .get(row.clone())
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            let id = self
                .ids
                .get(row.start + place)
                .map_or(place, |id| *id as usize);
            if let Some(to) = whole.get_mut(id) {
                *to = *value;
            }
        }
        whole
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        let from = match row.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        from..self.ends.get(row).copied().unwrap_or(from)
    }

    fn push_whole(
        &mut self,
        logits: &[f32],
        temperature: f32,
        vocabulary: usize,
    ) -> Result<(), SamplingError> {
        let max = maximum(logits)?;
        let from = self.values.len();
        self.values.extend_from_slice(logits);
        let row = self.values.get_mut(from..).unwrap_or_default();
        let total = exponentiate(row, max, temperature);
        normalise(row, total);
        self.values.resize(from + vocabulary, 0.0);
        Ok(())
    }

    fn push_cut(
        &mut self,
        logits: &[f32],
        temperature: f32,
        k: usize,
        top_p: f32,
    ) -> Result<(), SamplingError> {
        let max = maximum(logits)?;
        let from = self.values.len();
        let keys = &mut self.keys;
        if k < logits.len() {
            largest(logits, k, keys);
            if top_p < 1.0 {
                keys.sort_unstable_by(|a, b| b.cmp(a));
                self.values.extend(keys.iter().map(|key| key.value(logits)));
                let row = self.values.get_mut(from..).unwrap_or_default();
                let total = exponentiate(row, max, temperature);
                if let Some(n) = nucleus(row, f64::from(top_p) * total) {
                    keys.truncate(n);
                }
                self.values.truncate(from);
            }
        } else {
            // The total is of all; the nucleus is mostly small, and found among the largest few.
            self.values.extend_from_slice(logits);
            let row = self.values.get_mut(from..).unwrap_or_default();
            let wanted = f64::from(top_p) * exponentiate(row, max, temperature);
            self.values.truncate(from);
            let mut few = 64;
            loop {
                largest(logits, few, keys);
                keys.sort_unstable_by(|a, b| b.cmp(a));
                self.values.extend(keys.iter().map(|key| key.value(logits)));
                let row = self.values.get_mut(from..).unwrap_or_default();
                exponentiate(row, max, temperature);
                let found = nucleus(row, wanted);
                self.values.truncate(from);
                if let Some(n) = found {
                    keys.truncate(n);
                    break;
                }
                if few >= logits.len() {
                    break;
                }
                few = few.saturating_mul(8);
            }
        }
        keys.sort_unstable_by_key(|key| key.id());
        self.ids.extend(keys.iter().map(|key| key.id()));
        self.values.extend(keys.iter().map(|key| key.value(logits)));
        let row = self.values.get_mut(from..).unwrap_or_default();
        let total = exponentiate(row, max, temperature);
        normalise(row, total);
        Ok(())
    }
}

/// Number of leading weights that together have `wanted`; none if all have less.
fn nucleus(descending: &[f32], wanted: f64) -> Option<usize> {
    let mut sum = 0.0;
    let reaches = |x: &f32| {
        sum += f64::from(*x);
        sum >= wanted
    };
    descending.iter().position(reaches).map(|at| at + 1)
}

/// `total` is at least 1: the likeliest token's weight is e^0.
fn normalise(row: &mut [f32], total: f64) {
    let scale = (1.0 / total) as f32;
    row.iter_mut().for_each(|x| *x *= scale);
}

/// Memory for [`Judge::rejection`], used again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judge {
    ids: Vec<u32>,
    drafts: Vec<u32>,
    q: Vec<f32>,
    p: Vec<f32>,
}

impl Judge {
    /// [`rejection`] over the vocabulary, or where tails are cut off, over the tokens left in any row: a token that
    /// is in none has probability 0 everywhere, and changes nothing.
    pub(crate) fn rejection(
        &mut self,
        drafts: &[u32],
        q: &Distributions,
        p: &Distributions,
        uniforms: &[f32],
        vocabulary: usize,
    ) -> Result<Accepted, AcceptError> {
        if p.ids.is_empty() {
            let (q, p) = (
                Rows::new(&q.values, vocabulary)?,
                Rows::new(&p.values, vocabulary)?,
            );
            return rejection(drafts, &q, &p, uniforms);
        }
        self.ids.clear();
        self.ids.extend(q.ids.iter().chain(&p.ids));
        self.ids.sort_unstable();
        self.ids.dedup();
        let ids = &self.ids;
        widen(q, ids, &mut self.q);
        widen(p, ids, &mut self.p);
        // A draft is one of its row's tokens.
        let place = |t: &u32| ids.binary_search(t).map_or(u32::MAX, |at| at as u32);
        self.drafts.clear();
        self.drafts.extend(drafts.iter().map(place));
        let (q, p) = (
            Rows::new(&self.q, ids.len())?,
            Rows::new(&self.p, ids.len())?,
        );
        let mut out = rejection(&self.drafts, &q, &p, uniforms)?;
        out.last = ids.get(out.last as usize).copied().unwrap_or(out.last);
        Ok(out)
    }

    /// Bytes held.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        4 * (self.ids.capacity() + self.drafts.capacity() + self.q.capacity() + self.p.capacity())
    }
}

/// The rows of `from` over `ids`, ascending, which holds all of its tokens.
fn widen(from: &Distributions, ids: &[u32], to: &mut Vec<f32>) {
    to.clear();
    to.resize(from.ends.len() * ids.len(), 0.0);
    for (row, wide) in to.chunks_exact_mut(ids.len().max(1)).enumerate() {
        let range = from.range(row);
        let tokens = from.ids.get(range.clone()).unwrap_or_default();
        let values = from.values.get(range).unwrap_or_default();
        for (token, value) in tokens.iter().zip(values) {
            if let Ok(at) = ids.binary_search(token)
                && let Some(to) = wide.get_mut(at)
            {
                *to = *value;
            }
        }
    }
}

#[cfg(test)]
mod tests;
