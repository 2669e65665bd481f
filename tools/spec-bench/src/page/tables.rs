//! Figures in words, and tables.

use super::{drafts, escape};
use crate::results::{CLOSE, Results, Row};
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

/// What a configuration is called.
fn called(results: &Results, row: &Row) -> String {
    let c = &row.configuration;
    let label = results.bundles.get(c.bundle).map_or("", |b| &b.label);
    match c.draft_length {
        0 => format!("{}, plain", escape(label)),
        n => format!("{}, {}, {}", escape(label), c.schedule.name(), drafts(n)),
    }
}

/// The answer, before all details.
pub(super) fn lead(results: &Results) -> String {
    let v = &results.verdict;
    let mut out = "<ul class=\"figures\">\n".to_owned();
    let mut figure = |number: &str, class: &str, text: &str| {
        let _ = writeln!(
            out,
            "<li><strong class=\"{class}\">{number}</strong><span>{text}</span></li>"
        );
    };
    if let Some(best) = v.best.and_then(|i| results.rows.get(i)) {
        let text = format!(
            "fastest as measured: {}, {:.2} tokens a second, relative to the fastest plain decoding",
            called(results, best),
            best.tokens_per_second
        );
        figure(&format!("{:.2}&times;", best.speed_up_over_best), "", &text);
    }
    match (v.median_error, v.worst_error) {
        (Some(median), Some(worst)) => {
            let text = format!(
                "median error of the predicted speed-up over {} configurations; the worst is {worst:.1} %",
                v.compared
            );
            figure(&format!("{median:.1} %"), "", &text);
        }
        _ => figure(
            "none",
            "",
            "no predictions: see the notes under Conditions and sources",
        ),
    }
    if let (Some(choice), Some(loss), Some(good)) = (
        v.choice.and_then(|i| results.rows.get(i)),
        v.choice_loss,
        v.choice_is_good,
    ) {
        let class = if good { "good" } else { "bad" };
        let word = if good { "good choice" } else { "poor choice" };
        let text = format!(
            "the cost model chooses {}, {loss:.1} % slower than the measured best (up to {CLOSE} % counts as good)",
            called(results, choice)
        );
        figure(word, class, &text);
    }
    let drafting = results
        .runs
        .iter()
        .filter(|r| r.same_as_plain.is_some())
        .count();
    if drafting > 0 {
        let (word, class) = if v.differing == 0 {
            ("identical", "good")
        } else {
            ("different", "bad")
        };
        let text = format!(
            "tokens of {} of {drafting} speculative runs are those of plain greedy decoding",
            drafting - v.differing
        );
        figure(word, class, &text);
    }
    out.push_str("</ul>\n");
    out
}

/// All configurations.
pub(super) fn configurations(results: &Results) -> String {
    let columns = [
        "configuration",
        "tokens/s",
        "speed-up",
        "spread",
        "predicted tokens/s",
        "predicted speed-up",
        "error of speed-up",
        "error of tokens/s",
        "over best plain",
        "predicted over best plain",
        "tokens a round",
        "predicted tokens a round",
        "c",
        "v",
    ];
    let mut content = String::new();
    for (i, row) in results.rows.iter().enumerate() {
        let mut name = called(results, row);
        if results.verdict.best == Some(i) {
            name.push_str(" <span class=\"mark\">(best measured)</span>");
        }
        if results.verdict.choice == Some(i) {
            name.push_str(" <span class=\"mark\">(predicted best)</span>");
        }
        let p = row.predicted.as_ref();
        let opt = |x: Option<String>| x.unwrap_or_else(|| "&ndash;".to_owned());
        let list = [
            name,
            format!("{:.2}", row.tokens_per_second),
            format!("{:.3}", row.speed_up),
            format!("{:.3}", row.spread),
            opt(p.map(|p| format!("{:.2}", p.prediction.tokens_per_second))),
            opt(p.map(|p| format!("{:.3}", p.speed_up))),
            opt(p.map(|p| format!("{:+.1} %", p.error))),
            opt(p.map(|p| format!("{:+.1} %", p.rate_error))),
            format!("{:.3}", row.speed_up_over_best),
            opt(p.map(|p| format!("{:.3}", p.speed_up_over_best))),
            format!("{:.2}", row.tokens_per_round),
            opt(p.map(|p| format!("{:.2}", p.prediction.tokens_per_round))),
            opt(p
                .filter(|p| p.prediction.c > 0.0)
                .map(|p| format!("{:.3}", p.prediction.c))),
            opt(p.map(|p| format!("{:.3}", p.prediction.v))),
        ];
        let class = if row.configuration.draft_length == 0 {
            "plain"
        } else {
            ""
        };
        cells(&mut content, class, &list);
    }
    let note = "<p>c is a drafter step and v a verification, both relative to a step of the target, as the cost model has them.</p>\n";
    table(
        "All configurations, measured and predicted",
        &columns,
        &content,
    ) + note
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
        let rounds = row.tokens as f64 / row.tokens_per_round;
        let mut list = vec![called(results, row)];
        list.extend(row.shares.iter().map(|s| format!("{:.1} %", s * 100.0)));
        list.push(format!("{:.2}", row.seconds / rounds * 1e3));
        let class = if row.configuration.draft_length == 0 {
            "plain"
        } else {
            ""
        };
        cells(&mut content, class, &list);
    }
    let note = "<p>Overlapped rounds run both models at once, so their shares may add up to more than 100 %.</p>\n";
    table("Shares of the decoding time", &columns, &content) + note
}

/// By task: tokens a second and speed-up.
pub(super) fn tasks(results: &Results) -> String {
    let mut names: Vec<&String> = results
        .rows
        .iter()
        .flat_map(|r| r.tasks.iter().map(|t| &t.0))
        .collect();
    names.sort();
    names.dedup();
    let heads: Vec<String> = names
        .iter()
        .flat_map(|n| {
            [
                format!("{}, tokens/s", escape(n)),
                format!("{}, speed-up", escape(n)),
            ]
        })
        .collect();
    let mut columns = vec!["configuration"];
    columns.extend(heads.iter().map(String::as_str));
    let mut content = String::new();
    for row in &results.rows {
        let mut list = vec![called(results, row)];
        for name in &names {
            let found = row.tasks.iter().find(|t| t.0 == **name);
            let (rate, speed_up) = found.map_or((0.0, 0.0), |t| (t.1, t.2));
            list.extend([format!("{rate:.2}"), format!("{speed_up:.3}")]);
        }
        let class = if row.configuration.draft_length == 0 {
            "plain"
        } else {
            ""
        };
        cells(&mut content, class, &list);
    }
    table("Measured by task", &columns, &content)
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
