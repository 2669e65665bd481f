//! What the options say, checked.

use spec_dialect::attrs::Role;
use spec_dialect::ffi::Options;
use spec_dialect::pass::{OptionDesc, OptionKind};
use std::str::FromStr;

/// How a weight is to be stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// As it is.
    #[default]
    None,
    /// f32 weights as floats of 16 bits, `f16` or `bf16`.
    Float(&'static str),
    /// Integers with scales.
    Integer(Integer),
}

/// A format of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    /// 8 or 4.
    pub bits: u32,
    /// Weights of a row that share a scale; 0: the row.
    pub group: i64,
}

/// All formats by name.
const CHOICES: [(&str, Choice); 8] = [
    ("none", Choice::None),
    ("f16", Choice::Float("f16")),
    ("bf16", Choice::Float("bf16")),
    ("i8", integer(8, 0)),
    ("i8g32", integer(8, 32)),
    ("i8g64", integer(8, 64)),
    ("i4g32", integer(4, 32)),
    ("i4g64", integer(4, 64)),
];

const fn integer(bits: u32, group: i64) -> Choice {
    Choice::Integer(Integer { bits, group })
}

impl FromStr for Choice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = CHOICES.iter().find(|(name, _)| *name == text);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<&str> = CHOICES.iter().map(|(name, _)| *name).collect();
            format!("expected one of {}, got '{text}'", names.join(", "))
        })
    }
}

impl std::fmt::Display for Integer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.group {
            0 => write!(f, "i{} with a scale per row", self.bits),
            group => write!(f, "i{} in groups of {group}", self.bits),
        }
    }
}

const fn text(name: &'static str, help: &'static str, default: &'static str) -> OptionDesc {
    OptionDesc {
        name,
        help,
        kind: OptionKind::String,
        default,
    }
}

/// The options of the pass.
pub const DESCS: &[OptionDesc] = &[
    text(
        "drafter",
        "format of the drafter's weights: none, f16, bf16, i8, i8g32, i8g64, i4g32 or i4g64; default: that of all",
        "",
    ),
    text(
        "target",
        "format of the target's weights; default: that of all",
        "",
    ),
    text(
        "all",
        "format of weights of functions without a role, or with one that has no format",
        "none",
    ),
    text(
        "embedding",
        "format of embedding tables, where weights are quantised; default: that of the others",
        "",
    ),
    text(
        "head",
        "format of the product with the vocabulary, and of the table tied to it; default: as embedding where tied, else \
         that of the others",
        "",
    ),
    text("scales", "f16 or f32", "f16"),
    text(
        "activations",
        "float, or int8: products in integers, on inputs quantised at run time",
        "float",
    ),
    OptionDesc {
        name: "min-elements",
        help: "matrices with fewer elements stay as they are",
        kind: OptionKind::Int,
        default: "1024",
    },
    OptionDesc {
        name: "report",
        help: "say in one remark a function how sizes change",
        kind: OptionKind::Bool,
        default: "false",
    },
];

/// The options.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    drafter: Option<Choice>,
    target: Option<Choice>,
    all: Choice,
    /// For tables.
    pub embedding: Option<Choice>,
    /// For the product with the vocabulary.
    pub head: Option<Choice>,
    /// Element type of scales.
    pub scales: &'static str,
    /// Whether products run in integers.
    pub int8: bool,
    /// Smaller matrices stay.
    pub min_elements: i64,
    /// Whether sizes are reported.
    pub report: bool,
}

impl Settings {
    /// Reads the options.
    ///
    /// # Errors
    /// A name that is none of the choices, a negative number.
    pub fn read(options: &Options) -> Result<Self, String> {
        let choice = |name: &str| match options.string(name).as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|e| format!("{name}: {e}")),
        };
        let scales = match options.string("scales").as_str() {
            "f16" => "f16",
            "f32" => "f32",
            other => return Err(format!("scales: expected f16 or f32, got '{other}'")),
        };
        let int8 = match options.string("activations").as_str() {
            "float" => false,
            "int8" => true,
            other => {
                return Err(format!(
                    "activations: expected float or int8, got '{other}'"
                ));
            }
        };
        let min_elements = options.int("min-elements");
        if min_elements < 0 {
            return Err(format!(
                "min-elements: expected 0 or more, got {min_elements}"
            ));
        }
        Ok(Self {
            drafter: choice("drafter")?,
            target: choice("target")?,
            all: choice("all")?.unwrap_or_default(),
            embedding: choice("embedding")?,
            head: choice("head")?,
            scales,
            int8,
            min_elements,
            report: options.bool("report"),
        })
    }

    /// The format for functions of a role.
    pub fn choice(&self, role: Option<Role>) -> Choice {
        let own = match role {
            Some(Role::Drafter) => self.drafter,
            Some(Role::Target) => self.target,
            None => None,
        };
        own.unwrap_or(self.all)
    }

    /// True if no format is asked for.
    pub fn is_empty(&self) -> bool {
        let none = |c: Option<Choice>| c.unwrap_or_default() == Choice::None;
        none(self.drafter) && none(self.target) && self.all == Choice::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_names() {
        assert_eq!("i4g64".parse(), Ok(integer(4, 64)));
        let error = "i4".parse::<Choice>().expect_err("i4 needs a group");
        assert_eq!(
            error,
            "expected one of none, f16, bf16, i8, i8g32, i8g64, i4g32, i4g64, got 'i4'"
        );
    }

    #[test]
    fn a_role_without_a_format_takes_that_of_all() {
        let settings = Settings {
            drafter: Some(integer(4, 32)),
            all: integer(8, 0),
            ..Settings::default()
        };
        assert_eq!(settings.choice(Some(Role::Drafter)), integer(4, 32));
        assert_eq!(settings.choice(Some(Role::Target)), integer(8, 0));
        assert_eq!(settings.choice(None), integer(8, 0));
        assert!(!settings.is_empty());
    }
}
