//! Assembly of modules, and its loops.

use crate::native::prepare;
use spec_testsuite::modelgen::run::llvm_bin;
use spec_testsuite::tools::{Ran, opt_text, run};
use std::path::Path;

/// What code is made for.
pub struct Machine {
    options: [&'static str; 2],
    /// The start of an instruction that adds vectors of f32, and what else is in its line.
    add: [&'static str; 2],
}

pub const MACHINES: [Machine; 2] = [
    Machine {
        options: ["-mtriple=x86_64-unknown-linux-gnu", "-mcpu=x86-64-v3"],
        add: ["vaddps", "%ymm"],
    },
    Machine {
        options: ["-mtriple=aarch64-unknown-linux-gnu", "-mcpu=cortex-a55"],
        add: ["fadd", ".4s"],
    },
];

impl Machine {
    /// Whether one of the instructions adds vectors.
    pub fn adds_vectors(&self, instructions: &[&str]) -> bool {
        let [name, operand] = self.add;
        let is_add = |i: &&&str| i.starts_with(name) && i.contains(operand);
        instructions.iter().any(|i| is_add(&i))
    }
}

fn text(ran: Ran) -> String {
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.stdout
}

/// Code of a module on tensors, optimised as spec-compile does.
pub fn assembly(module: &str, lower: &str, machine: &Machine) -> String {
    let pass =
        |passes, module: &str| text(opt_text(&[&format!("--pass-pipeline={passes}")], module));
    let lowered = pass(lower, &pass(&prepare(), module));
    let tool = |name: &str, args: &[&str], input: &str| {
        let program = llvm_bin().join(name);
        text(run(&program, args, Path::new("."), Some(input.as_bytes())))
    };
    let ir = tool("mlir-translate", &["--mlir-to-llvmir"], &lowered);
    let [triple, cpu] = machine.options;
    let options = [
        "-O3",
        "-S",
        "-disable-loop-unrolling",
        "-vectorize-slp=false",
        triple,
        cpu,
    ];
    let optimised = tool("opt", &options, &ir);
    tool("llc", &["-O3", triple, cpu], &optimised)
}

/// Instructions of the loops of one block: from a label to a branch back to it.
pub fn loops(assembly: &str) -> Vec<Vec<&str>> {
    let mut found = vec![];
    let mut block: Option<(&str, Vec<&str>)> = None;
    for line in assembly.lines().map(str::trim) {
        let is_label = line.starts_with(".L");
        if is_label && let Some((label, _)) = line.split_once(':') {
            block = Some((label, vec![]));
        } else if let Some((label, instructions)) = &mut block {
            let branches = line
                .split(|c: char| c.is_whitespace() || c == ',')
                .any(|w| w == *label);
            instructions.push(line);
            if branches {
                found.push(std::mem::take(instructions));
            }
        }
    }
    found
}
