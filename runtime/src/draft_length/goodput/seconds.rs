//! What calls take, as this run measures it.

/// As many first samples are kept: their lower median is the first estimate, since the first call of a function is often a slow one.
const FIRST: usize = 5;
/// A class that was called less often is not believed to be slower than its neighbours say, or than half of what was measured.
pub(super) const TRIED: u32 = 3;
/// How much the latest sample counts, at least.
const RATE: f64 = 1.0 / 16.0;
/// The same for the deviation: quicker, so that another level soon is no outlier.
const SPREAD_RATE: f64 = 1.0 / 8.0;
/// From so many samples on, a change of the estimate is a change of the machine, in which classes that are not called take part.
const SETTLED: u32 = 8;

/// A running mean of seconds: exponentially weighted, samples clamped to three times the usual deviation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Running {
    first: [f64; FIRST],
    count: u32,
    mean: f64,
    spread: f64,
}

impl Running {
    /// Of the samples so far; none without one.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Number of samples.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Takes in a sample of at least 0 seconds; others are left out.
    pub(super) fn add(&mut self, sample: f64) {
        if !(sample.is_finite() && sample >= 0.0) {
            return;
        }
        let count = self.count as usize;
        self.count = self.count.saturating_add(1);
        if let Some(place) = self.first.get_mut(count) {
            *place = sample;
            let mut sorted = self.first;
            let known = sorted.get_mut(..=count).unwrap_or_default();
            known.sort_by(f64::total_cmp);
            self.mean = known.get(count / 2).copied().unwrap_or(sample);
            let width = known.last().zip(known.first()).map_or(0.0, |(b, a)| b - a);
            self.spread = (width / 4.0).max(0.02 * self.mean);
            return;
        }
        let rate = RATE.max(1.0 / f64::from(self.count));
        let off = sample - self.mean;
        self.mean += rate * off.clamp(-3.0 * self.spread, 3.0 * self.spread);
        self.spread += SPREAD_RATE * (off.abs().min(4.0 * self.spread) - self.spread);
        self.spread = self.spread.max(0.005 * self.mean);
    }

    fn scale(&mut self, by: f64) {
        self.mean *= by;
        self.spread *= by;
        for sample in &mut self.first {
            *sample *= by;
        }
    }
}

/// Calls of one model, by the width of the function that takes them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Calls {
    /// Ascending, not empty.
    widths: Vec<usize>,
    seen: Vec<Running>,
}

impl Calls {
    pub(super) fn new(widths: &[usize]) -> Self {
        let mut widths: Vec<usize> = widths.iter().copied().filter(|w| *w > 0).collect();
        if widths.is_empty() {
            widths.push(1);
        }
        let seen = vec![Running::default(); widths.len()];
        Self { widths, seen }
    }

    fn widest(&self) -> usize {
        self.widths.last().copied().unwrap_or(1)
    }

    fn class(&self, tokens: usize) -> Option<usize> {
        self.widths.iter().position(|w| *w >= tokens)
    }

    /// Samples of calls that take so many tokens.
    pub(super) fn count(&self, tokens: usize) -> u32 {
        let class = self.class(tokens).and_then(|i| self.seen.get(i));
        class.map_or(0, Running::count)
    }

    /// Takes in a call. One that was made of several counts for none.
    pub(super) fn observe(&mut self, tokens: usize, seconds: f64) {
        let Some(class) = self.class(tokens) else {
            return;
        };
        let Some(seen) = self.seen.get_mut(class) else {
            return;
        };
        let before = seen.mean;
        seen.add(seconds);
        let (settled, after) = (seen.count > SETTLED, seen.mean);
        if settled && before > 0.0 && after > 0.0 {
            let others = self.seen.iter_mut().enumerate();
            for (_, other) in others.filter(|(i, _)| *i != class) {
                other.scale(after / before);
            }
        }
    }

    /// Seconds to feed `tokens`, by as many calls as that takes. `base` is what is believed of a call of a width, as far as it is
    /// known: its shape holds where nothing was measured. None: nothing is known.
    pub(super) fn seconds(
        &self,
        tokens: usize,
        base: &dyn Fn(usize) -> Option<f64>,
    ) -> Option<f64> {
        let widest = self.widest();
        let (whole, rest) = (tokens / widest, tokens % widest);
        let mut sum = 0.0;
        if whole > 0 {
            sum += whole as f64 * self.call(widest, base)?;
        }
        if rest > 0 {
            sum += self.call(rest, base)?;
        }
        Some(sum)
    }

    fn call(&self, tokens: usize, base: &dyn Fn(usize) -> Option<f64>) -> Option<f64> {
        let class = self.class(tokens)?;
        let width = *self.widths.get(class)?;
        let seen = self.seen.get(class)?;
        if seen.count >= TRIED {
            return seen.mean();
        }
        let between = self.between(class, width, base);
        let Some(mean) = seen.mean() else {
            return between;
        };
        Some(between.map_or(mean, |b| mean.min(b.max(mean / 2.0))))
    }

    /// What the other classes say of this one.
    fn between(
        &self,
        class: usize,
        width: usize,
        base: &dyn Fn(usize) -> Option<f64>,
    ) -> Option<f64> {
        let shape = base(width);
        let known = |i: &usize| -> Option<(f64, f64)> {
            let mean = self.seen.get(*i)?.mean()?;
            let width = *self.widths.get(*i)?;
            let unit = match shape {
                None => 1.0,
                Some(_) => base(width)?,
            };
            (unit > 0.0).then(|| (width as f64, mean / unit))
        };
        let mut below = (0..class).rev().filter_map(|i| known(&i));
        let above = (class + 1..self.widths.len()).find_map(|i| known(&i));
        let (first, second) = (below.next(), below.next());
        let width = width as f64;
        let factor = match (first, above) {
            (None, None) => return shape,
            (Some((_, value)), None) => match second.filter(|_| shape.is_none()) {
                Some(far) => line(far, first?, width).max(value),
                None => value,
            },
            (None, Some((_, value))) => value,
            (Some(low), Some(high)) => line(low, high, width),
        };
        Some(factor * shape.unwrap_or(1.0))
    }
}

fn line((x0, y0): (f64, f64), (x1, y1): (f64, f64), x: f64) -> f64 {
    if x1 > x0 {
        y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    } else {
        y1
    }
}

/// Seconds of a call of this width by a list of calls: on the line between those around it, and, behind the last, on that of the last
/// two.
pub(super) fn on_list(list: &[(usize, f64)], width: usize) -> Option<f64> {
    let at = list.partition_point(|(w, _)| *w < width);
    let point = |i: usize| list.get(i).map(|(w, s)| (*w as f64, *s));
    let before = at.checked_sub(1).and_then(point);
    match (before, point(at)) {
        (None, right) => right.map(|(_, s)| s),
        (Some(left), Some(right)) => Some(line(left, right, width as f64)),
        (Some(last), None) => match at.checked_sub(2).and_then(point) {
            Some(far) => Some(line(far, last, width as f64).max(last.1)),
            None => Some(last.1),
        },
    }
}

#[cfg(test)]
#[path = "tests/seconds.rs"]
mod tests;
