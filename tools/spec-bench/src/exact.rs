//! Acceptance of greedy drafts for every draft length at once, from one plain answer.
//!
//! A greedy draft stands if it is the target's next token. Behind drafts that stood the drafter has seen what it would have seen in the
//! target's own text, so whether it goes on to be right is told by one pass of it over that text; and its logits do not depend on how many
//! tokens a call has. Rounds of any draft length are then counted off, and are those that decoding would make.

use crate::acceptance::Rounds;
use crate::bench::{Bundle, Encoded, Kind, Mode};
use crate::error::BenchError;
use crate::generators::{generate, settings};
use spec_runtime::forward::{Forward, ForwardError};
use spec_runtime::generate::{Drafting, GenerateError};
use spec_runtime::manifest;
use spec_runtime::sampling::argmax;

/// Tokens whose logits are asked for at once: a bound on memory, as vocabularies are large.
const ROWS: usize = 32;

/// Whether the drafter's choice is the next token, for each token of the answer.
fn matches(
    drafter: &mut dyn Forward,
    prompt: &[u32],
    answer: &[u32],
) -> Result<Vec<bool>, GenerateError> {
    let failed = |position: usize| {
        move |source: ForwardError| GenerateError::Forward {
            role: manifest::Role::Drafter,
            position,
            source,
        }
    };
    let mut logits = vec![];
    let mut found = Vec::with_capacity(answer.len());
    let Some((last, before)) = prompt.split_last() else {
        return Ok(found);
    };
    if !before.is_empty() {
        let call = drafter.forward(before, 0, 0, &mut logits);
        call.map_err(failed(0))?;
    }
    // the drafter sees the last token of the prompt, and all of the answer but its last one
    let seen: Vec<u32> = std::iter::once(*last)
        .chain(answer.iter().copied())
        .collect();
    for (some, next) in seen.chunks(ROWS).zip(answer.chunks(ROWS)) {
        let some = some.get(..next.len()).unwrap_or(some);
        let position = before.len() + found.len();
        let call = drafter.forward(some, position, some.len(), &mut logits);
        call.map_err(failed(position))?;
        for (row, token) in logits.chunks(drafter.vocabulary().max(1)).zip(next) {
            let drafted = argmax(row).map_err(|source| GenerateError::Sampling {
                role: Some(manifest::Role::Drafter),
                source,
            })?;
            found.push(drafted == *token);
        }
    }
    Ok(found)
}

/// The rounds of `gamma` drafts that decode an answer; those that its end cuts short do not count.
pub(crate) fn rounds(matches: &[bool], gamma: usize) -> Rounds {
    let mut rounds = Rounds::new(gamma);
    let mut at = 0;
    while let Some(drafts) = matches
        .get(at..at + gamma)
        .filter(|_| at + gamma < matches.len())
    {
        let stood = drafts.iter().take_while(|m| **m).count();
        rounds.count_in(stood);
        at += stood + 1;
    }
    rounds
}

/// Answers all prompts by plain decoding, and says of each token whether the drafter would have had it: by prompt. `tick` is told each
/// prompt.
pub(crate) fn answers(
    bundle: &Bundle,
    number: usize,
    prompts: &[Encoded],
    mode: &Mode,
    mut tick: impl FnMut(&str),
) -> Result<Vec<Vec<bool>>, BenchError> {
    let mut generator = (bundle.make)(Kind::Sequential.schedule())?;
    let mut drafter = (bundle.draft)()?;
    let mut all = vec![];
    for prompt in prompts {
        let failed = |source| BenchError::Generate {
            bundle: bundle.label.clone(),
            prompt: prompt.id.clone(),
            source,
        };
        let input = prompt.tokens.get(number).map_or(&[][..], Vec::as_slice);
        let settings = settings(prompt, number, mode, Drafting::Fixed(0), Kind::Sequential);
        let answer = generate(&mut generator, input, &settings).map_err(failed)?;
        all.push(matches(&mut *drafter, input, &answer).map_err(failed)?);
        tick(&prompt.id);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{configurations, run};
    use crate::toy;
    use spec_runtime::sampling::Sampling;

    /// What is counted off is what decoding with drafts does, round by round, for every length.
    #[test]
    fn rounds_are_those_of_decoding() {
        let mode = Mode {
            max_tokens: 75, // more than one call for logits
            sampling: Sampling::Greedy,
            seed: 0,
            repeats: 1,
        };
        for errs in [0, 2, 3, 4, 7] {
            let bundles = [toy::bundle("toy", errs)];
            let all = configurations(
                &bundles,
                &toy::lengths(&[1, 2, 3, 5, 8]),
                &[Kind::Sequential],
            );
            let prompts = toy::prompts(1);
            let real = run(&bundles, &all, &prompts, &mode, |_| ()).expect("decoded");
            let found = answers(&bundles[0], 0, &prompts, &mode, |_| ()).expect("decoded");
            assert!(found.iter().all(|m| m.len() == 75));
            for ((index, _, prompt), rounds) in &real.rounds {
                let which = prompts.iter().position(|p| p.id == *prompt).expect("there");
                let gamma = all[*index].draft_length;
                assert_eq!(
                    super::rounds(&found[which], gamma),
                    *rounds,
                    "{errs} {gamma}"
                );
                assert!(rounds.count() > 5);
            }
            assert_eq!(real.rounds.len(), 5 * prompts.len());
        }
    }

    #[test]
    fn the_end_of_an_answer_cuts_no_round() {
        let matches = [true, true, false, true];
        assert_eq!(rounds(&matches, 2).survival(), [1.0, 1.0]);
        assert_eq!(rounds(&matches, 1).count(), 2);
        assert_eq!(
            rounds(&matches, 4).count(),
            0,
            "the target's own token would lie outside"
        );
        assert_eq!(rounds(&[], 1).count(), 0);
    }
}
