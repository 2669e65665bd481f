//! Compiles kernels with the LLVM tools and runs them in a process of their own.
#![allow(dead_code, reason = "each test uses its part")]

pub mod data;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use spec_kernels::{Arch, Feature, Kernel, Target};
use tempfile::TempDir;

/// The passes that take a kernel's text to the LLVM dialect.
const PIPELINE: &str = "builtin.module(func.func(canonicalize,cse),convert-scf-to-cf,convert-vector-to-llvm,convert-math-to-llvm,\
convert-arith-to-llvm,convert-index-to-llvm,convert-func-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts)";

/// A target of tests: what kernels are written for, and how LLVM calls it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// What kernels see.
    pub target: Target,
    /// `-mtriple`.
    pub triple: &'static str,
    /// `-mcpu`.
    pub cpu: &'static str,
    /// `-mattr`, may be empty.
    pub attributes: &'static str,
}

fn machine(
    (arch, triple, cpu, attributes): (Arch, &'static str, &'static str, &'static str),
    (vector_bits, vector_registers, l1_bytes): (u32, u32, u64),
    features: &[Feature],
) -> Machine {
    let features = features.iter().copied().collect();
    Machine {
        target: Target {
            arch,
            vector_bits,
            vector_registers,
            l1_bytes,
            features,
        },
        triple,
        cpu,
        attributes,
    }
}

/// AVX-512 with VNNI.
pub fn avx512() -> Machine {
    use Feature::{Avx512, AvxVnni, Bf16, Vnni};
    let llvm = (
        Arch::X86_64,
        "x86_64-linux-gnu",
        "sapphirerapids",
        "-prefer-256-bit",
    );
    machine(llvm, (512, 32, 48 << 10), &[Avx512, Vnni, AvxVnni, Bf16])
}

/// AVX2 and FMA.
pub fn avx2() -> Machine {
    machine(
        (Arch::X86_64, "x86_64-linux-gnu", "x86-64-v3", ""),
        (256, 16, 32 << 10),
        &[],
    )
}

/// AVX2 with AVX-VNNI.
pub fn avx_vnni() -> Machine {
    machine(
        (Arch::X86_64, "x86_64-linux-gnu", "alderlake", ""),
        (256, 16, 48 << 10),
        &[Feature::AvxVnni],
    )
}

/// NEON of a small in-order core with SDOT.
pub fn a55() -> Machine {
    machine(
        (Arch::Aarch64, "aarch64-linux-gnu", "cortex-a55", ""),
        (128, 32, 32 << 10),
        &[Feature::Dotprod, Feature::Fp16],
    )
}

/// NEON of a core without SDOT.
pub fn a53() -> Machine {
    machine(
        (Arch::Aarch64, "aarch64-linux-gnu", "cortex-a53", ""),
        (128, 32, 32 << 10),
        &[],
    )
}

/// The machines whose code this machine can run, widest first.
pub fn runnable() -> Vec<Machine> {
    #[cfg(target_arch = "x86_64")]
    {
        let mut found = Vec::new();
        if is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512bf16") {
            found.push(avx512());
        }
        if is_x86_feature_detected!("avxvnni") {
            found.push(avx_vnni());
        }
        if is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c") {
            found.push(avx2());
        }
        found
    }
    #[cfg(target_arch = "aarch64")]
    {
        vec![a53()]
    }
}

/// [`runnable`], and on x86-64 the Arm cores of tests under qemu, with and without SDOT. Emulator and C library are no choice: without
/// them (Debian: qemu-user, libc6-dev-arm64-cross, lld-22; scripts/setup.sh) the tests fail.
pub fn executable() -> Vec<Machine> {
    let mut found = runnable();
    if cfg!(target_arch = "x86_64") {
        found.extend([a55(), a53()]);
    }
    found
}

/// Whether code for `machine` runs in an emulator here.
pub fn foreign(machine: &Machine) -> bool {
    machine.triple.starts_with("aarch64") && cfg!(target_arch = "x86_64")
}

fn tool(name: &str) -> PathBuf {
    let llvm = std::env::var("LLVM_BIN").unwrap_or_else(|_| "/usr/lib/llvm-22/bin".to_owned());
    let path = Path::new(&llvm).join(name);
    assert!(
        path.exists(),
        "{} is missing; set LLVM_BIN to the folder of LLVM 22's tools",
        path.display()
    );
    path
}

fn call(command: &mut Command) {
    let output = command.output().expect("the tool starts");
    let tail = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}",
        &tail[..tail.len().min(4000)]
    );
}

/// Takes the text of functions to an LLVM IR file whose functions named `public` can be called from outside.
pub fn to_llvm_ir(text: &str, public: &[String], machine: &Machine, dir: &Path) -> PathBuf {
    let mut module = text.to_owned();
    for name in public {
        let private = format!("func.func private @{name}(");
        assert!(module.contains(&private), "no kernel @{name} in:\n{module}");
        module = module.replace(&private, &format!("func.func @{name}("));
    }
    let (source, llvm, ir, optimised) = (
        dir.join("k.mlir"),
        dir.join("k.llvm.mlir"),
        dir.join("k.ll"),
        dir.join("k.opt.ll"),
    );
    fs::write(&source, module).expect("the folder can be written");
    call(
        Command::new("timeout")
            .arg("120")
            .arg(tool("mlir-opt"))
            .arg(&source)
            .arg(format!("--pass-pipeline={PIPELINE}"))
            .arg("-o")
            .arg(&llvm),
    );
    call(
        Command::new(tool("mlir-translate"))
            .arg("--mlir-to-llvmir")
            .arg(&llvm)
            .arg("-o")
            .arg(&ir),
    );
    let mut opt = Command::new(tool("opt"));
    opt.args(["-O3", "-disable-loop-unrolling", "-S"])
        .args(flags(machine))
        .arg(&ir)
        .arg("-o")
        .arg(&optimised);
    call(&mut opt);
    optimised
}

fn flags(machine: &Machine) -> Vec<String> {
    let mut flags = vec![
        format!("-mtriple={}", machine.triple),
        format!("-mcpu={}", machine.cpu),
    ];
    if !machine.attributes.is_empty() {
        flags.push(format!("-mattr={}", machine.attributes));
    }
    flags
}

/// Assembly of kernels with different names.
pub fn assembly(kernels: &[Kernel], machine: &Machine) -> String {
    let dir = TempDir::new().expect("a temporary folder");
    let emit = |kernel: &Kernel| {
        kernel
            .emit(&machine.target)
            .unwrap_or_else(|e| panic!("{}: {e}", kernel.name()))
    };
    let text: String = kernels.iter().map(emit).collect();
    let names: Vec<_> = kernels.iter().map(Kernel::name).collect();
    let ir = to_llvm_ir(&text, &names, machine, dir.path());
    let out = dir.path().join("k.s");
    call(
        Command::new(tool("llc"))
            .args(["-O3", "-relocation-model=pic"])
            .args(flags(machine))
            .arg(&ir)
            .arg("-o")
            .arg(&out),
    );
    fs::read_to_string(out).expect("llc wrote it")
}

/// The innermost loops of an assembly text.
pub fn innermost_loops(assembly: &str) -> Vec<Vec<&str>> {
    let lines: Vec<_> = assembly.lines().collect();
    let mut labels = std::collections::HashMap::new();
    let mut loops = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some(word) if word.starts_with(".LBB") => {
                labels.insert(word.split(':').next().unwrap_or(word), i);
            }
            Some(word)
                if word.starts_with('b')
                    || word.starts_with('j')
                    || word.starts_with("cb")
                    || word.starts_with("tb") =>
            {
                if let Some(&start) = words
                    .find(|w| w.starts_with(".LBB"))
                    .and_then(|w| labels.get(w))
                {
                    loops.push((start, i));
                }
            }
            _ => {}
        }
    }
    let inside = |a: &(usize, usize), b: &(usize, usize)| a != b && a.0 >= b.0 && a.1 <= b.1;
    let innermost = loops
        .iter()
        .filter(|outer| !loops.iter().any(|l| inside(l, outer)));
    innermost.map(|&(a, b)| lines[a..=b].to_vec()).collect()
}

/// Fails if an innermost loop of a kernel keeps values on the stack that it has no registers for. Loops that round to integers are left out: they
/// quantise x, once a call.
pub fn assert_no_spills(kernels: &[Kernel], machine: &Machine) {
    let text = assembly(kernels, machine);
    let loops = innermost_loops(&text);
    assert!(
        loops.len() >= kernels.len(),
        "{} loops in {} kernels",
        loops.len(),
        kernels.len()
    );
    let quantises = |l: &&str| {
        ["vround", "vrndscale", "frintn"]
            .iter()
            .any(|op| l.contains(op))
    };
    for lines in loops
        .into_iter()
        .filter(|lines| !lines.iter().any(quantises))
    {
        // llc says so in a comment: "16-byte Spill", "8-byte Folded Reload".
        let spills = lines
            .iter()
            .filter(|l| l.contains(" Spill") || l.contains(" Reload"))
            .count();
        let at = text.find(lines[0]).unwrap_or(0);
        let function = text[..at]
            .lines()
            .rfind(|l| l.contains("@function") || l.contains(", %function"))
            .unwrap_or("");
        assert_eq!(
            spills,
            0,
            "{}:{function}\n{}",
            machine.cpu,
            lines.join("\n")
        );
    }
}

/// Object file of several kernels, in `dir`.
pub fn object(text: &str, public: &[String], machine: &Machine, dir: &Path) -> PathBuf {
    let ir = to_llvm_ir(text, public, machine, dir);
    let out = dir.join("k.o");
    let mut llc = Command::new(tool("llc"));
    llc.args(["-O3", "-relocation-model=pic", "-filetype=obj"])
        .args(flags(machine))
        .arg(&ir)
        .arg("-o")
        .arg(&out);
    call(&mut llc);
    out
}

/// What goes into an argument slot.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// A buffer; kernels may write it.
    Buffer(Vec<u8>),
    /// A scalar.
    Scalar(i64),
}

impl Arg {
    /// A buffer of these bytes' elements, little endian.
    pub fn f32(values: &[f32]) -> Arg {
        Arg::Buffer(values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// The bytes of a buffer.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Arg::Buffer(bytes) => bytes,
            Arg::Scalar(_) => panic!("a scalar has no bytes"),
        }
    }

    /// A buffer of f32 as numbers.
    pub fn to_f32(&self) -> Vec<f32> {
        self.bytes()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().expect("4 bytes")))
            .collect()
    }
}

/// A kernel that can be run.
pub struct Compiled {
    dir: TempDir,
    program: PathBuf,
    foreign: bool,
}

/// Compiles the kernel for this machine and links it with the driver.
pub fn compile(kernel: &Kernel, machine: &Machine) -> Compiled {
    let text = kernel
        .emit(&machine.target)
        .unwrap_or_else(|e| panic!("{}: {e}", kernel.name()));
    compile_text(&text, &kernel.name(), machine)
}

/// As [`compile`], of the text of a kernel named `name`.
pub fn compile_text(text: &str, name: &str, machine: &Machine) -> Compiled {
    link(
        text,
        name,
        machine,
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/run.c")),
    )
}

/// As [`compile`], with a C program of your own that calls `KERNEL`.
pub fn compile_with(kernel: &Kernel, machine: &Machine, driver: &str) -> Compiled {
    let text = kernel
        .emit(&machine.target)
        .unwrap_or_else(|e| panic!("{}: {e}", kernel.name()));
    link(&text, &kernel.name(), machine, Path::new(driver))
}

fn link(text: &str, name: &str, machine: &Machine, driver: &Path) -> Compiled {
    let dir = TempDir::new().expect("a temporary folder");
    let object = object(text, &[name.to_owned()], machine, dir.path());
    let program = dir.path().join("run");
    let mut clang = Command::new(tool("clang-22"));
    if foreign(machine) {
        clang.args(["--target=aarch64-linux-gnu", "-fuse-ld=lld", "-static"]);
    } else {
        clang.arg("-march=native");
    }
    clang
        .arg("-O2")
        .arg(format!("-DKERNEL={name}"))
        .arg(driver)
        .arg(&object)
        .arg("-lm")
        .arg("-o")
        .arg(&program);
    call(&mut clang);
    Compiled {
        dir,
        program,
        foreign: foreign(machine),
    }
}

impl Compiled {
    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Runs the kernel over each `[lo, hi)` in turn in one process; buffers come back as it left them. Any access past the end of a
    /// buffer, or write before its start, fails the test.
    pub fn run(&self, args: &mut [Arg], ranges: &[(i64, i64)]) {
        let mut plan = format!("slots {}\n", args.len());
        let file = |i: usize| self.dir.path().join(format!("slot{i}"));
        for (i, arg) in args.iter().enumerate() {
            match arg {
                Arg::Scalar(value) => plan += &format!("scalar {value}\n"),
                Arg::Buffer(bytes) => {
                    fs::write(file(i), bytes).expect("the folder can be written");
                    plan += &format!("buffer {} {}\n", bytes.len(), file(i).display());
                }
            }
        }
        plan += &format!("ranges {}\n", ranges.len());
        for (lo, hi) in ranges {
            plan += &format!("{lo} {hi}\n");
        }
        let path = self.dir.path().join("plan");
        fs::write(&path, plan).expect("the folder can be written");
        let mut program = if self.foreign {
            let mut qemu = Command::new("qemu-aarch64");
            qemu.args(["-cpu", "max"]).arg(&self.program);
            qemu
        } else {
            Command::new(&self.program)
        };
        call(program.arg(&path));
        for (i, arg) in args.iter_mut().enumerate() {
            if let Arg::Buffer(bytes) = arg {
                *bytes = fs::read(file(i)).expect("the driver wrote it");
            }
        }
    }
}
