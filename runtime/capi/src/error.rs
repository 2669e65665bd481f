//! What goes wrong, by status.

use spec_runtime::generate::GenerateError;
use spec_runtime::model::LoadError;
use spec_runtime::text::TextError;

/// An error with its status (`SPEC_STATUS_*`).
#[derive(Debug)]
pub struct Failure {
    /// What the function returns.
    pub status: i32,
    /// What `spec_last_error` says.
    pub message: String,
}

/// All is well.
pub const OK: i32 = 0;
/// A NULL, or a number out of range.
pub const BAD_ARGUMENT: i32 = 1;
/// Not a handle.
pub const BAD_HANDLE: i32 = 2;
/// Another thread uses the session.
pub const BUSY: i32 = 3;
/// The bundle cannot be loaded.
pub const LOAD: i32 = 4;
/// Generation failed.
pub const GENERATE: i32 = 5;
/// A bug.
pub const INTERNAL: i32 = 6;

impl Failure {
    /// The caller's mistake.
    pub fn argument(message: impl Into<String>) -> Self {
        Self {
            status: BAD_ARGUMENT,
            message: message.into(),
        }
    }

    fn of(status: i32, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = error.source();
        }
        Self { status, message }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::of(LOAD, &error)
    }
}

impl From<TextError> for Failure {
    fn from(error: TextError) -> Self {
        Self::of(LOAD, &error)
    }
}

impl From<GenerateError> for Failure {
    fn from(error: GenerateError) -> Self {
        Self::of(GENERATE, &error)
    }
}
