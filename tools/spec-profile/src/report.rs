//! What the program prints.

use serde::Serialize;
use spec_profile::conditions::Conditions;
use spec_profile::measure::{Measured, Subject};
use spec_profile::profile::Role;
use std::fmt::Write as _;

/// An error with what caused it.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

/// One line a call, milliseconds.
pub(crate) fn table(subjects: &[Subject], measured: &[Measured]) -> String {
    let mut out =
        "role     unit       cores  dtype   M     S         ms   spread  of it hand-off  times\n"
            .to_owned();
    for m in measured {
        let Some(s) = subjects.get(m.subject) else {
            continue;
        };
        let cores = if s.gpu {
            "-".to_owned()
        } else {
            s.cores.to_string()
        };
        let _ = writeln!(
            out,
            "{:<8} {:<10} {:>5}  {:<6} {:>2} {:>5} {:>10.3} {:>7.1}% {:>14.3} {:>6}",
            s.role.name(),
            s.unit,
            cores,
            s.dtype,
            m.m,
            m.s,
            m.whole.median * 1e3,
            m.whole.relative_spread() * 100.0,
            m.handoff.median * 1e3,
            m.whole.count
        );
    }
    out
}

#[derive(Serialize)]
struct Row<'a> {
    role: Role,
    model: &'a str,
    unit: &'a str,
    gpu: bool,
    cores: u32,
    dtype: &'a str,
    #[serde(flatten)]
    measured: &'a Measured,
}

#[derive(Serialize)]
struct All<'a> {
    conditions: &'a Conditions,
    calls: Vec<Row<'a>>,
}

/// All that was measured, seconds.
pub(crate) fn json(
    subjects: &[Subject],
    measured: &[Measured],
    conditions: &Conditions,
) -> Result<String, serde_json::Error> {
    let row = |m| -> Option<Row<'_>> {
        let measured: &Measured = m;
        let s = subjects.get(measured.subject)?;
        Some(Row {
            role: s.role,
            model: &s.model,
            unit: &s.unit,
            gpu: s.gpu,
            cores: s.cores,
            dtype: &s.dtype,
            measured,
        })
    };
    let calls = measured.iter().filter_map(row).collect();
    serde_json::to_string_pretty(&All { conditions, calls })
}
