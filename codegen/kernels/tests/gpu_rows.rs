//! GPU kernels of rows: text, bindings, and what a device must have. That they compute what the CPU's do is tested where they run.

use spec_kernels::gpu::{
    Access, Check, Cond, Device, Emitted, Expr, HeadNorm, HeadRope, Heads, Kernel, Place, TopK,
    Width, Writer,
};
use spec_kernels::{
    Activation, Argmax, DType, Embedding, Function, HeadRows, Norm, NormKind, Pairing, Rope,
    Softmax, Strides, Table,
};

/// Everything that kernels know how to use.
fn device() -> Device {
    Device {
        invocations: 512,
        shared_bytes: 32768,
        subgroup: 16,
        bindings: 64,
        storage16: true,
        storage8: true,
        float16: true,
        int8: true,
        dot4x8: true,
    }
}

/// 32-bit elements only.
fn plain() -> Device {
    Device {
        invocations: 256,
        shared_bytes: 16384,
        bindings: 16,
        storage16: false,
        storage8: false,
        float16: false,
        int8: false,
        dot4x8: false,
        ..device()
    }
}

fn norm(rows: i64, n: i64, y: DType) -> Kernel {
    Kernel::Norm(Norm {
        kind: NormKind::Rms,
        rows,
        n,
        x: DType::F32,
        x_stride: n + 3,
        weight: DType::F16,
        bias: None,
        y,
        y_stride: n,
        eps: 1e-5,
        weight_offset: 0.0,
    })
}

fn embedding(table: Table, y: DType) -> Kernel {
    Kernel::Embedding(Embedding {
        m: 3,
        v: 100,
        n: 64,
        ids: DType::I64,
        table,
        y,
        y_stride: 64,
    })
}

fn append(norm: bool, rope: bool) -> Kernel {
    Kernel::Heads(Heads {
        heads: 3,
        m: 2,
        d: 64,
        x: HeadRows {
            dtype: DType::F32,
            head: 64,
            token: 192,
        },
        norm: norm.then_some(HeadNorm {
            eps: 1e-6,
            weight_offset: 0.0,
            weight: DType::F32,
        }),
        rope: rope.then_some(HeadRope {
            pairing: Pairing::Half,
            cos: DType::F32,
            sin: DType::F32,
        }),
        y: Place {
            dtype: DType::F16,
            d: 64,
            head: 128 * 64,
            token: 64,
            at: Some(load(0, 1)),
            capacity: 128,
        },
        scalars: vec![DType::I64],
    })
}

fn load(scalar: usize, index: i64) -> Expr {
    Expr::Load { scalar, index }
}

fn emit(kernel: &Kernel, device: &Device) -> Emitted {
    kernel.emit(device).expect("the device has what it takes")
}

fn refusal(kernel: &Kernel, device: &Device) -> String {
    kernel
        .emit(device)
        .expect_err("the device lacks something")
        .to_string()
}

#[test]
fn text_of_an_embedding() {
    let table = Table::I4 {
        group: 32,
        scale: DType::F16,
    };
    insta::assert_snapshot!(
        "embedding_full",
        emit(&embedding(table, DType::F16), &device()).text
    );
    insta::assert_snapshot!(
        "embedding_plain",
        emit(&embedding(table, DType::F32), &plain()).text
    );
}

#[test]
fn text_of_a_norm() {
    insta::assert_snapshot!("norm", emit(&norm(2, 77, DType::BF16), &device()).text);
}

#[test]
fn text_of_an_append() {
    insta::assert_snapshot!("append", emit(&append(false, true), &device()).text);
}

#[test]
fn text_of_a_check() {
    let holds = |predicate, left, right| Cond::Compare {
        predicate,
        left,
        right,
    };
    let check = Kernel::Check(Check {
        conditions: vec![Cond::And(
            Box::new(holds("sge", load(0, 0), Expr::Constant(0))),
            Box::new(holds(
                "sle",
                Expr::Add(Box::new(load(0, 0)), Box::new(load(1, 2))),
                Expr::Constant(i64::MAX),
            )),
        )],
        scalars: vec![DType::I64, DType::I32],
    });
    insta::assert_snapshot!("check", emit(&check, &device()).text);
}

/// One line per operation of an expression: constants outside of 32 bits become the nearest inside.
#[test]
fn text_of_an_expression() {
    let scalar = spec_kernels::gpu::Binding {
        name: "scalar",
        dtype: DType::I32,
        access: Access::Read,
        elements: 3,
    };
    let mut w = Writer::new(&plain(), 1, &[(scalar, Width::One)]).expect("small");
    let boxed = |e: Expr| Box::new(e);
    let least = Expr::MinUnsigned(boxed(load(0, 2)), boxed(Expr::Constant(-1)));
    let product = Expr::Mul(
        boxed(Expr::Sub(boxed(load(0, 0)), boxed(Expr::Constant(1 << 40)))),
        boxed(Expr::Max(boxed(load(0, 1)), boxed(Expr::Constant(0)))),
    );
    let value = w.expr(
        &Expr::Select(
            Box::new(Cond::Compare {
                predicate: "ult",
                left: load(0, 0),
                right: Expr::Constant(7),
            }),
            boxed(Expr::Min(boxed(least), boxed(Expr::Constant(5)))),
            boxed(product),
        ),
        0,
    );
    let start = w.start(0);
    w.store(0, &start, &value);
    insta::assert_snapshot!("expression", w.finish([1, 1, 1]).expect("small").text);
}

#[test]
fn bindings_follow_the_operands() {
    let names = |kernel: &Kernel| -> Vec<(&str, DType, Access, i64)> {
        let bindings = kernel.bindings();
        bindings
            .iter()
            .map(|b| (b.name, b.dtype, b.access, b.elements))
            .collect()
    };
    let (read, write) = (Access::Read, Access::Write);
    let table = Table::I8 {
        group: 0,
        scale: DType::F32,
    };
    assert_eq!(
        names(&embedding(table, DType::F32)),
        [
            ("ids", DType::I64, read, 3),
            ("table", DType::I8, read, 6400),
            ("scale", DType::F32, read, 100),
            ("y", DType::F32, write, 192),
            ("status", DType::I32, write, 1),
        ]
    );
    assert_eq!(
        names(&append(true, true)),
        [
            ("x", DType::F32, read, 384),
            ("weight", DType::F32, read, 64),
            ("cos", DType::F32, read, 64),
            ("sin", DType::F32, read, 64),
            // Heads 128 * 64 apart, and the whole cache of the last.
            ("y", DType::F16, write, 3 * 128 * 64),
            ("scalar", DType::I64, read, 2),
        ]
    );
}

/// Rows differ in the number of workgroups only: the arithmetic of one cannot depend on how many there are.
#[test]
fn text_does_not_depend_on_the_rows() {
    let (one, many) = (
        emit(&norm(1, 576, DType::F32), &device()),
        emit(&norm(8, 576, DType::F32), &device()),
    );
    assert_eq!(one.text, many.text);
    assert_eq!((one.groups, many.groups), ([1, 1, 1], [8, 1, 1]));
    let argmax = |m| {
        Kernel::Argmax(Argmax {
            m,
            v: 151_936,
            x: DType::F32,
            x_stride: 151_936,
            ids: DType::I64,
        })
    };
    let (one, many) = (emit(&argmax(1), &device()), emit(&argmax(8), &device()));
    assert_eq!(one.text, many.text);
    assert_eq!(many.workgroup, [256, 1, 1]);
}

#[test]
fn narrow_stores_need_narrow_storage() {
    insta::assert_snapshot!(refusal(&norm(1, 64, DType::F16), &plain()), @"storing y as f16 needs 16-bit storage, which the device does not have");
    insta::assert_snapshot!(refusal(&append(true, false), &plain()), @"storing y as f16 needs 16-bit storage, which the device does not have");
    // Narrow loads do not: they go through words.
    let table = embedding(Table::Dense(DType::BF16), DType::F32);
    let text = emit(&table, &plain()).text;
    assert!(!text.contains("i16") && !text.contains("f16"), "{text}");
}

#[test]
fn refuses_what_the_device_or_the_kernel_cannot() {
    let activation = |rows| {
        Kernel::Activation(Activation {
            function: Function::Silu,
            rows,
            n: 1 << 20,
            x: DType::F32,
            x_stride: 1 << 20,
            up: None,
            y: DType::F32,
            y_stride: 1 << 20,
        })
    };
    insta::assert_snapshot!(refusal(&activation(4096), &device()), @"x has 4294967296 elements: kernels count in 32 bits");
    let few = Device {
        bindings: 3,
        ..device()
    };
    insta::assert_snapshot!(refusal(&append(true, true), &few), @"a kernel with 6 buffers: the device binds 3 at most");
    let narrow = Device {
        invocations: 32,
        ..device()
    };
    insta::assert_snapshot!(refusal(&activation(1), &narrow), @"a workgroup of 64 invocations: the device takes 32 at most");
    let small = Device {
        shared_bytes: 256,
        ..device()
    };
    insta::assert_snapshot!(refusal(&norm(1, 576, DType::F32), &small), @"a kernel with 576 bytes of workgroup memory: the device has 256");
    let rope = Kernel::Rope(Rope {
        a: 1,
        b: 1,
        d: 5,
        token_dim: 0,
        pairing: Pairing::Half,
        x: DType::F32,
        x_strides: Strides { a: 5, b: 5 },
        cos: DType::F32,
        sin: DType::F32,
        y: DType::F32,
        y_strides: Strides { a: 5, b: 5 },
    });
    insta::assert_snapshot!(refusal(&rope, &device()), @"rope: rows of 5 elements and token_dim 0: D must be even, token_dim 0 or 1");
    let Kernel::Heads(mut heads) = append(false, false) else {
        unreachable!("it is heads");
    };
    heads.y.capacity = 1;
    insta::assert_snapshot!(refusal(&Kernel::Heads(heads), &device()), @"2 tokens in a cache of 1");
}

#[test]
fn top_k_gives_ids_and_values() {
    let top = |k, v| {
        Kernel::TopK(TopK {
            m: 2,
            v,
            k,
            x: DType::F32,
            x_stride: v,
            ids: DType::I64,
            values: DType::F32,
        })
    };
    let lengths: Vec<_> = top(8, 300)
        .bindings()
        .iter()
        .map(|b| (b.name, b.elements))
        .collect();
    assert_eq!(lengths, [("x", 600), ("ids", 16), ("values", 16)]);
    let few = emit(&top(2, 151_936), &plain());
    assert_eq!((few.workgroup, few.groups), ([256, 1, 1], [2, 1, 1]));
    assert_eq!(top(8, 300).label(), "top8_300");
    insta::assert_snapshot!(refusal(&top(65, 300), &device()), @"top 65 of 300 as i64: kernels give 64 at most, no more than there are, as i32 or i64");
    insta::assert_snapshot!(refusal(&top(8, 7), &device()), @"top 8 of 7 as i64: kernels give 64 at most, no more than there are, as i32 or i64");
}

#[test]
fn labels_are_names() {
    let softmax = Kernel::Softmax(Softmax {
        rows: 1,
        n: 9,
        x: DType::F32,
        x_stride: 9,
        y: DType::F32,
        y_stride: 9,
    });
    let labels: Vec<String> = [
        norm(1, 64, DType::F32),
        softmax,
        append(true, true),
        append(false, false),
    ]
    .iter()
    .map(Kernel::label)
    .collect();
    assert_eq!(
        labels,
        [
            "norm_rms_64",
            "softmax_9",
            "heads_norm_rope_3x64",
            "heads_3x64"
        ]
    );
}
