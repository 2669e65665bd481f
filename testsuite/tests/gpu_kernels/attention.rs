//! Attention, whole and split.

use crate::check::{Case, Near, SOME_TOKENS, TOKENS, for_tokens, none};
use crate::run::{NARROW, Operand, WIDE, noise, round, run};
use spec_kernels::gpu::{Attention, Combine, Expr, Kernel, Visible};
use spec_kernels::{DType, HeadRows};

const D: i64 = 12;
const HEADS: i64 = 6;
const KV_HEADS: i64 = 2;
const CAPACITY: i64 = 21;

/// An operation for so many tokens.
type OfTokens = fn(i64) -> Attention;

/// Rows by token, then head.
fn by_token(dtype: DType, heads: i64) -> HeadRows {
    HeadRows {
        dtype,
        head: D,
        token: heads * D,
    }
}

/// Rows by head, then token.
fn by_head(dtype: DType) -> HeadRows {
    HeadRows {
        dtype,
        head: CAPACITY * D,
        token: D,
    }
}

fn plain(m: i64) -> Attention {
    let cache = by_head(DType::F32);
    Attention {
        heads: HEADS,
        kv_heads: KV_HEADS,
        m,
        d: D,
        capacity: CAPACITY,
        q: by_token(DType::F32, HEADS),
        k: cache,
        v: cache,
        new: None,
        aligned: true,
        visible: Visible::Position(Expr::Load {
            scalar: 0,
            index: 0,
        }),
        y: by_token(DType::F32, HEADS),
        scale: 0.7,
        softcap: 0.0,
        split: None,
        scalars: vec![DType::I64],
    }
}

/// With rows of its own beside a cache of halves.
fn with_new(m: i64) -> Attention {
    let rows = by_token(DType::F32, KV_HEADS);
    let cache = by_head(DType::F16);
    Attention {
        k: cache,
        v: cache,
        new: Some((rows, rows)),
        ..plain(m)
    }
}

fn masked(m: i64, new: bool) -> Attention {
    let a = if new { with_new(m) } else { plain(m) };
    Attention {
        visible: Visible::Mask(DType::F32),
        scalars: vec![],
        ..a
    }
}

fn extent(rows: HeadRows, heads: i64, tokens: i64) -> i64 {
    (heads - 1) * rows.head + (tokens - 1) * rows.token + D
}

fn operand(seed: usize, rows: HeadRows, heads: i64, tokens: i64) -> Operand {
    Operand::new(rows.dtype, extent(rows, heads, tokens), |i| noise(seed, i))
}

fn row(operand: &Operand, rows: HeadRows, head: i64, token: i64) -> &[f64] {
    &operand.values[(head * rows.head + token * rows.token) as usize..][..D as usize]
}

/// Everything but y: the operands, and what y should be.
struct Made {
    operands: Vec<Operand>,
    y: Vec<Option<Near>>,
}

/// Key and value of every row that token `t` sees, with what is added to the score.
fn visible(
    a: &Attention,
    operands: &[Operand],
    (kv, t): (i64, i64),
    position: i64,
) -> Vec<(Vec<f64>, Vec<f64>, f64)> {
    let cached = |r: i64, add: f64| {
        (
            row(&operands[1], a.k, kv, r).to_vec(),
            row(&operands[2], a.v, kv, r).to_vec(),
            add,
        )
    };
    let own = |r: i64, add: f64| {
        let (k, v) = a.new.expect("there are new rows");
        let stored = |values: &[f64], dtype| values.iter().map(|x| round(dtype, *x)).collect();
        let key = stored(row(&operands[3], k, kv, r), a.k.dtype);
        (key, stored(row(&operands[4], v, kv, r), a.v.dtype), add)
    };
    let news = if a.new.is_some() { a.m } else { 0 };
    if let Visible::Mask(_) = a.visible {
        let mask = &operands.last().expect("the mask").values;
        let all = a.capacity + news;
        let added = |r: i64| mask[(t * all + r) as usize];
        let cache = (0..a.capacity).map(|r| cached(r, added(r)));
        return cache
            .chain((0..news).map(|r| own(r, added(a.capacity + r))))
            .collect();
    }
    match a.new {
        None => (0..=position + t).map(|r| cached(r, 0.0)).collect(),
        Some(_) => (0..position)
            .map(|r| cached(r, 0.0))
            .chain((0..=t).map(|r| own(r, 0.0)))
            .collect(),
    }
}

fn made(a: &Attention, position: i64) -> Made {
    let mut operands = vec![
        operand(1, a.q, a.heads, a.m),
        operand(2, a.k, a.kv_heads, a.capacity),
        operand(3, a.v, a.kv_heads, a.capacity),
    ];
    if let Some((k, v)) = a.new {
        operands.push(operand(4, k, a.kv_heads, a.m));
        operands.push(operand(5, v, a.kv_heads, a.m));
    }
    if let Visible::Mask(dtype) = a.visible {
        operands.push(mask(a, dtype));
    }
    let mut y = vec![None; extent(a.y, a.heads, a.m) as usize];
    for (t, head) in (0..a.m).flat_map(|t| (0..a.heads).map(move |h| (t, h))) {
        let at = (head * a.y.head + t * a.y.token) as usize;
        for (i, value) in result(a, &operands, (head, t), position)
            .into_iter()
            .enumerate()
        {
            y[at + i] = Some(Near::new(value, 3e-6).rounded(a.y.dtype));
        }
    }
    Made { operands, y }
}

/// Tokens see what they do whatever the call's other tokens are.
fn mask(a: &Attention, dtype: DType) -> Operand {
    let all = a.capacity + if a.new.is_some() { a.m } else { 0 };
    Operand::new(dtype, a.m * all, |i| {
        let (t, r) = (i as i64 / all, i as i64 % all);
        let hidden = r % 3 == 1 || r >= a.capacity && r - a.capacity > t;
        match hidden {
            true => f64::NEG_INFINITY,
            false => noise(6, (t * 64 + r) as usize),
        }
    })
}

/// A head of a token.
fn result(a: &Attention, operands: &[Operand], (head, t): (i64, i64), position: i64) -> Vec<f64> {
    let q = row(&operands[0], a.q, head, t);
    let rows = visible(a, operands, (head / (a.heads / a.kv_heads), t), position);
    let cap = f64::from(a.softcap);
    let score = |(k, _, add): &(Vec<f64>, Vec<f64>, f64)| {
        let dot: f64 = q.iter().zip(k).map(|(q, k)| q * k).sum();
        let scaled = dot * f64::from(a.scale);
        match cap > 0.0 {
            true => cap * (scaled / cap).tanh() + add,
            false => scaled + add,
        }
    };
    let scores: Vec<f64> = rows.iter().map(score).collect();
    let largest = scores.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    let weights: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let element = |i| {
        weights
            .iter()
            .zip(&rows)
            .map(|(w, (_, v, _))| w * v[i])
            .sum::<f64>()
            / sum
    };
    (0..a.d as usize).map(element).collect()
}

/// What the position is to the kernel, and where that is taken to.
type Place = (i64, i64);

fn case(a: &Attention, (given, meant): Place) -> Case {
    let Made { mut operands, y } = made(a, meant);
    operands.push(Operand::nothing(a.y.dtype, y.len() as i64));
    let expected = vec![(operands.len() - 1, y)];
    for dtype in &a.scalars {
        operands.push(Operand {
            bytes: given.to_le_bytes().to_vec(),
            ..Operand::new(*dtype, 1, |_| 0.0)
        });
    }
    Case {
        kernel: Kernel::Attention(a.clone()),
        operands,
        expected,
        aligned: a.aligned,
    }
}

/// Grouped heads, a softcap, other orders and types of storage, at the start, in the middle and at the end of the cache.
#[test]
fn whole() {
    let kinds: [(&str, OfTokens, i64); 7] = [
        ("first", plain, 0),
        ("last", plain, CAPACITY - 9),
        ("new rows at the start", with_new, 0),
        ("new rows behind a full cache", with_new, CAPACITY),
        (
            "softcap",
            |m| Attention {
                softcap: 1.5,
                ..with_new(m)
            },
            7,
        ),
        ("mask", |m| masked(m, false), 0),
        ("mask and new rows", |m| masked(m, true), 0),
    ];
    let each = kinds.into_iter().flat_map(|(name, a, position)| {
        // a mask numbers new rows behind the cache
        for_tokens(name, &WIDE, TOKENS, |m| case(&a(m), (position, position)))
    });
    none(each.collect());
}

#[test]
fn storage() {
    let by_tokens = |dtype, m| {
        let (q, kv) = (by_token(dtype, HEADS), by_token(dtype, KV_HEADS));
        Attention {
            q,
            k: kv,
            v: kv,
            y: by_token(dtype, HEADS),
            aligned: false,
            ..plain(m)
        }
    };
    let words = |m| Attention {
        aligned: false,
        ..with_new(m)
    };
    let halves = [DType::F16, DType::BF16].into_iter().flat_map(|dtype| {
        for_tokens(&format!("{dtype:?}"), &WIDE, SOME_TOKENS, |m| {
            case(&by_tokens(dtype, m), (5, 5))
        })
    });
    let narrow = for_tokens("words only", &NARROW, SOME_TOKENS, |m| {
        case(&words(m), (5, 5))
    });
    none(halves.chain(narrow).collect());
    let error = Kernel::Attention(by_tokens(DType::F16, 1))
        .emit(&NARROW)
        .expect_err("halves");
    assert!(
        error.to_string().contains("needs 16-bit storage"),
        "{error}"
    );
}

/// Heads without groups, and one key for all.
#[test]
fn groups_of_heads() {
    let each = [1, HEADS].into_iter().flat_map(|kv_heads| {
        for_tokens(&format!("{kv_heads}"), &WIDE, SOME_TOKENS, |m| {
            case(
                &Attention {
                    kv_heads,
                    ..plain(m)
                },
                (4, 4),
            )
        })
    });
    none(each.collect());
}

/// The cache has no row for it: the nearest position that it has one for.
#[test]
fn positions_out_of_range() {
    for (given, with, without) in [
        (-1, 0, 0),
        (CAPACITY + 1, CAPACITY, CAPACITY - 3),
        (i64::MAX, CAPACITY, CAPACITY - 3),
        (i64::MIN, 0, 0),
    ] {
        for (a, meant) in [(with_new(3), with), (plain(3), without)] {
            let result = case(&a, (given, meant)).check(&WIDE);
            result.unwrap_or_else(|e| panic!("{given}: {e}"));
        }
    }
}

/// A row has the same weight in the cache as beside it: token t of a call is the only one of a call t later.
#[test]
fn new_rows_are_as_good_as_cached_ones() {
    let (m, position) = (4, 5);
    let a = with_new(m);
    let mut several = case(&a, (position, position));
    // the cache holds the call's rows already, behind what is visible of it
    for (cache, new) in [(1, 3), (2, 4)] {
        let (rows, own) = (
            several.operands[new].values.clone(),
            a.new.expect("new rows").0,
        );
        let stored = &mut several.operands[cache];
        for i in 0..(KV_HEADS * m * D) {
            let (head, t, e) = (i / (m * D), i / D % m, i % D);
            let value = rows[(head * own.head + t * own.token + e) as usize];
            stored.values[(head * a.k.head + (position + t) * a.k.token + e) as usize] = value;
        }
        *stored = Operand::new(stored.dtype, stored.values.len() as i64, |i| {
            stored.values[i]
        });
    }
    let all = run(&several.kernel, &WIDE, &several.operands, true)
        .expect("runs")
        .swap_remove(5);
    for t in 0..m {
        let one = case(&with_new(1), (position + t, position + t));
        let mut operands = one.operands;
        operands[1..3].clone_from_slice(&several.operands[1..3]);
        for i in [0, 3, 4] {
            let size = operands[i].bytes.len();
            let bytes = several.operands[i].bytes[t as usize * size..][..size].to_vec();
            operands[i].bytes = bytes;
        }
        let found = run(&one.kernel, &WIDE, &operands, true)
            .expect("runs")
            .swap_remove(5);
        assert_eq!(
            found,
            all[t as usize * found.len()..][..found.len()],
            "token {t}"
        );
    }
}

/// Ranges of rows by different workgroups: what they leave is put together by the case's kernel.
fn combined(a: Attention, position: i64) -> Case {
    let Made { mut operands, y } = made(&a, position);
    let scalars = a.scalars.iter();
    let scalars = scalars.map(|t| Operand::new(*t, 1, |_| position as f64));
    let scalars: Vec<Operand> = scalars.collect();
    let at = operands.len();
    let first = Kernel::Attention(a.clone());
    operands.push(Operand::nothing(DType::F32, first.bindings()[at].elements));
    operands.extend(scalars.clone());
    let partial = run(&first, &WIDE, &operands, true).expect("the first half runs");
    let partial = Operand {
        dtype: DType::F32,
        bytes: partial[at].clone(),
        values: vec![],
    };
    let mut operands = vec![partial, Operand::nothing(a.y.dtype, y.len() as i64)];
    operands.extend(scalars);
    Case {
        kernel: Kernel::Combine(Combine(a)),
        operands,
        expected: vec![(1, y)],
        aligned: true,
    }
}

#[test]
fn split() {
    let kinds: [(&str, OfTokens, i64); 4] = [
        ("plain", plain, 11),
        ("start", with_new, 0),
        ("new rows", with_new, 17),
        ("mask", |m| masked(m, true), 0),
    ];
    let each = kinds.into_iter().flat_map(|(name, a, position)| {
        for_tokens(name, &WIDE, SOME_TOKENS, |m| {
            let split = Some(8);
            combined(Attention { split, ..a(m) }, position)
        })
    });
    none(each.collect());
}
