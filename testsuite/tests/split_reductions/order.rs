//! The documented order of a split sum, in f32.

const LANES: usize = 16;

/// What is added along the split dimension.
pub struct Terms(Vec<f32>);

impl Terms {
    /// Products of elements, which are f32 or shorter.
    pub fn product(x: &[f64], y: &[f64]) -> Self {
        let both = x.iter().zip(y);
        Self(both.map(|(x, y)| *x as f32 * *y as f32).collect())
    }
}

/// `start` and the terms of all rows: element k of each goes to lane k mod 16, and lanes are added by halving.
pub fn sum(start: f64, rows: &[Terms]) -> f64 {
    let mut lanes = [-0.0_f32; LANES];
    for row in rows {
        for (k, term) in row.0.iter().enumerate() {
            lanes[k % LANES] += term;
        }
    }
    let mut n = LANES;
    while n > 1 {
        n /= 2;
        for l in 0..n {
            lanes[l] += lanes[l + n];
        }
    }
    f64::from(start as f32 + lanes[0])
}
