//! What a compiled bundle holds: `manifest.json`, written by `spec-compile`, read by [`crate::bundle`].
//!
//! docs/manifest.schema.json is this module as a JSON schema; a test keeps the two equal. A bundle is a folder with
//! `manifest.json` and the files that it names. Weights are not in it: they are arguments of the functions.

mod check;
mod checksum;
mod gpu;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use check::ManifestError;
pub use gpu::GpuCode;

/// The version of the format that this crate writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// Name of the manifest in a bundle's folder.
pub const FILE_NAME: &str = "manifest.json";

/// A bundle's table of contents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: 1.
    pub format_version: u32,
    /// Name and version of the program that wrote the bundle.
    pub tool: String,
    /// Name of the device file that the code was compiled for.
    pub soc: String,
    /// What the library runs on; there with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// The functions on CPUs as machine code, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<File>,
    /// How to decode with it, if the models were found: the cost model's choice, or where the only model was put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// The models that the functions are of, one a role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelInfo>,
    /// All functions.
    pub functions: Vec<Function>,
    /// All weights that functions take, each once.
    #[serde(default)]
    pub weights: Vec<Weight>,
    /// Number of calls of each kind of kernel in all functions, by the kernel's kind; `generic` is code without a kernel.
    #[serde(default)]
    pub kernels: BTreeMap<String, u64>,
    /// CRC-32 of the rest, as compact JSON with the keys of objects in the order of their bytes: what differs from it is refused as changed
    /// after it was written. Null or absent: the content is taken as it is, so whoever edits a manifest by hand sets it to null.
    /// [`Manifest::to_json`] computes it; a manifest in memory has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<u32>,
}

/// The processor that the library is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// LLVM's target triple, such as aarch64-unknown-linux-gnu.
    pub triple: String,
    /// LLVM's name of the core.
    pub cpu: String,
    /// Optional features that the code uses, by LLVM's names without a sign.
    #[serde(default)]
    pub features: Vec<String>,
}

/// A file of the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name, in the bundle's folder.
    pub file: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// CRC-32 (IEEE 802.3) of the file. It finds accidents, not malice.
    pub crc32: u32,
}

/// How to decode: the cost model's choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Drafts of a round; 0: no speculation.
    pub gamma: u32,
    /// How drafting and verification follow each other: `none`, `sequential`, `overlapped` or `pipelined`.
    pub strategy: String,
    /// Predicted tokens per second, divided by those of the baseline.
    pub speed_up: f64,
    /// Predicted tokens per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
    /// Mean probability that a drafted token is accepted, 0 to 1, that the plan was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<f64>,
    /// The best plan without speculation, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// Its predicted tokens per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_tokens_per_second: Option<f64>,
    /// How drafts are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<AcceptRule>,
    /// Where each role runs.
    #[serde(default)]
    pub placements: Vec<Placement>,
}

/// How drafts are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AcceptRule {
    /// A draft that is the target's own choice.
    Greedy,
    /// At random, so that the output has the target's distribution.
    Rejection,
}

/// Where a model runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// The model.
    pub role: Role,
    /// Name of the unit in the device file.
    pub device: String,
    /// Number of cores.
    pub cores: u32,
    /// How its weights are stored, by the cost model's name: `f32`, `f16`, `i8`, `i8g32`, `i4g32`, `w8a8` ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<String>,
}

/// What is known of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ModelInfo {
    /// Which of the two it is.
    pub role: Role,
    /// Its name.
    pub name: String,
    /// Decoder layers; 0: not found.
    pub layers: u64,
    /// Tokens that logits are for.
    pub vocabulary: u64,
    /// Tokens that its caches hold; 0: not found.
    pub context: u64,
    /// Number of parameters.
    pub parameters: u64,
    /// What it costs, as exported: the cost model's `ModelShape`, which this crate does not read; null: not known.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub shape: serde_json::Value,
    /// How its weights are stored in the bundle, as in a placement.
    pub dtype: String,
}

/// Which model of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Drafts.
    Drafter,
    /// Verifies.
    Target,
    /// Neither, or unknown.
    None,
}

/// A function: in the library (`symbol`), or for a GPU (`gpu`). Its pointers, or buffers of the GPU, are those of `arguments`, then
/// those of the results that are not an argument (docs/abi.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Its name in the model.
    pub name: String,
    /// Its symbol in the library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Which model it is of.
    pub role: Role,
    /// Tokens of one call.
    pub tokens: u32,
    /// Bytes of scratch memory that a call needs.
    pub workspace_bytes: u64,
    /// In the order of the pointers.
    pub arguments: Vec<Argument>,
    /// In the order of the model's results.
    pub results: Vec<FunctionResult>,
    /// Its kernels, and which of them a call runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuCode>,
}

/// What an argument is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ArgumentKind {
    /// Token ids.
    Tokens,
    /// Rows of the caches that are filled.
    Position,
    /// A KV cache.
    Cache,
    /// A weight.
    Weight,
    /// Anything else.
    Other,
}

/// Type of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DType {
    /// IEEE binary64.
    F64,
    /// IEEE binary32.
    F32,
    /// IEEE binary16.
    F16,
    /// bfloat16.
    Bf16,
    /// 64-bit integer.
    I64,
    /// 32-bit integer.
    I32,
    /// 16-bit integer.
    I16,
    /// 8-bit integer, or two weights of 4 bits.
    I8,
    /// A boolean, in a byte: 0 or 1.
    I1,
}

impl DType {
    /// Bytes of an element, which is also its alignment.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::I1 => 1,
        }
    }
}

/// An argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Its name in the model; that of a weight is in `weights` of the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    pub kind: ArgumentKind,
    /// Type of an element.
    pub dtype: DType,
    /// Sizes, outermost first; contiguous in memory. Empty: one element.
    pub shape: Vec<u64>,
    /// How elements lie, where it is not how the exported model had them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// Whether a call writes to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub updated_in_place: bool,
    /// What it was before it was quantised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantised_from: Option<QuantisedFrom>,
}

/// What a weight was before it was quantised: value = scale * integer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct QuantisedFrom {
    /// Type in the exported model.
    pub dtype: DType,
    /// Sizes in the exported model, outermost first.
    pub shape: Vec<u64>,
    /// How it is quantised.
    pub format: QuantFormat,
    /// Weights of a row that share a scale; 0: the whole row.
    pub group: u32,
    /// Index of the argument that holds the scales, in the function's arguments.
    pub scale_argument: usize,
}

/// A format of quantised weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum QuantFormat {
    /// One weight in a byte, -128..=127.
    I8,
    /// Two weights in a byte: in blocks of 32 weights, byte i holds weight i in its low and weight i + 16 in its high four bits,
    /// each plus 8.
    I4,
}

/// What a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResultKind {
    /// Logits, a row a token.
    Logits,
    /// Tokens that the function chose.
    Tokens,
    /// A whole KV cache.
    Cache,
    /// New rows of a KV cache.
    Rows,
}

/// A result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FunctionResult {
    /// What it is, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ResultKind>,
    /// Type of an element.
    pub dtype: DType,
    /// Sizes, outermost first; contiguous in memory.
    pub shape: Vec<u64>,
    /// Index of the argument that is updated to this result; it has no pointer of its own then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aliases_argument: Option<usize>,
}

/// A weight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// Its name in the model.
    pub name: String,
    /// Type of an element.
    pub dtype: DType,
    /// Sizes, outermost first.
    pub shape: Vec<u64>,
    /// How elements lie, where it is not how the exported model had them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
}

/// One pointer, or buffer, of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Index of the argument; or of the result, if `is_result`.
    pub index: usize,
    /// Whether it is a result.
    pub is_result: bool,
    /// Type of an element, which gives the alignment.
    pub dtype: DType,
    /// Length in bytes.
    pub bytes: usize,
    /// Whether a call writes to it.
    pub written: bool,
}

impl Function {
    /// The pointers, or buffers, that a call takes, in order.
    ///
    /// # Errors
    /// A size that does not fit this machine's addresses; not after [`Manifest::check`].
    pub fn slots(&self) -> Result<Vec<Slot>, ManifestError> {
        let bytes = |dtype, shape: &[u64]| check::bytes(&self.name, dtype, shape);
        let arguments = self.arguments.iter().enumerate().map(|(index, a)| {
            Ok(Slot {
                index,
                is_result: false,
                dtype: a.dtype,
                bytes: bytes(a.dtype, &a.shape)?,
                written: a.updated_in_place,
            })
        });
        let own = |r: &&FunctionResult| r.aliases_argument.is_none();
        let results = self.results.iter().enumerate().filter(|(_, r)| own(r));
        let results = results.map(|(index, r)| {
            Ok(Slot {
                index,
                is_result: true,
                dtype: r.dtype,
                bytes: bytes(r.dtype, &r.shape)?,
                written: true,
            })
        });
        arguments.chain(results).collect()
    }
}

impl File {
    /// The file `name` with these contents.
    pub fn of(name: impl Into<String>, contents: &[u8]) -> Self {
        Self {
            file: name.into(),
            bytes: contents.len() as u64,
            crc32: crc32fast::hash(contents),
        }
    }
}

impl Manifest {
    /// Reads a manifest and checks it.
    ///
    /// # Errors
    /// It is not JSON, of another version, changed after it was written, lacks or has unknown fields, or contradicts itself.
    pub fn from_json(text: &str) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Version {
            format_version: Option<serde_json::Value>,
        }
        // The version first: another one may have other fields.
        let version: Version = serde_json::from_str(text)?;
        let found = version.format_version.ok_or(ManifestError::NoVersion)?;
        if found.as_u64() != Some(u64::from(FORMAT_VERSION)) {
            return Err(ManifestError::Version(found.to_string()));
        }
        let manifest: Self = serde_json::from_str(text)?;
        checksum::compare(&serde_json::from_str(text)?)?;
        let manifest = Self {
            checksum: None,
            ..manifest
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// Writes it as JSON, indented, with its checksum.
    ///
    /// # Errors
    /// It contradicts itself, or holds a number that JSON has not.
    pub fn to_json(&self) -> Result<String, ManifestError> {
        self.check()?;
        // of the digits as they will be read again
        let content = serde_json::from_str(&serde_json::to_string(self)?)?;
        let manifest = Self {
            checksum: Some(checksum::checksum(&content)),
            ..self.clone()
        };
        let mut text = serde_json::to_string_pretty(&manifest)?;
        text.push('\n');
        Ok(text)
    }
}

#[cfg(test)]
pub(crate) mod tests;
