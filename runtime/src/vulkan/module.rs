//! What a SPIR-V module says about itself, as far as it must fit the schedule and the device. It does not validate the module: the
//! compiler did.

mod shared;

use super::{Features, VulkanError};
use shared::Shared;
use spirv::{Capability, Decoration, ExecutionMode, ExecutionModel, Op, StorageClass};
use std::collections::{HashMap, HashSet};

/// Words before the first instruction.
const HEADER: usize = 5;

/// From this version on, entry points list all variables that they use.
const LISTS_ALL: u32 = 0x0001_0400;

/// A module.
#[derive(Debug, Default)]
pub(super) struct Module {
    pub(super) words: Vec<u32>,
    capabilities: Vec<Capability>,
    /// By name.
    entries: HashMap<String, Entry>,
}

/// An entry point.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// Invocations of a workgroup, if the module gives them as numbers.
    pub(super) workgroup: Option<[u32; 3]>,
    /// The storage buffers that it uses: set and binding.
    pub(super) bindings: Vec<(u32, u32)>,
    /// Whether it uses push constants.
    pub(super) push: bool,
    /// Bytes of memory that the invocations of a workgroup share.
    pub(super) shared_bytes: u64,
}

fn wrong(problem: impl Into<String>) -> VulkanError {
    VulkanError::Module(problem.into())
}

/// What is collected on the way through the instructions.
#[derive(Default)]
struct Ids {
    /// Function, name and interface of each entry point.
    entries: Vec<(u32, String, Vec<u32>)>,
    workgroups: HashMap<u32, [u32; 3]>,
    sets: HashMap<u32, u32>,
    bindings: HashMap<u32, u32>,
    variables: Vec<(u32, StorageClass)>,
    functions: HashSet<u32>,
    shared: Shared,
}

impl Module {
    /// # Errors
    /// The bytes are not SPIR-V, or cut off.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, VulkanError> {
        let (chunks, rest) = bytes.as_chunks::<4>();
        if chunks.len() < HEADER || !rest.is_empty() {
            return Err(wrong(format!("{} bytes are not SPIR-V", bytes.len())));
        }
        let words: Vec<u32> = chunks.iter().map(|c| u32::from_le_bytes(*c)).collect();
        if words[0] != spirv::MAGIC_NUMBER {
            return Err(wrong(format!("it starts with {:#x}", words[0])));
        }
        let mut module = Self::default();
        let mut ids = Ids::default();
        let mut rest = &words[HEADER..];
        let mut inside = false; // of a function
        while let Some(first) = rest.first() {
            let (op, len) = (first & 0xffff, (first >> 16) as usize);
            if len == 0 || len > rest.len() {
                let at = words.len() - rest.len();
                return Err(wrong(format!("it is cut off at word {at}")));
            }
            let op = Op::from_u32(op);
            match op {
                Some(Op::Function) => inside = true,
                Some(Op::FunctionEnd) => inside = false,
                _ => {}
            }
            module.read(op, &rest[1..len], &mut ids)?;
            if let Some(op) = op {
                ids.shared.read(op, &rest[1..len]);
            }
            rest = &rest[len..];
        }
        if inside {
            return Err(wrong("it ends inside of a function"));
        }
        module.finish(&words, ids)?;
        module.words = words;
        Ok(module)
    }

    fn read(&mut self, op: Option<Op>, args: &[u32], ids: &mut Ids) -> Result<(), VulkanError> {
        match (op, args) {
            (Some(Op::Capability), [number]) => {
                let unknown = || wrong(format!("it has the unknown capability {number}"));
                let capability = Capability::from_u32(*number).ok_or_else(unknown)?;
                self.capabilities.push(capability);
            }
            (Some(Op::EntryPoint), [model, function, rest @ ..])
                if *model == ExecutionModel::GLCompute as u32 =>
            {
                let (name, interface) = string(rest)?;
                ids.entries.push((*function, name, interface.to_vec()));
            }
            (Some(Op::ExecutionMode), [function, mode, x, y, z])
                if *mode == ExecutionMode::LocalSize as u32 =>
            {
                ids.workgroups.insert(*function, [*x, *y, *z]);
            }
            (Some(Op::Decorate), [id, decoration, value]) => {
                if *decoration == Decoration::DescriptorSet as u32 {
                    ids.sets.insert(*id, *value);
                } else if *decoration == Decoration::Binding as u32 {
                    ids.bindings.insert(*id, *value);
                }
            }
            (Some(Op::Function), [_, id, ..]) => drop(ids.functions.insert(*id)),
            (Some(Op::Variable), [_, id, class, ..]) => {
                if let Some(class) = StorageClass::from_u32(*class) {
                    ids.variables.push((*id, class));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, words: &[u32], ids: Ids) -> Result<(), VulkanError> {
        // older modules do not say which entry point uses which buffer
        let lists_all = words[1] >= LISTS_ALL;
        let known = lists_all || ids.entries.len() == 1;
        for (function, name, interface) in ids.entries {
            if !ids.functions.contains(&function) {
                continue; // there is only the name
            }
            let used = |id: &u32| known && (!lists_all || interface.contains(id));
            let used: Vec<_> = ids.variables.iter().filter(|(id, _)| used(id)).collect();
            let buffers = used.iter().filter_map(|(id, _)| {
                Some((
                    ids.sets.get(id).copied().unwrap_or(0),
                    *ids.bindings.get(id)?,
                ))
            });
            let entry = Entry {
                workgroup: ids.workgroups.get(&function).copied(),
                bindings: buffers.collect(),
                push: used.iter().any(|v| v.1 == StorageClass::PushConstant),
                shared_bytes: ids.shared.bytes(function, &interface)?,
            };
            self.entries.insert(name, entry);
        }
        Ok(())
    }

    /// The entry point of this name.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// The first thing that the module needs and a device with these features lacks.
    pub(super) fn lacks(&self, features: &Features) -> Option<String> {
        let lacking = self.capabilities.iter().find(|c| !allows(features, **c))?;
        Some(format!("the SPIR-V capability {lacking:?}"))
    }
}

/// A string of SPIR-V, and what comes after it.
fn string(words: &[u32]) -> Result<(String, &[u32]), VulkanError> {
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    let end = bytes.iter().position(|b| *b == 0);
    let end = end.ok_or_else(|| wrong("the name of an entry point does not end"))?;
    let name = std::str::from_utf8(&bytes[..end]);
    let name = name.map_err(|e| wrong(format!("the name of an entry point: {e}")))?;
    Ok((name.to_owned(), &words[end / 4 + 1..]))
}

/// Whether a device with these features takes modules with this capability. Only what is enabled on devices counts.
fn allows(features: &Features, capability: Capability) -> bool {
    use Capability as C;
    match capability {
        C::Shader | C::Matrix => true,
        C::StorageBuffer16BitAccess => features.storage16,
        C::StorageBuffer8BitAccess => features.storage8,
        C::Float16 => features.float16,
        C::Int8 => features.int8,
        C::Int16 => features.int16,
        C::Int64 => features.int64,
        C::DotProduct
        | C::DotProductInputAll
        | C::DotProductInput4x8Bit
        | C::DotProductInput4x8BitPacked => features.integer_dot_product,
        C::GroupNonUniform => features.subgroup.basic,
        C::GroupNonUniformVote => features.subgroup.vote,
        C::GroupNonUniformArithmetic => features.subgroup.arithmetic,
        C::GroupNonUniformBallot => features.subgroup.ballot,
        C::GroupNonUniformShuffle => features.subgroup.shuffle,
        C::GroupNonUniformShuffleRelative => features.subgroup.shuffle_relative,
        C::GroupNonUniformClustered => features.subgroup.clustered,
        _ => false,
    }
}
