//! `spec-partition`: the pipeline of the toolkit.
//!
//! | step | why |
//! |---|---|
//! | `spec-identify` | finds the models and marks them, or explains why it cannot |
//! | `spec-place` | asks the cost model, writes plan and placements |
//! | `spec-outline` | carries them out |

use crate::place::OPTIONS;
use spec_dialect::ffi::register_pipeline;

/// Registers the pipeline; its options are those of `spec-place`.
pub(crate) fn register() {
    register_pipeline(
        "spec-partition",
        "Identify drafter and target, place them with the cost model, outline device regions",
        OPTIONS,
        expand,
    );
}

fn expand(options: &str) -> Result<String, String> {
    let place = if options.trim().is_empty() {
        "spec-place".to_owned()
    } else {
        format!("spec-place{{{options}}}")
    };
    Ok(format!("spec-identify,{place},spec-outline"))
}
