//! Softmax against f64, and the same bits in place and in any range.

mod common;
mod support;

use common::compile;
use spec_kernels::{DType, Kernel, Softmax};
use support::{Random, at, close, decode, encode, round};

fn softmax(rows: i64, n: i64, x: DType, y: DType) -> Softmax {
    Softmax {
        rows,
        n,
        x,
        x_stride: n,
        y,
        y_stride: n,
    }
}

fn answer(x: &[f32]) -> Vec<f64> {
    let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let es: Vec<f64> = x
        .iter()
        .map(|&x| (f64::from(x) - f64::from(max)).exp())
        .collect();
    let sum: f64 = es.iter().sum();
    es.iter().map(|e| e / sum).collect()
}

#[test]
fn agrees_with_f64() {
    let (f32, f16, bf16) = (DType::F32, DType::F16, DType::BF16);
    support::each_machine(|machine| {
        for (rows, n, x, y, size) in [
            (3, 1000, f32, f32, 20.0),
            (2, 37, f16, f16, 5.0),
            (1, 1, f32, bf16, 1.0),
            (2, 130, bf16, f32, 1e30),
        ] {
            let kernel = softmax(rows, n, x, y);
            let mut numbers: Vec<f32> = Random::new(11)
                .units(at(rows * n), size)
                .iter()
                .map(|&v| round(x, v))
                .collect();
            if n > 2 {
                numbers[1] = f32::NEG_INFINITY;
            }
            let mut args = [encode(x, &numbers), encode(y, &vec![0.0; at(rows * n)])];
            compile(&Kernel::Softmax(kernel.clone()), machine).run(&mut args, &[(1, rows), (0, 1)]);
            let got = decode(y, &args[1]);
            for (got, x) in got.chunks(at(n)).zip(numbers.chunks(at(n))) {
                // Differences from the maximum are rounded: their error grows with the size.
                close(
                    &format!("{kernel:?} on {}", machine.cpu),
                    y,
                    got,
                    &answer(x),
                    (1e-6 + f64::from(size.min(20.0)) * 1e-7, 1e-38),
                );
            }
        }
    });
}

#[test]
fn rows_without_an_answer_are_nan() {
    support::each_machine(|machine| {
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        let x: Vec<f32> = [
            [1.0, nan, 2.0],
            [-inf, -inf, -inf],
            [1.0, inf, 0.0],
            [0.0, 0.0, -inf],
        ]
        .concat();
        let mut args = [encode(DType::F32, &x), encode(DType::F32, &[0.0; 12])];
        compile(
            &Kernel::Softmax(softmax(4, 3, DType::F32, DType::F32)),
            machine,
        )
        .run(&mut args, &[(0, 4)]);
        let y = args[1].to_f32();
        assert!(y[..6].iter().all(|y| y.is_nan()) && y[7].is_nan(), "{y:?}");
        assert_eq!(y[9..], [0.5, 0.5, 0.0]);
    });
}

#[test]
fn text_of_a_small_instance() {
    let kernel = Kernel::Softmax(softmax(1, 20, DType::F32, DType::F32));
    assert_eq!(kernel.name(), "softmax_n20_xf32s20_yf32s20");
    insta::assert_snapshot!(
        "softmax_avx2",
        kernel.emit(&common::avx2().target).expect("a kernel")
    );
}

#[test]
fn inner_loops_do_not_spill() {
    support::no_spills_in_loops(&Kernel::Softmax(softmax(1, 4096, DType::F32, DType::F32)));
    support::no_spills_in_loops(&Kernel::Softmax(softmax(1, 4096, DType::F16, DType::F16)));
}
