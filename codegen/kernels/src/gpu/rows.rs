//! Kernels of rows: normalisation, activations, rotation, look-up, argmax, softmax, assertions.
//!
//! What they compute, to the last special case, is what the CPU's kernels of the same names document.

mod check;
mod lookup;
mod normalise;
mod pick;
mod pointwise;

use super::linear::STAGED;
use super::{Access, Binding, Device, Emitted, Kernel, Width, Writer};

use crate::lanes::unsupported;
use crate::{Kernel as Cpu, KernelError, NormKind, Slot, Value};
pub(super) use pointwise::{pair, rotate};

pub(super) fn label(kernel: &Kernel) -> String {
    match kernel {
        Kernel::Norm(k) => {
            let kind = if k.kind == NormKind::Rms {
                "rms"
            } else {
                "layer"
            };
            format!("norm_{kind}_{}", k.n)
        }
        Kernel::Activation(k) => format!("{}_{}", k.function.name(), k.n),
        Kernel::Rope(k) => format!("rope_{}", k.d),
        Kernel::Embedding(k) => format!("embedding_{}", k.n),
        Kernel::Argmax(k) => format!("argmax_{}", k.v),
        Kernel::Softmax(k) => format!("softmax_{}", k.n),
        Kernel::TopK(k) => format!("top{}_{}", k.k, k.v),
        Kernel::Check(_) => "check".into(),
        other => other.label(),
    }
}

pub(super) fn bindings(kernel: &Kernel) -> Vec<Binding> {
    let slots = match kernel.clone() {
        Kernel::Norm(k) => Cpu::Norm(k).slots(),
        Kernel::Activation(k) => Cpu::Activation(k).slots(),
        Kernel::Rope(k) => Cpu::Rope(k).slots(),
        Kernel::Embedding(k) => Cpu::Embedding(k).slots(),
        Kernel::Argmax(k) => Cpu::Argmax(k).slots(),
        Kernel::Softmax(k) => Cpu::Softmax(k).slots(),
        Kernel::TopK(k) => return pick::top_bindings(&k),
        Kernel::Check(k) => return check::bindings(&k),
        other => return other.bindings(),
    };
    slots.into_iter().filter_map(binding).collect()
}

/// A CPU kernel's slot as a binding; a scalar has none.
fn binding(slot: Slot) -> Option<Binding> {
    let (name, dtype, elements, access) = match slot {
        Slot::Read {
            name,
            dtype,
            elements,
        } => (name, dtype, elements, Access::Read),
        Slot::Write {
            name,
            dtype,
            elements,
        } => (name, dtype, elements, Access::Write),
        Slot::Scalar { .. } => return None,
    };
    Some(Binding {
        name,
        dtype,
        access,
        elements,
    })
}

pub(super) fn emit(kernel: &Kernel, device: &Device) -> Result<Emitted, KernelError> {
    let bindings = bindings(kernel);
    let start = |lanes: i64| {
        let bindings: Vec<_> = bindings.iter().map(|&b| (b, Width::One)).collect();
        let lanes = u32::try_from(lanes).unwrap_or(u32::MAX);
        Writer::new(device, lanes, &bindings)
    };
    match kernel {
        Kernel::Norm(k) => {
            k.check()?;
            normalise::norm(k, start(STAGED)?)
        }
        Kernel::Softmax(k) => {
            k.check()?;
            normalise::softmax(k, start(lanes_for(k.n, 4, device))?)
        }
        Kernel::Activation(k) => {
            k.check()?;
            pointwise::activation(k, start(64)?)
        }
        Kernel::Rope(k) => {
            k.check()?;
            pointwise::rope(k, start(64)?)
        }
        Kernel::Embedding(k) => {
            k.check()?;
            lookup::embedding(k, start(64)?)
        }
        Kernel::Argmax(k) => {
            k.check()?;
            pick::argmax(k, start(lanes_for(k.v, 1, device))?)
        }
        Kernel::TopK(k) => {
            pick::check_top(k)?;
            pick::top(k, start(lanes_for(k.v, 1, device))?)
        }
        Kernel::Check(k) => check::check(k, start(1)?),
        other => unsupported(format!("{} is not a kernel of rows", other.label())),
    }
}

/// Lanes of a workgroup that shares `n` elements: a power of two, 16 to 256, with about `each` elements a lane.
pub(super) fn lanes_for(n: i64, each: u32, device: &Device) -> i64 {
    let wanted = (n.unsigned_abs() / u64::from(each))
        .clamp(16, 256)
        .next_power_of_two();
    let most = 1_u64 << device.invocations.max(1).ilog2();
    wanted.min(most).cast_signed()
}

/// `item` of `outer * inner` items as (outer, inner) numbers.
pub(super) fn unravel(w: &mut Writer, item: &Value, outer: i64, inner: i64) -> (Value, Value) {
    if outer == 1 {
        return (w.int(0), item.clone());
    }
    (w.div(item, inner), w.rem(item, inner))
}
