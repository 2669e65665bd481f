//! Writes kernels: bindings and their offsets, invocations, arithmetic. Control flow, memory, reductions and functions are in the folder.
//!
//! All integers are i32, all arithmetic on floats is f32. Buffers are addressed by [`Writer::start`] plus a distance, both in
//! units of the binding's [`Width`].

mod expr;
mod flow;
mod math;
mod memory;
mod reduce;
mod shared;

use std::fmt::Display;

use super::{Access, Binding, Device, Emitted};
use crate::lanes::{float_literal, unsupported};
use crate::{DType, KernelError, Text, Value};

pub use memory::Width;
pub use reduce::Reduce;
pub use shared::Shared;

use memory::Argument;

/// Workgroups that every Vulkan device takes in one dimension.
const MOST_GROUPS: i64 = 65_535;
/// Where workgroup memory is declared, once its size is known.
const PROLOGUE: &str = "// workgroup memory";

/// A kernel under construction.
pub struct Writer {
    text: Text,
    device: Device,
    workgroup: u32,
    arguments: Vec<Argument>,
    starts: Vec<Value>,
    lane: Value,
    prologue: Vec<String>,
    shared_bytes: u64,
    scratch: Vec<Shared>,
}

impl Writer {
    /// A kernel with these bindings, run by workgroups of `workgroup` invocations.
    ///
    /// # Errors
    /// Too many bindings or invocations for the device, 2^31 elements or more, or elements of 8 or 16 bits that would have to be
    /// stored one by one on a device without such storage.
    pub fn new(
        device: &Device,
        workgroup: u32,
        bindings: &[(Binding, Width)],
    ) -> Result<Self, KernelError> {
        if bindings.len() > device.bindings as usize {
            return unsupported(format!(
                "a kernel with {} buffers: the device binds {} at most",
                bindings.len(),
                device.bindings
            ));
        }
        if workgroup == 0 || workgroup > device.invocations {
            return unsupported(format!(
                "a workgroup of {workgroup} invocations: the device takes {} at most",
                device.invocations
            ));
        }
        let mut arguments = Vec::new();
        for &(binding, width) in bindings {
            arguments.push(Argument::new(binding, width, device)?);
        }
        let mut writer = Writer {
            text: Text::new(),
            device: device.clone(),
            workgroup,
            arguments,
            starts: Vec::new(),
            lane: Value::named("lane"),
            prologue: Vec::new(),
            shared_bytes: 0,
            scratch: Vec::new(),
        };
        writer.begin();
        Ok(writer)
    }

    /// The header, the offsets and the invocation's number.
    fn begin(&mut self) {
        let mut parameters: Vec<String> = (0..self.arguments.len())
            .map(|i| format!("%b{i}: {}", self.arguments[i].memref()))
            .collect();
        if !parameters.is_empty() {
            parameters.push(format!("%push: {}", self.push()));
        }
        let abi = format!(
            "spirv.entry_point_abi = #spirv.entry_point_abi<workgroup_size = [{}, 1, 1]>",
            self.workgroup
        );
        self.text.open(format_args!(
            "gpu.func @KERNEL({}) kernel attributes {{{abi}}} {{",
            parameters.join(", ")
        ));
        self.line(PROLOGUE);
        for i in 0..self.arguments.len() {
            let word = self.op(format_args!("arith.constant {i} : index"));
            let start = self.op(format_args!("memref.load %push[{word}] : {}", self.push()));
            let step = self.arguments[i].step();
            let start = self.div(&start, step);
            self.starts.push(start);
        }
        let lane = self.op("gpu.thread_id x");
        self.lane = self.op(format_args!("arith.index_cast {lane} : index to i32"));
    }

    fn push(&self) -> String {
        format!(
            "memref<{}xi32, #spirv.storage_class<PushConstant>>",
            self.arguments.len()
        )
    }

    /// The kernel, to be run by `groups` workgroups.
    ///
    /// # Errors
    /// More workgroup memory than the device has, or more workgroups than Vulkan promises.
    pub fn finish(mut self, groups: [i64; 3]) -> Result<Emitted, KernelError> {
        self.line("gpu.return");
        self.text.close("}");
        if self.shared_bytes > u64::from(self.device.shared_bytes) {
            return unsupported(format!(
                "a kernel with {} bytes of workgroup memory: the device has {}",
                self.shared_bytes, self.device.shared_bytes
            ));
        }
        let mut dispatched = [1; 3];
        for (n, slot) in groups.into_iter().zip(&mut dispatched) {
            *slot = match u32::try_from(n) {
                Ok(count) if (1..=MOST_GROUPS).contains(&n) => count,
                _ => {
                    return unsupported(format!(
                        "{groups:?} workgroups: at most {MOST_GROUPS} in each dimension"
                    ));
                }
            };
        }
        let prologue: String = self
            .prologue
            .iter()
            .map(|line| format!("  {line}\n"))
            .collect();
        Ok(Emitted {
            text: self
                .text
                .finish()
                .replacen(&format!("  {PROLOGUE}\n"), &prologue, 1),
            workgroup: [self.workgroup, 1, 1],
            groups: dispatched,
        })
    }

    /// Invocations of a workgroup.
    pub fn lanes(&self) -> i64 {
        i64::from(self.workgroup)
    }

    /// The invocation's number in its workgroup.
    pub fn lane(&self) -> Value {
        self.lane.clone()
    }

    /// The workgroup's number in dimension `x`, `y` or `z`.
    pub fn group(&mut self, dimension: &str) -> Value {
        let id = self.op(format_args!("gpu.block_id {dimension}"));
        self.op(format_args!("arith.index_cast {id} : index to i32"))
    }

    /// A line of text.
    pub fn line(&mut self, line: impl Display) {
        self.text.line(line);
    }

    /// `%fresh = op`.
    pub fn op(&mut self, op: impl Display) -> Value {
        self.text.op(op)
    }

    /// A constant i32.
    pub fn int(&mut self, value: i64) -> Value {
        let value = value.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
        self.op(format_args!("arith.constant {value} : i32"))
    }

    /// A constant f32.
    pub fn float(&mut self, value: f32) -> Value {
        self.op(format_args!(
            "arith.constant {} : f32",
            float_literal(value)
        ))
    }

    /// `arith.NAME` of two i32 (`addi`, `divui`, `shrsi`, `minsi` ...).
    pub fn ints(&mut self, name: &str, a: &Value, b: &Value) -> Value {
        self.op(format_args!("arith.{name} {a}, {b} : i32"))
    }

    /// a + b.
    pub fn add(&mut self, a: &Value, b: &Value) -> Value {
        self.ints("addi", a, b)
    }

    /// a + a constant.
    pub fn add_const(&mut self, a: &Value, b: i64) -> Value {
        if b == 0 {
            return a.clone();
        }
        let b = self.int(b);
        self.add(a, &b)
    }

    /// a times a constant.
    pub fn mul(&mut self, a: &Value, b: i64) -> Value {
        if b == 1 {
            return a.clone();
        }
        let b = self.int(b);
        self.ints("muli", a, &b)
    }

    /// a * b + c for a constant b: an address.
    pub fn mul_add(&mut self, a: &Value, b: i64, c: &Value) -> Value {
        let product = self.mul(a, b);
        self.add(&product, c)
    }

    /// a divided by a constant; a is not negative.
    pub fn div(&mut self, a: &Value, b: i64) -> Value {
        if b == 1 {
            return a.clone();
        }
        let (name, b) = if b & (b - 1) == 0 {
            ("shrui", i64::from(b.trailing_zeros()))
        } else {
            ("divui", b)
        };
        let b = self.int(b);
        self.ints(name, a, &b)
    }

    /// The remainder of that division.
    pub fn rem(&mut self, a: &Value, b: i64) -> Value {
        let (name, b) = if b & (b - 1) == 0 {
            ("andi", b - 1)
        } else {
            ("remui", b)
        };
        let b = self.int(b);
        self.ints(name, a, &b)
    }

    /// `arith.NAME` of two f32 (`addf`, `mulf`, `maxnumf` ...).
    pub fn floats(&mut self, name: &str, a: &Value, b: &Value) -> Value {
        self.op(format_args!("arith.{name} {a}, {b} : f32"))
    }

    /// a * b + c, f32.
    pub fn fma(&mut self, a: &Value, b: &Value, c: &Value) -> Value {
        self.op(format_args!("math.fma {a}, {b}, {c} : f32"))
    }

    /// `arith.cmpi`.
    pub fn int_is(&mut self, predicate: &str, a: &Value, b: &Value) -> Value {
        self.op(format_args!("arith.cmpi {predicate}, {a}, {b} : i32"))
    }

    /// `arith.cmpi` with a constant.
    pub fn int_is_const(&mut self, predicate: &str, a: &Value, b: i64) -> Value {
        let b = self.int(b);
        self.int_is(predicate, a, &b)
    }

    /// `arith.cmpf` of f32.
    pub fn float_is(&mut self, predicate: &str, a: &Value, b: &Value) -> Value {
        self.op(format_args!("arith.cmpf {predicate}, {a}, {b} : f32"))
    }

    /// One of two values of type `ty`.
    pub fn choose(&mut self, which: &Value, a: &Value, b: &Value, ty: &str) -> Value {
        self.op(format_args!("arith.select {which}, {a}, {b} : {ty}"))
    }

    /// The nearest f32 of an i32.
    pub fn to_float(&mut self, a: &Value) -> Value {
        self.op(format_args!("arith.sitofp {a} : i32 to f32"))
    }
}

fn list(values: &[Value]) -> String {
    values
        .iter()
        .map(Value::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
