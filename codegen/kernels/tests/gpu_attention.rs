//! GPU attention: text, bindings, and how it is shared out. That it computes what the CPU's does is tested where it runs.

use spec_kernels::gpu::{Access, Attention, Combine, Device, Emitted, Expr, Kernel, Visible};
use spec_kernels::{DType, HeadRows};

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

/// Half the invocations and memory, 32-bit elements only.
fn small() -> Device {
    Device {
        invocations: 256,
        shared_bytes: 16384,
        storage16: false,
        storage8: false,
        float16: false,
        int8: false,
        dot4x8: false,
        ..device()
    }
}

/// Token-major queries, head-major caches.
fn attention(heads: i64, kv_heads: i64, d: i64, capacity: i64) -> Attention {
    let tokens = |heads: i64| HeadRows {
        dtype: DType::F32,
        head: d,
        token: heads * d,
    };
    let cache = HeadRows {
        dtype: DType::F16,
        head: capacity * d,
        token: d,
    };
    Attention {
        heads,
        kv_heads,
        m: 2,
        d,
        capacity,
        q: tokens(heads),
        k: cache,
        v: cache,
        new: None,
        aligned: true,
        visible: Visible::Position(Expr::Load {
            scalar: 0,
            index: 0,
        }),
        y: tokens(heads),
        scale: 0.125,
        softcap: 0.0,
        split: None,
        scalars: vec![DType::I64],
    }
}

fn with_new(a: Attention) -> Attention {
    let rows = HeadRows {
        dtype: DType::F32,
        head: a.d,
        token: a.kv_heads * a.d,
    };
    Attention {
        new: Some((rows, rows)),
        ..a
    }
}

fn emit(kernel: Kernel, device: &Device) -> Emitted {
    kernel.emit(device).expect("the device has what it takes")
}

fn refusal(a: Attention, device: &Device) -> String {
    Kernel::Attention(a)
        .emit(device)
        .expect_err("it is refused")
        .to_string()
}

#[test]
fn text_of_a_small_instance() {
    let a = attention(2, 1, 8, 300);
    insta::assert_snapshot!("attention", emit(Kernel::Attention(a), &device()).text);
}

#[test]
fn text_of_combining() {
    let a = Attention {
        split: Some(256),
        scalars: Vec::new(),
        ..attention(9, 3, 64, 2048)
    };
    insta::assert_snapshot!("combine", emit(Kernel::Combine(Combine(a)), &device()).text);
}

#[test]
fn bindings_follow_the_operands() {
    let names = |kernel: Kernel| -> Vec<(&str, DType, Access, i64)> {
        let bindings = kernel.bindings();
        bindings
            .iter()
            .map(|b| (b.name, b.dtype, b.access, b.elements))
            .collect()
    };
    let (read, write) = (Access::Read, Access::Write);
    let a = with_new(Attention {
        visible: Visible::Mask(DType::F32),
        scalars: Vec::new(),
        ..attention(4, 2, 16, 100)
    });
    assert_eq!(
        names(Kernel::Attention(a.clone())),
        [
            ("q", DType::F32, read, 128),
            ("k", DType::F16, read, 3200),
            ("v", DType::F16, read, 3200),
            ("k_new", DType::F32, read, 64),
            ("v_new", DType::F32, read, 64),
            // The cache's rows, and then the call's own.
            ("mask", DType::F32, read, 204),
            ("y", DType::F32, write, 128),
        ]
    );
    let split = Attention {
        visible: attention(1, 1, 1, 1).visible,
        scalars: vec![DType::I64],
        split: Some(64),
        ..a
    };
    // Two ranges of 102 rows, 2 tokens, 4 heads, 16 sums and 2 more.
    assert_eq!(
        names(Kernel::Attention(split.clone()))[5..],
        [
            ("partial", DType::F32, write, 288),
            ("scalar", DType::I64, read, 1)
        ]
    );
    assert_eq!(
        names(Kernel::Combine(Combine(Attention {
            scalars: Vec::new(),
            ..split
        }))),
        [
            ("partial", DType::F32, read, 288),
            ("y", DType::F32, write, 128)
        ]
    );
}

/// A workgroup takes the heads of a KV head, so that they share its rows, a token, and a range of rows.
#[test]
fn workgroups_share_keys_and_values() {
    let groups = |a| emit(Kernel::Attention(a), &device()).groups;
    assert_eq!(groups(attention(9, 3, 64, 2048)), [3, 2, 1]);
    assert_eq!(groups(attention(32, 2, 64, 2048)), [4, 2, 1]);
    let split = Attention {
        split: Some(256),
        ..attention(9, 3, 64, 2000)
    };
    assert_eq!(groups(split), [3, 2, 8]);
}

/// Blocks of rows, not rows, take workgroup memory.
#[test]
fn workgroup_memory_does_not_grow_with_the_cache() {
    let memory = |capacity| -> Vec<String> {
        let text = emit(Kernel::Attention(attention(8, 1, 256, capacity)), &small()).text;
        let lines = text.lines().filter(|line| line.contains("memref.alloc"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(memory(300), memory(30_000));
    assert!(!memory(300).is_empty());
}

/// Keys and values come 16 bytes at once if they lie so, and one by one if not.
#[test]
fn loads_are_wide_where_rows_are_aligned() {
    let wide = "memref<?xvector<4xi32>>";
    let aligned = attention(4, 2, 64, 100);
    let text = emit(Kernel::Attention(aligned.clone()), &device()).text;
    assert!(text.contains(wide) && !text.contains("memref<?xf16>"));
    for a in [
        Attention {
            aligned: false,
            ..aligned
        },
        attention(4, 2, 20, 100),
    ] {
        let text = emit(Kernel::Attention(a), &device()).text;
        assert!(!text.contains(wide) && text.contains("memref<?xf16>"));
    }
}

#[test]
fn refuses_what_it_is_not_written_for() {
    insta::assert_snapshot!(refusal(attention(5, 2, 64, 10), &device()), @"attention: 2 KV heads do not divide 5 heads");
    insta::assert_snapshot!(refusal(attention(2, 2, 64, 1), &device()), @"attention: a cache of 1 rows cannot hold the call's 2");
    insta::assert_snapshot!(refusal(attention(2, 2, 2048, 10), &device()), @"attention: rows of 2048 elements; kernels take 1024 at most");
    let tiny = Device {
        shared_bytes: 1024,
        ..device()
    };
    insta::assert_snapshot!(refusal(attention(2, 2, 64, 10), &tiny), @"attention with rows of 64 elements does not fit 512 invocations and 1024 bytes of workgroup memory");
    let y = HeadRows {
        dtype: DType::F16,
        ..attention(2, 2, 64, 10).y
    };
    let narrow = Attention {
        y,
        ..attention(2, 2, 64, 10)
    };
    insta::assert_snapshot!(refusal(narrow, &small()), @"storing y as f16 needs 16-bit storage, which the device does not have");
    let whole = Kernel::Combine(Combine(attention(2, 2, 64, 10)));
    insta::assert_snapshot!(whole.emit(&device()).expect_err("it is whole").to_string(), @"attention that is not split has nothing to combine");
}
