//! One self-contained page: plots as inline SVG, tables beside them, no script, nothing from the network.

mod lead;
mod plots;
mod speed_up;
mod svg;
mod tables;

use crate::results::Results;
use std::fmt::Write as _;

/// Text that is safe in HTML and in attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A number of drafts, in words.
fn drafts(n: usize) -> String {
    match n {
        1 => "1 draft".to_owned(),
        n => format!("{n} drafts"),
    }
}

/// The page.
pub(crate) fn html(results: &Results) -> String {
    let mut out = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>Speculative decoding: measured and predicted</title>\n<style>\n",
    );
    out.push_str(include_str!("page/style.css"));
    out.push_str("</style>\n</head>\n<body>\n<main>\n<h1>Speculative decoding: measured and predicted</h1>\n");
    out.push_str(&lead::lead(results));
    section(&mut out, "speed-up", "Speed-up by draft length", |out| {
        out.push_str(
            "<p>Tokens a second of decoding, divided by those of plain decoding of the same target on the same cores. \
             Points are measured: all tokens over all seconds. Lines are predicted by the cost model, from latencies and from acceptance on \
             other prompts. Bars and bands span 95&nbsp;%, as other prompts of the same tasks would move them.</p>\n",
        );
        for (index, _) in results.bundles.iter().enumerate() {
            out.push_str(&speed_up::speed_up(results, index));
            out.push_str(&speed_up::lengths(results, index));
        }
        out.push_str(&tables::configurations(results));
    });
    section(&mut out, "tasks", "By task", |out| {
        out.push_str(&tables::tasks(results))
    });
    if !results.acceptance.is_empty() {
        section(&mut out, "acceptance", "Acceptance by position", |out| {
            out.push_str(
                "<p>How often draft k is accepted if those before it were, in real rounds with the longest sequential draft.</p>\n",
            );
            for (index, _) in results.bundles.iter().enumerate() {
                out.push_str(&plots::acceptance(results, index));
            }
            out.push_str(&tables::acceptance(results));
        });
    }
    if !results.time_lines.is_empty() {
        section(&mut out, "rounds", "A few rounds", |out| {
            out.push_str(
                "<p>When drafter, target and host were busy, in consecutive rounds from the middle of one answer. A round ends at a vertical line.</p>\n",
            );
            for (row, line) in &results.time_lines {
                out.push_str(&plots::time_line(results, *row, line));
            }
            out.push_str(&tables::shares(results));
        });
    }
    section(&mut out, "rates", "Tokens a second", |out| {
        out.push_str(&tables::rates(results))
    });
    section(&mut out, "conditions", "Conditions and sources", |out| {
        out.push_str(&tables::conditions(results));
    });
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn section(out: &mut String, id: &str, title: &str, content: impl FnOnce(&mut String)) {
    let _ = writeln!(
        out,
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>"
    );
    content(out);
    out.push_str("</section>\n");
}

#[cfg(test)]
mod tests;
