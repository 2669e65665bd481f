//! What `linear` decides for cores of several kinds, and that its inner loops fit in their registers.

mod common;

use std::fmt::Write as _;

use common::Machine;
use spec_kernels::{Activations, DType, Format, Kernel, Layout, Linear, schedule};

const F16: DType = DType::F16;

fn formats() -> Vec<(&'static str, Format, Activations)> {
    let dense = |dtype, layout| (Format::Dense { dtype, layout }, Activations::Float);
    let (i8, i4) = (
        |group| Format::I8 { group, scale: F16 },
        |group| Format::I4 { group, scale: F16 },
    );
    let list = [
        ("f32", dense(DType::F32, Layout::OutIn)),
        ("f16", dense(F16, Layout::OutIn)),
        ("bf16", dense(DType::BF16, Layout::OutIn)),
        ("f32 [K,N]", dense(DType::F32, Layout::InOut)),
        ("f16 [K,N]", dense(F16, Layout::InOut)),
        ("i8 row", (i8(0), Activations::Float)),
        ("i8 g32", (i8(32), Activations::Float)),
        ("i8 g64", (i8(64), Activations::Float)),
        ("i4 g32", (i4(32), Activations::Float)),
        ("i4 g64", (i4(64), Activations::Float)),
        ("i8 row dot", (i8(0), Activations::I8)),
        ("i8 g32 dot", (i8(32), Activations::I8)),
        ("i8 g64 dot", (i8(64), Activations::I8)),
        ("i4 g32 dot", (i4(32), Activations::I8)),
        ("i4 g64 dot", (i4(64), Activations::I8)),
    ];
    list.map(|(name, (format, activations))| (name, format, activations))
        .to_vec()
}

fn linear(format: Format, activations: Activations, (m, n, k): (i64, i64, i64)) -> Linear {
    Linear {
        m,
        n,
        k,
        x: DType::F32,
        x_stride: k,
        y: DType::F32,
        y_stride: n,
        format,
        bias: None,
        activations,
    }
}

/// Rows x tokens, inputs a turn, and the elements of a load, for 1, 5, 8, 16 and 33 tokens.
fn table(machine: &Machine) -> String {
    let mut table = String::new();
    for (name, format, activations) in formats() {
        let of = |m| schedule::linear(&machine.target, &linear(format, activations, (m, 45, 192)));
        let tiles: Vec<_> = [1, 5, 8, 16, 33]
            .map(|m| format!("{}x{}", of(m).rows, of(m).tokens))
            .to_vec();
        let one = of(1);
        let apart = if one.apart { " apart" } else { "" };
        let across = if one.across { " across" } else { "" };
        let dot = one.dot.map_or(String::new(), |d| format!(" {d:?}"));
        writeln!(
            table,
            "{name:<10} {:<24} step {:<2} loads {:?} prefetch {}{apart}{across}{dot}",
            tiles.join(" "),
            one.step,
            one.loads,
            one.prefetch
        )
        .expect("a String");
    }
    table
}

/// x is widened once where it stays in the first cache and enough rows share the work.
#[test]
fn widens() {
    let target = common::a55().target; // 32 KiB
    let format = Format::Dense {
        dtype: F16,
        layout: Layout::OutIn,
    };
    let widens = |x, (m, n, k)| {
        let linear = Linear {
            x,
            ..linear(format, Activations::Float, (m, n, k))
        };
        schedule::linear(&target, &linear).widen
    };
    assert!(widens(F16, (1, 64, 576)));
    assert!(widens(F16, (5, 64, 1228)));
    assert!(!widens(F16, (5, 64, 1229)), "24 KiB is three quarters");
    assert!(!widens(F16, (1, 63, 576)), "few rows");
    assert!(!widens(DType::F32, (1, 64, 576)), "nothing to widen");
}

#[test]
fn avx512() {
    insta::assert_snapshot!(table(&common::avx512()), @r"
    f32        4x1 4x5 2x8 2x8 2x11     step 16 loads (16, 16) prefetch 2048 apart
    f16        4x1 4x5 2x8 2x8 2x11     step 16 loads (16, 16) prefetch 2048 apart
    bf16       4x1 4x5 2x8 2x8 2x11     step 16 loads (16, 16) prefetch 2048 apart
    f32 [K,N]  8x1 4x5 2x8 2x8 2x11     step 4  loads (16, 16) prefetch 8192
    f16 [K,N]  8x1 4x5 2x8 2x8 2x11     step 4  loads (16, 16) prefetch 8192
    i8 row     4x1 4x5 2x8 2x8 2x11     step 16 loads (16, 16) prefetch 8192
    i8 g32     4x1 2x5 2x8 2x8 2x9      step 32 loads (16, 16) prefetch 8192
    i8 g64     4x1 2x5 2x8 2x8 2x7      step 64 loads (16, 16) prefetch 8192
    i4 g32     4x1 2x5 2x8 2x8 2x9      step 32 loads (16, 16) prefetch 8192
    i4 g64     4x1 2x5 2x8 2x8 2x7      step 64 loads (16, 16) prefetch 8192
    i8 row dot 16x1 16x5 16x8 16x16 16x11 step 32 loads (16, 16) prefetch 3072 across Vpdpbusd
    i8 g32 dot 16x1 16x5 16x8 16x16 16x11 step 32 loads (16, 16) prefetch 3072 across Vpdpbusd
    i8 g64 dot 16x1 16x5 16x8 16x8 16x7 step 64 loads (16, 16) prefetch 3072 across Vpdpbusd
    i4 g32 dot 16x1 16x5 16x8 16x16 16x11 step 32 loads (16, 16) prefetch 1536 across Vpdpbusd
    i4 g64 dot 16x1 16x5 16x8 16x8 16x7 step 64 loads (16, 16) prefetch 1536 across Vpdpbusd
    ");
}

#[test]
fn avx2() {
    insta::assert_snapshot!(table(&common::avx2()), @r"
    f32        4x1 2x5 2x4 2x6 2x6      step 8  loads (8, 8) prefetch 2048 apart
    f16        4x1 2x5 2x4 2x6 2x6      step 8  loads (8, 8) prefetch 2048 apart
    bf16       4x1 2x5 2x4 2x6 2x6      step 8  loads (8, 8) prefetch 2048 apart
    f32 [K,N]  8x1 2x5 2x4 2x6 2x6      step 4  loads (8, 8) prefetch 8192
    f16 [K,N]  8x1 2x5 2x4 2x6 2x6      step 4  loads (8, 8) prefetch 8192
    i8 row     4x1 2x5 2x4 2x4 2x5      step 8  loads (8, 8) prefetch 8192
    i8 g32     4x1 1x3 1x4 1x4 1x4      step 32 loads (8, 8) prefetch 8192
    i8 g64     1x1 1x1 1x1 1x1 1x1      step 64 loads (8, 8) prefetch 8192
    i4 g32     2x1 1x3 1x3 1x3 1x3      step 32 loads (8, 8) prefetch 8192
    i4 g64     1x1 1x1 1x1 1x1 1x1      step 64 loads (8, 8) prefetch 8192
    i8 row dot 4x1 2x2 2x2 2x2 2x2      step 32 loads (8, 8) prefetch 8192 Pmaddwd
    i8 g32 dot 4x1 2x2 2x2 2x2 2x2      step 32 loads (8, 8) prefetch 8192 Pmaddwd
    i8 g64 dot 4x1 1x5 1x4 1x4 1x5      step 64 loads (8, 8) prefetch 8192 Pmaddwd
    i4 g32 dot 4x1 1x5 1x4 1x4 1x5      step 32 loads (8, 8) prefetch 8192 Pmaddwd
    i4 g64 dot 4x1 1x3 1x4 1x4 1x4      step 64 loads (8, 8) prefetch 8192 Pmaddwd
    ");
}

#[test]
fn neon_with_sdot() {
    insta::assert_snapshot!(table(&common::a55()), @r"
    f32        8x1 4x5 2x8 2x8 2x11     step 4  loads (4, 4) prefetch 0
    f16        8x1 4x5 2x8 2x8 2x11     step 8  loads (4, 8) prefetch 0
    bf16       8x1 4x5 2x8 2x8 2x11     step 8  loads (4, 8) prefetch 0
    f32 [K,N]  8x1 4x5 4x4 4x6 4x6      step 4  loads (4, 4) prefetch 0
    f16 [K,N]  8x1 4x5 4x4 4x4 4x5      step 4  loads (4, 8) prefetch 0
    i8 row     4x1 2x5 2x8 2x8 2x9      step 16 loads (4, 16) prefetch 0
    i8 g32     4x1 2x3 2x4 2x4 2x4      step 32 loads (4, 16) prefetch 0
    i8 g64     2x1 1x5 1x8 1x8 1x7      step 64 loads (4, 16) prefetch 0
    i4 g32     4x1 2x3 2x3 2x3 2x3      step 32 loads (4, 16) prefetch 0
    i4 g64     2x1 1x5 1x4 1x6 1x7      step 64 loads (4, 16) prefetch 0
    i8 row dot 16x1 4x5 4x8 4x8 4x11    step 32 loads (4, 16) prefetch 0 across Sdot
    i8 g32 dot 16x1 4x5 4x8 4x8 4x11    step 32 loads (4, 16) prefetch 0 across Sdot
    i8 g64 dot 16x1 4x5 4x4 4x6 4x6     step 64 loads (4, 16) prefetch 0 across Sdot
    i4 g32 dot 8x1 4x5 4x8 4x8 4x11     step 32 loads (4, 16) prefetch 0 across Sdot
    i4 g64 dot 8x1 4x5 4x4 4x6 4x6      step 64 loads (4, 16) prefetch 0 across Sdot
    ");
}

#[test]
fn neon() {
    insta::assert_snapshot!(table(&common::a53()), @r"
    f32        8x1 4x5 2x8 2x8 2x11     step 4  loads (4, 4) prefetch 0
    f16        8x1 4x5 2x8 2x8 2x11     step 8  loads (4, 8) prefetch 0
    bf16       8x1 4x5 2x8 2x8 2x11     step 8  loads (4, 8) prefetch 0
    f32 [K,N]  8x1 4x5 4x4 4x6 4x6      step 4  loads (4, 4) prefetch 0
    f16 [K,N]  8x1 4x5 4x4 4x4 4x5      step 4  loads (4, 8) prefetch 0
    i8 row     4x1 2x5 2x8 2x8 2x9      step 16 loads (4, 16) prefetch 0
    i8 g32     4x1 2x3 2x4 2x4 2x4      step 32 loads (4, 16) prefetch 0
    i8 g64     2x1 1x5 1x8 1x8 1x7      step 64 loads (4, 16) prefetch 0
    i4 g32     4x1 2x3 2x3 2x3 2x3      step 32 loads (4, 16) prefetch 0
    i4 g64     2x1 1x5 1x4 1x6 1x7      step 64 loads (4, 16) prefetch 0
    i8 row dot 8x1 2x3 2x3 2x3 2x3      step 32 loads (4, 16) prefetch 0 Widen
    i8 g32 dot 8x1 2x3 2x3 2x3 2x3      step 32 loads (4, 16) prefetch 0 Widen
    i8 g64 dot 4x1 1x5 1x4 1x6 1x7      step 64 loads (4, 16) prefetch 0 Widen
    i4 g32 dot 4x1 2x2 2x2 2x2 2x2      step 32 loads (4, 16) prefetch 0 Widen
    i4 g64 dot 2x1 1x5 1x4 1x6 1x6      step 64 loads (4, 16) prefetch 0 Widen
    ");
}

/// All formats, one token and several (most calls where rows are lanes); an odd number of rows, a tail of inputs where there can be one.
fn kernels(machine: &Machine) -> Vec<Kernel> {
    let shape = |format, m| {
        if matches!(format, Format::Dense { .. }) {
            (m, 1027, 579)
        } else {
            (m, 1027, 576)
        }
    };
    let all = |m| {
        formats().into_iter().map(move |(_, format, activations)| {
            Kernel::Linear(linear(format, activations, shape(format, m)))
        })
    };
    let more = [2, 3, 4, 16].into_iter().flat_map(all);
    let across = |k: &Kernel| match k {
        Kernel::Linear(linear) => schedule::linear(&machine.target, linear).across,
        _ => false,
    };
    let more = more.filter(across);
    [1, 5, 8].into_iter().flat_map(all).chain(more).collect()
}

fn no_spills(machine: &Machine) {
    common::assert_no_spills(&kernels(machine), machine);
}

#[test]
fn inner_loops_keep_to_registers_on_avx512() {
    no_spills(&common::avx512());
}

#[test]
fn inner_loops_keep_to_registers_on_avx2() {
    no_spills(&common::avx2());
    no_spills(&common::avx_vnni());
}

#[test]
fn inner_loops_keep_to_registers_on_neon() {
    no_spills(&common::a55());
    no_spills(&common::a53());
}
