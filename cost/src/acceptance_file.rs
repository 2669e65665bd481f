//! The CSV file of measured acceptance: its columns, its checks, and the choice of one series.

use crate::CostError;
use crate::acceptance::AcceptanceFilter;
use crate::formulas::MAX_DRAFT_LENGTH;
use std::collections::BTreeSet;

/// One line of the file.
pub(crate) struct Row {
    pub(crate) line: usize,
    /// target, drafter, mode, task.
    pub(crate) series: [String; 4],
    pub(crate) gamma: u32,
    pub(crate) alpha: f64,
    /// Tokens a round, measured.
    pub(crate) tokens: f64,
    pub(crate) survival: Vec<f64>,
}

impl Row {
    /// Conditional acceptances whose survival sums to the measured tokens, and the factor that was needed.
    pub(crate) fn curve(&self) -> (Vec<f64>, f64) {
        let mut previous = 1.0;
        let mut conditional = Vec::with_capacity(self.survival.len());
        for s in &self.survival {
            conditional.push(if previous > 0.0 {
                (s / previous).min(1.0)
            } else {
                0.0
            });
            previous = *s;
        }
        let scaled = |x: f64| {
            conditional
                .iter()
                .map(|a| (a * x).min(1.0))
                .collect::<Vec<f64>>()
        };
        let tokens = |x: f64| {
            let mut product = 1.0;
            1.0 + scaled(x)
                .iter()
                .map(|a| {
                    product *= a;
                    product
                })
                .sum::<f64>()
        };
        if (tokens(1.0) - self.tokens).abs() < 1e-3 {
            return (conditional, 1.0);
        }
        let (mut low, mut high) = (0.0, 64.0);
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if tokens(middle) < self.tokens {
                low = middle
            } else {
                high = middle
            }
        }
        (scaled(high), high)
    }
}

const NEEDED: [&str; 8] = [
    "target",
    "drafter",
    "mode",
    "task",
    "gamma",
    "alpha_per_token",
    "tokens_per_round",
    "survival_1..gamma",
];
const KNOWN: [&str; 5] = [
    "n_tokens",
    "beta_mean",
    "rounds",
    "accepted_per_round",
    "alpha_geometric_fit",
];

/// Reads all rows, checking columns and ranges.
pub(crate) fn parse_rows(text: &str, path: &str) -> Result<Vec<Row>, CostError> {
    let fail = |line: usize, message: String| CostError::File {
        path: path.to_string(),
        line,
        message,
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|e| fail(1, e.to_string()))?
        .clone();
    if let Some(odd) = header
        .iter()
        .find(|h| !NEEDED.contains(h) && !KNOWN.contains(h))
    {
        return Err(fail(
            1,
            format!("unknown column '{odd}'; needed: {}", NEEDED.join(", ")),
        ));
    }
    let mut columns = [0; NEEDED.len()];
    for (column, name) in columns.iter_mut().zip(NEEDED) {
        let found = header.iter().position(|h| h == name);
        *column = found.ok_or_else(|| fail(1, format!("column '{name}' is missing")))?;
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record
            .map_err(|e| fail(e.position().map_or(1, |p| p.line() as usize), e.to_string()))?;
        let line = record.position().map_or(0, |p| p.line() as usize);
        let field = |i: usize| record.get(columns[i]).unwrap_or("");
        let row = parse_row(&field).map_err(|message| fail(line, message))?;
        rows.push(Row { line, ..row });
    }
    Ok(rows)
}

fn parse_row<'a>(field: &impl Fn(usize) -> &'a str) -> Result<Row, String> {
    let number = |i: usize, low: f64, high: f64| -> Result<f64, String> {
        let value = field(i)
            .parse::<f64>()
            .ok()
            .filter(|x| (low..=high).contains(x));
        value.ok_or_else(|| {
            format!(
                "{}: '{}' is not a number in {low}..={high}",
                NEEDED[i],
                field(i)
            )
        })
    };
    let gamma = number(4, 1.0, f64::from(MAX_DRAFT_LENGTH))?;
    if gamma.fract() != 0.0 {
        return Err(format!("gamma: {gamma} is not whole"));
    }
    let mut survival = Vec::new();
    for text in field(7).split(';') {
        let value = text
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|x| (0.0..=1.0).contains(x));
        let value = value.ok_or_else(|| format!("{}: '{text}' is not a probability", NEEDED[7]))?;
        if survival.last().is_some_and(|last| value > last + 1e-9) {
            return Err(format!(
                "{}: {value} is above the probability before it",
                NEEDED[7]
            ));
        }
        survival.push(value);
    }
    if survival.len() != gamma as usize {
        return Err(format!(
            "{}: {} values for gamma {gamma}",
            NEEDED[7],
            survival.len()
        ));
    }
    Ok(Row {
        line: 0,
        series: [0, 1, 2, 3].map(|i| field(i).to_string()),
        gamma: gamma as u32,
        alpha: number(5, 0.0, 1.0)?,
        tokens: number(6, 1.0, gamma + 1.0)?,
        survival,
    })
}

/// The rows of the one series that the filter selects.
pub(crate) fn select<'a>(
    rows: &'a [Row],
    path: &str,
    filter: &AcceptanceFilter,
) -> Result<Vec<&'a Row>, CostError> {
    if rows.is_empty() {
        return Err(CostError::input(format!("{path}: no rows")));
    }
    let wanted = [&filter.target, &filter.drafter, &filter.mode, &filter.task];
    let keep = |r: &&Row| {
        wanted
            .iter()
            .zip(&r.series)
            .all(|(w, s)| w.as_ref().is_none_or(|w| w == s))
    };
    let mut kept: Vec<&Row> = rows.iter().filter(keep).collect();
    if filter.task.is_none() && kept.iter().any(|r| r.series[3] == "all") {
        kept.retain(|r| r.series[3] == "all");
    }
    let series: BTreeSet<String> = kept.iter().map(|r| r.series.join("/")).collect();
    let list = |set: &BTreeSet<String>| {
        let shown: Vec<&str> = set.iter().take(12).map(String::as_str).collect();
        let more = if set.len() > 12 { ", ..." } else { "" };
        format!("{}{more}", shown.join(", "))
    };
    match series.len() {
        1 => Ok(kept),
        0 => {
            let all = rows.iter().map(|r| r.series.join("/")).collect();
            Err(CostError::input(format!(
                "{path}: no row matches the filter; target/drafter/mode/task of the file: {}",
                list(&all)
            )))
        }
        n => Err(CostError::input(format!(
            "{path}: {n} series match; choose one by target, drafter, mode and task: {}",
            list(&series)
        ))),
    }
}
