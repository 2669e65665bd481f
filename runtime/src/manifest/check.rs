//! Whether a manifest agrees with itself.

use super::{Argument, ArgumentKind, DType, FORMAT_VERSION, File, Function, Manifest};
use std::collections::{HashMap, HashSet};

/// What is wrong with a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or not a manifest.
    #[error(
        "manifest.json is not a manifest: {0}; it is damaged or was edited: compile the model again"
    )]
    Syntax(#[from] serde_json::Error),
    /// No field `format_version`.
    #[error("manifest.json has no format_version: it is not a manifest of spec-compile")]
    NoVersion,
    /// Another version of the format.
    #[error(
        "manifest.json has format_version {0}, this program reads {FORMAT_VERSION}: compile the model with the spec-compile of this version"
    )]
    Version(String),
    /// Its content is not what its checksum was made of.
    #[error(
        "manifest.json was changed after it was written: its content has the checksum {found}, and it says {written}: compile the model again, or copy the bundle again; if you edited it, set \"checksum\" to null"
    )]
    Changed {
        /// What it says.
        written: u32,
        /// What its content has.
        found: u32,
    },
    /// It contradicts itself.
    #[error("manifest.json: {place}: {problem}; it is damaged, or this is a fault of spec-compile")]
    Contradiction {
        /// Where.
        place: String,
        /// What.
        problem: String,
    },
}

pub(super) fn wrong(place: impl Into<String>, problem: impl Into<String>) -> ManifestError {
    ManifestError::Contradiction {
        place: place.into(),
        problem: problem.into(),
    }
}

/// Most drafts of a round (C1 of `spec.round`).
const MAX_GAMMA: u32 = crate::draft_length::MAX as u32;

/// Bytes of a tensor; `place` is for the error.
pub(super) fn bytes(place: &str, dtype: DType, shape: &[u64]) -> Result<usize, ManifestError> {
    let mut sizes = shape.iter().map(|n| usize::try_from(*n).ok());
    let product = sizes.try_fold(dtype.bytes(), |all, n| all.checked_mul(n?));
    let fits = product.filter(|n| isize::try_from(*n).is_ok());
    fits.ok_or_else(|| wrong(place, format!("shape {shape:?} does not fit in memory")))
}

impl Manifest {
    /// Checks that it agrees with itself: indices are in range, names are unique, sizes fit.
    ///
    /// # Errors
    /// The first contradiction.
    pub fn check(&self) -> Result<(), ManifestError> {
        if self.format_version != FORMAT_VERSION {
            return Err(ManifestError::Version(self.format_version.to_string()));
        }
        self.check_files()?;
        self.check_plan()?;
        self.check_models()?;
        let mut weights = HashSet::new();
        for weight in &self.weights {
            bytes(&weight.name, weight.dtype, &weight.shape)?;
            if !weights.insert(weight.name.as_str()) {
                return Err(wrong(
                    "weights",
                    format!("{:?} is there twice", weight.name),
                ));
            }
        }
        let mut names = HashSet::new();
        let mut symbols = HashSet::new();
        for function in &self.functions {
            function.check(self)?;
            let symbol = function.symbol.as_ref();
            if !names.insert(&function.name) || symbol.is_some_and(|s| !symbols.insert(s)) {
                let problem = "another function has the same name or symbol";
                return Err(wrong(&function.name, problem));
            }
        }
        Ok(())
    }

    /// The library, and that a name stands for one file.
    fn check_files(&self) -> Result<(), ManifestError> {
        if self.library.is_some() != self.target.is_some() {
            return Err(wrong("library", "a library and its target go together"));
        }
        if let Some(library) = &self.library {
            library.check("library")?;
        }
        let gpu = self.functions.iter().filter_map(|f| f.gpu.as_ref());
        let mut known = HashMap::new();
        for file in self.library.iter().chain(gpu.flat_map(|g| g.files())) {
            if *known.entry(&file.file).or_insert(file) != file {
                let problem = format!("{:?} is there twice, and differs", file.file);
                return Err(wrong("files", problem));
            }
        }
        Ok(())
    }

    fn check_plan(&self) -> Result<(), ManifestError> {
        let Some(plan) = &self.plan else {
            return Ok(());
        };
        if plan.gamma > MAX_GAMMA {
            return Err(wrong(
                "plan",
                format!("gamma is {}, at most {MAX_GAMMA}", plan.gamma),
            ));
        }
        let rates = [
            ("speed_up", Some(plan.speed_up)),
            ("tokens_per_second", plan.tokens_per_second),
            (
                "baseline_tokens_per_second",
                plan.baseline_tokens_per_second,
            ),
        ];
        for (name, rate) in rates {
            if let Some(rate) = rate.filter(|r| !(r.is_finite() && *r > 0.0)) {
                return Err(wrong("plan", format!("{name} is {rate}")));
            }
        }
        if let Some(a) = plan.acceptance.filter(|a| !(0.0..=1.0).contains(a)) {
            return Err(wrong("plan", format!("acceptance is {a}, not in 0..=1")));
        }
        let mut roles = HashSet::new();
        for placement in &plan.placements {
            if placement.cores == 0 || !roles.insert(placement.role) {
                let role = format!("{:?}", placement.role).to_lowercase();
                return Err(wrong(
                    "plan",
                    format!("{role} has no cores, or two placements"),
                ));
            }
        }
        Ok(())
    }

    fn check_models(&self) -> Result<(), ManifestError> {
        let mut roles = HashSet::new();
        for model in &self.models {
            let problem = if !roles.insert(model.role) {
                "another model has its role"
            } else if model.vocabulary == 0 {
                "it has no vocabulary"
            } else {
                continue;
            };
            return Err(wrong(
                format!("models, {:?}", model.name),
                problem.to_owned(),
            ));
        }
        Ok(())
    }
}

fn is_identifier(symbol: &str) -> bool {
    let first = symbol.chars().next();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    first.is_some_and(|c| !c.is_ascii_digit()) && symbol.chars().all(word)
}

impl Function {
    fn check(&self, manifest: &Manifest) -> Result<(), ManifestError> {
        match (&self.symbol, &self.gpu) {
            (Some(symbol), None) if !is_identifier(symbol) => {
                let problem = format!("{symbol:?} is not a C identifier");
                return Err(wrong(&self.name, problem));
            }
            (Some(_), None) if manifest.library.is_none() => {
                return Err(wrong(
                    &self.name,
                    "it has a symbol, and there is no library",
                ));
            }
            (Some(_), None) | (None, Some(_)) => {}
            _ => {
                let problem = "it needs a symbol, or code for a GPU, and not both";
                return Err(wrong(&self.name, problem));
            }
        }
        if self.tokens == 0 {
            return Err(wrong(&self.name, "it takes no tokens"));
        }
        if isize::try_from(self.workspace_bytes).is_err() {
            return Err(wrong(&self.name, "the workspace does not fit in memory"));
        }
        for (index, argument) in self.arguments.iter().enumerate() {
            let place = format!("{}, argument {index}", self.name);
            argument.check(&place, self, manifest)?;
        }
        self.check_results()?;
        match &self.gpu {
            Some(gpu) => gpu.check(self),
            None => Ok(()),
        }
    }

    fn check_results(&self) -> Result<(), ManifestError> {
        let mut aliased = HashSet::new();
        for (index, result) in self.results.iter().enumerate() {
            let place = format!("{}, result {index}", self.name);
            bytes(&place, result.dtype, &result.shape)?;
            let Some(of) = result.aliases_argument else {
                continue;
            };
            let Some(argument) = self.arguments.get(of) else {
                return Err(wrong(place, format!("there is no argument {of}")));
            };
            if !argument.updated_in_place {
                return Err(wrong(
                    place,
                    format!("argument {of} is not updated in place"),
                ));
            }
            if (argument.dtype, &argument.shape) != (result.dtype, &result.shape) {
                return Err(wrong(place, format!("argument {of} has another type")));
            }
            if !aliased.insert(of) {
                return Err(wrong(
                    place,
                    format!("argument {of} is another result already"),
                ));
            }
        }
        Ok(())
    }
}

impl File {
    pub(super) fn check(&self, place: &str) -> Result<(), ManifestError> {
        let file = &self.file;
        if file.is_empty() || file == "." || file == ".." || file.contains(['/', '\0']) {
            return Err(wrong(place, format!("{file:?} is not a file name")));
        }
        Ok(())
    }
}

impl Argument {
    fn check(
        &self,
        place: &str,
        function: &Function,
        manifest: &Manifest,
    ) -> Result<(), ManifestError> {
        bytes(place, self.dtype, &self.shape)?;
        if self.kind == ArgumentKind::Weight {
            self.check_weight(place, manifest)?;
        }
        let Some(from) = &self.quantised_from else {
            return Ok(());
        };
        bytes(place, from.dtype, &from.shape)?;
        let scale = function.arguments.get(from.scale_argument);
        let is_float = |d| matches!(d, DType::F32 | DType::F16 | DType::Bf16);
        if !scale.is_some_and(|s| is_float(s.dtype)) {
            let problem = format!("argument {} does not hold scales", from.scale_argument);
            return Err(wrong(place, problem));
        }
        if self.dtype != DType::I8 {
            return Err(wrong(place, "quantised weights are of type i8"));
        }
        Ok(())
    }

    fn check_weight(&self, place: &str, manifest: &Manifest) -> Result<(), ManifestError> {
        if self.updated_in_place {
            return Err(wrong(place, "a weight is updated in place"));
        }
        let Some(name) = &self.name else {
            return Err(wrong(place, "a weight has no name"));
        };
        let known = manifest.weights.iter().find(|w| w.name == *name);
        match known {
            None => Err(wrong(
                place,
                format!("{name:?} is not in the list of weights"),
            )),
            Some(w) if (w.dtype, &w.shape) != (self.dtype, &self.shape) => Err(wrong(
                place,
                format!("{name:?} has another type in the list of weights"),
            )),
            Some(_) => Ok(()),
        }
    }
}
