//! The plots.

use super::svg::{Frame, WIDTH, dashes, line, mark, short, step, ticks};
use super::{drafts, escape};
use crate::bench::{Kind, TimeLine};
use crate::results::{Results, Row};
use std::fmt::Write as _;

/// A figure with a caption, a legend and a plot. `name` is what a screen reader says of the plot.
fn figure(caption: &str, legend: &str, name: &str, height: f64, content: &str) -> String {
    format!(
        "<figure>\n<figcaption>{caption}</figcaption>\n{legend}<div class=\"plot\" tabindex=\"0\" role=\"group\" aria-label=\"{name}\">\n\
         <svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{name}\">\n<title>{name}</title>\n{content}</svg>\n</div>\n</figure>\n"
    )
}

/// Entries: index of the colour, drawing in 30 by 14 units, text.
fn legend(entries: &[(usize, String, String)]) -> String {
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

/// Predicted lines and measured points of a bundle.
pub(super) fn speed_up(results: &Results, bundle: usize) -> String {
    let Some(info) = results.bundles.get(bundle) else {
        return String::new();
    };
    let mine = || {
        results
            .rows
            .iter()
            .filter(|r| r.configuration.bundle == bundle)
    };
    let longest = mine()
        .map(|r| r.configuration.draft_length)
        .max()
        .unwrap_or(0);
    if longest == 0 {
        return String::new();
    }
    let predicted = |r: &Row| r.predicted.as_ref().map(|p| p.speed_up);
    let tops = mine().map(|r| (r.speed_up + r.spread).max(predicted(r).unwrap_or(0.0)));
    let top = tops.fold(1.0, f64::max) * 1.05;
    let unit = step(top, 6.0);
    let top = (top / unit).ceil() * unit;
    let height = 330.0;
    let frame = Frame::new(height, (-0.3, longest as f64 + 0.3), (0.0, top));
    let whole = step(longest as f64, 16.0).max(1.0) as usize;
    let xs: Vec<f64> = (0..=longest).step_by(whole).map(|x| x as f64).collect();
    let ys = ticks(0.0, top, 6.0);
    let mut out = frame.axes(&xs, "draft length, tokens", &ys, "speed-up, times");
    let one = frame.y(1.0);
    let _ = writeln!(
        out,
        "<line class=\"one\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{one:.1}\" y2=\"{one:.1}\"/>",
        frame.left,
        frame.left + frame.width
    );
    let mut entries = vec![];
    let plain = || mine().filter(|r| r.configuration.draft_length == 0);
    let kinds = [Kind::Sequential, Kind::Overlapped];
    let drafting = |kind: Kind| {
        mine().filter(move |r| r.configuration.draft_length > 0 && r.configuration.schedule == kind)
    };
    let shown: Vec<Kind> = kinds
        .into_iter()
        .filter(|k| drafting(*k).next().is_some())
        .collect();
    for (i, kind) in shown.iter().enumerate() {
        let rows: Vec<&Row> = plain().chain(drafting(*kind)).collect();
        // beside each other where there are several
        let shift = if shown.len() > 1 {
            (i as f64 - 0.5) * 0.16
        } else {
            0.0
        };
        let at = |r: &Row| frame.x(r.configuration.draft_length as f64 + shift);
        let points: Vec<(f64, f64)> = rows
            .iter()
            .filter_map(|r| Some((at(r), frame.y(predicted(r)?))))
            .collect();
        let _ = writeln!(out, "<g class=\"k{i}\">{}", line(&points, i));
        for row in &rows {
            let (x, y) = (at(row), frame.y(row.speed_up));
            let (low, high) = (
                frame.y(row.speed_up - row.spread),
                frame.y(row.speed_up + row.spread),
            );
            let says = format!(
                "{}, {}: measured {:.2} times, spread {:.2}",
                kind.name(),
                drafts(row.configuration.draft_length),
                row.speed_up,
                row.spread
            );
            let more = predicted(row).map_or(String::new(), |p| format!(", predicted {p:.2}"));
            let _ = writeln!(
                out,
                "<g><title>{says}{more}</title><path class=\"s\" d=\"M{x:.1} {low:.1}V{high:.1}\"/>{}</g>",
                mark(i, x, y)
            );
        }
        out.push_str("</g>\n");
        entries.push((i, mark(i, 15.0, 7.0), format!("{}, measured", kind.name())));
        if points.len() > 1 {
            let drawing = format!("<path class=\"s\"{} d=\"M0 7H30\"/>", dashes(i));
            entries.push((i, drawing, format!("{}, predicted", kind.name())));
        }
    }
    let planned = info.plan.as_ref().filter(|p| p.draft_length <= longest);
    if let Some(plan) = planned {
        let x = frame.x(plan.draft_length as f64);
        let y = frame.top + frame.height - 4.0;
        let _ = writeln!(
            out,
            "<g class=\"k4\"><title>the plan in the bundle: {}, {}</title><path class=\"f\" d=\"M{x:.1} {:.1}l6 9h-12z\"/></g>",
            drafts(plan.draft_length),
            escape(&plan.strategy),
            y - 7.0
        );
        let drawing = "<path class=\"f\" d=\"M15 2l6 9h-12z\"/>".to_owned();
        entries.push((
            4,
            drawing,
            "draft length that the bundle's plan chose".to_owned(),
        ));
    }
    let caption = format!("{}: {}", escape(&info.label), escape(&info.placement()));
    let name = format!("Speed-up by draft length, {}", escape(&info.label));
    figure(&caption, &legend(&entries), &name, height, &out)
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
