//! What the program prints.

use crate::acceptance::Table;
use crate::bench::Run;
use crate::results::{CLOSE, Results};
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

    pub(crate) fn tick(&mut self, run: &Run) {
        self.done += 1;
        if self.on {
            let of = if self.all > 0 {
                format!(" of {}", self.all)
            } else {
                String::new()
            };
            eprint!("\rrun {}{of}: {:<24}", self.done, run.prompt);
        }
    }

    pub(crate) fn end(&self) {
        if self.on && self.done > 0 {
            eprintln!();
        }
    }
}

/// Tokens a round by series and draft length.
pub(crate) fn acceptance(table: &Table) -> String {
    let mut out = String::new();
    for (series, lengths) in table {
        let _ = write!(
            out,
            "{} / {} / {} / {}: tokens a round",
            series.target, series.drafter, series.mode, series.task
        );
        for (gamma, rounds) in lengths {
            let _ = write!(out, "  {gamma}: {:.2}", rounds.tokens_per_round());
        }
        out.push('\n');
    }
    out
}

/// One line a configuration, and the verdict.
pub(crate) fn table(results: &Results) -> String {
    let mut out = "bundle                schedule    drafts  tokens/s  speed-up  spread  predicted   error  tokens a round\n".to_owned();
    for row in &results.rows {
        let c = &row.configuration;
        let label = results.bundles.get(c.bundle).map_or("", |b| &b.label);
        let (predicted, error) = match &row.predicted {
            Some(p) => (format!("{:.2}x", p.speed_up), format!("{:+.1}%", p.error)),
            None => ("-".to_owned(), "-".to_owned()),
        };
        let _ = writeln!(
            out,
            "{label:<21} {:<11} {:>6} {:>9.2} {:>8.2}x {:>7.2} {predicted:>10} {error:>7} {:>15.2}",
            c.schedule.name(),
            c.draft_length,
            row.tokens_per_second,
            row.speed_up,
            row.spread,
            row.tokens_per_round
        );
    }
    let v = &results.verdict;
    if let (Some(median), Some(worst)) = (v.median_error, v.worst_error) {
        let _ = writeln!(
            out,
            "error of the predicted speed-up: median {median:.1} %, worst {worst:.1} %, of {} configurations",
            v.compared
        );
    }
    if let (Some(loss), Some(good)) = (v.choice_loss, v.choice_is_good) {
        let word = if good { "as good as" } else { "worse than" };
        let _ = writeln!(
            out,
            "the predicted best is {word} the measured best: {loss:.1} % slower (up to {CLOSE} % is as good)"
        );
    }
    for note in &results.sources.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out
}
