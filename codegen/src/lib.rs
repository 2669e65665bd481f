//! Lowerings of the spec dialect.

mod lower_to_host;

pub use lower_to_host::LowerToHost;

/// Registers all passes of this crate in MLIR's registry; once a process.
pub fn register() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(spec_dialect::pass::register::<LowerToHost>);
}
