//! Texts, buffers, errors.

use spec_kernels::gpu::{
    Access, Device, Expr, Finish, Kernel, LinearGroup, Part, Place, Rows, Stage,
};
use spec_kernels::{Activations, DType, Format, Function, Layout, NormKind, Pairing};

use crate::shapes::{dense, formats, group, mali, part, v3d};

const F16: Format = Format::Dense {
    dtype: DType::F16,
    layout: Layout::OutIn,
};

fn text(group: &LinearGroup, device: &Device) -> String {
    let kernel = Kernel::Linear(group.clone());
    let emitted = kernel.emit(device).expect("a kernel");
    let buffers: Vec<String> = kernel
        .bindings()
        .iter()
        .map(|b| {
            format!(
                "// {:<11} {} {:?} {}",
                b.name,
                b.dtype.name(),
                b.access,
                b.elements
            )
        })
        .collect();
    format!(
        "// {} of {:?} in {:?}\n{}\n{}",
        kernel.label(),
        emitted.workgroup,
        emitted.groups,
        buffers.join("\n"),
        emitted.text
    )
}

/// Queries and keys rotated, keys and values appended to a cache at a run-time position, of normalised activations.
fn attention_input(m: i64) -> LinearGroup {
    let cache = |at| Place {
        dtype: DType::F16,
        d: 64,
        head: 64 * 512,
        token: 64,
        at: Some(Expr::Load {
            scalar: 0,
            index: at,
        }),
        capacity: 512,
    };
    let rope = |to| Finish::Rope {
        pairing: Pairing::Half,
        cos: DType::F32,
        sin: DType::F32,
        to,
    };
    let queries = Place {
        dtype: DType::F32,
        d: 64,
        head: 64,
        token: 576,
        at: None,
        capacity: m,
    };
    let of = |n, finish| Part {
        finish,
        ..part(m, n, F16)
    };
    LinearGroup {
        stage: Stage::Norm {
            kind: NormKind::Rms,
            eps: 1e-5,
            weight_offset: 0.0,
            weight: DType::F32,
            bias: None,
            round: DType::F32,
        },
        parts: vec![
            of(576, rope(queries)),
            of(192, rope(cache(0))),
            of(
                192,
                Finish::Store {
                    add: None,
                    to: cache(0),
                },
            ),
        ],
        scalars: vec![DType::I64],
        ..group(m, 576, 576, F16)
    }
}

#[test]
fn one_row_of_f16() {
    let residual = Finish::Store {
        add: Some(Rows {
            dtype: DType::F32,
            stride: 576,
            aligned: true,
        }),
        to: dense(DType::F32, 576, 1),
    };
    let group = LinearGroup {
        parts: vec![Part {
            bias: Some(DType::F32),
            round: DType::F32,
            finish: residual,
            ..part(1, 576, F16)
        }],
        ..group(1, 576, 1536, F16)
    };
    insta::assert_snapshot!(text(&group, &mali()));
}

#[test]
fn keys_and_values_into_a_cache() {
    insta::assert_snapshot!(text(&attention_input(1), &mali()));
}

#[test]
fn four_bits_with_integer_products() {
    let format = Format::I4 {
        group: 32,
        scale: DType::F16,
    };
    let group = LinearGroup {
        activations: Activations::I8,
        ..group(1, 300, 2048, format)
    };
    insta::assert_snapshot!(text(&group, &mali()));
}

/// K that no vector divides, on a device that has no 16-bit storage.
#[test]
fn odd_sizes_on_v3d() {
    let x = Rows {
        dtype: DType::F32,
        stride: 45,
        aligned: false,
    };
    let group = LinearGroup {
        x,
        ..group(2, 13, 45, F16)
    };
    insta::assert_snapshot!(text(&group, &v3d()));
}

/// A device's storage of small elements is used for single elements only, and what is wide is 16 bytes.
#[test]
fn loads_weights_by_16_bytes() {
    for (name, format, activations) in formats() {
        for device in [mali(), v3d()] {
            let wide = LinearGroup {
                activations,
                ..group(1, 64, 576, format)
            };
            let kernel = Kernel::Linear(wide).emit(&device).expect("a kernel").text;
            let weight = kernel.split("%b1: ").nth(1).expect("a weight");
            assert!(
                weight.starts_with("memref<?xvector<4x"),
                "{name}: {weight:.40}"
            );
            assert!(device.dot4x8 || !kernel.contains("spirv.SDot"), "{name}");
            assert!(
                device.storage16 || !kernel.contains("xf16>") && !kernel.contains("xi16>"),
                "{name}"
            );
            assert!(device.storage8 || !kernel.contains("xi8>"), "{name}");
            assert!(
                !kernel.contains("bf16") && !kernel.contains("subgroup"),
                "{name}"
            );
        }
    }
}

/// Buffers of a call with several tokens: gaps of strided rows, caches as a whole, scalars as far as they are read.
#[test]
fn buffers() {
    let group = LinearGroup {
        x: Rows {
            dtype: DType::F32,
            stride: 640,
            aligned: true,
        },
        ..attention_input(3)
    };
    let bindings = Kernel::Linear(group).bindings();
    let list: Vec<_> = bindings
        .iter()
        .map(|b| (b.name, b.dtype, b.access, b.elements))
        .collect();
    let (read, write) = (Access::Read, Access::Write);
    assert_eq!(
        list,
        [
            ("x", DType::F32, read, 2 * 640 + 576),
            ("norm_weight", DType::F32, read, 576),
            ("weight", DType::F16, read, 576 * 576),
            ("cos", DType::F32, read, 3 * 32),
            ("sin", DType::F32, read, 3 * 32),
            ("to", DType::F32, write, 8 * 64 + 2 * 576 + 64),
            ("weight", DType::F16, read, 192 * 576),
            ("cos", DType::F32, read, 3 * 32),
            ("sin", DType::F32, read, 3 * 32),
            ("to", DType::F16, write, 3 * 64 * 512),
            ("weight", DType::F16, read, 192 * 576),
            ("to", DType::F16, write, 3 * 64 * 512),
            ("scalar", DType::I64, read, 1),
        ]
    );
    let i4 = Format::I4 {
        group: 64,
        scale: DType::F16,
    };
    let bindings = Kernel::Linear(crate::shapes::group(1, 10, 128, i4)).bindings();
    let list: Vec<_> = bindings
        .iter()
        .map(|b| (b.name, b.dtype, b.elements))
        .collect();
    assert_eq!(
        list,
        [
            ("x", DType::F32, 128),
            ("weight", DType::I8, 640),
            ("scale", DType::F16, 20),
            ("to", DType::F32, 10)
        ]
    );
}

#[test]
fn labels() {
    let label = |g: LinearGroup| Kernel::Linear(g).label();
    assert_eq!(label(attention_input(1)), "norm_linear3_576_f16");
    assert_eq!(label(attention_input(5)), "norm_linear3_576_f16_m5");
    let i8 = Format::I8 {
        group: 32,
        scale: DType::F16,
    };
    let dot = LinearGroup {
        activations: Activations::I8,
        ..group(1, 64, 576, i8)
    };
    assert_eq!(label(dot), "linear1_576_i8g32_dot");
}

fn refused(group: LinearGroup, device: &Device) -> String {
    Kernel::Linear(group)
        .emit(device)
        .expect_err("no kernel")
        .to_string()
}

#[test]
fn refuses() {
    let f16 = group(1, 64, 96, F16);
    let with = |finish: Finish| LinearGroup {
        parts: vec![Part {
            finish,
            ..part(1, 64, F16)
        }],
        ..f16.clone()
    };
    let store = |to| with(Finish::Store { add: None, to });
    let i8 = |g| Format::I8 {
        group: g,
        scale: DType::F16,
    };
    let gate = || Finish::Activate {
        function: Function::Silu,
        gated: true,
        to: dense(DType::F32, 64, 1),
    };
    let heads = |d| Place {
        d,
        ..dense(DType::F32, 64, 1)
    };
    let rope = |d| {
        with(Finish::Rope {
            pairing: Pairing::Half,
            cos: DType::F32,
            sin: DType::F32,
            to: heads(d),
        })
    };
    let cases = [
        refused(
            LinearGroup {
                parts: vec![],
                ..f16.clone()
            },
            &mali(),
        ),
        refused(
            LinearGroup {
                activations: Activations::I8,
                ..f16.clone()
            },
            &mali(),
        ),
        refused(group(1, 64, 96, i8(16)), &mali()),
        refused(group(1, 64, 96, i8(64)), &mali()),
        refused(
            group(
                1,
                64,
                96,
                Format::I4 {
                    group: 32,
                    scale: DType::BF16,
                },
            ),
            &mali(),
        ),
        refused(with(gate()), &mali()),
        refused(with(Finish::Up), &mali()),
        refused(rope(48), &mali()),
        refused(store(heads(0)), &mali()),
        refused(
            store(Place {
                at: Some(Expr::Constant(0)),
                capacity: 0,
                ..heads(64)
            }),
            &mali(),
        ),
        refused(store(dense(DType::F16, 64, 1)), &v3d()),
        refused(
            LinearGroup {
                m: 4,
                ..attention_input(1)
            },
            &Device {
                shared_bytes: 8192,
                ..mali()
            },
        ),
        refused(
            LinearGroup {
                m: 2,
                x: Rows { stride: 8, ..f16.x },
                ..f16.clone()
            },
            &mali(),
        ),
        refused(
            attention_input(1),
            &Device {
                bindings: 12,
                ..mali()
            },
        ),
    ];
    insta::assert_snapshot!(cases.join("\n"));
}
