//! Reads the operands and attributes of model ops on memrefs.

use super::kernels::Argument;
use crate::kernel_cases::dtype;
use spec_dialect::ffi::{Op, Value};
use spec_dialect::model_ops;
use spec_kernels::DType;

/// An op's operands and attributes.
pub(super) struct Reader {
    pub(super) op: Op,
}

/// A static memref: type, sizes and strides, in elements.
pub(super) struct Buffer {
    value: Value,
    pub(super) dtype: DType,
    pub(super) sizes: Vec<i64>,
    pub(super) strides: Vec<i64>,
}

impl Reader {
    pub(super) fn operand(&self, i: usize) -> Result<Value, String> {
        let missing = || format!("{} has no operand #{i}", self.op.name());
        self.op.operand(i).ok_or_else(missing)
    }

    pub(super) fn buffer(&self, i: usize) -> Result<Buffer, String> {
        let value = self.operand(i)?;
        let shape = value.ty().shape();
        let sizes = shape
            .dims
            .iter()
            .map(|d| d.map(|d| d as i64))
            .collect::<Option<Vec<i64>>>();
        let strides = (value.ty().strides())
            .and_then(|(strides, _)| strides.into_iter().collect::<Option<Vec<i64>>>());
        let (Some(sizes), Some(strides)) = (sizes, strides) else {
            return Err(format!(
                "operand #{i} of type {} needs static sizes and strides",
                value.ty()
            ));
        };
        Ok(Buffer {
            value,
            dtype: dtype(shape.element)?,
            sizes,
            strides,
        })
    }

    /// The case of an enum attribute, or `default` where it is left out.
    pub(super) fn case(&self, name: &str, default: &str) -> String {
        let case = model_ops::case(self.op, name);
        if case.is_empty() {
            default.to_owned()
        } else {
            case
        }
    }

    pub(super) fn int(&self, name: &str) -> i64 {
        self.op.attr(name).and_then(|a| a.as_i64()).unwrap_or(0)
    }

    pub(super) fn float(&self, name: &str) -> f32 {
        self.op.attr(name).and_then(|a| a.as_f64()).unwrap_or(0.0) as f32
    }

    /// The buffer of operand group `i`, if it is there.
    pub(super) fn optional(&self, i: usize) -> Result<Option<Buffer>, String> {
        let place = model_ops::operand_of_group(self.op, i);
        place.map(|p| self.buffer(p)).transpose()
    }

    /// The buffer of operand group `i`.
    pub(super) fn required(&self, i: usize) -> Result<Buffer, String> {
        let missing = || format!("{} lacks an operand", self.op.name());
        self.optional(i)?.ok_or_else(missing)
    }
}

impl Buffer {
    /// Distance of rows, whose elements must stand side by side.
    pub(super) fn row_stride(&self, what: &str) -> Result<i64, String> {
        match (self.strides.as_slice(), self.sizes.as_slice()) {
            ([.., row, 1], _) | ([.., row, _], [.., 1]) => Ok(*row),
            _ => Err(format!(
                "elements of a row of {what} must stand side by side, strides are {:?}",
                self.strides
            )),
        }
    }

    /// The buffer, if its elements stand side by side in order.
    pub(super) fn dense(&self, what: &str) -> Result<Argument, String> {
        let mut expected = 1;
        for (size, stride) in self.sizes.iter().zip(&self.strides).rev() {
            if *size != 1 && *stride != expected {
                return Err(format!(
                    "{what} must be contiguous, strides are {:?}",
                    self.strides
                ));
            }
            expected *= size;
        }
        Ok(self.argument())
    }

    pub(super) fn argument(&self) -> Argument {
        Argument::Buffer(self.value)
    }
}
