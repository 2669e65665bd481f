//! exp and what is made of it, on vectors of f32, by polynomials with explicit fma: the same bits on every target and in every lane.
//!
//! Source of the coefficients: Remez exchange in 50 decimal digits for the function and interval that each constant names, relative
//! error weighted, then each coefficient rounded to f32. The errors of the functions, measured against f64, are in `tests/mathfn.rs`.
//!
//! Each function takes several vectors and writes each step for all of them, so that an in-order core finds independent work.

use crate::lanes::Lanes;
use crate::{DType, Value};

/// (e^r - 1 - r) / r^2 on |r| <= ln 2, highest power first; relative error of e^r 1.4e-8.
const EXP: [f32; 6] = [
    1.961_152e-4,
    1.410_444_8e-3,
    8.336_104e-3,
    4.166_127e-2,
    0.166_666_14,
    0.500_000_36,
];
/// (tanh(x) / x - 1) / x^2 as a polynomial of x^2 on |x| <= 0.625; relative error of tanh 4.2e-9.
pub(crate) const TANH: [f32; 5] = [
    -5.721_639_4e-3,
    2.065_522_8e-2,
    -5.374_514_7e-2,
    0.133_315_15,
    -0.333_332_84,
];
/// erf(x) / x - 1 as a polynomial of x^2 on |x| <= 0.9375; relative error of erf 1.9e-8.
pub(crate) const ERF_SMALL: [f32; 6] = [
    -5.943_145_4e-4,
    4.984_379_3e-3,
    -2.676_110_7e-2,
    0.112_816_82,
    -0.376_124_83,
    0.128_379_15,
];
/// -ln(1 - erf(t)) / t - 1 on 0.92 <= t <= 4.1; relative error of erf 7.3e-10.
pub(crate) const ERF_LARGE: [f32; 7] = [
    1.123_125_55e-5,
    -3.228_033_3e-4,
    3.642_457e-3,
    -2.376_205_8e-2,
    0.106_236_875,
    0.635_151_3,
    0.128_648_49,
];
/// 1.5 * 2^23, plus the bias of exponents: adding it rounds a small number m to an integer and leaves m + 127 in the low bits.
const MAGIC: f32 = 12_583_039.0;

/// What an activation computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// x.
    Identity,
    /// e^x.
    Exp,
    /// x / (1 + e^-x).
    Silu,
    /// x * Phi(x), Phi by tanh: x / (1 + e^(-2 sqrt(2/pi) (x + 0.044715 x^3))).
    GeluTanh,
    /// x * (1 + erf(x / sqrt 2)) / 2.
    Gelu,
    /// max(x, 0); a NaN stays.
    Relu,
    /// max(x, 0)^2; a NaN stays.
    Relu2,
    /// 1 / (1 + e^-x).
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
}

impl Function {
    /// Spelling in kernel names.
    pub fn name(self) -> &'static str {
        match self {
            Function::Identity => "identity",
            Function::Exp => "exp",
            Function::Silu => "silu",
            Function::GeluTanh => "gelu_tanh",
            Function::Gelu => "gelu",
            Function::Relu => "relu",
            Function::Relu2 => "relu2",
            Function::Sigmoid => "sigmoid",
            Function::Tanh => "tanh",
        }
    }
}

impl Lanes<'_> {
    fn map(&mut self, xs: &[Value], mut f: impl FnMut(&mut Self, &Value) -> Value) -> Vec<Value> {
        xs.iter().map(|x| f(self, x)).collect()
    }

    fn zip(
        &mut self,
        xs: &[Value],
        ys: &[Value],
        mut f: impl FnMut(&mut Self, &Value, &Value) -> Value,
    ) -> Vec<Value> {
        xs.iter().zip(ys).map(|(x, y)| f(self, x, y)).collect()
    }

    fn binaries(&mut self, op: &str, xs: &[Value], ys: &[Value]) -> Vec<Value> {
        self.zip(xs, ys, |l, x, y| l.binary(op, x, y))
    }

    /// A polynomial by Horner's rule, the constants broadcast.
    fn horner(&mut self, coefficients: &[f32], xs: &[Value]) -> Vec<Value> {
        let first = self.splat(coefficients[0]);
        let mut p: Vec<Value> = xs.iter().map(|_| first.clone()).collect();
        for &c in &coefficients[1..] {
            let c = self.splat(c);
            p = self.zip(&p, xs, |l, p, x| l.fma(p, x, &c));
        }
        p
    }

    /// e^x for any x.
    pub fn exp(&mut self, xs: &[Value]) -> Vec<Value> {
        let high = self.splat(89.0);
        let xs = self.map(xs, |l, x| l.smaller(&high, x));
        self.exp_small(&xs)
    }

    /// e^x for x up to 89. With m = round(x / (2 ln 2)) and r = x - 2 m ln 2: e^x = 2^m (2^m e^r), which reaches subnormal results and infinity with
    /// one rounding. e^0 = 1, e^-inf = 0, a NaN stays.
    pub fn exp_small(&mut self, xs: &[Value]) -> Vec<Value> {
        let low = self.splat(-105.0);
        let (magic, scale) = (
            self.splat(MAGIC),
            self.splat(std::f32::consts::LOG2_E / 2.0),
        );
        // 2 ln 2 in two parts.
        let (ln_high, ln_low) = (
            self.splat(-2.0 * std::f32::consts::LN_2),
            self.splat(3.809_308_4e-9),
        );
        let xs = self.map(xs, |l, x| l.larger(&low, x));
        let shifted = self.map(&xs, |l, x| l.fma(x, &scale, &magic));
        let m = self.map(&shifted, |l, t| l.binary("subf", t, &magic));
        let r = self.zip(&m, &xs, |l, m, x| l.fma(m, &ln_high, x));
        let r = self.zip(&m, &r, |l, m, r| l.fma(m, &ln_low, r));
        let p = self.horner(&[&EXP[..], &[1.0, 1.0]].concat(), &r);
        let power = self.map(&shifted, Self::power_of_two);
        let p = self.binaries("mulf", &p, &power);
        self.binaries("mulf", &p, &power)
    }

    /// 2^m of [`MAGIC`] + m.
    fn power_of_two(&mut self, shifted: &Value) -> Value {
        let (v, i) = (self.v(), self.vector(DType::I32));
        let width = self.splat_int(23, DType::I32);
        let bits = self.op(format_args!("arith.bitcast {shifted} : {v} to {i}"));
        let bits = self.op(format_args!("arith.shli {bits}, {width} : {i}"));
        self.op(format_args!("arith.bitcast {bits} : {i} to {v}"))
    }

    /// e^-|x|.
    fn exp_minus_abs(&mut self, xs: &[Value]) -> Vec<Value> {
        let t = self.map(xs, |l, x| l.unary("math.absf", x));
        let t = self.map(&t, |l, x| l.unary("arith.negf", x));
        self.exp_small(&t)
    }

    /// 1 / (1 + e^-x), for negative x as e^x / (1 + e^x): relatively exact on both sides.
    pub fn sigmoid(&mut self, xs: &[Value]) -> Vec<Value> {
        let (zero, one) = (self.splat(0.0), self.splat(1.0));
        let e = self.exp_minus_abs(xs);
        let above = self.zip(xs, &e, |l, x, e| {
            let mask = l.compare("oge", x, &zero);
            l.choose(&mask, &one, e, DType::F32)
        });
        let below = self.map(&e, |l, e| l.binary("addf", e, &one));
        self.binaries("divf", &above, &below)
    }

    /// Hyperbolic tangent: an odd polynomial up to 0.625, (1 - e^-2|x|) / (1 + e^-2|x|) beyond.
    pub fn tanh(&mut self, xs: &[Value]) -> Vec<Value> {
        let (one, limit) = (self.splat(1.0), self.splat(0.625));
        let twice = self.binaries("addf", xs, xs);
        let e = self.exp_minus_abs(&twice);
        let above = self.map(&e, |l, e| l.binary("subf", &one, e));
        let below = self.map(&e, |l, e| l.binary("addf", e, &one));
        let large = self.binaries("divf", &above, &below);
        let z = self.binaries("mulf", xs, xs);
        let p = self.horner(&TANH, &z);
        let p = self.binaries("mulf", &p, &z);
        let small = self.zip(&p, xs, |l, p, x| l.fma(p, x, x));
        self.by_size(xs, &limit, &small, &large)
    }

    /// `small` where |x| < limit, else `large` with x's sign (also for a NaN).
    fn by_size(
        &mut self,
        xs: &[Value],
        limit: &Value,
        small: &[Value],
        large: &[Value],
    ) -> Vec<Value> {
        let v = self.v();
        let large = self.zip(large, xs, |l, y, x| {
            l.op(format_args!("math.copysign {y}, {x} : {v}"))
        });
        let masks = self.map(xs, |l, x| {
            let t = l.unary("math.absf", x);
            l.compare("olt", &t, limit)
        });
        let mut chosen = Vec::new();
        for ((mask, small), large) in masks.iter().zip(small).zip(&large) {
            chosen.push(self.choose(mask, small, large, DType::F32));
        }
        chosen
    }

    /// The error function: an odd polynomial up to 0.9375, 1 - e^(polynomial) beyond.
    pub fn erf(&mut self, xs: &[Value]) -> Vec<Value> {
        let (one, limit, most) = (self.splat(1.0), self.splat(0.9375), self.splat(4.1));
        let z = self.binaries("mulf", xs, xs);
        let p = self.horner(&ERF_SMALL, &z);
        let small = self.zip(&p, xs, |l, p, x| l.fma(p, x, x));
        let t = self.map(xs, |l, x| l.unary("math.absf", x));
        let t = self.map(&t, |l, t| l.smaller(&most, t));
        let q = self.horner(&ERF_LARGE, &t);
        let q = self.zip(&q, &t, |l, q, t| l.fma(q, t, t));
        let q = self.map(&q, |l, q| l.unary("arith.negf", q));
        let e = self.exp_small(&q);
        let large = self.map(&e, |l, e| l.binary("subf", &one, e));
        self.by_size(xs, &limit, &small, &large)
    }

    /// Vectors that [`Lanes::apply`] should get at a time: more would not leave registers for the
    /// constants. (Gelu by erf has so many that some go to the stack on 128-bit vectors even so.)
    pub fn apply_side(&self) -> usize {
        match (self.lanes, self.target.vector_registers) {
            (16, _) => 4,
            (_, 32..) => 2,
            _ => 1,
        }
    }

    /// `function` of each vector.
    pub fn apply(&mut self, function: Function, xs: &[Value]) -> Vec<Value> {
        match function {
            Function::Identity => xs.to_vec(),
            Function::Exp => self.exp(xs),
            Function::Sigmoid => self.sigmoid(xs),
            Function::Tanh => self.tanh(xs),
            Function::Silu => {
                let s = self.sigmoid(xs);
                self.binaries("mulf", xs, &s)
            }
            Function::GeluTanh => self.gelu_tanh(xs),
            Function::Gelu => self.gelu(xs),
            Function::Relu => self.relu(xs),
            Function::Relu2 => {
                let y = self.relu(xs);
                self.binaries("mulf", &y, &y)
            }
        }
    }

    fn relu(&mut self, xs: &[Value]) -> Vec<Value> {
        let zero = self.splat(0.0);
        self.map(xs, |l, x| l.larger(&zero, x))
    }

    fn gelu(&mut self, xs: &[Value]) -> Vec<Value> {
        let (half, root) = (self.splat(0.5), self.splat(std::f32::consts::FRAC_1_SQRT_2));
        let t = self.map(xs, |l, x| l.binary("mulf", x, &root));
        let e = self.erf(&t);
        let h = self.map(xs, |l, x| l.binary("mulf", x, &half));
        self.zip(&h, &e, |l, h, e| l.fma(h, e, h))
    }

    fn gelu_tanh(&mut self, xs: &[Value]) -> Vec<Value> {
        // 2 sqrt(2/pi), and that times 0.044715.
        let (linear, cubic) = (self.splat(1.595_769_2), self.splat(0.071_354_814));
        let z = self.binaries("mulf", xs, xs);
        let p = self.map(&z, |l, z| l.fma(z, &cubic, &linear));
        let u = self.binaries("mulf", &p, xs);
        let s = self.sigmoid(&u);
        self.binaries("mulf", xs, &s)
    }
}
