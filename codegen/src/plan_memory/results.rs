//! Results of a function to arguments of it.

use super::is_view;
use crate::cursor::{Cursor, result};
use spec_dialect::ffi::{Attr, Block, Op, Type, Value};
use spec_dialect::pass::Diagnostics;

/// Adds an argument to a function with a body.
pub(crate) fn add_argument(function: Op, body: Block, ty: Type) -> Value {
    let arg = body.add_arg(ty, function.loc());
    let inputs: Vec<Type> = body.args().into_iter().map(Value::ty).collect();
    let results = (function.attr("function_type").and_then(Attr::as_type))
        .and_then(Type::function)
        .map_or(vec![], |(_, results)| results);
    let ty = Type::function_of(function.ctx(), &inputs, &results);
    function.set_attr("function_type", Attr::of_type(ty));
    if let Some(mut attrs) = function.attr("arg_attrs").and_then(Attr::elements) {
        attrs.resize(inputs.len(), Attr::dictionary(function.ctx(), &[]));
        function.set_attr("arg_attrs", Attr::array(function.ctx(), &attrs));
    }
    arg
}

/// For each result, the argument that holds it. Arguments take the place of allocations where they can.
pub(super) fn to_arguments(function: Op, body: Block) -> Result<Vec<i64>, Diagnostics> {
    let one = function.blocks().len() == 1;
    let Some(terminator) = body.terminator().filter(|_| one) else {
        let message = "a function of several blocks has no order of uses to plan by: give it structured control flow (scf)";
        return Err(Diagnostics::at(function.loc(), message));
    };
    let mut arguments = vec![];
    for i in 0..terminator.operands().len() {
        // read anew each time: an earlier result may have replaced what this one is
        let Some(value) = terminator.operand(i) else {
            continue;
        };
        let (root, whole) = root_of(value);
        let root_arg = (root.arg_block() == Some(body)).then(|| root.index() as i64);
        let argument = match root_arg {
            Some(i) if whole => i,
            _ => new_place(function, body, terminator, value)?,
        };
        arguments.push(argument);
    }
    let at = Cursor::before(terminator);
    at.op("func.return", &[], &[], &[], &[]);
    terminator.erase();
    drop_result_types(function, body);
    Ok(arguments)
}

fn drop_result_types(function: Op, body: Block) {
    let inputs: Vec<Type> = body.args().into_iter().map(Value::ty).collect();
    let ty = Type::function_of(function.ctx(), &inputs, &[]);
    function.set_attr("function_type", Attr::of_type(ty));
    function.remove_attr("res_attrs");
}

/// What `value` is a view of, and whether the view is all of it in the same order.
fn root_of(mut value: Value) -> (Value, bool) {
    let mut whole = true;
    while let Some(op) = value.def().filter(|o| is_view(o.name())) {
        whole &= matches!(
            op.name(),
            "memref.expand_shape" | "memref.collapse_shape" | "memref.cast"
        );
        match op.operand(0) {
            Some(source) => value = source,
            None => break,
        }
    }
    (value, whole)
}

/// A new argument that holds `value` when the function returns.
fn new_place(function: Op, body: Block, terminator: Op, value: Value) -> Result<i64, Diagnostics> {
    let shape = value.ty().shape();
    let before_return = Cursor::before(terminator);
    if !shape.is_shaped {
        let ty = before_return.ty(&format!("memref<{}>", value.ty()));
        let arg = add_argument(function, body, ty);
        before_return.op("memref.store", &[value, arg], &[], &[], &[]);
        return Ok(arg.index() as i64);
    }
    let Some(dims) = shape.dims.iter().copied().collect::<Option<Vec<u64>>>() else {
        let message = "a result whose size is known at run time only: give the model static shapes";
        return Err(Diagnostics::at(terminator.loc(), message));
    };
    let dims: String = dims.iter().map(|d| format!("{d}x")).collect();
    let ty = before_return.ty(&format!("memref<{dims}{}>", shape.element));
    let arg = add_argument(function, body, ty);
    let (root, whole) = root_of(value);
    let alloc = root.def().filter(|o| o.name() == "memref.alloc" && whole);
    match alloc {
        Some(alloc) if alloc.block() == Some(body) => {
            take_over(body, alloc, arg);
        }
        _ => {
            before_return.op("memref.copy", &[value, arg], &[], &[], &[]);
        }
    }
    Ok(arg.index() as i64)
}

/// Puts `arg` (of as many elements, in the same order) in the place of `alloc`.
fn take_over(body: Block, alloc: Op, arg: Value) {
    let old = result(alloc, 0);
    let first = body.ops().first().copied().unwrap_or(alloc);
    let new = if arg.ty() == old.ty() {
        arg
    } else {
        Cursor::before(first).reinterpret(arg, old.ty())
    };
    old.replace_all_uses(new);
    alloc.erase();
}
