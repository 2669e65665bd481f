//! Compiles modules with the CPU path without `spec-raise` (everything takes the generic path), and calls their functions in the
//! harness, in guarded and poisoned memory.

use spec_codegen::pipeline;
use spec_kernels::{Arch, Target};
use spec_testsuite::harness::{Arg, Machine, Outcome, Program};
use spec_testsuite::modelgen::Element;
use spec_testsuite::modelgen::run::{Call, Input, llvm_bin};
use spec_testsuite::tools::{opt_text, run};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// From tensors to buffers in one workspace, without recognition.
pub fn prepare() -> String {
    let whole = pipeline::prepare("");
    let without = whole.replace("spec-raise,", "");
    assert_ne!(whole, without, "the pipeline has no spec-raise");
    without
}

/// From there to the LLVM dialect, for every x86-64 core with AVX2.
pub fn lower() -> String {
    pipeline::lower(&Target {
        arch: Arch::X86_64,
        vector_bits: 256,
        vector_registers: 16,
        l1_bytes: 32 << 10,
        features: BTreeSet::new(),
    })
}

/// A compiled module.
pub struct Compiled {
    /// The module after [`prepare`], which says where results are.
    pub prepared: String,
    library: PathBuf,
    _folder: tempfile::TempDir,
}

/// Where the results of a function are.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    pub workspace: usize,
    /// For each result, the argument that holds it.
    pub results: Vec<usize>,
}

fn run_passes(passes: &str, module: &str) -> String {
    let ran = opt_text(&[&format!("--pass-pipeline={passes}")], module);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.stdout
}

fn tool(folder: &Path, program: &Path, args: &[&str]) {
    let ran = run(program, args, folder, None);
    assert_eq!(ran.code, Some(0), "{}: {}", program.display(), ran.stderr);
}

/// Compiles the public functions of a module on tensors.
pub fn compile(module: &str) -> Compiled {
    compile_with(module, &lower())
}

/// [`compile`] with `lower` in place of [`lower`].
pub fn compile_with(module: &str, lower: &str) -> Compiled {
    let prepared = run_passes(&prepare(), module);
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(file("lowered.mlir"), run_passes(lower, &prepared)).expect("can be written");
    tool(
        folder.path(),
        &llvm_bin().join("mlir-translate"),
        &["--mlir-to-llvmir", "lowered.mlir", "-o", "module.ll"],
    );
    let options = [
        "-O2",
        "-filetype=obj",
        "-relocation-model=pic",
        "module.ll",
        "-o",
        "module.o",
    ];
    tool(folder.path(), &llvm_bin().join("llc"), &options);
    let options = [
        "-shared",
        "-fuse-ld=lld",
        "-Wl,-z,defs",
        "module.o",
        "-lm",
        "-o",
        "module.so",
    ];
    tool(folder.path(), Path::new("clang-22"), &options);
    Compiled {
        prepared,
        library: folder.path().join("module.so"),
        _folder: folder,
    }
}

impl Compiled {
    /// What `spec-plan-memory` decided for a function.
    ///
    /// # Panics
    /// The function is not there.
    pub fn layout(&self, function: &str) -> Layout {
        let start = format!("func.func @{function}(");
        let mut lines = self.prepared.lines();
        let line = lines
            .find(|l| l.contains(&start))
            .expect("the function is there");
        let after = |key: &str| line.split_once(key).map(|(_, rest)| rest);
        let number = |text: &str| {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().expect("a number")
        };
        let list = after("result_arguments = array<i64").and_then(|l| l.split_once('>'));
        let list = list.map_or("", |(l, _)| l.trim_start_matches(": "));
        Layout {
            workspace: number(after("workspace_bytes = ").expect("planned")),
            results: list
                .split(", ")
                .filter(|n| !n.is_empty())
                .map(number)
                .collect(),
        }
    }

    /// Calls a function; its results as numbers.
    ///
    /// # Panics
    /// It cannot be built or run, leaves its buffers, allocates, or returns another status than 0.
    pub fn call(&self, call: &Call) -> Vec<Vec<f64>> {
        let outcome = self.outcome(call);
        assert_eq!(outcome.status, 0, "{}", call.entry);
        assert_eq!(outcome.allocations, 0, "{} allocates", call.entry);
        let results = self.layout(&call.entry).results;
        let typed = results.iter().zip(&call.results);
        typed
            .map(|(i, ty)| {
                numbers(
                    outcome.outputs[*i].as_deref().expect("is written"),
                    ty.element,
                )
            })
            .collect()
    }

    /// What a call does.
    ///
    /// # Panics
    /// It cannot be built or run, or leaves its buffers.
    pub fn outcome(&self, call: &Call) -> Outcome {
        let layout = self.layout(&call.entry);
        let mut args: Vec<Arg> = (call.args.iter().enumerate())
            .map(|(i, input)| {
                let Input::Dense(ty, values) = input else {
                    panic!("inputs are given as numbers")
                };
                let bytes = values.iter().flat_map(|v| ty.element.encode(*v)).collect();
                let align = ty.element.bytes();
                if layout.results.contains(&i) {
                    Arg::update(bytes, align)
                } else {
                    Arg::read(bytes, align)
                }
            })
            .collect();
        for (i, ty) in layout.results.iter().zip(&call.results) {
            if *i == args.len() {
                let bytes = ty.shape().iter().product::<usize>() * ty.element.bytes();
                args.push(Arg::result(bytes, ty.element.bytes()));
            }
        }
        let program = Program::library(Machine::Native, &self.library, &call.entry)
            .unwrap_or_else(|e| panic!("{}: {e}", call.entry));
        let run = program.run(&spec_testsuite::harness::Call::new(layout.workspace, args));
        run.unwrap_or_else(|e| panic!("{}: {e}", call.entry))
    }
}

fn numbers(bytes: &[u8], element: Element) -> Vec<f64> {
    let each = bytes.chunks_exact(element.bytes());
    each.map(|b| decode(b, element)).collect()
}

fn decode(b: &[u8], element: Element) -> f64 {
    let mut wide = [0; 8];
    wide[..b.len()].copy_from_slice(b);
    let bits = u64::from_le_bytes(wide);
    match element {
        Element::F64 => f64::from_bits(bits),
        Element::F32 => f64::from(f32::from_bits(bits as u32)),
        Element::F16 => half::f16::from_bits(bits as u16).to_f64(),
        Element::BF16 => half::bf16::from_bits(bits as u16).to_f64(),
        Element::I1 => bits as f64,
        Element::I8 => f64::from(bits as u8 as i8),
        Element::I32 => f64::from(bits as u32 as i32),
        Element::I64 | Element::Index => bits as i64 as f64,
    }
}
