//! Sessions: one sequence at a time.

mod ffi;

use crate::error::{BUSY, Failure};
use crate::handles::Handles;
use crate::model::Model;
use spec_runtime::draft_length::MAX;
use spec_runtime::generate::{
    self, AskedLength, AskedSchedule, Drafting, Finish, Generator, Offer, Schedule, Settings,
    decide,
};
use spec_runtime::manifest::Role;
use spec_runtime::model::InstanceOptions;
use spec_runtime::stats::Stats;
use std::sync::{Mutex, MutexGuard, TryLockError};

/// Handles of sessions.
pub static SESSIONS: Handles<Mutex<Session>> = Handles::new("session");

/// A session. It keeps what it needs of its model.
pub struct Session {
    generator: Generator,
    settings: Settings,
    /// Tokens of a round that the caller had no room for, the next one last.
    waiting: Vec<u32>,
    finished: Option<Finish>,
}

/// Draft length and schedule as C says them.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// A number of drafts, or `SPEC_DRAFT_*`.
    pub draft_length: i32,
    /// `SPEC_SCHEDULE_*`.
    pub schedule: i32,
    /// For `SPEC_DRAFT_ENTROPY`.
    pub kappa: f64,
    /// For `SPEC_DRAFT_ENTROPY`.
    pub lambda: f64,
}

impl Asked {
    /// What it means for a model.
    ///
    /// # Errors
    /// A value that means nothing, or drafts without a drafter.
    pub fn resolve(&self, offer: &Offer) -> Result<(Drafting, Schedule), Failure> {
        let length = match self.draft_length {
            -1 => AskedLength::Plan,
            -2 => AskedLength::Adaptive,
            -3 => AskedLength::Entropy {
                kappa: self.kappa,
                lambda: self.lambda,
            },
            -4 => AskedLength::Auto { measure: true },
            -5 => AskedLength::Auto { measure: false },
            n => match usize::try_from(n) {
                Ok(n) if n <= MAX => AskedLength::Fixed(n),
                _ => {
                    return Err(Failure::argument(format!(
                        "draft_length is {n}: it must be 0 to {MAX}, or one of SPEC_DRAFT_*"
                    )));
                }
            },
        };
        let schedule = match self.schedule {
            0 => AskedSchedule::Plan,
            1 => AskedSchedule::Sequential,
            2 => AskedSchedule::Overlapped,
            n => {
                return Err(Failure::argument(format!(
                    "schedule is {n}: it must be one of SPEC_SCHEDULE_*"
                )));
            }
        };
        let asked = generate::Asked { length, schedule };
        let decided = decide(offer, asked).map_err(|_| {
            Failure::argument(
                "the bundle has no drafter: set draft_length to 0 or SPEC_DRAFT_AUTO, or compile a pair",
            )
        })?;
        Ok((decided.drafting, decided.schedule))
    }
}

impl Session {
    /// A session of a model.
    ///
    /// # Errors
    /// There is no room for its caches, or no cores.
    pub fn new(model: &Model, settings: Settings) -> Result<Self, Failure> {
        let loaded = &model.loaded;
        let target = loaded.instance(Role::Target, None)?;
        let drafter = match settings.drafting.is_plain() {
            true => None,
            false => {
                let apart = settings.schedule == Schedule::Overlapped;
                let options = InstanceOptions {
                    apart,
                    ..InstanceOptions::default()
                };
                Some(loaded.instance_with(Role::Drafter, &options)?)
            }
        };
        Ok(Self::of(Generator::new(target, drafter)?, settings))
    }

    fn of(generator: Generator, settings: Settings) -> Self {
        Self {
            generator,
            settings,
            waiting: vec![],
            finished: None,
        }
    }

    /// Begins a sequence.
    ///
    /// # Errors
    /// The prompt does not fit, the settings are out of range, or a model fails.
    pub fn start(&mut self, prompt: &[u32]) -> Result<(), Failure> {
        self.waiting.clear();
        self.finished = None;
        Ok(self.generator.start(prompt, &self.settings)?)
    }

    /// Tokens of a round, or those left of the last one, as many as `out` takes; why the sequence ended, once all are out.
    ///
    /// # Errors
    /// A model fails, or nothing was started.
    pub fn round(&mut self, out: &mut [u32]) -> Result<(usize, Option<Finish>), Failure> {
        if self.waiting.is_empty() && self.finished.is_none() {
            let step = self.generator.round()?;
            self.waiting.extend(step.tokens.iter().rev());
            self.finished = step.finished;
        }
        let mut count = 0;
        for place in out.iter_mut() {
            let Some(token) = self.waiting.pop() else {
                break;
            };
            *place = token;
            count += 1;
        }
        Ok((count, self.finished.filter(|_| self.waiting.is_empty())))
    }

    /// What the sequence cost.
    pub fn stats(&self) -> &Stats {
        self.generator.stats()
    }
}

/// The session, unless somebody else has it.
///
/// # Errors
/// Somebody has.
pub fn enter(session: &Mutex<Session>) -> Result<MutexGuard<'_, Session>, Failure> {
    match session.try_lock() {
        Ok(session) => Ok(session),
        // after a panic the generator says that nothing is under way
        Err(TryLockError::Poisoned(e)) => Ok(e.into_inner()),
        Err(TryLockError::WouldBlock) => Err(Failure {
            status: BUSY,
            message:
                "another thread is using the session: one call at a time, or a session a thread"
                    .into(),
        }),
    }
}

#[cfg(test)]
#[path = "session/tests.rs"]
mod tests;
