//! A kernel, and the buffers that it is launched with.

use super::scalars::Scalars;
use super::view::View;
use spec_dialect::ffi::Value;
use spec_kernels::gpu::Kernel;

/// A kernel and its buffers, one a binding.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// What is launched.
    pub(crate) kernel: Kernel,
    /// The buffer of each binding.
    pub(crate) buffers: Vec<Buffer>,
}

/// What a binding is bound to.
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    /// A contiguous buffer: an argument, an allocation, or a constant.
    pub(crate) root: Value,
    /// Elements of the binding's type before its first element.
    pub(crate) offset: i64,
}

impl Buffer {
    /// The part of the root from `view` on; its run-time offset is the kernel's own work.
    pub(crate) fn of(view: &View) -> Buffer {
        Buffer {
            root: view.root,
            offset: view.offset,
        }
    }
}

impl Scalars {
    /// The buffers of run-time values, in the order of the kernel's bindings.
    pub(crate) fn buffers(&self) -> impl Iterator<Item = Buffer> {
        self.views().map(Buffer::of)
    }
}
