//! Loads, conversions and trees of one-dimensional vectors, in the words of `llvm`, `arith` and `vector`.

use crate::{DType, Text, Value};

/// `vector<NxT>`.
pub(super) fn ty(n: usize, dtype: DType) -> String {
    format!("vector<{n}x{}>", dtype.name())
}

/// `pointer + bytes`, a constant.
pub(super) fn at(t: &mut Text, pointer: &Value, bytes: i64) -> Value {
    if bytes == 0 {
        return pointer.clone();
    }
    let bytes = int(t, bytes);
    t.op(format_args!(
        "llvm.getelementptr {pointer}[{bytes}] : (!llvm.ptr, i64) -> !llvm.ptr, i8"
    ))
}

/// `pointer + index * scale` bytes.
pub(super) fn offset(t: &mut Text, pointer: &Value, index: &Value, scale: i64) -> Value {
    let scale = int(t, scale);
    let bytes = t.op(format_args!(
        "arith.muli {index}, {scale} overflow<nsw> : i64"
    ));
    t.op(format_args!(
        "llvm.getelementptr {pointer}[{bytes}] : (!llvm.ptr, i64) -> !llvm.ptr, i8"
    ))
}

/// An i64 constant.
pub(super) fn int(t: &mut Text, value: i64) -> Value {
    t.op(format_args!("arith.constant {value} : i64"))
}

/// `n` elements; element alignment.
pub(super) fn load(t: &mut Text, pointer: &Value, n: usize, dtype: DType) -> Value {
    t.op(format_args!(
        "llvm.load {pointer} {{alignment = {} : i64}} : !llvm.ptr -> {}",
        dtype.bytes(),
        ty(n, dtype)
    ))
}

/// One element.
pub(super) fn load_one(t: &mut Text, pointer: &Value, dtype: DType) -> Value {
    let (bytes, name) = (dtype.bytes(), dtype.name());
    t.op(format_args!(
        "llvm.load {pointer} {{alignment = {bytes} : i64}} : !llvm.ptr -> {name}"
    ))
}

/// Stores one element.
pub(super) fn store_one(t: &mut Text, value: &Value, pointer: &Value, dtype: DType) {
    let (bytes, name) = (dtype.bytes(), dtype.name());
    t.line(format_args!(
        "llvm.store {value}, {pointer} {{alignment = {bytes} : i64}} : {name}, !llvm.ptr"
    ));
}

/// The first `valid` of `n` elements, then zeros; memory behind them is not touched.
pub(super) fn load_first(
    t: &mut Text,
    pointer: &Value,
    (valid, n): (usize, usize),
    dtype: DType,
) -> Value {
    if valid == n {
        return load(t, pointer, n, dtype);
    }
    let mask = mask(t, valid, n);
    let vector = ty(n, dtype);
    let zero = t.op(format_args!(
        "arith.constant dense<{}> : {vector}",
        if dtype == DType::I8 { "0" } else { "0.0" }
    ));
    t.op(format_args!(
        "llvm.intr.masked.load {pointer}, {mask}, {zero} {{alignment = {} : i32}} : (!llvm.ptr, vector<{n}xi1>, {vector}) -> {vector}",
        dtype.bytes()
    ))
}

fn mask(t: &mut Text, valid: usize, n: usize) -> Value {
    let bits: Vec<_> = (0..n).map(|i| (i < valid).to_string()).collect();
    t.op(format_args!(
        "arith.constant dense<[{}]> : vector<{n}xi1>",
        bits.join(", ")
    ))
}

/// Stores `n` elements; element alignment.
pub(super) fn store(t: &mut Text, value: &Value, pointer: &Value, n: usize, dtype: DType) {
    t.line(format_args!(
        "llvm.store {value}, {pointer} {{alignment = {} : i64}} : {}, !llvm.ptr",
        dtype.bytes(),
        ty(n, dtype)
    ));
}

/// Stores the first `valid` of `n` elements.
pub(super) fn store_first(
    t: &mut Text,
    value: &Value,
    pointer: &Value,
    (valid, n): (usize, usize),
    dtype: DType,
) {
    if valid == n {
        return store(t, value, pointer, n, dtype);
    }
    let mask = mask(t, valid, n);
    let vector = ty(n, dtype);
    t.line(format_args!(
        "llvm.intr.masked.store {value}, {pointer}, {mask} {{alignment = {} : i32}} : {vector}, vector<{n}xi1> into !llvm.ptr",
        dtype.bytes()
    ));
}

/// Elements of `dtype` (floats or integers) as f32.
pub(super) fn to_f32(t: &mut Text, value: &Value, n: usize, dtype: DType) -> Value {
    let (from, to) = (ty(n, dtype), ty(n, DType::F32));
    match dtype {
        DType::F32 => value.clone(),
        DType::F16 | DType::BF16 => t.op(format_args!("arith.extf {value} : {from} to {to}")),
        DType::I8 | DType::I32 | DType::I64 => {
            t.op(format_args!("arith.sitofp {value} : {from} to {to}"))
        }
    }
}

/// f32 rounded to the nearest of `dtype`, a float.
pub(super) fn from_f32(t: &mut Text, value: &Value, n: usize, dtype: DType) -> Value {
    match dtype {
        DType::F32 => value.clone(),
        DType::BF16 => to_bf16(t, value, n),
        _ => t.op(format_args!(
            "arith.truncf {value} : {} to {}",
            ty(n, DType::F32),
            ty(n, dtype)
        )),
    }
}

/// In integers: LLVM calls a library for this on x86 without AVX512_BF16, and that extension's instruction flushes denormals.
fn to_bf16(t: &mut Text, value: &Value, n: usize) -> Value {
    let words = ty(n, DType::I32);
    let [sixteen, one, half, quiet] =
        [16, 1, 0x7fff, 0x40].map(|v| t.op(format_args!("arith.constant dense<{v}> : {words}")));
    let bits = t.op(format_args!(
        "arith.bitcast {value} : {} to {words}",
        ty(n, DType::F32)
    ));
    let high = t.op(format_args!("arith.shrui {bits}, {sixteen} : {words}"));
    let odd = t.op(format_args!("arith.andi {high}, {one} : {words}"));
    let bump = t.op(format_args!("arith.addi {odd}, {half} : {words}"));
    let rounded = t.op(format_args!("arith.addi {bits}, {bump} : {words}"));
    let rounded = t.op(format_args!("arith.shrui {rounded}, {sixteen} : {words}"));
    let nan = t.op(format_args!("arith.ori {high}, {quiet} : {words}"));
    let unordered = t.op(format_args!(
        "arith.cmpf uno, {value}, {value} : {}",
        ty(n, DType::F32)
    ));
    let chosen = t.op(format_args!(
        "arith.select {unordered}, {nan}, {rounded} : vector<{n}xi1>, {words}"
    ));
    let short = t.op(format_args!(
        "arith.trunci {chosen} : {words} to vector<{n}xi16>"
    ));
    t.op(format_args!(
        "arith.bitcast {short} : vector<{n}xi16> to {}",
        ty(n, DType::BF16)
    ))
}

/// `n` elements from `start` of a vector of `of`.
pub(super) fn slice(
    t: &mut Text,
    value: &Value,
    of: usize,
    (start, n): (usize, usize),
    dtype: DType,
) -> Value {
    if n == of {
        return value.clone();
    }
    t.op(format_args!(
        "vector.extract_strided_slice {value} {{offsets = [{start}], sizes = [{n}], strides = [1]}} : {} to {}",
        ty(of, dtype),
        ty(n, dtype)
    ))
}

/// Elements of two vectors of `n`: `mask` counts through the first, then the second.
pub(super) fn shuffle(
    t: &mut Text,
    (a, b): (&Value, &Value),
    n: usize,
    mask: &[usize],
    dtype: DType,
) -> Value {
    let vector = ty(n, dtype);
    t.op(format_args!(
        "vector.shuffle {a}, {b} {mask:?} : {vector}, {vector}"
    ))
}

/// An f32 constant in all `n` lanes.
pub(super) fn splat(t: &mut Text, value: &str, n: usize) -> Value {
    t.op(format_args!(
        "arith.constant dense<{value}> : {}",
        ty(n, DType::F32)
    ))
}

/// The f32 at `pointer` in all `n` lanes.
pub(super) fn load_splat(t: &mut Text, pointer: &Value, n: usize) -> Value {
    let scalar = t.op(format_args!(
        "llvm.load {pointer} {{alignment = 4 : i64}} : !llvm.ptr -> f32"
    ));
    t.op(format_args!(
        "vector.broadcast {scalar} : f32 to {}",
        ty(n, DType::F32)
    ))
}

/// `a * b + c`, rounded once, of f32 vectors.
pub(super) fn fma(t: &mut Text, a: &Value, b: &Value, c: &Value, n: usize) -> Value {
    t.op(format_args!(
        "math.fma {a}, {b}, {c} : {}",
        ty(n, DType::F32)
    ))
}

/// Sums the `lanes` (a power of two) of each vector by halving: lane i takes lane i + lanes/2, and so on. Lane j of the result is the sum of
/// `vectors[j]`; several trees share shuffles, and no tree's arithmetic depends on the others.
pub(super) fn sums(t: &mut Text, vectors: &[Value], lanes: usize) -> Value {
    let (mut each, mut partials, mut list) = (1, lanes, vectors.to_vec());
    while partials > 1 {
        let (width, half) = (each * partials, partials / 2);
        let pick = |from: usize| {
            (0..each).flat_map(move |a| (0..half).map(move |p| a * partials + from + p))
        };
        let alone = list.len() == 1;
        let mut next = Vec::new();
        for pair in list.chunks(2) {
            let (a, b) = (&pair[0], &pair[pair.len() - 1]);
            let mut add = |from: usize| {
                let second = pick(from).map(|i| i + width).filter(|_| !alone);
                let mask: Vec<_> = pick(from).chain(second).collect();
                shuffle(t, (a, b), width, &mask, DType::F32)
            };
            let (low, high) = (add(0), add(half));
            let n = if alone { width / 2 } else { width };
            next.push(t.op(format_args!(
                "arith.addf {low}, {high} : {}",
                ty(n, DType::F32)
            )));
        }
        if !alone {
            each *= 2;
        }
        (partials, list) = (half, next);
    }
    join(t, &list, each, vectors.len())
}

/// The first `n` elements of the f32 vectors of `each`, in a row.
pub(super) fn join(t: &mut Text, list: &[Value], each: usize, n: usize) -> Value {
    let mut joined = list[0].clone();
    let mut have = each;
    for next in &list[1..] {
        let mask: Vec<_> = (0..have).map(|i| i.min(each - 1)).collect();
        let wide = shuffle(t, (next, next), each, &mask, DType::F32);
        let mask: Vec<_> = (0..have + each).collect();
        joined = shuffle(t, (&joined, &wide), have, &mask, DType::F32);
        have += each;
    }
    slice(t, &joined, have, (0, n), DType::F32)
}
