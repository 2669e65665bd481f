//! Models compiled by `spec-compile`, called in this process through the runtime's loader.

use crate::harness::{Arg, Call, Linking, Machine, Program};
use crate::modelgen::run::Input;
use crate::modelgen::{Element, Type};
use crate::tools::{run, spec_compile};
use half::{bf16, f16};
use spec_runtime::bundle::{Buffer, Bundle, Workspace};
use spec_runtime::manifest::{Function, Manifest};
use spec_runtime::memory::Memory;
use spec_runtime::pool::Pool;
use std::path::Path;

/// A bundle in a folder of its own.
#[derive(Debug)]
pub struct Compiled {
    folder: tempfile::TempDir,
    bundle: Bundle,
}

impl Compiled {
    /// Compiles a module for this machine, with further options of `spec-compile`.
    ///
    /// # Errors
    /// What the compiler or the loader says.
    pub fn new(module: &str, options: &[&str]) -> Result<Self, String> {
        let folder = compile(module, &[&["--soc=host"], options].concat())?;
        let bundle = Bundle::load(&folder.path().join("out")).map_err(|e| e.to_string())?;
        Ok(Compiled { folder, bundle })
    }

    /// Folder of the bundle.
    pub fn folder(&self) -> std::path::PathBuf {
        self.folder.path().join("out")
    }

    /// The loaded bundle.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Calls a function: arguments in its order, all results in its order.
    ///
    /// # Errors
    /// What the loader or the model says.
    pub fn call(
        &self,
        function: &str,
        args: &[Input],
        results: &[Type],
        pool: Option<&Pool>,
    ) -> Result<Vec<Vec<f64>>, String> {
        let args = args.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        let out = self.call_bytes(function, &args, pool)?;
        if out.len() != results.len() {
            return Err(format!("{} results, not {}", out.len(), results.len()));
        }
        Ok((results.iter().zip(&out))
            .map(|(ty, bytes)| decode(ty, bytes))
            .collect())
    }

    /// As [`Compiled::call`], on bytes.
    ///
    /// # Errors
    /// As there.
    pub fn call_bytes(
        &self,
        function: &str,
        args: &[Vec<u8>],
        pool: Option<&Pool>,
    ) -> Result<Vec<Vec<u8>>, String> {
        let text = |e: &dyn std::fmt::Display| e.to_string();
        let function = self.bundle.function(function).map_err(|e| text(&e))?;
        let slots = function.slots();
        let mut memory = vec![];
        for slot in slots {
            let mut buffer = Memory::new(slot.bytes).map_err(|e| text(&e))?;
            if slot.is_result {
                buffer.bytes_mut().fill(0xff);
            } else {
                let bytes = args.get(slot.index).ok_or("too few arguments")?;
                if bytes.len() != slot.bytes {
                    let (i, found, expected) = (slot.index, bytes.len(), slot.bytes);
                    return Err(format!(
                        "argument {i} has {found} bytes, expected {expected}"
                    ));
                }
                buffer.bytes_mut()[..bytes.len()].copy_from_slice(bytes);
            }
            memory.push(buffer);
        }
        let mut workspace = Workspace::new([function]).map_err(|e| text(&e))?;
        let mut buffers: Vec<Buffer<'_>> = (slots.iter().zip(&mut memory))
            .map(|(slot, m)| match slot.written {
                true => Buffer::Write(&mut m.bytes_mut()[..slot.bytes]),
                false => Buffer::Read(&m.bytes()[..slot.bytes]),
            })
            .collect();
        let called = function.call(&mut buffers, &mut workspace, pool);
        drop(buffers);
        called.map_err(|e| text(&e))?;
        let results = &self.described(function.name())?.results;
        let mut out = vec![];
        for (i, result) in results.iter().enumerate() {
            let wanted = result.aliases_argument.map_or((true, i), |a| (false, a));
            let at = (slots.iter()).position(|s| (s.is_result, s.index) == wanted);
            let at = at.ok_or("a result has no slot")?;
            out.push(memory[at].bytes()[..slots[at].bytes].to_vec());
        }
        Ok(out)
    }

    /// The manifest's description of a function.
    ///
    /// # Errors
    /// There is none.
    pub fn described(&self, function: &str) -> Result<&Function, String> {
        let functions = &self.bundle.manifest().functions;
        let found = functions.iter().find(|f| f.name == function);
        found.ok_or(format!("the manifest has no function {function}"))
    }
}

/// A function of a bundle, linked with the C runner for this machine or another.
#[derive(Debug)]
pub struct Entry {
    function: Function,
    program: Program,
}

impl Entry {
    /// The function `name` of the bundle in `out`: its object file in a static program, or its shared library, loaded.
    ///
    /// # Errors
    /// What the manifest, the linker or the runner says.
    pub fn new(machine: Machine, linking: Linking, out: &Path, name: &str) -> Result<Self, String> {
        let text = std::fs::read_to_string(out.join("manifest.json")).map_err(|e| e.to_string())?;
        let manifest = Manifest::from_json(&text).map_err(|e| e.to_string())?;
        let function = (manifest.functions.into_iter())
            .find(|f| f.name == name)
            .ok_or(format!("no function {name}"))?;
        let symbol = function.symbol.as_deref();
        let symbol = symbol.ok_or(format!("{name} is on a GPU"))?;
        let program = match linking {
            Linking::Static => Program::build(machine, linking, &out.join("model.o"), symbol),
            Linking::Dynamic => Program::library(machine, &out.join("model.so"), symbol),
        };
        let program = program.map_err(|e| e.to_string())?;
        Ok(Entry { function, program })
    }

    /// The manifest's description.
    pub fn described(&self) -> &Function {
        &self.function
    }

    /// One call with guards around every buffer: arguments in order to all results in order. Allocations are an error.
    ///
    /// # Errors
    /// What the runner says, a status of the model, an allocation.
    pub fn call_bytes(&self, args: &[Vec<u8>], threads: usize) -> Result<Vec<Vec<u8>>, String> {
        let slots = self.function.slots().map_err(|e| e.to_string())?;
        let list = slots.iter().map(|slot| {
            let align = slot.dtype.bytes();
            match (slot.is_result, slot.written) {
                (true, _) => Arg::result(slot.bytes, align),
                (false, true) => Arg::update(args[slot.index].clone(), align),
                (false, false) => Arg::read(args[slot.index].clone(), align),
            }
        });
        let mut call = Call::new(self.function.workspace_bytes as usize, list.collect());
        call.threads = threads;
        let outcome = self.program.run(&call).map_err(|e| e.to_string())?;
        if outcome.status != 0 || outcome.allocations != 0 {
            let (status, allocations) = (outcome.status, outcome.allocations);
            return Err(format!("status {status}, {allocations} allocations"));
        }
        let mut out = vec![];
        for (i, result) in self.function.results.iter().enumerate() {
            let wanted = result.aliases_argument.map_or((true, i), |a| (false, a));
            let at = (slots.iter()).position(|s| (s.is_result, s.index) == wanted);
            let bytes = at.and_then(|at| outcome.outputs[at].clone());
            out.push(bytes.ok_or("a result was not written")?);
        }
        Ok(out)
    }
}

/// Runs `spec-compile` on a text; the bundle is the folder `out` in the one that is returned.
///
/// # Errors
/// What the compiler says.
pub fn compile(module: &str, options: &[&str]) -> Result<tempfile::TempDir, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let input = folder.path().join("model.mlir");
    std::fs::write(&input, module).map_err(|e| e.to_string())?;
    let out = folder.path().join("out");
    let text = |p: &Path| p.to_string_lossy().into_owned();
    let (input, out) = (text(&input), text(&out));
    let args = [&[input.as_str(), "-o", out.as_str(), "--quiet"], options].concat();
    let ran = run(&spec_compile(), &args, folder.path(), None);
    match ran.code {
        Some(0) => Ok(folder),
        code => Err(format!("spec-compile ends with {code:?}:\n{}", ran.stderr)),
    }
}

/// An argument as bytes.
///
/// # Errors
/// The argument is the result of another call.
pub fn encode(input: &Input) -> Result<Vec<u8>, String> {
    let mut out = vec![];
    match input {
        Input::Dense(ty, values) => {
            values.iter().for_each(|v| push(&mut out, ty.element, *v));
        }
        Input::Zero(ty) => out.resize(ty.count() * ty.element.bytes(), 0),
        Input::Fill(ty, seed, scale) => {
            for i in 0..ty.count() as i64 {
                let value = crate::modelgen::run::fill_value(*seed, i) * scale;
                push(&mut out, ty.element, value);
            }
        }
        Input::Result(..) => return Err("results of other calls are not passed on".into()),
    }
    Ok(out)
}

fn push(out: &mut Vec<u8>, element: Element, value: f64) {
    match element {
        Element::F64 => out.extend(value.to_le_bytes()),
        Element::F32 => out.extend((value as f32).to_le_bytes()),
        Element::F16 => out.extend(f16::from_f64(value).to_le_bytes()),
        Element::BF16 => out.extend(bf16::from_f64(value).to_le_bytes()),
        Element::I64 | Element::Index => out.extend((value as i64).to_le_bytes()),
        Element::I32 => out.extend((value as i32).to_le_bytes()),
        Element::I8 => out.push((value as i8) as u8),
        Element::I1 => out.push(u8::from(value != 0.0)),
    }
}

/// Bytes as values.
pub fn decode(ty: &Type, bytes: &[u8]) -> Vec<f64> {
    let value = |b: &[u8]| match ty.element {
        Element::F64 => f64::from_le_bytes(array(b)),
        Element::F32 => f32::from_le_bytes(array(b)).into(),
        Element::F16 => f16::from_le_bytes(array(b)).into(),
        Element::BF16 => bf16::from_le_bytes(array(b)).into(),
        Element::I64 | Element::Index => i64::from_le_bytes(array(b)) as f64,
        Element::I32 => i32::from_le_bytes(array(b)).into(),
        Element::I8 => (b[0] as i8).into(),
        Element::I1 => b[0].into(),
    };
    bytes.chunks_exact(ty.element.bytes()).map(value).collect()
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("chunks have the element's size")
}
