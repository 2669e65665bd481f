//! The profile file: measured latencies as the cost model reads them (`spec_cost::Profile`).

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Which model a row is about.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The model that drafts.
    Drafter,
    /// The model that verifies.
    Target,
}

impl Role {
    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drafter => "drafter",
            Self::Target => "target",
        }
    }
}

/// What identifies a latency: rows of equal keys measure the same.
#[derive(Serialize, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The model, by its role.
    pub role: Role,
    /// The model, by its name; where bundles with several models of one role make one profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its number of parameters, by which a module's functions are known as this model; there with the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<u64>,
    /// Unit of the device file.
    pub unit: String,
    /// Cores; `None` for a GPU, which is used whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    /// Data type, as the cost model names it.
    pub dtype: String,
    /// Tokens of the call.
    pub m: u64,
    /// Rows of the cache that were filled before it, tokens.
    pub s: u64,
}

/// A measured latency.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Latency {
    /// What was measured.
    #[serde(flatten)]
    pub key: Key,
    /// Median, seconds.
    pub seconds: f64,
    /// Half the interquartile range, seconds.
    pub spread: f64,
    /// Repetitions.
    pub count: usize,
}

/// A measured transfer.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Handoff {
    /// Unit that it comes from.
    pub from: String,
    /// Unit that it goes to.
    pub to: String,
    /// Its size, bytes.
    pub bytes: u64,
    /// Median, seconds.
    pub seconds: f64,
}

/// All rows.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
pub struct ProfileFile {
    /// How and where it was measured.
    pub source: String,
    /// Latencies, one for each key.
    pub latency: Vec<Latency>,
    /// Transfers.
    pub handoff: Vec<Handoff>,
}

impl ProfileFile {
    /// Adds a row. Of two rows with one key, the better measured stays: more repetitions, then less spread.
    pub fn add(&mut self, row: Latency) {
        let quality = |r: &Latency| (r.count, -(r.spread / r.seconds));
        match self.latency.iter_mut().find(|r| r.key == row.key) {
            Some(old) if quality(old) < quality(&row) => *old = row,
            Some(_) => {}
            None => self.latency.push(row),
        }
    }

    /// Sorts the rows by key.
    pub fn sort(&mut self) {
        self.latency.sort_by(|a, b| a.key.cmp(&b.key));
        self.handoff
            .sort_by(|a, b| (&a.from, &a.to, a.bytes).cmp(&(&b.from, &b.to, b.bytes)));
    }

    /// As TOML, one line a row.
    pub fn to_toml(&self) -> String {
        let mut out = format!("source = {}\n\nlatency = [\n", quoted(&self.source));
        for row in &self.latency {
            let k = &row.key;
            let _ = write!(out, "  {{ role = \"{}\"", k.role.name());
            if let Some(name) = &k.model {
                let _ = write!(out, ", model = {}", quoted(name));
            }
            if let Some(parameters) = k.parameters {
                let _ = write!(out, ", parameters = {parameters}");
            }
            let _ = write!(out, ", unit = {}", quoted(&k.unit));
            if let Some(cores) = k.cores {
                let _ = write!(out, ", cores = {cores}");
            }
            let _ = writeln!(
                out,
                ", dtype = {}, m = {}, s = {}, seconds = {:.4e}, spread = {:.2e} }},",
                quoted(&k.dtype),
                k.m,
                k.s,
                row.seconds,
                row.spread
            );
        }
        out.push_str("]\n");
        if self.handoff.is_empty() {
            return out;
        }
        out.push_str("\nhandoff = [\n");
        for h in &self.handoff {
            let _ = writeln!(
                out,
                "  {{ from = {}, to = {}, bytes = {}, seconds = {:.4e} }},",
                quoted(&h.from),
                quoted(&h.to),
                h.bytes,
                h.seconds
            );
        }
        out.push_str("]\n");
        out
    }
}

/// A string as TOML writes it.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use spec_cost::Profile;

    fn row(m: u64, seconds: f64, spread: f64, count: usize) -> Latency {
        Latency {
            key: Key {
                role: Role::Target,
                model: None,
                parameters: None,
                unit: "cpu".to_owned(),
                cores: Some(2),
                dtype: "i4g32".to_owned(),
                m,
                s: 16,
            },
            seconds,
            spread,
            count,
        }
    }

    #[test]
    fn the_better_measured_row_stays() {
        let mut file = ProfileFile::default();
        file.add(row(1, 2.0, 0.2, 10));
        file.add(row(1, 3.0, 0.2, 9));
        assert_eq!(file.latency[0].seconds, 2.0, "fewer repetitions");
        file.add(row(1, 4.0, 0.2, 10));
        assert_eq!(file.latency[0].seconds, 4.0, "less spread");
        file.add(row(2, 5.0, 0.2, 1));
        assert_eq!(file.latency.len(), 2);
    }

    #[test]
    fn the_cost_model_reads_it() {
        let mut file = ProfileFile {
            source: "a \"board\"\\ with 2 cores".to_owned(),
            ..ProfileFile::default()
        };
        file.add(row(5, 0.0123, 1e-4, 3));
        file.add(row(1, 0.01, 0.0, 3));
        let mut gpu = row(1, 0.02, 0.0, 3);
        gpu.key.cores = None;
        gpu.key.unit = "gpu".to_owned();
        gpu.key.model = Some("a model".to_owned());
        gpu.key.parameters = Some(7);
        file.add(gpu);
        file.handoff.push(Handoff {
            from: "gpu".to_owned(),
            to: "cpu".to_owned(),
            bytes: 8,
            seconds: 1e-6,
        });
        file.sort();
        let text = file.to_toml();
        let read = Profile::parse(&text, "p.toml").expect(&text);
        assert_eq!(read.source(), "p.toml (a \"board\"\\ with 2 cores)");
        let lines: Vec<&str> = text.lines().filter(|l| l.contains("unit")).collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(
            lines[0].contains("m = 1") && lines[1].contains("m = 5"),
            "sorted: {text}"
        );
        assert!(
            lines[2].contains("role = \"target\", model = \"a model\", parameters = 7")
                && !lines[2].contains("cores"),
            "{text}"
        );
    }
}
