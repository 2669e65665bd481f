//! The report of a search, and the caveats that stand beside its figures.

use crate::DType;
use crate::latency::{Basis, basis_of};
use crate::placement::context_range;
use crate::plan::{Candidate, Objective, Outcome, Sampling, Strategy};
use crate::profile::Profile;
use crate::quantity::Guess;
use crate::round::handoff_bytes;
use crate::search::Problem;
use std::fmt::Write as _;

/// One line of the report. Writing to a String cannot fail.
macro_rules! say {
    ($out:expr) => { $out.push('\n') };
    ($out:expr, $($text:tt)*) => {{ let _ = writeln!($out, $($text)*); }};
}

impl Outcome {
    /// A readable report: the decision, where its seconds go (they add up), how sure the figures are.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut out = String::new();
        self.decision(&mut out);
        self.round(&mut out);
        self.alternatives(&mut out);
        self.trust(&mut out);
        out
    }

    fn decision(&self, out: &mut String) {
        let drafter = self.drafter.as_deref().unwrap_or("none");
        say!(
            out,
            "soc {}, target {}, drafter {drafter}",
            self.soc,
            self.target
        );
        say!(
            out,
            "alpha {:.3} ({}), context {}..{}, {} sampling, objective {}",
            self.alpha,
            self.alpha_source,
            self.context.0,
            self.context.1,
            self.sampling,
            self.objective
        );
        say!(out);
        out.push_str(&self.summary());
    }

    /// The decision in a few lines: the plan, the baseline, the acceptance from which on drafting pays and, where the acceptance is not
    /// measured, what hangs on it.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = String::new();
        self.summarise(&mut text);
        text
    }

    fn summarise(&self, out: &mut String) {
        let b = &self.best;
        match &b.drafter {
            None => say!(out, "plan: no speculation; target on {}", b.target),
            Some(d) => say!(
                out,
                "plan: draft {} tokens on {d}, verify on {}, {}",
                b.draft_length,
                b.target,
                b.strategy
            ),
        }
        say!(
            out,
            "      {:.3} tokens/s, {:.3}x the baseline ({})",
            b.tokens_per_second,
            b.speedup,
            basis_of(b)
        );
        say!(
            out,
            "baseline: {} on {} alone, {:.3} tokens/s ({})",
            self.target,
            self.baseline.target,
            self.baseline.tokens_per_second,
            basis_of(&self.baseline)
        );
        if let Some(free) = self
            .unrestricted
            .as_ref()
            .filter(|f| f.target != self.baseline.target)
        {
            let ratio = b.tokens_per_second / free.tokens_per_second;
            say!(
                out,
                "  without the forced placement and limits: {} alone, {:.3} tokens/s; the plan is {ratio:.3}x that",
                free.target,
                free.tokens_per_second
            );
        }
        match self.break_even_alpha {
            _ if self.drafter.is_none() => {}
            Some(alpha) => say!(
                out,
                "break-even: speculation pays above a constant alpha of {alpha:.3}"
            ),
            None => say!(out, "break-even: speculation pays at no alpha here"),
        }
        if let Some(text) = self.reliance() {
            say!(out, "{text}");
        }
        if let Some(w) = &self.what_if {
            say!(
                out,
                "what if: export a verify entry point with M = {} tokens a call: draft length {}, {:.3}x",
                w.entry_tokens,
                w.draft_length,
                w.speedup
            );
        }
    }

    /// How far the plan depends on an acceptance that nobody measured: what would be best with a little less of it and a little more. `None`
    /// without a drafter, and where a file says what was accepted.
    #[must_use]
    pub fn reliance(&self) -> Option<String> {
        if self.drafter.is_none() || self.alpha_measured {
            return None;
        }
        let others = self.sensitivity.iter().filter(|s| s.delta != 0.0);
        let others: Vec<String> = others
            .map(|s| match s.best_draft_length {
                0 => format!("at {:.3} not to draft", s.alpha),
                n => format!("at {:.3} gamma {n} ({:.3}x)", s.alpha, s.best_speedup),
            })
            .collect();
        Some(format!(
            "  alpha {:.3} is not measured; best would be {}",
            self.alpha,
            others.join(", ")
        ))
    }

    fn round(&self, out: &mut String) {
        let b = &self.best;
        say!(out);
        say!(
            out,
            "one round: E = {:.3} tokens, c = {:.3}, v = {:.3}, sigma = {:.4}",
            b.tokens_per_round,
            b.c,
            b.v,
            b.sigma
        );
        let mut part = "";
        for (name, label, seconds) in &self.contributions {
            let shown = if name == part { "" } else { name };
            part = name;
            say!(
                out,
                "  {shown:<9} {label:<14} {:>12.3} ms {:>6.1} %",
                seconds * 1e3,
                100.0 * seconds / b.round_seconds
            );
        }
        say!(
            out,
            "  {:<9} {:<14} {:>12.3} ms {:>6.1} %",
            "total",
            "",
            b.round_seconds * 1e3,
            100.0
        );
    }

    fn alternatives(&self, out: &mut String) {
        say!(out);
        say!(
            out,
            "the best of each combination of units, types and strategy:"
        );
        for c in &self.frontier {
            say!(out, "  {}", candidate(c));
        }
        if self.best.draft_length > 0 {
            say!(out, "the plan's placement by draft length:");
            for c in &self.by_draft_length {
                say!(
                    out,
                    "  gamma {:>2}  {:>8.3} tokens/s  {:.3}x",
                    c.draft_length,
                    c.tokens_per_second,
                    c.speedup
                );
            }
        }
        if self.drafter.is_some() {
            say!(out, "if acceptance differs:");
            for s in &self.sensitivity {
                say!(
                    out,
                    "  alpha {:.3} ({:+.2}): this plan {:.3}x, best plan {:.3}x at gamma {}",
                    s.alpha,
                    s.delta,
                    s.speedup,
                    s.best_speedup,
                    s.best_draft_length
                );
            }
        }
        if !self.refused.is_empty() {
            say!(out, "refused:");
            for r in &self.refused {
                say!(out, "  {}: {}", r.what, r.why);
            }
        }
    }

    fn trust(&self, out: &mut String) {
        say!(out);
        say!(out, "caveats:");
        for c in &self.caveats {
            say!(out, "  - {c}");
        }
        let bearing: Vec<&Guess> = self.guesses.iter().filter(|g| self.bears(&g.key)).collect();
        say!(
            out,
            "guesses that bear on the plan or the baseline ({} of {} in the device file):",
            bearing.len(),
            self.guesses.len()
        );
        for g in bearing {
            say!(out, "  {} = {} {}: {}", g.key, g.value, g.unit, g.why);
        }
    }

    /// Whether a number of the device file enters the plan's or the baseline's figures.
    fn bears(&self, key: &str) -> bool {
        let parts: Vec<&str> = key.split('.').collect();
        let places = [
            self.best.drafter.as_ref(),
            Some(&self.best.target),
            Some(&self.baseline.target),
        ];
        match parts[..] {
            ["unit", unit, "rate" | "matvec" | "matmul", dtype] => {
                places.into_iter().flatten().any(|p| {
                    let used =
                        [p.dtype.rate_keys(), p.dtype.kv().rate_keys(), &[DType::F32]].concat();
                    p.unit == unit && used.iter().any(|d| d.name() == dtype)
                })
            }
            ["unit", unit, "power"] | ["unit", unit, "workgroup", _] => {
                self.objective == Objective::EnergyProxy
                    && places.into_iter().flatten().any(|p| p.unit == unit)
            }
            ["unit", _, "machine", _] => false, // for compilers
            ["unit", unit, ..] => places.into_iter().flatten().any(|p| p.unit == unit),
            ["memory", "energy"] => self.objective == Objective::EnergyProxy,
            _ => true,
        }
    }
}

fn candidate(c: &Candidate) -> String {
    let drafter = c
        .drafter
        .as_ref()
        .map_or("-".to_string(), ToString::to_string);
    format!(
        "drafter {drafter:<14} target {:<14} gamma {:>2} {:<14} {:>8.3} tokens/s {:.3}x  energy {:.2}",
        c.target.to_string(),
        c.draft_length,
        c.strategy,
        c.tokens_per_second,
        c.speedup,
        c.energy_proxy
    )
}

/// What the figures of this outcome leave out. Directions: "optimistic" = the real speed-up is likely lower.
pub(crate) fn add_caveats(p: &Problem<'_>, outcome: &mut Outcome) {
    let mut caveats = Vec::new();
    plan_caveats(p, outcome, &mut caveats);
    input_caveats(p, outcome, &mut caveats);
    caveats
        .push("no thermal throttling: optimistic in tokens/s, either way in speed-up".to_string());
    caveats.push("sum over op classes of max(compute, memory): optimistic where a class mixes both kinds, pessimistic where kernels overlap".to_string());
    outcome.caveats.extend(caveats);
}

fn plan_caveats(p: &Problem<'_>, outcome: &Outcome, caveats: &mut Vec<String>) {
    let b = &outcome.best;
    let Some(drafter) = &b.drafter else { return };
    caveats.push(
        "one alpha for all text: acceptance varies by prompt and task; see the sensitivity"
            .to_string(),
    );
    if !p.acceptance.is_measured() {
        caveats.push("a constant alpha overestimates tokens a round (4 % at gamma 4, 9 % at 8 on a measured pair): optimistic; give acceptance=FILE.csv".to_string());
    }
    let own = p.acceptance.for_pair(drafter.dtype, b.target.dtype).1;
    let given =
        p.drafter.is_some_and(|d| d.dtype == drafter.dtype) && p.target.dtype == b.target.dtype;
    if !own && !given {
        caveats.push(format!(
            "no acceptance was given for a {} drafter and a {} target; the base alpha is used: optimistic (the paper saw about 0 with full int8)",
            drafter.dtype, b.target.dtype
        ));
    }
    let hides = p.soc.unit(&b.target.unit).is_some_and(|u| u.overlap >= 1.0);
    if b.target_basis == Basis::Analytic && hides {
        caveats.push(
            "v takes arithmetic to hide behind memory traffic; llama.cpp on x86-64 had v(4) of 1.4 (f32) and 2.7 (q8_0) where this says \
             1.0 and 1.3: optimistic; give a profile"
                .to_string(),
        );
    }
    if p.target.entry_tokens.is_empty() {
        caveats.push("v grows smoothly with M here; kernels that pad M to 1/2/4/8 make steps: optimistic between them".to_string());
    }
    match b.strategy {
        Strategy::Overlapped => caveats.push("overlapped: the drafter is taken to finish its draft even after a miss: pessimistic when drafting is longer than verifying".to_string()),
        Strategy::Pipelined => caveats.push("pipelined: tokens/s of all sequences together; one sequence alone is slower than the baseline suggests".to_string()),
        _ => {}
    }
    let (out, back) = handoff_bytes(p.target, b.draft_length, p.options);
    if drafter.unit != b.target.unit {
        let what = if p.options.sampling == Sampling::Rejection {
            "ids and distributions"
        } else {
            "ids"
        };
        caveats.push(format!(
            "crossing a round: {out:.0} B of {what} from the drafter, {back:.0} B of ids back"
        ));
    }
    for unit in p.soc.units().iter().filter(|u| u.name == drafter.unit) {
        let weights = p
            .drafter
            .map_or(0.0, |d| d.with_dtype(drafter.dtype).weight_bytes as f64);
        if unit.last_level_cache.is_some_and(|c| weights < c) {
            caveats.push("the drafter's weights fit the last-level cache; its steps may be faster than DRAM allows: pessimistic".to_string());
        }
    }
}

/// The models of the plan that a profile has no rows of, where the plan has them.
fn unmeasured(p: &Problem<'_>, outcome: &Outcome, profile: &Profile) -> Vec<String> {
    let best = &outcome.best;
    let drafter = p.drafter.zip(best.drafter.as_ref());
    let drafter = drafter.map(|(shape, place)| ("drafter", shape, place, best.drafter_basis));
    let target = ("target", p.target, &best.target, Some(best.target_basis));
    let models = drafter.into_iter().chain([target]);
    let analytic = models.filter(|(.., basis)| *basis == Some(Basis::Analytic));
    analytic
        .map(|(role, shape, place, _)| {
            format!(
                "{} has no rows of the {role} '{}' ({} parameters) on {place}: its latency is analytic, the others' measured; \
                 profile this pair",
                profile.source(),
                shape.name,
                shape.parameters
            )
        })
        .collect()
}

fn input_caveats(p: &Problem<'_>, outcome: &Outcome, caveats: &mut Vec<String>) {
    if outcome.drafter.is_some() {
        caveats.extend(p.acceptance.notes().iter().cloned());
    }
    if context_range(p) != p.options.context {
        let (low, high) = context_range(p);
        caveats.push(format!(
            "context {}..{} was cut to the models' limit: {low}..{high}",
            p.options.context.0, p.options.context.1
        ));
    }
    let places = [outcome.best.drafter.as_ref(), Some(&outcome.best.target)];
    for place in places.into_iter().flatten() {
        let rate = p
            .soc
            .unit(&place.unit)
            .and_then(|u| u.rate(place.dtype, place.cores, 1));
        if let Some((_, used)) =
            rate.filter(|(_, used)| !place.dtype.rate_keys().starts_with(&[*used]))
        {
            caveats.push(format!(
                "{} has no {} rate; {used}'s is used (values are widened)",
                place.unit, place.dtype
            ));
        }
    }
    match p.profile {
        None => caveats.push(format!(
            "no profile: all latencies are analytic, and {} numbers of the device file are guesses",
            outcome.guesses.len()
        )),
        Some(profile) => {
            let names: Vec<&str> = p.soc.units().iter().map(|u| u.name.as_str()).collect();
            let foreign = profile.foreign_units(&names);
            if !foreign.is_empty() {
                caveats.push(format!(
                    "{}: rows of units that '{}' does not have are ignored: {}",
                    profile.source(),
                    p.soc.name(),
                    foreign.join(", ")
                ));
            }
            caveats.extend(unmeasured(p, outcome, profile));
            caveats.push(format!(
                "latencies from {}; worst spread {:.0} %",
                profile.source(),
                100.0 * profile.worst_spread()
            ));
        }
    }
    if outcome.unrestricted.is_some() {
        caveats.push("the baseline obeys the forced target placement and the core limits; the target alone may be faster without them".to_string());
    }
    if p.options.objective == Objective::EnergyProxy {
        caveats.push(
            "the energy proxy weighs busy time by guessed relative powers; only its order is meant"
                .to_string(),
        );
    }
}
