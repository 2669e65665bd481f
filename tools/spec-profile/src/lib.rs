//! Measures compiled models and devices, for the cost model: what `spec-profile` does, and what `spec-bench` and `spec-run` share with it.
//!
//! * [`statistics`]: medians, spreads, and measuring in turns. [`conditions`]: the machine and its state.
//! * [`measure`]: calls of models. [`profile`]: the file that the cost model reads. [`bundle`]: models out of compiled bundles.
//! * [`device`]: a device file for an unknown machine.
//! * [`predict`]: what the cost model says about a bundle. [`choose`]: the draft length and schedule that it finds best for one.

pub mod bundle;
pub mod choose;
pub mod conditions;
pub mod device;
pub mod measure;
pub mod predict;
pub mod profile;
pub mod statistics;
