//! exp and what is made of it. `exp` is the device's; the rest cannot overflow on the way to a finite result.

use super::{Value, Writer};
use crate::Function;
use crate::mathfn::{ERF_LARGE, ERF_SMALL, TANH};

impl Writer {
    /// `math.NAME` of an f32 (`exp`, `sqrt`, `rsqrt`, `absf` ...).
    pub fn math(&mut self, name: &str, x: &Value) -> Value {
        self.op(format_args!("math.{name} {x} : f32"))
    }

    /// -x.
    pub fn negate(&mut self, x: &Value) -> Value {
        self.op(format_args!("arith.negf {x} : f32"))
    }

    /// `function` of x.
    pub fn apply(&mut self, function: Function, x: &Value) -> Value {
        match function {
            Function::Identity => x.clone(),
            Function::Exp => self.math("exp", x),
            Function::Sigmoid => self.sigmoid(x),
            Function::Tanh => self.tanh(x),
            Function::Silu => {
                let s = self.sigmoid(x);
                self.floats("mulf", x, &s)
            }
            Function::GeluTanh => {
                // 2 sqrt(2/pi), and that times 0.044715.
                let (linear, cubic) = (self.float(1.595_769_2), self.float(0.071_354_814));
                let z = self.floats("mulf", x, x);
                let p = self.fma(&z, &cubic, &linear);
                let u = self.floats("mulf", &p, x);
                let s = self.sigmoid(&u);
                self.floats("mulf", x, &s)
            }
            Function::Gelu => {
                let (half, root) = (self.float(0.5), self.float(std::f32::consts::FRAC_1_SQRT_2));
                let t = self.floats("mulf", x, &root);
                let e = self.erf(&t);
                let h = self.floats("mulf", x, &half);
                self.fma(&h, &e, &h)
            }
            Function::Relu => self.relu(x),
            Function::Relu2 => {
                let y = self.relu(x);
                self.floats("mulf", &y, &y)
            }
        }
    }

    /// max(x, 0); a NaN stays.
    fn relu(&mut self, x: &Value) -> Value {
        let zero = self.float(0.0);
        let below = self.float_is("olt", x, &zero);
        self.choose(&below, &zero, x, "f32")
    }

    /// 1 / (1 + e^-x), for negative x as e^x / (1 + e^x).
    fn sigmoid(&mut self, x: &Value) -> Value {
        let (zero, one) = (self.float(0.0), self.float(1.0));
        let size = self.math("absf", x);
        let e = self.exp_of_negated(&size);
        let negative = self.float_is("olt", x, &zero);
        let above = self.choose(&negative, &e, &one, "f32");
        let below = self.floats("addf", &e, &one);
        self.floats("divf", &above, &below)
    }

    fn exp_of_negated(&mut self, x: &Value) -> Value {
        let minus = self.negate(x);
        self.math("exp", &minus)
    }

    /// An odd polynomial up to 0.625, (1 - e^-2|x|) / (1 + e^-2|x|) beyond.
    fn tanh(&mut self, x: &Value) -> Value {
        let one = self.float(1.0);
        let size = self.math("absf", x);
        let twice = self.floats("addf", &size, &size);
        let e = self.exp_of_negated(&twice);
        let (above, below) = (self.floats("subf", &one, &e), self.floats("addf", &e, &one));
        let large = self.floats("divf", &above, &below);
        let z = self.floats("mulf", x, x);
        let p = self.horner(&TANH, &z);
        let p = self.floats("mulf", &p, &z);
        let small = self.fma(&p, x, x);
        self.by_size(x, 0.625, &small, &large)
    }

    /// An odd polynomial up to 0.9375, 1 - e^(polynomial) beyond.
    fn erf(&mut self, x: &Value) -> Value {
        let (one, most) = (self.float(1.0), self.float(4.1));
        let z = self.floats("mulf", x, x);
        let p = self.horner(&ERF_SMALL, &z);
        let small = self.fma(&p, x, x);
        let t = self.math("absf", x);
        let over = self.float_is("ogt", &t, &most);
        let t = self.choose(&over, &most, &t, "f32");
        let q = self.horner(&ERF_LARGE, &t);
        let q = self.fma(&q, &t, &t);
        let e = self.exp_of_negated(&q);
        let large = self.floats("subf", &one, &e);
        self.by_size(x, 0.9375, &small, &large)
    }

    /// `small` where |x| < limit, else `large` with x's sign.
    fn by_size(&mut self, x: &Value, limit: f32, small: &Value, large: &Value) -> Value {
        let (zero, limit) = (self.float(0.0), self.float(limit));
        let minus = self.negate(large);
        let negative = self.float_is("olt", x, &zero);
        let large = self.choose(&negative, &minus, large, "f32");
        let size = self.math("absf", x);
        let is_small = self.float_is("olt", &size, &limit);
        self.choose(&is_small, small, &large, "f32")
    }

    /// A polynomial, highest power first.
    fn horner(&mut self, coefficients: &[f32], x: &Value) -> Value {
        let mut p = self.float(coefficients[0]);
        for &c in &coefficients[1..] {
            let c = self.float(c);
            p = self.fma(&p, x, &c);
        }
        p
    }
}
