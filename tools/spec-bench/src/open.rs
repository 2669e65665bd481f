//! Opens bundles and makes them ready: generators, prompts as tokens, what the cost model takes.

use crate::bench::{Bundle, Encoded};
use crate::error::BenchError;
use crate::prompts::Prompt;
use crate::results::{BundleInfo, Place, Planned};
use spec_profile::bundle::{Described, Opened};
use spec_profile::predict::{Pair, PredictError, name};
use spec_profile::profile::Role;
use spec_runtime::draft_length::goodput::Prior;
use spec_runtime::generate::{
    Asked, AskedLength, AskedSchedule, Drafting, Generator, Offer, Schedule, decide,
};
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

/// Draft lengths chosen in the run, as spec-run does: from this prior on, or else what the bundle's own plan says.
fn chosen_in_the_run(loaded: &Loaded, prior: Option<Prior>) -> Drafting {
    let asked = Asked {
        length: AskedLength::Auto { measure: true },
        schedule: AskedSchedule::Sequential,
    };
    let mut offer = Offer::new(loaded, loaded.manifest().plan.as_ref());
    if let Some(prior) = prior {
        offer.prior = prior;
    }
    decide(&offer, asked).map_or(Drafting::Fixed(0), |d| d.drafting)
}

impl Ready {
    /// As the benchmark takes it. `prior`: what is believed where draft lengths are chosen in the run.
    pub(crate) fn bundle(&self, prior: Option<Prior>) -> Bundle {
        let (label, loaded) = (self.info.label.clone(), Arc::clone(&self.opened.loaded));
        let (name, alone) = (label.clone(), Arc::clone(&loaded));
        Bundle {
            label: label.clone(),
            drafter: loaded.has_drafter(),
            auto: chosen_in_the_run(&loaded, prior),
            make: Box::new(move |schedule| generator(&label, &loaded, schedule)),
            draft: Box::new(move || {
                let drafter = alone.instance(manifest::Role::Drafter, None);
                drafter.map_err(|source| BenchError::Load {
                    bundle: name.clone(),
                    source,
                })
            }),
        }
    }

    /// Most tokens of one call of the target.
    pub(crate) fn widest(&self) -> usize {
        let widths = self.opened.loaded.widths(manifest::Role::Target);
        widths.iter().copied().max().unwrap_or(1)
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

    /// As the cost model takes it.
    pub(crate) fn pair(&self) -> Result<Pair, PredictError> {
        let manifest = self.opened.loaded.manifest();
        let (target, drafter) = (self.target.clone(), self.drafter.clone());
        Pair::new(&self.info.label, manifest, target, drafter)
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
