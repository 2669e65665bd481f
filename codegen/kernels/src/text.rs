//! Writes MLIR text line by line, with fresh names.

use std::fmt::{self, Display, Write as _};

/// Name of an SSA value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Value(String);

impl Value {
    /// A value that the text names itself, without the percent sign.
    pub fn named(name: &str) -> Self {
        Value(format!("%{name}"))
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text under construction.
#[derive(Debug, Default)]
pub struct Text {
    out: String,
    next: usize,
    depth: usize,
}

impl Text {
    /// An empty text.
    pub fn new() -> Self {
        Text::default()
    }

    /// A fresh name.
    pub fn fresh(&mut self) -> Value {
        self.next += 1;
        Value(format!("%{}", self.next - 1))
    }

    /// `%fresh = op`.
    pub fn op(&mut self, op: impl Display) -> Value {
        let value = self.fresh();
        self.line(format_args!("{value} = {op}"));
        value
    }

    /// A line of its own.
    pub fn line(&mut self, line: impl Display) {
        let indent = 2 * self.depth;
        writeln!(self.out, "{:indent$}{line}", "").expect("a String takes all text");
    }

    /// A line that opens a region; what follows is indented.
    pub fn open(&mut self, line: impl Display) {
        self.line(line);
        self.depth += 1;
    }

    /// A line that closes a region, or closes one and opens the next (`} else {`: call [`Text::open`] for that part).
    pub fn close(&mut self, line: impl Display) {
        self.depth = self.depth.saturating_sub(1);
        self.line(line);
    }

    /// The whole text.
    pub fn finish(self) -> String {
        self.out
    }
}
