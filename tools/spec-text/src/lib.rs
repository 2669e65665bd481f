//! From text to tokens and back, for the tools that run bundles: the `tokenizer.json` and the `text.json` that `spec-weights` writes
//! beside the weights. [`Words`] encodes prompts, in the model's chat template if wanted; [`Decoder`] makes text of tokens as they
//! come.

mod chat;
mod error;
mod words;

pub use chat::Chat;
pub use error::WordsError;
pub use words::{Decoder, Form, Words};
