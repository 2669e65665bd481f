//! What the program prints.

use crate::calibrate::Line;
use crate::noise::WIDTH;
use crate::results::{CLOSE, Errors, Results};
use std::fmt::Write as _;

/// An error with what caused it.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

/// One line that is written over, on a terminal.
pub(crate) struct Progress {
    on: bool,
    done: usize,
    all: usize,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        use std::io::IsTerminal as _;
        Self {
            on: !quiet && std::io::stderr().is_terminal(),
            done: 0,
            all: 0,
        }
    }

    /// Number of runs to come.
    pub(crate) fn all(&mut self, runs: usize) {
        self.all = runs;
    }

    pub(crate) fn tick(&mut self, prompt: &str) {
        self.done += 1;
        if self.on {
            let of = if self.all > 0 {
                format!(" of {}", self.all)
            } else {
                String::new()
            };
            eprint!("\rrun {}{of}: {prompt:<28}", self.done);
        }
    }

    pub(crate) fn end(&self) {
        if self.on && self.done > 0 {
            eprintln!();
        }
    }
}

/// Tokens a round by series and draft length, and what other prompts would change.
pub(crate) fn acceptance(lines: &[Line]) -> String {
    let mut out = String::new();
    let mut before = None;
    for line in lines {
        let s = &line.series;
        if before != Some(s) {
            let names = [&s.target, &s.drafter, &s.mode, &s.task].map(String::as_str);
            let _ = writeln!(out, "{}: tokens a round", names.join(" / "));
        }
        before = Some(s);
        let _ = writeln!(
            out,
            "{:>4} drafts {:>7.3}{}  in {} rounds",
            line.draft_length,
            line.tokens_per_round,
            margin(line.standard_error, 3),
            line.rounds
        );
    }
    out
}

/// Half the width of an interval of 95 %.
fn margin(standard_error: Option<f64>, digits: usize) -> String {
    standard_error.map_or_else(String::new, |e| format!(" +-{:.digits$}", WIDTH * e))
}

/// One line a configuration, and the verdict.
pub(crate) fn table(results: &Results) -> String {
    let mut out = format!(
        "{:<21} {:<11} {:>6} {:>9} {:>14} {:>14} {:>7} {:>11} {:>8} {:>7}\n",
        "bundle",
        "schedule",
        "drafts",
        "tokens/s",
        "speed-up",
        "predicted",
        "error",
        "acceptance",
        "latency",
        "a round"
    );
    for row in &results.rows {
        let (c, m) = (&row.configuration, &row.measured);
        let label = results.bundles.get(c.bundle).map_or("", |b| &b.label);
        let times = |x: f64, e: Option<f64>| {
            let e = e.filter(|_| c.draft_length > 0);
            format!("{x:.3}{}", margin(e, 3))
        };
        let percent = |x: f64| match c.draft_length {
            0 => "-".to_owned(),
            _ => format!("{x:+.1}%"),
        };
        let [predicted, error, acceptance, latency] = match &row.predicted {
            Some(p) => [
                times(p.speed_up, p.standard_error),
                percent(p.error),
                percent(p.acceptance_error),
                percent(p.latency_error),
            ],
            None => ["-"; 4].map(str::to_owned),
        };
        let _ = writeln!(
            out,
            "{label:<21} {:<11} {:>6} {:>9.2} {:>14} {predicted:>14} {error:>7} {acceptance:>11} {latency:>8} {:>7.2}",
            c.schedule.name(),
            c.length(),
            m.tokens_per_second,
            times(m.speed_up, m.standard_error),
            m.tokens_per_round
        );
        if c.auto {
            let _ = writeln!(out, "{:>40} {}", "rounds by drafts:", shares(&row.lengths));
        }
    }
    verdict(results, &mut out);
    for note in &results.sources.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out
}

/// Of all rounds those with 0, 1, 2 ... drafts, percent.
fn shares(lengths: &[u64]) -> String {
    let all: u64 = lengths.iter().sum();
    let share = |(n, count): (usize, &u64)| {
        let percent = 100.0 * *count as f64 / all.max(1) as f64;
        (*count > 0).then(|| format!("{n}: {percent:.0} %"))
    };
    let shares: Vec<String> = lengths.iter().enumerate().filter_map(share).collect();
    shares.join(", ")
}

fn verdict(results: &Results, out: &mut String) {
    let v = &results.verdict;
    let rows = [
        ("all tasks together", &v.pooled),
        ("each task by its own acceptance", &v.by_task),
    ];
    for (what, errors) in rows {
        if let Some(e) = errors {
            let _ = writeln!(out, "error of the predicted speed-up, {what}: {}", said(e));
        }
    }
    if let (Some(loss), Some(good)) = (v.choice_loss, v.choice_is_good) {
        let word = if good { "as good as" } else { "worse than" };
        let _ = writeln!(
            out,
            "the predicted best is {word} the measured best: {loss:.1} % slower (up to {CLOSE} % is as good)"
        );
    }
    for (row, loss) in &v.chosen_losses {
        let Some(row) = results.rows.get(*row) else {
            continue;
        };
        let _ = writeln!(
            out,
            "lengths chosen in the run, {}: {:.3} times plain decoding, {}",
            row.configuration.schedule.name(),
            row.measured.speed_up,
            beside_the_best(*loss)
        );
    }
}

/// How a choice in the run stands beside the best fixed length; `loss` in percent.
pub(crate) fn beside_the_best(loss: f64) -> String {
    let word = if loss < 0.0 { "faster" } else { "slower" };
    format!("{:.1} % {word} than the best fixed length", loss.abs())
}

/// Errors in words.
fn said(e: &Errors) -> String {
    let pair = |(median, worst): (f64, f64)| format!("median {median:.1} %, worst {worst:.1} %");
    let mut text = format!(
        "{} of {} predictions\n  of tokens a round (acceptance): {}\n  at the tokens a round that were measured (latency): {}",
        pair(e.total),
        e.compared,
        pair(e.acceptance),
        pair(e.latency)
    );
    if e.within_noise.1 > 0 {
        let (within, known) = e.within_noise;
        let _ = write!(
            text,
            "\n  {within} of {known} lie within the noise of the prompts (95 %)"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_all_rounds() {
        assert_eq!(shares(&[1, 0, 3]), "0: 25 %, 2: 75 %");
        assert_eq!(shares(&[]), "");
        assert_eq!(
            beside_the_best(-1.26),
            "1.3 % faster than the best fixed length"
        );
    }

    #[test]
    fn the_table_tells_both_errors_apart() {
        let results = crate::results::tests::sample();
        let text = table(&results);
        let lines = text
            .lines()
            .filter(|l| l.starts_with("errs") || l.starts_with("<right>"));
        assert_eq!(lines.count(), results.rows.len());
        for part in [
            "(acceptance)",
            "(latency)",
            "within the noise",
            "rounds by drafts:",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
