//! Models compiled by `spec-compile` for a GPU, run by the runtime's Vulkan module on Mesa's software device, with the validation layer
//! watching memory and synchronisation.

use crate::compiled::{compile, decode, encode};
use crate::modelgen::Type;
use crate::modelgen::run::Input;
use spec_runtime::bundle::{Bundle, GpuFunction};
use spec_runtime::vulkan::{Buffer, Gpu, Options, Program, Recorded, Status};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Part of the name of the device that tests run on.
pub const DEVICE: &str = "llvmpipe";

/// A bundle in a folder of its own.
#[derive(Debug)]
pub struct CompiledGpu {
    folder: tempfile::TempDir,
    bundle: Bundle,
    /// Functions that were called, with their buffers.
    ready: Mutex<HashMap<String, Ready>>,
}

/// A function with a buffer a slot.
#[derive(Debug)]
struct Ready {
    buffers: Vec<Buffer>,
    recorded: Recorded,
}

/// The GPU of this process; whoever has it is alone with it, so that messages of the validation layer are about his calls.
///
/// # Errors
/// There is no Vulkan, no such device or no validation layer.
pub fn gpu() -> Result<MutexGuard<'static, Gpu>, String> {
    static GPU: OnceLock<Result<Mutex<Gpu>, String>> = OnceLock::new();
    let gpu = GPU.get_or_init(|| {
        let options = Options {
            device: Some(DEVICE.to_owned()),
            validation: true,
            timeout: Duration::from_secs(300),
            library: None,
        };
        Gpu::open(&options)
            .map(Mutex::new)
            .map_err(|e| e.to_string())
    });
    let gpu = gpu.as_ref().map_err(String::clone)?;
    Ok(gpu.lock().unwrap_or_else(PoisonError::into_inner))
}

impl CompiledGpu {
    /// Compiles a module for this machine's software device, with further options of `spec-compile`.
    ///
    /// # Errors
    /// What the compiler or the loader says.
    pub fn new(module: &str, options: &[&str]) -> Result<Self, String> {
        let device = format!("--target-device=vulkan:{DEVICE}");
        let folder = compile(module, &[&["--soc=host", &device], options].concat())?;
        let bundle = Bundle::load(&folder.path().join("out")).map_err(|e| e.to_string())?;
        let ready = Mutex::default();
        Ok(CompiledGpu {
            folder,
            bundle,
            ready,
        })
    }

    /// Folder of the bundle.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// The loaded bundle.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Calls a function: arguments in its order, all results in its order.
    ///
    /// # Errors
    /// What the loader, the GPU, the validation layer or the model says.
    pub fn call(
        &self,
        function: &str,
        args: &[Input],
        results: &[Type],
    ) -> Result<Vec<Vec<f64>>, String> {
        let args = args.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        let out = self.call_bytes(function, &args)?;
        if out.len() != results.len() {
            return Err(format!("{} results, not {}", out.len(), results.len()));
        }
        Ok((results.iter().zip(&out))
            .map(|(ty, bytes)| decode(ty, bytes))
            .collect())
    }

    /// As [`CompiledGpu::call`], on bytes.
    ///
    /// # Errors
    /// As there.
    pub fn call_bytes(&self, function: &str, args: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
        let gpu = gpu()?;
        let result = self.run(&gpu, function, args);
        let messages = gpu.messages();
        if messages.is_empty() {
            return result;
        }
        let failed = result.err().unwrap_or_default();
        Err(format!("{failed}\nvalidation:\n{}", messages.join("\n")))
    }

    fn run(&self, gpu: &Gpu, function: &str, args: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
        let function = self
            .bundle
            .gpu_function(function)
            .map_err(|e| e.to_string())?;
        let mut all = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(function.name()) {
            all.insert(function.name().to_owned(), Ready::new(gpu, function)?);
        }
        let ready = all.get_mut(function.name()).ok_or("no function")?;
        ready.call(function, args)
    }
}

impl Ready {
    fn new(gpu: &Gpu, function: &GpuFunction) -> Result<Self, String> {
        let text = |e: &dyn std::fmt::Display| e.to_string();
        let slots = function.slots().iter();
        let buffers: Result<Vec<Buffer>, _> = slots.map(|s| gpu.buffer(s.bytes as u64)).collect();
        let buffers = buffers.map_err(|e| text(&e))?;
        let program = Program::new(
            gpu,
            function.spirv(),
            function.schedule(),
            function.constants(),
        );
        let program = program.map_err(|e| text(&e))?;
        let recorded = program.bind(&buffers.iter().collect::<Vec<_>>());
        let recorded = recorded.map_err(|e| text(&e))?;
        Ok(Ready { buffers, recorded })
    }

    fn call(&mut self, function: &GpuFunction, args: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
        let slots = function.slots();
        for (slot, buffer) in slots.iter().zip(&mut self.buffers) {
            let mut memory = buffer.as_mut_slice();
            if slot.is_result {
                memory.fill(0xff);
                continue;
            }
            let bytes = args.get(slot.index).ok_or("too few arguments")?;
            if bytes.len() != slot.bytes {
                let (i, found, expected) = (slot.index, bytes.len(), slot.bytes);
                return Err(format!(
                    "argument {i} has {found} bytes, expected {expected}"
                ));
            }
            memory[..bytes.len()].copy_from_slice(bytes);
        }
        match self.recorded.run().map_err(|e| e.to_string())? {
            Status::Ok => {}
            status => return Err(format!("{}: {status:?}", function.name())),
        }
        let mut out = vec![];
        for (i, result) in function.described().results.iter().enumerate() {
            let wanted = result.aliases_argument.map_or((true, i), |a| (false, a));
            let at = (slots.iter()).position(|s| (s.is_result, s.index) == wanted);
            let at = at.ok_or("a result has no slot")?;
            out.push(self.buffers[at].as_slice()[..slots[at].bytes].to_vec());
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modelgen::Element;

    const MODULE: &str = "
      func.func @scale(%x: tensor<2x40xf32>, %row: tensor<1x40xf32>) -> (tensor<2x40xf32>, tensor<2x40xf32>) {
        %e = tensor.empty() : tensor<2x40xf32>
        %y = linalg.add ins(%x, %x : tensor<2x40xf32>, tensor<2x40xf32>) outs(%e : tensor<2x40xf32>) -> tensor<2x40xf32>
        %new = tensor.insert_slice %row into %x[1, 0] [1, 40] [1, 1] : tensor<1x40xf32> into tensor<2x40xf32>
        return %y, %new : tensor<2x40xf32>, tensor<2x40xf32>
      }";

    /// Two calls of one function: results of their own, and one in the place of an argument.
    #[test]
    fn functions_run_on_the_software_device() {
        let compiled = CompiledGpu::new(MODULE, &["--as-is"]).expect("compiles");
        let wide = Type::tensor(&[2, 40], Element::F32);
        let row = Type::tensor(&[1, 40], Element::F32);
        for call in 0..2 {
            let x: Vec<f64> = (0..80).map(|i| f64::from(i + call)).collect();
            let args = [
                Input::Dense(wide.clone(), x.clone()),
                Input::Dense(row.clone(), vec![-1.0; 40]),
            ];
            let out = compiled.call("scale", &args, &[wide.clone(), wide.clone()]);
            let out = out.expect("runs");
            assert_eq!(out[0], x.iter().map(|v| 2.0 * v).collect::<Vec<_>>());
            assert_eq!((&out[1][..40], &out[1][40..]), (&x[..40], &[-1.0; 40][..]));
        }
        let error = compiled.call("scale", &[], &[]).expect_err("no arguments");
        assert_eq!(error, "too few arguments");
    }
}
