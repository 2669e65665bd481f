//! Metadata of GGUF files: values, and how they are asked for.

use super::header::{Cursor, Header};
use crate::error::ImportError;
use std::ops::Range;
use std::path::Path;

/// Type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    Text,
    Array,
    U64,
    I64,
    F64,
}

/// In the order of their numbers.
const KINDS: [Kind; 13] = [
    Kind::U8,
    Kind::I8,
    Kind::U16,
    Kind::I16,
    Kind::U32,
    Kind::I32,
    Kind::F32,
    Kind::Bool,
    Kind::Text,
    Kind::Array,
    Kind::U64,
    Kind::I64,
    Kind::F64,
];

/// The first `N` bytes, if there are so many.
fn first<const N: usize>(raw: &[u8]) -> Option<[u8; N]> {
    raw.first_chunk::<N>().copied()
}

impl Kind {
    pub fn of(id: u32) -> Option<Self> {
        KINDS.get(usize::try_from(id).ok()?).copied()
    }

    /// Bytes that a value takes, of strings and arrays the least.
    pub fn least(self) -> usize {
        match self {
            Kind::U8 | Kind::I8 | Kind::Bool => 1,
            Kind::U16 | Kind::I16 => 2,
            Kind::U32 | Kind::I32 | Kind::F32 => 4,
            Kind::Text | Kind::U64 | Kind::I64 | Kind::F64 => 8,
            Kind::Array => 12,
        }
    }

    /// The value of these bytes; none for strings and arrays, and truth values other than 0 and 1.
    pub fn scalar(self, raw: &[u8]) -> Option<Value> {
        Some(match self {
            Kind::U8 => Value::Integer(u8::from_le_bytes(first(raw)?).into()),
            Kind::I8 => Value::Integer(i8::from_le_bytes(first(raw)?).into()),
            Kind::U16 => Value::Integer(u16::from_le_bytes(first(raw)?).into()),
            Kind::I16 => Value::Integer(i16::from_le_bytes(first(raw)?).into()),
            Kind::U32 => Value::Integer(u32::from_le_bytes(first(raw)?).into()),
            Kind::I32 => Value::Integer(i32::from_le_bytes(first(raw)?).into()),
            Kind::U64 => Value::Integer(u64::from_le_bytes(first(raw)?).into()),
            Kind::I64 => Value::Integer(i64::from_le_bytes(first(raw)?).into()),
            Kind::F32 => Value::Float(f32::from_le_bytes(first(raw)?).into()),
            Kind::F64 => Value::Float(f64::from_le_bytes(first(raw)?)),
            Kind::Bool => match first::<1>(raw)? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                _ => return None,
            },
            Kind::Text | Kind::Array => return None,
        })
    }
}

/// A value of the metadata; what is long stays in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Any integer.
    Integer(i128),
    /// Any float.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A string: where its bytes are.
    Text(Range<usize>),
    /// An array: where its elements are.
    Array(Array),
}

/// An array in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    /// Type of the elements.
    pub kind: Kind,
    /// Their number.
    pub len: usize,
    /// Where they are.
    pub bytes: Range<usize>,
}

impl Value {
    /// An integer that is not negative.
    pub fn unsigned(&self) -> Option<u64> {
        match self {
            Value::Integer(i) => u64::try_from(*i).ok(),
            _ => None,
        }
    }
}

/// The metadata of a file. Keys that are absent give `None`, values of another type an error.
#[derive(Clone, Copy)]
pub(crate) struct Metadata<'a> {
    /// The file, for messages.
    pub path: &'a Path,
    pub(super) bytes: &'a [u8],
    pub(super) header: &'a Header,
}

impl<'a> Metadata<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.header.metadata.get(key)
    }

    fn wrong(&self, key: &str, wanted: &str) -> ImportError {
        ImportError::damaged(self.path, format!("the metadata {key:?} is not {wanted}"))
    }

    /// The error for a key that must be there.
    pub fn missing(&self, key: &str) -> ImportError {
        ImportError::damaged(
            self.path,
            format!("the metadata {key:?} is missing; convert the model again"),
        )
    }

    /// An integer that is not negative.
    pub fn unsigned(&self, key: &str) -> Result<Option<u64>, ImportError> {
        let number = |v: &Value| {
            v.unsigned()
                .ok_or_else(|| self.wrong(key, "a whole number of 0 or more"))
        };
        self.get(key).map(number).transpose()
    }

    /// A finite float, or an integer as one.
    pub fn float(&self, key: &str) -> Result<Option<f64>, ImportError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Float(f)) if f.is_finite() => Ok(Some(*f)),
            Some(Value::Integer(i)) => Ok(Some(*i as f64)),
            Some(_) => Err(self.wrong(key, "a finite number")),
        }
    }

    /// A truth value.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, ImportError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(b)) => Ok(Some(*b)),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    /// A string.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, ImportError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Text(range)) => {
                let text = std::str::from_utf8(self.bytes.get(range.clone()).unwrap_or_default());
                text.map(Some).map_err(|_| self.wrong(key, "text in UTF-8"))
            }
            Some(_) => Err(self.wrong(key, "a string")),
        }
    }

    /// Whether the value is an array.
    pub fn is_array(&self, key: &str) -> bool {
        matches!(self.get(key), Some(Value::Array(_)))
    }

    /// Elements of an array; 0 if it is absent, or no array.
    pub fn len(&self, key: &str) -> usize {
        match self.get(key) {
            Some(Value::Array(a)) => a.len,
            _ => 0,
        }
    }

    fn array(&self, key: &str) -> Result<Option<&'a Array>, ImportError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Array(a)) => Ok(Some(a)),
            Some(_) => Err(self.wrong(key, "an array")),
        }
    }

    /// An array of strings.
    pub fn texts(&self, key: &str) -> Result<Option<Vec<&'a str>>, ImportError> {
        let Some(array) = self.array(key)? else {
            return Ok(None);
        };
        if array.kind != Kind::Text {
            return Err(self.wrong(key, "an array of strings"));
        }
        let (path, bytes, at) = (self.path, self.bytes, array.bytes.start);
        let mut cursor = Cursor { path, bytes, at };
        (0..array.len)
            .map(|i| cursor.text(&format!("{key}[{i}]")))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// An array of numbers, as floats.
    pub fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>, ImportError> {
        let Some(array) = self.array(key)? else {
            return Ok(None);
        };
        let raw = self.bytes.get(array.bytes.clone()).unwrap_or_default();
        let number = |raw: &[u8]| match array.kind.scalar(raw) {
            Some(Value::Integer(i)) => Ok(i as f64),
            Some(Value::Float(f)) => Ok(f),
            _ => Err(self.wrong(key, "an array of numbers")),
        };
        raw.chunks_exact(array.kind.least())
            .map(number)
            .collect::<Result<_, _>>()
            .map(Some)
    }
}
