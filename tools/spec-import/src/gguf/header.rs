//! The header of a GGUF file, version 2 or 3, read without trust: every length is checked against the file before it is used,
//! and arrays stay in the file.

use super::types::{self, Format};
use super::value::{Array, Kind, Value};
use crate::error::ImportError;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

/// Arrays of arrays go no deeper.
const DEEPEST: usize = 4;

/// A tensor in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// Its name as llama.cpp calls it.
    pub name: String,
    /// Sizes, innermost first; none is 0.
    pub dims: Vec<usize>,
    /// Name of its type.
    pub type_name: String,
    /// How its values are stored.
    pub format: Format,
    /// Where they are.
    pub bytes: Range<usize>,
}

/// What stands before the tensors' values.
#[derive(Debug)]
pub(super) struct Header {
    /// Metadata by key.
    pub metadata: BTreeMap<String, Value>,
    /// Tensors in the file's order.
    pub tensors: Vec<Stored>,
}

/// Reads the header of a file's bytes.
///
/// # Errors
/// [`ImportError::Damaged`], [`ImportError::Unsupported`].
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Header, ImportError> {
    let mut at = Cursor { path, bytes, at: 0 };
    if at.array::<4>("the magic number").ok() != Some(*b"GGUF") {
        return Err(at.damaged("not a GGUF file: it does not begin with \"GGUF\""));
    }
    match at.u32("the version")? {
        2 | 3 => {}
        v if v != 0 && v & 0xffff == 0 => {
            let reason = "a big-endian GGUF file; convert it to little-endian (gguf_convert_endian.py of llama.cpp)";
            return Err(ImportError::unsupported(path, reason));
        }
        v => {
            let reason =
                format!("GGUF version {v}; versions 2 and 3 can be read, convert the model again");
            return Err(ImportError::unsupported(path, reason));
        }
    }
    let tensors = at.count("the number of tensors", 24)?;
    let pairs = at.count("the number of metadata", 13)?;
    let mut metadata = BTreeMap::new();
    for i in 0..pairs {
        let key = at.text(&format!("key {i}"))?.to_owned();
        let kind = at.kind(&key)?;
        let value = at.value(kind, &key, 0)?;
        if metadata.contains_key(&key) {
            return Err(at.damaged(format!("the key {key:?} is there twice")));
        }
        metadata.insert(key, value);
    }
    whole(path, &metadata)?;
    let mut found = vec![];
    for i in 0..tensors {
        found.push(at.tensor(i)?);
    }
    let alignment = match metadata.get("general.alignment") {
        None => 32,
        Some(v) => v
            .unsigned()
            .and_then(|a| usize::try_from(a).ok())
            .unwrap_or(0),
    };
    if !alignment.is_power_of_two() {
        return Err(at.damaged("general.alignment is not a power of two"));
    }
    let start = at.at.checked_next_multiple_of(alignment);
    let start = start.ok_or_else(|| at.damaged("general.alignment is larger than the file"))?;
    let tensors = placed(&at, start, found)?;
    Ok(Header { metadata, tensors })
}

/// Refuses one part of a split model.
fn whole(path: &Path, metadata: &BTreeMap<String, Value>) -> Result<(), ImportError> {
    let number = |key| metadata.get(key).and_then(Value::unsigned);
    match number("split.count") {
        None | Some(0 | 1) => Ok(()),
        Some(parts) => {
            let part = number("split.no").unwrap_or(0).saturating_add(1);
            let reason = format!(
                "part {part} of {parts} of a split model; join them with llama-gguf-split --merge"
            );
            Err(ImportError::unsupported(path, reason))
        }
    }
}

/// A tensor whose place is not checked yet.
struct Found {
    name: String,
    dims: Vec<u64>,
    id: u32,
    offset: u64,
}

/// Checks sizes, types and places of all tensors.
fn placed(at: &Cursor<'_>, start: usize, found: Vec<Found>) -> Result<Vec<Stored>, ImportError> {
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    for Found {
        name,
        dims,
        id,
        offset,
    } in found
    {
        let wrong = |what: &str| at.damaged(format!("tensor {name:?} {what}"));
        let (type_name, format) = types::of(id);
        let Some(format) = format else {
            let readable = types::readable();
            let reason = format!(
                "tensor {name:?} is of type {type_name}, which cannot be read; take a file of one of {readable}"
            );
            return Err(ImportError::unsupported(at.path, reason));
        };
        let sizes: Option<Vec<usize>> = dims.iter().map(|d| usize::try_from(*d).ok()).collect();
        let sizes = sizes.unwrap_or_default();
        let count = sizes.iter().try_fold(1usize, |a, b| a.checked_mul(*b));
        let count = count.filter(|c| *c > 0 && !sizes.is_empty());
        let (Some(count), Some(row)) = (count, sizes.first()) else {
            return Err(wrong(&format!("has impossible sizes {dims:?}")));
        };
        if !row.is_multiple_of(format.block()) {
            return Err(wrong(&format!(
                "has rows of {row} values, which are no whole blocks of {type_name}"
            )));
        }
        let bytes = (count / format.block()).checked_mul(format.block_bytes());
        let from = usize::try_from(offset)
            .ok()
            .and_then(|o| o.checked_add(start));
        let to = from.and_then(|f| f.checked_add(bytes?));
        let (Some(from), Some(to)) = (from, to.filter(|to| *to <= at.bytes.len())) else {
            let len = at.bytes.len();
            return Err(wrong(&format!(
                "ends behind the end of the file ({len} bytes): the file is truncated; get it again"
            )));
        };
        if !names.insert(name.clone()) {
            return Err(wrong("is there twice"));
        }
        let bytes = from..to;
        all.push(Stored {
            name,
            dims: sizes,
            type_name,
            format,
            bytes,
        });
    }
    let mut places: Vec<_> = all
        .iter()
        .map(|t: &Stored| (t.bytes.start, t.bytes.end, &t.name))
        .collect();
    places.sort_unstable();
    for pair in places.windows(2) {
        if let [(_, end, a), (start, _, b)] = pair
            && end > start
        {
            return Err(at.damaged(format!("tensors {a:?} and {b:?} overlap")));
        }
    }
    Ok(all)
}

/// Reads on from a place in the file.
pub(super) struct Cursor<'a> {
    pub path: &'a Path,
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Cursor<'a> {
    fn damaged(&self, reason: impl Into<String>) -> ImportError {
        ImportError::damaged(self.path, reason)
    }

    /// The next `n` bytes.
    fn take(&mut self, n: usize, what: &str) -> Result<&'a [u8], ImportError> {
        let end = self.at.checked_add(n);
        let Some((end, found)) = end.and_then(|end| Some((end, self.bytes.get(self.at..end)?)))
        else {
            let (at, len) = (self.at, self.bytes.len());
            return Err(self.damaged(format!(
                "the file ends within {what} (byte {at} of {len}): it is truncated or damaged; get it again"
            )));
        };
        self.at = end;
        Ok(found)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], ImportError> {
        let found = self.take(N, what)?;
        Ok(found.first_chunk::<N>().copied().unwrap_or([0; N]))
    }

    fn u32(&mut self, what: &str) -> Result<u32, ImportError> {
        self.array(what).map(u32::from_le_bytes)
    }

    fn u64(&mut self, what: &str) -> Result<u64, ImportError> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A number of things of which each takes `least` bytes or more.
    fn count(&mut self, what: &str, least: usize) -> Result<usize, ImportError> {
        let count = self.u64(what)?;
        let room = self.bytes.len().saturating_sub(self.at);
        match usize::try_from(count) {
            Ok(n) if n.checked_mul(least).is_some_and(|b| b <= room) => Ok(n),
            _ => Err(self.damaged(format!(
                "{what} is {count}, more than the rest of the file ({room} bytes) holds: it is truncated or damaged"
            ))),
        }
    }

    fn string(&mut self, what: &str) -> Result<Range<usize>, ImportError> {
        let len = self.count(what, 1)?;
        self.take(len, what)?;
        Ok(self.at - len..self.at)
    }

    /// A string in UTF-8.
    pub fn text(&mut self, what: &str) -> Result<&'a str, ImportError> {
        let range = self.string(what)?;
        let bytes = self.bytes.get(range).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| self.damaged(format!("{what} is not UTF-8")))
    }

    fn kind(&mut self, key: &str) -> Result<Kind, ImportError> {
        let id = self.u32(key)?;
        Kind::of(id)
            .ok_or_else(|| self.damaged(format!("{key:?} has a value of the unknown type {id}")))
    }

    fn value(&mut self, kind: Kind, key: &str, depth: usize) -> Result<Value, ImportError> {
        if kind == Kind::Text {
            return self.string(key).map(Value::Text);
        }
        if kind == Kind::Array {
            let kind = self.kind(key)?;
            let len = self.count(key, kind.least())?;
            let start = self.at;
            match kind {
                Kind::Array if depth == DEEPEST => {
                    return Err(
                        self.damaged(format!("{key:?} is nested deeper than {DEEPEST} arrays"))
                    );
                }
                Kind::Array | Kind::Text => {
                    for _ in 0..len {
                        self.value(kind, key, depth + 1)?;
                    }
                }
                _ => {
                    self.take(len * kind.least(), key)?;
                }
            }
            let bytes = start..self.at;
            return Ok(Value::Array(Array { kind, len, bytes }));
        }
        let raw = self.take(kind.least(), key)?;
        let value = kind.scalar(raw);
        value.ok_or_else(|| self.damaged(format!("{key:?} is neither true nor false")))
    }

    fn tensor(&mut self, i: usize) -> Result<Found, ImportError> {
        let what = format!("the description of tensor {i}");
        let name = self.text(&what)?.to_owned();
        let dims = self.u32(&what)?;
        if dims > 4 {
            return Err(self.damaged(format!(
                "tensor {name:?} has {dims} dimensions, more than 4"
            )));
        }
        let dims = (0..dims)
            .map(|_| self.u64(&what))
            .collect::<Result<_, _>>()?;
        let id = self.u32(&what)?;
        let offset = self.u64(&what)?;
        Ok(Found {
            name,
            dims,
            id,
            offset,
        })
    }
}
