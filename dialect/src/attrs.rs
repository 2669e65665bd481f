//! Typed Rust faces of the dialect's attributes: plain data that converts to and from MLIR attributes.

use crate::ffi::{Attr, Ctx};
use std::fmt;

/// Quotes a string as MLIR text.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for b in text.bytes() {
        match b {
            b'"' | b'\\' => out.extend(['\\', b as char]),
            0x20..=0x7e => out.push(b as char),
            _ => out.push_str(&format!("\\{b:02X}")),
        }
    }
    out.push('"');
    out
}

macro_rules! keyword_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),* }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $text),* })
            }
        }
        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(s: &str) -> Result<Self, String> {
                match s {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(format!("expected one of {}, got '{s}'", [$($text),*].join(", "))),
                }
            }
        }
    };
}
keyword_enum!(
    /// What a model is for.
    Role {
        /// Proposes tokens.
        Drafter = "drafter",
        /// Decides; its distribution is the output's.
        Target = "target",
    }
);
keyword_enum!(
    /// How drafting and verification are scheduled.
    Strategy {
        /// No speculation.
        None = "none",
        /// Draft, then verify.
        Sequential = "sequential",
        /// Draft the next round while the target verifies.
        Overlapped = "overlapped",
        /// Draft one sequence while another is verified.
        Pipelined = "pipelined",
    }
);
keyword_enum!(
    /// How drafts are accepted.
    Accept {
        /// While they equal the target's most probable token.
        Greedy = "greedy",
        /// By exact rejection sampling.
        Rejection = "rejection",
    }
);

fn string(attr: Attr, field: &str) -> Option<String> {
    attr.spec_field(field)?.as_str().map(str::to_owned)
}
fn int(attr: Attr, field: &str) -> Option<i64> {
    attr.spec_field(field)?.as_i64()
}
fn float(attr: Attr, field: &str) -> Option<f64> {
    attr.spec_field(field)?.as_f64()
}
fn ints(attr: Attr, field: &str) -> Option<Vec<i64>> {
    attr.spec_field(field)?.as_i64_array()
}
fn keyword<T: std::str::FromStr>(attr: Attr, field: &str) -> Option<T> {
    attr.spec_field(field)?.as_str()?.parse().ok()
}
fn ty(attr: Attr, field: &str) -> Option<String> {
    Some(attr.spec_field(field)?.as_type()?.to_string())
}

/// `#spec.placement`: which unit runs something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Placement {
    /// Role of the model.
    pub role: Role,
    /// Unit of the SoC.
    pub device: String,
    /// Cores, at least 1.
    pub units: i64,
    /// Data type of the weights, as MLIR prints it (`f16`).
    pub dtype: String,
}

impl Placement {
    /// Builds the attribute; `None` (with a diagnostic) if it does not verify.
    pub fn to_attr(&self, ctx: Ctx) -> Option<Attr> {
        let Self {
            role,
            device,
            units,
            dtype,
        } = self;
        Attr::parse(
            ctx,
            &format!(
                "#spec.placement<role = {role}, device = {}, units = {units}, dtype = {dtype}>",
                quoted(device)
            ),
        )
    }
    /// Reads the attribute; `None` if it is another one.
    pub fn from_attr(a: Attr) -> Option<Self> {
        (a.spec_mnemonic() == "placement").then_some(())?;
        Some(Self {
            role: keyword(a, "role")?,
            device: string(a, "device")?,
            units: int(a, "units")?,
            dtype: ty(a, "dtype")?,
        })
    }
}

/// `#spec.plan`: the decision for a module.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// SoC.
    pub soc: String,
    /// Unit that runs the host code.
    pub host: String,
    /// Tokens drafted a round; 0 = no speculation.
    pub draft_length: i64,
    /// Schedule.
    pub strategy: Strategy,
    /// Acceptance rule.
    pub accept: Accept,
    /// Mean acceptance of one drafted token.
    pub acceptance: f64,
    /// Where that comes from.
    pub acceptance_source: String,
    /// Predicted tokens per second.
    pub tokens_per_second: f64,
    /// Predicted speed-up over the baseline.
    pub speedup: f64,
    /// What the speed-up is relative to.
    pub baseline: String,
}

impl Plan {
    /// Builds the attribute; `None` (with a diagnostic) if it does not verify.
    pub fn to_attr(&self, ctx: Ctx) -> Option<Attr> {
        let p = self;
        Attr::parse(
            ctx,
            &format!(
                "#spec.plan<soc = {}, host = {}, draft_length = {}, strategy = {}, accept = {}, acceptance = {:e}, \
                 acceptance_source = {}, tokens_per_second = {:e}, speedup = {:e}, baseline = {}>",
                quoted(&p.soc),
                quoted(&p.host),
                p.draft_length,
                p.strategy,
                p.accept,
                F64(p.acceptance),
                quoted(&p.acceptance_source),
                F64(p.tokens_per_second),
                F64(p.speedup),
                quoted(&p.baseline)
            ),
        )
    }
    /// Reads the attribute; `None` if it is another one.
    pub fn from_attr(a: Attr) -> Option<Self> {
        (a.spec_mnemonic() == "plan").then_some(())?;
        Some(Self {
            soc: string(a, "soc")?,
            host: string(a, "host")?,
            draft_length: int(a, "draft_length")?,
            strategy: keyword(a, "strategy")?,
            accept: keyword(a, "accept")?,
            acceptance: float(a, "acceptance")?,
            acceptance_source: string(a, "acceptance_source")?,
            tokens_per_second: float(a, "tokens_per_second")?,
            speedup: float(a, "speedup")?,
            baseline: string(a, "baseline")?,
        })
    }
}

/// MLIR's float syntax wants a decimal point in the mantissa.
struct F64(f64);
impl fmt::LowerExp for F64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:e}", self.0);
        match text.split_once('e') {
            Some((mantissa, exponent)) if !mantissa.contains('.') => {
                write!(f, "{mantissa}.0e{exponent}")
            }
            _ => f.write_str(&text),
        }
    }
}

/// `#spec.call`: membership of an op in one inlined call of a model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Call {
    /// Model.
    pub model: String,
    /// Its role.
    pub role: Role,
    /// Which call in this block.
    pub index: i64,
}

impl Call {
    /// Builds the attribute; `None` (with a diagnostic) if it does not verify.
    pub fn to_attr(&self, ctx: Ctx) -> Option<Attr> {
        Attr::parse(
            ctx,
            &format!(
                "#spec.call<model = {}, role = {}, index = {}>",
                quoted(&self.model),
                self.role,
                self.index
            ),
        )
    }
    /// Reads the attribute; `None` if it is another one.
    pub fn from_attr(a: Attr) -> Option<Self> {
        (a.spec_mnemonic() == "call").then_some(())?;
        Some(Self {
            model: string(a, "model")?,
            role: keyword(a, "role")?,
            index: int(a, "index")?,
        })
    }
}

/// `#spec.model`: shape and interface of a function that is one forward call of a model. Sizes in elements, `bytes` in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are those of the attribute, see SpecDialect.td
pub struct Model {
    pub name: String,
    pub role: Role,
    pub tokens: i64,
    pub vocabulary: i64,
    pub layers: i64,
    pub hidden: i64,
    pub heads: i64,
    pub kv_heads: i64,
    pub head_dim: i64,
    pub context_length: i64,
    pub parameters: i64,
    pub bytes: i64,
    pub dtype: String,
    pub token_args: Vec<i64>,
    pub position_args: Vec<i64>,
    pub cache_args: Vec<i64>,
    pub parameter_args: Vec<i64>,
    pub logits_results: Vec<i64>,
    pub token_results: Vec<i64>,
    pub cache_results: Vec<i64>,
    pub row_results: Vec<i64>,
}

/// `[0, 2 to 5]`, as the dialect prints indices.
pub fn indices(list: &[i64]) -> String {
    let mut parts = vec![];
    let mut i = 0;
    while i < list.len() {
        let run = list[i..]
            .windows(2)
            .take_while(|w| w[1] == w[0] + 1)
            .count();
        if run >= 2 {
            parts.push(format!("{} to {}", list[i], list[i + run]));
            i += run + 1;
        } else {
            parts.push(list[i].to_string());
            i += 1;
        }
    }
    format!("[{}]", parts.join(", "))
}

impl Model {
    /// Builds the attribute; `None` (with a diagnostic) if it does not verify.
    pub fn to_attr(&self, ctx: Ctx) -> Option<Attr> {
        let m = self;
        let sizes = [
            ("tokens", m.tokens),
            ("vocabulary", m.vocabulary),
            ("layers", m.layers),
            ("hidden", m.hidden),
            ("heads", m.heads),
            ("kv_heads", m.kv_heads),
            ("head_dim", m.head_dim),
            ("context_length", m.context_length),
            ("parameters", m.parameters),
            ("bytes", m.bytes),
        ]
        .map(|(k, v)| format!("{k} = {v}"))
        .join(", ");
        let lists = [
            ("token_args", &m.token_args),
            ("position_args", &m.position_args),
            ("cache_args", &m.cache_args),
            ("parameter_args", &m.parameter_args),
            ("logits_results", &m.logits_results),
            ("token_results", &m.token_results),
            ("cache_results", &m.cache_results),
            ("row_results", &m.row_results),
        ]
        .map(|(k, v)| format!("{k} = {}", indices(v)))
        .join(", ");
        Attr::parse(
            ctx,
            &format!(
                "#spec.model<name = {}, role = {}, {sizes}, dtype = {}, {lists}>",
                quoted(&m.name),
                m.role,
                m.dtype
            ),
        )
    }
    /// Reads the attribute; `None` if it is another one.
    pub fn from_attr(a: Attr) -> Option<Self> {
        (a.spec_mnemonic() == "model").then_some(())?;
        Some(Self {
            name: string(a, "name")?,
            role: keyword(a, "role")?,
            tokens: int(a, "tokens")?,
            vocabulary: int(a, "vocabulary")?,
            layers: int(a, "layers")?,
            hidden: int(a, "hidden")?,
            heads: int(a, "heads")?,
            kv_heads: int(a, "kv_heads")?,
            head_dim: int(a, "head_dim")?,
            context_length: int(a, "context_length")?,
            parameters: int(a, "parameters")?,
            bytes: int(a, "bytes")?,
            dtype: ty(a, "dtype")?,
            token_args: ints(a, "token_args")?,
            position_args: ints(a, "position_args")?,
            cache_args: ints(a, "cache_args")?,
            parameter_args: ints(a, "parameter_args")?,
            logits_results: ints(a, "logits_results")?,
            token_results: ints(a, "token_results")?,
            cache_results: ints(a, "cache_results")?,
            row_results: ints(a, "row_results")?,
        })
    }
}
