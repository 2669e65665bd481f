//! Diagnostics of MLIR as text, with the line of source that they are about.

use spec_codegen::ffi::Message;
use spec_dialect::ffi::{Severity, foreign_advice};
use std::collections::HashMap;
use std::fmt::Write;

/// Longest part of a source line that is shown, characters.
const WIDTH: usize = 110;

/// Notes that are left out: the whole function, where a line says it; all of MLIR's dialects, where one is missing.
const NOISE: &[&str] = &["see current operation", "Available dialects"];

/// Source files, read once; those that cannot be read as text have no lines.
#[derive(Default)]
pub struct Sources(HashMap<String, Vec<String>>);

impl Sources {
    fn line(&mut self, file: &str, line: usize) -> Option<&str> {
        let read = || {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            text.lines().map(str::to_owned).collect()
        };
        let lines = self.0.entry(file.to_owned()).or_insert_with(read);
        lines.get(line.checked_sub(1)?).map(String::as_str)
    }
}

/// File, line and column of a location as MLIR prints it; the innermost if there are several.
fn place(location: &str) -> Option<(&str, usize, usize)> {
    let mut rest = location;
    while let Some(start) = rest.find('"') {
        let (file, after) = rest[start + 1..].split_once('"')?;
        let mut numbers = after.strip_prefix(':').unwrap_or_default().splitn(2, ':');
        let digits = |t: Option<&str>| {
            let t = t?;
            let end = t.find(|c: char| !c.is_ascii_digit()).unwrap_or(t.len());
            t[..end].parse().ok()
        };
        if let (Some(line), Some(column)) = (digits(numbers.next()), digits(numbers.next())) {
            return Some((file, line, column));
        }
        rest = after;
    }
    None
}

/// `message` as text: severity, text, place, the line of source, notes.
pub fn render(message: &Message, sources: &mut Sources) -> String {
    let severity = match message.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Remark => "remark",
    };
    let mut out = format!("{severity}: {}\n", message.text);
    show(&mut out, &message.location, sources);
    for (location, text) in &message.notes {
        if NOISE.iter().any(|n| text.starts_with(n)) {
            continue;
        }
        let _ = writeln!(out, "note: {text}");
        show(&mut out, location, sources);
    }
    if let Some(advice) = foreign(&message.text) {
        let _ = writeln!(out, "help: {advice}");
    }
    out
}

/// What to do about an unknown dialect, if the text is about one.
fn foreign(text: &str) -> Option<&'static str> {
    let starts = ["Dialect `", "dialect `", "`!\"", "`#\""];
    let rest = starts.iter().find_map(|s| Some(text.split_once(s)?.1))?;
    foreign_advice(rest.split(['\'', '`', '"']).next()?)
}

fn show(out: &mut String, location: &str, sources: &mut Sources) {
    let Some((file, line, column)) = place(location) else {
        return;
    };
    if file.starts_with('<') {
        return; // not a file: a pass's options
    }
    if line == 0 {
        let _ = writeln!(out, "  --> {file}");
        return;
    }
    let _ = writeln!(out, "  --> {file}:{line}:{column}");
    let Some(text) = sources.line(file, line) else {
        return;
    };
    let at = column.saturating_sub(1);
    let from = at.saturating_sub(WIDTH / 2);
    let shown: String = text.chars().skip(from).take(WIDTH).collect();
    let margin = line.to_string().len();
    let cut = if from > 0 { "... " } else { "" };
    let _ = writeln!(out, " {line} | {cut}{}", shown.trim_end());
    let _ = writeln!(out, " {:margin$} | {:2$}^", "", "", cut.len() + at - from);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found() {
        assert_eq!(place("loc(\"a.mlir\":3:14)"), Some(("a.mlir", 3, 14)));
        let named = "loc(\"x\"(\"dir/a b.mlir\":7:2))";
        assert_eq!(place(named), Some(("dir/a b.mlir", 7, 2)));
        let call = "loc(callsite(\"f\"(\"a\":1:2) at \"b\":3:4))";
        assert_eq!(place(call), Some(("a", 1, 2)));
        assert_eq!(place("loc(\"a\":1:2 to :5)"), Some(("a", 1, 2)));
        assert_eq!(place("loc(unknown)"), None);
        assert_eq!(place("loc(\"broken"), None);
    }

    #[test]
    fn the_source_line_is_shown() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let long = format!("{}here", " ".repeat(300));
        std::fs::write(file.path(), format!("first\n  second\n{long}\n")).expect("written");
        let at = |line, column| Message {
            severity: Severity::Error,
            location: format!("loc(\"{}\":{line}:{column})", file.path().display()),
            text: "no".into(),
            notes: vec![("loc(unknown)".into(), "because".into())],
        };
        let text = render(&at(2, 3), &mut Sources::default());
        assert!(text.starts_with("error: no\n  --> "), "{text}");
        assert!(
            text.ends_with(":2:3\n 2 |   second\n   |   ^\nnote: because\n"),
            "{text}"
        );
        let text = render(&at(3, 301), &mut Sources::default());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2].find("here"), lines[3].find('^'), "{text}");
        assert_eq!(
            render(&at(9, 1), &mut Sources::default()).lines().count(),
            3
        );
    }
}
