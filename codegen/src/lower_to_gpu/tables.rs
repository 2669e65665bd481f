//! Rows of tables that are read at a run-time place, copied once to a place of their own.

use super::effects::Effects;
use super::view::View;
use crate::cursor::Cursor;
use spec_dialect::ffi::{Block, Op, Value};
use std::collections::{HashMap, HashSet};

/// Operands that kernels read at fixed places only: those of rotations (cosines and sines), masks, and inputs of row kernels.
fn operands(op: Op) -> Vec<usize> {
    match op.name() {
        "spec.rope" => vec![0, 1, 2],
        "spec.norm" | "spec.activation" | "linalg.softmax" | "spec.linear" | "spec.argmax" => {
            (0..op.operands().len().saturating_sub(1)).collect()
        }
        "spec.attention" => (0..op.operands().len().saturating_sub(1)).collect(),
        _ => vec![],
    }
}

/// Copies what stands at a run-time place in front of its first reader.
pub(super) fn materialise(body: Block) {
    let mut copies: HashMap<Value, Value> = HashMap::new();
    let written: HashSet<Value> = body
        .ops()
        .into_iter()
        .flat_map(|o| Effects::of(o).writes)
        .collect();
    for op in body.ops() {
        let inner = if op.name() == "spec.kernel" {
            op.nested()
        } else {
            vec![op]
        };
        for reader in inner {
            for i in operands(reader) {
                let Some(value) = reader.operand(i).filter(|v| v.ty().is_memref()) else {
                    continue;
                };
                let Some(view) = View::of(value).ok().filter(|v| !v.dynamic.is_empty()) else {
                    continue;
                };
                // what nobody writes is copied once
                let copy = match copies.get(&value) {
                    Some(copy) if !written.contains(&view.root) => *copy,
                    _ => copy(op, value),
                };
                copies.insert(value, copy);
                reader.set_operand(i, copy);
            }
        }
    }
}

fn copy(before: Op, value: Value) -> Value {
    let at = Cursor::before(before);
    let shape = value.ty().shape();
    let dims: Vec<String> = shape
        .dims
        .iter()
        .map(|d| d.unwrap_or(0).to_string())
        .collect();
    let ty = at.ty(&format!("memref<{}x{}>", dims.join("x"), shape.element));
    let attrs = [("operandSegmentSizes", at.attr("array<i32: 0, 0>"))];
    let copy = at.one("memref.alloc", &[], ty, &attrs);
    at.op("memref.copy", &[value, copy], &[], &[], &[]);
    copy
}
