//! What may run where: placements of each model that fit, and the rounds that can be made of them.

use crate::latency::Seat;
use crate::plan::{Objective, Strategy};
use crate::profile::{Profile, Role};
use crate::round::{Round, Setting};
use crate::search::{Problem, Refusal};
use crate::soc::{Soc, Unit, UnitKind};
use crate::{DType, ModelShape, Pin};
use std::collections::BTreeSet;

/// The context range after clamping to what both models can hold.
pub(crate) fn context_range(p: &Problem<'_>) -> (u64, u64) {
    let models = [Some(p.target), p.drafter].into_iter().flatten();
    let limit = models
        .filter_map(|m| m.context_limit)
        .min()
        .unwrap_or(u64::MAX);
    (
        p.options.context.0.min(limit),
        p.options.context.1.min(limit),
    )
}

/// Five points, at the middles of five equal parts of the range.
pub(crate) fn context_points((low, high): (u64, u64)) -> Vec<u64> {
    if low == high {
        return vec![low];
    }
    let width = (high - low) as f64 / 5.0;
    (0..5)
        .map(|i| low + (width * (f64::from(i) + 0.5)) as u64)
        .collect()
}

/// The model in every data type to try.
pub(crate) fn variants(model: &ModelShape, pin: Option<&Pin>, dtypes: &[DType]) -> Vec<ModelShape> {
    if let Some(dtype) = pin.and_then(|p| p.dtype) {
        return vec![model.with_dtype(dtype)];
    }
    if dtypes.is_empty() {
        return vec![model.clone()];
    }
    let mut seen: Vec<DType> = Vec::new();
    for d in dtypes {
        if !seen.contains(d) {
            seen.push(*d);
        }
    }
    seen.into_iter().map(|d| model.with_dtype(d)).collect()
}

/// Cores of a unit that may be used at once.
fn core_limit(p: &Problem<'_>, unit: &Unit) -> u32 {
    let matches = |name: &str| {
        Pin {
            unit: name.to_string(),
            cores: None,
            dtype: None,
        }
        .allows(p.soc, unit)
    };
    let limits = p
        .options
        .core_limits
        .iter()
        .filter(|(name, _)| matches(name))
        .map(|(_, n)| *n);
    limits.min().unwrap_or(u32::MAX).min(unit.cores)
}

/// Memory that models may use on a unit, bytes.
fn room(soc: &Soc, unit: &Unit) -> f64 {
    let memory = soc.memory();
    unit.memory_limit
        .unwrap_or(f64::INFINITY)
        .min(memory.capacity - memory.reserve)
}

/// Weights and KV cache for the longest context, bytes.
fn footprint(shape: &ModelShape, context: u64, sequences: f64) -> f64 {
    shape.weight_bytes as f64 + sequences * shape.kv_bytes_per_token as f64 * context as f64
}

fn gb(bytes: f64) -> String {
    format!("{:.2} GB", bytes / 1e9)
}

/// Why a model cannot run on a unit, if it cannot.
fn obstacle(p: &Problem<'_>, shape: &ModelShape, unit: &Unit) -> Option<String> {
    let longest = context_range(p).1;
    let (need, have) = (footprint(shape, longest, 1.0), room(p.soc, unit));
    if need > have {
        let (need, have) = (gb(need), gb(have));
        return Some(format!(
            "weights and KV cache for {longest} tokens need {need}, {have} are free"
        ));
    }
    let types = [shape.dtype, shape.kv_dtype];
    let missing = types.iter().find(|d| unit.rate(**d, 1, 1).is_none());
    missing.map(|d| format!("the unit has no rate for {d}"))
}

/// Every placement of a model that can run, and a refusal for each unit and type that cannot.
pub(crate) fn seats<'a>(
    p: &Problem<'a>,
    shapes: &'a [ModelShape],
    role: Role,
    contexts: &'a [u64],
    refused: &mut Vec<Refusal>,
) -> Vec<Seat<'a>> {
    let (pin, name) = match role {
        Role::Drafter => (p.options.force_drafter.as_ref(), "drafter"),
        Role::Target => (p.options.force_target.as_ref(), "target"),
    };
    let units = || {
        p.soc
            .units()
            .iter()
            .filter(|u| pin.is_none_or(|pin| pin.allows(p.soc, u)))
    };
    let mut seats = Vec::new();
    for (shape, unit) in shapes.iter().flat_map(|s| units().map(move |u| (s, u))) {
        if let Some(why) = obstacle(p, shape, unit) {
            let what = format!("{name} on {} in {}", unit.name, shape.dtype);
            refused.push(Refusal { what, why });
            continue;
        }
        let gpu = unit.kind == UnitKind::Gpu;
        let limit = core_limit(p, unit);
        let wanted = |cores: &u32| {
            pin.and_then(|p| p.cores).is_none_or(|c| c == *cores) && (gpu || *cores <= limit)
        };
        for cores in unit.core_choices().into_iter().filter(wanted) {
            let rows = |f: &'a Profile| f.table(shape, role, unit, cores);
            let table = p.profile.and_then(rows);
            seats.push(Seat {
                shape,
                unit,
                cores,
                table,
                contexts,
            });
        }
    }
    seats
}

/// The strategies that two seats allow.
fn strategies(p: &Problem<'_>, d: &Seat<'_>, t: &Seat<'_>) -> Vec<Strategy> {
    let same = d.unit.name == t.unit.name;
    let split = same && t.unit.kind == UnitKind::Cpu && d.cores + t.cores <= core_limit(p, t.unit);
    let software = |s: &Seat<'_>| s.unit.features.iter().any(|f| f == "software");
    let at_once = (!same || split) && !software(d) && !software(t);
    let allowed = |s: &Strategy| match s {
        Strategy::Autoregressive => false,
        Strategy::Sequential => true,
        Strategy::Overlapped => at_once,
        Strategy::Pipelined => at_once && p.options.objective == Objective::Throughput,
    };
    p.options
        .strategies
        .iter()
        .copied()
        .filter(allowed)
        .collect()
}

/// Draft lengths to try, 0 aside.
fn lengths(p: &Problem<'_>) -> Vec<u32> {
    if let Some(fixed) = p.options.fixed_draft_length {
        return Some(fixed).filter(|g| *g > 0).into_iter().collect();
    }
    if p.options.draft_lengths.is_empty() {
        return (1..=p.options.max_draft_length).collect();
    }
    let chosen = p.options.draft_lengths.iter().copied().filter(|g| *g > 0);
    chosen.collect::<BTreeSet<u32>>().into_iter().collect()
}

/// Why two placements cannot run together, if they cannot.
fn conflict(p: &Problem<'_>, d: &Seat<'_>, t: &Seat<'_>, strategy: Strategy) -> Option<Refusal> {
    let longest = context_range(p).1;
    let sequences = if strategy == Strategy::Pipelined {
        2.0
    } else {
        1.0
    };
    let need = footprint(d.shape, longest, sequences) + footprint(t.shape, longest, sequences);
    let memory = p.soc.memory();
    let mut have = memory.capacity - memory.reserve;
    let mut place = "the DRAM";
    if d.unit.name == t.unit.name && room(p.soc, d.unit) < have {
        have = room(p.soc, d.unit);
        place = &d.unit.name;
    }
    let (drafter, target) = (d.shape.dtype, t.shape.dtype);
    (need > have).then(|| Refusal {
        what: format!("drafter in {drafter} with target in {target} in {place}, {strategy}"),
        why: format!(
            "weights and KV caches for {longest} tokens need {}, {} are free",
            gb(need),
            gb(have)
        ),
    })
}

/// Every round worth comparing.
pub(crate) fn rounds<'a>(
    p: &Problem<'a>,
    setting: &Setting<'_>,
    drafters: &'a [Seat<'a>],
    targets: &'a [Seat<'a>],
    refused: &mut Vec<Refusal>,
) -> Vec<Round<'a>> {
    let lengths = lengths(p);
    let mut rounds: Vec<Round<'a>> = targets
        .iter()
        .map(|t| Round::autoregressive(setting, t))
        .collect();
    for (d, t) in drafters
        .iter()
        .flat_map(|d| targets.iter().map(move |t| (d, t)))
    {
        for strategy in strategies(p, d, t) {
            match conflict(p, d, t, strategy) {
                None => rounds.extend(
                    lengths
                        .iter()
                        .map(|g| Round::speculative(setting, d, t, strategy, *g)),
                ),
                Some(refusal) if refused.contains(&refusal) => {}
                Some(refusal) => refused.push(refusal),
            }
        }
    }
    rounds
}
