//! Groups of products in double precision.

use crate::check::{Case, Near};
use crate::run::{Operand, noise, round, ulp};
use spec_kernels::gpu::{Finish, Kernel, LinearGroup, Part, Place, Rows, Stage};
use spec_kernels::{Activations, DType, Format, Function, Layout, NormKind, Pairing};

/// A weight: row n, column k.
type Weight = Box<dyn Fn(usize, usize) -> f64>;

/// The operands of a group in order, while they are made.
struct Maker {
    operands: Vec<Operand>,
}

impl Maker {
    /// Numbers around `middle`, by which binding they are and which element.
    fn floats(&mut self, dtype: DType, n: i64, middle: f64, size: f64) -> Vec<f64> {
        let seed = self.operands.len();
        let operand = Operand::new(dtype, n, |i| middle + size * noise(seed, i));
        let values = operand.values.clone();
        self.operands.push(operand);
        values
    }

    fn rows(&mut self, rows: Rows, m: i64, n: i64) -> Vec<f64> {
        self.floats(rows.dtype, (m - 1) * rows.stride + n, 0.0, 1.0)
    }

    fn bytes(&mut self, n: i64) -> Vec<u8> {
        let seed = self.operands.len();
        let byte = |i| ((noise(seed, i) + 1.0) * 127.0) as u8;
        let bytes: Vec<u8> = (0..n as usize).map(byte).collect();
        self.operands.push(Operand::packed(bytes.clone()));
        bytes
    }

    fn weight(&mut self, n: i64, k: i64, format: Format) -> Weight {
        let columns = k as usize;
        match format {
            Format::Dense { dtype, layout } => {
                let values = self.floats(dtype, n * k, 0.0, 1.0);
                let (down, right) = match layout {
                    Layout::OutIn => (columns, 1),
                    Layout::InOut => (1, n as usize),
                };
                Box::new(move |n, k| values[n * down + k * right])
            }
            Format::I8 { group, scale } => {
                let bytes = self.bytes(n * k);
                let (scales, per) = self.scales(n, k, group, scale);
                let integer = move |n: usize, k: usize| f64::from(bytes[n * columns + k] as i8);
                Box::new(move |n, k| integer(n, k) * scales[(n * columns + k) / per])
            }
            Format::I4 { group, scale } => {
                let bytes = self.bytes(n * k / 2);
                let (scales, per) = self.scales(n, k, group, scale);
                let integer = move |n: usize, k: usize| {
                    let byte = bytes[(n * columns + k / 32 * 32) / 2 + k % 16];
                    let nibble = if k % 32 < 16 { byte & 15 } else { byte >> 4 };
                    f64::from(nibble) - 8.0
                };
                Box::new(move |n, k| integer(n, k) * scales[(n * columns + k) / per])
            }
        }
    }

    fn scales(&mut self, n: i64, k: i64, group: i64, dtype: DType) -> (Vec<f64>, usize) {
        let per = if group == 0 { k } else { group };
        (self.floats(dtype, n * k / per, 0.02, 0.01), per as usize)
    }

    /// A destination, and which binding it is.
    fn place(&mut self, to: &Place, m: i64, n: i64) -> (usize, Vec<Option<Near>>) {
        let tokens = if to.at.is_some() { to.capacity } else { m };
        let elements = (n / to.d - 1) * to.head + (tokens - 1) * to.token + to.d;
        self.operands.push(Operand::nothing(to.dtype, elements));
        (self.operands.len() - 1, vec![None; elements as usize])
    }
}

/// Activations of a token after the stage.
fn staged(stage: &Stage, x: &[f64], weight: &[f64], bias: Option<&[f64]>) -> Vec<Near> {
    let Stage::Norm {
        kind,
        eps,
        weight_offset,
        round: dtype,
        ..
    } = *stage
    else {
        return x.iter().map(|x| Near::exact(*x)).collect();
    };
    let count = x.len() as f64;
    let mean = match kind {
        NormKind::Rms => 0.0,
        NormKind::Layer => x.iter().sum::<f64>() / count,
    };
    let squares = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    let factor = 1.0 / (squares + f64::from(eps)).sqrt();
    let one = |(i, x): (usize, &f64)| {
        let value = (x - mean) * factor * (weight[i] + f64::from(weight_offset));
        let value = value + bias.map_or(0.0, |b| b[i]);
        let rounding = if dtype == DType::F32 { 0.0 } else { ulp(dtype) };
        Near::new(
            round(dtype, value),
            3e-6 * (1.0 + value.abs()) + rounding * value.abs(),
        )
    };
    x.iter().enumerate().map(one).collect()
}

/// The integers that a token's activations become, times their scale.
fn quantised(x: &[Near], group: usize) -> Vec<Near> {
    let block = |x: &[Near]| {
        let largest = x.iter().fold(0.0_f64, |a, x| a.max(x.value.abs()));
        let scale = largest / 127.0;
        let one = |x: &Near| {
            Near::new(
                (x.value / scale).round_ties_even() * scale,
                x.error + 0.02 * scale,
            )
        };
        x.iter().map(one).collect::<Vec<_>>()
    };
    x.chunks(group).flat_map(block).collect()
}

/// Row `n` of a part times a token, with the bias, rounded.
fn product(part: &Part, x: &[Near], w: &Weight, n: usize, bias: Option<&[f64]>) -> Near {
    let terms = x.iter().enumerate().map(|(k, x)| (*x, w(n, k)));
    let (mut sum, mut error) = (0.0, 0.0);
    for (x, w) in terms {
        sum += x.value * w;
        error += x.error * w.abs() + 2e-6 * (x.value * w).abs();
    }
    let sum = Near::new(sum, error).plus(Near::exact(bias.map_or(0.0, |b| b[n])));
    match part.round {
        DType::F32 => sum,
        dtype => Near::new(round(dtype, sum.value), sum.error).rounded(dtype),
    }
}

/// A function, and a bound of its slope.
pub fn activate(function: Function, x: Near) -> Near {
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    match function {
        Function::Identity => x,
        Function::Silu => x.through(1.1, |x| x * logistic(x)),
        Function::Gelu => x.through(1.13, |x| x * (1.0 + erf(x / 2.0_f64.sqrt())) / 2.0),
        Function::GeluTanh => {
            let inner = |x: f64| (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            x.through(1.13, |x| x * (1.0 + inner(x).tanh()) / 2.0)
        }
        Function::Relu => x.through(1.0, |x| x.max(0.0)),
        Function::Relu2 => x.through(2.0 * x.value.abs(), |x| x.max(0.0).powi(2)),
        Function::Sigmoid => x.through(0.25, logistic),
        Function::Tanh => x.through(1.0, f64::tanh),
        Function::Exp => x.through(x.value.exp(), f64::exp),
    }
}

/// The error function, by its series.
fn erf(x: f64) -> f64 {
    if x.abs() > 5.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

/// A token's rows of a part after its finish, by rows of the part.
struct Finished<'a> {
    rows: &'a [Near],
    up: &'a [Near],
    cos: &'a [f64],
    sin: &'a [f64],
    add: Option<&'a [f64]>,
}

fn finished(finish: &Finish, f: &Finished) -> Vec<Near> {
    let each = f.rows.iter().enumerate();
    match finish {
        Finish::Store { .. } => each
            .map(|(r, y)| f.add.map_or(*y, |add| y.plus(Near::exact(add[r]))))
            .collect(),
        Finish::Activate {
            function, gated, ..
        } => each
            .map(|(r, y)| {
                let y = activate(*function, *y);
                if *gated { y.times(f.up[r]) } else { y }
            })
            .collect(),
        Finish::Rope { pairing, to, .. } => {
            let d = to.d as usize;
            let one = |(r, y): (usize, &Near)| {
                let (head, i) = (r / d * d, r % d);
                let (pair, other, first) = match pairing {
                    Pairing::Half => (i % (d / 2), head + (i + d / 2) % d, i < d / 2),
                    Pairing::Interleaved => (i / 2, head + (i ^ 1), i.is_multiple_of(2)),
                };
                let sine = if first { -f.sin[pair] } else { f.sin[pair] };
                let turned = f.rows[other].times(Near::exact(sine));
                y.times(Near::exact(f.cos[pair])).plus(turned)
            };
            each.map(one).collect()
        }
        Finish::Up => vec![],
    }
}

/// A part's rows, token by token, and what its finish takes.
struct Made<'a> {
    part: &'a Part,
    rows: Vec<Vec<Near>>,
    cos: Vec<f64>,
    sin: Vec<f64>,
    add: Option<(Vec<f64>, usize)>,
    /// Binding and elements.
    to: Option<(&'a Place, usize, Vec<Option<Near>>)>,
}

impl Maker {
    /// The activations of each token after the stage.
    fn tokens(&mut self, group: &LinearGroup) -> Vec<Vec<Near>> {
        let x = self.rows(group.x, group.m, group.k);
        let (mut weights, mut biases) = (vec![], None);
        if let Stage::Norm { weight, bias, .. } = group.stage {
            weights = self.floats(weight, group.k, 1.0, 0.3);
            biases = bias.map(|bias| self.floats(bias, group.k, 0.0, 0.3));
        }
        let token = |t: usize| {
            let x = &x[t * group.x.stride as usize..][..group.k as usize];
            staged(&group.stage, x, &weights, biases.as_deref())
        };
        (0..group.m as usize).map(token).collect()
    }

    fn part<'a>(&mut self, group: &LinearGroup, part: &'a Part, tokens: &[Vec<Near>]) -> Made<'a> {
        let w = self.weight(part.n, group.k, part.format);
        let bias = part.bias.map(|bias| self.floats(bias, part.n, 0.0, 1.0));
        let block = match part.format {
            Format::I8 { group, .. } | Format::I4 { group, .. } if group > 0 => group as usize,
            _ => 32,
        };
        let rows = |x: &Vec<Near>| {
            let x = match group.activations {
                Activations::Float => x.clone(),
                Activations::I8 => quantised(x, block),
            };
            let one = |n| product(part, &x, &w, n, bias.as_deref());
            (0..part.n as usize).map(one).collect()
        };
        let rows = tokens.iter().map(rows).collect();
        let (mut cosines, mut sines, mut added) = (vec![], vec![], None);
        let to = match &part.finish {
            Finish::Store { add, to } => {
                added = add.map(|add| (self.rows(add, group.m, part.n), add.stride as usize));
                Some(to)
            }
            Finish::Rope { cos, sin, to, .. } => {
                cosines = self.floats(*cos, group.m * to.d / 2, 0.0, 1.0);
                sines = self.floats(*sin, group.m * to.d / 2, 0.0, 1.0);
                Some(to)
            }
            Finish::Activate { to, .. } => Some(to),
            Finish::Up => None,
        };
        let to = to.map(|to| {
            let (binding, elements) = self.place(to, group.m, part.n);
            (to, binding, elements)
        });
        Made {
            part,
            rows,
            cos: cosines,
            sin: sines,
            add: added,
            to,
        }
    }
}

impl Made<'_> {
    /// Which binding the part writes, and what; `position` is the first token's in a cache.
    fn expected(&self, next: Option<&Made>, position: i64) -> Option<(usize, Vec<Option<Near>>)> {
        let (to, binding, mut elements) = self.to.clone()?;
        let half = to.d as usize / 2;
        for (t, rows) in self.rows.iter().enumerate() {
            let f = Finished {
                rows,
                up: next.map_or(&[], |next| &next.rows[t]),
                cos: self.cos.get(t * half..).unwrap_or_default(),
                sin: self.sin.get(t * half..).unwrap_or_default(),
                add: self
                    .add
                    .as_ref()
                    .map(|(values, stride)| &values[t * stride..]),
            };
            let first = if to.at.is_some() { position } else { 0 };
            for (r, y) in (0..).zip(finished(&self.part.finish, &f)) {
                let at = r / to.d * to.head + (t as i64 + first) * to.token + r % to.d;
                elements[at as usize] = Some(y.rounded(to.dtype));
            }
        }
        Some((binding, elements))
    }
}

/// The case of a group; `position` is what its scalar holds.
pub fn case(group: &LinearGroup, aligned: bool, position: Option<i64>) -> Case {
    let mut make = Maker { operands: vec![] };
    let position = position.unwrap_or(0);
    let tokens = make.tokens(group);
    let parts = group.parts.iter();
    let parts: Vec<Made> = parts.map(|p| make.part(group, p, &tokens)).collect();
    let expected =
        (parts.iter().enumerate()).filter_map(|(i, p)| p.expected(parts.get(i + 1), position));
    let expected = expected.collect();
    let scalars = group.scalars.iter();
    let scalars = scalars.map(|dtype| Operand::new(*dtype, 1, |_| position as f64));
    make.operands.extend(scalars);
    Case {
        kernel: Kernel::Linear(group.clone()),
        operands: make.operands,
        expected,
        aligned,
    }
}
