//! How many bytes of workgroup memory (SPIR-V's storage class Workgroup) each kernel of a module uses.
//!
//! Vulkan's limit maxComputeSharedMemorySize holds for a kernel, and a module has many. Only what an entry point names in its
//! interface, and what its function and the functions that it calls use, counts for it.

use super::wrong;
use crate::vulkan::VulkanError;
use spirv::{Op, StorageClass};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Length and alignment of a value in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    bytes: u64,
    align: u64,
}

impl Layout {
    const NOTHING: Self = Self { bytes: 0, align: 1 };

    fn scalar(bits: u32) -> Self {
        let bytes = u64::from(bits.div_ceil(8));
        let align = bytes.max(1);
        Self { bytes, align }
    }

    /// Drivers align a vector of 3 like one of 4.
    fn vector(self, lanes: u32) -> Self {
        let times = |n: u32| self.bytes.saturating_mul(u64::from(n));
        Self {
            bytes: times(lanes),
            align: times(lanes.checked_next_power_of_two().unwrap_or(lanes)).max(1),
        }
    }

    fn array(self, length: u64) -> Self {
        let stride = self.bytes.checked_next_multiple_of(self.align);
        let bytes = stride.unwrap_or(u64::MAX).saturating_mul(length);
        Self { bytes, ..self }
    }

    /// This, padding, and then `next`.
    fn then(self, next: Self) -> Self {
        let start = self.bytes.checked_next_multiple_of(next.align);
        Self {
            bytes: start.unwrap_or(u64::MAX).saturating_add(next.bytes),
            align: self.align.max(next.align),
        }
    }
}

/// What is collected on the way through the instructions.
#[derive(Debug, Default)]
pub(super) struct Shared {
    types: HashMap<u32, Layout>,
    /// Type that a pointer type points to.
    pointers: HashMap<u32, u32>,
    constants: HashMap<u32, u64>,
    /// Type of each variable of the class Workgroup; None: not known. Ids of such variables, in a module's order.
    variables: Vec<(u32, Option<Layout>)>,
    functions: HashMap<u32, Body>,
    /// The function that is being read.
    current: u32,
}

/// What a function refers to.
#[derive(Debug, Default)]
struct Body {
    /// Ids where instructions take pointers.
    pointers: HashSet<u32>,
    calls: Vec<u32>,
}

impl Shared {
    /// Takes note of an instruction: its operands with type and result.
    pub(super) fn read(&mut self, op: Op, args: &[u32]) {
        match (op, args) {
            (Op::Function, [_, id, ..]) => {
                self.current = *id;
                self.functions.insert(*id, Body::default());
            }
            (Op::Variable, [pointer, id, class, ..])
                if *class == StorageClass::Workgroup as u32 =>
            {
                let target = self.pointers.get(pointer);
                let layout = target.and_then(|t| self.types.get(t)).copied();
                self.variables.push((*id, layout));
            }
            (Op::TypePointer, [id, _, target]) => drop(self.pointers.insert(*id, *target)),
            (Op::Constant | Op::SpecConstant, [_, id, low, rest @ ..]) => {
                let high = rest.first().copied().unwrap_or(0);
                let value = u64::from(high) << 32 | u64::from(*low);
                self.constants.insert(*id, value);
            }
            _ => match (self.layout(op, args), args.first()) {
                (Some(layout), Some(id)) => drop(self.types.insert(*id, layout)),
                _ => self.body(op, args),
            },
        }
    }

    /// Layout of the type that an instruction makes, if it makes one that is known.
    fn layout(&self, op: Op, args: &[u32]) -> Option<Layout> {
        let of = |id: &u32| self.types.get(id).copied();
        match (op, args) {
            (Op::TypeBool, [_]) => Some(Layout::scalar(32)),
            (Op::TypeInt | Op::TypeFloat, [_, bits, ..]) => Some(Layout::scalar(*bits)),
            (Op::TypeVector, [_, element, lanes]) => Some(of(element)?.vector(*lanes)),
            (Op::TypeMatrix, [_, column, count]) => Some(of(column)?.array(u64::from(*count))),
            (Op::TypeArray, [_, element, length]) => {
                Some(of(element)?.array(*self.constants.get(length)?))
            }
            (Op::TypeStruct, [_, members @ ..]) => members
                .iter()
                .try_fold(Layout::NOTHING, |all, m| Some(all.then(of(m)?))),
            _ => None,
        }
    }

    /// Operands that may be pointers, in modules without variable pointers (devices are opened without them): other operands can be
    /// numbers, which look like ids.
    fn body(&mut self, op: Op, args: &[u32]) {
        let Some(body) = self.functions.get_mut(&self.current) else {
            return;
        };
        let pointers = match op {
            Op::FunctionCall => {
                body.calls.extend(args.get(2));
                args.get(3..)
            }
            Op::Store | Op::AtomicStore => args.get(..1),
            Op::CopyMemory => args.get(..2),
            Op::ExtInst => args.get(4..), // Modf and Frexp
            Op::Load
            | Op::AccessChain
            | Op::InBoundsAccessChain
            | Op::CopyObject
            | Op::AtomicLoad
            | Op::AtomicExchange
            | Op::AtomicCompareExchange
            | Op::AtomicIIncrement
            | Op::AtomicIDecrement
            | Op::AtomicIAdd
            | Op::AtomicISub
            | Op::AtomicSMin
            | Op::AtomicUMin
            | Op::AtomicSMax
            | Op::AtomicUMax
            | Op::AtomicAnd
            | Op::AtomicOr
            | Op::AtomicXor => args.get(2..3),
            _ => None,
        };
        body.pointers.extend(pointers.unwrap_or_default());
    }

    /// Bytes that the entry point with this function and interface uses, with padding.
    ///
    /// # Errors
    /// The type of a variable is not known.
    pub(super) fn bytes(&self, function: u32, interface: &[u32]) -> Result<u64, VulkanError> {
        let called = self.called(function);
        let bodies: Vec<&Body> = called
            .iter()
            .filter_map(|f| self.functions.get(f))
            .collect();
        let used =
            |id: &u32| interface.contains(id) || bodies.iter().any(|b| b.pointers.contains(id));
        let mut all = Layout::NOTHING;
        for (id, layout) in self.variables.iter().filter(|(id, _)| used(id)) {
            let unknown = || wrong(format!("the Workgroup variable {id} is of an unknown type"));
            all = all.then(layout.ok_or_else(unknown)?);
        }
        Ok(all.bytes)
    }

    /// A function, and all that it calls.
    fn called(&self, function: u32) -> BTreeSet<u32> {
        let mut found = BTreeSet::from([function]);
        let mut rest = vec![function];
        while let Some(function) = rest.pop() {
            let body = self.functions.get(&function);
            let calls = body.iter().flat_map(|b| &b.calls);
            rest.extend(calls.filter(|c| found.insert(**c)));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Instruction<'a> = (Op, &'a [u32]);

    const WORKGROUP: u32 = StorageClass::Workgroup as u32;
    const F32: u32 = 1;
    const F16: u32 = 2;
    const VEC3: u32 = 3;
    const TEN: u32 = 4;

    /// Some types and a constant, those of `make`, and variable 100 of type `target`.
    fn with(make: &[Instruction<'_>], target: u32) -> Shared {
        let mut shared = Shared::default();
        shared.read(Op::TypeFloat, &[F32, 32]);
        shared.read(Op::TypeFloat, &[F16, 16]);
        shared.read(Op::TypeVector, &[VEC3, F32, 3]);
        shared.read(Op::Constant, &[F32, TEN, 10]);
        for (op, args) in make {
            shared.read(*op, args);
        }
        shared.read(Op::TypePointer, &[90, WORKGROUP, target]);
        shared.read(Op::Variable, &[90, 100, WORKGROUP]);
        shared
    }

    #[test]
    fn values_have_the_bytes_of_their_types() {
        let table: [(&[Instruction<'_>], u32, u64); 7] = [
            (&[], F16, 2),
            (&[], VEC3, 12),
            (&[(Op::TypeBool, &[5])], 5, 4),
            (&[(Op::TypeArray, &[5, F16, TEN])], 5, 20),
            (&[(Op::TypeArray, &[5, VEC3, TEN])], 5, 160),
            // f16, f32, vec3, f16: from 0, 4, 16, 28
            (&[(Op::TypeStruct, &[5, F16, F32, VEC3, F16])], 5, 30),
            (
                &[
                    (Op::TypeMatrix, &[5, VEC3, 2]),
                    (Op::SpecConstant, &[F32, 6, 3]),
                    (Op::TypeArray, &[7, 5, 6]),
                ],
                7,
                96,
            ),
        ];
        for (make, target, bytes) in table {
            let found = with(make, target).bytes(0, &[100]);
            assert_eq!(found.expect("known"), bytes, "{make:?}");
        }
        let unknown = with(&[(Op::TypeRuntimeArray, &[5, F32])], 5);
        let error = unknown.bytes(0, &[100]).expect_err("it has no length");
        assert!(error.to_string().contains("the Workgroup variable 100"));
        assert_eq!(unknown.bytes(0, &[]).expect("it is not used"), 0);
    }

    #[test]
    fn what_a_kernel_uses_counts_once() {
        let mut shared = with(&[], F16);
        shared.read(Op::TypePointer, &[91, WORKGROUP, VEC3]);
        for id in [101, 102] {
            shared.read(Op::Variable, &[91, id, WORKGROUP]);
        }
        let storage = StorageClass::StorageBuffer as u32;
        shared.read(Op::Variable, &[91, 103, storage]);
        // 200 uses 100 and calls 201, which uses 101 twice and calls itself and 202, which is not there
        shared.read(Op::Function, &[F32, 200, 0, 0]);
        shared.read(Op::Load, &[F16, 300, 100]);
        shared.read(Op::FunctionCall, &[F32, 301, 201]);
        shared.read(Op::FunctionEnd, &[]);
        shared.read(Op::Function, &[F32, 201, 0, 0]);
        shared.read(Op::Store, &[101, 300]);
        shared.read(Op::AccessChain, &[91, 302, 101, TEN]);
        shared.read(Op::FunctionCall, &[F32, 303, 201]);
        shared.read(Op::FunctionCall, &[F32, 304, 202]);
        // numbers that look like ids, and memory that is not shared
        shared.read(Op::ExtInst, &[F32, 305, 9, 102, 300]);
        shared.read(Op::CompositeExtract, &[F32, 306, 300, 102]);
        shared.read(Op::Load, &[F32, 307, 103, 102]);
        shared.read(Op::Function, &[F32, 203, 0, 0]);
        let bytes = |function, interface| shared.bytes(function, interface).expect("known");
        assert_eq!(bytes(201, &[]), 12);
        // the vector of 3 starts at 16
        assert_eq!(bytes(200, &[]), 28);
        assert_eq!(bytes(200, &[101, 103]), 28);
        assert_eq!(bytes(203, &[]), 0);
        assert_eq!(bytes(203, &[101, 102]), 28);
    }

    #[test]
    fn lengths_that_overflow_are_large() {
        let make: [Instruction<'_>; 3] = [
            (Op::Constant, &[F32, 5, u32::MAX, u32::MAX]),
            (Op::TypeArray, &[6, VEC3, 5]),
            (Op::TypeStruct, &[7, F32, 6]),
        ];
        assert_eq!(with(&make, 7).bytes(0, &[100]).expect("known"), u64::MAX);
        let none: [Instruction<'_>; 2] = [
            (Op::TypeVector, &[5, F32, u32::MAX]),
            (Op::TypeStruct, &[6]),
        ];
        assert_eq!(with(&none, 6).bytes(0, &[100]).expect("known"), 0);
    }
}
