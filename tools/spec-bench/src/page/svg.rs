//! Axes, and positions on them.

use std::fmt::Write as _;

/// Width of all plots, in units of their view box.
pub(super) const WIDTH: f64 = 760.0;

/// A plot area with axes.
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    x: (f64, f64),
    y: (f64, f64),
}

/// A step of 1, 2 or 5 times a power of ten that makes at most `most` parts of `range`.
pub(super) fn step(range: f64, most: f64) -> f64 {
    if !(range.is_finite() && range > 0.0) {
        return 1.0;
    }
    let rough = range / most;
    let power = 10_f64.powf(rough.log10().floor());
    let times = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|t| t * power >= rough * 0.999_999);
    times.unwrap_or(10.0) * power
}

/// Round numbers from `low` to `high`, both included as far as they are round.
pub(super) fn ticks(low: f64, high: f64, most: f64) -> Vec<f64> {
    let step = step(high - low, most);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).take(100).map(|i| i as f64 * step).collect()
}

/// A number without needless zeros.
pub(super) fn short(x: f64) -> String {
    let text = format!("{x:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

impl Frame {
    pub(super) fn new(height: f64, x: (f64, f64), y: (f64, f64)) -> Self {
        let (left, right, top, bottom) = (58.0, 16.0, 12.0, 46.0);
        Self {
            left,
            top,
            width: WIDTH - left - right,
            height: height - top - bottom,
            x,
            y,
        }
    }

    pub(super) fn x(&self, value: f64) -> f64 {
        self.left + self.width * (value - self.x.0) / (self.x.1 - self.x.0)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - (value - self.y.0) / (self.y.1 - self.y.0))
    }

    /// Grid, ticks and labels.
    pub(super) fn axes(&self, xs: &[f64], x_label: &str, ys: &[f64], y_label: &str) -> String {
        let mut out = String::new();
        let (right, bottom) = (self.left + self.width, self.top + self.height);
        for y in ys {
            let at = self.y(*y);
            let _ = writeln!(
                out,
                "<line class=\"grid\" x1=\"{:.1}\" x2=\"{right:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                self.left,
                self.left - 8.0,
                at + 4.5,
                short(*y)
            );
        }
        for x in xs {
            let at = self.x(*x);
            let _ = writeln!(
                out,
                "<line class=\"axis\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{bottom:.1}\" y2=\"{:.1}\"/>\
                 <text class=\"soft\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 5.0,
                bottom + 19.0,
                short(*x)
            );
        }
        let _ = writeln!(
            out,
            "<line class=\"axis\" x1=\"{:.1}\" x2=\"{right:.1}\" y1=\"{bottom:.1}\" y2=\"{bottom:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{x_label}</text>\
             <text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">{y_label}</text>",
            self.left,
            self.left + self.width / 2.0,
            bottom + 39.0,
            self.top + self.height / 2.0
        );
        out
    }
}

/// A mark at a point: a shape of its own for each series, so that colour is not needed to tell them apart.
pub(super) fn mark(kind: usize, x: f64, y: f64) -> String {
    let shape = match kind % 5 {
        0 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\""),
        1 => format!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"9\" height=\"9\"",
            x - 4.5,
            y - 4.5
        ),
        2 => format!("<path d=\"M{x:.1} {:.1}l5.5 9.5h-11z\"", y - 6.0),
        3 => format!("<path d=\"M{x:.1} {:.1}l6 6l-6 6l-6 -6z\"", y - 6.0),
        _ => format!("<path d=\"M{x:.1} {:.1}l-5.5 -9.5h11z\"", y + 6.0),
    };
    format!("{shape} class=\"f halo\"/>")
}

/// Dashes of the lines of a series.
pub(super) fn dashes(kind: usize) -> &'static str {
    [
        "",
        " stroke-dasharray=\"7 4\"",
        " stroke-dasharray=\"2 4\"",
        " stroke-dasharray=\"9 3 2 3\"",
        " stroke-dasharray=\"1 3\"",
    ]
    .get(kind % 5)
    .copied()
    .unwrap_or_default()
}

/// A line through points; nothing for less than two.
pub(super) fn line(points: &[(f64, f64)], kind: usize) -> String {
    if points.len() < 2 {
        return String::new();
    }
    let path: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{x:.1} {y:.1}"))
        .collect();
    format!(
        "<path class=\"s\"{} d=\"M{}\"/>",
        dashes(kind),
        path.join("L")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(0.0, 2.0, 5.0), [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(
            ticks(0.8, 1.3, 6.0),
            [0.8, 0.9, 1.0, 1.1, 1.2, 1.3].map(|x: f64| (x * 10.0).round() * 0.1)
        );
        assert_eq!(step(0.0, 5.0), 1.0);
        assert_eq!(
            [0.5, 1.0, -0.0, 12.25].map(short),
            ["0.5", "1", "0", "12.25"]
        );
    }

    #[test]
    fn points_lie_in_the_frame() {
        let frame = Frame::new(300.0, (0.0, 8.0), (0.0, 2.0));
        assert_eq!(
            (frame.x(0.0), frame.y(0.0)),
            (frame.left, frame.top + frame.height)
        );
        assert_eq!(
            (frame.x(8.0), frame.y(2.0)),
            (frame.left + frame.width, frame.top)
        );
        assert_eq!(line(&[(0.0, 0.0)], 0), "");
    }
}
