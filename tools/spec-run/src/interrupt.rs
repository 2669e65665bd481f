//! Ctrl-C.

use crate::error::RunError;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::SeqCst;

/// What the program returns when it was ended.
pub const EXIT_CODE: u8 = 130;

/// Nothing to lose yet: end at once.
const IDLE: u8 = 0;
/// End after the current round.
const GENERATING: u8 = 1;
/// Ending; the next one ends at once.
const ENDING: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(IDLE);

/// Watches for Ctrl-C from now on. Until [`generating`] it ends the program at once.
///
/// # Errors
/// The system refuses.
pub fn watch() -> Result<(), RunError> {
    ctrlc::set_handler(|| {
        if STATE
            .compare_exchange(GENERATING, ENDING, SeqCst, SeqCst)
            .is_err()
        {
            #[allow(clippy::exit)] // loading, or pressed twice: at once, from the signal's thread
            std::process::exit(EXIT_CODE.into());
        }
    })?;
    Ok(())
}

/// From now on there is something to show.
pub fn generating() {
    let _ = STATE.compare_exchange(IDLE, GENERATING, SeqCst, SeqCst);
}

/// Whether to end.
pub fn interrupted() -> bool {
    STATE.load(SeqCst) == ENDING
}
