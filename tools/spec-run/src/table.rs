//! The report as a table of two columns.

use crate::compare::difference;
use crate::report::{CompareLine, DecodeLine, ModelLine, PlanLine, Report};
use std::fmt::Write as _;

mod plan;

/// The table, with a line break at the end. `verbose`: with all ways to decode that a plan made here weighed.
pub fn table(report: &Report, verbose: bool) -> String {
    let mut rows = Rows::default();
    let (prompt, decode) = (&report.prompt, &report.decode);
    for model in &report.models {
        rows.add(model.role, self::model(model));
    }
    rows.add("prompt", {
        let mut text = tokens(prompt.tokens);
        if prompt.tokens > 1 {
            let _ = write!(
                text,
                ", prefill {} ({:.1} tokens/s)",
                time(prompt.prefill_seconds),
                prompt.tokens_per_second
            );
        }
        text
    });
    let end = match (report.output.finish, report.output.stop_token) {
        ("stop", Some(token)) => format!("ended by token {token}"),
        ("max_tokens", _) => "as many as asked for".into(),
        ("context", _) => "the context is full".into(),
        (other, _) => other.into(),
    };
    rows.add(
        "generated",
        format!(
            "{} in {}, {:.2} tokens/s; {end}",
            tokens(decode.tokens),
            time(decode.seconds),
            decode.tokens_per_second
        ),
    );
    rows.add("rounds", {
        let settings = &report.settings;
        let mut text = format!(
            "{}, {:.2} tokens a round; ",
            decode.rounds, decode.tokens_per_round
        );
        match settings.schedule {
            "plain" => text.push_str("plain decoding"),
            schedule => {
                let _ = write!(text, "draft length {}, {schedule}", settings.draft_length);
            }
        }
        if decode.discarded > 0 {
            let _ = write!(text, "; {} drafts made ahead in vain", decode.discarded);
        }
        text
    });
    lengths(decode, &mut rows);
    if let Some(rate) = decode.acceptance_rate {
        rows.add(
            "acceptance",
            format!("{:.1} % of the drafts that were reached", rate * 100.0),
        );
        for p in &decode.acceptance_by_position {
            rows.add(
                &format!("  draft {}", p.position),
                format!("{:5.1} %  {} of {}", p.rate * 100.0, p.accepted, p.reached),
            );
        }
    }
    times(report, &mut rows);
    if let Some(energy) = &report.energy {
        rows.add(
            "energy",
            format!(
                "{:.2} J, {:.3} J a token",
                energy.joules, energy.joules_per_token
            ),
        );
    }
    if let Some(plan) = &report.plan {
        self::plan::rows(plan, report, verbose, &mut rows);
    }
    if let Some(compare) = &report.compare {
        self::compare(compare, report.plan.as_ref(), &mut rows);
    }
    for note in &report.notes {
        rows.add("note", note.clone());
    }
    rows.text()
}

/// Lengths that were chosen in the run.
fn lengths(decode: &DecodeLine, rows: &mut Rows) {
    let (Some(probes), Some(seconds)) = (decode.probes, decode.probe_seconds) else {
        return;
    };
    rows.add("lengths", {
        let mut text = "chosen in the run".to_owned();
        if probes > 0 {
            let _ = write!(
                text,
                "; {probes} probes, {} beyond plain decoding",
                time(seconds)
            );
        }
        text
    });
    for line in &decode.lengths {
        let mut text = format!("{:5} rounds", line.rounds);
        if let Some(expected) = line.expected_tokens_per_second {
            let _ = write!(text, "; {expected:.2} tokens/s expected at the end");
        }
        let name = match line.drafts {
            1 => "  1 draft".to_owned(),
            n => format!("  {n} drafts"),
        };
        rows.add(&name, text);
    }
}

fn model(model: &ModelLine) -> String {
    let mut parts = vec![];
    parts.extend(model.name.clone());
    parts.extend(model.dtype.clone());
    parts.push(match (model.device.as_str(), model.cores) {
        ("cpu", 1) => "CPU, 1 core".to_owned(),
        ("cpu", n) => format!("CPU, {n} cores"),
        (device, _) => device.to_owned(),
    });
    parts.join(", ")
}

fn times(report: &Report, rows: &mut Rows) {
    let times = &report.times;
    if times.total_seconds <= 0.0 {
        return;
    }
    let line = |seconds: f64| {
        format!(
            "{:>10}  {:5.1} %",
            time(seconds),
            seconds / times.total_seconds * 100.0
        )
    };
    rows.add("time", line(times.total_seconds));
    let parts = [
        ("  draft", times.draft_seconds),
        ("  verify", times.verify_seconds),
        ("  hand-off", times.handoff_seconds),
        ("  sampling", times.sampling_seconds),
        ("  other", times.other_seconds),
    ];
    let plain = report.settings.schedule == "plain";
    for (name, seconds) in parts {
        match name {
            "  draft" if plain => {}
            "  verify" if plain => rows.add("  model", line(seconds)),
            _ => rows.add(name, line(seconds)),
        }
    }
    rows.add(
        "  outside",
        format!(
            "{:.1} % outside of the models",
            times.outside_of_models_percent
        ),
    );
    if times.draft_beside_verify_seconds > 0.0 {
        rows.add(
            "  beside",
            format!(
                "{} of drafting beside verification, not counted",
                time(times.draft_beside_verify_seconds)
            ),
        );
    }
}

fn compare(compare: &CompareLine, plan: Option<&PlanLine>, rows: &mut Rows) {
    let Some(summary) = &compare.summary else {
        rows.add("compared", "ended before there was a pair of runs".into());
        return;
    };
    let count = compare.pairs.len();
    let pairs = if count == 1 {
        "1 pair of runs".to_owned()
    } else {
        format!("medians of {count} pairs of runs")
    };
    let early = if compare.complete {
        ""
    } else {
        ", ended early"
    };
    rows.add("compared", pairs + early);
    rows.add(
        "  speculative",
        format!("{:.2} tokens/s", summary.speculative_tokens_per_second),
    );
    let cores = compare.plain_cores.map_or_else(String::new, |n| {
        format!(", on {n} cores as the plan's baseline")
    });
    rows.add(
        "  plain",
        format!("{:.2} tokens/s{cores}", summary.plain_tokens_per_second),
    );
    let mut text = format!(
        "{:.3} ({:.3} to {:.3})",
        summary.speed_up, summary.lowest, summary.highest
    );
    if let Some(plan) = plan.filter(|p| p.speed_up_error_percent.is_some()) {
        let _ = write!(
            text,
            ", predicted {:.3}: {}",
            plan.speed_up,
            difference(plan.speed_up, summary.speed_up)
        );
    }
    rows.add("  speed-up", text);
    let equal = match compare.tokens_equal {
        Some(true) => "the same both ways",
        Some(false) => "differ",
        None => "not compared: they are sampled at random",
    };
    rows.add("  tokens", equal.into());
    rows.add("verdict", summary.verdict.clone());
}

#[derive(Default)]
struct Rows(Vec<(String, String)>);

impl Rows {
    fn add(&mut self, name: &str, text: String) {
        self.0.push((name.to_owned(), text));
    }

    fn text(&self) -> String {
        let width = self.0.iter().map(|(n, _)| n.len()).max().unwrap_or(0);
        let mut out = String::new();
        for (name, text) in &self.0 {
            let _ = writeln!(out, "{name:width$}  {text}");
        }
        out
    }
}

fn tokens(n: usize) -> String {
    if n == 1 {
        "1 token".into()
    } else {
        format!("{n} tokens")
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 10.0 => format!("{s:.1} s"),
        s if s >= 1.0 => format!("{s:.3} s"),
        s if s >= 1e-2 => format!("{:.1} ms", s * 1e3),
        s => format!("{:.3} ms", s * 1e3),
    }
}

#[cfg(test)]
#[path = "table/tests.rs"]
mod tests;
