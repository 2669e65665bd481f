//! The folder of an imported model: where its tensors are, and its text side.

use crate::error::WeightsError;
use crate::write::Whole;
use serde::Deserialize;
use serde_json::Value;
use spec_runtime::manifest::Role;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The importer's description of a model.
const IMPORT: &str = "import.json";

/// Its version that is understood.
const IMPORT_VERSION: u64 = 1;

/// Names of files in a bundle: the tokenizer, and what else is known of texts.
const TOKENIZER: &str = "tokenizer.json";
const TEXT: &str = "text.json";

/// What is read of it.
#[derive(Deserialize)]
struct Import {
    models: Vec<Model>,
    #[serde(default)]
    text: Option<serde_json::Map<String, Value>>,
}

#[derive(Deserialize)]
struct Model {
    role: Role,
    files: Vec<PathBuf>,
}

/// A model's folder.
pub struct ModelFolder {
    folder: PathBuf,
    import: Import,
    /// The tokenizer's file, if there is one.
    tokenizer: Option<PathBuf>,
}

impl ModelFolder {
    /// Reads the folder's import.json.
    ///
    /// # Errors
    /// It is missing, malformed, of another version, or contradicts itself.
    pub fn read(folder: &Path) -> Result<Self, WeightsError> {
        let path = folder.join(IMPORT);
        let wrong = |problem: String| WeightsError::Model {
            path: path.clone(),
            problem,
        };
        let text = std::fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?;
        // the version first: another one may have other fields
        let value: Value = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        match value.get("format_version") {
            None => return Err(wrong("it has no format_version".to_owned())),
            Some(version) if *version != IMPORT_VERSION => {
                return Err(wrong(format!(
                    "format_version {version}, this program reads {IMPORT_VERSION}"
                )));
            }
            Some(_) => {}
        }
        let import: Import = serde_json::from_value(value).map_err(|e| wrong(e.to_string()))?;
        let mut roles = HashSet::new();
        for model in &import.models {
            if model.files.is_empty() {
                return Err(wrong(format!("the {:?} has no files", model.role)));
            }
            if !roles.insert(model.role) {
                return Err(wrong(format!("two models are the {:?}", model.role)));
            }
        }
        if import.models.is_empty() {
            return Err(wrong("it describes no model".to_owned()));
        }
        let tokenizer = match import.text.as_ref().and_then(|t| t.get("tokenizer")) {
            None | Some(Value::Null) => None,
            Some(Value::String(file)) => Some(folder.join(file)),
            Some(other) => return Err(wrong(format!("text.tokenizer is {other}, not a file"))),
        };
        if let Some(file) = &tokenizer {
            std::fs::File::open(file).map_err(WeightsError::reading(file))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            import,
            tokenizer,
        })
    }

    /// Files with tensors, and the role that they are for; those of an only model serve any.
    pub fn files(&self) -> Vec<(Option<Role>, PathBuf)> {
        let several = self.import.models.len() > 1;
        let files = self.import.models.iter().flat_map(|m| {
            let role = several.then_some(m.role);
            m.files.iter().map(move |f| (role, self.folder.join(f)))
        });
        files.collect()
    }

    /// Writes tokenizer.json and text.json into a bundle, as far as the model has them. Returns their paths.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn write_text(&self, bundle: &Path) -> Result<Vec<PathBuf>, WeightsError> {
        let Some(text) = &self.import.text else {
            return Ok(vec![]);
        };
        let mut text = text.clone();
        let mut written = vec![];
        if let Some(from) = &self.tokenizer {
            let to = bundle.join(TOKENIZER);
            let contents = std::fs::read(from).map_err(WeightsError::reading(from))?;
            write(&to, &contents)?;
            text.insert("tokenizer".into(), TOKENIZER.into());
            written.push(to);
        }
        let to = bundle.join(TEXT);
        let json = format!("{:#}\n", Value::Object(text));
        write(&to, json.as_bytes())?;
        written.push(to);
        Ok(written)
    }
}

fn write(path: &Path, contents: &[u8]) -> Result<(), WeightsError> {
    let mut file = Whole::new(path)?;
    file.write(contents)?;
    file.finish()
}
