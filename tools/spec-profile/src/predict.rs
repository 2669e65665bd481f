//! What the cost model says about a bundle as it is: its models, on their units and cores, in their data types.

use crate::bundle::{Described, role_of};
use crate::profile::Role;
use serde::{Deserialize, Serialize};
use spec_cost::{
    Acceptance, AcceptanceFilter, CostError, DType, Evaluation, ModelShape, Pin, Problem, Profile,
    Sampling, SearchOptions, Soc, Strategy, evaluate,
};
use spec_runtime::draft_length::goodput::Prior;
use spec_runtime::manifest::Manifest;

/// Why there is no prediction.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// The manifest has no shape of a model.
    #[error(
        "{bundle}: the manifest has no shape of the {role}: compile it again with this version of spec-compile"
    )]
    NoShape {
        /// The bundle.
        bundle: String,
        /// The model's role.
        role: &'static str,
    },
    /// The shape of a model is not one.
    #[error("{bundle}: the shape of the {role} in the manifest cannot be read: {source}")]
    Shape {
        /// The bundle.
        bundle: String,
        /// The model's role.
        role: &'static str,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The profile does not have a model where the bundle has it.
    #[error(
        "{profile} has no rows of the {model}: measure this bundle, with spec-profile {bundle} -o profile.toml"
    )]
    Unmeasured {
        /// The profile and its source.
        profile: String,
        /// Role, name, data type and place of the model.
        model: String,
        /// The bundle.
        bundle: String,
    },
    /// The cost model does not take it.
    #[error(transparent)]
    Cost(#[from] CostError),
}

/// A model of a bundle as the cost model takes it.
#[derive(Clone, Debug)]
pub struct Model {
    /// Where it runs, and as what.
    pub described: Described,
    /// Its shape, as exported.
    pub shape: ModelShape,
}

impl Model {
    /// The model of `role`, with its shape out of the manifest. `bundle` is for messages.
    ///
    /// # Errors
    /// [`PredictError::NoShape`], [`PredictError::Shape`].
    pub fn new(
        bundle: &str,
        manifest: &Manifest,
        role: Role,
        described: Described,
    ) -> Result<Self, PredictError> {
        let info = manifest.models.iter().find(|m| m.role == role_of(role));
        let shape = info.map(|m| m.shape.clone()).filter(|s| !s.is_null());
        let shape = shape.ok_or_else(|| PredictError::NoShape {
            bundle: bundle.to_owned(),
            role: role.name(),
        })?;
        let shape = serde_json::from_value(shape).map_err(|source| PredictError::Shape {
            bundle: bundle.to_owned(),
            role: role.name(),
            source,
        })?;
        // rows of profiles have the bundle's name of a model, the shape that of a function
        let shape = ModelShape {
            name: described.model.clone(),
            ..shape
        };
        Ok(Self { described, shape })
    }

    /// Name and data type, as in files of acceptance.
    pub fn name(&self) -> String {
        name(&self.described)
    }

    /// Where the cost model has it run.
    ///
    /// # Errors
    /// The cost model does not know its data type.
    pub fn pin(&self) -> Result<Pin, CostError> {
        Ok(Pin {
            unit: self.described.unit.clone(),
            cores: (!self.described.gpu).then_some(self.described.cores),
            dtype: Some(DType::parse(&self.described.dtype)?),
        })
    }

    /// Unit and cores in words.
    pub fn place(&self) -> String {
        let Described {
            unit, cores, gpu, ..
        } = &self.described;
        match (gpu, cores) {
            (true, _) => unit.clone(),
            (false, 1) => format!("1 core of {unit}"),
            (false, n) => format!("{n} cores of {unit}"),
        }
    }
}

/// Name and data type of a model, such as `draft:i4g32`: what acceptance is measured for.
pub fn name(described: &Described) -> String {
    format!("{}:{}", described.model, described.dtype)
}

/// A bundle as the cost model takes it.
#[derive(Clone, Debug)]
pub struct Pair {
    /// What the bundle is called in messages.
    pub bundle: String,
    /// The target.
    pub target: Model,
    /// The drafter, if there is one.
    pub drafter: Option<Model>,
}

impl Pair {
    /// Of what the manifest says; `bundle` is for messages.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn new(
        bundle: &str,
        manifest: &Manifest,
        target: Described,
        drafter: Option<Described>,
    ) -> Result<Self, PredictError> {
        let drafter = drafter.map(|d| Model::new(bundle, manifest, Role::Drafter, d));
        Ok(Self {
            bundle: bundle.to_owned(),
            target: Model::new(bundle, manifest, Role::Target, target)?,
            drafter: drafter.transpose()?,
        })
    }
}

/// What drafts are assumed to be accepted.
#[derive(Clone, Debug, Default)]
pub enum Assumed {
    /// Nothing is known.
    #[default]
    Unknown,
    /// As given.
    Given(Acceptance),
    /// A file that `spec-bench --calibrate` wrote.
    File {
        /// Its path.
        path: String,
        /// What stands in it.
        text: String,
        /// Sampling of the series to take: `greedy`, or `t1` for a temperature of 1.
        mode: String,
        /// Task of the series to take; `None`: `all`, or the only one.
        task: Option<String>,
    },
}

/// What is needed to predict.
pub struct Predictor {
    /// The device.
    pub soc: Soc,
    /// Measured latencies; without them those of the device file serve.
    pub profile: Option<Profile>,
    /// Acceptance of drafts.
    pub assumed: Assumed,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Shortest and longest context of the runs, tokens.
    pub context: (u64, u64),
}

/// The prediction of one way to decode.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Tokens a second.
    pub tokens_per_second: f64,
    /// Of the same placement of the target without speculation.
    pub plain_tokens_per_second: f64,
    /// Expected tokens a round.
    pub tokens_per_round: f64,
    /// Drafter step / target step.
    pub c: f64,
    /// Verification / target step.
    pub v: f64,
    /// Whether both latencies are measured, or between measured ones.
    pub measured: bool,
}

impl From<&Evaluation> for Prediction {
    fn from(found: &Evaluation) -> Self {
        Self {
            tokens_per_second: found.candidate.tokens_per_second,
            plain_tokens_per_second: found.alone.tokens_per_second,
            tokens_per_round: found.candidate.tokens_per_round,
            c: found.candidate.c,
            v: found.candidate.v,
            measured: found.candidate.measured,
        }
    }
}

impl Predictor {
    /// The acceptance of a pair: of a file the series of its names and data types, or else the only one. `None`: nothing is known,
    /// or there is no drafter.
    ///
    /// # Errors
    /// The file is damaged, or no one series in it is meant.
    pub fn acceptance(&self, pair: &Pair) -> Result<Option<Acceptance>, CostError> {
        let Some(drafter) = &pair.drafter else {
            return Ok(None);
        };
        let (path, text, mode, task) = match &self.assumed {
            Assumed::Unknown => return Ok(None),
            Assumed::Given(acceptance) => return Ok(Some(acceptance.clone())),
            Assumed::File {
                path,
                text,
                mode,
                task,
            } => (path, text, mode, task),
        };
        let any = AcceptanceFilter {
            mode: Some(mode.clone()),
            task: task.clone(),
            ..AcceptanceFilter::default()
        };
        let exact = AcceptanceFilter {
            target: Some(pair.target.name()),
            drafter: Some(drafter.name()),
            ..any.clone()
        };
        match Acceptance::parse_csv(text, path, &exact) {
            Ok(found) => Ok(Some(found)),
            Err(e) => Acceptance::parse_csv(text, path, &any)
                .map(Some)
                .map_err(|_| e),
        }
    }

    /// What `draft_length` drafts a round cost with this acceptance; 0: no speculation, `strategy` is not read.
    ///
    /// # Errors
    /// The pair contradicts the device, or does not fit on it; drafts without a drafter.
    pub fn evaluate(
        &self,
        pair: &Pair,
        acceptance: &Acceptance,
        draft_length: u32,
        strategy: Strategy,
    ) -> Result<Evaluation, CostError> {
        let options = SearchOptions {
            context: self.context,
            sampling: self.sampling,
            ..SearchOptions::default()
        };
        let problem = Problem {
            soc: &self.soc,
            target: &pair.target.shape,
            drafter: pair.drafter.as_ref().map(|d| &d.shape),
            acceptance,
            profile: self.profile.as_ref(),
            options: &options,
        };
        let drafter = pair.drafter.as_ref().map(Model::pin).transpose()?;
        let target = pair.target.pin()?;
        evaluate(&problem, drafter.as_ref(), &target, strategy, draft_length)
    }

    /// The prediction of one way to decode; `None` for speculation whose acceptance is not known.
    ///
    /// # Errors
    /// As [`Predictor::acceptance`] and [`Predictor::evaluate`].
    pub fn predict(
        &self,
        pair: &Pair,
        draft_length: u32,
        strategy: Strategy,
    ) -> Result<Option<Prediction>, CostError> {
        let acceptance = match self.acceptance(pair)? {
            Some(found) => found,
            None if draft_length == 0 => no_drafts()?,
            None => return Ok(None),
        };
        let found = self.evaluate(pair, &acceptance, draft_length, strategy)?;
        Ok(Some(Prediction::from(&found)))
    }

    /// What is believed of acceptance and time before a run that chooses its draft lengths: calls of `lengths` drafts, ascending from 0
    /// on, in sequential rounds. The best of them is the length to begin with.
    ///
    /// # Errors
    /// As [`Predictor::evaluate`].
    pub fn prior(
        &self,
        pair: &Pair,
        acceptance: &Acceptance,
        lengths: impl IntoIterator<Item = u32>,
    ) -> Result<Prior, CostError> {
        let mut prior = Prior::default();
        let mut best = 0.0;
        for length in lengths {
            let found = self.evaluate(pair, acceptance, length, Strategy::Sequential)?;
            let drafts = usize::try_from(length).unwrap_or(usize::MAX);
            prior.target.push(match drafts {
                0 => (1, found.target_step_seconds),
                _ => (drafts.saturating_add(1), found.candidate.verify_seconds),
            });
            if drafts == 1 {
                prior.drafter.push((1, found.draft_step_seconds));
            }
            prior.survival = acceptance.survival(length);
            if found.candidate.tokens_per_second > best {
                best = found.candidate.tokens_per_second;
                prior.draft_length = Some(drafts);
            }
        }
        Ok(prior)
    }
}

/// The acceptance where there is nothing to accept.
pub(crate) fn no_drafts() -> Result<Acceptance, CostError> {
    Acceptance::constant(0.0, "no drafts".to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
