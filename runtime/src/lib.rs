//! What a device runtime needs beside the compiled models: the rules of acceptance, and how long to draft.
//!
//! [`accept`] decides which drafts stand, by the same arithmetic as the `spec` dialect's rounds; [`draft_length`] chooses how
//! many drafts to make. Nothing here knows MLIR, allocates threads or keeps global state.

pub mod accept;
pub mod draft_length;
