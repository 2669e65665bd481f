//! Run-time values inside of kernels.

use super::{Value, Writer};
use crate::gpu::{Cond, Expr};

impl Writer {
    /// The value of `expr`, an i32. Scalar buffer i is binding `first + i`.
    pub fn expr(&mut self, expr: &Expr, first: usize) -> Value {
        let (name, a, b) = match expr {
            Expr::Constant(value) => return self.int(*value),
            Expr::Load { scalar, index } => {
                let start = self.start(first + scalar);
                let at = self.add_const(&start, *index);
                return self.load(first + scalar, &at);
            }
            Expr::Select(which, a, b) => {
                let which = self.cond(which, first);
                let (a, b) = (self.expr(a, first), self.expr(b, first));
                return self.choose(&which, &a, &b, "i32");
            }
            Expr::Add(a, b) => {
                let (a, b) = (self.expr(a, first), self.expr(b, first));
                return self.saturating("addi", "slt", (&a, &b));
            }
            Expr::Sub(a, b) => {
                let (a, b) = (self.expr(a, first), self.expr(b, first));
                return self.saturating("subi", "sgt", (&a, &b));
            }
            Expr::Mul(a, b) => ("muli", a, b),
            Expr::Min(a, b) => ("minsi", a, b),
            Expr::Max(a, b) => ("maxsi", a, b),
            Expr::MinUnsigned(a, b) => ("minui", a, b),
        };
        let (a, b) = (self.expr(a, first), self.expr(b, first));
        self.ints(name, &a, &b)
    }

    /// a + b or a - b, or the bound that it is beyond; `falls` is how b compares with 0 where the result is below a.
    fn saturating(&mut self, name: &str, falls: &str, (a, b): (&Value, &Value)) -> Value {
        let result = self.ints(name, a, b);
        let down = self.int_is_const(falls, b, 0);
        let below = self.int_is("slt", &result, a);
        let wrong = self.op(format_args!("arith.xori {down}, {below} : i1"));
        let (least, most) = (self.int(i64::MIN), self.int(i64::MAX));
        let bound = self.choose(&down, &least, &most, "i32");
        self.choose(&wrong, &bound, &result, "i32")
    }

    /// Whether `cond` holds, an i1.
    pub fn cond(&mut self, cond: &Cond, first: usize) -> Value {
        match cond {
            Cond::Compare {
                predicate,
                left,
                right,
            } => {
                let (left, right) = (self.expr(left, first), self.expr(right, first));
                self.int_is(predicate, &left, &right)
            }
            Cond::And(a, b) => {
                let (a, b) = (self.cond(a, first), self.cond(b, first));
                self.op(format_args!("arith.andi {a}, {b} : i1"))
            }
        }
    }
}
