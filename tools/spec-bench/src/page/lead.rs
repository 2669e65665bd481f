//! The answer, before all details.

use super::escape;
use super::tables::{called, estimate};
use crate::report::beside_the_best;
use crate::results::{CLOSE, Errors, Results};
use std::fmt::Write as _;

/// One figure: a number, its class, and what it is.
struct Figure {
    number: String,
    class: &'static str,
    text: String,
}

fn figure(number: impl Into<String>, class: &'static str, text: String) -> Figure {
    Figure {
        number: number.into(),
        class,
        text,
    }
}

/// Figures with a sentence each.
pub(super) fn lead(results: &Results) -> String {
    let v = &results.verdict;
    let mut all = vec![];
    if let Some(best) = v.best.and_then(|i| results.rows.get(i)) {
        let text = format!(
            "the fastest fixed way as measured: {}, {:.2} tokens a second, relative to the fastest plain decoding",
            called(results, best),
            best.measured.tokens_per_second
        );
        let number = format!("{:.2}&times;", best.speed_up_over_best);
        all.push(figure(number, "", text));
    }
    match &v.pooled {
        Some(errors) => all.extend(of_errors(errors, v.by_task.as_ref())),
        None => {
            let text = "no predictions: see the notes under Conditions and sources".to_owned();
            all.push(figure("none", "", text));
        }
    }
    if let (Some(choice), Some(loss), Some(good)) = (
        v.choice.and_then(|i| results.rows.get(i)),
        v.choice_loss,
        v.choice_is_good,
    ) {
        let (word, class) = match good {
            true => ("good choice", "good"),
            false => ("poor choice", "bad"),
        };
        let text = format!(
            "the cost model chooses {}, {loss:.1} % slower than the measured best (up to {CLOSE} % counts as good)",
            called(results, choice)
        );
        all.push(figure(word, class, text));
    }
    for (row, loss) in &v.chosen_losses {
        let Some(row) = results.rows.get(*row) else {
            continue;
        };
        let m = &row.measured;
        let text = format!(
            "{}: {} times plain decoding, {}",
            called(results, row),
            estimate(m.speed_up, m.standard_error),
            beside_the_best(*loss)
        );
        all.push(figure(format!("{:.2}&times;", m.speed_up), "", text));
    }
    let compared = results.runs.iter().filter(|r| r.same_as_plain.is_some());
    let compared = compared.count();
    if compared > 0 {
        let (word, class) = match v.differing {
            0 => ("identical", "good"),
            _ => ("different", "bad"),
        };
        let text = format!(
            "tokens of {} of {compared} speculative runs are those of plain greedy decoding",
            compared - v.differing
        );
        all.push(figure(word, class, text));
    }
    let mut out = "<ul class=\"figures\">\n".to_owned();
    for Figure {
        number,
        class,
        text,
    } in all
    {
        let class = match class {
            "" => String::new(),
            class => format!(" class=\"{}\"", escape(class)),
        };
        let _ = writeln!(
            out,
            "<li><strong{class}>{}</strong><span>{}</span></li>",
            together(&number),
            together(&text)
        );
    }
    out.push_str("</ul>\n");
    out
}

/// Keeps numbers and their percent signs on one line.
fn together(text: &str) -> String {
    text.replace(" %", "&nbsp;%")
}

fn of_errors(errors: &Errors, by_task: Option<&Errors>) -> Vec<Figure> {
    let own = by_task.map_or_else(String::new, |e| {
        let (median, worst) = e.total;
        format!("; for each task by its own acceptance {median:.1} %, worst {worst:.1} %")
    });
    let text = format!(
        "is the median error of the predicted speed-up over {} configurations, the worst is {:.1} %{own}",
        errors.compared, errors.total.1
    );
    let mut all = vec![figure(format!("{:.1} %", errors.total.0), "", text)];
    let text = format!(
        "is the median error owed to latencies alone, the worst is {:.1} %; tokens a round, which are owed to acceptance, are off by {:.1} %, at worst {:.1} %",
        errors.latency.1, errors.acceptance.0, errors.acceptance.1
    );
    all.push(figure(format!("{:.1} %", errors.latency.0), "", text));
    let (within, known) = errors.within_noise;
    if known > 0 {
        let text = "predictions differ from the measurement by no more than other prompts would change (95 %)";
        let number = format!("{within} of {known}");
        all.push(figure(number, "", text.to_owned()));
    }
    all
}
