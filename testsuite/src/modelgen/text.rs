//! Types, values and a line-by-line builder of MLIR text.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write as _};

/// Element type of a tensor or a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Element {
    F32,
    F16,
    BF16,
    F64,
    I1,
    I8,
    I32,
    I64,
    Index,
}

impl Element {
    /// Spelling in MLIR.
    pub fn name(self) -> &'static str {
        match self {
            Element::F32 => "f32",
            Element::F16 => "f16",
            Element::BF16 => "bf16",
            Element::F64 => "f64",
            Element::I1 => "i1",
            Element::I8 => "i8",
            Element::I32 => "i32",
            Element::I64 => "i64",
            Element::Index => "index",
        }
    }

    /// Whether this is a floating-point type.
    pub fn is_float(self) -> bool {
        matches!(
            self,
            Element::F32 | Element::F16 | Element::BF16 | Element::F64
        )
    }

    /// Bytes of one element in memory (`i1` is stored in one byte).
    pub fn bytes(self) -> usize {
        match self {
            Element::F64 | Element::I64 | Element::Index => 8,
            Element::F32 | Element::I32 => 4,
            Element::F16 | Element::BF16 => 2,
            Element::I8 | Element::I1 => 1,
        }
    }

    /// `value` rounded to this type, as `f64`.
    pub fn round(self, value: f64) -> f64 {
        match self {
            Element::F64 => value,
            Element::F32 => f64::from(value as f32),
            Element::F16 => half::f16::from_f64(value).to_f64(),
            Element::BF16 => half::bf16::from_f64(value).to_f64(),
            _ => value.round(),
        }
    }

    /// Little-endian bytes of `value` in this type.
    pub fn encode(self, value: f64) -> Vec<u8> {
        match self {
            Element::F64 => value.to_le_bytes().to_vec(),
            Element::F32 => (value as f32).to_le_bytes().to_vec(),
            Element::F16 => half::f16::from_f64(value).to_le_bytes().to_vec(),
            Element::BF16 => half::bf16::from_f64(value).to_le_bytes().to_vec(),
            Element::I1 => vec![u8::from(value != 0.0)],
            Element::I8 => (value as i8).to_le_bytes().to_vec(),
            Element::I32 => (value as i32).to_le_bytes().to_vec(),
            Element::I64 | Element::Index => (value as i64).to_le_bytes().to_vec(),
        }
    }
}

/// A scalar (`dims` is `None`) or a ranked tensor of static shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// Dimensions of the tensor; `None` for a scalar.
    pub dims: Option<Vec<usize>>,
    /// Element type.
    pub element: Element,
}

impl Type {
    /// A ranked tensor.
    pub fn tensor(dims: &[usize], element: Element) -> Self {
        Type {
            dims: Some(dims.to_vec()),
            element,
        }
    }

    /// A scalar.
    pub fn scalar(element: Element) -> Self {
        Type {
            dims: None,
            element,
        }
    }

    /// Dimensions; empty for a scalar and for a tensor of rank 0.
    pub fn shape(&self) -> &[usize] {
        self.dims.as_deref().unwrap_or(&[])
    }

    /// Number of elements.
    pub fn count(&self) -> usize {
        self.shape().iter().product()
    }

    /// The same shape with another element type.
    pub fn with(&self, element: Element) -> Self {
        Type {
            dims: self.dims.clone(),
            element,
        }
    }
}

impl Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(dims) = &self.dims else {
            return f.write_str(self.element.name());
        };
        f.write_str("tensor<")?;
        for dim in dims {
            write!(f, "{dim}x")?;
        }
        write!(f, "{}>", self.element.name())
    }
}

/// An SSA value and its type.
#[derive(Clone, Debug)]
pub struct Value {
    /// Name with its `%`.
    pub name: String,
    /// Type.
    pub ty: Type,
}

impl Value {
    /// A value called `name`.
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Value {
            name: name.into(),
            ty,
        }
    }

    /// Shape of the tensor.
    pub fn shape(&self) -> &[usize] {
        self.ty.shape()
    }

    /// Element type.
    pub fn element(&self) -> Element {
        self.ty.element
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// One result of an affine map: a dimension of the iteration space, or the constant 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// `dN`.
    D(usize),
    /// `0`.
    Zero,
}

/// Text of `affine_map<(d0, ..) -> (..)>` over `rank` dimensions.
pub(super) fn affine_map(rank: usize, results: &[At]) -> String {
    let dims: Vec<String> = (0..rank).map(|d| format!("d{d}")).collect();
    let results: Vec<String> = results
        .iter()
        .map(|at| match at {
            At::D(d) => format!("d{d}"),
            At::Zero => "0".to_owned(),
        })
        .collect();
    format!(
        "affine_map<({}) -> ({})>",
        dims.join(", "),
        results.join(", ")
    )
}

/// The identity on `rank` dimensions.
pub(super) fn identity(rank: usize) -> Vec<At> {
    (0..rank).map(At::D).collect()
}

/// `[a, b, c]`.
pub(super) fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|i| i.to_string()).collect();
    format!("[{}]", items.join(", "))
}

/// `a, b, c`.
pub(super) fn commas<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|i| i.to_string()).collect();
    items.join(", ")
}

/// The shortest decimal that reads back as `value`, with the point that MLIR wants.
fn decimal(value: f64) -> String {
    let text = format!("{value:e}");
    if text.contains('.') {
        return text;
    }
    text.replacen('e', ".0e", 1)
}

/// Appends the ops of one function body; constants are kept apart and come first, as exporters print them.
#[derive(Default)]
pub(super) struct Builder {
    constants: BTreeMap<String, String>,
    constant_lines: String,
    body: String,
    next: usize,
    depth: usize,
}

impl Builder {
    /// A fresh SSA name.
    pub(super) fn fresh(&mut self) -> String {
        self.next += 1;
        format!("%{}", self.next - 1)
    }

    /// Appends one line to the body.
    pub(super) fn line(&mut self, text: impl Display) {
        let indent = 4 + 2 * self.depth;
        let _ = writeln!(self.body, "{:indent$}{text}", "");
    }

    /// Runs `inside` one level deeper.
    pub(super) fn nested<R>(&mut self, inside: impl FnOnce(&mut Self) -> R) -> R {
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    /// Indents what follows by one level.
    pub(super) fn enter(&mut self) {
        self.depth += 1;
    }

    /// Ends what [`Self::enter`] began.
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Appends `%n = text` and returns the value.
    pub(super) fn op(&mut self, ty: Type, text: impl Display) -> Value {
        let name = self.fresh();
        self.line(format_args!("{name} = {text}"));
        Value::new(name, ty)
    }

    /// A constant op with the attribute text `attribute`, one per function.
    pub(super) fn constant_text(&mut self, attribute: &str, ty: &Type) -> Value {
        let text = match ty.dims {
            None if ty.element == Element::I1 => format!("arith.constant {attribute}"),
            _ => format!("arith.constant {attribute} : {ty}"),
        };
        if let Some(name) = self.constants.get(&text) {
            return Value::new(name.clone(), ty.clone());
        }
        let name = self.fresh();
        let _ = writeln!(self.constant_lines, "    {name} = {text}");
        self.constants.insert(text, name.clone());
        Value::new(name, ty.clone())
    }

    /// A float constant of scalar type `element`; infinities are spelled in hexadecimal.
    pub(super) fn float(&mut self, value: f64, element: Element) -> Value {
        let text = if value == f64::NEG_INFINITY {
            match element {
                Element::F16 => "0xFC00".to_owned(),
                Element::BF16 => "0xFF80".to_owned(),
                Element::F64 => "0xFFF0000000000000".to_owned(),
                _ => "0xFF800000".to_owned(),
            }
        } else {
            decimal(value)
        };
        self.constant_text(&text, &Type::scalar(element))
    }

    /// An integer or index constant.
    pub(super) fn int(&mut self, value: i64, element: Element) -> Value {
        self.constant_text(&value.to_string(), &Type::scalar(element))
    }

    /// `%r = name %a : type` for a scalar op with operands and result of one type.
    pub(super) fn scalar(&mut self, name: &str, operands: &[&Value]) -> Value {
        let ty = operands[0].ty.clone();
        let text = format!("{name} {} : {ty}", commas(operands));
        self.op(ty, text)
    }

    /// A scalar conversion `%r = name %a : from to to`.
    pub(super) fn convert(&mut self, name: &str, value: &Value, to: Element) -> Value {
        let ty = Type::scalar(to);
        self.op(
            ty.clone(),
            format_args!("{name} {value} : {} to {ty}", value.ty),
        )
    }

    /// A comparison of scalars, of type `i1`.
    pub(super) fn compare(&mut self, op: &str, a: &Value, b: &Value) -> Value {
        self.op(
            Type::scalar(Element::I1),
            format_args!("{op}, {a}, {b} : {}", a.ty),
        )
    }

    /// `arith.select`.
    pub(super) fn select(&mut self, condition: &Value, yes: &Value, no: &Value) -> Value {
        self.op(
            yes.ty.clone(),
            format_args!("arith.select {condition}, {yes}, {no} : {}", yes.ty),
        )
    }

    /// The body's text: constants, then ops.
    pub(super) fn finish(self) -> String {
        self.constant_lines + &self.body
    }
}
