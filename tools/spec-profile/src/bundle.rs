//! Models out of compiled bundles, with what the cost model calls them.

use crate::measure::Subject;
use crate::profile;
use spec_runtime::manifest::{Manifest, Placement, Role};
use spec_runtime::model::{LoadError, LoadOptions, Loaded};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What goes wrong with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It cannot be loaded.
    #[error("{}: {source}", path.display())]
    Load {
        /// The bundle.
        path: PathBuf,
        /// Why.
        source: LoadError,
    },
    /// Its manifest does not say what the profile needs.
    #[error("{}: the manifest does not say {what} of the {role}: compile it again with this version of spec-compile", path.display())]
    Unsaid {
        /// The bundle.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
        /// Of which model.
        role: &'static str,
    },
    /// More cores than there are.
    #[error("--cores {asked}: the process may use {there} cores here")]
    Cores {
        /// What was asked for.
        asked: u32,
        /// What is there.
        there: usize,
    },
}

/// The other name of a role.
pub const fn role_of(role: profile::Role) -> Role {
    match role {
        profile::Role::Drafter => Role::Drafter,
        profile::Role::Target => Role::Target,
    }
}

/// Where a model of a bundle runs, and as what.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Its name in the manifest.
    pub model: String,
    /// Unit of the device file.
    pub unit: String,
    /// Cores that the plan gives it.
    pub cores: u32,
    /// Data type, as the cost model names it.
    pub dtype: String,
    /// Whether it runs on a GPU.
    pub gpu: bool,
}

/// What the manifest says of a model; `None`: the bundle does not have it.
///
/// # Errors
/// [`BundleError::Unsaid`].
pub fn describe(
    path: &Path,
    manifest: &Manifest,
    role: profile::Role,
) -> Result<Option<Described>, BundleError> {
    let wanted = role_of(role);
    let of = |role| manifest.functions.iter().find(move |f| f.role == role);
    let paired = of(Role::Target).or(of(Role::Drafter)).is_some();
    // functions of a bundle without roles are the target's, as the runtime has it
    let only = of(Role::None).filter(|_| wanted == Role::Target && !paired);
    let Some(function) = of(wanted).or(only) else {
        return Ok(None);
    };
    let unsaid = |what| BundleError::Unsaid {
        path: path.to_owned(),
        what,
        role: role.name(),
    };
    let placements = manifest.plan.iter().flat_map(|p| &p.placements);
    let place: Option<&Placement> = placements.into_iter().find(|p| p.role == wanted);
    let place = place.ok_or_else(|| unsaid("the unit"))?;
    let info = manifest.models.iter().find(|m| m.role == wanted);
    let dtype = place.dtype.clone().or(info.map(|m| m.dtype.clone()));
    Ok(Some(Described {
        model: info.map_or_else(|| role.name().to_owned(), |m| m.name.clone()),
        unit: place.device.clone(),
        cores: place.cores,
        dtype: dtype.ok_or_else(|| unsaid("the data type"))?,
        gpu: function.gpu.is_some(),
    }))
}

/// An opened bundle.
pub struct Opened {
    /// Its folder.
    pub path: PathBuf,
    /// With its weights.
    pub loaded: Arc<Loaded>,
}

impl Opened {
    /// Opens `path`.
    ///
    /// # Errors
    /// [`BundleError::Load`].
    pub fn new(path: &Path, options: &LoadOptions) -> Result<Self, BundleError> {
        let loaded = Loaded::open(path, options).map_err(|source| BundleError::Load {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            loaded,
        })
    }

    /// See [`describe`].
    ///
    /// # Errors
    /// [`BundleError::Unsaid`].
    pub fn describe(&self, role: profile::Role) -> Result<Option<Described>, BundleError> {
        describe(&self.path, self.loaded.manifest(), role)
    }

    /// Parameters of a model, if the manifest says how many.
    fn parameters(&self, role: profile::Role) -> Option<u64> {
        let mut models = self.loaded.manifest().models.iter();
        let found = models.find(|m| m.role == role_of(role))?;
        Some(found.parameters).filter(|n| *n > 0)
    }

    /// Every model of the bundle, on a CPU once for each of `cores`.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn subjects(&self, cores: &[u32]) -> Result<Vec<Subject>, BundleError> {
        let there = std::thread::available_parallelism().map_or(1, usize::from);
        if let Some(asked) = cores.iter().copied().find(|c| *c as usize > there) {
            return Err(BundleError::Cores { asked, there });
        }
        let mut all = vec![];
        for role in [profile::Role::Drafter, profile::Role::Target] {
            let Some(described) = self.describe(role)? else {
                continue;
            };
            let counts = if described.gpu {
                vec![described.cores]
            } else {
                cores.to_vec()
            };
            for cores in counts {
                let count = (!described.gpu).then_some(cores as usize);
                let forward = self.loaded.instance(role_of(role), count);
                let forward = forward.map_err(|source| BundleError::Load {
                    path: self.path.clone(),
                    source,
                })?;
                all.push(Subject {
                    bundle: self.path.display().to_string(),
                    role,
                    model: described.model.clone(),
                    parameters: self.parameters(role),
                    unit: described.unit.clone(),
                    gpu: described.gpu,
                    cores,
                    dtype: described.dtype.clone(),
                    forward,
                });
            }
        }
        Ok(all)
    }
}
