//! Speed-up by draft length, and the lengths that were chosen in the run.

use super::plots::{figure, legend};
use super::svg::{Frame, dashes, line, mark, short, step, ticks};
use super::{drafts, escape};
use crate::bench::Kind;
use crate::noise::WIDTH;
use crate::results::{Results, Row};
use std::fmt::Write as _;

/// Colour of what is chosen in the run.
const CHOSEN: usize = 3;

/// An interval of 95 % around a speed-up.
fn interval(value: f64, standard_error: Option<f64>) -> (f64, f64) {
    let e = WIDTH * standard_error.unwrap_or(0.0);
    ((value - e).max(0.0), value + e)
}

fn measured(row: &Row) -> (f64, f64) {
    interval(row.measured.speed_up, row.measured.standard_error)
}

fn predicted(row: &Row) -> Option<(f64, (f64, f64))> {
    let p = row.predicted.as_ref()?;
    Some((p.speed_up, interval(p.speed_up, p.standard_error)))
}

/// Round limits and marks of an axis around all values and 1.
fn axis(values: impl Iterator<Item = f64>) -> (f64, f64, Vec<f64>) {
    let (low, high) = values.fold((1.0_f64, 1.0_f64), |(a, b), x| (a.min(x), b.max(x)));
    let unit = step((high - low).max(0.2) * 1.04, 6.0);
    let (mut low, mut high) = ((low / unit).floor() * unit, (high / unit).ceil() * unit);
    if high - 1.0 < unit {
        high += unit;
    }
    if 1.0 - low < unit && low >= unit {
        low -= unit;
    }
    (low, high, ticks(low, high, ((high - low) / unit).round()))
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
    let fixed = mine().filter(|r| !r.configuration.auto);
    let longest = fixed
        .map(|r| r.configuration.draft_length)
        .max()
        .unwrap_or(0);
    if longest == 0 {
        return String::new();
    }
    let values = mine().flat_map(|r| {
        let (low, high) = measured(r);
        let (a, b) = predicted(r).map_or((low, high), |(_, i)| i);
        [low, high, a, b]
    });
    let (low, high, ys) = axis(values);
    let height = 360.0;
    let frame = Frame::new(height, (-0.35, longest as f64 + 0.35), (low, high));
    let whole = step(longest as f64, 16.0).max(1.0) as usize;
    let xs: Vec<f64> = (0..=longest).step_by(whole).map(|x| x as f64).collect();
    let mut out = frame.axes(&xs, "draft length, tokens", &ys, "speed-up, times");
    let one = frame.y(1.0);
    let right = frame.left + frame.width;
    let _ = writeln!(
        out,
        "<line class=\"one\" x1=\"{:.1}\" x2=\"{right:.1}\" y1=\"{one:.1}\" y2=\"{one:.1}\"/>",
        frame.left
    );
    let mut entries = vec![];
    for (i, row) in mine().filter(|r| r.configuration.auto).enumerate() {
        chosen(&mut out, &mut entries, &frame, row, i);
    }
    let kinds = [Kind::Sequential, Kind::Overlapped];
    let drafting = |kind: Kind| {
        mine().filter(move |r| r.configuration.drafts_alike() && r.configuration.schedule == kind)
    };
    let shown: Vec<Kind> = kinds
        .into_iter()
        .filter(|k| drafting(*k).next().is_some())
        .collect();
    for (i, kind) in shown.iter().enumerate() {
        let plain = mine().filter(|r| r.configuration.draft_length == 0);
        let rows: Vec<&Row> = plain.chain(drafting(*kind)).collect();
        // beside each other where there are several
        let shift = match shown.len() {
            1 => 0.0,
            _ => (i as f64 - 0.5) * 0.16,
        };
        series(&mut out, &mut entries, &frame, i, *kind, &rows, shift);
    }
    let planned = info.plan.as_ref().filter(|p| p.draft_length <= longest);
    if let Some(plan) = planned {
        let x = frame.x(plan.draft_length as f64);
        let _ = writeln!(
            out,
            "<g class=\"k4\"><title>the plan in the bundle: {}, {}</title><path class=\"f\" d=\"M{x:.1} {:.1}l6 9h-12z\"/></g>",
            drafts(plan.draft_length),
            escape(&plan.strategy),
            frame.top + frame.height - 11.0
        );
        let drawing = "<path class=\"f\" d=\"M15 2l6 9h-12z\"/>".to_owned();
        entries.push((4, drawing, "draft length of the bundle's plan".to_owned()));
    }
    let caption = format!("{}: {}", escape(&info.label), escape(&info.placement()));
    let name = format!("Speed-up by draft length, {}", escape(&info.label));
    figure(&caption, &legend(&entries), &name, height, &out)
}

type Entries = Vec<(usize, String, String)>;

/// A band with a line in it: what the run chose.
fn chosen(out: &mut String, entries: &mut Entries, frame: &Frame, row: &Row, i: usize) {
    let ((low, high), value) = (measured(row), row.measured.speed_up);
    let (top, bottom) = (frame.y(high), frame.y(low));
    let schedule = row.configuration.schedule.name();
    let dash = if i == 0 { "8 3" } else { "3 3" };
    let _ = writeln!(
        out,
        "<g class=\"k{CHOSEN}\"><title>{schedule}, length chosen in the run: measured {value:.3} times, {low:.3} to {high:.3}</title>\
         <rect class=\"band\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
         <path class=\"s\" stroke-dasharray=\"{dash}\" d=\"M{:.1} {y:.1}H{:.1}\"/></g>",
        frame.left,
        frame.width,
        bottom - top,
        frame.left,
        frame.left + frame.width,
        y = frame.y(value)
    );
    let drawing = format!(
        "<rect class=\"band\" x=\"0\" y=\"1\" width=\"30\" height=\"12\"/><path class=\"s\" stroke-dasharray=\"{dash}\" d=\"M0 7H30\"/>"
    );
    let text = format!(
        "{schedule}, length chosen in the run ({:.1} drafts a round)",
        row.drafts_per_round
    );
    entries.push((CHOSEN, drawing, text));
}

/// The predicted line with its band, and the measured points with their bars, of one schedule.
fn series(
    out: &mut String,
    entries: &mut Entries,
    frame: &Frame,
    i: usize,
    kind: Kind,
    rows: &[&Row],
    shift: f64,
) {
    let at = |r: &Row| frame.x(r.configuration.draft_length as f64 + shift);
    let found: Vec<_> = rows
        .iter()
        .filter_map(|r| Some((at(r), predicted(r)?)))
        .collect();
    let points: Vec<(f64, f64)> = found.iter().map(|(x, (y, _))| (*x, frame.y(*y))).collect();
    let above = found.iter().map(|(x, (_, (_, high)))| (*x, frame.y(*high)));
    let below = found
        .iter()
        .rev()
        .map(|(x, (_, (low, _)))| (*x, frame.y(*low)));
    let _ = writeln!(out, "<g class=\"k{i}\">");
    let wide = found.iter().any(|(_, (_, (low, high)))| high > low);
    if points.len() > 1 && wide {
        let edge: Vec<String> = above
            .chain(below)
            .map(|(x, y)| format!("{x:.1} {y:.1}"))
            .collect();
        let _ = writeln!(out, "<path class=\"band\" d=\"M{}Z\"/>", edge.join("L"));
    }
    let _ = writeln!(out, "{}", line(&points, i));
    for row in rows {
        let (x, y) = (at(row), frame.y(row.measured.speed_up));
        let (low, high) = measured(row);
        let mut says = format!(
            "{}, {}: measured {:.3} times, {low:.3} to {high:.3}",
            kind.name(),
            drafts(row.configuration.draft_length),
            row.measured.speed_up
        );
        if let Some((value, (low, high))) = predicted(row) {
            let _ = write!(says, "; predicted {value:.3}, {low:.3} to {high:.3}");
        }
        let (low, high) = (frame.y(low), frame.y(high));
        let bar = match low - high > 1.0 {
            true => format!(
                "<path class=\"s thin\" d=\"M{x:.1} {low:.1}V{high:.1}M{a:.1} {low:.1}h8M{a:.1} {high:.1}h8\"/>",
                a = x - 4.0
            ),
            false => String::new(),
        };
        let _ = writeln!(out, "<g><title>{says}</title>{bar}{}</g>", mark(i, x, y));
    }
    out.push_str("</g>\n");
    let bar = "<path class=\"s thin\" d=\"M15 0V14M11 0.5h8M11 13.5h8\"/>";
    let drawing = format!("{bar}{}", mark(i, 15.0, 7.0));
    entries.push((i, drawing, format!("{}, measured", kind.name())));
    if points.len() > 1 {
        let band = match wide {
            true => "<rect class=\"band\" x=\"0\" y=\"1\" width=\"30\" height=\"12\"/>",
            false => "",
        };
        let drawing = format!("{band}<path class=\"s\"{} d=\"M0 7H30\"/>", dashes(i));
        entries.push((i, drawing, format!("{}, predicted", kind.name())));
    }
}

/// How often each length was chosen in the run, a figure a configuration.
pub(super) fn lengths(results: &Results, bundle: usize) -> String {
    let mut out = String::new();
    let chosen = results.rows.iter().filter(|r| r.configuration.auto);
    for row in chosen.filter(|r| r.configuration.bundle == bundle) {
        let rounds: u64 = row.lengths.iter().sum();
        if rounds == 0 {
            continue;
        }
        let shares = row.lengths.iter().map(|n| *n as f64 / rounds as f64);
        let shares: Vec<f64> = shares.collect();
        let top = shares.iter().copied().fold(0.0, f64::max);
        let unit = step(top, 5.0);
        let top = (top / unit).ceil() * unit;
        let height = 220.0;
        let longest = row.lengths.len().saturating_sub(1) as f64;
        let frame = Frame::new(height, (-0.6, longest + 0.6), (0.0, top));
        let whole = step(longest.max(1.0), 16.0).max(1.0) as usize;
        let xs: Vec<f64> = (0..row.lengths.len())
            .step_by(whole)
            .map(|x| x as f64)
            .collect();
        let ys = ticks(0.0, top, 5.0);
        let mut content = frame.axes(&xs, "drafts of a round", &ys, "share of rounds");
        let _ = writeln!(content, "<g class=\"k{CHOSEN}\">");
        let width = (frame.x(1.0) - frame.x(0.0)) * 0.6;
        for (n, share) in shares.iter().enumerate().filter(|(_, s)| **s > 0.0) {
            let (x, y) = (frame.x(n as f64), frame.y(*share));
            let _ = writeln!(
                content,
                "<g><title>{}: {} % of the rounds</title><rect class=\"f\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/></g>\
                 <text class=\"soft\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{} %</text>",
                drafts(n),
                short(100.0 * share),
                x - width / 2.0,
                frame.top + frame.height - y,
                y - 5.0,
                percent(*share)
            );
        }
        content.push_str("</g>\n");
        let label = results.bundles.get(bundle).map_or("", |b| &b.label);
        let what = format!("{label}, {}", row.configuration.schedule.name());
        let caption = format!(
            "{}: lengths chosen in the run, {rounds} rounds",
            escape(&what)
        );
        let name = format!("Lengths chosen in the run, {}", escape(&what));
        out.push_str(&figure(&caption, "", &name, height, &content));
    }
    out
}

/// A share in percent: whole from 1 on.
fn percent(share: f64) -> String {
    match share {
        s if s >= 0.0095 => format!("{:.0}", 100.0 * s),
        s => format!("{:.1}", 100.0 * s),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_spans_all_values_and_one() {
        let (low, high, ys) = axis([0.93, 1.17, 1.31].into_iter());
        assert!(low <= 0.9 && (1.31..=1.5).contains(&high), "{low} {high}");
        assert!(
            ys.len() >= 4 && ys.len() <= 9 && ys.iter().any(|y| (y - 1.0).abs() < 1e-9),
            "{ys:?}"
        );
        let (low, high, _) = axis([].into_iter());
        assert!(low < 1.0 && high > 1.0, "{low} {high}");
        let (low, _, _) = axis([0.01].into_iter());
        assert_eq!(low, 0.0);
    }

    #[test]
    fn small_shares_are_not_nothing() {
        assert_eq!([0.5, 0.012, 0.004].map(percent), ["50", "1", "0.4"]);
    }
}
