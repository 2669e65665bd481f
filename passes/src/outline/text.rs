//! Small pieces of textual IR for the functions that this pass writes.

use spec_dialect::attrs::quoted;
use spec_dialect::ffi::{Shape, Type};

/// `@name`, with quotes where MLIR needs them.
pub fn symbol(name: &str) -> String {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let bare = name.starts_with(letter)
        && name
            .chars()
            .all(|c| letter(c) || c.is_ascii_digit() || "$.".contains(c));
    if bare {
        format!("@{name}")
    } else {
        format!("@{}", quoted(name))
    }
}

/// `tensor<2x3xf32>`
pub fn tensor(dims: &[u64], element: &str) -> String {
    let sizes: String = dims.iter().map(|d| format!("{d}x")).collect();
    format!("tensor<{sizes}{element}>")
}

/// Static sizes of a type.
pub fn dims(ty: Type) -> Vec<u64> {
    ty.shape()
        .dims
        .into_iter()
        .map(|d| d.unwrap_or(0))
        .collect()
}

/// Element type of a type, as text.
pub fn element(ty: Type) -> String {
    ty.shape().element.to_string()
}

/// A body under construction: numbered values, one op a line.
#[derive(Default)]
pub struct Body {
    /// Lines so far.
    pub lines: Vec<String>,
    next: usize,
}

impl Body {
    /// A fresh value name.
    pub fn fresh(&mut self) -> String {
        self.next += 1;
        format!("%v{}", self.next)
    }
    /// Appends `%vN = text` and returns the name.
    pub fn op(&mut self, text: impl std::fmt::Display) -> String {
        let name = self.fresh();
        self.lines.push(format!("{name} = {text}"));
        name
    }
    /// An index constant.
    pub fn index(&mut self, n: u64) -> String {
        self.op(format!("arith.constant {n} : index"))
    }
    /// Converts an integer scalar.
    pub fn convert_int(&mut self, value: &str, from: &str, to: &str) -> String {
        let bits = |t: &str| t.strip_prefix('i').and_then(|b| b.parse::<u32>().ok());
        match (bits(from), bits(to)) {
            _ if from == to => value.to_owned(),
            (Some(a), Some(b)) if a < b => self.op(format!("arith.extsi {value} : {from} to {to}")),
            (Some(_), Some(_)) => self.op(format!("arith.trunci {value} : {from} to {to}")),
            _ => self.op(format!("arith.index_cast {value} : {from} to {to}")),
        }
    }
    /// Builds a tensor (or scalar) of a type from scalars in row-major order.
    pub fn from_elements(&mut self, scalars: &[String], ty: Type) -> String {
        if !ty.shape().is_shaped {
            return scalars[0].clone();
        }
        self.op(format!(
            "tensor.from_elements {} : {ty}",
            scalars.join(", ")
        ))
    }
    /// Reshapes a static tensor to `[rows, columns]`.
    pub fn to_matrix(&mut self, value: &str, ty: Type, rows: u64, columns: u64) -> String {
        let Shape { dims, element, .. } = ty.shape();
        let goal = tensor(&[rows, columns], &element.to_string());
        match dims.len() {
            2 => value.to_owned(),
            1 => self.op(format!("tensor.expand_shape {value} [[0, 1]] output_shape [{rows}, {columns}] : {ty} into {goal}")),
            n => {
                let leading: Vec<String> = (0..n - 1).map(|i| i.to_string()).collect();
                self.op(format!("tensor.collapse_shape {value} [[{}], [{}]] : {ty} into {goal}", leading.join(", "), n - 1))
            }
        }
    }
}
