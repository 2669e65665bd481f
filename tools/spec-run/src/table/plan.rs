//! The rows about the plan.

use super::Rows;
use crate::compare::difference;
use crate::report::{MadeHere, PlanLine, Report};
use spec_cost::Strategy;
use spec_profile::choose::Way;
use std::fmt::Write as _;

/// What the plan says, how well it predicted, and, if it was made here, of what.
pub fn rows(plan: &PlanLine, report: &Report, verbose: bool, rows: &mut Rows) {
    let summary = report.compare.as_ref().and_then(|c| c.summary.as_ref());
    let measured = summary.map_or(report.decode.tokens_per_second, |s| {
        s.speculative_tokens_per_second
    });
    let mut text = match plan.draft_length {
        0 => "plain decoding".to_owned(),
        n => format!("draft length {n}, {}", plan.strategy),
    };
    if let Some(predicted) = plan.tokens_per_second {
        let _ = write!(text, "; predicted {predicted:.2} tokens/s");
        if plan.tokens_per_second_error_percent.is_some() {
            let _ = write!(text, " ({})", difference(predicted, measured));
        }
    }
    if let Some(acceptance) = plan.acceptance {
        let _ = write!(
            text,
            ", for an acceptance rate of {:.1} %",
            acceptance * 100.0
        );
    }
    if !plan.followed {
        text.push_str(match report.decode.probes {
            Some(_) => "; lengths were chosen in the run",
            None => "; not followed",
        });
    }
    let Some(made) = &plan.made_here else {
        rows.add("plan", text);
        return;
    };
    rows.add(&format!("plan ({})", plan.source), text);
    rows.add("  choice", choice(plan, made));
    if let Some(source) = &made.acceptance_source {
        rows.add("  assumed", format!("acceptance of {source}"));
    }
    if let Some(at) = &made.at_measured_acceptance {
        let rate = report.decode.acceptance_rate.unwrap_or_default();
        let text = format!(
            "predicted {:.2} tokens/s ({}) for the {:.1} % that were accepted",
            at.tokens_per_second,
            difference(at.tokens_per_second, measured),
            rate * 100.0
        );
        rows.add("  accepted", text);
    }
    for way in made.candidates.iter().filter(|_| verbose) {
        rows.add(&name(way), candidate(way));
    }
}

fn choice(plan: &PlanLine, made: &MadeHere) -> String {
    let longest = made.candidates.iter().map(|w| w.draft_length).max();
    let mut text = format!("of 0 to {} drafts", longest.unwrap_or(0));
    let overlapped = |w: &Way| w.schedule == Strategy::Overlapped;
    if made.candidates.iter().any(overlapped) {
        text.push_str(", sequential or overlapped");
    }
    let _ = write!(
        text,
        ", for contexts of {} to {} tokens: {:.3} times as fast as plain decoding",
        made.shortest_context, made.longest_context, plan.speed_up
    );
    if let Some(plain) = plan.baseline_tokens_per_second {
        let _ = write!(text, " at {plain:.2} tokens/s");
    }
    text
}

fn name(way: &Way) -> String {
    match way.schedule {
        Strategy::Autoregressive => "  plain".to_owned(),
        schedule => format!("  {} {schedule}", way.draft_length),
    }
}

fn candidate(way: &Way) -> String {
    let guess = if way.measured { "" } else { ", not measured" };
    format!(
        "{:8.2} tokens/s, {:.3} times{guess}",
        way.tokens_per_second, way.speed_up
    )
}
