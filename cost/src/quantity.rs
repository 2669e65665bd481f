//! A number of a device file: value, unit, source, and how far to trust it.

use crate::CostError;
use serde::{Deserialize, Serialize};
use std::fmt;
use toml::Spanned;

/// Where a number comes from.
#[derive(Deserialize, Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Measured on this part, by us or in a public record.
    Measured,
    /// Stated by a document about this part.
    Document,
    /// Computed from measured or documented numbers; the source says how.
    Derived,
    /// Assumed; the source says why.
    Guess,
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            SourceKind::Measured => "measured",
            SourceKind::Document => "document",
            SourceKind::Derived => "derived",
            SourceKind::Guess => "guess",
        })
    }
}

/// One number of a device file as it was written, for listings.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Number {
    /// Path of the key, e.g. `unit.cpu.clock`.
    pub key: String,
    /// Value in `unit`.
    pub value: f64,
    /// Unit as written.
    pub unit: String,
    /// Where it comes from.
    pub source: String,
    /// How far to trust it.
    pub kind: SourceKind,
}

/// A number that nobody measured or documented.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Guess {
    /// Path of the key.
    pub key: String,
    /// Value in `unit`.
    pub value: f64,
    /// Unit as written.
    pub unit: String,
    /// Why this value.
    pub why: String,
}

/// What a number measures; the SI value is what the model computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    /// Bytes.
    Bytes,
    /// Bytes a second.
    Bandwidth,
    /// Operations a second.
    Rate,
    /// Seconds.
    Time,
    /// Hertz.
    Frequency,
    /// Bits: a whole number above zero.
    Bits,
    /// A plain number above zero.
    Count,
    /// A plain number in 0..=1.
    Share,
    /// A plain number, 0 included.
    Weight,
}

/// Units by dimension, with their factor to SI. `FLOP/cycle` and `OP/cycle` take the unit's clock.
const UNITS: [(Dimension, &[(&str, f64)]); 9] = [
    (
        Dimension::Bytes,
        &[
            ("B", 1.0),
            ("kB", 1e3),
            ("MB", 1e6),
            ("GB", 1e9),
            ("KiB", 1024.0),
            ("MiB", 1_048_576.0),
            ("GiB", 1_073_741_824.0),
        ],
    ),
    (
        Dimension::Bandwidth,
        &[("B/s", 1.0), ("MB/s", 1e6), ("GB/s", 1e9)],
    ),
    (
        Dimension::Rate,
        &[
            ("FLOP/s", 1.0),
            ("GFLOP/s", 1e9),
            ("TFLOP/s", 1e12),
            ("OP/s", 1.0),
            ("GOP/s", 1e9),
            ("FLOP/cycle", 0.0),
            ("OP/cycle", 0.0),
        ],
    ),
    (
        Dimension::Time,
        &[("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)],
    ),
    (
        Dimension::Frequency,
        &[("Hz", 1.0), ("MHz", 1e6), ("GHz", 1e9)],
    ),
    (Dimension::Bits, &[("bit", 1.0)]),
    (Dimension::Count, &[("1", 1.0)]),
    (Dimension::Share, &[("1", 1.0)]),
    (Dimension::Weight, &[("1", 1.0), ("1/GB", 1e-9)]),
];

/// A number as it stands in the file.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawNumber {
    pub(crate) value: f64,
    pub(crate) unit: String,
    pub(crate) source: String,
    pub(crate) kind: SourceKind,
}

/// A number and where it stands in the file.
pub(crate) type Raw = Spanned<RawNumber>;

/// Reads the numbers of one file: checks, converts and records each.
pub(crate) struct Reader<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    pub(crate) numbers: Vec<Number>,
}

impl Reader<'_> {
    /// An error at a number.
    pub(crate) fn error(&self, raw: &Raw, key: &str, message: &str) -> CostError {
        CostError::at(
            self.path,
            self.text,
            raw.span().start,
            format!("{key}: {message}"),
        )
    }

    /// The SI value of a number. `clock` (Hz) is needed where a rate is given a cycle.
    pub(crate) fn si(
        &mut self,
        key: &str,
        raw: &Raw,
        dimension: Dimension,
        clock: Option<f64>,
    ) -> Result<f64, CostError> {
        let number = raw.get_ref();
        let units = UNITS
            .iter()
            .find(|(d, _)| *d == dimension)
            .map_or(&[][..], |(_, u)| *u);
        let Some((unit, factor)) = units.iter().find(|(u, _)| *u == number.unit) else {
            let known: Vec<&str> = units.iter().map(|(u, _)| *u).collect();
            let message = format!("unknown unit '{}'; use {}", number.unit, known.join(", "));
            return Err(self.error(raw, key, &message));
        };
        if let Some(message) = out_of_range(number.value, dimension) {
            return Err(self.error(raw, key, &message));
        }
        if number.source.trim().is_empty() {
            return Err(self.error(
                raw,
                key,
                "source is empty; say where the number comes from, or why it was guessed",
            ));
        }
        let factor = match (unit.ends_with("/cycle"), clock) {
            (false, _) => *factor,
            (true, Some(hz)) => hz,
            (true, None) => {
                return Err(self.error(raw, key, "a rate a cycle needs the unit's 'clock'"));
            }
        };
        self.numbers.push(Number {
            key: key.to_string(),
            value: number.value,
            unit: number.unit.clone(),
            source: number.source.clone(),
            kind: number.kind,
        });
        Ok(number.value * factor)
    }
}

/// Why a value cannot be right, if it cannot.
fn out_of_range(value: f64, dimension: Dimension) -> Option<String> {
    if !value.is_finite() {
        return Some(format!("{value} is not a finite number"));
    }
    if value < 0.0 {
        return Some(format!("{value} is negative"));
    }
    if value > 1e18 {
        return Some(format!("{value} is absurdly large; check the unit"));
    }
    if value > 0.0 && value < 1e-18 {
        return Some(format!("{value:e} is absurdly small; check the unit"));
    }
    let zero_allowed = matches!(
        dimension,
        Dimension::Time | Dimension::Share | Dimension::Weight
    );
    if value == 0.0 && !zero_allowed {
        return Some("0 makes no sense here".to_string());
    }
    if dimension == Dimension::Share && value > 1.0 {
        return Some(format!("{value} is a share and must be in 0..=1"));
    }
    if matches!(dimension, Dimension::Count | Dimension::Bits) && value.fract() != 0.0 {
        return Some(format!("{value} is a count and must be whole"));
    }
    None
}
