//! The `main` function that the harness adds: inputs, calls, prints.

use super::function::hex;
use super::helpers;
use super::ops::Ops;
use super::run::{Call, Input, MAIN};
use super::style::Exporter;
use super::text::{Element, Type, Value, identity};

/// `module` with a function [`MAIN`] that makes the calls and prints every result as the bits of i64 or f64.
pub fn with_main(module: &str, calls: &[Call]) -> String {
    let mut ops = Ops::new(Exporter::Torch);
    let mut all: Vec<Vec<Value>> = Vec::new();
    for call in calls {
        let args: Vec<Value> = call
            .args
            .iter()
            .map(|input| match input {
                Input::Result(of, at) => all[*of][*at].clone(),
                other => materialise(&mut ops, other),
            })
            .collect();
        let results = helpers::call(&mut ops, &call.entry, &args, &call.results);
        results.iter().for_each(|r| print(&mut ops, r));
        all.push(results);
    }
    ops.b.line("return");
    let main = format!(
        "  func.func @{MAIN}() {{\n{}  }}\n  func.func private @printMemrefI64(memref<*xi64>) attributes {{llvm.emit_c_interface}}\n",
        ops.b.finish()
    );
    // Stock bufferization knows `global_load` only.
    insert_into_module(module, &main)
        .replace("ml_program.global_load_const", "ml_program.global_load")
}

/// Puts `text` at the start of the module's body (or in front of functions that stand without a module).
pub(super) fn insert_into_module(module: &str, text: &str) -> String {
    let mut out = String::with_capacity(module.len() + text.len());
    let mut done = false;
    for line in module.split_inclusive('\n') {
        if !done && line.trim_start().starts_with("func.func") {
            out.push_str(text);
            done = true;
        }
        out.push_str(line);
        if !done && line.trim_start().starts_with("module") && line.trim_end().ends_with('{') {
            out.push_str(text);
            done = true;
        }
    }
    out
}

pub(super) fn materialise(ops: &mut Ops, input: &Input) -> Value {
    match input {
        Input::Dense(ty, values) if ty.dims.is_none() => {
            if ty.element.is_float() {
                ops.b.float(values[0], ty.element)
            } else {
                ops.b.int(values[0] as i64, ty.element)
            }
        }
        Input::Dense(ty, values) => {
            let data = hex(values, ty.element);
            ops.b.op(
                ty.clone(),
                format_args!("arith.constant dense<\"0x{data}\"> : {ty}"),
            )
        }
        Input::Zero(ty) if ty.dims.is_none() => ops.b.int(0, ty.element),
        Input::Zero(ty) => ops.fill(0.0, ty.shape(), ty.element),
        Input::Fill(ty, seed, scale) => fill(ops, ty, *seed, *scale),
        Input::Result(..) => unreachable!("results are looked up before"),
    }
}

pub(super) fn fill(ops: &mut Ops, ty: &Type, seed: i64, scale: f64) -> Value {
    let init = ops.empty(ty.shape(), ty.element);
    let rank = ty.shape().len();
    let constants = [
        2_654_435_761,
        seed.wrapping_mul(40_503),
        13,
        1_103_515_245,
        12,
        0xffff,
    ]
    .map(|c| ops.b.int(c, Element::I64));
    let sizes: Vec<Value> = ty
        .shape()
        .iter()
        .map(|d| ops.b.int(*d as i64, Element::I64))
        .collect();
    let [half, one, scale] = [32768.0, 1.0, scale].map(|c| ops.b.float(c, Element::F64));
    let zero = ops.b.int(0, Element::I64);
    ops.generic(&[], &init, &identity(rank), &"p".repeat(rank), |b, _| {
        let mut linear = zero;
        for (d, size) in sizes.iter().enumerate() {
            let at = b.op(
                Type::scalar(Element::Index),
                format_args!("linalg.index {d} : index"),
            );
            let at = b.convert("arith.index_cast", &at, Element::I64);
            let scaled = b.scalar("arith.muli", &[&linear, size]);
            linear = b.scalar("arith.addi", &[&scaled, &at]);
        }
        let mixed = b.scalar("arith.muli", &[&linear, &constants[0]]);
        let mixed = b.scalar("arith.addi", &[&mixed, &constants[1]]);
        let shifted = b.scalar("arith.shrsi", &[&mixed, &constants[2]]);
        let mixed = b.scalar("arith.xori", &[&mixed, &shifted]);
        let mixed = b.scalar("arith.muli", &[&mixed, &constants[3]]);
        let mixed = b.scalar("arith.shrsi", &[&mixed, &constants[4]]);
        let mixed = b.scalar("arith.andi", &[&mixed, &constants[5]]);
        let value = b.convert("arith.sitofp", &mixed, Element::F64);
        let value = b.scalar("arith.divf", &[&value, &half]);
        let value = b.scalar("arith.subf", &[&value, &one]);
        let value = b.scalar("arith.mulf", &[&value, &scale]);
        if ty.element == Element::F64 {
            value
        } else {
            b.convert("arith.truncf", &value, ty.element)
        }
    })
}

/// Prints the values' bits: no decimal rounding in between.
pub(super) fn print(ops: &mut Ops, value: &Value) {
    let ty = value.ty.clone();
    let tensor = if ty.dims.is_none() {
        let one = Type::tensor(&[1], ty.element);
        ops.b.op(
            one.clone(),
            format_args!("tensor.from_elements {value} : {one}"),
        )
    } else {
        ops.reshape(value, &[ty.count()])
    };
    let init = ops.empty(tensor.shape(), Element::I64);
    let bits = ops.generic(
        &[(&tensor, identity(1))],
        &init,
        &identity(1),
        "p",
        |b, args| match ty.element {
            Element::I64 => args[0].clone(),
            Element::Index => b.convert("arith.index_cast", &args[0], Element::I64),
            Element::F64 => b.convert("arith.bitcast", &args[0], Element::I64),
            element if element.is_float() => {
                let wide = b.convert("arith.extf", &args[0], Element::F64);
                b.convert("arith.bitcast", &wide, Element::I64)
            }
            _ => b.convert("arith.extsi", &args[0], Element::I64),
        },
    );
    let memref = format!("memref<{}xi64>", tensor.shape()[0]);
    let (buffer, any) = (ops.b.fresh(), ops.b.fresh());
    ops.b.line(format_args!(
        "{buffer} = bufferization.to_buffer {bits} : {} to {memref}",
        bits.ty
    ));
    ops.b.line(format_args!(
        "{any} = memref.cast {buffer} : {memref} to memref<*xi64>"
    ));
    ops.b.line(format_args!(
        "func.call @printMemrefI64({}) : (memref<*xi64>) -> ()",
        any
    ));
}

pub(super) fn parse(output: &str) -> Vec<Vec<i64>> {
    let number = |c: char| c.is_ascii_digit() || c == '-';
    output
        .split("Unranked Memref")
        .skip(1)
        .filter_map(|part| part.split_once("data ="))
        .map(|(_, data)| {
            data.split(|c| !number(c))
                .filter_map(|n| n.parse().ok())
                .collect()
        })
        .collect()
}
