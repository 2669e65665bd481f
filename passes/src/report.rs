//! The report of a run: what was found, what was decided and why. Data first; [`Report::text`] is the readable form.

use crate::identify::program::{FoundModel, Program};
use serde::Serialize;
use spec_cost::{Guess, ModelShape, Outcome, Soc};
use std::collections::BTreeMap;
use std::fmt::Write;

/// One module's report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where the module is from.
    pub module: String,
    /// The models.
    pub models: Vec<ModelReport>,
    /// Call sites of model functions: (caller, callee, in a loop, trip count if constant).
    pub call_sites: Vec<(String, String, bool, Option<u64>)>,
    /// The decision, if `spec-place` ran.
    pub outcome: Option<Outcome>,
    /// Numbers of the device file that are guesses.
    pub guesses: Vec<Guess>,
    /// What was not done, and why.
    pub refused: Vec<String>,
}

/// What is known of one model.
#[derive(Clone, Debug, Serialize)]
pub struct ModelReport {
    /// Role.
    pub role: Option<String>,
    /// Why it has that role.
    pub why: String,
    /// Where it is.
    pub location: String,
    /// Forward calls: (function, tokens a call, inlined).
    pub calls: Vec<(String, u64, bool)>,
    /// Parameter tensors.
    pub parameter_tensors: usize,
    /// Cache types.
    pub caches: Vec<String>,
    /// Cache length.
    pub context: u64,
    /// Tokens a call of the widest entry point.
    pub tokens: u64,
    /// FLOPs of the widest call at full context.
    pub flops: f64,
    /// Bytes moved by the widest call at full context.
    pub bytes: f64,
    /// Rows of the embedding table, if they differ from the vocabulary.
    pub padded_table_rows: Option<u64>,
    /// Arithmetic ops of a named class, and others.
    pub recognised: u64,
    /// Arithmetic ops of no named class.
    pub unrecognised: u64,
    /// A loop in the call has no constant trip count: costs are for one trip.
    pub unknown_trips: bool,
    /// Sizes and costs by op class.
    pub shape: ModelShape,
}

/// What `spec-raise` made of one function: numbers of ops by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Raised {
    /// The function.
    pub function: String,
    /// Recognised, and written as a named op.
    pub recognised: BTreeMap<&'static str, usize>,
    /// Contractions, reductions and large ops that stay as they are.
    pub left: BTreeMap<&'static str, usize>,
}

impl std::fmt::Display for Raised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |counts: &BTreeMap<&str, usize>| {
            let all: Vec<String> = counts.iter().map(|(k, n)| format!("{n} {k}")).collect();
            if all.is_empty() {
                "nothing".into()
            } else {
                all.join(", ")
            }
        };
        write!(
            f,
            "spec-raise: recognised {}; left {}",
            list(&self.recognised),
            list(&self.left)
        )
    }
}

impl Report {
    /// Builds the report of an identified (and possibly placed) module.
    pub fn new(p: &Program, decision: Option<(&Outcome, &Soc)>) -> Self {
        let name = |i: usize| p.functions[i].op.symbol().unwrap_or("?").to_owned();
        Report {
            module: p
                .functions
                .first()
                .and_then(|f| f.op.parent())
                .map_or(String::new(), |m| place(m.loc())),
            models: p.models.iter().map(|m| model(p, m)).collect(),
            call_sites: p
                .sites
                .iter()
                .map(|s| (name(s.caller), name(s.callee), s.in_loop, s.trips))
                .collect(),
            outcome: decision.map(|d| d.0.clone()),
            guesses: decision.map(|d| d.1.guesses()).unwrap_or_default(),
            refused: vec![],
        }
    }

    /// The readable form.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for m in &self.models {
            m.text(&mut out);
        }
        for (caller, callee, in_loop, trips) in &self.call_sites {
            let often = match (in_loop, trips) {
                (true, Some(n)) => format!(", {n} times in a loop"),
                (true, None) => ", in a loop".into(),
                _ => String::new(),
            };
            let _ = writeln!(out, "@{caller} calls @{callee}{often}");
        }
        if self
            .models
            .iter()
            .all(|m| m.role.as_deref() != Some("drafter"))
        {
            out.push_str("no drafter in the module: the target runs alone, draft length 0\n");
        }
        if let Some(o) = &self.outcome {
            let _ = write!(out, "\n{}", o.explain());
        }
        for r in &self.refused {
            let _ = writeln!(out, "not done: {r}");
        }
        out
    }
}

fn place(loc: spec_dialect::ffi::Loc) -> String {
    match loc.file_line_col() {
        Some((file, line, column)) => format!("{file}:{line}:{column}"),
        None => loc.to_string(),
    }
}

fn model(p: &Program, m: &FoundModel) -> ModelReport {
    let (_, instance, x) = p.instance(p.widest(m));
    ModelReport {
        role: m.role.map(|r| r.to_string()),
        why: m.why.clone(),
        location: place(m.loc),
        calls: m
            .calls
            .iter()
            .map(|c| {
                let (f, _, x) = p.instance(*c);
                (
                    f.op.symbol().unwrap_or("?").to_owned(),
                    x.tokens,
                    f.interface.is_none(),
                )
            })
            .collect(),
        parameter_tensors: x.parameters.len(),
        caches: x.caches.iter().map(|(_, v)| v.ty().to_string()).collect(),
        context: x.context,
        tokens: x.tokens,
        flops: m.shape.flops(x.tokens, x.context),
        bytes: m.shape.bytes(x.tokens, x.context),
        padded_table_rows: instance.table_rows.filter(|r| *r != instance.vocabulary),
        recognised: x.recognised,
        unrecognised: x.unrecognised,
        unknown_trips: x.unknown_trips,
        shape: m.shape.clone(),
    }
}

impl ModelReport {
    fn text(&self, out: &mut String) {
        let s = &self.shape;
        let role = self.role.as_deref().unwrap_or("unused");
        let calls: Vec<String> = self
            .calls
            .chunk_by(PartialEq::eq)
            .map(|same| {
                let ((f, m, inlined), n) = (&same[0], same.len());
                let often = if n > 1 {
                    format!(", {n} times")
                } else {
                    String::new()
                };
                let how = if *inlined { ", inlined" } else { "" };
                format!("@{f}{how}{often} (M = {m})")
            })
            .collect();
        let _ = writeln!(
            out,
            "{role}: {} [{}], {}",
            calls.join(", "),
            self.location,
            if self.why.is_empty() {
                "no role"
            } else {
                &self.why
            }
        );
        let _ = writeln!(
            out,
            "  parameters  {} in {} tensors, {} {}",
            s.parameters,
            self.parameter_tensors,
            bytes(s.weight_bytes),
            s.dtype
        );
        let table = self
            .padded_table_rows
            .map_or(String::new(), |r| format!(" (embedding table {r} rows)"));
        let _ = writeln!(
            out,
            "  shape       {}, hidden {}, {}, {} of {}, vocabulary {}{table}",
            count(s.layers, "layer"),
            s.hidden,
            count(s.heads, "head"),
            count(s.kv_heads, "KV head"),
            s.head_dim,
            s.vocabulary
        );
        let caches = if self.caches.is_empty() {
            "none".into()
        } else {
            self.caches.join(", ")
        };
        let _ = writeln!(
            out,
            "  KV cache    {caches}; {} a token, {} tokens",
            bytes(s.kv_bytes_per_token),
            self.context
        );
        let _ = writeln!(
            out,
            "  a call      M = {}, S = {}: {:.2} MFLOP, {} moved; {} ops recognised, {} not",
            self.tokens,
            self.context,
            self.flops / 1e6,
            bytes(self.bytes as u64),
            self.recognised,
            self.unrecognised
        );
        if self.unknown_trips {
            out.push_str(
                "  note        a loop inside has no constant trip count; costs are for one trip\n",
            );
        }
        let _ = writeln!(
            out,
            "  {:<13}{:>6}{:>11}{:>13}{:>13}",
            "op class", "ops", "kernels", "MFLOP", "moved"
        );
        for c in &s.classes {
            let (m, t) = (self.tokens as f64, self.context as f64);
            let flops = m * (c.flops_per_token + t * c.flops_per_token_context);
            let moved = c.weight_bytes
                + m * (c.weight_bytes_per_token
                    + c.activation_bytes_per_token
                    + t * c.activation_bytes_per_token_context
                    + c.kv_write_bytes_per_token)
                + t * c.kv_read_bytes_per_context;
            let _ = writeln!(
                out,
                "  {:<13}{:>6}{:>11}{:>13.3}{:>13}",
                c.class.to_string(),
                c.ops,
                c.dispatches,
                flops / 1e6,
                bytes(moved as u64)
            );
        }
    }
}

fn count(n: u64, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// A byte count for people.
pub fn bytes(n: u64) -> String {
    match n {
        0..=9_999 => format!("{n} B"),
        10_000..=9_999_999 => format!("{:.1} kB", n as f64 / 1e3),
        10_000_000..=9_999_999_999 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.1} GB", n as f64 / 1e9),
    }
}
