//! Measured latencies, which replace the analytic ones.
//!
//! Interpolation: rows of one model, unit, core count and type are grouped by M; within a group linear in S, between groups linear
//! in M. Outside the rows, in S or in M, the analytic figure is scaled by measured / analytic at the nearest row.
//!
//! A row belongs to a model by its role, its name, or its number of parameters: one model is called by its functions in a module and
//! by its checkpoint in a bundle, and has the same number of parameters in both.

use crate::latency::Basis;
use crate::soc::{Unit, UnitKind};
use crate::{CostError, DType, ModelShape, error};
use serde::Deserialize;
use toml::Spanned;

/// Which of the two models a row is about.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The model that drafts.
    Drafter,
    /// The model that verifies.
    Target,
}

/// One measured latency.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
struct Row {
    model: Option<String>,
    parameters: Option<u64>,
    role: Option<Role>,
    unit: String,
    cores: Option<u32>,
    dtype: DType,
    m: u64,
    s: u64,
    seconds: f64,
    #[serde(default)]
    spread: f64,
}

/// One measured transfer.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
struct Handoff {
    from: String,
    to: String,
    bytes: f64,
    seconds: f64,
}

/// A file whose rows are `L` and `H`: with their place in TOML, bare in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<L, H> {
    #[serde(default)]
    source: String,
    #[serde(default = "Vec::new")]
    latency: Vec<L>,
    #[serde(default = "Vec::new")]
    handoff: Vec<H>,
}

/// A row and the line it stands on.
type Placed<R> = Vec<(usize, R)>;

/// What any of the formats holds.
struct Content {
    source: String,
    latency: Placed<Row>,
    handoff: Placed<Handoff>,
}

/// A set of measured latencies and transfers.
#[derive(Clone, Debug)]
pub struct Profile {
    path: String,
    source: String,
    rows: Vec<Row>,
    handoffs: Vec<Handoff>,
}

impl Profile {
    /// Reads a profile: TOML or JSON with `source`, `latency = [{ role, model, parameters, unit, cores, dtype, m, s, seconds, spread }]` and
    /// `handoff = [{ from, to, bytes, seconds }]`; or CSV with the latency columns. The file's ending decides (`.json`, `.csv`,
    /// else TOML). `m` and `s` in tokens, `seconds` the median, `spread` half the interquartile range in seconds. A row has a role, a
    /// model or both; with `model` it serves the model of that name, and one of as many `parameters` where no row has its name.
    ///
    /// # Errors
    /// An unreadable or malformed file, with the line where there is one.
    pub fn load(path: &str) -> Result<Profile, CostError> {
        Profile::parse(&error::read(path)?, path)
    }

    /// As [`Profile::load`], from text; `path` decides the format and is used in errors.
    ///
    /// # Errors
    /// As [`Profile::load`].
    pub fn parse(text: &str, path: &str) -> Result<Profile, CostError> {
        let fail = |line: usize, message: String| {
            Err(CostError::File {
                path: path.to_string(),
                line,
                message,
            })
        };
        let content = match path {
            p if p.ends_with(".json") => parse_json(text, path)?,
            p if p.ends_with(".csv") => parse_csv(text, path)?,
            _ => parse_toml(text, path)?,
        };
        for (i, (line, row)) in content.latency.iter().enumerate() {
            if let Some(message) = row.defect() {
                return fail(*line, format!("latency row {}: {message}", i + 1));
            }
        }
        for (i, (line, h)) in content.handoff.iter().enumerate() {
            let good =
                h.bytes.is_finite() && h.bytes >= 0.0 && h.seconds.is_finite() && h.seconds > 0.0;
            if !good {
                let message = format!(
                    "handoff row {}: bytes and seconds must be finite, seconds above 0",
                    i + 1
                );
                return fail(*line, message);
            }
        }
        if content.latency.is_empty() && content.handoff.is_empty() {
            return fail(1, "no rows".to_string());
        }
        Ok(Profile {
            path: path.to_string(),
            source: content.source,
            rows: content.latency.into_iter().map(|(_, row)| row).collect(),
            handoffs: content.handoff.into_iter().map(|(_, row)| row).collect(),
        })
    }

    /// The file, and what it says about itself.
    #[must_use]
    pub fn source(&self) -> String {
        if self.source.is_empty() {
            self.path.clone()
        } else {
            format!("{} ({})", self.path, self.source)
        }
    }

    /// Units named by rows that the SoC does not have: a sign of a profile of another part.
    pub(crate) fn foreign_units(&self, known: &[&str]) -> Vec<String> {
        let rows = self.rows.iter().map(|r| &r.unit);
        let ends = self.handoffs.iter().flat_map(|h| [&h.from, &h.to]);
        let mut foreign: Vec<String> = rows
            .chain(ends)
            .filter(|u| !known.contains(&u.as_str()))
            .cloned()
            .collect();
        foreign.sort();
        foreign.dedup();
        foreign
    }

    /// Largest spread relative to its median, of all rows.
    pub(crate) fn worst_spread(&self) -> f64 {
        self.rows
            .iter()
            .map(|r| r.spread / r.seconds)
            .fold(0.0, f64::max)
    }

    /// The rows of one model, in its data type, on one placement. A row without `cores` serves any core count of a GPU only.
    pub(crate) fn table(
        &self,
        shape: &ModelShape,
        role: Role,
        unit: &Unit,
        cores: u32,
    ) -> Option<Table<'_>> {
        let gpu = unit.kind == UnitKind::Gpu;
        let here = |r: &&Row| {
            let cores = r.cores.map_or(gpu, |c| gpu || c == cores);
            let role = r.role.is_none_or(|r| r == role);
            role && r.unit == unit.name && cores && r.dtype == shape.dtype
        };
        let named = |r: &Row| r.model.as_deref() == Some(shape.name.as_str());
        let is_named = self.rows.iter().any(|r| here(&r) && named(r));
        let ours = |r: &&Row| {
            let as_large = !is_named && r.parameters == Some(shape.parameters);
            r.model.is_none() || named(r) || as_large
        };
        let mut rows: Vec<&Row> = self.rows.iter().filter(here).filter(ours).collect();
        rows.sort_by_key(|r| (r.m, r.s));
        let mut groups: Vec<Vec<&Row>> = Vec::new();
        for row in rows {
            match groups.last_mut() {
                Some(g) if g[0].m == row.m => g.push(row),
                _ => groups.push(vec![row]),
            }
        }
        (!groups.is_empty()).then_some(Table { groups })
    }

    /// Seconds to move `bytes` between two units, if measured: linear between rows, constant below them, in proportion above.
    pub(crate) fn handoff(&self, from: &str, to: &str, bytes: f64) -> Option<f64> {
        let mut rows: Vec<&Handoff> = self
            .handoffs
            .iter()
            .filter(|h| h.from == from && h.to == to)
            .collect();
        rows.sort_by(|a, b| a.bytes.total_cmp(&b.bytes));
        let (first, last) = (rows.first()?, rows.last()?);
        if bytes <= first.bytes {
            return Some(first.seconds);
        }
        if bytes >= last.bytes {
            return Some(last.seconds * bytes / last.bytes);
        }
        let i = rows.iter().position(|r| r.bytes >= bytes)?;
        let (a, b) = (rows[i - 1], rows[i]);
        Some(lerp(bytes, (a.bytes, a.seconds), (b.bytes, b.seconds)))
    }
}

fn lerp(x: f64, a: (f64, f64), b: (f64, f64)) -> f64 {
    if b.0 > a.0 {
        a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0)
    } else {
        a.1
    }
}

impl Row {
    fn defect(&self) -> Option<String> {
        if self.model.is_none() && self.role.is_none() {
            return Some("give 'role', 'model' or both".to_string());
        }
        if self.parameters.is_some() && self.model.is_none() {
            return Some("'parameters' belong to a 'model': name it".to_string());
        }
        if self.parameters == Some(0) {
            return Some("a model of 0 parameters has no latency".to_string());
        }
        if self.m == 0 || self.m > 1 << 20 || self.s > 1 << 32 {
            return Some(format!("m = {} or s = {} is out of range", self.m, self.s));
        }
        if !(self.seconds.is_finite() && self.seconds > 0.0 && self.seconds < 1e6) {
            return Some(format!("seconds = {} must be above 0", self.seconds));
        }
        if !(self.spread.is_finite() && self.spread >= 0.0) {
            return Some(format!("spread = {} must not be negative", self.spread));
        }
        None
    }
}

fn parse_toml(text: &str, path: &str) -> Result<Content, CostError> {
    let file: File<Spanned<Row>, Spanned<Handoff>> =
        toml::from_str(text).map_err(|e| CostError::toml(path, text, &e))?;
    let line = |offset: usize| error::line_of(text, offset);
    Ok(Content {
        source: file.source,
        latency: file
            .latency
            .into_iter()
            .map(|r| (line(r.span().start), r.into_inner()))
            .collect(),
        handoff: file
            .handoff
            .into_iter()
            .map(|r| (line(r.span().start), r.into_inner()))
            .collect(),
    })
}

/// JSON rows carry no line; the row's number is in the message.
fn parse_json(text: &str, path: &str) -> Result<Content, CostError> {
    let file: File<Row, Handoff> = serde_json::from_str(text).map_err(|e| CostError::File {
        path: path.to_string(),
        line: e.line(),
        message: e.to_string(),
    })?;
    Ok(Content {
        source: file.source,
        latency: file.latency.into_iter().map(|r| (1, r)).collect(),
        handoff: file.handoff.into_iter().map(|r| (1, r)).collect(),
    })
}

fn parse_csv(text: &str, path: &str) -> Result<Content, CostError> {
    let fail = |e: csv::Error| CostError::File {
        path: path.to_string(),
        line: e.position().map_or(1, |p| p.line() as usize),
        message: e.to_string(),
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(fail)?.clone();
    let mut latency = Vec::new();
    for record in reader.records() {
        let record = record.map_err(fail)?;
        let line = record.position().map_or(1, |p| p.line() as usize);
        latency.push((
            line,
            record.deserialize::<Row>(Some(&header)).map_err(fail)?,
        ));
    }
    Ok(Content {
        source: String::new(),
        latency,
        handoff: Vec::new(),
    })
}

/// The rows of one model on one placement, by M then S.
#[derive(Clone)]
pub(crate) struct Table<'a> {
    groups: Vec<Vec<&'a Row>>,
}

impl Table<'_> {
    /// Seconds at (m, s) and where they come from; `analytic` is used outside the rows.
    pub(crate) fn at(&self, m: u64, s: u64, analytic: &impl Fn(u64, u64) -> f64) -> (f64, Basis) {
        let in_group = |g: &[&Row]| Self::in_group(g, s, analytic);
        let after = self.groups.iter().position(|g| g[0].m >= m);
        match after {
            Some(i) if self.groups[i][0].m == m => in_group(&self.groups[i]),
            Some(i) if i > 0 => {
                let (low, high) = (&self.groups[i - 1], &self.groups[i]);
                let ((a, x), (b, y)) = (in_group(low), in_group(high));
                let seconds = lerp(m as f64, (low[0].m as f64, a), (high[0].m as f64, b));
                (seconds, x.max(y).max(Basis::Interpolated))
            }
            _ => {
                let nearest = if after.is_some() {
                    &self.groups[0]
                } else {
                    &self.groups[self.groups.len() - 1]
                };
                let (seconds, _) = in_group(nearest);
                (
                    seconds * ratio(analytic(m, s), analytic(nearest[0].m, s)),
                    Basis::Calibrated,
                )
            }
        }
    }

    fn in_group(group: &[&Row], s: u64, analytic: &impl Fn(u64, u64) -> f64) -> (f64, Basis) {
        let after = group.iter().position(|r| r.s >= s);
        match after {
            Some(i) if group[i].s == s => (group[i].seconds, Basis::Measured),
            Some(i) if i > 0 => {
                let (a, b) = (group[i - 1], group[i]);
                (
                    lerp(s as f64, (a.s as f64, a.seconds), (b.s as f64, b.seconds)),
                    Basis::Interpolated,
                )
            }
            _ => {
                let nearest = if after.is_some() {
                    group[0]
                } else {
                    group[group.len() - 1]
                };
                let scale = ratio(analytic(nearest.m, s), analytic(nearest.m, nearest.s));
                (nearest.seconds * scale, Basis::Calibrated)
            }
        }
    }
}

fn ratio(a: f64, b: f64) -> f64 {
    if a.is_finite() && b.is_finite() && b > 0.0 {
        a / b
    } else {
        1.0
    }
}
