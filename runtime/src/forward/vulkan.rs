//! A model on a GPU.

use super::convert::{append_floats, write_integers};
use super::cover::Call;
use super::covered::Device;
use super::{CallTime, ForwardError};
use crate::bundle::CallError;
use crate::model::gpu::Shared;
use crate::model::signature::{Model, Signature, Use};
use crate::model::{LoadError, Loaded};
use crate::vulkan::{Buffer, DeviceBuffer, Recorded, Slot, Status};
use std::sync::Arc;
use std::time::Instant;

/// A model of a bundle on a GPU, with caches of its own.
pub(crate) struct VulkanModel {
    model: Arc<Model>,
    /// One for each of the model's widths.
    recorded: Vec<Recorded>,
    tokens: Buffer,
    position: Buffer,
    logits: Buffer,
    /// The weights are its.
    _loaded: Arc<Loaded>,
}

impl VulkanModel {
    pub(crate) fn new(
        loaded: &Arc<Loaded>,
        shared: &Shared,
        model: &Arc<Model>,
    ) -> Result<Self, LoadError> {
        let gpu = shared.gpu();
        let most = |used| model.most_bytes(&used) as u64;
        let (tokens, position) = (most(Use::Tokens), most(Use::Position));
        let caches = model.cache_bytes().into_iter().map(|n| n as u64);
        let caches = gpu.device_buffers(&caches.collect::<Vec<_>>())?;
        let mut made = Self {
            model: Arc::clone(model),
            recorded: vec![],
            tokens: gpu.buffer(tokens)?,
            position: gpu.buffer(position)?,
            logits: gpu.output_buffer(most(Use::Logits))?,
            _loaded: Arc::clone(loaded),
        };
        for signature in &model.functions {
            let recorded = made.record(loaded, shared, signature, &caches)?;
            made.recorded.push(recorded);
        }
        Ok(made)
    }

    fn record(
        &self,
        loaded: &Loaded,
        shared: &Shared,
        signature: &Signature,
        caches: &[DeviceBuffer],
    ) -> Result<Recorded, LoadError> {
        let slots = || signature.uses.iter().zip(&signature.slots);
        let extra = slots().filter(|(used, _)| **used == Use::Extra);
        let extra: Vec<u64> = extra.map(|(_, slot)| slot.bytes as u64).collect();
        let extra = shared.gpu().device_buffers(&extra)?;
        let mut extra = extra.iter();
        let mut bound = vec![];
        for (used, slot) in slots() {
            let found = match used {
                Use::Tokens => Some(Slot::Host(&self.tokens)),
                Use::Position => Some(Slot::Host(&self.position)),
                Use::Logits => Some(Slot::Host(&self.logits)),
                Use::Cache(index) => caches.get(*index).map(Slot::Device),
                Use::Weight(range) => shared.weight(range).map(Slot::Device),
                Use::Extra => extra.next().map(Slot::Device),
            };
            bound.push(found.ok_or_else(|| LoadError::Function {
                function: signature.name.clone(),
                problem: format!("there is no buffer for slot {}", slot.index),
            })?);
        }
        let program = shared.kernels(loaded, signature)?.program()?;
        Ok(program.bind_slots(&bound)?)
    }
}

impl Device for VulkanModel {
    fn model(&self) -> &Model {
        &self.model
    }

    fn settle(&mut self) -> Result<(), ForwardError> {
        // a call that took too long has the buffers, which are waited for without end in the next one
        for recorded in &mut self.recorded {
            recorded.settle().map_err(ForwardError::device)?;
        }
        Ok(())
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
        let found = self.model.function(call.width);
        let found = found.and_then(|(at, s)| Some((s, self.recorded.get_mut(at)?)));
        let (signature, recorded) = found.ok_or_else(|| {
            ForwardError::device(format!("there is no function for {} tokens", call.width))
        })?;
        for (used, slot) in signature.uses.iter().zip(&signature.slots) {
            let position = (position + call.from) as u64;
            match used {
                Use::Tokens => {
                    let last = tokens.last().copied().unwrap_or(0);
                    let ids = tokens.iter().copied().chain(std::iter::repeat(last));
                    let ids = ids.take(call.width).map(u64::from);
                    write_integers(&mut self.tokens.as_mut_slice(), slot.dtype, ids);
                }
                Use::Position => {
                    let position = std::iter::once(position);
                    write_integers(&mut self.position.as_mut_slice(), slot.dtype, position);
                }
                _ => {}
            }
        }
        let ready = Instant::now();
        let status = recorded.run().map_err(ForwardError::device)?;
        let done = Instant::now();
        let function = || signature.name.clone();
        match status {
            Status::Ok => {}
            Status::BadToken => {
                let function = function();
                return Err(ForwardError::device(CallError::BadToken { function }));
            }
            Status::Assertion => {
                let function = function();
                return Err(ForwardError::device(CallError::Assertion { function }));
            }
        }
        let row = self.model.vocabulary * signature.logits.bytes();
        let wanted = (call.tokens - rows) * row..call.tokens * row;
        let bytes = self.logits.as_slice();
        append_floats(
            logits,
            signature.logits,
            bytes.get(wanted).unwrap_or_default(),
        );
        Ok(CallTime {
            run: done - ready,
            handoff: (ready - start) + done.elapsed(),
        })
    }
}
