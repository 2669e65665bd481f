//! How any number of tokens is covered by calls of the widths that were compiled.

use super::ForwardError;

/// One call of compiled code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// Index of its first token.
    pub(super) from: usize,
    /// Tokens of the caller.
    pub(super) tokens: usize,
    /// Tokens of the call; those behind `tokens` are padding.
    pub(super) width: usize,
}

/// The calls for `tokens` tokens: as few as there can be. The widths ascend.
///
/// The largest width first; the last call is the smallest width that holds what is left, padded if the cache has rows for the padding.
/// If it has not, smaller calls follow.
///
/// # Errors
/// [`ForwardError::Room`]: the cache has no room for any padding, and there is no width small enough to go without.
pub(super) fn cover(
    widths: &[usize],
    tokens: usize,
    position: usize,
    context: usize,
) -> Result<Vec<Call>, ForwardError> {
    let mut calls = vec![];
    let mut from = 0;
    while from < tokens {
        let left = tokens - from;
        let room = context.saturating_sub(position).saturating_sub(from);
        let padded = widths.iter().find(|w| **w >= left && **w <= room);
        let filled = widths.iter().rev().find(|w| **w <= left && **w <= room);
        let width = *padded.or(filled).ok_or(ForwardError::Room {
            tokens,
            position,
            context,
        })?;
        let tokens = width.min(left);
        calls.push(Call {
            from,
            tokens,
            width,
        });
        from += tokens.max(1);
    }
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(widths: &[usize], tokens: usize, position: usize) -> Vec<(usize, usize)> {
        let calls = cover(widths, tokens, position, 256).expect("room");
        calls.iter().map(|c| (c.tokens, c.width)).collect()
    }

    #[test]
    fn large_calls_first_and_padding_where_there_is_room() {
        let widths = [1, 2, 3, 4, 5, 9];
        assert_eq!(parts(&widths, 1, 0), [(1, 1)]);
        assert_eq!(parts(&widths, 6, 0), [(6, 9)]);
        assert_eq!(parts(&widths, 20, 0), [(9, 9), (9, 9), (2, 2)]);
        assert_eq!(
            parts(&widths, 6, 249),
            [(5, 5), (1, 1)],
            "9 rows are too many"
        );
        assert_eq!(parts(&[5], 2, 251), [(2, 5)]);
        assert_eq!(parts(&[2, 8], 9, 246), [(8, 8), (1, 2)]);
        assert_eq!(parts(&[2, 8], 8, 248), [(8, 8)]);
        let error = cover(&[5], 2, 252, 256).expect_err("5 rows are too many");
        assert!(matches!(
            error,
            ForwardError::Room {
                tokens: 2,
                position: 252,
                context: 256
            }
        ));
    }

    proptest! {
        #[test]
        fn tokens_are_covered_once_within_the_cache(
            mut widths in prop::collection::btree_set(1..40_usize, 1..6),
            tokens in 1..200_usize,
            position in 0..256_usize,
        ) {
            widths.insert(1);
            let widths: Vec<usize> = widths.into_iter().collect();
            prop_assume!(position + tokens <= 256);
            let calls = cover(&widths, tokens, position, 256).expect("width 1 always fits");
            let mut next = 0;
            for call in &calls {
                prop_assert_eq!(call.from, next);
                prop_assert!(widths.contains(&call.width));
                prop_assert!(call.tokens >= 1 && call.tokens <= call.width);
                prop_assert!(position + call.from + call.width <= 256);
                next += call.tokens;
            }
            prop_assert_eq!(next, tokens);
            let padded = calls.iter().filter(|c| c.tokens < c.width).count();
            prop_assert!(padded <= 1);
        }
    }
}
