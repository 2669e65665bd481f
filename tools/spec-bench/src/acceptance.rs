//! Acceptance as measured in real rounds, and the CSV file that the cost model reads (`spec_cost::Acceptance`).

use crate::error::BenchError;
use serde::{Deserialize, Serialize};
use spec_runtime::stats::RoundStats;
use std::collections::BTreeMap;

/// What one line of the file is about.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series {
    /// Name and data type of the target, such as `smollm2-135m:f16`.
    pub(crate) target: String,
    /// Name and data type of the drafter.
    pub(crate) drafter: String,
    /// `greedy`, or `t1` for a temperature of 1.
    pub(crate) mode: String,
    /// The task, or `all`.
    pub(crate) task: String,
}

/// Rounds of one draft length.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rounds {
    /// Rounds in which the first k drafts stood, for k = 0 ..= gamma.
    stood: Vec<u64>,
}

impl Rounds {
    /// Of draft length `gamma`.
    pub(crate) fn new(gamma: usize) -> Self {
        Self {
            stood: vec![0; gamma + 1],
        }
    }

    /// Adds a round, if it is a whole one: shorter drafts, at the end of a sequence, say nothing about later positions.
    pub(crate) fn add(&mut self, round: &RoundStats) {
        if round.drafted + 1 == self.stood.len() {
            self.count_in(round.accepted);
        }
    }

    /// Adds a whole round in which the first `accepted` drafts stood.
    pub(crate) fn count_in(&mut self, accepted: usize) {
        for count in self.stood.iter_mut().take(accepted + 1) {
            *count += 1;
        }
    }

    /// Adds those of another sequence.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (a, b) in self.stood.iter_mut().zip(&other.stood) {
            *a += b;
        }
    }

    /// Number of rounds.
    pub(crate) fn count(&self) -> u64 {
        self.stood.first().copied().unwrap_or(0)
    }

    /// Tokens of all rounds: the drafts that stood, and one of the target's a round.
    pub(crate) fn tokens(&self) -> u64 {
        self.stood.iter().sum()
    }

    /// Probability that the first k drafts stand, for k = 1 ..= gamma. Empty without rounds.
    pub(crate) fn survival(&self) -> Vec<f64> {
        let all = self.count();
        if all == 0 {
            return vec![];
        }
        let of = |n: &u64| *n as f64 / all as f64;
        self.stood.iter().skip(1).map(of).collect()
    }

    /// Probability that draft k stands if those before it do, for k = 1 ..= gamma; `None` where that never happened.
    pub(crate) fn conditional(&self) -> Vec<Option<f64>> {
        let pairs = self.stood.windows(2);
        pairs
            .map(|w| match w {
                [before, after] if *before > 0 => Some(*after as f64 / *before as f64),
                _ => None,
            })
            .collect()
    }

    /// Tokens a round: the drafts that stand, and one of the target's.
    pub(crate) fn tokens_per_round(&self) -> f64 {
        1.0 + self.survival().iter().sum::<f64>()
    }

    /// Accepted of those drafts that were looked at: all up to the first that does not stand.
    pub(crate) fn alpha(&self) -> f64 {
        let accepted: u64 = self.stood.iter().skip(1).sum();
        let looked_at: u64 = self
            .stood
            .iter()
            .take(self.stood.len().saturating_sub(1))
            .sum();
        if looked_at == 0 {
            return 0.0;
        }
        accepted as f64 / looked_at as f64
    }
}

/// All rounds by series and draft length.
pub(crate) type Table = BTreeMap<Series, BTreeMap<usize, Rounds>>;

/// The constant acceptance with which rounds of `gamma` drafts gain `tokens` tokens: 1 + a + ... + a^gamma = tokens.
pub(crate) fn geometric_fit(tokens: f64, gamma: usize) -> f64 {
    let gained = |a: f64| (0..=gamma as i32).map(|k| a.powi(k)).sum::<f64>();
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if gained(middle) < tokens {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The file's columns.
const COLUMNS: [&str; 12] = [
    "target",
    "drafter",
    "mode",
    "task",
    "gamma",
    "n_tokens",
    "alpha_per_token",
    "rounds",
    "accepted_per_round",
    "tokens_per_round",
    "alpha_geometric_fit",
    "survival_1..gamma",
];

/// The file as text. Series without rounds are left out.
pub(crate) fn to_csv(table: &Table) -> Result<String, BenchError> {
    let failed = |e: csv::Error| BenchError::Csv(e.to_string());
    let mut writer = csv::Writer::from_writer(vec![]);
    writer.write_record(COLUMNS).map_err(failed)?;
    for (series, lengths) in table {
        for (gamma, rounds) in lengths {
            if *gamma == 0 || rounds.count() == 0 {
                continue;
            }
            let tokens = rounds.tokens_per_round();
            let survival: Vec<String> = rounds
                .survival()
                .iter()
                .map(|s| format!("{s:.6}"))
                .collect();
            let generated = rounds.count() as f64 * tokens;
            let record = [
                series.target.clone(),
                series.drafter.clone(),
                series.mode.clone(),
                series.task.clone(),
                gamma.to_string(),
                format!("{generated:.0}"),
                format!("{:.6}", rounds.alpha()),
                rounds.count().to_string(),
                format!("{:.6}", tokens - 1.0),
                format!("{tokens:.6}"),
                format!("{:.6}", geometric_fit(tokens, *gamma)),
                survival.join(";"),
            ];
            writer.write_record(record).map_err(failed)?;
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|e| BenchError::Csv(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| BenchError::Csv(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use spec_cost::{Acceptance, AcceptanceFilter};

    fn rounds(gamma: usize, accepted: &[usize]) -> Rounds {
        let mut rounds = Rounds::new(gamma);
        for n in accepted {
            rounds.add(&RoundStats {
                drafted: gamma,
                accepted: *n,
                ..RoundStats::default()
            });
        }
        rounds
    }

    fn series(drafter: &str, task: &str) -> Series {
        Series {
            target: "a, model:f16".to_owned(),
            drafter: drafter.to_owned(),
            mode: "greedy".to_owned(),
            task: task.to_owned(),
        }
    }

    #[test]
    fn rounds_are_counted() {
        let mut r = rounds(3, &[0, 1, 3, 3]);
        assert_eq!(r.survival(), [0.75, 0.5, 0.5]);
        assert_eq!(r.conditional(), [Some(0.75), Some(2.0 / 3.0), Some(1.0)]);
        assert_eq!((r.count(), r.tokens_per_round()), (4, 2.75));
        assert!(
            (r.alpha() - 7.0 / 9.0).abs() < 1e-12,
            "7 of 4 + 3 + 2 drafts"
        );
        r.add(&RoundStats {
            drafted: 2,
            accepted: 2,
            ..RoundStats::default()
        });
        assert_eq!(r.count(), 4, "a shorter round is no round of 3");
        r.merge(&rounds(3, &[0]));
        assert_eq!(r.survival(), [0.6, 0.4, 0.4]);
        assert_eq!(rounds(2, &[0]).conditional(), [Some(0.0), None]);
        assert!((geometric_fit(1.0 + 0.8 + 0.64, 2) - 0.8).abs() < 1e-9);
        assert!(geometric_fit(4.0, 3) > 0.999_999);
    }

    /// What is written is what the cost model computes with, without scaling; pairs of data types are told apart.
    #[test]
    fn the_cost_model_reads_it() {
        let mut table = Table::new();
        for (drafter, accepted) in [
            ("d:i4g32", vec![0, 1, 3, 3, 2, 3, 3]),
            ("d:i8", vec![3, 3, 3]),
        ] {
            for task in ["all", "code"] {
                let lengths = table.entry(series(drafter, task)).or_default();
                lengths.insert(3, rounds(3, &accepted));
                let one: Vec<usize> = accepted.iter().map(|n| *n.min(&1)).collect();
                lengths.insert(1, rounds(1, &one));
                lengths.insert(2, Rounds::new(2)); // nothing measured
            }
        }
        let text = to_csv(&table).expect("text");
        let filter = |drafter: &str, task: Option<&str>| AcceptanceFilter {
            target: Some("a, model:f16".to_owned()),
            drafter: Some(drafter.to_owned()),
            mode: Some("greedy".to_owned()),
            task: task.map(str::to_owned),
        };
        let read = |f| Acceptance::parse_csv(&text, "acceptance.csv", &f).expect(&text);
        let base = read(filter("d:i8", None));
        assert_eq!(base.tokens_per_round(3), 4.0);
        let own = read(filter("d:i4g32", Some("code")));
        let expected = rounds(3, &[0, 1, 3, 3, 2, 3, 3]);
        for (a, b) in own.survival(3).iter().zip(expected.survival()) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
        assert!((own.mean_alpha() - rounds(1, &[0, 1, 1, 1, 1, 1, 1]).alpha()).abs() < 1e-5);
        assert!(
            own.notes().iter().all(|n| !n.contains("scaled")),
            "{:?}",
            own.notes()
        );
        let types = |t: &str| spec_cost::DType::parse(t).expect("a type");
        let both = base.with_pair(types("i4g32"), types("f16"), own);
        assert!(both.for_pair(types("i4g32"), types("f16")).1);
        assert!(!both.for_pair(types("i8"), types("f16")).1);
    }
}
