//! A model function as the round sees it, and what a round asks of it.

use crate::identify::bounds::volume;
use crate::outline::PlacedFunction;
use crate::outline::text::dims;
use spec_dialect::attrs::Model;
use spec_dialect::ffi::Type;

/// A model function, looked at as "tokens and caches in, choices and caches out".
pub struct Entry<'a> {
    /// The function.
    pub f: &'a PlacedFunction,
    /// Types of its arguments.
    pub inputs: Vec<Type>,
    /// Types of its results.
    pub outputs: Vec<Type>,
}

impl<'a> Entry<'a> {
    /// Looks at a function.
    ///
    /// # Errors
    /// Why no round can call it.
    pub fn new(f: &'a PlacedFunction) -> Result<Self, String> {
        let (inputs, outputs) =
            f.op.attr("function_type")
                .and_then(|t| t.as_type())
                .and_then(|t| t.function())
                .ok_or("a model function has no function type")?;
        let e = Entry { f, inputs, outputs };
        e.check_interface()?;
        e.check_sizes()?;
        Ok(e)
    }

    /// Its interface.
    pub fn model(&self) -> &Model {
        &self.f.model
    }

    /// Every argument and result has a part in the round.
    fn check_interface(&self) -> Result<(), String> {
        let m = self.model();
        let name = &self.f.name;
        if m.token_args.len() != 1 {
            return Err(format!(
                "@{name} has {} token arguments, one is needed",
                m.token_args.len()
            ));
        }
        if m.position_args.len() > 1 {
            return Err(format!(
                "@{name} has {} integer arguments that could be the position; name the interface with spec.model",
                m.position_args.len()
            ));
        }
        let covered = 1 + m.position_args.len() + m.cache_args.len() + m.parameter_args.len();
        if covered != self.inputs.len() {
            return Err(format!(
                "@{name} has {} arguments of unknown purpose",
                self.inputs.len().saturating_sub(covered)
            ));
        }
        if m.cache_args.len() != m.cache_results.len() + m.row_results.len() {
            return Err(format!(
                "@{name} takes {} caches and returns {}",
                m.cache_args.len(),
                m.cache_results.len() + m.row_results.len()
            ));
        }
        if !m.cache_results.is_empty() && !m.row_results.is_empty() {
            return Err(format!(
                "@{name} returns some caches whole and of others only the new rows"
            ));
        }
        if m.layers > 0 && m.cache_args.is_empty() {
            return Err(format!(
                "@{name} takes no KV cache: a round gives it new tokens only; export it with caches as arguments and results"
            ));
        }
        if !m.cache_args.is_empty() && m.position_args.is_empty() {
            return Err(format!(
                "@{name} takes KV caches and no position: nothing says which of their rows are live"
            ));
        }
        if m.logits_results.is_empty() && m.token_results.is_empty() {
            return Err(format!("@{name} returns neither logits nor tokens"));
        }
        Ok(())
    }

    /// The types hold as many tokens as the model says that it takes. It may say so in an attribute that a user wrote.
    fn check_sizes(&self) -> Result<(), String> {
        let m = self.model();
        let name = &self.f.name;
        let (tokens, context) = (m.tokens.max(1) as u64, m.context_length.max(0) as u64);
        if !m.cache_args.is_empty() && tokens > context {
            return Err(format!(
                "@{name} takes {tokens} tokens a call and its caches hold {context}"
            ));
        }
        let given = volume(dims(self.token_type()));
        if given != tokens {
            return Err(format!(
                "@{name} has room for {given} tokens in its token argument, and spec.model says {tokens}"
            ));
        }
        for p in &m.position_args {
            let positions = volume(dims(self.inputs[*p as usize]));
            if positions != 1 && positions != tokens {
                return Err(format!(
                    "@{name} takes {positions} positions for {tokens} tokens"
                ));
            }
        }
        if let (Some(t), true) = (m.token_results.first(), m.logits_results.is_empty()) {
            let chosen = volume(dims(self.outputs[*t as usize]));
            if chosen != tokens {
                return Err(format!(
                    "@{name} chooses {chosen} tokens for the {} it takes",
                    m.tokens
                ));
            }
        }
        if let Some(l) = m.logits_results.first() {
            let (logits, v) = (
                volume(dims(self.outputs[*l as usize])),
                m.vocabulary.max(1) as u64,
            );
            if !logits.is_multiple_of(v) {
                return Err(format!(
                    "@{name} returns {logits} logits, not a multiple of its vocabulary of {v}"
                ));
            }
            if logits / v != tokens {
                return Err(format!(
                    "@{name} returns logits for {} of its {tokens} tokens",
                    logits / v
                ));
            }
        }
        Ok(())
    }

    /// Type of the token argument.
    pub fn token_type(&self) -> Type {
        self.inputs[self.model().token_args[0] as usize]
    }

    /// Types of the KV caches, in order.
    pub fn cache_types(&self) -> Vec<Type> {
        self.model()
            .cache_args
            .iter()
            .map(|i| self.inputs[*i as usize])
            .collect()
    }

    /// Types of the parameters, in order.
    pub fn parameter_types(&self) -> Vec<Type> {
        self.model()
            .parameter_args
            .iter()
            .map(|i| self.inputs[*i as usize])
            .collect()
    }
}
