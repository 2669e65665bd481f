//! The passes of spec: identify the drafter and the target, place them, outline device regions.

pub mod identify;
pub mod link;
pub mod outline;
pub mod partition;
pub mod place;
pub mod quantize;
pub mod raise;
pub mod report;
pub mod session;

/// Registers all passes in MLIR's registry; once a process.
pub fn register() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        spec_dialect::pass::register::<link::Link>();
        spec_dialect::pass::register::<identify::Identify>();
        spec_dialect::pass::register::<place::Place>();
        spec_dialect::pass::register::<outline::Outline>();
        spec_dialect::pass::register::<raise::Raise>();
        spec_dialect::pass::register::<quantize::Quantize>();
        partition::register();
    });
}
