//! `math` ops in f32. What Vulkan leaves imprecise (sines of large angles, powers) is computed here, to about 1e-7.

use super::body::{Kind, Written};
use spec_dialect::ffi::{Attr, Value};
use spec_kernels::gpu::Writer;
use spec_kernels::{Function, Value as Name};

/// Functions that SPIR-V has as they are.
const UNARY: [&str; 22] = [
    "absf",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "ceil",
    "cosh",
    "exp",
    "expm1",
    "floor",
    "log",
    "log10",
    "log1p",
    "log2",
    "round",
    "roundeven",
    "rsqrt",
    "sinh",
    "sqrt",
    "tan",
];

/// `math.NAME`; none if no kernel knows it.
///
/// # Errors
/// Its types are not those of kernels.
pub(super) fn write(w: &mut Writer, name: &str, op: Written) -> Result<Option<Name>, String> {
    let kind = op.kind(0)?;
    Ok(match (name, op.operands) {
        ("absi", [a]) if kind == Kind::Int => Some(w.op(format_args!("math.absi {a} : i32"))),
        ("fpowi", [a, b]) => Some(power_of_int(w, op, a, b)),
        (_, _) if kind != Kind::Float => None,
        (name, [a]) if UNARY.contains(&name) => Some(w.math(name, a)),
        ("sin", [a]) => Some(sine(w, a, 0)),
        ("cos", [a]) => Some(sine(w, a, 1)),
        ("tanh", [a]) => Some(w.apply(Function::Tanh, a)),
        ("erf", [a]) => Some(erf(w, a)),
        ("exp2", [a]) => {
            let whole = w.math("roundeven", a);
            let rest = w.floats("subf", a, &whole);
            Some(exp2(w, &whole, &rest))
        }
        ("trunc", [a]) => Some(trunc(w, a)),
        ("isnan", [a]) => Some(w.float_is("uno", a, a)),
        ("isinf", [a]) => Some(against_infinity(w, "oeq", a)),
        ("isfinite", [a]) => Some(against_infinity(w, "olt", a)),
        ("fma", [a, b, c]) => Some(w.fma(a, b, c)),
        ("copysign", [a, b]) => Some(w.op(format_args!("math.copysign {a}, {b} : f32"))),
        ("powf", [a, b]) => Some(match op.op.operand(0).and_then(constant) {
            Some(base) if base > 0.0 && base.is_finite() => power_of_constant(w, base, b),
            _ => w.op(format_args!("math.powf {a}, {b} : f32")),
        }),
        _ => None,
    })
}

/// The value of a float constant.
fn constant(value: Value) -> Option<f64> {
    let op = value.def().filter(|op| op.name() == "arith.constant")?;
    op.attr("value").and_then(Attr::as_f64)
}

/// A polynomial, highest power first.
fn polynomial(w: &mut Writer, coefficients: &[f32], x: &Name) -> Name {
    let mut sum = w.float(coefficients[0]);
    for c in &coefficients[1..] {
        let c = w.float(*c);
        sum = w.fma(&sum, x, &c);
    }
    sum
}

/// a with the low half of its mantissa cleared: products of two such are exact.
fn high_half(w: &mut Writer, a: &Name) -> Name {
    let mask = w.int(-0x1000);
    let bits = w.op(format_args!("arith.bitcast {a} : f32 to i32"));
    let bits = w.ints("andi", &bits, &mask);
    w.op(format_args!("arith.bitcast {bits} : i32 to f32"))
}

/// base^y, from y * log2(base) in two parts.
fn power_of_constant(w: &mut Writer, base: f64, y: &Name) -> Name {
    let log = base.log2();
    let high = f32::from_bits((log as f32).to_bits() & !0xfff);
    let (whole_log, high_log, low_log) = (
        w.float(log as f32),
        w.float(high),
        w.float((log - f64::from(high)) as f32),
    );
    let product = w.floats("mulf", y, &whole_log);
    let whole = w.math("roundeven", &product);
    let high = high_half(w, y);
    let low = w.floats("subf", y, &high);
    let exact = w.floats("mulf", &high, &high_log);
    let rest = w.floats("subf", &exact, &whole);
    let (a, b) = (
        w.floats("mulf", &low, &high_log),
        w.floats("mulf", y, &low_log),
    );
    let small = w.floats("addf", &a, &b);
    let rest = w.floats("addf", &rest, &small);
    exp2(w, &whole, &rest)
}

/// 2^(whole + rest), |rest| at most 0.5. Beyond the range of f32 it is infinite; 0 below that of normal numbers.
fn exp2(w: &mut Writer, whole: &Name, rest: &Name) -> Name {
    const POWERS: [f32; 7] = [
        1.535_336_2e-4,
        1.339_887_4e-3,
        9.618_437e-3,
        5.550_332_5e-2,
        2.402_264_8e-1,
        6.931_472e-1,
        1.0,
    ];
    let (least, most) = (w.float(-127.0), w.float(128.0));
    let whole = w.floats("maxnumf", whole, &least);
    let whole = w.floats("minnumf", &whole, &most);
    // an infinite argument has no rest
    let (half, minus_half) = (w.float(0.5), w.float(-0.5));
    let rest = w.floats("maxnumf", rest, &minus_half);
    let rest = w.floats("minnumf", &rest, &half);
    let mantissa = polynomial(w, &POWERS, &rest);
    let exponent = w.op(format_args!("arith.fptosi {whole} : f32 to i32"));
    let (biased, width) = (w.add_const(&exponent, 127), w.int(23));
    let bits = w.ints("shli", &biased, &width);
    let factor = w.op(format_args!("arith.bitcast {bits} : i32 to f32"));
    w.floats("mulf", &mantissa, &factor)
}

/// sin(x + quarters * pi/2): error below 1e-7 up to |x| = 8192, below 1e-6 up to 40000.
fn sine(w: &mut Writer, x: &Name, quarters: i64) -> Name {
    const SINE: [f32; 3] = [-1.951_529_6e-4, 8.332_161e-3, -1.666_665_5e-1];
    const COSINE: [f32; 3] = [2.443_315_7e-5, -1.388_731_6e-3, 4.166_664_6e-2];
    // pi/2 in parts, so that the products with a number of quarters are exact
    const QUARTER: [f32; 3] = [1.570_312_5, 4.837_513e-4, 7.549_79e-8];
    let per_quarter = w.float(std::f32::consts::FRAC_2_PI);
    let turns = w.floats("mulf", x, &per_quarter);
    let turns = w.math("roundeven", &turns);
    let mut rest = x.clone();
    for part in QUARTER {
        let part = w.float(part);
        let product = w.floats("mulf", &turns, &part);
        rest = w.floats("subf", &rest, &product);
    }
    let square = w.floats("mulf", &rest, &rest);
    let p = polynomial(w, &SINE, &square);
    let p = w.floats("mulf", &p, &square);
    let odd = w.fma(&p, &rest, &rest);
    let p = polynomial(w, &[COSINE[0], COSINE[1], COSINE[2], -0.5, 1.0], &square);
    let turns = w.op(format_args!("arith.fptosi {turns} : f32 to i32"));
    let turns = w.add_const(&turns, quarters);
    let (one, two) = (w.int(1), w.int(2));
    let is_even = w.ints("andi", &turns, &one);
    let is_even = w.int_is_const("eq", &is_even, 0);
    let value = w.choose(&is_even, &odd, &p, "f32");
    let is_negative = w.ints("andi", &turns, &two);
    let is_negative = w.int_is_const("ne", &is_negative, 0);
    let minus = w.negate(&value);
    w.choose(&is_negative, &minus, &value, "f32")
}

/// A quotient of polynomials on [-4, 4]: error below 4e-7. Beyond, erf is 1 in f32.
fn erf(w: &mut Writer, x: &Name) -> Name {
    const ABOVE: [f32; 7] = [
        -2.726_142e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_5e-5,
        -7.349_906_4e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const BELOW: [f32; 5] = [
        -1.456_607_2e-5,
        -2.133_740_6e-4,
        -1.682_827e-3,
        -7.373_329e-3,
        -1.426_473_9e-2,
    ];
    let (least, most) = (w.float(-4.0), w.float(4.0));
    // a NaN stays
    let x = w.floats("maximumf", x, &least);
    let x = w.floats("minimumf", &x, &most);
    let square = w.floats("mulf", &x, &x);
    let above = polynomial(w, &ABOVE, &square);
    let above = w.floats("mulf", &above, &x);
    let below = polynomial(w, &BELOW, &square);
    w.floats("divf", &above, &below)
}

fn trunc(w: &mut Writer, a: &Name) -> Name {
    let size = w.math("absf", a);
    let whole = w.math("floor", &size);
    w.op(format_args!("math.copysign {whole}, {a} : f32"))
}

fn against_infinity(w: &mut Writer, predicate: &str, a: &Name) -> Name {
    let size = w.math("absf", a);
    let infinity = w.float(f32::INFINITY);
    w.float_is(predicate, &size, &infinity)
}

/// a^b for an integer b: by products where b is a small constant.
fn power_of_int(w: &mut Writer, op: Written, a: &Name, b: &Name) -> Name {
    let exponent = op
        .op
        .operand(1)
        .and_then(|v| v.def()?.attr("value")?.as_i64());
    match exponent.map(i64::unsigned_abs) {
        Some(n @ 1..=16) => {
            let mut product = a.clone();
            for _ in 1..n {
                product = w.floats("mulf", &product, a);
            }
            if exponent.is_some_and(|n| n < 0) {
                let one = w.float(1.0);
                product = w.floats("divf", &one, &product);
            }
            product
        }
        _ => {
            let b = w.to_float(b);
            w.op(format_args!("math.powf {a}, {b} : f32"))
        }
    }
}
