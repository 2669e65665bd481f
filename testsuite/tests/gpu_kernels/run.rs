//! Runs one kernel on the software device, each operand in a buffer of its own, between guards.

use half::{bf16, f16};
use spec_codegen::gpu::assemble;
use spec_kernels::DType;
use spec_kernels::gpu::{Access, Device, Kernel};
use spec_runtime::schedule;
use spec_runtime::vulkan::{Buffer, Gpu, Program};
use spec_testsuite::gpu::gpu;

/// A Mali of the Valhall generation.
pub const WIDE: Device = Device {
    invocations: 512,
    shared_bytes: 32_768,
    subgroup: 16,
    bindings: 64,
    storage16: true,
    storage8: true,
    float16: true,
    int8: true,
    dot4x8: true,
};

/// A Raspberry Pi 5: elements of 4 bytes only.
pub const NARROW: Device = Device {
    invocations: 256,
    shared_bytes: 16_384,
    subgroup: 16,
    bindings: 16,
    storage16: false,
    storage8: false,
    float16: false,
    int8: false,
    dot4x8: false,
};

/// What memory holds that nobody wrote.
const POISON: u8 = 0xa5;
/// Bytes of a guard.
const GUARD: usize = 256;

/// What a binding holds at first.
#[derive(Clone, Debug)]
pub struct Operand {
    pub dtype: DType,
    pub bytes: Vec<u8>,
    /// The elements, unless they are packed integers.
    pub values: Vec<f64>,
}

impl Operand {
    /// `n` numbers, rounded to the type.
    pub fn new(dtype: DType, n: i64, value: impl Fn(usize) -> f64) -> Self {
        let values: Vec<f64> = (0..n as usize).map(|i| round(dtype, value(i))).collect();
        let bytes = values.iter().flat_map(|v| encode(dtype, *v)).collect();
        Operand {
            dtype,
            bytes,
            values,
        }
    }

    /// Bytes whose meaning the caller knows.
    pub fn packed(bytes: Vec<u8>) -> Self {
        Operand {
            dtype: DType::I8,
            bytes,
            values: vec![],
        }
    }

    /// `n` elements that nobody wrote.
    pub fn nothing(dtype: DType, n: i64) -> Self {
        let bytes = vec![POISON; n as usize * dtype.bytes() as usize];
        Operand {
            dtype,
            bytes,
            values: vec![],
        }
    }
}

/// `value` as the type holds it.
pub fn round(dtype: DType, value: f64) -> f64 {
    match dtype {
        DType::F32 => f64::from(value as f32),
        DType::F16 => f16::from_f64(value).to_f64(),
        DType::BF16 => bf16::from_f64(value).to_f64(),
        DType::I8 | DType::I32 | DType::I64 => value.round(),
    }
}

/// Largest relative distance of neighbours.
pub fn ulp(dtype: DType) -> f64 {
    match dtype {
        DType::F32 => 1.2e-7,
        DType::F16 => 1e-3,
        DType::BF16 => 8e-3,
        DType::I8 | DType::I32 | DType::I64 => 0.0,
    }
}

fn encode(dtype: DType, v: f64) -> Vec<u8> {
    match dtype {
        DType::F32 => (v as f32).to_le_bytes().to_vec(),
        DType::F16 => f16::from_f64(v).to_le_bytes().to_vec(),
        DType::BF16 => bf16::from_f64(v).to_le_bytes().to_vec(),
        DType::I8 => (v as i8).to_le_bytes().to_vec(),
        DType::I32 => (v as i32).to_le_bytes().to_vec(),
        DType::I64 => (v as i64).to_le_bytes().to_vec(),
    }
}

/// The elements of a buffer.
pub fn decode(dtype: DType, bytes: &[u8]) -> Vec<f64> {
    let one = |b: &[u8]| {
        let mut wide = [0; 8];
        wide[..b.len()].copy_from_slice(b);
        let bits = u64::from_le_bytes(wide);
        match dtype {
            DType::F32 => f64::from(f32::from_bits(bits as u32)),
            DType::F16 => f16::from_bits(bits as u16).to_f64(),
            DType::BF16 => bf16::from_bits(bits as u16).to_f64(),
            DType::I8 => f64::from(bits as u8 as i8),
            DType::I32 => f64::from(bits as u32 as i32),
            DType::I64 => bits as i64 as f64,
        }
    };
    bytes
        .chunks_exact(dtype.bytes() as usize)
        .map(one)
        .collect()
}

/// Numbers from -1 to 1 that look random.
pub fn noise(seed: usize, i: usize) -> f64 {
    let mut x = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (seed as u64 + 1).wrapping_mul(0xd1b5_4a32_d192_ed03);
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 32;
    (x % 2_000_001) as f64 / 1e6 - 1.0
}

/// What each binding holds after `kernel` ran on `operands`, in buffers whose first element is `aligned` to 16 bytes, or not at all.
///
/// # Errors
/// There is no such kernel for `device`, it cannot be run, or it writes where it must not.
pub fn run(
    kernel: &Kernel,
    device: &Device,
    operands: &[Operand],
    aligned: bool,
) -> Result<Vec<Vec<u8>>, String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let (emitted, bindings) = (
        kernel.emit(device).map_err(|e| text(&e))?,
        kernel.bindings(),
    );
    assert_eq!(operands.len(), bindings.len(), "{bindings:?}");
    for (operand, binding) in operands.iter().zip(&bindings) {
        let elements = operand.bytes.len() as i64 / operand.dtype.bytes() as i64;
        assert_eq!(
            (operand.dtype, elements),
            (binding.dtype, binding.elements),
            "{binding:?}"
        );
    }
    let spirv = assemble(&[("main".to_owned(), emitted.text)], device).map_err(|e| text(&e))?;
    let shift = |o: &Operand| {
        if aligned {
            16
        } else {
            o.dtype.bytes() as usize
        }
    };
    let spans = operands
        .iter()
        .zip(&bindings)
        .enumerate()
        .map(|(i, (o, b))| schedule::Span {
            buffer: schedule::Buffer::Argument(i as u32),
            offset: GUARD as u64,
            // whole words: a device without elements of 2 bytes reads no others
            bytes: (shift(o) + o.bytes.len()).next_multiple_of(4) as u64,
            access: match b.access {
                Access::Read => schedule::Access::Read,
                Access::Write => schedule::Access::Write,
                Access::ReadWrite => schedule::Access::ReadWrite,
            },
        });
    let push = operands
        .iter()
        .map(|o| (shift(o) as u64 / o.dtype.bytes()) as u32);
    let schedule = schedule::Schedule {
        workspace_bytes: 256,
        constants_bytes: 0,
        kernels: vec![schedule::KernelInfo {
            entry: "main".into(),
            bindings: bindings.len() as u32,
            push_words: bindings.len() as u32,
            workgroup: emitted.workgroup,
        }],
        dispatches: vec![schedule::Dispatch {
            kernel: 0,
            groups: emitted.groups,
            barrier: false,
            spans: spans.collect(),
            push: push.collect(),
        }],
    };
    let starts: Vec<usize> = operands.iter().map(|o| GUARD + shift(o)).collect();
    let before: Vec<Vec<u8>> = (operands.iter().zip(&starts))
        .map(|(o, start)| framed(o, *start))
        .collect();
    let after = dispatch(&spirv, &schedule, &before)?;
    let mut results = vec![];
    for (i, (operand, start)) in operands.iter().zip(starts).enumerate() {
        let end = start + operand.bytes.len();
        let outside = |b: &[u8]| [&b[..start], &b[end..]].concat();
        if outside(&before[i]) != outside(&after[i]) {
            return Err(format!(
                "{} is written outside of its bounds",
                bindings[i].name
            ));
        }
        if bindings[i].access == Access::Read && before[i] != after[i] {
            return Err(format!("{} is written", bindings[i].name));
        }
        results.push(after[i][start..end].to_vec());
    }
    Ok(results)
}

/// An operand between guards.
fn framed(operand: &Operand, start: usize) -> Vec<u8> {
    let mut all = vec![POISON; start];
    all.extend(&operand.bytes);
    all.resize((all.len() + GUARD).next_multiple_of(4), POISON);
    all
}

fn dispatch(
    spirv: &[u8],
    schedule: &schedule::Schedule,
    contents: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>, String> {
    let gpu = gpu()?;
    let result = on(&gpu, spirv, schedule, contents);
    let messages = gpu.messages();
    match messages.is_empty() {
        true => result,
        false => Err(format!("{:?}: {}", result.err(), messages.join("\n"))),
    }
}

fn on(
    gpu: &Gpu,
    spirv: &[u8],
    schedule: &schedule::Schedule,
    contents: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>, String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let mut buffers: Vec<Buffer> = vec![];
    for content in contents {
        let mut buffer = gpu.buffer(content.len() as u64).map_err(|e| text(&e))?;
        buffer.as_mut_slice().copy_from_slice(content);
        buffers.push(buffer);
    }
    let program = Program::new(gpu, spirv, schedule, &[]).map_err(|e| text(&e))?;
    let recorded = program.bind(&buffers.iter().collect::<Vec<_>>());
    let mut recorded = recorded.map_err(|e| text(&e))?;
    recorded.run().map_err(|e| text(&e))?;
    Ok(buffers.iter().map(|b| b.as_slice().to_vec()).collect())
}
