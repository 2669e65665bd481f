//! Index expressions: sums of scaled digits of loop dimensions and of unknown scalars, in a canonical form, so that two
//! expressions that reshapes, slices and transposes made different ways are equal when they mean the same.

use super::graph::Id;

/// What varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom {
    /// A dimension of an iteration space.
    Dim(u32),
    /// A scalar of the program.
    Node(Id),
}

/// `scale * ((atom / div) mod ext)`; `ext` is `UNBOUNDED` for scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term {
    /// What varies.
    pub atom: Atom,
    /// Divisor of the digit.
    pub div: i64,
    /// Number of values of the digit.
    pub ext: i64,
    /// Factor.
    pub scale: i64,
}

/// The number of values of a scalar: not known.
pub const UNBOUNDED: i64 = i64::MAX;

/// A sum of terms and a constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Ix {
    /// Sorted; no two can be merged.
    pub terms: Vec<Term>,
    /// The constant.
    pub base: i64,
}

impl Ix {
    /// A constant.
    pub fn constant(base: i64) -> Self {
        Ix {
            terms: vec![],
            base,
        }
    }

    /// A whole dimension of `size` values.
    pub fn dim(dim: u32, size: i64) -> Self {
        Ix::of(vec![Term {
            atom: Atom::Dim(dim),
            div: 1,
            ext: size,
            scale: 1,
        }])
    }

    /// A scalar of the program.
    pub fn node(id: Id) -> Self {
        Ix::of(vec![Term {
            atom: Atom::Node(id),
            div: 1,
            ext: UNBOUNDED,
            scale: 1,
        }])
    }

    /// A scalar that counts from 0 to `trips` - 1.
    pub fn counter(id: Id, trips: i64) -> Self {
        Ix::of(vec![Term {
            atom: Atom::Node(id),
            div: 1,
            ext: trips,
            scale: 1,
        }])
    }

    fn of(terms: Vec<Term>) -> Self {
        Ix { terms, base: 0 }.normal()
    }

    fn normal(mut self) -> Self {
        loop {
            self.terms.retain(|t| t.ext > 1 && t.scale != 0);
            self.terms.sort_unstable();
            let mut out: Vec<Term> = Vec::with_capacity(self.terms.len());
            let mut changed = false;
            for t in &self.terms {
                let found = out.iter_mut().find_map(|u| {
                    let merged = merge(u, t)?;
                    Some((u, merged))
                });
                match found {
                    Some((u, merged)) => {
                        *u = merged;
                        changed = true;
                    }
                    None => out.push(*t),
                }
            }
            self.terms = out;
            if !changed {
                return self;
            }
        }
    }

    /// Sum.
    pub fn add(&self, other: &Ix) -> Ix {
        let terms = self.terms.iter().chain(&other.terms).copied().collect();
        let mut sum = Ix::of(terms);
        sum.base = self.base.wrapping_add(other.base);
        sum
    }

    /// The sum with a constant.
    pub fn plus(&self, c: i64) -> Ix {
        let mut sum = self.clone();
        sum.base = sum.base.wrapping_add(c);
        sum
    }

    /// Product with a constant.
    pub fn times(&self, c: i64) -> Ix {
        let terms = self.terms.iter().map(|t| Term {
            scale: t.scale.wrapping_mul(c),
            ..*t
        });
        let mut product = Ix::of(terms.collect());
        product.base = self.base.wrapping_mul(c);
        product
    }

    /// Difference.
    pub fn minus(&self, other: &Ix) -> Ix {
        self.add(&other.times(-1))
    }

    /// The constant, if it is one.
    pub fn as_constant(&self) -> Option<i64> {
        self.terms.is_empty().then_some(self.base)
    }

    /// Smallest and largest value, if all terms are bounded.
    pub fn range(&self) -> Option<(i64, i64)> {
        let mut range = (self.base, self.base);
        for t in &self.terms {
            if t.ext == UNBOUNDED {
                return None;
            }
            let span = t.scale.checked_mul(t.ext - 1)?;
            if span < 0 {
                range.0 = range.0.checked_add(span)?;
            } else {
                range.1 = range.1.checked_add(span)?;
            }
        }
        Some(range)
    }

    /// Quotient and remainder (floor), if they are index expressions too.
    pub fn div_rem(&self, c: i64) -> Option<(Ix, Ix)> {
        if c <= 0 {
            return None;
        }
        let (mut high, mut low) = (vec![], vec![]);
        for t in &self.terms {
            let whole = t.ext.checked_mul(t.scale.abs());
            if t.scale % c == 0 {
                high.push(Term {
                    scale: t.scale / c,
                    ..*t
                });
            } else if t.scale > 0 && c % t.scale == 0 && whole.is_none_or(|w| w > c) {
                let ext = c / t.scale;
                if t.ext == UNBOUNDED || t.ext % ext != 0 {
                    return None;
                }
                low.push(Term { ext, ..*t });
                high.push(Term {
                    div: t.div * ext,
                    ext: t.ext / ext,
                    scale: 1,
                    ..*t
                });
            } else {
                low.push(*t);
            }
        }
        let mut rest = Ix::of(low).plus(self.base.rem_euclid(c));
        let mut quotient = Ix::of(high).plus(self.base.div_euclid(c));
        let (lo, hi) = rest.range()?;
        let k = lo.div_euclid(c);
        if k != hi.div_euclid(c) {
            return None;
        }
        rest.base -= k * c;
        quotient.base += k;
        Some((quotient, rest))
    }

    /// Replaces a dimension.
    pub fn substitute(&self, dim: u32, by: &Ix) -> Option<Ix> {
        let mut out = Ix::constant(self.base);
        for t in &self.terms {
            let part = if t.atom == Atom::Dim(dim) {
                let mut part = if t.div == 1 {
                    by.clone()
                } else {
                    by.div_rem(t.div)?.0
                };
                let fits = part.range().is_some_and(|(lo, hi)| lo >= 0 && hi < t.ext);
                if !fits {
                    part = part.div_rem(t.ext)?.1;
                }
                part.times(t.scale)
            } else {
                Ix::of(vec![*t])
            };
            out = out.add(&part);
        }
        Some(out)
    }

    /// True if the dimension occurs.
    pub fn uses(&self, dim: u32) -> bool {
        self.terms.iter().any(|t| t.atom == Atom::Dim(dim))
    }

    /// The terms of dimensions, and the rest.
    pub fn split(&self) -> (Ix, Ix) {
        let (dims, nodes): (Vec<_>, Vec<_>) = self
            .terms
            .iter()
            .partition(|t| matches!(t.atom, Atom::Dim(_)));
        let rest = Ix {
            terms: nodes,
            base: self.base,
        };
        (
            Ix {
                terms: dims,
                base: 0,
            },
            rest,
        )
    }
}

/// One term for two, if there is one.
fn merge(a: &Term, b: &Term) -> Option<Term> {
    if a.atom != b.atom {
        return None;
    }
    if (a.div, a.ext) == (b.div, b.ext) {
        return Some(Term {
            scale: a.scale.wrapping_add(b.scale),
            ..*a
        });
    }
    let follows = |low: &Term, high: &Term| {
        low.ext != UNBOUNDED
            && low.div.checked_mul(low.ext) == Some(high.div)
            && low.scale.checked_mul(low.ext) == Some(high.scale)
    };
    let join = |low: &Term, high: &Term| Term {
        ext: if high.ext == UNBOUNDED {
            UNBOUNDED
        } else {
            low.ext * high.ext
        },
        ..*low
    };
    if follows(a, b) {
        Some(join(a, b))
    } else if follows(b, a) {
        Some(join(b, a))
    } else {
        None
    }
}

/// The row-major position of `index` in a tensor of these sizes.
pub fn linear(index: &[Ix], sizes: &[i64]) -> Ix {
    let mut out = Ix::default();
    let mut stride = 1;
    for (ix, size) in index.iter().zip(sizes).rev() {
        out = out.add(&ix.times(stride));
        stride *= size;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting_and_joining_a_dimension_gives_it_back() {
        let d = Ix::dim(0, 24);
        let (q, r) = d.div_rem(6).expect("24 is a multiple of 6");
        assert_eq!(q.range(), Some((0, 3)));
        assert_eq!(q.times(6).add(&r), d);
        assert_ne!(q.times(5).add(&r), d);
    }

    #[test]
    fn ranges_decide_remainders() {
        let i = Ix::dim(0, 4);
        let (q, r) = i.plus(4).div_rem(8).expect("4..8 lies in one multiple");
        assert_eq!((q.as_constant(), r), (Some(0), i.plus(4)));
        let (q, r) = i.plus(8).div_rem(8).expect("8..12 too");
        assert_eq!((q.as_constant(), r), (Some(1), i.clone()));
        assert_eq!(Ix::dim(0, 8).plus(4).div_rem(8), None);
    }

    #[test]
    fn substitution_keeps_digits() {
        let h = Ix::dim(0, 8).div_rem(2).expect("even");
        let by = Ix::dim(1, 4).times(2).add(&Ix::dim(2, 2));
        assert_eq!(h.0.substitute(0, &by), Some(Ix::dim(1, 4)));
        assert_eq!(h.1.substitute(0, &by), Some(Ix::dim(2, 2)));
    }
}
