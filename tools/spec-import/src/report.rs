//! What is said at the end.

use crate::description::{Described, Description};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;

/// What was done.
#[derive(Serialize)]
pub struct Report<'a> {
    /// The folder.
    pub output: &'a Path,
    /// Names of the functions, in the module's order.
    pub functions: Vec<String>,
    /// Files with their bytes.
    pub files: Vec<File>,
    /// What the user should know.
    pub warnings: &'a [String],
    /// As in `import.json`.
    pub import: &'a Description,
}

/// A file of the folder.
#[derive(Serialize)]
pub struct File {
    /// Its name.
    pub name: &'static str,
    /// Its size.
    pub bytes: u64,
}

impl Report<'_> {
    /// For programs.
    pub fn json(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        text.map_or_else(|_| String::new(), |t| t + "\n")
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut out = String::new();
        for model in &self.import.models {
            let _ = writeln!(out, "{}", line(model));
        }
        let _ = writeln!(out, "functions: {}", self.functions.join(", "));
        let files = self.files.iter();
        let files: Vec<String> = files
            .map(|f| format!("{} {}", f.name, size(f.bytes)))
            .collect();
        let _ = writeln!(out, "{}: {}", self.output.display(), files.join(", "));
        out
    }
}

fn line(m: &Described) -> String {
    let types = m
        .source_types
        .keys()
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    format!(
        "{}: {} ({}), {:.1} M parameters in {types}, {} layers, hidden {}, vocabulary {}, context {}",
        m.role,
        m.name,
        m.architecture,
        m.parameters as f64 / 1e6,
        m.layers,
        m.hidden,
        m.vocabulary,
        m.context
    )
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
