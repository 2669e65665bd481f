//! What a group of products on a GPU decides, for devices of two kinds and the shapes of real models.

use std::fmt::Write as _;

use crate::shapes::{formats, group, mali, v3d};
use spec_kernels::gpu::{
    Device, Kernel, LinearGroup, LinearTile, Stage, linear_schedule, stage_fits,
};
use spec_kernels::{Activations, DType, NormKind};

fn norm() -> Stage {
    Stage::Norm {
        kind: NormKind::Rms,
        eps: 1e-5,
        weight_offset: 0.0,
        weight: DType::F32,
        bias: None,
        round: DType::F32,
    }
}

/// Lanes along K x sets of them x rows of a lane, elements of a step, steps of a turn, workgroups.
fn tile(t: &LinearTile) -> String {
    let unroll = if t.unroll == 1 {
        String::new()
    } else {
        format!("x{}", t.unroll)
    };
    format!(
        "{}x{}x{} step {}{unroll} {} groups",
        t.lanes,
        t.sets,
        t.units * t.rows,
        t.step,
        t.groups
    )
}

fn table(device: &Device) -> String {
    let mut table = String::new();
    for (name, format, activations) in formats() {
        for (n, k) in [(2048, 576), (576, 1536), (1536, 8960)] {
            let of = |m| {
                let group = LinearGroup {
                    activations,
                    ..group(m, n, k, format)
                };
                linear_schedule(&group, device).expect("a schedule")
            };
            let one = of(1);
            let rows: Vec<_> = [1, 2, 5, 8, 12]
                .map(|m| {
                    let s = of(m);
                    format!("{}x{}", s.tiles[0].units, s.tokens)
                })
                .to_vec();
            writeln!(
                table,
                "{name:<10} {n:>4}x{k:<4} of {:<3} {:<34} {}",
                one.workgroup,
                tile(&one.tiles[0]),
                rows.join(" ")
            )
            .expect("a String");
        }
    }
    table
}

/// The last columns are rows x tokens for 1, 2, 5, 8 and 12 tokens.
#[test]
fn on_mali() {
    insta::assert_snapshot!(table(&mali()));
}

#[test]
fn on_v3d() {
    insta::assert_snapshot!(table(&v3d()));
}

/// The order of a sum is the same for every number of tokens.
#[test]
fn does_not_depend_on_tokens() {
    for device in [mali(), v3d()] {
        for (name, format, activations) in formats() {
            for k in [64, 192, 576, 1536, 8960] {
                for stage in [Stage::Plain, norm()] {
                    let of = |m| {
                        let group = LinearGroup {
                            activations,
                            stage,
                            ..group(m, 45, k, format)
                        };
                        let s = linear_schedule(&group, &device).expect("a schedule");
                        (s.workgroup, s.tiles[0].lanes, s.tiles[0].step)
                    };
                    let one = of(1);
                    for m in 2..=17 {
                        assert_eq!(one, of(m), "{name} k={k} m={m}");
                    }
                }
            }
        }
    }
}

/// Where [`stage_fits`] says so there is a kernel; with f32 activations of one token more there is none.
#[test]
fn normalises_where_it_fits() {
    for device in [mali(), v3d()] {
        for (name, format, activations) in formats() {
            for k in [64, 576, 1024, 2048, 3584, 4096, 7552] {
                for m in 1..=9 {
                    let group = LinearGroup {
                        activations,
                        stage: norm(),
                        ..group(m, 40, k, format)
                    };
                    let emitted = Kernel::Linear(group).emit(&device);
                    if stage_fits(m, k, &device) {
                        emitted.unwrap_or_else(|e| panic!("{name} m={m} k={k}: {e}"));
                    } else if activations == Activations::Float
                        && m.min(8) * k * 4 > i64::from(device.shared_bytes)
                        && m <= 8
                    {
                        emitted.expect_err("more than workgroup memory");
                    }
                }
            }
        }
    }
    assert!(
        stage_fits(5, 576, &mali()) && stage_fits(8, 576, &mali()) && stage_fits(1, 4096, &mali())
    );
    assert!(
        !stage_fits(5, 1536, &mali())
            && !stage_fits(4, 2048, &mali())
            && !stage_fits(1, 4096, &v3d())
    );
    assert!(!stage_fits(0, 64, &mali()));
}

/// Lanes without work are 15 in a hundred at most, for the sizes of real models.
#[test]
fn keeps_lanes_busy() {
    for (name, format, activations) in formats() {
        for k in [
            288, 576, 768, 896, 1024, 1536, 2048, 2304, 3072, 4096, 4864, 8192, 8960, 11008,
        ] {
            let group = LinearGroup {
                activations,
                ..group(1, 4096, k, format)
            };
            let s = linear_schedule(&group, &mali()).expect("a schedule");
            let t = &s.tiles[0];
            let steps = k / t.step;
            let busy =
                100 * steps * t.sets / ((steps + t.lanes - 1) / t.lanes * i64::from(s.workgroup));
            assert!(t.step == 1 || busy >= 85, "{name} k={k}: {busy}% in {t:?}");
        }
    }
}
