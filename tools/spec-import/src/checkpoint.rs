//! A checkpoint of either kind, opened and checked.

use crate::error::ImportError;
use crate::gguf::Gguf;
use crate::hf::Folder;
use crate::source::{Config, TensorInfo, Text};
use crate::weights::weights;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Where the weights' values are.
pub enum Files {
    /// In safetensors files: absolute paths.
    Safetensors(Vec<PathBuf>),
    /// In a GGUF file, to be converted.
    Gguf(Box<Gguf>),
}

/// A model whose tensors are all there.
pub struct Checkpoint {
    /// What the user named.
    pub path: PathBuf,
    /// Its sizes.
    pub config: Config,
    /// Its values.
    pub files: Files,
    /// Types of its weights in the source, with the number of tensors of each.
    pub types: BTreeMap<String, usize>,
    /// Its tokenizer.
    pub text: Text,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Checkpoint {
    /// Opens a folder of Hugging Face's, a `.gguf` file, or a folder with one.
    ///
    /// # Errors
    /// It is none of these, it is damaged, or its model is not supported.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let meta = std::fs::metadata(path).map_err(ImportError::reading(path))?;
        let (config, files, tensors, text, warnings) = match gguf(path, meta.is_dir())? {
            Some(file) => {
                let gguf = Gguf::open(&file)?;
                let (config, tensors, text) = (gguf.config()?, gguf.tensors()?, gguf.text()?);
                (config, Files::Gguf(Box::new(gguf)), tensors, text, vec![])
            }
            None => {
                let f = Folder::open(path)?;
                let files = Files::Safetensors(f.files);
                (f.config, files, f.tensors, f.text, f.warnings)
            }
        };
        check_sizes(path, &config)?;
        let types = check_tensors(
            path,
            &config,
            &tensors,
            matches!(files, Files::Safetensors(_)),
        )?;
        Ok(Checkpoint {
            path: path.to_owned(),
            config,
            files,
            types,
            text,
            warnings,
        })
    }
}

/// The GGUF file to read; none if it is a folder of Hugging Face's.
fn gguf(path: &Path, folder: bool) -> Result<Option<PathBuf>, ImportError> {
    let is_gguf = |p: &Path| {
        p.extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("gguf"))
    };
    if !folder {
        if is_gguf(path) {
            return Ok(Some(path.to_owned()));
        }
        let reason = "neither a folder nor a .gguf file; of a .safetensors file, give the folder with its config.json";
        return Err(ImportError::unsupported(path, reason));
    }
    let entries = std::fs::read_dir(path).map_err(ImportError::reading(path))?;
    let names = entries.map(|e| e.map(|e| e.path()));
    let names: Vec<PathBuf> = names
        .collect::<Result<_, _>>()
        .map_err(ImportError::reading(path))?;
    let safetensors = ["model.safetensors", "model.safetensors.index.json"];
    let weights = safetensors.iter().any(|n| path.join(n).exists());
    let config = path.join("config.json").exists();
    let found: Vec<&PathBuf> = names.iter().filter(|p| is_gguf(p)).collect();
    match found[..] {
        _ if config && weights => Ok(None),
        [only] => Ok(Some(only.clone())),
        [_, _, ..] => {
            let count = found.len();
            let reason = format!("{count} .gguf files are here: give one of them by its name");
            Err(ImportError::unsupported(path, reason))
        }
        [] if config => Ok(None),
        [] => {
            let reason = "neither config.json nor a .gguf file is here: give a model's own folder";
            Err(ImportError::unsupported(path, reason))
        }
    }
}

/// Largest of any size: products of two and their bytes fit in 64 bits.
const LARGEST: usize = 1 << 24;

fn check_sizes(path: &Path, c: &Config) -> Result<(), ImportError> {
    let sizes = [
        ("layers", c.layers),
        ("hidden size", c.hidden),
        ("intermediate size", c.intermediate),
        ("attention heads", c.heads),
        ("key-value heads", c.kv_heads),
        ("head size", c.head_dim),
        ("vocabulary", c.vocabulary),
        ("positions", c.max_positions),
    ];
    let bad = |reason: String| {
        let reason = format!("the configuration contradicts itself: {reason}");
        Err(ImportError::damaged(path, reason))
    };
    if let Some((name, n)) = sizes.into_iter().find(|s| !(1..=LARGEST).contains(&s.1)) {
        return bad(format!("{n} {name}"));
    }
    if !c.heads.is_multiple_of(c.kv_heads) {
        return bad(format!(
            "{} heads cannot share {} key-value heads",
            c.heads, c.kv_heads
        ));
    }
    if !c.head_dim.is_multiple_of(2) {
        return bad(format!(
            "heads of {} elements cannot be rotated in pairs",
            c.head_dim
        ));
    }
    let positive = |v: f64| v.is_finite() && v > 0.0;
    if !positive(c.rope_theta) || !positive(c.norm_eps) {
        return bad(format!(
            "rope_theta {}, rms_norm_eps {}",
            c.rope_theta, c.norm_eps
        ));
    }
    Ok(())
}

/// All weights are there, in the configuration's sizes, and nothing that would change the arithmetic: their types, counted.
fn check_tensors(
    path: &Path,
    config: &Config,
    tensors: &[TensorInfo],
    floats_only: bool,
) -> Result<BTreeMap<String, usize>, ImportError> {
    let found: HashMap<&str, &TensorInfo> = tensors.iter().map(|t| (t.name.as_str(), t)).collect();
    let expected = weights(config);
    let mut types = BTreeMap::new();
    for weight in &expected {
        let Some(tensor) = found.get(weight.name.as_str()) else {
            return Err(ImportError::Missing {
                path: path.to_owned(),
                tensor: weight.name.clone(),
                hint: missing_hint(config, tensors, &weight.name),
            });
        };
        let shape: Vec<u64> = weight.shape.iter().map(|n| *n as u64).collect();
        if tensor.shape != shape {
            return Err(ImportError::Shape {
                path: path.to_owned(),
                tensor: weight.name.clone(),
                found: tensor.shape.clone(),
                expected: shape,
            });
        }
        if floats_only && !["F32", "F16", "BF16"].contains(&tensor.dtype.as_str()) {
            let (name, dtype) = (&tensor.name, &tensor.dtype);
            let reason = format!(
                "{name:?} is {dtype}; supported are F32, F16 and BF16: take the original weights"
            );
            return Err(ImportError::unsupported(path, reason));
        }
        *types.entry(tensor.dtype.clone()).or_default() += 1;
    }
    let known: HashSet<&str> = expected.iter().map(|w| w.name.as_str()).collect();
    let ignored = |name: &str| name == "lm_head.weight" || name.ends_with("rotary_emb.inv_freq");
    let mut more: Vec<&str> = tensors
        .iter()
        .map(|t| t.name.as_str())
        .filter(|n| n.starts_with("model.") && !known.contains(n) && !ignored(n))
        .collect();
    more.sort_unstable();
    match more.first() {
        None => Ok(types),
        Some(name) => {
            let (count, kind) = (more.len(), config.architecture.name());
            let reason = format!(
                "{count} tensors are not part of a {kind} model of {} layers, such as {name:?}: the configuration is of another model, or the model of another kind",
                config.layers
            );
            Err(ImportError::unsupported(path, reason))
        }
    }
}

fn missing_hint(config: &Config, tensors: &[TensorInfo], name: &str) -> String {
    let mut names: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
    names.sort_unstable();
    let some = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    if name == "lm_head.weight" {
        return "its head is not tied to the embedding by the configuration (tie_word_embeddings); is it a model without a head, or is a file missing?".into();
    }
    match names[..] {
        [] => "it has no tensor at all; is the download complete?".into(),
        _ => format!(
            "it has {} tensors ({some} ...): is a file missing, or are they not of a {} model?",
            names.len(),
            config.architecture.name()
        ),
    }
}
