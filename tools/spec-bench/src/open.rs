//! Opens bundles and makes them ready: generators, prompts as tokens, what the cost model takes.

use crate::bench::{Bundle, Configuration, Encoded};
use crate::error::BenchError;
use crate::prompts::Prompt;
use crate::results::{BundleInfo, Place, Planned};
use spec_profile::bundle::{Described, Opened};
use spec_profile::predict::{Assumed, Pair, Prediction, Predictor, name};
use spec_profile::profile::Role;
use spec_runtime::generate::{Generator, Schedule};
use spec_runtime::manifest;
use spec_runtime::model::{InstanceOptions, LoadError, LoadOptions, Loaded, VulkanOptions};
use spec_text::{Chat, Form, Words};
use std::path::PathBuf;
use std::sync::Arc;

/// A bundle, opened.
pub(crate) struct Ready {
    opened: Opened,
    pub(crate) info: BundleInfo,
    target: Described,
    drafter: Option<Described>,
}

/// Opens all. A bundle is called by the last part of its path, or by all of it where that is not unique.
pub(crate) fn open(paths: &[PathBuf], gpu: Option<&str>) -> Result<Vec<Ready>, BenchError> {
    let options = LoadOptions {
        vulkan: gpu.map(|device| VulkanOptions {
            device: Some(device.to_owned()),
            ..VulkanOptions::default()
        }),
        ..LoadOptions::default()
    };
    let mut all: Vec<Ready> = vec![];
    for path in paths {
        let short = path.file_name().map(|n| n.to_string_lossy().into_owned());
        let twice = |n: &String| paths.iter().filter(|p| p.ends_with(n.as_str())).count() > 1;
        let label = short.filter(|n| !twice(n));
        let label = label.unwrap_or_else(|| path.display().to_string());
        let opened = Opened::new(path, &options)?;
        let target = opened.describe(Role::Target)?;
        let target =
            target.ok_or_else(|| BenchError::Usage(format!("{label}: there is no target")))?;
        let drafter = opened.describe(Role::Drafter)?;
        let plan = opened.loaded.manifest().plan.as_ref();
        let info = BundleInfo {
            label,
            target: Place::from(&target),
            drafter: drafter.as_ref().map(Place::from),
            plan: plan.filter(|_| drafter.is_some()).map(|p| Planned {
                draft_length: p.gamma as usize,
                strategy: p.strategy.clone(),
                speed_up: p.speed_up,
            }),
        };
        all.push(Ready {
            opened,
            info,
            target,
            drafter,
        });
    }
    Ok(all)
}

/// Both models, made for a schedule.
fn generator(
    label: &str,
    loaded: &Arc<Loaded>,
    schedule: Schedule,
) -> Result<Generator, BenchError> {
    let failed = |source: LoadError| BenchError::Load {
        bundle: label.to_owned(),
        source,
    };
    let target = loaded
        .instance(manifest::Role::Target, None)
        .map_err(failed)?;
    let options = InstanceOptions {
        cores: None,
        apart: schedule == Schedule::Overlapped,
    };
    let drafter = loaded.has_drafter().then(|| {
        let drafter = loaded.instance_with(manifest::Role::Drafter, &options);
        drafter.map_err(failed)
    });
    Generator::new(target, drafter.transpose()?).map_err(|source| BenchError::Generate {
        bundle: label.to_owned(),
        prompt: "none".to_owned(),
        source,
    })
}

impl Ready {
    /// As the benchmark takes it.
    pub(crate) fn bundle(&self) -> Bundle {
        let (label, loaded) = (self.info.label.clone(), Arc::clone(&self.opened.loaded));
        Bundle {
            label: label.clone(),
            drafter: loaded.has_drafter(),
            make: Box::new(move |schedule| generator(&label, &loaded, schedule)),
        }
    }

    /// Names of target and drafter with their data types; `None` without a drafter.
    pub(crate) fn pair_names(&self) -> Result<Option<(String, String)>, BenchError> {
        let drafter = self.drafter.as_ref();
        Ok(drafter.map(|d| (name(&self.target), name(d))))
    }

    /// The device file that it was compiled for.
    pub(crate) fn soc(&self) -> &str {
        &self.opened.loaded.manifest().soc
    }

    fn pair(&self) -> Result<Pair, BenchError> {
        let manifest = self.opened.loaded.manifest();
        let (target, drafter) = (self.target.clone(), self.drafter.clone());
        Ok(Pair::new(&self.info.label, manifest, target, drafter)?)
    }
}

/// The chat template as it is the same on every day, and without thinking.
const CHAT: Form = Form::Chat(Chat {
    thinking: false,
    dates: false,
});

/// The prompts as tokens of each bundle.
pub(crate) fn encode(ready: &[Ready], prompts: &[Prompt]) -> Result<Vec<Encoded>, BenchError> {
    let failed = |ready: &Ready| {
        let bundle = ready.info.label.clone();
        |source| BenchError::Words { bundle, source }
    };
    let all = ready
        .iter()
        .map(|r| Ok((r, Words::open(&r.opened.path).map_err(failed(r))?)));
    let all = all.collect::<Result<Vec<_>, BenchError>>()?;
    let encode = |prompt: &Prompt| {
        let tokens = all.iter().map(|(r, words)| {
            let form = if words.has_template() {
                CHAT
            } else {
                Form::Plain
            };
            let tokens = words.encode(&r.opened.path, &prompt.text, form);
            tokens.map_err(failed(r))
        });
        Ok(Encoded {
            id: prompt.id.clone(),
            task: prompt.task.clone(),
            tokens: tokens.collect::<Result<_, BenchError>>()?,
            stop: all.iter().map(|(_, w)| w.eos().to_vec()).collect(),
        })
    };
    prompts.iter().map(encode).collect()
}

/// The predictions of all configurations, and why some are missing.
pub(crate) fn predict(
    predictor: &Result<Predictor, String>,
    ready: &[Ready],
    configurations: &[Configuration],
) -> (Vec<Option<Prediction>>, Vec<String>) {
    let predictor = match predictor {
        Ok(predictor) => predictor,
        Err(why) => return (vec![None; configurations.len()], vec![why.clone()]),
    };
    let mut notes: Vec<String> = vec![];
    if predictor.profile.is_none() {
        notes.push("without a profile, latencies are those of the device file".to_owned());
    }
    if matches!(predictor.assumed, Assumed::Unknown) {
        notes.push("without measured acceptance, speculation is not predicted".to_owned());
    }
    let mut predictions = vec![];
    for configuration in configurations {
        let found = ready.get(configuration.bundle).map(|r| {
            let pair = r.pair().map_err(|e| e.to_string())?;
            let length = u32::try_from(configuration.draft_length).unwrap_or(u32::MAX);
            let found = predictor.predict(&pair, length, configuration.schedule.strategy());
            found.map_err(|e| format!("{}: {e}", r.info.label))
        });
        match found {
            Some(Ok(prediction)) => predictions.push(prediction),
            Some(Err(why)) => {
                if !notes.contains(&why) {
                    notes.push(why);
                }
                predictions.push(None);
            }
            None => predictions.push(None),
        }
    }
    (predictions, notes)
}
