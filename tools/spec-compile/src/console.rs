//! What the user sees while the tool works: progress, diagnostics, and how long each step took.

use crate::diagnostics::{Sources, render};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use spec_codegen::ffi::Message;
use spec_dialect::ffi::Severity;
use std::time::{Duration, Instant};

/// Progress on stderr, if that is a terminal; diagnostics on stderr.
pub struct Console {
    bar: ProgressBar,
    sources: Sources,
    quiet: bool,
    remarks: bool,
    steps: Vec<(String, Duration)>,
}

impl Console {
    /// `quiet`: errors only. `remarks`: remarks as well.
    pub fn new(quiet: bool, remarks: bool) -> Self {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr() // draws only on a terminal
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:24} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        Console {
            bar,
            sources: Sources::default(),
            quiet,
            remarks,
            steps: vec![],
        }
    }

    /// How many steps there will be.
    pub fn expect(&self, steps: usize) {
        self.bar.set_length(steps as u64);
    }

    /// Does a step, and remembers how long it took.
    pub fn step<T>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.bar.set_message(name.to_owned());
        self.bar.enable_steady_tick(Duration::from_millis(100));
        let start = Instant::now();
        let value = work(self);
        self.took(name, start.elapsed());
        self.bar.inc(1);
        value
    }

    /// Remembers how long something took; times of equal names add up.
    pub fn took(&mut self, name: &str, time: Duration) {
        match self.steps.iter_mut().find(|(n, _)| n == name) {
            Some((_, sum)) => *sum += time,
            None => self.steps.push((name.to_owned(), time)),
        }
    }

    /// Names and times of the steps so far.
    pub fn steps(&self) -> &[(String, Duration)] {
        &self.steps
    }

    /// A warning of the tool itself.
    pub fn warn(&mut self, text: &str) {
        if !self.quiet {
            self.print(&format!("warning: {text}\n"));
        }
    }

    /// An error of the tool itself.
    pub fn error(&mut self, text: &str) {
        self.print(&format!("error: {text}\n"));
    }

    /// Shows diagnostics of MLIR.
    pub fn show(&mut self, messages: Vec<Message>) {
        for message in messages {
            let wanted = match message.severity {
                Severity::Error => true,
                Severity::Warning => !self.quiet,
                Severity::Remark => self.remarks && !self.quiet,
            };
            if wanted {
                let text = render(&message, &mut self.sources);
                self.print(&text);
            }
        }
    }

    fn print(&self, text: &str) {
        self.bar.suspend(|| eprint!("{text}"));
    }

    /// Takes the progress away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
