//! The launches of a function as a list that a runtime can record: kernels, buffers, barriers.

use crate::lower_to_gpu::STATUS_ARGUMENT;
use crate::plan_memory::{RESULT_ARGUMENTS, WORKSPACE_BYTES};
use spec_dialect::ffi::{Attr, Op, Value};
use std::collections::HashMap;

/// Offsets of bound parts are multiples of this: no Vulkan device asks for more.
pub const ALIGNMENT: u64 = 256;

/// One function's work on a GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Buffers that the caller gives: the function's arguments, then its results that are not arguments.
    pub arguments: usize,
    /// For each result, the argument that holds it.
    pub results: Vec<usize>,
    /// Scratch memory. Its first 4 bytes are the status word.
    pub workspace_bytes: u64,
    /// Constants, as they lie in memory.
    pub constants: Vec<u8>,
    /// Entry points that are launched.
    pub kernels: Vec<EntryPoint>,
    /// In order.
    pub launches: Vec<Launch>,
}

/// A kernel of the SPIR-V module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPoint {
    /// Its name.
    pub name: String,
    /// Invocations of a workgroup.
    pub workgroup: [u32; 3],
}

/// One dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Place in [`Schedule::kernels`].
    pub kernel: usize,
    /// Workgroups.
    pub groups: [u32; 3],
    /// Whether it must wait for launches before it.
    pub barrier: bool,
    /// What is bound, one a binding.
    pub spans: Vec<Span>,
    /// Push constants: elements between the start of each span and the operand's first element.
    pub push: Vec<u32>,
}

/// Part of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which buffer.
    pub buffer: Buffer,
    /// First byte; a multiple of [`ALIGNMENT`].
    pub offset: u64,
    /// Bytes.
    pub bytes: u64,
    /// Whether it is read.
    pub reads: bool,
    /// Whether it is written.
    pub writes: bool,
}

/// A buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Buffer {
    /// An argument.
    Argument(usize),
    /// The scratch memory.
    Workspace,
    /// The constants.
    Constants,
}

/// The schedule of `function`, whose memory is planned. `entry` is what a kernel is called in the SPIR-V module.
///
/// # Errors
/// The function holds something else than launches.
pub fn schedule(function: Op) -> Result<Schedule, String> {
    let body = function.body().ok_or("a function without a body")?;
    let number = |name: &str| function.attr(name).and_then(Attr::as_i64);
    let status = number(STATUS_ARGUMENT).ok_or("no kernels were made for this function")? as usize;
    let results = function.attr(RESULT_ARGUMENTS).and_then(Attr::as_i64_array);
    let workspace_bytes =
        number(WORKSPACE_BYTES).ok_or("the memory of this function is not planned")?;
    let mut reader = Reader {
        status,
        schedule: Schedule {
            arguments: status,
            results: results
                .unwrap_or_default()
                .into_iter()
                .map(|r| r as usize)
                .collect(),
            workspace_bytes: (workspace_bytes as u64).max(ALIGNMENT),
            ..Schedule::default()
        },
        names: HashMap::new(),
        globals: HashMap::new(),
        pending: vec![],
    };
    for op in body.ops() {
        match op.name() {
            "spec.launch" => reader.launch(op)?,
            "memref.view" | "memref.get_global" | "arith.constant" | "func.return" => {}
            name if op.is_pure() || name == "memref.load" => {}
            other => return Err(format!("{other} is not launched by any kernel")),
        }
    }
    Ok(reader.schedule)
}

struct Reader {
    status: usize,
    schedule: Schedule,
    names: HashMap<String, usize>,
    /// Where constants lie.
    globals: HashMap<String, u64>,
    /// What was read and written since the last barrier.
    pending: Vec<Span>,
}

impl Reader {
    fn launch(&mut self, op: Op) -> Result<(), String> {
        let list = |name: &str| {
            op.attr(name)
                .and_then(Attr::as_i64_array)
                .unwrap_or_default()
        };
        let (offsets, lengths, access) = (list("offsets"), list("lengths"), list("access"));
        let three = |name: &str| -> Result<[u32; 3], String> {
            let numbers: Result<Vec<u32>, _> = list(name).into_iter().map(u32::try_from).collect();
            let numbers = numbers.ok().and_then(|n| n.try_into().ok());
            numbers.ok_or_else(|| format!("{name} of a launch are not three numbers of 32 bits"))
        };
        let (groups, workgroup) = (three("groups")?, three("workgroup")?);
        let kernel = op.attr("kernel").and_then(Attr::as_nested_symbol);
        let (_, name) = kernel.ok_or("a launch of no kernel")?;
        let kernel = self.kernel(name, workgroup);
        let (mut spans, mut push) = (vec![], vec![]);
        for (i, value) in op.operands().enumerate() {
            let (buffer, start, whole) = self.place(value)?;
            let first = start + offsets[i] as u64;
            let offset = first / ALIGNMENT * ALIGNMENT;
            let mut end = (first + lengths[i] as u64).min(start + whole);
            if !matches!(buffer, Buffer::Argument(_)) {
                end = end.next_multiple_of(4); // kernels may read whole words; places are multiples of them
            }
            let element = value.ty().shape().element.bits().div_ceil(8);
            if !(first - offset).is_multiple_of(element) {
                return Err("internal error: an operand begins inside of an element".into());
            }
            push.push(((first - offset) / element) as u32);
            spans.push(Span {
                buffer,
                offset,
                bytes: end - offset,
                reads: access[i] != 1,
                writes: access[i] != 0,
            });
        }
        let barrier = spans
            .iter()
            .any(|s| self.pending.iter().any(|p| s.conflicts(p)));
        if barrier {
            self.pending.clear();
        }
        self.pending.extend(&spans);
        self.schedule.launches.push(Launch {
            kernel,
            groups,
            barrier,
            spans,
            push,
        });
        Ok(())
    }

    fn kernel(&mut self, name: &str, workgroup: [u32; 3]) -> usize {
        let next = self.names.len();
        *self.names.entry(name.to_owned()).or_insert_with(|| {
            self.schedule.kernels.push(EntryPoint {
                name: name.to_owned(),
                workgroup,
            });
            next
        })
    }

    /// Buffer, first byte, and bytes of a root.
    fn place(&mut self, value: Value) -> Result<(Buffer, u64, u64), String> {
        let shape = value.ty().shape();
        let elements: Option<u64> = shape.dims.iter().copied().product::<Option<u64>>();
        let bytes = elements.ok_or("a buffer of dynamic size")? * shape.element.bits().div_ceil(8);
        let Some(op) = value.def() else {
            return Ok(match value.index() {
                i if i == self.status => (Buffer::Workspace, 0, bytes),
                i => (Buffer::Argument(i), 0, bytes),
            });
        };
        match op.name() {
            "memref.view" => {
                let offset = op
                    .operand(1)
                    .and_then(Value::def)
                    .and_then(|c| c.attr("value"));
                let offset = offset
                    .and_then(Attr::as_i64)
                    .ok_or("a place that is not constant")?;
                Ok((Buffer::Workspace, offset as u64, bytes))
            }
            "memref.get_global" => {
                let name = op
                    .attr("name")
                    .and_then(Attr::as_flat_symbol)
                    .ok_or("a constant without a name")?;
                Ok((Buffer::Constants, self.global(op, name, bytes)?, bytes))
            }
            other => Err(format!("{other} makes a buffer that is launched with")),
        }
    }

    /// Where the constant `name` lies.
    fn global(&mut self, user: Op, name: &str, bytes: u64) -> Result<u64, String> {
        if let Some(place) = self.globals.get(name) {
            return Ok(*place);
        }
        let mut module = user;
        while let Some(parent) = module.parent() {
            module = parent;
        }
        let ops = module.body().map(|b| b.ops()).unwrap_or_default();
        let global = ops
            .into_iter()
            .find(|o| o.name() == "memref.global" && o.symbol() == Some(name));
        let value = global
            .and_then(|g| g.attr("initial_value"))
            .ok_or("a constant without a value")?;
        let data = value.raw_bytes().filter(|d| d.len() as u64 == bytes);
        let data = data
            .ok_or_else(|| format!("the value of constant {name} is not stored in the module"))?;
        let constants = &mut self.schedule.constants;
        let place = (constants.len() as u64).next_multiple_of(ALIGNMENT);
        constants.resize(place as usize, 0);
        constants.extend(data);
        constants.resize(constants.len().next_multiple_of(4), 0);
        self.globals.insert(name.to_owned(), place);
        Ok(place)
    }
}

impl Span {
    /// Whether the later of two launches must see, or must not disturb, what the other one does.
    fn conflicts(&self, other: &Span) -> bool {
        let apart =
            self.offset >= other.offset + other.bytes || other.offset >= self.offset + self.bytes;
        self.buffer == other.buffer && !apart && (self.writes || other.writes)
    }
}
