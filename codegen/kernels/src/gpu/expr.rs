//! Values that are known at run time only, as small expressions over scalars in buffers.

use super::{Access, Binding};
use crate::DType;

/// An integer of 32 bits, computed inside a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// A constant.
    Constant(i64),
    /// Element `index` of scalar buffer `scalar` of the kernel. An i64 that does not fit 32 bits becomes the nearest that does.
    Load {
        /// Which of the kernel's `scalars`.
        scalar: usize,
        /// Which element, counted from the binding's offset.
        index: i64,
    },
    /// Sum, or the bound of 32 bits that it is beyond: a position that was out of range stays so.
    Add(Box<Expr>, Box<Expr>),
    /// Difference, or the bound of 32 bits that it is beyond.
    Sub(Box<Expr>, Box<Expr>),
    /// Product.
    Mul(Box<Expr>, Box<Expr>),
    /// Smaller of two signed numbers.
    Min(Box<Expr>, Box<Expr>),
    /// Larger of two signed numbers.
    Max(Box<Expr>, Box<Expr>),
    /// Smaller of two unsigned numbers.
    MinUnsigned(Box<Expr>, Box<Expr>),
    /// One of two.
    Select(Box<Cond>, Box<Expr>, Box<Expr>),
}

/// A condition over [`Expr`]s.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cond {
    /// Comparison; `predicate` is spelled as in `arith.cmpi` (eq, ne, slt, sle, sgt, sge, ult, ule, ugt, uge).
    Compare {
        /// How.
        predicate: &'static str,
        /// Left side.
        left: Expr,
        /// Right side.
        right: Expr,
    },
    /// Both.
    And(Box<Cond>, Box<Cond>),
}

impl Expr {
    /// Calls `f` with each load's scalar and index.
    fn loads(&self, f: &mut impl FnMut(usize, i64)) {
        match self {
            Expr::Constant(_) => {}
            Expr::Load { scalar, index } => f(*scalar, *index),
            Expr::Select(which, a, b) => {
                which.loads(f);
                a.loads(f);
                b.loads(f);
            }
            Expr::Add(a, b)
            | Expr::Sub(a, b)
            | Expr::Mul(a, b)
            | Expr::Min(a, b)
            | Expr::Max(a, b)
            | Expr::MinUnsigned(a, b) => {
                a.loads(f);
                b.loads(f);
            }
        }
    }
}

impl Cond {
    fn loads(&self, f: &mut impl FnMut(usize, i64)) {
        match self {
            Cond::Compare { left, right, .. } => {
                left.loads(f);
                right.loads(f);
            }
            Cond::And(a, b) => {
                a.loads(f);
                b.loads(f);
            }
        }
    }
}

/// The bindings of a kernel's scalar buffers, as long as its expressions and conditions read them.
pub(super) fn scalars(types: &[DType], exprs: &[&Expr], conds: &[Cond]) -> Vec<Binding> {
    let mut lengths = vec![1; types.len()];
    let mut read = |scalar: usize, index: i64| {
        if let Some(length) = lengths.get_mut(scalar) {
            *length = (index + 1).max(*length);
        }
    };
    exprs.iter().for_each(|expr| expr.loads(&mut read));
    conds.iter().for_each(|cond| cond.loads(&mut read));
    let binding = |(&dtype, elements)| Binding {
        name: "scalar",
        dtype,
        access: Access::Read,
        elements,
    };
    types.iter().zip(lengths).map(binding).collect()
}
