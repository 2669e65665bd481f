//! What was lost, as a table and as JSON.

use crate::plan::{Job, Make};
use crate::write::Written;
use serde::Serialize;
use spec_runtime::manifest::DType;
use spec_runtime::quantize::Errors;
use std::fmt::Write as _;

/// One weight.
#[derive(Clone, Debug)]
pub struct Line {
    name: String,
    tensor: String,
    from: String,
    to: String,
    shape: Vec<u64>,
    errors: Option<Errors>,
}

impl Line {
    /// A weight that was made of a tensor of type `from`; `errors` if it may have lost something.
    pub fn new(job: &Job, from: DType, errors: Option<Errors>) -> Self {
        let to = match &job.make {
            Make::Copy => text(job.dtype),
            Make::Quantise(q) => format!("{}, {} scales", q.label, text(q.scale.dtype)),
        };
        Self {
            name: job.name.clone(),
            tensor: job.tensor.clone(),
            from: text(from),
            to,
            shape: job.from_shape.clone(),
            errors,
        }
    }
}

fn text(dtype: DType) -> String {
    format!("{dtype:?}").to_lowercase()
}

#[derive(Serialize)]
struct JsonReport<'a> {
    file: &'a str,
    index: String,
    bytes: u64,
    weights: Vec<JsonLine<'a>>,
    text: Vec<String>,
}

/// `max_abs` and `rms` in the unit of the weights; `snr_db` is null where nothing is lost.
#[derive(Serialize)]
struct JsonLine<'a> {
    name: &'a str,
    tensor: &'a str,
    shape: &'a [u64],
    from: &'a str,
    to: &'a str,
    max_abs: f64,
    rms: f64,
    relative_rms: f64,
    snr_db: Option<f64>,
}

fn paths(written: &Written) -> Vec<String> {
    let paths = written.text.iter();
    paths.map(|p| p.display().to_string()).collect()
}

/// As JSON, indented.
pub fn json(written: &Written) -> String {
    let line = |l: &'_ Line| {
        let e = l.errors.unwrap_or_default();
        (
            e,
            Some(e.snr_db()).filter(|s| s.is_finite() && e.elements > 0),
        )
    };
    let weights = written.lines.iter().map(|l| {
        let (e, snr_db) = line(l);
        JsonLine {
            name: &l.name,
            tensor: &l.tensor,
            shape: &l.shape,
            from: &l.from,
            to: &l.to,
            max_abs: e.max_abs,
            rms: e.rms(),
            relative_rms: e.relative_rms(),
            snr_db,
        }
    });
    let report = JsonReport {
        file: &written.index.file,
        index: written.index_path.display().to_string(),
        bytes: written.index.bytes,
        weights: weights.collect(),
        text: paths(written),
    };
    // numbers and strings: nothing that JSON lacks
    serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
}

/// As a table, one line a weight that lost something, then the sums by format.
pub fn table(written: &Written) -> String {
    let mut sums: Vec<(String, usize, Errors)> = vec![];
    let mut rows = vec![];
    for line in &written.lines {
        let errors = line.errors.unwrap_or_default();
        let kind = format!("{} to {}", line.from, line.to);
        match sums.iter_mut().find(|(k, _, _)| *k == kind) {
            Some((_, n, sum)) => {
                *n += 1;
                sum.merge(&errors);
            }
            None => sums.push((kind.clone(), 1, errors)),
        }
        if errors.max_abs > 0.0 {
            rows.push((line.name.clone(), kind, errors));
        }
    }
    for (kind, n, errors) in sums {
        let count = if n == 1 {
            "1 weight".to_owned()
        } else {
            format!("{n} weights")
        };
        rows.push((count, kind, errors));
    }
    let width = |f: fn(&(String, String, Errors)) -> usize| rows.iter().map(f).max().unwrap_or(0);
    let (names, kinds) = (width(|r| r.0.len()).max(6), width(|r| r.1.len()));
    let mut out = format!(
        "{:names$}  {:kinds$}  {:>10}  {:>10}  {:>9}  {:>8}\n",
        "weight", "format", "max error", "rms error", "relative", "SNR dB"
    );
    for (name, kind, e) in rows {
        let snr = if e.max_abs == 0.0 {
            "exact".to_owned()
        } else {
            format!("{:.2}", e.snr_db())
        };
        let _ = writeln!(
            out,
            "{name:names$}  {kind:kinds$}  {:>10.3e}  {:>10.3e}  {:>9.5}  {snr:>8}",
            e.max_abs,
            e.rms(),
            e.relative_rms()
        );
    }
    let _ = writeln!(
        out,
        "{}: {} weights, {} bytes; index: {}",
        written.index.file,
        written.index.weights.len(),
        written.index.bytes,
        written.index_path.display()
    );
    if !written.text.is_empty() {
        let _ = writeln!(out, "text: {}", paths(written).join(", "));
    }
    out
}
