//! Measures acceptance in real rounds, of each bundle, task and draft length.

use crate::acceptance::{Rounds, Series, Table};
use crate::bench::{Bundle, Encoded, Kind, Mode, Run, configurations, run};
use crate::error::BenchError;

/// Runs all prompts with all draft lengths. `names`: target and drafter of each bundle, `None` without a drafter. `mode_name`: as in the file.
pub(crate) fn table(
    bundles: &[Bundle],
    names: &[Option<(String, String)>],
    prompts: &[Encoded],
    draft_lengths: &[usize],
    mode: &Mode,
    mode_name: &str,
    tick: impl FnMut(&Run),
) -> Result<Table, BenchError> {
    let mut configurations = configurations(bundles, draft_lengths, &[Kind::Sequential]);
    configurations.retain(|c| c.draft_length > 0);
    if configurations.is_empty() {
        return Err(BenchError::Usage(
            "there is nothing to calibrate: no bundle has a drafter, or no draft length is above 0 (compile with --keep-drafter)".to_owned(),
        ));
    }
    let runs = run(bundles, &configurations, prompts, mode, tick)?;
    let mut table = Table::new();
    for ((index, task), rounds) in &runs.rounds {
        let Some(configuration) = configurations.get(*index) else {
            continue;
        };
        let Some((target, drafter)) = names.get(configuration.bundle).cloned().flatten() else {
            continue;
        };
        for task in [task.as_str(), "all"] {
            let series = Series {
                target: target.clone(),
                drafter: drafter.clone(),
                mode: mode_name.to_owned(),
                task: task.to_owned(),
            };
            let lengths = table.entry(series).or_default();
            let gamma = configuration.draft_length;
            let entry = lengths.entry(gamma).or_insert_with(|| Rounds::new(gamma));
            entry.merge(rounds);
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{acceptance, toy};
    use spec_cost::{Acceptance, AcceptanceFilter};
    use spec_runtime::sampling::Sampling;

    #[test]
    fn acceptance_of_a_pair_is_found() {
        let bundles = [toy::bundle("errs", 4), toy::bundle("right", 0)];
        let names = ["i4g32", "i8"].map(|d| Some(("t:f16".to_owned(), format!("d:{d}"))));
        let prompts = toy::prompts(2);
        let mode = Mode {
            max_tokens: 40,
            sampling: Sampling::Greedy,
            seed: 0,
            repeats: 1,
        };
        let mut ticks = 0;
        let table = table(
            &bundles,
            &names,
            &prompts,
            &[0, 1, 3],
            &mode,
            "greedy",
            |_| ticks += 1,
        );
        let table = table.expect("measured");
        assert_eq!(ticks, 2 * 2 * 3, "bundles, draft lengths, prompts");
        let text = acceptance::to_csv(&table).expect("text");
        let read = |drafter: &str, task: Option<&str>| {
            let filter = AcceptanceFilter {
                target: Some("t:f16".to_owned()),
                drafter: Some(drafter.to_owned()),
                mode: Some("greedy".to_owned()),
                task: task.map(str::to_owned),
            };
            Acceptance::parse_csv(&text, "acceptance.csv", &filter).expect(&text)
        };
        assert_eq!(read("d:i8", None).tokens_per_round(3), 4.0, "it never errs");
        // wrong at every fourth position: after a miss three drafts stand
        let erring = read("d:i4g32", Some("code"));
        let survival = erring.survival(3);
        assert!(
            survival.iter().all(|s| *s > 0.5 && *s <= 1.0),
            "{survival:?}"
        );
        assert!(erring.tokens_per_round(3) < 4.0);
        let nothing = super::table(&bundles, &names, &prompts, &[0], &mode, "greedy", |_| ());
        assert!(
            nothing
                .expect_err("no drafts")
                .to_string()
                .contains("--keep-drafter")
        );
    }
}
