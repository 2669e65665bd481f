//! Models: bundles with their weights.

pub(crate) mod ffi;

use crate::error::Failure;
use crate::handles::Handles;
use spec_runtime::generate::Offer;
use spec_runtime::model::{LoadOptions, Loaded};
use spec_runtime::text::TextInfo;
use std::path::Path;
use std::sync::Arc;

/// Handles of models.
pub static MODELS: Handles<Model> = Handles::new("model");

/// A model.
pub struct Model {
    /// The bundle.
    pub loaded: Arc<Loaded>,
    /// Its special tokens.
    pub text: TextInfo,
}

/// What a caller may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Tokens are below.
    pub vocabulary: usize,
    /// Most tokens of a sequence.
    pub context: usize,
    /// Whether there is a drafter.
    pub has_drafter: bool,
    /// Drafts of a round by the plan.
    pub planned: usize,
    /// Whether the plan overlaps.
    pub overlapped: bool,
}

impl Model {
    /// Loads a bundle.
    ///
    /// # Errors
    /// It cannot be loaded.
    pub fn open(folder: &Path, options: &LoadOptions) -> Result<Self, Failure> {
        let loaded = Loaded::open(folder, options)?;
        let text = TextInfo::read(folder)?.unwrap_or_default();
        Ok(Self { loaded, text })
    }

    /// What its plan, and its models, offer to a session.
    pub fn offer(&self) -> Offer {
        Offer::new(&self.loaded, self.loaded.manifest().plan.as_ref())
    }

    /// What it is.
    pub fn facts(&self) -> Facts {
        let loaded = &self.loaded;
        let plan = loaded.manifest().plan.as_ref();
        Facts {
            vocabulary: loaded.vocabulary(),
            context: loaded.context(),
            has_drafter: loaded.has_drafter(),
            planned: plan
                .and_then(|p| usize::try_from(p.gamma).ok())
                .unwrap_or(0),
            overlapped: plan.is_some_and(|p| p.strategy == "overlapped"),
        }
    }
}
