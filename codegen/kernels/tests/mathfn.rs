//! Errors of exp and of what is made of it, against f64, and the same bits wherever an element stands.

mod common;
mod support;

use common::{Arg, Machine, compile};
use spec_kernels::{Activation, DType, Function, Kernel};
use support::Random;

fn kernel(function: Function, n: i64) -> Kernel {
    let (x, y) = (DType::F32, DType::F32);
    Kernel::Activation(Activation {
        function,
        rows: 1,
        n,
        x,
        x_stride: n,
        up: None,
        y,
        y_stride: n,
    })
}

fn apply(function: Function, machine: &Machine, xs: &[f32]) -> Vec<f32> {
    let kernel = kernel(function, i64::try_from(xs.len()).expect("small"));
    let compiled = compile(&kernel, machine);
    let mut args = [Arg::f32(xs), Arg::f32(&vec![0.0; xs.len()])];
    compiled.run(&mut args, &[(0, kernel.units())]);
    args[1].to_f32()
}

/// Distance of neighbouring f32 around a number.
fn ulp(x: f64) -> f64 {
    if x == 0.0 {
        return 2f64.powi(-149);
    }
    #[expect(clippy::cast_possible_truncation, reason = "an exponent")]
    let exponent = x.abs().log2().floor() as i32;
    2f64.powi(exponent.max(-126) - 23)
}

/// Every f32 of a fixed distance in bits, of both signs, the infinities and NaN among them.
fn spread(step: u32) -> Vec<f32> {
    let mut all: Vec<f32> = (0..=u32::MAX / step)
        .map(|i| f32::from_bits(i * step))
        .collect();
    all.extend([
        0.0,
        -0.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        1.0,
        -1.0,
    ]);
    all.extend([
        88.722_84,
        88.722_83,
        -87.336_55,
        -103.278_93,
        -103.972_08,
        -104.0,
        0.624_999_9,
        0.625,
        0.937_5,
        4.1,
    ]);
    all
}

/// What a function should compute.
type Formula<'a> = dyn Fn(f64) -> f64 + 'a;

/// Evenly spread numbers.
#[expect(clippy::cast_precision_loss, reason = "24 bits")]
fn even(n: u32, size: f32) -> Vec<f32> {
    (0..n)
        .map(|i| (i as f32 / n as f32 * 2.0 - 1.0) * size)
        .collect()
}

/// The largest error in units of the last place, and where; fails on a NaN or infinity of its own.
#[expect(clippy::cast_possible_truncation, reason = "the rounding is wanted")]
fn worst(xs: &[f32], ys: &[f32], want: impl Fn(f64) -> f64) -> (f64, f32) {
    let mut worst = (0.0, 0.0);
    for (&x, &y) in xs.iter().zip(ys) {
        let want = want(f64::from(x));
        if want.is_nan() || (want as f32).is_infinite() {
            assert!(
                (want as f32).to_bits() == y.to_bits() || (want.is_nan() && y.is_nan()),
                "f({x:e}) is {y}, should be {want}"
            );
            continue;
        }
        assert!(y.is_finite(), "f({x:e}) is {y}, should be {want}");
        let error = (f64::from(y) - want).abs() / ulp(want);
        if error > worst.0 {
            worst = (error, x);
        }
    }
    worst
}

/// erf by a series of positive terms.
fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 || x.is_nan() {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while term.abs() > 1e-18 * sum.abs() {
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
        n += 1.0;
    }
    2.0 / std::f64::consts::PI.sqrt() * (-x * x).exp() * sum
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        x.exp() / (1.0 + x.exp())
    }
}

#[test]
fn exp_is_within_2_ulp_everywhere() {
    support::each_machine(|machine| {
        for xs in [spread(1019), even(1 << 20, 104.0), even(1 << 18, 1.0)] {
            let (error, x) = worst(&xs, &apply(Function::Exp, machine, &xs), f64::exp);
            assert!(error <= 1.6, "exp on {}: {error} ulp at {x:e}", machine.cpu);
        }
        assert_eq!(
            apply(
                Function::Exp,
                machine,
                &[0.0, -0.0, f32::NEG_INFINITY, f32::INFINITY]
            ),
            [1.0, 1.0, 0.0, f32::INFINITY]
        );
    });
}

#[test]
fn sigmoid_and_tanh_are_within_4_ulp_everywhere() {
    support::each_machine(|machine| {
        let xs = spread(4093);
        let (error, x) = worst(&xs, &apply(Function::Sigmoid, machine, &xs), sigmoid);
        assert!(
            error <= 3.0,
            "sigmoid on {}: {error} ulp at {x:e}",
            machine.cpu
        );
        let (error, x) = worst(&xs, &apply(Function::Tanh, machine, &xs), f64::tanh);
        assert!(
            error <= 3.0,
            "tanh on {}: {error} ulp at {x:e}",
            machine.cpu
        );
    });
}

#[test]
fn activations_agree_with_their_formulas() {
    let cubic = |x: f64| {
        x * sigmoid(2.0 * (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x))
    };
    let formulas: [(Function, &Formula, f64); 6] = [
        (Function::Silu, &|x| x * sigmoid(x), 0.0),
        (Function::GeluTanh, &cubic, 0.0),
        // 1 + erf(x) cancels for negative x: exact to the last place of 1, not of the result.
        (
            Function::Gelu,
            &|x| x * 0.5 * (1.0 + erf(x / 2f64.sqrt())),
            1.2e-7,
        ),
        (Function::Relu, &|x| x.max(0.0), 0.0),
        (Function::Relu2, &|x| x.max(0.0) * x.max(0.0), 0.0),
        (Function::Identity, &|x| x, 0.0),
    ];
    support::each_machine(|machine| {
        for (function, formula, absolute) in &formulas {
            let xs = even(100_003, 20.0);
            for (&x, y) in xs.iter().zip(apply(*function, machine, &xs)) {
                let want = formula(f64::from(x));
                // The argument of e^x is rounded: its error grows with it, up to x^3.
                let relative = 4e-7 * (1.0 + f64::from(x).powi(2));
                let allowed =
                    relative * want.abs() + (absolute + 2e-45) * f64::from(x).abs() + 2e-45;
                assert!(
                    (f64::from(y) - want).abs() <= allowed,
                    "{function:?} on {}: f({x}) is {y:e}, should be {want:e}",
                    machine.cpu
                );
            }
        }
    });
}

#[test]
fn an_element_gets_the_same_bits_wherever_it_stands() {
    support::each_machine(|machine| {
        for function in [
            Function::Exp,
            Function::Silu,
            Function::Gelu,
            Function::Tanh,
            Function::GeluTanh,
        ] {
            let xs = Random::new(5).units(553, 12.0);
            let whole = apply(function, machine, &xs);
            for (from, n) in [(0, 1), (100, 3), (77, 37), (3, 255), (250, 300)] {
                let part = apply(function, machine, &xs[from..from + n]);
                assert_eq!(
                    part,
                    whole[from..from + n],
                    "{function:?} on {}: {n} elements from {from}",
                    machine.cpu
                );
            }
        }
    });
}

#[test]
fn inner_loops_do_not_spill() {
    for function in [Function::Silu, Function::GeluTanh, Function::Tanh] {
        support::no_spills_in_loops(&kernel(function, 512));
    }
}
