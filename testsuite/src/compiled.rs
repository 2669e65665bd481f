//! Models compiled by `spec-compile`, called in this process through the runtime's loader.

use crate::modelgen::run::Input;
use crate::modelgen::{Element, Type};
use crate::tools::{run, spec_compile};
use half::{bf16, f16};
use spec_runtime::bundle::{Buffer, Bundle, Workspace};
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
        let text = |e: &dyn std::fmt::Display| e.to_string();
        let function = self.bundle.function(function).map_err(|e| text(&e))?;
        let described = (self.bundle.manifest().functions.iter())
            .find(|f| f.name == function.name())
            .ok_or("the manifest lacks the function")?;
        if described.results.len() != results.len() {
            return Err(format!("{} results, not {}", described.results.len(), results.len()));
        }
        let mut memory = vec![];
        for slot in function.slots() {
            let mut buffer = Memory::new(slot.bytes).map_err(|e| text(&e))?;
            if slot.is_result {
                buffer.bytes_mut().fill(0xff);
            } else {
                let bytes = encode(&args[slot.index])?;
                if bytes.len() != slot.bytes {
                    let found = bytes.len();
                    return Err(format!("argument {} has {found} bytes, expected {}", slot.index, slot.bytes));
                }
                buffer.bytes_mut()[..bytes.len()].copy_from_slice(&bytes);
            }
            memory.push(buffer);
        }
        let mut workspace = Workspace::new([function]).map_err(|e| text(&e))?;
        let mut buffers: Vec<Buffer<'_>> = (function.slots().iter().zip(&mut memory))
            .map(|(slot, m)| match slot.written {
                true => Buffer::Write(&mut m.bytes_mut()[..slot.bytes]),
                false => Buffer::Read(&m.bytes()[..slot.bytes]),
            })
            .collect();
        let called = function.call(&mut buffers, &mut workspace, pool);
        drop(buffers);
        called.map_err(|e| text(&e))?;
        let place = |is_result: bool, index: usize| {
            let found = (function.slots().iter()).position(|s| s.is_result == is_result && s.index == index);
            found.ok_or("a result has no slot")
        };
        let mut out = vec![];
        for (i, (ty, result)) in results.iter().zip(&described.results).enumerate() {
            let at = match result.aliases_argument {
                Some(argument) => place(false, argument)?,
                None => place(true, i)?,
            };
            out.push(decode(ty, &memory[at].bytes()[..function.slots()[at].bytes]));
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
