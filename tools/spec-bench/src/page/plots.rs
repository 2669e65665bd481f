//! The plots.

use super::svg::{Frame, WIDTH, dashes, line, mark, short, ticks};
use super::{drafts, escape};
use crate::bench::TimeLine;
use crate::results::Results;
use std::fmt::Write as _;

/// A figure with a caption, a legend and a plot. `name` is what a screen reader says of the plot.
pub(super) fn figure(
    caption: &str,
    legend: &str,
    name: &str,
    height: f64,
    content: &str,
) -> String {
    format!(
        "<figure>\n<figcaption>{caption}</figcaption>\n{legend}<div class=\"plot\" tabindex=\"0\" role=\"group\" aria-label=\"{name}\">\n\
         <svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{name}\">\n<title>{name}</title>\n{content}</svg>\n</div>\n</figure>\n"
    )
}

/// Entries: index of the colour, drawing in 30 by 14 units, text.
pub(super) fn legend(entries: &[(usize, String, String)]) -> String {
    let mut out = "<ul class=\"legend\">\n".to_owned();
    for (colour, drawing, text) in entries {
        let _ = writeln!(
            out,
            "<li class=\"k{colour}\"><svg viewBox=\"0 0 30 14\" aria-hidden=\"true\">{drawing}</svg><span style=\"color:var(--ink)\">{}</span></li>",
            escape(text)
        );
    }
    out.push_str("</ul>\n");
    out
}

/// Acceptance by position of a bundle, a line a task.
pub(super) fn acceptance(results: &Results, bundle: usize) -> String {
    let Some(info) = results.bundles.get(bundle) else {
        return String::new();
    };
    let curves: Vec<_> = results
        .acceptance
        .iter()
        .filter(|c| c.bundle == bundle)
        .collect();
    let Some(longest) = curves.iter().map(|c| c.draft_length).max() else {
        return String::new();
    };
    let height = 290.0;
    let frame = Frame::new(height, (0.7, longest as f64 + 0.3), (0.0, 1.0));
    let xs: Vec<f64> = (1..=longest).map(|x| x as f64).collect();
    let ys = ticks(0.0, 1.0, 5.0);
    let mut out = frame.axes(&xs, "position in the draft", &ys, "acceptance, share");
    let mut entries = vec![];
    for (i, curve) in curves.iter().enumerate() {
        let points: Vec<(f64, f64, f64)> = curve
            .conditional
            .iter()
            .enumerate()
            .filter_map(|(k, share)| {
                let share = (*share)?;
                Some((frame.x(k as f64 + 1.0), frame.y(share), share))
            })
            .collect();
        let path: Vec<(f64, f64)> = points.iter().map(|(x, y, _)| (*x, *y)).collect();
        let colour = i % 5;
        let _ = writeln!(out, "<g class=\"k{colour}\">{}", line(&path, i));
        for (k, (x, y, share)) in points.iter().enumerate() {
            let _ = writeln!(
                out,
                "<g><title>{}, position {}: {share:.3}</title>{}</g>",
                escape(&curve.task),
                k + 1,
                mark(i, *x, *y)
            );
        }
        out.push_str("</g>\n");
        let drawing = format!(
            "<path class=\"s\"{} d=\"M0 7H30\"/>{}",
            dashes(i),
            mark(i, 15.0, 7.0)
        );
        entries.push((
            colour,
            drawing,
            format!("{} ({} rounds)", curve.task, curve.rounds),
        ));
    }
    let caption = format!("{}: rounds with {}", escape(&info.label), drafts(longest));
    let name = format!("Acceptance by position, {}", escape(&info.label));
    figure(&caption, &legend(&entries), &name, height, &out)
}

/// Lanes of a time line, from above.
const LANES: [&str; 3] = ["drafter", "target", "host"];

/// A few rounds of a configuration.
pub(super) fn time_line(results: &Results, row: usize, times: &TimeLine) -> String {
    let Some(row) = results.rows.get(row) else {
        return String::new();
    };
    let Some(info) = results.bundles.get(row.configuration.bundle) else {
        return String::new();
    };
    let ends = times
        .rounds
        .iter()
        .map(|r| r.1)
        .chain(times.spans.iter().map(|s| s.to));
    let end = ends.fold(0.0, f64::max) * 1e3;
    if end <= 0.0 {
        return String::new();
    }
    let (lane, gap, head) = (26.0, 10.0, 24.0);
    let height = head + 3.0 * (lane + gap) + 60.0;
    let mut frame = Frame::new(height, (0.0, end), (0.0, 1.0));
    frame.left = 74.0;
    frame.width = WIDTH - frame.left - 16.0;
    frame.top = head;
    frame.height = height - head - 46.0;
    let mut out = frame.axes(&ticks(0.0, end, 8.0), "time, ms", &[], "");
    for (i, name) in LANES.iter().enumerate() {
        let y = head + 6.0 + i as f64 * (lane + gap);
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>",
            frame.left - 10.0,
            y + lane / 2.0 + 4.5
        );
        let _ = writeln!(out, "<g class=\"k{i}\">");
        for span in times.spans.iter().filter(|s| s.lane == *name) {
            let (from, to) = (span.from * 1e3, span.to * 1e3);
            let (x, wide) = (frame.x(from), frame.x(to) - frame.x(from));
            let _ = writeln!(
                out,
                "<rect class=\"f\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{lane}\" rx=\"1.5\"><title>{name}: {} to {} ms</title></rect>",
                (wide - 0.6).max(0.8),
                short(from),
                short(to)
            );
        }
        out.push_str("</g>\n");
    }
    for (from, to, drafted, accepted) in &times.rounds {
        let (x, middle) = (frame.x(to * 1e3), frame.x((from + to) * 500.0));
        let _ = writeln!(
            out,
            "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{head}\" y2=\"{:.1}\"/>",
            frame.top + frame.height
        );
        let room = frame.x(to * 1e3) - frame.x(from * 1e3);
        let words = if room > 120.0 {
            format!("{accepted} of {drafted} accepted")
        } else {
            format!("{accepted}/{drafted}")
        };
        if room > 26.0 {
            let _ = writeln!(
                out,
                "<text class=\"soft\" x=\"{middle:.1}\" y=\"15\" text-anchor=\"middle\">{words}</text>"
            );
        }
    }
    let c = &row.configuration;
    let what = format!(
        "{}, {}, {}",
        info.label,
        c.schedule.name(),
        drafts(c.draft_length)
    );
    let caption = format!("{}: accepted drafts of each round above it", escape(&what));
    let name = format!(
        "Time line of {} rounds, {}",
        times.rounds.len(),
        escape(&what)
    );
    figure(&caption, "", &name, height, &out)
}
