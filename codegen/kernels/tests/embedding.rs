//! Rows of dense and quantised tables, and the status of ids outside of the table.

mod common;
mod support;

use common::{Arg, compile};
use spec_kernels::{DType, Embedding, Kernel, Table};
use support::{Random, at, close, decode, encode, round};

fn embedding(m: i64, v: i64, n: i64, table: Table) -> Embedding {
    Embedding {
        m,
        v,
        n,
        ids: DType::I32,
        table,
        y: DType::F32,
        y_stride: n + 1,
    }
}

fn ids(dtype: DType, ids: &[i64]) -> Arg {
    Arg::Buffer(match dtype {
        DType::I32 => ids
            .iter()
            .flat_map(|&id| i32::try_from(id).expect("an i32").to_le_bytes())
            .collect(),
        _ => ids.iter().flat_map(|id| id.to_le_bytes()).collect(),
    })
}

/// The stored table with its scales, and its rows as numbers.
fn table(e: &Embedding) -> (Vec<Arg>, Vec<Vec<f64>>) {
    let (v, n) = (at(e.v), at(e.n));
    let mut random = Random::new(17);
    if let Table::Dense(dtype) = e.table {
        let all: Vec<f32> = random
            .units(v * n, 2.0)
            .iter()
            .map(|&x| round(dtype, x))
            .collect();
        return (
            vec![encode(dtype, &all)],
            all.chunks(n)
                .map(|row| row.iter().map(|&x| f64::from(x)).collect())
                .collect(),
        );
    }
    let (Table::I8 { group, scale } | Table::I4 { group, scale }) = e.table else {
        unreachable!("dense is handled")
    };
    let group = if group == 0 { n } else { at(group) };
    let scales: Vec<f32> = random
        .units(v * n / group, 0.1)
        .iter()
        .map(|&x| round(scale, x))
        .collect();
    let four = matches!(e.table, Table::I4 { .. });
    let numbers: Vec<i8> = (0..v * n)
        .map(|_| {
            i8::try_from(
                random.below(if four { 16 } else { 255 }) as i64 - if four { 8 } else { 127 },
            )
            .expect("small")
        })
        .collect();
    let stored: Vec<u8> = if four {
        let nibble = |x: i8| (x + 8).cast_unsigned();
        numbers
            .chunks(32)
            .flat_map(|b| (0..16).map(move |i| nibble(b[i]) | nibble(b[i + 16]) << 4))
            .collect()
    } else {
        numbers.iter().map(|x| x.cast_unsigned()).collect()
    };
    let row = |r: usize| {
        (0..n)
            .map(|i| f64::from(numbers[r * n + i]) * f64::from(scales[(r * n + i) / group]))
            .collect()
    };
    (
        vec![Arg::Buffer(stored), encode(scale, &scales)],
        (0..v).map(row).collect(),
    )
}

fn check(e: &Embedding, machine: &common::Machine, wanted: &[i64], status: i32) {
    let (stored, rows) = table(e);
    let mut args = vec![ids(e.ids, wanted)];
    args.extend(stored);
    args.push(encode(
        e.y,
        &vec![f32::NAN; at((e.m - 1) * e.y_stride + e.n)],
    ));
    args.push(Arg::Buffer(0_i32.to_le_bytes().to_vec()));
    assert_eq!(args.len(), Kernel::Embedding(e.clone()).slots().len());
    compile(&Kernel::Embedding(e.clone()), machine).run(&mut args, &[(0, 1), (1, e.m)]);
    let y = decode(e.y, &args[args.len() - 2]);
    for (i, &id) in wanted.iter().enumerate() {
        let row = if (0..e.v).contains(&id) { at(id) } else { 0 };
        close(
            &format!("{e:?} id {id}"),
            e.y,
            &y[i * at(e.y_stride)..][..at(e.n)],
            &rows[row],
            (6e-8, 0.0),
        );
    }
    assert_eq!(
        args[args.len() - 1].bytes(),
        status.to_le_bytes(),
        "{e:?}: status"
    );
}

#[test]
fn gives_the_rows_of_the_ids() {
    let (f32, f16, bf16) = (DType::F32, DType::F16, DType::BF16);
    support::each_machine(|machine| {
        for e in [
            embedding(3, 10, 576, Table::Dense(f32)),
            embedding(3, 10, 77, Table::Dense(f16)),
            Embedding {
                y: bf16,
                ids: DType::I64,
                ..embedding(3, 10, 33, Table::Dense(f16))
            },
            Embedding {
                y: bf16,
                ..embedding(3, 10, 5, Table::Dense(bf16))
            },
            embedding(
                3,
                10,
                77,
                Table::I8 {
                    group: 0,
                    scale: f32,
                },
            ),
            Embedding {
                y: f16,
                ..embedding(
                    3,
                    10,
                    96,
                    Table::I8 {
                        group: 32,
                        scale: f16,
                    },
                )
            },
            embedding(
                3,
                10,
                128,
                Table::I8 {
                    group: 64,
                    scale: f16,
                },
            ),
            embedding(
                3,
                10,
                96,
                Table::I4 {
                    group: 32,
                    scale: f16,
                },
            ),
            embedding(
                3,
                10,
                192,
                Table::I4 {
                    group: 64,
                    scale: f32,
                },
            ),
            embedding(
                3,
                10,
                64,
                Table::I4 {
                    group: 0,
                    scale: f16,
                },
            ),
        ] {
            check(&e, machine, &[9, 0, 4], 0);
        }
    });
}

#[test]
fn ids_outside_of_the_table_set_the_status_and_take_row_0() {
    support::each_machine(|machine| {
        let e = embedding(4, 10, 20, Table::Dense(DType::F32));
        check(&e, machine, &[3, 10, 9, 1], 1);
        check(
            &e,
            machine,
            &[-1, 2, i64::from(i32::MIN), i64::from(i32::MAX)],
            1,
        );
        let e = Embedding {
            ids: DType::I64,
            ..e
        };
        check(&e, machine, &[i64::MAX, i64::MIN, 1 << 32, 5], 1);
        check(&e, machine, &[0, 9, 1, 5], 0);
    });
}

#[test]
fn refuses_what_it_is_not_written_for() {
    let target = common::avx2().target;
    let refused = |e: Embedding| {
        Kernel::Embedding(e)
            .emit(&target)
            .expect_err("refused")
            .to_string()
    };
    let errors = [
        refused(embedding(
            1,
            10,
            40,
            Table::I4 {
                group: 0,
                scale: DType::F16,
            },
        )),
        refused(embedding(
            1,
            10,
            96,
            Table::I8 {
                group: 64,
                scale: DType::F16,
            },
        )),
        refused(Embedding {
            ids: DType::F32,
            ..embedding(1, 10, 96, Table::Dense(DType::F32))
        }),
        refused(embedding(1, 0, 96, Table::Dense(DType::F32))),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r"
    a table with rows of 40 and groups of 40: groups are multiples of 32 and divide the row
    a table with rows of 96 and groups of 64: groups are multiples of 32 and divide the row
    ids are f32: kernels take i32 or i64
    embedding has sizes [0, 96]: each must be positive and the elements countable
    ");
}

#[test]
fn text_of_a_small_instance() {
    let kernel = Kernel::Embedding(embedding(
        2,
        10,
        32,
        Table::I4 {
            group: 32,
            scale: DType::F16,
        },
    ));
    assert_eq!(kernel.name(), "embedding_v10_n32_i32_ti4g32f16_yf32s33");
    insta::assert_snapshot!(
        "embedding_avx2",
        kernel.emit(&common::avx2().target).expect("a kernel")
    );
}
