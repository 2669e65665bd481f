//! Text of one function: names, types, the ops that are needed.

use std::collections::HashMap;
use std::fmt::{Display, Write as _};

/// Indexing maps, in front of the module.
pub const MAPS: &str = "\
#a = affine_map<(d0) -> (d0)>
#ab = affine_map<(d0, d1) -> (d0, d1)>
#ab_a = affine_map<(d0, d1) -> (d0)>
#ab_b = affine_map<(d0, d1) -> (d1)>
#abc = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#abc_ab = affine_map<(d0, d1, d2) -> (d0, d1)>
#abc_bc = affine_map<(d0, d1, d2) -> (d1, d2)>
#abc_c = affine_map<(d0, d1, d2) -> (d2)>
#abcd = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#abcd_abc = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
";

/// A tensor: its name, sizes and element.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// `%` and its name.
    pub name: String,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// The element's type.
    pub element: &'static str,
}

impl Tensor {
    /// A tensor of f32.
    pub fn f32(name: impl Into<String>, shape: &[usize]) -> Self {
        let (name, shape) = (name.into(), shape.to_vec());
        let element = "f32";
        Tensor {
            name,
            shape,
            element,
        }
    }

    /// Its type.
    pub fn ty(&self) -> String {
        ty(&self.shape, self.element)
    }
}

impl Display for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// `tensor<1x64xf32>`.
pub fn ty(shape: &[usize], element: &str) -> String {
    let mut out = String::from("tensor<");
    for n in shape {
        let _ = write!(out, "{n}x");
    }
    out + element + ">"
}

/// `a, b`, of anything.
pub fn commas<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut out = String::new();
    for item in items {
        let separator = if out.is_empty() { "" } else { ", " };
        let _ = write!(out, "{separator}{item}");
    }
    out
}

/// The body of a function, as it grows.
#[derive(Default)]
pub struct Body {
    text: String,
    names: usize,
    /// `tensor.empty` and fills by their text: one each.
    shared: HashMap<String, String>,
}

impl Body {
    /// What was written.
    pub fn into_text(self) -> String {
        self.text
    }

    /// An op with one result of any type: its name.
    pub fn op(&mut self, text: impl Display) -> String {
        let name = format!("%{}", self.names);
        self.names += 1;
        let _ = writeln!(self.text, "    {name} = {text}");
        name
    }

    /// As [`Body::op`], the name of an earlier op with the same text if there is one.
    pub fn shared(&mut self, text: String) -> String {
        if let Some(name) = self.shared.get(&text) {
            return name.clone();
        }
        let name = self.op(&text);
        self.shared.insert(text, name.clone());
        name
    }

    /// A constant f32.
    pub fn constant(&mut self, value: f32) -> String {
        self.shared(format!("arith.constant {} : f32", float(value)))
    }

    /// An op with an f32 tensor.
    pub fn tensor(&mut self, shape: &[usize], text: impl Display) -> Tensor {
        Tensor::f32(self.op(text), shape)
    }

    /// `tensor.empty`.
    pub fn empty(&mut self, shape: &[usize]) -> Tensor {
        let name = self.shared(format!("tensor.empty() : {}", ty(shape, "f32")));
        Tensor::f32(name, shape)
    }

    /// A tensor of one value.
    pub fn filled(&mut self, shape: &[usize], value: f32) -> Tensor {
        let value = self.constant(value);
        let empty = self.empty(shape);
        let t = empty.ty();
        let text = format!("linalg.fill ins({value} : f32) outs({empty} : {t}) -> {t}");
        Tensor::f32(self.shared(text), shape)
    }

    /// A generic into `init`: inputs with their maps, the map of `init`, one letter a loop (`p`, `r`), and the lines of its
    /// body, whose arguments are `%x0`, `%x1` ... and `%acc`, and which ends with the yielded value's name.
    pub fn generic(
        &mut self,
        inputs: &[(&Tensor, &str)],
        (init, map): (&Tensor, &str),
        loops: &str,
        lines: &[&str],
        result: &str,
    ) -> Tensor {
        let maps = commas(inputs.iter().map(|i| i.1).chain([map]));
        let kinds = commas(loops.chars().map(|c| match c {
            'r' => "\"reduction\"",
            _ => "\"parallel\"",
        }));
        let t = init.ty();
        let ins = match inputs {
            [] => String::new(),
            _ => format!(
                " ins({} : {})",
                commas(inputs.iter().map(|i| i.0)),
                commas(inputs.iter().map(|i| i.0.ty()))
            ),
        };
        let args = inputs.iter().enumerate();
        let args = args.map(|(i, (t, _))| format!("%x{i}: {}", t.element));
        let args = commas(args.chain([format!("%acc: {}", init.element)]));
        let mut text = format!(
            "linalg.generic {{indexing_maps = [{maps}], iterator_types = [{kinds}]}}{ins} outs({init} : {t}) {{\n    ^bb0({args}):\n"
        );
        for line in lines {
            let _ = writeln!(text, "      {line}");
        }
        let _ = write!(
            text,
            "      linalg.yield {result} : {}\n    }} -> {t}",
            init.element
        );
        self.tensor(&init.shape.clone(), text)
    }

    /// `tensor.expand_shape` by groups of the new dimensions.
    pub fn expand(&mut self, x: &Tensor, groups: &str, shape: &[usize]) -> Tensor {
        let (from, to) = (x.ty(), ty(shape, "f32"));
        let sizes = commas(shape);
        self.tensor(
            shape,
            format!("tensor.expand_shape {x} {groups} output_shape [{sizes}] : {from} into {to}"),
        )
    }

    /// `tensor.collapse_shape` by groups of the old dimensions.
    pub fn collapse(&mut self, x: &Tensor, groups: &str, shape: &[usize]) -> Tensor {
        let (from, to) = (x.ty(), ty(shape, x.element));
        let name = self.op(format!(
            "tensor.collapse_shape {x} {groups} : {from} into {to}"
        ));
        Tensor {
            element: x.element,
            ..Tensor::f32(name, shape)
        }
    }

    /// `tensor.extract_slice` with unit strides; `shape` may leave out sizes of 1.
    pub fn slice(
        &mut self,
        x: &Tensor,
        offsets: &[usize],
        sizes: &[usize],
        shape: &[usize],
    ) -> Tensor {
        let ones = commas(sizes.iter().map(|_| 1));
        let (from, to) = (x.ty(), ty(shape, "f32"));
        let (offsets, sizes) = (commas(offsets), commas(sizes));
        self.tensor(
            shape,
            format!("tensor.extract_slice {x}[{offsets}] [{sizes}] [{ones}] : {from} to {to}"),
        )
    }

    /// `linalg.transpose`.
    pub fn transpose<const N: usize>(&mut self, x: &Tensor, permutation: [usize; N]) -> Tensor {
        let size = |p: &usize| x.shape.get(*p).copied().unwrap_or(1);
        let shape: Vec<usize> = permutation.iter().map(size).collect();
        let init = self.empty(&shape);
        let (from, to) = (x.ty(), init.ty());
        let permutation = commas(permutation);
        self.tensor(
            &shape,
            format!(
                "linalg.transpose ins({x} : {from}) outs({init} : {to}) permutation = [{permutation}]"
            ),
        )
    }

    /// `linalg.matmul` or `linalg.batch_matmul` into zeros.
    pub fn matmul(&mut self, op: &str, a: &Tensor, b: &Tensor, shape: &[usize]) -> Tensor {
        let init = self.filled(shape, 0.0);
        let (ta, tb, t) = (a.ty(), b.ty(), init.ty());
        self.tensor(
            shape,
            format!("linalg.{op} ins({a}, {b} : {ta}, {tb}) outs({init} : {t}) -> {t}"),
        )
    }

    /// `tensor.concat`; the only part itself.
    pub fn concat(&mut self, dim: usize, parts: &[Tensor], shape: &[usize]) -> Tensor {
        if let [only] = parts {
            return only.clone();
        }
        let types = commas(parts.iter().map(Tensor::ty));
        let to = ty(shape, "f32");
        let parts = commas(parts);
        self.tensor(
            shape,
            format!("tensor.concat dim({dim}) {parts} : ({types}) -> {to}"),
        )
    }
}

/// A float as MLIR reads it back: the same bits.
pub fn float(value: f32) -> String {
    if !value.is_finite() {
        return format!("0x{:08X}", value.to_bits());
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0e{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_their_bits_and_have_a_point() {
        for value in [
            0.0,
            1.0,
            -2.5,
            576.0,
            1e-6,
            1e-5,
            f32::MIN_POSITIVE,
            1e30,
            0.1,
        ] {
            let text = float(value);
            assert!(text.contains('.'), "{text}");
            assert_eq!(text.parse::<f32>().unwrap().to_bits(), value.to_bits());
        }
        assert_eq!(float(f32::NEG_INFINITY), "0xFF800000");
    }

    #[test]
    fn equal_constants_are_one_op() {
        let mut b = Body::default();
        assert_eq!(b.constant(1.0), b.constant(1.0));
        assert_ne!(b.constant(1.0), b.constant(2.0));
        assert_eq!(b.into_text().lines().count(), 2);
    }
}
