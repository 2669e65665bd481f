//! How weights are to be stored: `--quantize`, and what the importer of a model asks for; and how it calls the models.

use crate::args::Cli;
use crate::error::CompileError;
use serde::Deserialize;
use spec_cost::DType;
use spec_dialect::attrs::Role;
use spec_runtime::manifest;
use std::path::Path;

/// The importer's description of a model, beside its module.
const IMPORT: &str = "import.json";

/// Its version that is understood.
const IMPORT_VERSION: u32 = 1;

/// What is read of it.
#[derive(Deserialize)]
struct Import {
    format_version: u32,
    #[serde(default)]
    quantize: String,
    #[serde(default)]
    models: Vec<Imported>,
}

/// A model that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Imported {
    role: manifest::Role,
    name: String,
}

/// Options of `spec-quantize`, and names of imported models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantize(String, Vec<Imported>);

impl Quantize {
    /// What the command line says, and of import.json beside the module what the command line does not say.
    ///
    /// # Errors
    /// import.json cannot be read, or is none.
    pub fn read(cli: &Cli) -> Result<Self, CompileError> {
        let path = (cli.model.as_deref()).map(|model| model.with_file_name(IMPORT));
        let import = match path {
            Some(path) if path.is_file() => import(&path)?,
            _ => return Ok(Self::merge("", &cli.quantize)),
        };
        let options = Self::merge(&import.quantize, &cli.quantize);
        Ok(Self(options.0, import.models))
    }

    /// The importer's name of a model.
    pub fn name(&self, role: Role) -> Option<&str> {
        let role = crate::function::role(Some(role));
        let found = self.1.iter().find(|m| m.role == role);
        found.map(|m| m.name.as_str())
    }

    fn merge(default: &str, given: &str) -> Self {
        let key = |word: &str| word.split_once('=').map(|(key, _)| key.to_owned());
        let taken: Vec<String> = given.split_whitespace().filter_map(key).collect();
        let free = |word: &&str| key(word).is_none_or(|key| !taken.contains(&key));
        let words = default.split_whitespace().filter(free);
        let words = words.chain(Some(given.trim()).filter(|g| !g.is_empty()));
        Self(words.collect::<Vec<_>>().join(" "), vec![])
    }

    /// As `spec-quantize` takes them, for a region of that role; empty: weights stay as they are. What is for the other role only is
    /// left out.
    pub fn options(&self, role: Option<Role>) -> String {
        let Some(role) = role.map(|r| r.to_string()) else {
            return self.0.clone();
        };
        if self.get(&role).is_none() && self.get("all").is_none() {
            return String::new();
        }
        let roles = [Role::Drafter, Role::Target].map(|r| r.to_string());
        let of_other = |word: &&str| {
            let key = word.split_once('=').map_or(*word, |(key, _)| key);
            key != role && roles.iter().any(|r| r == key)
        };
        let words = self.0.split_whitespace().filter(|w| !of_other(w));
        words.collect::<Vec<_>>().join(" ")
    }

    fn get(&self, key: &str) -> Option<&str> {
        let words = self.0.split_whitespace().rev();
        words
            .filter_map(|w| w.split_once('='))
            .find_map(|(k, value)| (k == key).then_some(value))
    }

    /// The cost model's type of the weights of a role, exported in type `exported`. A format that does not exist changes nothing:
    /// `spec-quantize` will refuse it.
    pub fn dtype(&self, role: Role, exported: DType) -> DType {
        let format = self.get(&role.to_string()).or_else(|| self.get("all"));
        match format {
            None | Some("none") => exported,
            Some("f16" | "bf16") if exported != DType::F32 => exported,
            Some(format) => match DType::parse(format) {
                Ok(dtype) => match (dtype.bits(), self.get("activations")) {
                    (8, Some("int8")) => DType::W8A8,
                    (4, Some("int8")) => DType::W4A8,
                    _ => dtype,
                },
                Err(_) => exported,
            },
        }
    }
}

/// What a model's importer says.
fn import(path: &Path) -> Result<Import, CompileError> {
    let refused = |problem: String| {
        CompileError::Refused(format!(
            "{}: {problem}; it lies beside the model and describes it: import the model again, or move the model to a folder of its own",
            path.display()
        ))
    };
    let text = std::fs::read_to_string(path).map_err(CompileError::reading(path))?;
    let import: Import = serde_json::from_str(&text)
        .map_err(|e| refused(format!("not a description of an imported model: {e}")))?;
    if import.format_version != IMPORT_VERSION {
        let version = import.format_version;
        return Err(refused(format!(
            "format_version {version}, this program reads {IMPORT_VERSION}"
        )));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "=- _".contains(c);
    let is_option = |word: &str| word.split_once('=').is_some_and(|(k, _)| !k.is_empty());
    if !(import.quantize.chars().all(plain) && import.quantize.split_whitespace().all(is_option)) {
        let text = format!(
            "quantize is {:?}, expected ROLE=FORMAT ...",
            import.quantize
        );
        return Err(refused(text));
    }
    Ok(import)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_before_the_importers_default() {
        let merged = |default, given| Quantize::merge(default, given).0;
        assert_eq!(merged("drafter=i4g32", ""), "drafter=i4g32");
        assert_eq!(merged("", " all=i8 "), "all=i8");
        assert_eq!(merged("drafter=i4g32", "drafter=i8"), "drafter=i8");
        assert_eq!(
            merged("drafter=i4g32 scales=f32", "target=f16 drafter=none"),
            "scales=f32 target=f16 drafter=none"
        );
    }

    #[test]
    fn a_region_gets_what_is_for_its_role() {
        let of = |text: &str, role| Quantize(text.to_owned(), vec![]).options(role);
        let (drafter, target) = (Some(Role::Drafter), Some(Role::Target));
        let text = "drafter=i4g32 scales=f32";
        assert_eq!(of(text, drafter), text);
        assert_eq!(of(text, target), "");
        assert_eq!(of(text, None), text);
        let text = "all=i8 drafter=none activations=int8";
        assert_eq!(of(text, drafter), text);
        assert_eq!(of(text, target), "all=i8 activations=int8");
        assert_eq!(of("", drafter), "");
        assert_eq!(of("bogus", target), "");
        assert_eq!(of("bogus all=i8", target), "bogus all=i8", "is refused");
    }

    #[test]
    fn formats_are_types_of_the_cost_model() {
        let of =
            |text: &str, role, exported| Quantize(text.to_owned(), vec![]).dtype(role, exported);
        let (drafter, target) = (Role::Drafter, Role::Target);
        assert_eq!(of("", drafter, DType::F32), DType::F32);
        assert_eq!(of("drafter=i4g32", drafter, DType::F32), DType::I4);
        assert_eq!(of("drafter=i4g32", target, DType::F32), DType::F32);
        assert_eq!(of("all=i8 target=none", target, DType::F16), DType::F16);
        assert_eq!(of("all=i8 target=none", drafter, DType::F16), DType::I8);
        assert_eq!(of("all=i8g32", target, DType::F32), DType::I8G32);
        assert_eq!(of("all=i8g64", target, DType::F32), DType::I8G64);
        assert_eq!(of("all=i4g64", target, DType::F32), DType::I4G64);
        assert_eq!(of("all=f16", target, DType::F32), DType::F16);
        assert_eq!(of("all=bf16", target, DType::F16), DType::F16, "stays");
        let integers = "all=i8g32 drafter=i4g32 activations=int8";
        assert_eq!(of(integers, target, DType::F32), DType::W8A8);
        assert_eq!(of(integers, drafter, DType::F32), DType::W4A8);
        assert_eq!(of("all=i3", target, DType::F32), DType::F32);
    }
}
