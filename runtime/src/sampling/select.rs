//! The largest logits, without sorting a vocabulary.

use super::SamplingError;

/// The largest of `logits`, with the lowest index of equal ones.
///
/// # Errors
/// [`SamplingError::Logit`], [`SamplingError::NoLogit`].
pub fn argmax(logits: &[f32]) -> Result<u32, SamplingError> {
    let max = maximum(logits)?;
    let at = logits.iter().position(|x| *x == max);
    // `max` is one of them.
    Ok(at.unwrap_or_default() as u32)
}

/// The largest of `logits`, once none is found to be NaN or plus infinity.
pub(super) fn maximum(logits: &[f32]) -> Result<f32, SamplingError> {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let mut bad = [false; 16];
    let mut take = |block: &[f32]| {
        for ((lane, bad), x) in lanes.iter_mut().zip(&mut bad).zip(block) {
            *lane = if *x > *lane { *x } else { *lane };
            *bad |= x.is_nan();
        }
    };
    let (blocks, rest) = logits.as_chunks::<16>();
    blocks.iter().for_each(|block| take(block));
    take(rest);
    let max = lanes.into_iter().fold(f32::NEG_INFINITY, f32::max);
    if max == f32::INFINITY || bad.contains(&true) {
        let nonsense = |x: &f32| x.is_nan() || *x == f32::INFINITY;
        let token = logits.iter().position(nonsense).unwrap_or_default();
        let value = logits.get(token).copied().unwrap_or(f32::NAN);
        return Err(SamplingError::Logit { token, value });
    }
    if max == f32::NEG_INFINITY {
        return Err(SamplingError::NoLogit(logits.len()));
    }
    Ok(max)
}

/// Puts the `k` largest of `logits` into `keys`, in no order (all, if there are no more); of equal ones at the cut the lower
/// indices. `logits` holds no NaN.
///
/// One scan that compares with the k-th largest so far: few elements pass.
pub(super) fn largest(logits: &[f32], k: usize, keys: &mut Vec<Key>) {
    let room = (2 * k).max(256);
    let mut bar = f32::NEG_INFINITY;
    let mut full = false;
    keys.clear();
    let mut id = 0;
    for block in logits.chunks(16) {
        // An equal one behind the k-th largest has a higher index: it stays out.
        if !full || block.iter().fold(false, |any, x| any | (*x > bar)) {
            for (i, x) in block.iter().enumerate() {
                if !full || *x > bar {
                    keys.push(Key::new(*x, id + i as u32));
                }
            }
            if keys.len() >= room {
                cut(keys, k);
                full = true;
                let least = keys.iter().min().copied();
                bar = least.map_or(bar, |key| key.value(logits));
            }
        }
        id += 16;
    }
    cut(keys, k);
}

fn cut(keys: &mut Vec<Key>, k: usize) {
    if k < keys.len() {
        keys.select_nth_unstable_by(k, |a, b| b.cmp(a));
        keys.truncate(k);
    }
}

/// A logit and its index as one integer, ordered by the logit, then by the index downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64);

impl Key {
    fn new(logit: f32, id: u32) -> Self {
        let bits = (logit + 0.0).to_bits(); // -0 becomes 0
        let ordered = if bits >> 31 == 0 {
            bits | 0x8000_0000
        } else {
            !bits
        };
        Self(u64::from(ordered) << 32 | u64::from(!id))
    }

    /// The index.
    pub(super) fn id(self) -> u32 {
        !(self.0 as u32)
    }

    /// The logit; `logits` is the row that it came from.
    pub(super) fn value(self, logits: &[f32]) -> f32 {
        let value = logits.get(self.id() as usize);
        value.copied().unwrap_or(f32::NEG_INFINITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn argmax_takes_the_first_of_equals() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), Ok(1));
        assert_eq!(argmax(&[-0.0, 0.0]), Ok(0));
        assert_eq!(argmax(&[f32::NEG_INFINITY, -1e30]), Ok(1));
        let mut row = vec![0.0; 1000];
        row[997] = 1.0;
        row[999] = 1.0;
        assert_eq!(argmax(&row), Ok(997));
    }

    #[test]
    fn nonsense_is_refused() {
        let minus = f32::NEG_INFINITY;
        assert_eq!(argmax(&[]), Err(SamplingError::NoLogit(0)));
        assert_eq!(argmax(&[minus, minus]), Err(SamplingError::NoLogit(2)));
        for at in [0, 15, 16, 36] {
            for value in [f32::NAN, f32::INFINITY] {
                let mut row = [2.0; 37];
                row[at] = value;
                let Err(SamplingError::Logit { token, .. }) = argmax(&row) else {
                    panic!("{value} at {at} was taken");
                };
                assert_eq!(token, at);
            }
        }
    }

    proptest! {
        /// Few different values, so that there are ties at the cut.
        #[test]
        fn the_largest_are_those_of_a_full_sort(
            values in prop::collection::vec(prop_oneof![(-9..9_i32).prop_map(|x| x as f32 / 2.0), Just(f32::NEG_INFINITY), Just(-0.0_f32)], 0..900),
            k in 1..400_usize,
        ) {
            let mut keys = vec![];
            largest(&values, k, &mut keys);
            let mut got: Vec<usize> = keys.iter().map(|key| key.id() as usize).collect();
            got.sort_unstable();
            let mut want: Vec<usize> = (0..values.len()).collect();
            want.sort_by(|a, b| values[*b].partial_cmp(&values[*a]).unwrap());
            want.truncate(k);
            want.sort_unstable();
            prop_assert_eq!(got, want);
        }
    }
}
