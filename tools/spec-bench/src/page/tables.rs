//! Figures in words, and tables.

use super::{drafts, escape};
use crate::noise::WIDTH;
use crate::results::{Predicted, Results, Row};
use std::fmt::Write as _;

/// A row of a table: the first cell is its heading.
fn cells(out: &mut String, class: &str, cells: &[String]) {
    let class = if class.is_empty() {
        String::new()
    } else {
        format!(" class=\"{class}\"")
    };
    let _ = write!(out, "<tr{class}>");
    for (i, cell) in cells.iter().enumerate() {
        if i == 0 {
            let _ = write!(out, "<th scope=\"row\">{cell}</th>");
        } else {
            let _ = write!(out, "<td>{cell}</td>");
        }
    }
    out.push_str("</tr>\n");
}

fn table(caption: &str, columns: &[&str], content: &str) -> String {
    let heads: Vec<String> = columns
        .iter()
        .map(|c| format!("<th scope=\"col\">{c}</th>"))
        .collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table>\n<caption>{caption}</caption>\n\
         <thead><tr>{}</tr></thead>\n<tbody>\n{content}</tbody>\n</table></div>\n",
        heads.concat()
    )
}

/// What a configuration is called: with bundle and schedule only where there are several.
pub(super) fn called(results: &Results, row: &Row) -> String {
    let c = &row.configuration;
    let label = results.bundles.get(c.bundle).map_or("", |b| &b.label);
    let mut name = match results.bundles.len() {
        1 => String::new(),
        _ => format!("{}, ", escape(label)),
    };
    let drafting = |r: &&Row| r.configuration.draft_length > 0;
    let others = results.rows.iter().filter(drafting);
    let alike = |r: &Row| r.configuration.schedule == c.schedule;
    if c.draft_length > 0 && !others.into_iter().all(alike) {
        name.push_str(c.schedule.name());
        name.push_str(", ");
    }
    match c.draft_length {
        0 => name + "plain",
        _ if c.auto => name + "chosen in the run",
        n => name + &drafts(n),
    }
}

/// A number with half the width of its interval of 95 %.
pub(super) fn estimate(value: f64, standard_error: Option<f64>) -> String {
    match standard_error {
        Some(e) if e > 0.0 => format!("{value:.3} &plusmn; {:.3}", WIDTH * e),
        _ => format!("{value:.3}"),
    }
}

/// Columns of predictions: speed-up, its error, what that is owed to, and whether it may be chance.
pub(super) const PREDICTED: [&str; 5] = [
    "predicted speed-up",
    "error",
    "acceptance error",
    "latency error",
    "within noise",
];

/// Cells of [`PREDICTED`]; of plain decoding, which is what speed-ups are relative to, none.
pub(super) fn predicted(p: Option<&Predicted>, plain: bool) -> [String; 5] {
    let Some(p) = p.filter(|_| !plain) else {
        return [NONE; 5].map(str::to_owned);
    };
    let within = match p.within_noise {
        Some(true) => "yes",
        Some(false) => "no",
        None => NONE,
    };
    [
        estimate(p.speed_up, p.standard_error),
        percent(p.error),
        percent(p.acceptance_error),
        percent(p.latency_error),
        within.to_owned(),
    ]
}

/// A signed number of percent.
pub(super) fn percent(x: f64) -> String {
    format!("{x:+.1} %").replace('-', "&minus;")
}

/// Stands where there is no number.
const NONE: &str = "&ndash;";

/// All configurations.
pub(super) fn configurations(results: &Results) -> String {
    let mut columns = vec!["configuration", "tokens/s", "speed-up"];
    columns.extend(PREDICTED);
    columns.extend(["tokens a round", "predicted tokens a round"]);
    let mut content = String::new();
    for (i, row) in results.rows.iter().enumerate() {
        let mut name = called(results, row);
        if results.verdict.best == Some(i) {
            name.push_str(" <span class=\"mark\">(best measured)</span>");
        }
        if results.verdict.choice == Some(i) {
            name.push_str(" <span class=\"mark\">(predicted best)</span>");
        }
        let (p, m) = (row.predicted.as_ref(), &row.measured);
        let plain = row.configuration.draft_length == 0;
        let mut list = vec![
            name,
            format!("{:.2}", m.tokens_per_second),
            estimate(m.speed_up, m.standard_error),
        ];
        list.extend(predicted(p, plain));
        list.push(estimate(m.tokens_per_round, m.tokens_per_round_error));
        let tokens = p.map(|p| {
            let tokens = p.guess.prediction.tokens_per_round;
            estimate(tokens, p.guess.relative_standard_error.map(|e| e * tokens))
        });
        list.push(tokens.unwrap_or_else(|| NONE.to_owned()));
        cells(&mut content, class(row), &list);
    }
    let note = "<p>&plusmn; spans 95&nbsp;%, as other prompts of the same tasks would move the number (a bootstrap over prompts). The error of \
        acceptance is that of the tokens a round; the error of latency is that of the speed-up predicted for the tokens a round that \
        were measured; both together make the error. It is within noise if the two intervals explain it.</p>\n";
    table(
        "All configurations, measured and predicted",
        &columns,
        &content,
    ) + note
}

/// Rates and what the cost model makes of a round.
pub(super) fn rates(results: &Results) -> String {
    let columns = [
        "configuration",
        "tokens/s",
        "predicted tokens/s",
        "error",
        "over best plain",
        "predicted over best plain",
        "spread over prompts",
        "drafts a round",
        "c",
        "v",
    ];
    let mut content = String::new();
    for row in &results.rows {
        let p = row.predicted.as_ref();
        let model = p.map(|p| p.guess.prediction);
        let opt = |x: Option<String>| x.unwrap_or_else(|| NONE.to_owned());
        let list = [
            called(results, row),
            format!("{:.2}", row.measured.tokens_per_second),
            opt(model.map(|p| format!("{:.2}", p.tokens_per_second))),
            opt(p.map(|p| percent(p.rate_error))),
            format!("{:.3}", row.speed_up_over_best),
            opt(row.predicted_over_best.map(|x| format!("{x:.3}"))),
            format!("{:.3}", row.spread),
            format!("{:.2}", row.drafts_per_round),
            opt(model.filter(|p| p.c > 0.0).map(|p| format!("{:.3}", p.c))),
            opt(model.map(|p| format!("{:.3}", p.v))),
        ];
        cells(&mut content, class(row), &list);
    }
    let note = "<p>The spread is half the interquartile range of the speed-ups of single prompts. c is a drafter step and v a verification, \
        both relative to a step of the target, as the cost model has them.</p>\n";
    table("Tokens a second", &columns, &content) + note
}

/// Class of a table's row.
fn class(row: &Row) -> &'static str {
    match row.configuration.draft_length {
        0 => "plain",
        _ => "",
    }
}

/// Acceptance by position.
pub(super) fn acceptance(results: &Results) -> String {
    let longest = results
        .acceptance
        .iter()
        .map(|c| c.draft_length)
        .max()
        .unwrap_or(0);
    let positions: Vec<String> = (1..=longest).map(|k| format!("draft {k}")).collect();
    let mut columns = vec!["bundle, task", "rounds", "tokens a round"];
    columns.extend(positions.iter().map(String::as_str));
    let mut content = String::new();
    for curve in &results.acceptance {
        let label = results.bundles.get(curve.bundle).map_or("", |b| &b.label);
        let mut list = vec![
            format!("{}, {}", escape(label), escape(&curve.task)),
            curve.rounds.to_string(),
            format!("{:.2}", 1.0 + curve.survival.iter().sum::<f64>()),
        ];
        let share = |k: usize| curve.conditional.get(k).copied().flatten();
        list.extend(
            (0..longest)
                .map(|k| share(k).map_or_else(|| "&ndash;".to_owned(), |s| format!("{s:.3}"))),
        );
        cells(&mut content, "", &list);
    }
    table(
        "Acceptance of each draft if those before it stand",
        &columns,
        &content,
    )
}

/// Where the time goes.
pub(super) fn shares(results: &Results) -> String {
    let columns = [
        "configuration",
        "drafting",
        "verification",
        "hand-off",
        "sampling",
        "ms a round",
    ];
    let mut content = String::new();
    for row in &results.rows {
        let rounds = row.measured.tokens as f64 / row.measured.tokens_per_round;
        let mut list = vec![called(results, row)];
        list.extend(row.shares.iter().map(|s| format!("{:.1} %", s * 100.0)));
        list.push(format!("{:.2}", row.measured.seconds / rounds * 1e3));
        cells(&mut content, class(row), &list);
    }
    let note = "<p>Overlapped rounds run both models at once, so their shares may add up to more than 100 %.</p>\n";
    table("Shares of the decoding time", &columns, &content) + note
}

/// Each task by itself.
pub(super) fn tasks(results: &Results) -> String {
    let mut columns = vec!["task, configuration", "tokens/s", "speed-up"];
    columns.extend(PREDICTED);
    columns.extend(["tokens a round"]);
    let drafting = || {
        results
            .rows
            .iter()
            .filter(|r| r.configuration.draft_length > 0)
    };
    let mut names: Vec<&str> = drafting()
        .flat_map(|r| r.by_task.iter().map(|t| t.task.as_str()))
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut content = String::new();
    for name in names {
        for row in drafting() {
            for task in row.by_task.iter().filter(|t| t.task == name) {
                let m = &task.measured;
                let mut list = vec![
                    format!("{}: {}", escape(name), called(results, row)),
                    format!("{:.2}", m.tokens_per_second),
                    estimate(m.speed_up, m.standard_error),
                ];
                list.extend(predicted(task.predicted.as_ref(), false));
                list.push(estimate(m.tokens_per_round, m.tokens_per_round_error));
                cells(&mut content, "", &list);
            }
        }
    }
    table(
        "Each task, predicted with its own acceptance",
        &columns,
        &content,
    )
}

/// Where, when, and from what.
pub(super) fn conditions(results: &Results) -> String {
    let (s, c) = (&results.sources, &results.conditions);
    let none = || "none".to_owned();
    let mut rows = vec![
        (
            "machine",
            c.machine.clone().unwrap_or_else(|| "unknown".to_owned()),
        ),
        ("system", format!("{}, {} cores", c.system, c.cores)),
        (
            "load average before",
            c.load_average.map_or_else(none, |l| format!("{l:.2}")),
        ),
        (
            "frequency governor",
            c.governor
                .clone()
                .unwrap_or_else(|| "not readable".to_owned()),
        ),
        ("begun", c.date.clone()),
        ("program", s.tool.clone()),
        ("prompts", s.prompts.clone()),
        (
            "sampling",
            format!(
                "{}, at most {} tokens an answer, {} repetition(s)",
                s.sampling, s.max_tokens, s.repeats
            ),
        ),
        ("device file", s.soc.clone().unwrap_or_else(none)),
        ("profile", s.profile.clone().unwrap_or_else(none)),
        ("acceptance", s.acceptance.clone().unwrap_or_else(none)),
    ];
    for (i, bundle) in results.bundles.iter().enumerate() {
        let mut text = format!("{} in {}", bundle.target.model, bundle.target);
        if let Some(d) = &bundle.drafter {
            let _ = write!(text, ", drafter {} in {d}", d.model);
        }
        if let Some(plan) = &bundle.plan {
            let _ = write!(
                text,
                "; planned {}, {}, {:.2} times",
                drafts(plan.draft_length),
                plan.strategy,
                plan.speed_up
            );
            if let Some(loss) = results.verdict.plan_losses.get(i).copied().flatten() {
                let _ = write!(text, " ({loss:.1} % slower than the bundle's best)");
            }
        }
        rows.push(("bundle", format!("{}: {text}", bundle.label)));
    }
    let mut content = String::new();
    for (name, value) in rows {
        let _ = writeln!(
            content,
            "<tr><th scope=\"row\">{name}</th><td class=\"wrap\">{}</td></tr>",
            escape(&value)
        );
    }
    let mut out = table("Conditions", &["what", "value"], &content);
    if !s.notes.is_empty() {
        out.push_str("<h3>Notes</h3>\n<ul class=\"notes\">\n");
        for note in &s.notes {
            let _ = writeln!(out, "<li>{}</li>", escape(note));
        }
        out.push_str("</ul>\n");
    }
    out
}
