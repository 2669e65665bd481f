//! Measures the calls of models: every width, context and number of cores, in turns.

use crate::profile::{Handoff, Key, Latency, ProfileFile, Role};
use crate::statistics::{Budget, Summary, interleave};
use serde::Serialize;
use spec_runtime::forward::{CallTime, Forward, ForwardError};
use std::time::Instant;

/// A model on a place, ready to be called.
pub struct Subject {
    /// The bundle that it is of: a drafter and a target of one bundle decode together.
    pub bundle: String,
    /// Which model of its pair.
    pub role: Role,
    /// Its name.
    pub model: String,
    /// Its number of parameters, if the bundle says it.
    pub parameters: Option<u64>,
    /// Unit of the device file.
    pub unit: String,
    /// Whether that is a GPU.
    pub gpu: bool,
    /// Cores, of a CPU.
    pub cores: u32,
    /// Data type, as the cost model names it.
    pub dtype: String,
    /// The model, with caches of its own.
    pub forward: Box<dyn Forward>,
}

/// A call to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Index of the subject.
    pub subject: usize,
    /// Tokens of the call.
    pub m: usize,
    /// Rows of the cache that are filled before it.
    pub s: usize,
    /// Rows of logits that are wanted.
    pub rows: usize,
}

/// What one call took, seconds.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// From the call to its return.
    whole: f64,
    /// Compiled code.
    run: f64,
    /// Writing inputs, copying logits.
    handoff: f64,
}

/// A cell and what its calls took, seconds.
#[derive(Serialize, Clone, Debug)]
pub struct Measured {
    /// Index of the subject.
    pub subject: usize,
    /// Tokens of the call.
    pub m: usize,
    /// Rows of the cache that were filled before it.
    pub s: usize,
    /// From the call to its return: what the generator waits for.
    pub whole: Summary,
    /// Compiled code, or submit to done.
    pub run: Summary,
    /// Writing inputs, copying logits.
    pub handoff: Summary,
}

/// What goes wrong while measuring.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// A call fails.
    #[error("{model} ({role}): a call of {m} tokens at position {s} fails: {source}", role = role.name())]
    Call {
        /// The model.
        model: String,
        /// Its role.
        role: Role,
        /// Tokens.
        m: usize,
        /// Position.
        s: usize,
        /// Why.
        source: ForwardError,
    },
    /// No context fits.
    #[error(
        "{model} ({role}): none of the contexts {asked:?} leaves room for {m} tokens in a cache of {context}; give smaller ones with --contexts",
        role = role.name()
    )]
    Contexts {
        /// The model.
        model: String,
        /// Its role.
        role: Role,
        /// What was asked for.
        asked: Vec<usize>,
        /// Widest call.
        m: usize,
        /// Rows of the cache.
        context: usize,
    },
    /// A clock that stands still, or numbers that are none.
    #[error(
        "{model}: {m} tokens at position {s} were measured as zero seconds; the system's clock is too coarse"
    )]
    Clock {
        /// The model.
        model: String,
        /// Tokens.
        m: usize,
        /// Position.
        s: usize,
    },
}

/// A token that every vocabulary has.
const TOKEN: u32 = 1;

/// Positions at which to measure: small, middle, near the end. `widest` tokens fit behind each.
pub fn contexts(context: usize, widest: usize) -> Vec<usize> {
    let last = context.saturating_sub(widest);
    let mut all = vec![last.min(16), last / 2, last];
    all.sort_unstable();
    all.dedup();
    all
}

/// The cells of all subjects. `asked`: contexts, empty for [`contexts`]; those that a model has no room for are left out.
///
/// # Errors
/// [`MeasureError::Contexts`].
pub fn cells(subjects: &[Subject], asked: &[usize]) -> Result<Vec<Cell>, MeasureError> {
    let mut all = vec![];
    for (index, subject) in subjects.iter().enumerate() {
        let widths = subject.forward.widths();
        let widest = widths.iter().copied().max().unwrap_or(1);
        let context = subject.forward.context();
        let mut at = if asked.is_empty() {
            contexts(context, widest)
        } else {
            asked.to_vec()
        };
        at.retain(|s| s + widest <= context);
        if at.is_empty() {
            return Err(MeasureError::Contexts {
                model: subject.model.clone(),
                role: subject.role,
                asked: asked.to_vec(),
                m: widest,
                context,
            });
        }
        for m in widths.iter().copied() {
            // the target's logits are all wanted, to verify; of a drafter's, the last
            let rows = match subject.role {
                Role::Target => m,
                Role::Drafter => 1,
            };
            let cell = |s: &usize| Cell {
                subject: index,
                m,
                s: *s,
                rows,
            };
            all.extend(at.iter().map(cell));
        }
    }
    Ok(all)
}

/// Measures `cells`, in turns. `tick` is called after every repetition.
///
/// # Errors
/// [`MeasureError::Call`], [`MeasureError::Clock`].
pub fn measure(
    subjects: &mut [Subject],
    cells: &[Cell],
    budget: &Budget,
    mut tick: impl FnMut(),
) -> Result<Vec<Measured>, MeasureError> {
    let mut logits = vec![];
    fill(subjects, cells, &mut logits)?;
    let partners = partners(subjects);
    let samples = interleave(cells.len(), budget, |i| {
        let sample = sample(subjects, &partners, cells[i], &mut logits);
        tick();
        sample
    })?;
    let mut measured = vec![];
    for (cell, samples) in cells.iter().zip(samples) {
        let summary =
            |of: fn(&Sample) -> f64| Summary::of(&samples.iter().map(of).collect::<Vec<_>>());
        let all = (
            summary(|s| s.whole),
            summary(|s| s.run),
            summary(|s| s.handoff),
        );
        let (Some(whole), Some(run), Some(handoff)) = all else {
            continue; // no repetition
        };
        if whole.median <= 0.0 {
            let model = subjects.get(cell.subject).map(|s| s.model.clone());
            return Err(MeasureError::Clock {
                model: model.unwrap_or_default(),
                m: cell.m,
                s: cell.s,
            });
        }
        measured.push(Measured {
            subject: cell.subject,
            m: cell.m,
            s: cell.s,
            whole,
            run,
            handoff,
        });
    }
    take_drafts_off(&mut measured, &partners);
    Ok(measured)
}

/// Fills each cache as far as its cells look back: a call may read rows that earlier ones have fed, and none else.
fn fill(
    subjects: &mut [Subject],
    cells: &[Cell],
    logits: &mut Vec<f32>,
) -> Result<(), MeasureError> {
    for (index, subject) in subjects.iter_mut().enumerate() {
        let of = cells.iter().filter(|c| c.subject == index).map(|c| c.s);
        let Some(s) = of.max().filter(|s| *s > 0) else {
            continue;
        };
        let some = subject.forward.vocabulary().clamp(1, 97) as u32;
        let tokens: Vec<u32> = (0..s as u32).map(|i| (i * 31 + TOKEN) % some).collect();
        let m = tokens.len().min(subject.forward.context());
        let fed = tokens.get(..m).unwrap_or_default();
        let filled = subject.forward.forward(fed, 0, 0, logits);
        filled.map_err(|source| MeasureError::Call {
            model: subject.model.clone(),
            role: subject.role,
            m,
            s: 0,
            source,
        })?;
    }
    Ok(())
}

/// The drafter that each target decodes with: of its bundle, on as many cores if there are several.
fn partners(subjects: &[Subject]) -> Vec<Option<usize>> {
    let of = |target: &Subject| {
        let fits = |d: &Subject| d.role == Role::Drafter && d.bundle == target.bundle;
        let same = |d: &Subject| fits(d) && !d.gpu && d.cores == target.cores;
        let exact = subjects.iter().position(same);
        exact.or_else(|| subjects.iter().position(fits))
    };
    let targets = subjects
        .iter()
        .map(|s| (s.role == Role::Target).then(|| of(s)));
    targets.map(Option::flatten).collect()
}

/// Calls before one that is measured as the next of many.
const STEADY: usize = 3;

/// One repetition of a cell, with the calls that come before it when tokens are generated. What a call finds in the processor's caches depends
/// on them: up to a tenth of its time.
///
/// * A call of one token is the last of several, as in plain decoding, and in a draft. So is a wider one of the drafter, after drafts.
/// * A verification of `m` tokens is measured with the `m` - 1 drafts before it, a whole round after another verification; [`measure`] takes
///   the drafts off again, so that both rows together give the round.
fn sample(
    subjects: &mut [Subject],
    partners: &[Option<usize>],
    cell: Cell,
    logits: &mut Vec<f32>,
) -> Result<Sample, MeasureError> {
    let draft = |subject| Cell {
        subject,
        m: 1,
        rows: 1,
        ..cell
    };
    match drafter_of(partners, &cell) {
        None => {
            for _ in 0..STEADY {
                call(subjects, draft(cell.subject), logits)?;
            }
            call(subjects, cell, logits)
        }
        Some(drafter) => {
            call(subjects, cell, logits)?;
            let mut round = call(subjects, draft(drafter), logits)?;
            for _ in 2..cell.m {
                let next = call(subjects, draft(drafter), logits)?;
                round.whole += next.whole;
                round.run += next.run;
            }
            let verified = call(subjects, cell, logits)?;
            Ok(Sample {
                whole: round.whole + verified.whole,
                run: round.run + verified.run,
                handoff: verified.handoff,
            })
        }
    }
}

/// The drafter whose drafts are measured with a cell: those before a verification.
fn drafter_of(partners: &[Option<usize>], cell: &Cell) -> Option<usize> {
    let partner = partners.get(cell.subject).copied().flatten();
    partner.filter(|_| cell.m > 1)
}

/// Takes the drafts of a round off: what is left is charged to the verification. Where the drafter's own calls were not measured at this context,
/// or are slower than the round, the round stays.
fn take_drafts_off(measured: &mut [Measured], partners: &[Option<usize>]) {
    let drafts: Vec<(usize, usize, f64, f64)> = (measured.iter().filter(|m| m.m == 1))
        .map(|m| (m.subject, m.s, m.whole.median, m.run.median))
        .collect();
    for m in measured.iter_mut() {
        let cell = Cell {
            subject: m.subject,
            m: m.m,
            s: m.s,
            rows: m.m,
        };
        let Some(drafter) = drafter_of(partners, &cell) else {
            continue;
        };
        let of = drafts.iter().find(|d| (d.0, d.1) == (drafter, m.s));
        let Some((_, _, whole, run)) = of else {
            continue;
        };
        let count = (m.m - 1) as f64;
        if m.whole.median > count * whole && m.run.median > count * run {
            m.whole.median -= count * whole;
            m.run.median -= count * run;
        }
    }
}

fn call(
    subjects: &mut [Subject],
    cell: Cell,
    logits: &mut Vec<f32>,
) -> Result<Sample, MeasureError> {
    let Some(subject) = subjects.get_mut(cell.subject) else {
        return Ok(Sample {
            whole: 0.0,
            run: 0.0,
            handoff: 0.0,
        });
    };
    let tokens = vec![TOKEN; cell.m];
    let start = Instant::now();
    let time = subject.forward.forward(&tokens, cell.s, cell.rows, logits);
    let whole = start.elapsed().as_secs_f64();
    let CallTime { run, handoff } = time.map_err(|source| MeasureError::Call {
        model: subject.model.clone(),
        role: subject.role,
        m: cell.m,
        s: cell.s,
        source,
    })?;
    Ok(Sample {
        whole,
        run: run.as_secs_f64(),
        handoff: handoff.as_secs_f64(),
    })
}

/// How the time of a GPU's hand-offs enters the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum HandoffMode {
    /// In the latency of each call, as the runtime pays it: once a call, whatever the placement of the other model.
    #[default]
    Included,
    /// In rows of their own, by bytes of the logits: for plans whose round lets nothing else cross.
    Rows,
}

/// The profile's rows. `host` is the unit that the loop runs on.
pub fn rows(
    subjects: &[Subject],
    measured: &[Measured],
    host: &str,
    mode: HandoffMode,
) -> ProfileFile {
    let mut file = ProfileFile::default();
    let several = |role: Role| {
        let mut names = subjects.iter().filter(|s| s.role == role).map(|s| &s.model);
        let first = names.next();
        names.any(|n| Some(n) != first)
    };
    let by_name = [Role::Drafter, Role::Target].map(|r| (r, several(r)));
    for m in measured {
        let Some(subject) = subjects.get(m.subject) else {
            continue;
        };
        let apart = subject.gpu && mode == HandoffMode::Rows;
        let latency = if apart { m.run } else { m.whole };
        let named = by_name
            .iter()
            .any(|(r, several)| *r == subject.role && *several);
        file.add(Latency {
            key: Key {
                role: subject.role,
                model: named.then(|| subject.model.clone()),
                parameters: subject.parameters.filter(|_| named),
                unit: subject.unit.clone(),
                cores: (!subject.gpu).then_some(subject.cores),
                dtype: subject.dtype.clone(),
                m: m.m as u64,
                s: m.s as u64,
            },
            seconds: latency.median,
            spread: latency.spread,
            count: latency.count,
        });
        if apart && m.handoff.median > 0.0 {
            let rows = match subject.role {
                Role::Target => m.m,
                Role::Drafter => 1,
            };
            add_handoff(&mut file, subject, host, rows, m.handoff.median);
        }
    }
    file.sort();
    file
}

/// The logits that a call copies to the host. Of several contexts the fastest stays: the copy does not depend on them.
fn add_handoff(file: &mut ProfileFile, subject: &Subject, host: &str, rows: usize, seconds: f64) {
    let bytes = (rows * subject.forward.vocabulary() * size_of::<f32>()) as u64;
    let same = |h: &&mut Handoff| h.from == subject.unit && h.to == host && h.bytes == bytes;
    match file.handoff.iter_mut().find(same) {
        Some(old) => old.seconds = old.seconds.min(seconds),
        None => file.handoff.push(Handoff {
            from: subject.unit.clone(),
            to: host.to_owned(),
            bytes,
            seconds,
        }),
    }
}

#[cfg(test)]
mod tests;
