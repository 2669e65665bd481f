//! Shuffles, and sums and maxima over the lanes of vectors.

use super::Lanes;
use crate::Value;

impl Lanes<'_> {
    /// Lanes of two vectors of `n` elements of a type, numbered through.
    pub fn shuffle(
        &mut self,
        a: &Value,
        b: &Value,
        (n, ty): (usize, &str),
        lanes: &[usize],
    ) -> Value {
        let lanes: Vec<String> = lanes.iter().map(ToString::to_string).collect();
        self.op(format_args!(
            "vector.shuffle {a}, {b} [{}] : vector<{n}x{ty}>, vector<{n}x{ty}>",
            lanes.join(", ")
        ))
    }

    /// The two halves of a vector of `n` elements of a type.
    pub fn halves(&mut self, x: &Value, n: usize, ty: &str) -> (Value, Value) {
        let all: Vec<usize> = (0..n).collect();
        (
            self.shuffle(x, x, (n, ty), &all[..n / 2]),
            self.shuffle(x, x, (n, ty), &all[n / 2..]),
        )
    }

    /// The only lane of a vector of one.
    pub fn only(&mut self, x: &Value, ty: &str) -> Value {
        self.op(format_args!(
            "vector.extract {x}[0] : {ty} from vector<1x{ty}>"
        ))
    }

    /// Folds the lanes of one vector of f32 by halves: lane i with lane i + n/2, and so on; `combine` gets how many are left.
    fn fold(
        &mut self,
        x: &Value,
        combine: impl Fn(&mut Self, &Value, &Value, usize) -> Value,
    ) -> Value {
        let (mut n, mut x) = (self.lanes, x.clone());
        while n > 1 {
            let (low, high) = self.halves(&x, n, "f32");
            n /= 2;
            x = combine(self, &low, &high, n);
        }
        self.only(&x, "f32")
    }

    /// The sum of the lanes, by halves.
    pub fn sum(&mut self, x: &Value) -> Value {
        self.fold(x, |l, a, b, n| {
            l.op(format_args!("arith.addf {a}, {b} : vector<{n}xf32>"))
        })
    }

    /// The largest lane. Where there is a NaN, it may be the result or not.
    pub fn max(&mut self, x: &Value) -> Value {
        self.fold(x, |l, a, b, n| {
            let mask = l.op(format_args!("arith.cmpf ogt, {a}, {b} : vector<{n}xf32>"));
            l.op(format_args!(
                "arith.select {mask}, {a}, {b} : vector<{n}xi1>, vector<{n}xf32>"
            ))
        })
    }

    /// The sums of the lanes of each of `xs` (a power of two of vectors, not more than lanes) as one vector of as many elements: the
    /// additions of [`Lanes::sum`], side by side.
    pub fn sums(&mut self, xs: &[Value]) -> Value {
        let mut parts: Vec<Value> = xs.to_vec();
        // Lanes of one input in a part, inputs in a part.
        let (mut n, mut inputs) = (self.lanes, 1);
        while n > 1 {
            let (width, half) = (n * inputs, n / 2);
            let step = parts.len().min(2);
            let sources = step * inputs;
            let lanes = |from: usize| -> Vec<usize> {
                (0..sources)
                    .flat_map(|s| (s * n + from)..(s * n + from + half))
                    .collect()
            };
            let mut next = Vec::new();
            for pair in parts.chunks(step) {
                let low = self.shuffle(&pair[0], &pair[step - 1], (width, "f32"), &lanes(0));
                let high = self.shuffle(&pair[0], &pair[step - 1], (width, "f32"), &lanes(half));
                next.push(self.op(format_args!(
                    "arith.addf {low}, {high} : vector<{}xf32>",
                    sources * half
                )));
            }
            (parts, n, inputs) = (next, half, sources);
        }
        parts.swap_remove(0)
    }

    /// Adds vectors by halves: the second half to the first.
    pub fn add_all(&mut self, xs: &[Value]) -> Value {
        let mut xs = xs.to_vec();
        while xs.len() > 1 {
            let (low, high) = xs.split_at(xs.len().div_ceil(2));
            let mut next: Vec<Value> = low
                .iter()
                .zip(high)
                .map(|(a, b)| self.binary("addf", a, b))
                .collect();
            next.extend_from_slice(&low[high.len()..]);
            xs = next;
        }
        xs.swap_remove(0)
    }
}
