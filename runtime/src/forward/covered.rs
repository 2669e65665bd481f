//! A model on a device: any number of tokens by calls of the widths that were compiled.

use super::cover::{Call, cover};
use super::{CallTime, Forward, ForwardError, check};
use crate::model::signature::Model;

/// What runs single calls.
pub(super) trait Device: Send {
    /// What is called.
    fn model(&self) -> &Model;

    /// Waits for what an earlier call left under way.
    ///
    /// # Errors
    /// It does not end.
    fn settle(&mut self) -> Result<(), ForwardError> {
        Ok(())
    }

    /// One call, for `tokens` of the sequence from `position` + `call.from` on; appends the logits of the last `rows` of them.
    ///
    /// # Errors
    /// [`ForwardError::Device`].
    fn call(
        &mut self,
        call: Call,
        tokens: &[u32],
        position: usize,
        rows: usize,
        logits: &mut Vec<f32>,
    ) -> Result<CallTime, ForwardError>;
}

/// A model that takes any number of tokens.
pub(crate) struct Covered<D>(pub(crate) D);

impl<D: Device> Forward for Covered<D> {
    fn vocabulary(&self) -> usize {
        self.0.model().vocabulary
    }

    fn context(&self) -> usize {
        self.0.model().context
    }

    fn widths(&self) -> &[usize] {
        &self.0.model().widths
    }

    fn forward(
        &mut self,
        tokens: &[u32],
        position: usize,
        rows: usize,
        logits: &mut Vec<f32>,
    ) -> Result<CallTime, ForwardError> {
        let (vocabulary, context) = (self.vocabulary(), self.context());
        check(vocabulary, context, tokens, position, rows)?;
        self.0.settle()?;
        logits.clear();
        logits.reserve(rows * vocabulary);
        let mut time = CallTime::default();
        for call in cover(self.widths(), tokens.len(), position, context)? {
            let end = call.from + call.tokens;
            let part = tokens.get(call.from..end).unwrap_or_default();
            // rows wanted are the last ones of all tokens
            let rows = rows.saturating_sub(tokens.len() - end).min(call.tokens);
            time += self.0.call(call, part, position, rows, logits)?;
        }
        Ok(time)
    }
}
