//! What the cost model says of each configuration, over all tasks and for each of them.

use crate::acceptance::Series;
use crate::args::Cli;
use crate::bench::{Configuration, Encoded, Run};
use crate::calibrate::Calibration;
use crate::error::BenchError;
use crate::open::Ready;
use serde::{Deserialize, Serialize};
use spec_cost::{Profile, Soc};
use spec_profile::predict::{Assumed, Pair, Prediction, Predictor};
use spec_runtime::draft_length::goodput::Prior;
use std::collections::BTreeMap;

/// A prediction, and how sure the acceptance is that it rests on.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
pub(crate) struct Guess {
    #[serde(flatten)]
    pub(crate) prediction: Prediction,
    /// Standard error of the calibrated tokens a round, relative to them; 0 without drafts, `None` if the calibration does not say.
    pub(crate) relative_standard_error: Option<f64>,
}

/// All predictions of one configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Forecast {
    /// With the acceptance over all tasks.
    pub(crate) pooled: Option<Guess>,
    /// With that of each task.
    pub(crate) tasks: BTreeMap<String, Guess>,
}

/// What predictions are made of.
pub(crate) struct Basis {
    soc: Soc,
    profile: Option<Profile>,
    /// Path and text.
    acceptance: Option<(String, String)>,
    calibration: Option<Calibration>,
    mode: String,
    sampling: spec_cost::Sampling,
}

/// The basis, or in words why there is none: a bundle without a device file can be measured all the same. The second: what a reader must
/// know.
///
/// # Errors
/// A file that was given is damaged.
pub(crate) fn basis(
    cli: &Cli,
    ready: &[Ready],
) -> Result<(Option<Basis>, Vec<String>), BenchError> {
    let mut notes = vec![];
    let load = |p: &std::path::PathBuf| Profile::load(&p.display().to_string());
    let profile = cli.profile.as_ref().map(load).transpose()?;
    let mut acceptance = None;
    let mut calibration = None;
    if let Some(path) = &cli.acceptance {
        let text = std::fs::read_to_string(path).map_err(BenchError::reading(path))?;
        acceptance = Some((path.display().to_string(), text));
        let beside = path.with_file_name("calibration.json");
        match std::fs::read_to_string(&beside) {
            Ok(text) => {
                let found = serde_json::from_str(&text);
                calibration = Some(found.map_err(|e| BenchError::damaged(&beside, &e))?);
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => notes.push(
                "there is no calibration.json beside the file of acceptance, so predictions have no standard errors; calibrate again"
                    .to_owned(),
            ),
            Err(e) => return Err(BenchError::reading(&beside)(e)),
        }
    }
    let soc = match (&cli.soc, ready.first()) {
        (Some(name), _) => Soc::load(name)?,
        (None, Some(first)) => match Soc::load(first.soc()) {
            Ok(soc) => soc,
            Err(e) => {
                notes.push(format!("nothing is predicted: {e}; give --soc"));
                return Ok((None, notes));
            }
        },
        (None, None) => {
            notes.push("nothing is predicted: there is no bundle".to_owned());
            return Ok((None, notes));
        }
    };
    if profile.is_none() {
        notes.push("without a profile, latencies are those of the device file".to_owned());
    }
    if acceptance.is_none() {
        notes.push("without measured acceptance, speculation is not predicted".to_owned());
    }
    let basis = Basis {
        soc,
        profile,
        acceptance,
        calibration,
        mode: cli.mode(),
        sampling: match cli.temperature == 0.0 {
            true => spec_cost::Sampling::Greedy,
            false => spec_cost::Sampling::Rejection,
        },
    };
    Ok((Some(basis), notes))
}

impl Basis {
    /// The device's name.
    pub(crate) fn soc(&self) -> String {
        self.soc.name().to_owned()
    }

    /// Where latencies come from.
    pub(crate) fn profile(&self) -> Option<String> {
        self.profile.as_ref().map(Profile::source)
    }

    fn predictor(&self, task: Option<&str>, context: (u64, u64)) -> Predictor {
        let assumed = match &self.acceptance {
            None => Assumed::Unknown,
            Some((path, text)) => Assumed::File {
                path: path.clone(),
                text: text.clone(),
                mode: self.mode.clone(),
                task: task.map(str::to_owned),
            },
        };
        Predictor {
            soc: self.soc.clone(),
            profile: self.profile.clone(),
            assumed,
            sampling: self.sampling,
            context,
        }
    }

    /// How sure the tokens a round of this prediction are.
    fn error(&self, pair: &Pair, task: &str, gamma: usize, prediction: &Prediction) -> Option<f64> {
        if gamma == 0 {
            return Some(0.0);
        }
        let series = Series {
            target: pair.target.name(),
            drafter: pair.drafter.as_ref()?.name(),
            mode: self.mode.clone(),
            task: task.to_owned(),
        };
        let tokens = prediction.tokens_per_round;
        (self.calibration.as_ref()?).relative_error(&series, gamma, tokens)
    }

    fn guess(
        &self,
        predictor: &Predictor,
        ready: &Ready,
        configuration: &Configuration,
        task: &str,
    ) -> Result<Option<Guess>, String> {
        let pair = ready.pair().map_err(|e| e.to_string())?;
        let gamma = configuration.draft_length;
        let length = u32::try_from(gamma).unwrap_or(u32::MAX);
        let found = predictor.predict(&pair, length, configuration.schedule.strategy());
        let found = found.map_err(|e| format!("{}: {e}", ready.info.label))?;
        Ok(found.map(|prediction| Guess {
            prediction,
            relative_standard_error: self.error(&pair, task, gamma, &prediction),
        }))
    }

    /// The predictions of all configurations; why some are missing goes to `notes`.
    pub(crate) fn forecasts(
        &self,
        ready: &[Ready],
        configurations: &[Configuration],
        runs: &[Run],
        notes: &mut Vec<String>,
    ) -> Vec<Forecast> {
        let mut all = vec![Forecast::default(); configurations.len()];
        let mut tasks: Vec<Option<&str>> = runs.iter().map(|r| Some(r.task.as_str())).collect();
        tasks.push(None);
        tasks.sort_unstable();
        tasks.dedup();
        for task in tasks {
            let mine = runs.iter().filter(|r| task.is_none_or(|t| t == r.task));
            let predictor = self.predictor(task, contexts(mine));
            for (configuration, forecast) in configurations.iter().zip(&mut all) {
                let Some(ready) = ready
                    .get(configuration.bundle)
                    .filter(|_| !configuration.auto)
                else {
                    continue;
                };
                match self.guess(&predictor, ready, configuration, task.unwrap_or("all")) {
                    Ok(guess) => match task {
                        None => forecast.pooled = guess,
                        Some(task) => forecast.tasks.extend(guess.map(|g| (task.to_owned(), g))),
                    },
                    Err(why) if !notes.contains(&why) => notes.push(why),
                    Err(_) => {}
                }
            }
        }
        all
    }

    /// What is believed of acceptance and time before the runs, for lengths that are chosen in them. `None` without a drafter, or
    /// without measured acceptance.
    pub(crate) fn prior(
        &self,
        ready: &Ready,
        number: usize,
        prompts: &[Encoded],
        max_tokens: usize,
    ) -> Option<Prior> {
        let lengths = prompts
            .iter()
            .filter_map(|p| p.tokens.get(number))
            .map(Vec::len);
        let (shortest, longest) = (lengths.clone().min()?, lengths.max()?);
        let predictor = self.predictor(None, (shortest as u64, (longest + max_tokens) as u64));
        let pair = ready.pair().ok()?;
        let acceptance = predictor.acceptance(&pair).ok()??;
        let widest = ready.widest().min(spec_runtime::draft_length::MAX + 1);
        let lengths = 0..u32::try_from(widest).ok()?;
        predictor.prior(&pair, &acceptance, lengths).ok()
    }
}

/// Shortest and longest context of runs, tokens.
fn contexts<'a>(runs: impl Iterator<Item = &'a Run>) -> (u64, u64) {
    let ends = runs.map(|r| (r.prompt_tokens, r.prompt_tokens + r.tokens));
    let (shortest, longest) = ends.fold((usize::MAX, 0), |(a, b), (c, d)| (a.min(c), b.max(d)));
    (shortest.min(longest) as u64, longest as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_span_all_runs() {
        let run = |prompt_tokens, tokens| Run {
            prompt_tokens,
            tokens,
            ..Run::default()
        };
        let runs = [run(10, 5), run(7, 1), run(9, 60)];
        assert_eq!(contexts(runs.iter()), (7, 69));
        assert_eq!(contexts([].iter()), (0, 0));
    }
}
