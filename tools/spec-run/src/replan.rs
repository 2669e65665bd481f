//! A plan made anew for this bundle and this run: its placements as they are, with measured latencies and acceptance.

use crate::args::{Cli, Schedule};
use crate::error::RunError;
use spec_cost::{Acceptance, Profile, Sampling, Soc, Strategy};
use spec_profile::bundle::{BundleError, Described, describe, role_of};
use spec_profile::choose::{Way, at_once, fastest};
use spec_profile::predict::{Assumed, Pair, Predictor};
use spec_profile::profile::Role;
use spec_runtime::draft_length::MAX;
use spec_runtime::draft_length::goodput::Prior;
use spec_runtime::generate::AskedLength;
use spec_runtime::manifest::{self, Plan};
use spec_runtime::model::Loaded;
use spec_runtime::stats::Position;

/// A plan made here.
pub struct Replan {
    /// As a bundle's: the way that was chosen, beside plain decoding of the target where it is.
    pub plan: Plan,
    /// Where latencies come from: `profile FILE`, or `device file NAME`.
    pub source: String,
    /// Where the acceptance comes from; `None` without drafts.
    pub acceptance_source: Option<String>,
    /// Shortest and longest context of the run, tokens.
    pub contexts: (u64, u64),
    /// All ways to decode that were weighed.
    pub ways: Vec<Way>,
    /// What the user should know.
    pub note: Option<String>,
    chosen: Way,
    predictor: Predictor,
    pair: Pair,
}

/// What the cost model says for the drafts that were accepted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtMeasured {
    /// Tokens a second.
    pub tokens_per_second: f64,
    /// Over plain decoding of the target where it is.
    pub speed_up: f64,
}

impl Replan {
    /// Plans if the command line has measurements to plan with. `prompt`: its tokens.
    ///
    /// # Errors
    /// A file is damaged or does not fit the bundle; the bundle does not say what it needs; acceptance without a drafter.
    pub fn new(cli: &Cli, loaded: &Loaded, prompt: usize) -> Result<Option<Self>, RunError> {
        let asked = &cli.planning;
        let told = match (&asked.acceptance, asked.alpha) {
            (Some(_), _) => Some("--acceptance"),
            (None, Some(_)) => Some("--alpha"),
            (None, None) => None,
        };
        if asked.profile.is_none() && told.is_none() {
            return Ok(None);
        }
        if let Some(option) = told.filter(|_| !loaded.has_drafter()) {
            let bundle = cli.bundle.clone();
            return Err(RunError::NothingDrafted { bundle, option });
        }
        let pair = pair(cli, loaded)?;
        let base = loaded.manifest().plan.clone();
        let base = base.ok_or_else(|| unsaid(cli, "the plan"))?;
        let length = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let most = loaded.context().max(1);
        let predictor = Predictor {
            soc: soc(cli, loaded)?,
            profile: (asked.profile.as_ref())
                .map(|p| Profile::load(&p.display().to_string()))
                .transpose()?,
            assumed: assumed(cli, loaded, &base)?,
            sampling: match cli.sampling.temperature == 0.0 {
                true => Sampling::Greedy,
                false => Sampling::Rejection,
            },
            context: (
                length(prompt.min(most)),
                length(prompt.saturating_add(cli.max_tokens).min(most)),
            ),
        };
        let there = std::thread::available_parallelism().map_or(1, usize::from);
        let there = cli.machine.cores.as_ref().map_or(there, |c| c.0.len());
        let overlapped = at_once(&predictor.soc, &pair, there);
        let widest = loaded.widths(manifest::Role::Target).iter().max();
        let ways = predictor.ways(
            &pair,
            lengths(widest.copied().unwrap_or(1), cli.draft_length.0),
            overlapped,
        )?;
        let apart = cli.schedule == Schedule::Overlapped && !overlapped && pair.drafter.is_some();
        let schedule = if apart { Schedule::Plan } else { cli.schedule };
        let chosen = pick(&ways, cli.draft_length.0, schedule)
            .or(ways.first())
            .ok_or_else(|| unsaid(cli, "the plan"))?
            .clone();
        let known = predictor.acceptance(&pair)?;
        let known = known.filter(|_| chosen.draft_length > 0);
        let plan = Plan {
            gamma: chosen.draft_length,
            strategy: match chosen.schedule {
                Strategy::Autoregressive => "none".to_owned(),
                schedule => schedule.to_string(),
            },
            speed_up: chosen.speed_up,
            tokens_per_second: Some(chosen.tokens_per_second),
            acceptance: known.as_ref().map(|a| a.rate(chosen.draft_length)),
            baseline: Some(format!(
                "{} on {}, no speculation",
                pair.target.name(),
                pair.target.place()
            )),
            baseline_tokens_per_second: Some(chosen.tokens_per_second / chosen.speed_up),
            ..base
        };
        let note = apart.then(|| {
            "drafter and target have no cores of their own here, so overlapped rounds are not predicted".to_owned()
        });
        Ok(Some(Self {
            plan,
            source: match &asked.profile {
                Some(path) => format!("profile {}", path.display()),
                None => format!("device file {}", predictor.soc.name()),
            },
            acceptance_source: known.map(|a| a.source().to_owned()),
            contexts: predictor.context,
            ways,
            note,
            chosen,
            predictor,
            pair,
        }))
    }

    /// What is believed of acceptance and time, for lengths that are chosen in the run.
    ///
    /// # Errors
    /// The cost model does not take it.
    pub fn prior(&self) -> Result<Prior, RunError> {
        let prior = match self.predictor.acceptance(&self.pair)? {
            None => Prior::default(),
            Some(acceptance) => {
                let sequential = self
                    .ways
                    .iter()
                    .filter(|w| w.schedule != Strategy::Overlapped);
                let lengths = sequential.map(|w| w.draft_length);
                self.predictor.prior(&self.pair, &acceptance, lengths)?
            }
        };
        Ok(Prior {
            draft_length: usize::try_from(self.chosen.draft_length).ok(),
            ..prior
        })
    }

    /// What the cost model says of the chosen way if drafts are accepted as they were in a run. `None`: no drafts were made.
    ///
    /// # Errors
    /// The cost model does not take it.
    pub fn at_measured(&self, positions: &[Position]) -> Result<Option<AtMeasured>, RunError> {
        let length = self.chosen.draft_length;
        let Some(survival) = survival(positions, length) else {
            return Ok(None);
        };
        let acceptance = Acceptance::measured(&survival, "this run".to_owned())?;
        let schedule = self.chosen.schedule;
        let found = (self.predictor).evaluate(&self.pair, &acceptance, length, schedule)?;
        Ok(Some(AtMeasured {
            tokens_per_second: found.candidate.tokens_per_second,
            speed_up: found.speedup_here,
        }))
    }
}

fn unsaid(cli: &Cli, what: &'static str) -> RunError {
    RunError::Bundle(BundleError::Unsaid {
        path: cli.bundle.clone(),
        what,
        role: Role::Target.name(),
    })
}

/// The models where they run here: with as many cores as they get.
fn pair(cli: &Cli, loaded: &Loaded) -> Result<Pair, RunError> {
    let manifest = loaded.manifest();
    let of = |role| -> Result<Option<Described>, RunError> {
        let found = describe(&cli.bundle, manifest, role)?;
        let here = u32::try_from(loaded.cores(role_of(role))).unwrap_or(u32::MAX);
        Ok(found.map(|d| Described {
            cores: if d.gpu { d.cores } else { here },
            ..d
        }))
    };
    let target = of(Role::Target)?.ok_or_else(|| unsaid(cli, "the unit"))?;
    let name = cli.bundle.display().to_string();
    Ok(Pair::new(&name, manifest, target, of(Role::Drafter)?)?)
}

fn soc(cli: &Cli, loaded: &Loaded) -> Result<Soc, RunError> {
    match &cli.planning.soc {
        Some(name) => Ok(Soc::load(name)?),
        None => Soc::load(&loaded.manifest().soc).map_err(RunError::Soc),
    }
}

fn assumed(cli: &Cli, loaded: &Loaded, plan: &Plan) -> Result<Assumed, RunError> {
    let asked = &cli.planning;
    if let Some(path) = &asked.acceptance {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| RunError::Prompt {
            name: name.clone(),
            source,
        })?;
        let temperature = cli.sampling.temperature;
        return Ok(Assumed::File {
            path: name,
            text,
            mode: match temperature == 0.0 {
                true => "greedy".to_owned(),
                false => format!("t{temperature}"),
            },
            task: asked.task.clone(),
        });
    }
    let (rate, source) = match (asked.alpha, plan.acceptance) {
        (Some(alpha), _) => (alpha, "--alpha"),
        (None, _) if !loaded.has_drafter() => return Ok(Assumed::Unknown),
        (None, Some(rate)) => (rate, "the bundle's plan"),
        (None, None) => {
            let bundle = cli.bundle.clone();
            return Err(RunError::NoAcceptance { bundle });
        }
    };
    Ok(Assumed::Given(Acceptance::constant(
        rate,
        source.to_owned(),
    )?))
}

/// Draft lengths to weigh: those that one call of the target of `widest` tokens verifies, and the one that is asked for.
fn lengths(widest: usize, asked: AskedLength) -> Vec<u32> {
    let within = widest.clamp(1, MAX + 1);
    let beyond = match asked {
        AskedLength::Fixed(n) if n >= within => Some(n),
        _ => None,
    };
    let all = (0..within).chain(beyond);
    all.filter_map(|n| u32::try_from(n).ok()).collect()
}

/// The fastest of those that are asked for.
fn pick(ways: &[Way], length: AskedLength, schedule: Schedule) -> Option<&Way> {
    fastest(ways.iter().filter(|way| {
        let long = match length {
            AskedLength::Fixed(n) => u32::try_from(n) == Ok(way.draft_length),
            _ => true,
        };
        let then = match (way.schedule, schedule) {
            (Strategy::Autoregressive, _) | (_, Schedule::Plan) => true,
            (Strategy::Sequential, asked) => asked == Schedule::Sequential,
            (_, asked) => asked == Schedule::Overlapped,
        };
        long && then
    }))
}

/// Share of rounds whose first k drafts were accepted, k = 1 to `length`; behind the last position that was ever reached, none.
/// `None`: no draft was reached.
fn survival(positions: &[Position], length: u32) -> Option<Vec<f64>> {
    let reached = |p: &&Position| p.reached > 0;
    positions.first().filter(reached)?;
    let (mut share, mut all) = (1.0, vec![]);
    for i in 0..usize::try_from(length).ok()? {
        let here = positions.get(i).filter(reached);
        share *= here.map_or(0.0, |p| p.accepted as f64 / p.reached as f64);
        all.push(share);
    }
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(draft_length: u32, schedule: Strategy, tokens_per_second: f64) -> Way {
        Way {
            draft_length,
            schedule,
            tokens_per_second,
            speed_up: tokens_per_second / 10.0,
            tokens_per_round: 1.0,
            round_seconds: 0.1,
            measured: true,
        }
    }

    #[test]
    fn what_is_asked_for_bounds_the_choice() {
        use Strategy::{Autoregressive, Overlapped as O, Sequential as S};
        let ways = [
            way(0, Autoregressive, 10.0),
            way(1, S, 12.0),
            way(1, O, 13.0),
            way(2, S, 14.0),
            way(2, O, 9.0),
        ];
        let of = |length, schedule| {
            let found = pick(&ways, length, schedule).unwrap();
            (found.draft_length, found.schedule)
        };
        assert_eq!(of(AskedLength::Plan, Schedule::Plan), (2, S));
        assert_eq!(of(AskedLength::Plan, Schedule::Overlapped), (1, O));
        assert_eq!(of(AskedLength::Fixed(1), Schedule::Plan), (1, O));
        assert_eq!(of(AskedLength::Fixed(1), Schedule::Sequential), (1, S));
        assert_eq!(of(AskedLength::Fixed(2), Schedule::Overlapped), (2, O));
        assert_eq!(
            of(AskedLength::Fixed(0), Schedule::Overlapped),
            (0, Autoregressive)
        );
        assert_eq!(of(AskedLength::Adaptive, Schedule::Plan), (2, S));
        assert_eq!(pick(&ways, AskedLength::Fixed(7), Schedule::Plan), None);
    }

    #[test]
    fn lengths_are_those_of_one_call() {
        assert_eq!(lengths(5, AskedLength::Plan), [0, 1, 2, 3, 4]);
        assert_eq!(lengths(1, AskedLength::Adaptive), [0]);
        assert_eq!(lengths(3, AskedLength::Fixed(2)), [0, 1, 2]);
        assert_eq!(lengths(3, AskedLength::Fixed(9)), [0, 1, 2, 9]);
        assert_eq!(lengths(1000, AskedLength::Plan).last(), Some(&64));
    }

    #[test]
    fn shares_follow_from_positions() {
        let position = |reached, accepted| Position { reached, accepted };
        let run = [position(10, 8), position(8, 4), position(0, 0)];
        assert_eq!(survival(&run, 4), Some(vec![0.8, 0.4, 0.0, 0.0]));
        assert_eq!(survival(&run, 1), Some(vec![0.8]));
        assert_eq!(survival(&run, 0), None);
        assert_eq!(survival(&[], 3), None);
    }
}
