//! Attention against f64, and its invariances bit for bit.

mod common;
mod support;

use common::{Arg, Compiled, compile};
use spec_kernels::{Attention, DType, HeadRows, Kernel, Visible};
use support::{Random, at, close, decode, encode, round};

/// Rows in the order of heads, then tokens.
fn head_major(dtype: DType, tokens: i64, d: i64) -> HeadRows {
    HeadRows {
        dtype,
        head: tokens * d,
        token: d,
    }
}

/// Rows in the order of tokens, then heads, some elements apart.
fn token_major(dtype: DType, heads: i64, d: i64) -> HeadRows {
    HeadRows {
        dtype,
        head: d + 3,
        token: heads * (d + 3) + 5,
    }
}

/// A problem: values of all operands, independent of how they are stored.
struct Problem {
    heads: i64,
    kv_heads: i64,
    /// Rows of K and V that exist, by absolute number: `[KV, rows, D]`.
    rows: i64,
    d: i64,
    k: Vec<f32>,
    v: Vec<f32>,
    /// Queries by absolute number of their token: `[H, rows, D]`.
    q: Vec<f32>,
    /// `[rows, rows]`.
    mask: Vec<f32>,
    scale: f32,
    softcap: f32,
}

impl Problem {
    fn new((heads, kv_heads, rows, d): (i64, i64, i64, i64), cache: DType, softcap: f32) -> Self {
        let mut random = Random::new(at(heads * 1000 + rows * 10 + d) as u64);
        let each = at(kv_heads * rows * d);
        let mut numbers = |n: usize, size: f32| -> Vec<f32> {
            random
                .units(n, size)
                .iter()
                .map(|&x| round(cache, x))
                .collect()
        };
        let (k, v, q) = (
            numbers(each, 2.0),
            numbers(each, 1.0),
            numbers(at(heads * rows * d), 2.0),
        );
        let mut mask = random.units(at(rows * rows), 1.0);
        for (i, x) in mask.iter_mut().enumerate() {
            if i % 7 == 3 {
                *x = f32::NEG_INFINITY;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let scale = 1.0 / (d as f32).sqrt();
        Problem {
            heads,
            kv_heads,
            rows,
            d,
            k,
            v,
            q,
            mask,
            scale,
            softcap,
        }
    }

    /// What token `t` of head `h` gets from rows `0 .. seen`.
    fn answer(&self, h: i64, t: i64, seen: i64, masked: bool) -> Vec<f64> {
        let d = at(self.d);
        let kv = h / (self.heads / self.kv_heads);
        let row = |of: &[f32], head: i64, r: i64| -> Vec<f64> {
            let from = at(head * self.rows + r) * d;
            of[from..from + d].iter().map(|&x| f64::from(x)).collect()
        };
        let q = row(&self.q, h, t);
        let scores: Vec<f64> = (0..seen)
            .map(|j| {
                let mut s: f64 = q
                    .iter()
                    .zip(row(&self.k, kv, j))
                    .map(|(a, b)| a * b)
                    .sum::<f64>()
                    * f64::from(self.scale);
                if self.softcap != 0.0 {
                    s = f64::from(self.softcap) * (s / f64::from(self.softcap)).tanh();
                }
                s + if masked {
                    f64::from(self.mask[at(t * self.rows + j)])
                } else {
                    0.0
                }
            })
            .collect();
        let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|s| (s - max).exp()).collect();
        let sum: f64 = weights.iter().sum();
        let mut out = vec![0.0; d];
        for (j, w) in (0..seen).zip(&weights) {
            for (o, v) in out.iter_mut().zip(row(&self.v, kv, j)) {
                *o += w / sum * v;
            }
        }
        out
    }
}

/// Stores `tokens` rows of each head, given by number, as an operand; gaps hold NaN.
fn place(
    rows: HeadRows,
    (heads, tokens, d): (i64, i64, i64),
    get: impl Fn(i64, i64) -> Option<Vec<f32>>,
) -> Arg {
    let n = (heads - 1) * rows.head + (tokens - 1) * rows.token + d;
    let mut all = vec![f32::NAN; at(n)];
    for h in 0..heads {
        for t in 0..tokens {
            if let Some(row) = get(h, t) {
                let from = at(h * rows.head + t * rows.token);
                all[from..from + at(d)].copy_from_slice(&row);
            }
        }
    }
    encode(rows.dtype, &all)
}

/// Runs tokens `p .. p + a.m` of a problem; the result by head and token. Rows that the kernel must not use hold NaN.
fn run(
    a: &Attention,
    compiled: &Compiled,
    problem: &Problem,
    p: i64,
    ranges: &[(i64, i64)],
) -> Vec<Vec<f32>> {
    let (d, m) = (a.d, a.m);
    let of = |values: &[f32], h: i64, r: i64| -> Vec<f32> {
        let from = at(h * problem.rows + r) * at(d);
        values[from..from + at(d)].to_vec()
    };
    let cached = match (a.visible, a.new.is_some()) {
        (Visible::Mask, _) => a.capacity,
        (Visible::Position, true) => p,
        (Visible::Position, false) => p + m,
    };
    let in_cache = |values: &[f32], h, r| (r < cached).then(|| of(values, h, r));
    let mut args = vec![
        place(a.q, (a.heads, m, d), |h, t| Some(of(&problem.q, h, p + t))),
        place(a.k, (a.kv_heads, a.capacity, d), |h, r| {
            in_cache(&problem.k, h, r)
        }),
        place(a.v, (a.kv_heads, a.capacity, d), |h, r| {
            in_cache(&problem.v, h, r)
        }),
    ];
    if let Some((k, v)) = a.new {
        args.push(place(k, (a.kv_heads, m, d), |h, t| {
            Some(of(&problem.k, h, cached + t))
        }));
        args.push(place(v, (a.kv_heads, m, d), |h, t| {
            Some(of(&problem.v, h, cached + t))
        }));
    }
    args.push(match a.visible {
        Visible::Position => Arg::Scalar(p),
        Visible::Mask => {
            let total = a.capacity + if a.new.is_some() { m } else { 0 };
            let row = |t: i64| &problem.mask[at((p + t) * problem.rows)..][..at(total)];
            Arg::f32(&(0..m).flat_map(row).copied().collect::<Vec<f32>>())
        }
    });
    args.push(place(a.y, (a.heads, m, d), |_, _| None));
    assert_eq!(args.len(), Kernel::Attention(a.clone()).slots().len());
    compiled.run(&mut args, ranges);
    let y = decode(a.y.dtype, args.last().expect("y"));
    let row = |h: i64, t: i64| y[at(h * a.y.head + t * a.y.token)..][..at(d)].to_vec();
    (0..a.heads)
        .flat_map(|h| (0..m).map(move |t| (h, t)))
        .map(|(h, t)| row(h, t))
        .collect()
}

fn all(a: &Attention) -> [(i64, i64); 1] {
    [(0, a.heads * a.m)]
}

fn check(a: &Attention, compiled: &Compiled, problem: &Problem, p: i64, what: &str) {
    let got = run(a, compiled, problem, p, &all(a));
    let masked = a.visible == Visible::Mask;
    for h in 0..a.heads {
        for t in 0..a.m {
            let seen = if masked {
                a.capacity + if a.new.is_some() { a.m } else { 0 }
            } else {
                p + t + 1
            };
            let want = problem.answer(h, p + t, seen, masked);
            close(
                &format!("{what}: position {p}, head {h}, token {t}"),
                a.y.dtype,
                &got[at(h * a.m + t)],
                &want,
                (2e-6, 2e-6),
            );
        }
    }
}

/// A kernel for a problem with caches of `cache` and everything else f32.
fn kernel(problem: &Problem, m: i64, capacity: i64, cache: DType, new: bool) -> Attention {
    let (d, kv_heads) = (problem.d, problem.kv_heads);
    let kv = head_major(cache, capacity, d);
    Attention {
        heads: problem.heads,
        kv_heads,
        m,
        d,
        capacity,
        q: head_major(DType::F32, m, d),
        k: kv,
        v: kv,
        new: new.then(|| {
            (
                token_major(cache, kv_heads, d),
                token_major(cache, kv_heads, d),
            )
        }),
        visible: Visible::Position,
        y: token_major(DType::F32, problem.heads, d),
        scale: problem.scale,
        softcap: problem.softcap,
    }
}

#[test]
fn agrees_with_f64() {
    support::each_machine(|machine| {
        for (shape, m, cache, softcap, new) in [
            ((4, 2, 40, 64), 1, DType::F32, 0.0, false),
            ((3, 1, 40, 20), 5, DType::F16, 0.0, true),
            ((6, 2, 23, 8), 3, DType::BF16, 30.0, false),
            ((2, 2, 700, 80), 2, DType::F16, 0.0, true),
            ((4, 1, 600, 128), 4, DType::F32, 0.0, false),
            ((1, 1, 7, 1), 1, DType::F32, 0.0, true),
        ] {
            let problem = Problem::new(shape, cache, softcap);
            let a = kernel(&problem, m, shape.2 - i64::from(new) * m, cache, new);
            let compiled = compile(&Kernel::Attention(a.clone()), machine);
            let last = shape.2 - m;
            for p in [
                0,
                1,
                2,
                3,
                4,
                last / 2,
                509,
                510,
                511,
                512,
                513,
                last - 1,
                last,
            ] {
                if (0..=last).contains(&p) {
                    check(
                        &a,
                        &compiled,
                        &problem,
                        p,
                        &format!("{} {shape:?} {m} {cache:?} {new}", machine.cpu),
                    );
                }
            }
        }
    });
}

/// The rows of tokens `p .. p + m`, by head and token, of a kernel that is told so.
fn rows_of(got: &[Vec<f32>], a: &Attention, h: i64, t: i64) -> Vec<u32> {
    got[at(h * a.m + t)].iter().map(|x| x.to_bits()).collect()
}

#[test]
fn tokens_get_the_same_bits_one_by_one_in_any_range_and_from_new_rows() {
    support::each_machine(|machine| {
        for ((heads, kv_heads, rows, d), cache, softcap) in [
            ((6, 2, 531, 20), DType::F16, 0.0),
            ((5, 5, 40, 72), DType::F32, 0.0),
            ((9, 3, 530, 64), DType::BF16, 20.0),
        ] {
            let problem = Problem::new((heads, kv_heads, rows, d), cache, softcap);
            let one = kernel(&problem, 1, rows, cache, false);
            let single = compile(&Kernel::Attention(one.clone()), machine);
            for (m, new, new_type) in [(7, false, cache), (1, true, cache), (6, true, DType::F32)] {
                let mut a = kernel(&problem, m, rows - if new { m } else { 0 }, cache, new);
                if let Some((k, v)) = &mut a.new {
                    (k.dtype, v.dtype) = (new_type, new_type);
                }
                let many = compile(&Kernel::Attention(a.clone()), machine);
                let units = heads * m;
                let p = rows - m;
                let whole = run(&a, &many, &problem, p, &all(&a));
                let cuts = [
                    (0, 1),
                    (1, units / 2),
                    (units / 2, units - 1),
                    (units - 1, units),
                ];
                assert_eq!(
                    run(&a, &many, &problem, p, &cuts),
                    whole,
                    "{} m {m}: ranges change bits",
                    machine.cpu
                );
                for t in 0..m {
                    let alone = run(&one, &single, &problem, p + t, &all(&one));
                    for h in 0..heads {
                        let (want, got) = (rows_of(&alone, &one, h, 0), rows_of(&whole, &a, h, t));
                        assert_eq!(
                            got, want,
                            "{} m {m} new {new}: head {h} token {t} has other bits than alone",
                            machine.cpu
                        );
                    }
                }
            }
        }
    });
}

#[test]
fn masks_are_added_to_the_scores() {
    support::each_machine(|machine| {
        for (shape, m, cache, softcap, new) in [
            ((4, 2, 37, 24), 3, DType::F16, 0.0, false),
            ((3, 1, 530, 64), 2, DType::F32, 10.0, true),
            ((2, 2, 17, 8), 1, DType::F32, 0.0, true),
        ] {
            let problem = Problem::new(shape, cache, softcap);
            let mut a = kernel(&problem, m, shape.2 - i64::from(new) * m, cache, new);
            a.visible = Visible::Mask;
            let compiled = compile(&Kernel::Attention(a.clone()), machine);
            check(
                &a,
                &compiled,
                &problem,
                shape.2 - m,
                &format!("{} {shape:?} masked, new {new}", machine.cpu),
            );
        }
    });
}

#[test]
fn scores_of_any_size_are_safe() {
    support::each_machine(|machine| {
        let mut problem = Problem::new((2, 1, 600, 16), DType::F32, 0.0);
        problem.scale = 3000.0;
        let a = kernel(&problem, 2, 600, DType::F32, false);
        let compiled = compile(&Kernel::Attention(a.clone()), machine);
        for row in run(&a, &compiled, &problem, 598, &all(&a)) {
            assert!(
                row.iter().all(|x| x.is_finite() && x.abs() <= 1.0),
                "{row:?}"
            );
        }
        // A token whose mask hides everything gets NaN, and leaves the others alone.
        problem.scale = 1.0;
        let mut a = kernel(&problem, 2, 600, DType::F32, false);
        a.visible = Visible::Mask;
        for j in 0..600 {
            problem.mask[598 * 600 + j] = f32::NEG_INFINITY;
        }
        // All but the last key hidden, a whole block of them: that key's value.
        for j in 0..599 {
            problem.mask[599 * 600 + j] = f32::NEG_INFINITY;
        }
        problem.mask[599 * 600 + 599] = 0.0;
        let compiled = compile(&Kernel::Attention(a.clone()), machine);
        let got = run(&a, &compiled, &problem, 598, &all(&a));
        assert!(got[0].iter().all(|x| x.is_nan()));
        assert_eq!(got[1], problem.v[599 * 16..]);
    });
}

#[test]
fn positions_outside_of_the_cache_are_taken_to_its_ends() {
    support::each_machine(|machine| {
        let problem = Problem::new((2, 1, 20, 8), DType::F32, 0.0);
        for new in [false, true] {
            let a = kernel(&problem, 2, 18, DType::F32, new);
            let compiled = compile(&Kernel::Attention(a.clone()), machine);
            let last = if new { 18 } else { 16 };
            let args = |p: i64| -> Vec<Arg> {
                let sizes = Kernel::Attention(a.clone()).slots().into_iter();
                let fill = |n: i64| Arg::f32(&Random::new(7).units(at(n), 1.0));
                let arg = |slot| match slot {
                    spec_kernels::Slot::Scalar { .. } => Arg::Scalar(p),
                    spec_kernels::Slot::Read { elements, .. }
                    | spec_kernels::Slot::Write { elements, .. } => fill(elements),
                };
                sizes.map(arg).collect()
            };
            let result = |p: i64| {
                let mut args = args(p);
                compiled.run(&mut args, &all(&a));
                args.last().expect("y").bytes().to_vec()
            };
            assert_eq!(result(i64::MAX), result(last));
            assert_eq!(result(-5), result(0));
        }
    });
}

fn small() -> Attention {
    Attention {
        heads: 4,
        kv_heads: 2,
        ..kernel(
            &Problem::new((4, 2, 8, 8), DType::F16, 0.0),
            1,
            8,
            DType::F16,
            false,
        )
    }
}

#[test]
fn refuses_what_it_is_not_written_for() {
    let target = common::avx2().target;
    let refused = |a: Attention| {
        Kernel::Attention(a)
            .emit(&target)
            .expect_err("refused")
            .to_string()
    };
    let mut errors = vec![
        refused(Attention {
            kv_heads: 3,
            ..small()
        }),
        refused(Attention { m: 9, ..small() }),
    ];
    errors.push(refused(Attention { d: 0, ..small() }));
    errors.push(refused(Attention {
        scale: f32::NAN,
        ..small()
    }));
    errors.push(refused(Attention {
        q: HeadRows {
            dtype: DType::I8,
            ..small().q
        },
        ..small()
    }));
    errors.push(refused(Attention {
        k: HeadRows {
            token: 7,
            ..small().k
        },
        ..small()
    }));
    errors.push(refused(Attention {
        capacity: i64::MAX / 2,
        ..small()
    }));
    insta::assert_snapshot!(errors.join("\n"), @r"
    attention: 3 KV heads do not divide 4 heads
    attention: a cache of 8 rows cannot hold the call's 9 rows
    attention has sizes [4, 2, 1, 0]: each must be positive and the elements countable
    attention: scale and softcap must be finite, softcap not negative
    q is i8: kernels take f32, f16 or bf16
    k has rows of 8 elements 7 apart: they must not overlap
    k has sizes [2, 4611686018427387903, 8]: each must be positive and the elements countable
    ");
}

#[test]
fn text_of_a_small_instance() {
    let kernel = Kernel::Attention(small());
    assert_eq!(
        kernel.name(),
        "attention_h4_kv2_m1_d8_c8_qf32s8s8_kf16s64s8_vf16s64s8_yf32s11s49_position_f3eb504f3_c00000000"
    );
    insta::assert_snapshot!(
        "attention_avx2",
        kernel.emit(&common::avx2().target).expect("a kernel")
    );
}

#[test]
fn inner_loops_do_not_spill() {
    let shapes = [(9, 3, 300, 64), (32, 8, 300, 128), (4, 4, 300, 80)];
    for (shape, cache, m) in [
        (shapes[0], DType::F32, 5),
        (shapes[1], DType::F16, 1),
        (shapes[2], DType::F16, 2),
    ] {
        let a = kernel(
            &Problem {
                k: Vec::new(),
                ..Problem::new(shape, cache, 0.0)
            },
            m,
            300,
            cache,
            true,
        );
        support::no_spills_in_loops(&Kernel::Attention(a));
    }
}
