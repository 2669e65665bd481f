//! A model on a CPU.

use super::convert::{append_floats, write_integers};
use super::cover::Call;
use super::covered::Device;
use super::{CallTime, ForwardError};
use crate::bundle::{Buffer, Function, Workspace};
use crate::memory::{Memory, MemoryError};
use crate::model::signature::{Model, Signature, Use};
use crate::model::{LoadError, Loaded};
use crate::pool::Team;
use std::sync::Arc;
use std::time::Instant;

/// A model of a bundle on a CPU, with caches of its own.
pub(crate) struct CpuModel {
    loaded: Arc<Loaded>,
    model: Arc<Model>,
    /// In the order of the model's widths.
    functions: Vec<Function>,
    caches: Vec<Memory>,
    tokens: Memory,
    position: Memory,
    logits: Memory,
    /// Results that nobody asks for, of the function that has most of them.
    extra: Vec<Memory>,
    workspace: Workspace,
    team: Team,
}

/// Memory in pages that fit its size.
fn memory(bytes: usize) -> Result<Memory, MemoryError> {
    const LARGE: usize = 1 << 20;
    if bytes < LARGE {
        Memory::new(bytes)
    } else {
        Memory::huge(bytes)
    }
}

impl CpuModel {
    pub(crate) fn new(
        loaded: &Arc<Loaded>,
        model: &Arc<Model>,
        team: Team,
    ) -> Result<Self, LoadError> {
        let find = |f: &Signature| loaded.bundle().function(&f.name).cloned();
        let functions = model
            .functions
            .iter()
            .map(find)
            .collect::<Result<Vec<_>, _>>()?;
        let caches = model.cache_bytes().into_iter().map(memory);
        let mut extra: Vec<usize> = vec![];
        for function in &model.functions {
            let slots = function.uses.iter().zip(&function.slots);
            let bytes = slots
                .filter(|(u, _)| **u == Use::Extra)
                .map(|(_, s)| s.bytes);
            for (at, bytes) in bytes.enumerate() {
                match extra.get_mut(at) {
                    Some(most) => *most = bytes.max(*most),
                    None => extra.push(bytes),
                }
            }
        }
        Ok(Self {
            caches: caches.collect::<Result<_, _>>()?,
            tokens: memory(model.most_bytes(&Use::Tokens))?,
            position: memory(model.most_bytes(&Use::Position))?,
            logits: memory(model.most_bytes(&Use::Logits))?,
            extra: extra.into_iter().map(memory).collect::<Result<_, _>>()?,
            workspace: Workspace::new(&functions)?,
            functions,
            loaded: Arc::clone(loaded),
            model: Arc::clone(model),
            team,
        })
    }
}

impl Device for CpuModel {
    fn model(&self) -> &Model {
        &self.model
    }

    fn call(
        &mut self,
        call: Call,
        tokens: &[u32],
        position: usize,
        rows: usize,
        logits: &mut Vec<f32>,
    ) -> Result<CallTime, ForwardError> {
        let start = Instant::now();
        let missing =
            || ForwardError::device(format!("there is no function for {} tokens", call.width));
        let (at, signature) = self.model.function(call.width).ok_or_else(missing)?;
        let function = self.functions.get(at).ok_or_else(missing)?;
        let last = tokens.last().copied().unwrap_or(0);
        let mut ids = tokens
            .iter()
            .map(|t| u64::from(*t))
            .chain(std::iter::repeat(u64::from(last)));

        let mut buffers = Vec::with_capacity(signature.slots.len());
        let mut caches = self.caches.iter_mut();
        let mut extra = self.extra.iter_mut();
        let (mut tokens_memory, mut position_memory, mut logits_memory) = (
            Some(&mut self.tokens),
            Some(&mut self.position),
            Some(&mut self.logits),
        );
        for (used, slot) in signature.uses.iter().zip(&signature.slots) {
            let written = match used {
                Use::Weight(range) => {
                    buffers.push(Buffer::Read(self.loaded.store().get(range)));
                    continue;
                }
                Use::Tokens => tokens_memory.take(),
                Use::Position => position_memory.take(),
                Use::Logits => logits_memory.take(),
                Use::Cache(_) => caches.next(),
                Use::Extra => extra.next(),
            };
            let bytes = written.and_then(|m| m.bytes_mut().get_mut(..slot.bytes));
            let bytes = bytes.unwrap_or_default(); // if it were missing, the call would say so
            match used {
                Use::Tokens => write_integers(bytes, slot.dtype, &mut ids),
                Use::Position => {
                    let position = std::iter::once((position + call.from) as u64);
                    write_integers(bytes, slot.dtype, position);
                }
                _ => {}
            }
            buffers.push(Buffer::Write(bytes));
        }
        let entered = self.team.pool().enter();
        let ready = Instant::now();
        let called = function.call_on(&mut buffers, &mut self.workspace, &self.team);
        let done = Instant::now();
        drop(entered);
        called.map_err(ForwardError::device)?;
        let row = self.model.vocabulary * signature.logits.bytes();
        let wanted = (call.tokens - rows) * row..call.tokens * row;
        let bytes = self.logits.bytes().get(wanted).unwrap_or_default();
        append_floats(logits, signature.logits, bytes);
        Ok(CallTime {
            run: done - ready,
            handoff: (ready - start) + done.elapsed(),
        })
    }
}
