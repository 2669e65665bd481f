//! Devices and groups of products.

use spec_kernels::gpu::{Device, Finish, LinearGroup, Part, Place, Rows, Stage};
use spec_kernels::{Activations, DType, Format, Layout};

/// A Mali of the Valhall generation.
pub fn mali() -> Device {
    Device {
        invocations: 512,
        shared_bytes: 32_768,
        subgroup: 16,
        bindings: 64,
        storage16: true,
        storage8: true,
        float16: true,
        int8: true,
        dot4x8: true,
    }
}

/// A Raspberry Pi 5: elements of 4 bytes only.
pub fn v3d() -> Device {
    Device {
        invocations: 256,
        shared_bytes: 16_384,
        subgroup: 16,
        bindings: 16,
        storage16: false,
        storage8: false,
        float16: false,
        int8: false,
        dot4x8: false,
    }
}

/// All weights and arithmetics.
pub fn formats() -> Vec<(&'static str, Format, Activations)> {
    let dense = |dtype, layout| (Format::Dense { dtype, layout }, Activations::Float);
    let scale = DType::F16;
    let (i8, i4) = (
        |group| Format::I8 { group, scale },
        |group| Format::I4 { group, scale },
    );
    let list = [
        ("f32", dense(DType::F32, Layout::OutIn)),
        ("f16", dense(DType::F16, Layout::OutIn)),
        ("bf16", dense(DType::BF16, Layout::OutIn)),
        ("f32 [K,N]", dense(DType::F32, Layout::InOut)),
        ("f16 [K,N]", dense(DType::F16, Layout::InOut)),
        ("i8 row", (i8(0), Activations::Float)),
        ("i8 g32", (i8(32), Activations::Float)),
        ("i8 g64", (i8(64), Activations::Float)),
        ("i4 g32", (i4(32), Activations::Float)),
        ("i4 g64", (i4(64), Activations::Float)),
        ("i8 row dot", (i8(0), Activations::I8)),
        ("i8 g32 dot", (i8(32), Activations::I8)),
        ("i4 g32 dot", (i4(32), Activations::I8)),
        ("i4 g64 dot", (i4(64), Activations::I8)),
    ];
    list.map(|(name, (format, activations))| (name, format, activations))
        .to_vec()
}

/// Rows of `[M, N]`.
pub fn dense(dtype: DType, n: i64, m: i64) -> Place {
    Place {
        dtype,
        d: n,
        head: n,
        token: n,
        at: None,
        capacity: m,
    }
}

/// A part that is stored as f32.
pub fn part(m: i64, n: i64, format: Format) -> Part {
    Part {
        n,
        format,
        aligned: true,
        bias: None,
        round: DType::F32,
        finish: Finish::Store {
            add: None,
            to: dense(DType::F32, n, m),
        },
    }
}

/// One product of f32 activations, `[m, k]` with `n` rows of `k`.
pub fn group(m: i64, n: i64, k: i64, format: Format) -> LinearGroup {
    LinearGroup {
        m,
        k,
        x: Rows {
            dtype: DType::F32,
            stride: k,
            aligned: true,
        },
        stage: Stage::Plain,
        parts: vec![part(m, n, format)],
        activations: Activations::Float,
        scalars: Vec::new(),
    }
}
