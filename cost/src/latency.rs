//! Seconds of one call of one model on one placement.
//!
//! For each op class: the longer of FLOPs / rate and bytes / bandwidth, and of the shorter what does not hide behind it. Plus one launch a kernel, plus one submit-and-wait a call on a unit
//! that is not the host's. A profile row replaces the sum where there is one.

use crate::model::{ModelShape, OpClass};
use crate::profile::Table;
use crate::soc::{Unit, UnitKind};
use crate::{Candidate, DType, Place};
use serde::Serialize;
use std::fmt;

/// Where a latency comes from, the most trustworthy first.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Rows of the profile.
    Measured,
    /// Between rows of the profile.
    Interpolated,
    /// The analytic figure times measured / analytic at the nearest row.
    Calibrated,
    /// The device file alone.
    Analytic,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Basis::Measured => "measured",
            Basis::Interpolated => "interpolated between measurements",
            Basis::Calibrated => "analytic, scaled to the nearest measurement",
            Basis::Analytic => "analytic",
        })
    }
}

/// One summand of a call's latency.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Contribution {
    /// The op class; `None` for launches and synchronisation.
    pub class: Option<OpClass>,
    /// Name in reports.
    pub label: String,
    /// Seconds; the sum over all contributions is the call.
    pub seconds: f64,
    /// Seconds the arithmetic alone would take.
    pub compute_seconds: f64,
    /// Seconds the bytes alone would take.
    pub memory_seconds: f64,
}

/// The type whose rate a class runs at: products with weights at the model's, the rest at the cache's.
fn rate_dtype(shape: &ModelShape, class: OpClass) -> DType {
    match class {
        OpClass::Projection | OpClass::Head => shape.dtype,
        _ => shape.kv_dtype,
    }
}

/// The summands of a call over `m` tokens at context `s` on `cores` cores of `unit`, which gets the share `share` (0..=1) of its
/// bandwidth. `None` if the unit has no rate for a type that the model needs.
#[must_use]
pub fn contributions(
    shape: &ModelShape,
    unit: &Unit,
    cores: u32,
    share: f64,
    m: u64,
    s: u64,
) -> Option<Vec<Contribution>> {
    let bandwidth = unit.bandwidth(cores) * share;
    let mut parts = Vec::with_capacity(shape.classes.len() + 2);
    let mut dispatches = 0;
    for class in &shape.classes {
        let (rate, _) = unit.rate(rate_dtype(shape, class.class), cores, m)?;
        let compute_seconds = class.flops(m, s) / rate;
        let memory_seconds = class.bytes(m, s) / bandwidth;
        dispatches += class.dispatches;
        parts.push(Contribution {
            class: Some(class.class),
            label: class.class.to_string(),
            seconds: compute_seconds.max(memory_seconds)
                + (1.0 - unit.overlap) * compute_seconds.min(memory_seconds),
            compute_seconds,
            memory_seconds,
        });
    }
    let fixed = |label: &str, seconds: f64| Contribution {
        class: None,
        label: label.to_string(),
        seconds,
        compute_seconds: 0.0,
        memory_seconds: 0.0,
    };
    parts.push(fixed("launch", dispatches as f64 * unit.launch));
    if unit.kind == UnitKind::Gpu {
        parts.push(fixed("sync", unit.sync));
    }
    Some(parts)
}

fn total(shape: &ModelShape, unit: &Unit, cores: u32, share: f64, m: u64, s: u64) -> f64 {
    contributions(shape, unit, cores, share, m, s)
        .map_or(f64::INFINITY, |p| p.iter().map(|c| c.seconds).sum())
}

/// A model on a placement, ready to be asked for its latency.
#[derive(Clone)]
pub(crate) struct Seat<'a> {
    pub(crate) shape: &'a ModelShape,
    pub(crate) unit: &'a Unit,
    pub(crate) cores: u32,
    pub(crate) table: Option<Table<'a>>,
    /// Context lengths that costs are averaged over.
    pub(crate) contexts: &'a [u64],
}

impl Seat<'_> {
    pub(crate) fn place(&self) -> Place {
        Place {
            unit: self.unit.name.clone(),
            kind: self.unit.kind,
            cores: self.cores,
            dtype: self.shape.dtype,
        }
    }

    /// Mean seconds of one call of M = `m` over the contexts.
    pub(crate) fn call(&self, m: u64, share: f64) -> (f64, Basis) {
        let (mut sum, mut basis) = (0.0, Basis::Measured);
        for s in self.contexts {
            let alone = |m: u64, s: u64| total(self.shape, self.unit, self.cores, 1.0, m, s);
            let (seconds, b) = match &self.table {
                None => (
                    total(self.shape, self.unit, self.cores, share, m, *s),
                    Basis::Analytic,
                ),
                Some(table) => {
                    let (seconds, b) = table.at(m, *s, &alone);
                    if share < 1.0 {
                        let slower =
                            total(self.shape, self.unit, self.cores, share, m, *s) / alone(m, *s);
                        (seconds * slower, b.max(Basis::Calibrated))
                    } else {
                        (seconds, b)
                    }
                }
            };
            sum += seconds;
            basis = basis.max(b);
        }
        (sum / self.contexts.len() as f64, basis)
    }

    /// The calls that process `m` tokens in the least time: exactly one where any M can be compiled, else the cheapest cover by the
    /// entry points that exist (the last call may be padded). Returns the M of each call, seconds, and their basis.
    pub(crate) fn cover(&self, m: u64, share: f64) -> (Vec<u64>, f64, Basis) {
        let entries = &self.shape.entry_tokens;
        if entries.is_empty() || entries.contains(&m) && entries.len() == 1 {
            let (seconds, basis) = self.call(m, share);
            return (vec![m], seconds, basis);
        }
        let costs: Vec<(u64, f64, Basis)> = entries
            .iter()
            .map(|e| {
                let (t, b) = self.call(*e, share);
                (*e, t, b)
            })
            .collect();
        let mut best: Vec<(f64, usize)> = vec![(0.0, 0)];
        for k in 1..=m {
            let cheapest = costs
                .iter()
                .enumerate()
                .map(|(i, (e, t, _))| (t + best[k.saturating_sub(*e) as usize].0, i));
            best.push(cheapest.fold((f64::INFINITY, 0), |a, b| if b.0 < a.0 { b } else { a }));
        }
        let (mut calls, mut basis, mut k) = (Vec::new(), Basis::Measured, m);
        while k > 0 {
            let (e, _, b) = costs[best[k as usize].1];
            calls.push(e);
            basis = basis.max(b);
            k = k.saturating_sub(e);
        }
        (calls, best[m as usize].0, basis)
    }

    /// Bytes that the calls touch, mean over the contexts.
    pub(crate) fn bytes(&self, calls: &[u64]) -> f64 {
        let at = |s: &u64| calls.iter().map(|m| self.shape.bytes(*m, *s)).sum::<f64>();
        self.contexts.iter().map(at).sum::<f64>() / self.contexts.len() as f64
    }

    /// Summands of the calls, mean over the contexts, scaled so that they add up to `seconds` (a profile may differ from the
    /// analytic sum; the split stays analytic).
    pub(crate) fn split(&self, calls: &[u64], share: f64, seconds: f64) -> Vec<(String, f64)> {
        let mut parts: Vec<(String, f64)> = Vec::new();
        for m in calls {
            for s in self.contexts {
                for c in contributions(self.shape, self.unit, self.cores, share, *m, *s)
                    .unwrap_or_default()
                {
                    match parts.iter_mut().find(|(label, _)| *label == c.label) {
                        Some((_, sum)) => *sum += c.seconds,
                        None => parts.push((c.label, c.seconds)),
                    }
                }
            }
        }
        let sum: f64 = parts.iter().map(|(_, t)| t).sum();
        for (_, t) in &mut parts {
            *t *= if sum > 0.0 { seconds / sum } else { 0.0 };
        }
        parts
    }
}

/// Where a candidate's latencies come from, in words.
pub(crate) fn basis_of(c: &Candidate) -> String {
    match c.drafter_basis {
        None => format!("target {}", c.target_basis),
        Some(d) => format!("drafter {d}, target {}", c.target_basis),
    }
}
