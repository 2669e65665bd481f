//! Indexing maps as linear forms, read from the text that MLIR prints: `affine_map<(d0, d1) -> (d0 * 2 + d1, 0)>`.

use spec_dialect::ffi::{MapResult, Op};

/// `constant + sum of coefficients[d] * d`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Linear {
    pub(super) constant: i64,
    /// One a dimension.
    pub(super) coefficients: Vec<i64>,
}

impl Linear {
    fn constant(dims: usize, constant: i64) -> Linear {
        Linear {
            constant,
            coefficients: vec![0; dims],
        }
    }

    /// Dimension `d` of `dims`.
    pub(super) fn dim(dims: usize, d: usize) -> Linear {
        let mut linear = Linear::constant(dims, 0);
        linear.coefficients[d] = 1;
        linear
    }

    /// The dimension that this is, if it is nothing else.
    pub(super) fn as_dim(&self) -> Option<usize> {
        let d = self.coefficients.iter().position(|c| *c != 0)?;
        (*self == Linear::dim(self.coefficients.len(), d)).then_some(d)
    }

    fn add(mut self, other: &Linear, factor: i64) -> Linear {
        self.constant += factor * other.constant;
        for (a, b) in self.coefficients.iter_mut().zip(&other.coefficients) {
            *a += factor * b;
        }
        self
    }

    fn as_constant(&self) -> Option<i64> {
        let plain = self.coefficients.iter().all(|c| *c == 0);
        plain.then_some(self.constant)
    }
}

/// The number of loops of a structured op, and its operands' maps.
///
/// # Errors
/// A result of a map is not linear.
pub(super) fn maps(op: Op) -> Result<(usize, Vec<Vec<Linear>>), String> {
    let maps = op.indexing_maps();
    let maps = maps.ok_or_else(|| format!("no kernel does {}", op.name()))?;
    let dims = maps.first().map_or(0, |m| m.dims);
    let printed = op.attr("indexing_maps").and_then(|a| a.elements());
    let mut out = vec![];
    for (i, map) in maps.iter().enumerate() {
        let results = map.results.iter().map(|result| match result {
            MapResult::Dim(d) => Some(Linear::dim(dims, *d)),
            MapResult::Const(c) => Some(Linear::constant(dims, *c)),
            MapResult::Other => None,
        });
        let plain: Option<Vec<Linear>> = results.collect();
        out.push(match (plain, printed.as_ref().and_then(|p| p.get(i))) {
            (Some(plain), _) => plain,
            (None, Some(text)) => parse(&text.to_string(), dims)?,
            (None, None) => {
                return Err(format!(
                    "no kernel does {} (after linalg-generalize-named-ops there may be one)",
                    op.name()
                ));
            }
        });
    }
    Ok((dims, out))
}

/// The results of a map without symbols.
fn parse(text: &str, dims: usize) -> Result<Vec<Linear>, String> {
    let unknown = || format!("no kernel indexes a buffer by {text}");
    let (_, results) = text.split_once("-> (").ok_or_else(unknown)?;
    let results = results.strip_suffix(")>").ok_or_else(unknown)?;
    let mut parser = Parser {
        rest: results,
        dims,
    };
    let mut out = vec![];
    loop {
        out.push(parser.sum().ok_or_else(unknown)?);
        if !parser.takes(",") {
            break;
        }
    }
    parser.rest.is_empty().then_some(out).ok_or_else(unknown)
}

struct Parser<'a> {
    rest: &'a str,
    dims: usize,
}

impl Parser<'_> {
    fn takes(&mut self, token: &str) -> bool {
        let found = self.rest.trim_start().strip_prefix(token);
        if let Some(rest) = found {
            self.rest = rest.trim_start();
        }
        found.is_some()
    }

    fn sum(&mut self) -> Option<Linear> {
        let mut sum = self.product()?;
        loop {
            if self.takes("+") {
                sum = sum.add(&self.product()?, 1);
            } else if self.takes("-") {
                sum = sum.add(&self.product()?, -1);
            } else {
                return Some(sum);
            }
        }
    }

    fn product(&mut self) -> Option<Linear> {
        let mut product = self.atom()?;
        while self.takes("*") {
            let other = self.atom()?;
            let zero = Linear::constant(self.dims, 0);
            product = match (product.as_constant(), other.as_constant()) {
                (Some(factor), _) => zero.add(&other, factor),
                (None, Some(factor)) => zero.add(&product, factor),
                (None, None) => return None,
            };
        }
        Some(product)
    }

    fn atom(&mut self) -> Option<Linear> {
        if self.takes("(") {
            let inner = self.sum()?;
            return self.takes(")").then_some(inner);
        }
        if self.takes("-") {
            return Some(Linear::constant(self.dims, 0).add(&self.atom()?, -1));
        }
        if self.takes("d") {
            let d = usize::try_from(self.number()?).ok()?;
            return (d < self.dims).then(|| Linear::dim(self.dims, d));
        }
        Some(Linear::constant(self.dims, self.number()?))
    }

    fn number(&mut self) -> Option<i64> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest.trim_start();
        number.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(constant: i64, coefficients: &[i64]) -> Linear {
        Linear {
            constant,
            coefficients: coefficients.to_vec(),
        }
    }

    #[test]
    fn sums_and_products_of_dimensions() {
        let read = |text| parse(text, 2);
        assert_eq!(
            read("affine_map<(d0, d1) -> (d0 * 2 + d1 - 3, 7, -d1 + (d0 + 1) * 4)>"),
            Ok(vec![
                linear(-3, &[2, 1]),
                linear(7, &[0, 0]),
                linear(4, &[4, -1])
            ])
        );
        let product = "affine_map<(d0, d1) -> (d0 * d1)>";
        assert_eq!(
            read(product),
            Err(format!("no kernel indexes a buffer by {product}"))
        );
        assert!(read("affine_map<(d0, d1) -> (d0 floordiv 2)>").is_err());
    }
}
