//! Passes written in Rust, with typed options, registered in MLIR's own registry.

use crate::ffi::{self, Ctx, Loc, Op, Options, RawPass, Severity, emit};
pub use crate::ffi::{Dependency, OptionDesc, OptionKind, PassDesc};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A pass. MLIR clones it for every thread it runs it on.
pub trait Pass: Default + Clone + Send + 'static {
    /// Name, options and the like.
    const DESC: PassDesc;
    /// Reads the options, before the first run. The error text is reported at `<options of PASS>`.
    ///
    /// # Errors
    /// A message for the user: an option is missing or has a bad value.
    fn initialize(&mut self, _options: &Options, _ctx: Ctx) -> Result<(), String> {
        Ok(())
    }
    /// Runs on one op.
    ///
    /// # Errors
    /// Every diagnostic in the list is emitted at its location, and the pass fails.
    fn run(&mut self, op: Op) -> Result<(), Diagnostics>;
}

/// One diagnostic, with notes.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Where the input is at fault.
    pub loc: Loc,
    /// What is wrong and what to do.
    pub message: String,
    /// Further places.
    pub notes: Vec<(Loc, String)>,
}

/// All errors of one run, at least one.
#[derive(Clone, Debug)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// A single error.
    pub fn at(loc: Loc, message: impl Into<String>) -> Self {
        Self(vec![Diagnostic {
            loc,
            message: message.into(),
            notes: vec![],
        }])
    }
    /// Adds a note to the last error.
    pub fn note(mut self, loc: Loc, text: impl Into<String>) -> Self {
        if let Some(d) = self.0.last_mut() {
            d.notes.push((loc, text.into()));
        }
        self
    }
}

thread_local! {
    static LAST_PANIC: Cell<Option<String>> = const { Cell::new(None) };
}

/// Records a panic's message and place instead of printing it; other threads and programs keep their hook.
fn quiet_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if IN_PASS.get() {
                LAST_PANIC.set(Some(info.to_string()));
            } else {
                previous(info);
            }
        }));
    });
}

thread_local! {
    static IN_PASS: Cell<bool> = const { Cell::new(false) };
}

fn guarded<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    let outer = IN_PASS.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    IN_PASS.set(outer);
    result.map_err(|_| LAST_PANIC.take().unwrap_or_default())
}

/// Adapts [`Pass`] to the C++ side: diagnostics are emitted, panics become diagnostics.
#[derive(Clone, Default)]
struct Guarded<P>(P);

impl<P: Pass> RawPass for Guarded<P> {
    const DESC: PassDesc = P::DESC;
    fn initialize(&mut self, options: &Options, ctx: Ctx) -> bool {
        let fail = |message: String| {
            let options = format!("<options of {}>", P::DESC.argument);
            emit(
                ctx.file_loc(&options, 1, 1),
                Severity::Error,
                &format!("{}: {message}", P::DESC.argument),
                &[],
            );
            false
        };
        match guarded(|| self.0.initialize(options, ctx)) {
            Ok(Ok(())) => true,
            Ok(Err(message)) => fail(message),
            Err(panic) => fail(bug(&panic)),
        }
    }
    fn run(&mut self, _: &Options, op: Op) -> bool {
        match guarded(|| self.0.run(op)) {
            Ok(Ok(())) => true,
            Ok(Err(Diagnostics(list))) => {
                for d in &list {
                    emit(d.loc, Severity::Error, &d.message, &d.notes);
                }
                false
            }
            Err(panic) => {
                emit(
                    op.loc(),
                    Severity::Error,
                    &format!("{}: {}", P::DESC.argument, bug(&panic)),
                    &[],
                );
                false
            }
        }
    }
}

fn bug(panic: &str) -> String {
    format!("internal error, please report it with the input: {panic}")
}

/// Registers a pass under its argument. Once per pass type and process.
pub fn register<P: Pass>() {
    quiet_panics();
    ffi::register_raw_pass::<Guarded<P>>();
}
