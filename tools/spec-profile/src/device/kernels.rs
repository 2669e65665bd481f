//! Kernels that measure a GPU, as SPIR-V. They are straight-line code, written here word by word: no compiler is at hand on a board.
//!
//! * `touch`: word i of buffer 0 becomes i. Nothing but the cost of a launch.
//! * `read`: each invocation adds up [`READS`] vectors of buffer 0 and writes one to buffer 1; neighbours read neighbours.
//! * `math`: each invocation makes [`FMAS`] fused multiply-adds of vectors of four, in f32 or f16, and writes a vector to buffer 0.

use spirv::{
    AddressingModel, BuiltIn, Capability, Decoration, ExecutionMode, ExecutionModel,
    FunctionControl, MemoryModel, Op, StorageClass,
};

/// Invocations of a workgroup of each kernel: every Vulkan device allows so many.
pub(super) const WORKGROUP: u32 = 64;
/// Vectors of 16 bytes that an invocation of `read` reads.
pub(super) const READS: u32 = 16;
/// Vectors that an invocation of `math` sums up at the same time.
const SUMS: usize = 8;
/// Multiply-adds of each of them.
const STEPS: usize = 32;
/// Multiply-adds of vectors of an invocation of `math`.
pub(super) const FMAS: u32 = (SUMS * STEPS) as u32;

/// `Fma` of GLSL.std.450.
const GLSL_FMA: u32 = 50;

/// SPIR-V 1.5, which Vulkan 1.2 and later take.
const VERSION: u32 = 0x0001_0500;

/// Words of a module, and the next unused id.
struct Words {
    words: Vec<u32>,
    next: u32,
}

impl Words {
    fn id(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// An instruction.
    fn op(&mut self, op: Op, args: &[u32]) {
        self.words.push(((args.len() as u32 + 1) << 16) | op as u32);
        self.words.extend_from_slice(args);
    }

    /// An instruction of type `kind` that has a result.
    fn value(&mut self, op: Op, kind: u32, args: &[u32]) -> u32 {
        let id = self.id();
        self.op(op, &[&[kind, id], args].concat());
        id
    }

    /// A type, or the import of a set of instructions.
    fn made(&mut self, op: Op, args: &[u32]) -> u32 {
        let id = self.id();
        self.op(op, &[&[id], args].concat());
        id
    }
}

/// A string as SPIR-V has it: zero at the end, whole words.
fn string(text: &str) -> Vec<u32> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize((bytes.len() / 4 + 1) * 4, 0);
    let (chunks, _) = bytes.as_chunks::<4>();
    chunks.iter().map(|c| u32::from_le_bytes(*c)).collect()
}

/// What the kernels have in common.
struct Common {
    glsl: u32,
    void: u32,
    main: u32,
    u32: u32,
    f32: u32,
    v4: u32,
    /// The type that `math` computes in, and its vector.
    number: u32,
    numbers: u32,
    word_pointer: u32,
    v4_pointer: u32,
    v3: u32,
    invocation: u32,
    words: u32,
    input: u32,
    output: u32,
    zero: u32,
}

/// The module with the kernels `touch`, `read` and `math`; `half`: `math` computes in f16.
pub(super) fn module(half: bool) -> Vec<u8> {
    let mut w = Words {
        words: vec![spirv::MAGIC_NUMBER, VERSION, 0, 0, 0],
        next: 1,
    };
    w.op(Op::Capability, &[Capability::Shader as u32]);
    if half {
        w.op(Op::Capability, &[Capability::Float16 as u32]);
    }
    let glsl = w.made(Op::ExtInstImport, &string("GLSL.std.450"));
    let model = [AddressingModel::Logical as u32, MemoryModel::GLSL450 as u32];
    w.op(Op::MemoryModel, &model);
    let functions = [w.id(), w.id(), w.id()];
    let (invocation, words, input, output) = (w.id(), w.id(), w.id(), w.id());
    let uses: [(&str, &[u32]); 3] = [
        ("touch", &[words]),
        ("read", &[input, output]),
        ("math", &[input]),
    ];
    for (function, (name, buffers)) in functions.iter().zip(uses) {
        let head = [ExecutionModel::GLCompute as u32, *function];
        let all = [&head[..], &string(name), &[invocation], buffers].concat();
        w.op(Op::EntryPoint, &all);
    }
    for function in functions {
        let mode = ExecutionMode::LocalSize as u32;
        w.op(Op::ExecutionMode, &[function, mode, WORKGROUP, 1, 1]);
    }
    let common = declare(&mut w, glsl, [invocation, words, input, output], half);
    let math = if half { half_body } else { float_body };
    // all constants stand before the first function
    let bodies = [
        touch_body as fn(&mut Words, &Common) -> Body,
        read_body,
        math,
    ]
    .map(|body| body(&mut w, &common));
    for (id, body) in functions.into_iter().zip(bodies) {
        kernel(&mut w, &common, id, body);
    }
    if let Some(bound) = w.words.get_mut(3) {
        *bound = w.next;
    }
    w.words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Decorations, types and variables. `words` is buffer 0 as words, `input` buffer 0 and `output` buffer 1 as vectors.
fn declare(w: &mut Words, glsl: u32, variables: [u32; 4], half: bool) -> Common {
    let [invocation, words, input, output] = variables;
    let built_in = BuiltIn::GlobalInvocationId as u32;
    w.op(
        Op::Decorate,
        &[invocation, Decoration::BuiltIn as u32, built_in],
    );
    for (variable, binding) in [(words, 0), (input, 0), (output, 1)] {
        w.op(
            Op::Decorate,
            &[variable, Decoration::DescriptorSet as u32, 0],
        );
        w.op(
            Op::Decorate,
            &[variable, Decoration::Binding as u32, binding],
        );
    }
    let arrays = [(w.id(), w.id(), 4), (w.id(), w.id(), 16)];
    for (array, block, stride) in arrays {
        w.op(
            Op::Decorate,
            &[array, Decoration::ArrayStride as u32, stride],
        );
        w.op(Op::Decorate, &[block, Decoration::Block as u32]);
        w.op(
            Op::MemberDecorate,
            &[block, 0, Decoration::Offset as u32, 0],
        );
    }
    let void = w.made(Op::TypeVoid, &[]);
    let main = w.made(Op::TypeFunction, &[void]);
    let u32 = w.made(Op::TypeInt, &[32, 0]);
    let f32 = w.made(Op::TypeFloat, &[32]);
    let v3 = w.made(Op::TypeVector, &[u32, 3]);
    let v4 = w.made(Op::TypeVector, &[f32, 4]);
    let (number, numbers) = if half {
        let f16 = w.made(Op::TypeFloat, &[16]);
        (f16, w.made(Op::TypeVector, &[f16, 4]))
    } else {
        (f32, v4)
    };
    let buffer = StorageClass::StorageBuffer as u32;
    let mut blocks = vec![];
    for ((array, block, _), element) in arrays.into_iter().zip([u32, v4]) {
        w.op(Op::TypeRuntimeArray, &[array, element]);
        w.op(Op::TypeStruct, &[block, array]);
        blocks.push(w.made(Op::TypePointer, &[buffer, block]));
    }
    let word_pointer = w.made(Op::TypePointer, &[buffer, u32]);
    let v4_pointer = w.made(Op::TypePointer, &[buffer, v4]);
    let v3_input = w.made(Op::TypePointer, &[StorageClass::Input as u32, v3]);
    w.op(
        Op::Variable,
        &[v3_input, invocation, StorageClass::Input as u32],
    );
    let pointers = [0, 1, 1].map(|i| blocks.get(i).copied().unwrap_or_default());
    for (pointer, variable) in pointers.into_iter().zip([words, input, output]) {
        w.op(Op::Variable, &[pointer, variable, buffer]);
    }
    let zero = w.value(Op::Constant, u32, &[0]);
    Common {
        glsl,
        void,
        main,
        u32,
        f32,
        v4,
        number,
        numbers,
        word_pointer,
        v4_pointer,
        v3,
        invocation,
        words,
        input,
        output,
        zero,
    }
}

/// A function.
fn kernel(w: &mut Words, c: &Common, id: u32, code: Body) {
    let control = FunctionControl::NONE.bits();
    w.op(Op::Function, &[c.void, id, control, c.main]);
    w.made(Op::Label, &[]);
    let position = w.value(Op::Load, c.v3, &[c.invocation]);
    let index = w.value(Op::CompositeExtract, c.u32, &[position, 0]);
    code(w, c, index);
    w.op(Op::Return, &[]);
    w.op(Op::FunctionEnd, &[]);
}

/// Writes the code of a kernel; takes the index of the invocation. Who makes one writes the constants that it needs.
type Body = Box<dyn FnOnce(&mut Words, &Common, u32)>;

fn touch_body(_: &mut Words, _: &Common) -> Body {
    Box::new(|w, c, index| {
        let place = w.value(Op::AccessChain, c.word_pointer, &[c.words, c.zero, index]);
        w.op(Op::Store, &[place, index]);
    })
}

/// Workgroup g reads the vectors from 64 * 16 g on.
fn read_body(w: &mut Words, c: &Common) -> Body {
    let six = w.value(Op::Constant, c.u32, &[WORKGROUP.ilog2()]);
    let block = w.value(Op::Constant, c.u32, &[WORKGROUP * READS]);
    let mask = w.value(Op::Constant, c.u32, &[WORKGROUP - 1]);
    let steps: Vec<u32> = (0..READS)
        .map(|i| w.value(Op::Constant, c.u32, &[i * WORKGROUP]))
        .collect();
    Box::new(move |w, c, index| {
        let group = w.value(Op::ShiftRightLogical, c.u32, &[index, six]);
        let first = w.value(Op::IMul, c.u32, &[group, block]);
        let lane = w.value(Op::BitwiseAnd, c.u32, &[index, mask]);
        let first = w.value(Op::IAdd, c.u32, &[first, lane]);
        let mut sum = None;
        for step in steps {
            let at = w.value(Op::IAdd, c.u32, &[first, step]);
            let place = w.value(Op::AccessChain, c.v4_pointer, &[c.input, c.zero, at]);
            let x = w.value(Op::Load, c.v4, &[place]);
            sum = Some(match sum {
                Some(s) => w.value(Op::FAdd, c.v4, &[s, x]),
                None => x,
            });
        }
        let place = w.value(Op::AccessChain, c.v4_pointer, &[c.output, c.zero, index]);
        w.op(Op::Store, &[place, sum.unwrap_or_default()]);
    })
}

fn float_body(w: &mut Words, c: &Common) -> Body {
    math_body(w, c, [0.999_f32.to_bits(), 0.001_f32.to_bits()])
}

/// The bits of 0.999 and 0.001 in f16.
fn half_body(w: &mut Words, c: &Common) -> Body {
    math_body(w, c, [0x3bfe, 0x1419])
}

fn math_body(w: &mut Words, c: &Common, constants: [u32; 2]) -> Body {
    let [a, b] = constants.map(|bits| {
        let one = w.value(Op::Constant, c.number, &[bits]);
        w.value(Op::ConstantComposite, c.numbers, &[one; 4])
    });
    Box::new(move |w, c, index| {
        let start = w.value(Op::ConvertUToF, c.number, &[index]);
        let mut sums = vec![];
        let mut next = w.value(Op::CompositeConstruct, c.numbers, &[start; 4]);
        for _ in 0..SUMS {
            sums.push(next);
            next = w.value(Op::FAdd, c.numbers, &[next, b]);
        }
        for _ in 0..STEPS {
            for sum in &mut sums {
                let fma = [c.glsl, GLSL_FMA, *sum, a, b];
                *sum = w.value(Op::ExtInst, c.numbers, &fma);
            }
        }
        let mut total = next;
        for sum in sums {
            total = w.value(Op::FAdd, c.numbers, &[total, sum]);
        }
        if c.number != c.f32 {
            total = w.value(Op::FConvert, c.v4, &[total]);
        }
        let place = w.value(Op::AccessChain, c.v4_pointer, &[c.input, c.zero, index]);
        w.op(Op::Store, &[place, total]);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// The validator has nothing against them; it is part of what scripts/setup.sh installs.
    #[test]
    fn the_modules_are_valid() {
        let folder = tempfile::tempdir().expect("a folder");
        for half in [false, true] {
            let path = folder.path().join("module.spv");
            std::fs::write(&path, module(half)).expect("written");
            let mut validate = Command::new("spirv-val");
            let done = validate
                .args(["--target-env", "vulkan1.3"])
                .arg(&path)
                .output();
            let done = done.expect("spirv-val is there");
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "half: {half}: {said}");
        }
    }
}
