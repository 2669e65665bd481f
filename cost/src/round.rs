//! One round of speculation on given placements, before anything is known about acceptance.

use crate::formulas;
use crate::latency::{Basis, Seat};
use crate::profile::Profile;
use crate::soc::{Soc, UnitKind};
use crate::{Acceptance, Candidate, DType, ModelShape, OpClass, Sampling, SearchOptions, Strategy};

/// What a round costs; acceptance turns it into a [`Candidate`].
pub(crate) struct Round<'a> {
    pub(crate) drafter: Option<&'a Seat<'a>>,
    pub(crate) target: &'a Seat<'a>,
    pub(crate) strategy: Strategy,
    pub(crate) gamma: u32,
    /// One drafter step, alone.
    step: f64,
    /// One drafter step while the target runs too.
    step_shared: f64,
    /// What catching up with a fully accepted round costs, as it runs in this strategy, and its bytes.
    catch_up: (f64, f64),
    /// The target's pass, as it runs in this strategy.
    verify: f64,
    /// One target step over one token, alone.
    single: f64,
    pub(crate) verify_calls: Vec<u64>,
    pub(crate) handoff: f64,
    pub(crate) sampling: f64,
    /// Share of its bandwidth that each gets while both run.
    pub(crate) share: f64,
    draft_bytes: f64,
    verify_bytes: f64,
    energy_per_byte: f64,
    basis: (Option<Basis>, Basis),
}

/// What all rounds of a search have in common.
pub(crate) struct Setting<'a> {
    pub(crate) soc: &'a Soc,
    pub(crate) profile: Option<&'a Profile>,
    pub(crate) options: &'a SearchOptions,
}

/// Seconds to choose a token from one row of logits: argmax reads it once; a softmax reads it three times.
fn choose(seat: &Seat<'_>, sampling: Sampling) -> f64 {
    let shape = seat.shape;
    if shape
        .classes
        .iter()
        .any(|c| c.class == OpClass::Sampling && c.ops > 0)
    {
        return 0.0; // already part of the model's graph
    }
    let (passes, flops) = match sampling {
        Sampling::Greedy => (1.0, 1.0),
        Sampling::Rejection => (3.0, 5.0),
    };
    let v = shape.vocabulary as f64;
    let rate = seat
        .unit
        .rate(DType::F32, seat.cores, 1)
        .map_or(f64::INFINITY, |r| r.0);
    (passes * 4.0 * v / seat.unit.bandwidth(seat.cores)).max(flops * v / rate) + seat.unit.launch
}

/// Seconds to move `bytes` from one unit's memory to another's. Nothing within a unit; between CPU clusters the memory is
/// shared and coherent, so a wake-up and a read.
fn transfer(setting: &Setting<'_>, from: &Seat<'_>, to: &Seat<'_>, bytes: f64) -> f64 {
    if from.unit.name == to.unit.name {
        return 0.0;
    }
    if let Some(seconds) = setting
        .profile
        .and_then(|p| p.handoff(&from.unit.name, &to.unit.name, bytes))
    {
        return seconds;
    }
    let out = from.unit.device_to_host.map_or(0.0, |b| bytes / b);
    let into = to.unit.host_to_device.map_or(0.0, |b| bytes / b);
    let host_only = from.unit.kind == UnitKind::Cpu && to.unit.kind == UnitKind::Cpu;
    let wake = if host_only {
        to.unit.sync + bytes / to.unit.bandwidth(to.cores)
    } else {
        0.0
    };
    out + into + wake
}

/// Bytes from the drafter: gamma token ids, and gamma distributions when sampling. Bytes back: the committed ids, gamma + 1 at most.
pub(crate) fn handoff_bytes(shape: &ModelShape, gamma: u32, options: &SearchOptions) -> (f64, f64) {
    let gamma = f64::from(gamma);
    let id = f64::from(options.token_id_bytes);
    let distributions = match options.sampling {
        Sampling::Greedy => 0.0,
        Sampling::Rejection => gamma * shape.vocabulary as f64 * 4.0,
    };
    (gamma * id + distributions, (gamma + 1.0) * id)
}

/// The share of its bandwidth that each of two seats gets when both run: all units together sustain no more than the DRAM does,
/// two halves of one CPU no more than that CPU.
pub(crate) fn bandwidth_share(soc: &Soc, a: &Seat<'_>, b: &Seat<'_>) -> f64 {
    let wanted = a.unit.bandwidth(a.cores) + b.unit.bandwidth(b.cores);
    let mut limit = soc.memory().sustained_bandwidth;
    if a.unit.name == b.unit.name {
        limit = limit.min(a.unit.bandwidth_all);
    }
    (limit / wanted).min(1.0)
}

/// Seconds and bytes that a drafter needs to take in the last draft of a fully accepted round: it goes with the next round's first
/// step into one call of 2 tokens where there is that entry point beside one of 1 token, else into a call of its own.
fn catch_up(drafter: &Seat<'_>, share: f64) -> (f64, f64, Basis) {
    let (calls, step, basis) = drafter.cover(1, share);
    let bytes = drafter.bytes(&calls);
    let entry = |m: u64| drafter.shape.entry_tokens.contains(&m);
    if !(entry(1) && entry(2)) {
        return (step, bytes, basis);
    }
    let (seconds, other) = drafter.call(2, share);
    (
        (seconds - step).max(0.0), // measured, a call of 2 may come out faster than one of 1
        (drafter.bytes(&[2]) - bytes).max(0.0),
        basis.max(other),
    )
}

impl<'a> Round<'a> {
    /// Seconds of one drafter step alone; 0 without a drafter.
    pub(crate) fn step(&self) -> f64 {
        self.step
    }

    /// Seconds of one target call of one token, alone.
    pub(crate) fn single(&self) -> f64 {
        self.single
    }

    /// The target alone, one token a round.
    pub(crate) fn autoregressive(setting: &Setting<'_>, target: &'a Seat<'a>) -> Round<'a> {
        let (verify_calls, verify, basis) = target.cover(1, 1.0);
        Round {
            drafter: None,
            target,
            strategy: Strategy::Autoregressive,
            gamma: 0,
            step: 0.0,
            step_shared: 0.0,
            catch_up: (0.0, 0.0),
            verify,
            single: verify,
            verify_bytes: target.bytes(&verify_calls),
            verify_calls,
            handoff: 0.0,
            sampling: choose(target, setting.options.sampling),
            share: 1.0,
            draft_bytes: 0.0,
            energy_per_byte: setting.soc.memory().energy_per_byte,
            basis: (None, basis),
        }
    }

    /// Draft and verify. Overlapped rounds verify gamma tokens (no bonus token), the others gamma + 1.
    pub(crate) fn speculative(
        setting: &Setting<'_>,
        drafter: &'a Seat<'a>,
        target: &'a Seat<'a>,
        strategy: Strategy,
        gamma: u32,
    ) -> Round<'a> {
        let both = strategy != Strategy::Sequential;
        let share = if both {
            bandwidth_share(setting.soc, drafter, target)
        } else {
            1.0
        };
        let (step_calls, step, step_basis) = drafter.cover(1, 1.0);
        let step_shared = if share < 1.0 {
            drafter.cover(1, share).1
        } else {
            step
        };
        let (seconds, bytes, catch_up_basis) = catch_up(drafter, share);
        let draft_basis = match strategy {
            Strategy::Overlapped => step_basis, // has no catch-up
            _ => step_basis.max(catch_up_basis),
        };
        let m = u64::from(gamma) + u64::from(strategy != Strategy::Overlapped);
        let (verify_calls, verify, verify_basis) = target.cover(m, share);
        let (out, back) = handoff_bytes(drafter.shape, gamma, setting.options);
        let handoff =
            transfer(setting, drafter, target, out) + transfer(setting, target, drafter, back);
        let sampling = f64::from(gamma) * choose(drafter, setting.options.sampling)
            + m as f64 * choose(target, setting.options.sampling);
        Round {
            drafter: Some(drafter),
            target,
            strategy,
            gamma,
            step,
            step_shared,
            catch_up: (seconds, bytes),
            verify,
            single: target.cover(1, 1.0).1,
            verify_bytes: target.bytes(&verify_calls),
            verify_calls,
            handoff,
            sampling,
            share,
            draft_bytes: drafter.bytes(&step_calls),
            energy_per_byte: setting.soc.memory().energy_per_byte,
            basis: (Some(draft_basis), verify_basis),
        }
    }

    /// E\[tokens a round\], the expected drafter steps (alone, while the target runs), and the probability of a catch-up.
    fn expected(&self, acceptance: &Acceptance) -> (f64, f64, f64, f64) {
        let g = f64::from(self.gamma);
        match self.strategy {
            Strategy::Autoregressive => (1.0, 0.0, 0.0, 0.0),
            Strategy::Overlapped => {
                let survival = acceptance.survival(self.gamma);
                let all = survival.last().copied().unwrap_or(1.0);
                let tokens = formulas::expected_tokens_from_survival(
                    &survival[..survival.len().saturating_sub(1)],
                );
                (tokens, (1.0 - all) * g, g, 0.0)
            }
            Strategy::Sequential | Strategy::Pipelined => {
                let survival = acceptance.survival(self.gamma);
                let all = survival.last().copied().unwrap_or(1.0);
                let catch_up = if self.gamma > 0 { all } else { 0.0 };
                let tokens = formulas::expected_tokens_from_survival(&survival);
                if self.strategy == Strategy::Sequential {
                    (tokens, g, 0.0, catch_up)
                } else {
                    (tokens, 0.0, g, catch_up)
                }
            }
        }
    }

    /// Tokens a second only: what the search compares.
    pub(crate) fn tokens_per_second(&self, acceptance: &Acceptance) -> f64 {
        let (tokens, alone, shared, catch_up) = self.expected(acceptance);
        let (seconds, _) = self.seconds(alone, shared, catch_up);
        tokens / seconds
    }

    /// (length of a round, work hidden behind other work).
    fn seconds(&self, alone: f64, shared: f64, catch_up: f64) -> (f64, f64) {
        let fixed = self.handoff + self.sampling;
        match self.strategy {
            Strategy::Autoregressive | Strategy::Sequential => {
                let draft = alone * self.step + catch_up * self.catch_up.0;
                (draft + self.verify + fixed, 0.0)
            }
            Strategy::Overlapped => {
                let draft = shared * self.step_shared;
                (
                    draft.max(self.verify) + alone * self.step + fixed,
                    draft.min(self.verify),
                )
            }
            Strategy::Pipelined => {
                let draft = shared * self.step_shared + catch_up * self.catch_up.0;
                (draft.max(self.verify) + fixed, draft.min(self.verify))
            }
        }
    }

    /// The candidate at an acceptance; `baseline` is its tokens a second.
    pub(crate) fn candidate(&self, acceptance: &Acceptance, baseline: f64) -> Candidate {
        let (tokens, alone, shared, catch_up) = self.expected(acceptance);
        let (seconds, hidden) = self.seconds(alone, shared, catch_up);
        let draft = alone * self.step + shared * self.step_shared;
        let catch_up_seconds = catch_up * self.catch_up.0;
        let draft_power = self.drafter.map_or(0.0, |d| d.unit.power(d.cores));
        let busy = (draft + catch_up_seconds) * draft_power
            + (self.verify + self.sampling) * self.target.unit.power(self.target.cores);
        let bytes =
            (alone + shared) * self.draft_bytes + catch_up * self.catch_up.1 + self.verify_bytes;
        let rate = tokens / seconds;
        let measured = |b: Basis| b <= Basis::Interpolated;
        Candidate {
            drafter: self.drafter.map(Seat::place),
            target: self.target.place(),
            draft_length: self.gamma,
            strategy: self.strategy,
            tokens_per_round: tokens,
            round_seconds: seconds,
            draft_seconds: draft,
            verify_seconds: self.verify,
            catch_up_seconds,
            handoff_seconds: self.handoff,
            sampling_seconds: self.sampling,
            hidden_seconds: hidden,
            tokens_per_second: rate,
            speedup: rate / baseline,
            energy_proxy: (busy + bytes * self.energy_per_byte) / tokens,
            c: self.step / self.single,
            v: self.verify / self.single,
            sigma: (self.handoff + self.sampling) / self.single,
            measured: measured(self.basis.1) && self.basis.0.is_none_or(measured),
            drafter_basis: self.basis.0,
            target_basis: self.basis.1,
        }
    }

    /// Where the seconds go: (part, op class or cost, seconds a round). Adds up to `round_seconds` with the hidden part subtracted.
    pub(crate) fn contributions(&self, candidate: &Candidate) -> Vec<(String, String, f64)> {
        let mut parts = Vec::new();
        let mut add = |part: &str, split: Vec<(String, f64)>| {
            parts.extend(
                split
                    .into_iter()
                    .map(|(label, t)| (part.to_string(), label, t)),
            );
        };
        if let Some(drafter) = self.drafter {
            let (calls, _, _) = drafter.cover(1, self.share);
            add(
                "draft",
                drafter.split(&calls, self.share, candidate.draft_seconds),
            );
            add(
                "catch-up",
                vec![("drafter step".to_string(), candidate.catch_up_seconds)],
            );
        }
        add(
            "verify",
            self.target
                .split(&self.verify_calls, self.share, self.verify),
        );
        add("hand-off", vec![("transfers".to_string(), self.handoff)]);
        add(
            "sampling",
            vec![("choose tokens".to_string(), self.sampling)],
        );
        if candidate.hidden_seconds > 0.0 {
            add(
                "overlap",
                vec![("hidden".to_string(), -candidate.hidden_seconds)],
            );
        }
        parts
    }
}
