//! The module: one function a width, linalg on tensors.
//!
//! The text is what a trace of the PyTorch model gives: weights `[out, in]` that reach products through transposes, norms and softmax as
//! generics, caches updated by `tensor.insert_slice`. The rotary frequencies, scaled where the model scales them, are a constant.

mod attention;
mod function;
mod rope;
mod text;

use crate::error::ImportError;
use crate::source::Config;
use crate::weights::{Weight, weights};

/// Which of the two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The small model.
    Drafter,
    /// The large one, or the only one.
    Target,
}

impl Role {
    /// `drafter` or `target`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Drafter => "drafter",
            Role::Target => "target",
        }
    }

    /// Name of the function for calls of `tokens` tokens: `decode`, `verify5`, `draft`, `draft2`.
    pub fn function(self, tokens: usize) -> String {
        match (self, tokens) {
            (Role::Target, 1) => "decode".into(),
            (Role::Target, m) => format!("verify{m}"),
            (Role::Drafter, 1) => "draft".into(),
            (Role::Drafter, m) => format!("draft{m}"),
        }
    }
}

/// One model of the module.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its role.
    pub role: Role,
    /// Its sizes.
    pub config: Config,
    /// Tokens a call, a function each.
    pub widths: Vec<usize>,
    /// Rows of its caches.
    pub context: usize,
    /// Columns of its logits: at most the vocabulary, less where a pair agrees on less.
    pub logits: usize,
    /// In front of the weights' names: `drafter:` if they are of files of the drafter's own.
    pub prefix: &'static str,
}

impl Model {
    fn weights(&self) -> Vec<Weight> {
        let prefixed = |w: Weight| Weight {
            name: format!("{}{}", self.prefix, w.name),
            ..w
        };
        weights(&self.config).into_iter().map(prefixed).collect()
    }
}

/// The text of a module with all functions of the models.
///
/// # Errors
/// One of this program.
pub fn module(models: &[Model]) -> Result<String, ImportError> {
    let mut out = String::from(text::MAPS);
    out.push_str("module {\n");
    for model in models {
        for tokens in &model.widths {
            let text = function::function(model, *tokens);
            let internal = ImportError::Internal("a function uses weights that are not listed");
            out.push_str(&text.ok_or(internal)?);
        }
    }
    out.push_str("}\n");
    Ok(out)
}
