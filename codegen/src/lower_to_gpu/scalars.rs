//! Values that are known at run time only, as expressions that a kernel can compute itself.

use super::view::View;
use spec_dialect::ffi::{Attr, Element, Op, Value};
use spec_kernels::DType;
use spec_kernels::gpu::{Cond, Expr};

/// The buffers that a kernel's run-time values are read from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scalars {
    views: Vec<(View, DType)>,
}

impl Scalars {
    /// Element types, in the order of the kernel's bindings.
    pub(crate) fn dtypes(&self) -> Vec<DType> {
        self.views.iter().map(|(_, d)| *d).collect()
    }

    /// Where the buffers stand, in the order of the kernel's bindings.
    pub(crate) fn views(&self) -> impl Iterator<Item = &View> {
        self.views.iter().map(|(v, _)| v)
    }

    /// `sum of index * stride / unit`; none if there is nothing to add.
    ///
    /// # Errors
    /// A stride is not a multiple of `unit`, or a value is computed in a way that kernels do not know.
    pub(crate) fn offset(
        &mut self,
        dynamic: &[(Value, i64)],
        unit: i64,
    ) -> Result<Option<Expr>, String> {
        let mut sum = None;
        for (index, stride) in dynamic {
            if stride % unit != 0 {
                return Err(format!(
                    "a run-time place moves by {stride} elements, not by whole rows of {unit}"
                ));
            }
            let mut term = self.expr(*index)?;
            if stride / unit != 1 {
                term = Expr::Mul(Box::new(term), Box::new(Expr::Constant(stride / unit)));
            }
            sum = Some(match sum {
                Some(sum) => Expr::Add(Box::new(sum), Box::new(term)),
                None => term,
            });
        }
        Ok(sum)
    }

    /// The expression behind an integer or index.
    ///
    /// # Errors
    /// It is computed in a way that kernels do not know.
    pub(crate) fn expr(&mut self, value: Value) -> Result<Expr, String> {
        let op = value
            .def()
            .ok_or("a run-time value must be read from a buffer")?;
        let mut binary = |make: fn(Box<Expr>, Box<Expr>) -> Expr| {
            let (left, right) = self.two(op)?;
            Ok(make(Box::new(left), Box::new(right)))
        };
        match op.name() {
            "arith.addi" => binary(Expr::Add),
            "arith.subi" => binary(Expr::Sub),
            "arith.muli" => binary(Expr::Mul),
            "arith.minsi" => binary(Expr::Min),
            "arith.maxsi" => binary(Expr::Max),
            "arith.minui" => binary(Expr::MinUnsigned),
            "arith.constant" => {
                let constant = op.attr("value").and_then(Attr::as_i64);
                Ok(Expr::Constant(
                    constant.ok_or("a constant that is no integer")?,
                ))
            }
            "arith.index_cast" | "arith.extsi" | "arith.extui" | "arith.trunci"
            | "arith.index_castui" => self.expr(op.operand(0).ok_or("a cast of nothing")?),
            "arith.select" => {
                let [c, a, b] = [0, 1, 2].map(|i| op.operand(i));
                let (c, a, b) = c
                    .zip(a)
                    .zip(b)
                    .map(|((c, a), b)| (c, a, b))
                    .ok_or("a select of nothing")?;
                let (c, a, b) = (self.cond(c)?, self.expr(a)?, self.expr(b)?);
                Ok(Expr::Select(Box::new(c), Box::new(a), Box::new(b)))
            }
            "memref.load" => self.load(op),
            other => Err(format!(
                "a run-time value is computed by {other}, which no kernel does"
            )),
        }
    }

    /// The condition behind an i1.
    ///
    /// # Errors
    /// As [`Scalars::expr`].
    pub(crate) fn cond(&mut self, value: Value) -> Result<Cond, String> {
        let op = value.def().ok_or("a condition must be computed")?;
        match op.name() {
            "arith.cmpi" => {
                let code = op.attr("predicate").and_then(Attr::as_i64).unwrap_or(-1);
                let predicate = usize::try_from(code).ok().and_then(|i| PREDICATES.get(i));
                let (left, right) = self.two(op)?;
                Ok(Cond::Compare {
                    predicate: predicate.copied().ok_or("an unknown comparison")?,
                    left,
                    right,
                })
            }
            "arith.andi" => {
                let (a, b) = op
                    .operand(0)
                    .zip(op.operand(1))
                    .ok_or("a conjunction of nothing")?;
                Ok(Cond::And(Box::new(self.cond(a)?), Box::new(self.cond(b)?)))
            }
            other => Err(format!(
                "a condition is computed by {other}, which no kernel does"
            )),
        }
    }

    fn two(&mut self, op: Op) -> Result<(Expr, Expr), String> {
        let (a, b) = op
            .operand(0)
            .zip(op.operand(1))
            .ok_or("an operation on nothing")?;
        Ok((self.expr(a)?, self.expr(b)?))
    }

    fn load(&mut self, op: Op) -> Result<Expr, String> {
        let view = View::of(op.operand(0).ok_or("a load of nothing")?)?;
        let dtype = match view.element {
            Element::Int(32) => DType::I32,
            Element::Int(64) | Element::Index => DType::I64,
            other => {
                return Err(format!(
                    "a run-time value of type {other} is read, i32 and i64 can be"
                ));
            }
        };
        if !view.dynamic.is_empty() {
            return Err(
                "a run-time value is read from a place that is known at run time only".into(),
            );
        }
        let mut index = 0;
        for (i, stride) in op.operands().skip(1).zip(&view.strides) {
            match self.expr(i)? {
                Expr::Constant(c) => index += c * stride,
                _ => {
                    return Err(
                        "a run-time value is read from a place that is known at run time only"
                            .into(),
                    );
                }
            }
        }
        let known = self.views.iter().position(|(v, _)| *v == view);
        let scalar = known.unwrap_or_else(|| {
            self.views.push((view, dtype));
            self.views.len() - 1
        });
        Ok(Expr::Load { scalar, index })
    }
}

/// Spellings of `arith.cmpi`'s predicates, by number.
pub(super) const PREDICATES: [&str; 10] = [
    "eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge",
];
