//! What rounding loses.

/// Differences between weights and what is stored of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// Number of weights.
    pub elements: u64,
    /// Largest magnitude of a difference.
    pub max_abs: f64,
    /// Sum of squared differences.
    pub squared_errors: f64,
    /// Sum of squared weights.
    pub squares: f64,
}

impl Errors {
    /// Root of the mean squared difference, in the unit of the weights.
    pub fn rms(&self) -> f64 {
        (self.squared_errors / self.elements.max(1) as f64).sqrt()
    }

    /// [`Errors::rms`] over the root mean square of the weights; 0 if all weights are 0.
    pub fn relative_rms(&self) -> f64 {
        if self.squares == 0.0 {
            return 0.0;
        }
        (self.squared_errors / self.squares).sqrt()
    }

    /// Signal to noise, 10 log10 of the ratio of powers, in dB; infinite if nothing is lost.
    pub fn snr_db(&self) -> f64 {
        -20.0 * self.relative_rms().log10()
    }

    /// Takes in what another part lost.
    pub fn merge(&mut self, other: &Self) {
        self.elements += other.elements;
        self.max_abs = self.max_abs.max(other.max_abs);
        self.squared_errors += other.squared_errors;
        self.squares += other.squares;
    }

    /// Takes in a row and what is stored of it.
    pub(super) fn add(&mut self, x: &[f32], stored: &[f32]) {
        let pairs = x.iter().zip(stored);
        self.take(x.len(), pairs.map(|(x, y)| (f64::from(*x), f64::from(*y))));
    }

    /// Takes in a group.
    pub(super) fn add_group(&mut self, x: &[f32], integers: &[i8], scale: f32) {
        let pairs = x.iter().zip(integers);
        let value = |q: i8| f64::from(scale * f32::from(q));
        self.take(x.len(), pairs.map(|(x, q)| (f64::from(*x), value(*q))));
    }

    fn take(&mut self, n: usize, pairs: impl Iterator<Item = (f64, f64)>) {
        let (mut largest, mut errors, mut squares) = (0.0_f64, 0.0, 0.0);
        for (x, y) in pairs {
            let e = x - y;
            largest = largest.max(e.abs());
            errors += e * e;
            squares += x * x;
        }
        self.elements += n as u64;
        self.max_abs = self.max_abs.max(largest);
        self.squared_errors += errors;
        self.squares += squares;
    }
}
