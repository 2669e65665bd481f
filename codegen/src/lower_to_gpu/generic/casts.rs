//! Conversions between types.

use super::body::{Kind, Written, sign_extended, zero_extended};
use spec_dialect::ffi::{Element, Op};
use spec_kernels::Value as Name;
use spec_kernels::gpu::{Device, Writer};

/// `arith.NAME`, if it is a conversion that kernels know.
///
/// # Errors
/// Its types are not those of kernels.
pub(super) fn write(
    w: &mut Writer,
    device: &Device,
    name: &str,
    op: Written,
) -> Result<Option<Name>, String> {
    let [a] = op.operands else {
        return Ok(None);
    };
    if !CASTS.contains(&name) {
        return Ok(None);
    }
    let (from, to) = (op.element(0), op.result());
    let kinds = (Kind::of(from)?, Kind::of(to)?);
    Ok(match (name, kinds) {
        ("extf", _) => Some(a.clone()),
        ("truncf", _) => Some(narrowed(w, device, op.op, to, a)),
        ("sitofp", (Kind::Bool, _)) => Some(int_of_bool(w, "extsi", a)).map(|a| w.to_float(&a)),
        ("uitofp", (Kind::Bool, _)) => Some(int_of_bool(w, "extui", a)).map(|a| w.to_float(&a)),
        ("sitofp", _) => Some(w.to_float(a)),
        ("uitofp", _) if from == Element::Int(32) => {
            Some(w.op(format_args!("arith.uitofp {a} : i32 to f32")))
        }
        ("uitofp", _) => Some(zero_extended(w, from, a)).map(|a| w.to_float(&a)),
        ("fptosi" | "fptoui", (_, Kind::Bool)) => {
            let whole = w.op(format_args!("arith.fptosi {a} : f32 to i32"));
            Some(w.int_is_const("ne", &whole, 0))
        }
        ("fptoui", _) if to == Element::Int(32) => {
            Some(w.op(format_args!("arith.fptoui {a} : f32 to i32")))
        }
        ("fptosi" | "fptoui", _) => {
            let whole = w.op(format_args!("arith.fptosi {a} : f32 to i32"));
            Some(sign_extended(w, to, &whole))
        }
        ("bitcast", _) => bits(w, from, to, a),
        (name, kinds) => Some(int(w, name, from, to, kinds, a)),
    })
}

const CASTS: [&str; 12] = [
    "extf",
    "truncf",
    "sitofp",
    "uitofp",
    "fptosi",
    "fptoui",
    "bitcast",
    "extsi",
    "extui",
    "trunci",
    "index_cast",
    "index_castui",
];

/// Between integers; those of 64 bits are the i32 of the same value, which indices and positions fit.
fn int(
    w: &mut Writer,
    name: &str,
    from: Element,
    to: Element,
    kinds: (Kind, Kind),
    a: &Name,
) -> Name {
    let unsigned = matches!(name, "extui" | "index_castui");
    match kinds {
        (Kind::Bool, Kind::Bool) => a.clone(),
        (Kind::Bool, _) => int_of_bool(w, if unsigned { "extui" } else { "extsi" }, a),
        (_, Kind::Bool) => {
            let low = w.rem(a, 2);
            w.int_is_const("ne", &low, 0)
        }
        _ if unsigned => zero_extended(w, from, a),
        _ => sign_extended(w, to, a),
    }
}

fn int_of_bool(w: &mut Writer, extend: &str, a: &Name) -> Name {
    w.op(format_args!("arith.{extend} {a} : i1 to i32"))
}

fn bits(w: &mut Writer, from: Element, to: Element, a: &Name) -> Option<Name> {
    Some(match (from, to) {
        (Element::Float(32), Element::Int(32)) => {
            w.op(format_args!("arith.bitcast {a} : f32 to i32"))
        }
        (Element::Int(32), Element::Float(32)) => {
            w.op(format_args!("arith.bitcast {a} : i32 to f32"))
        }
        (Element::Int(16), Element::BFloat16) => {
            let width = w.int(16);
            let high = w.ints("shli", a, &width);
            w.op(format_args!("arith.bitcast {high} : i32 to f32"))
        }
        (Element::BFloat16, Element::Int(16)) => {
            let width = w.int(16);
            let all = w.op(format_args!("arith.bitcast {a} : f32 to i32"));
            w.ints("shrsi", &all, &width)
        }
        _ => return None,
    })
}

/// An f32 rounded to `to`. Where the value is only stored, the store does it.
fn narrowed(w: &mut Writer, device: &Device, op: Op, to: Element, a: &Name) -> Name {
    let stored = |op: Op| op.name() == "linalg.yield";
    if op
        .results()
        .all(|r| r.uses().into_iter().all(|(user, _)| stored(user)))
    {
        return a.clone();
    }
    match to {
        Element::Float(16) if device.float16 => {
            let half = w.op(format_args!("arith.truncf {a} : f32 to f16"));
            w.op(format_args!("arith.extf {half} : f16 to f32"))
        }
        Element::Float(16) => {
            let pair = w.op(format_args!(
                "vector.from_elements {a}, {a} : vector<2xf32>"
            ));
            let packed = w.op(format_args!(
                "spirv.GL.PackHalf2x16 {pair} : vector<2xf32> -> i32"
            ));
            let pair = w.op(format_args!(
                "spirv.GL.UnpackHalf2x16 {packed} : i32 -> vector<2xf32>"
            ));
            w.op(format_args!(
                "vector.extract {pair}[0] : f32 from vector<2xf32>"
            ))
        }
        Element::BFloat16 => to_bfloat(w, a),
        _ => a.clone(),
    }
}

/// To nearest even; a NaN stays.
fn to_bfloat(w: &mut Writer, a: &Name) -> Name {
    let bits = w.op(format_args!("arith.bitcast {a} : f32 to i32"));
    let width = w.int(16);
    let high = w.ints("shrui", &bits, &width);
    let odd = w.rem(&high, 2);
    let up = w.add_const(&bits, 0x7fff);
    let up = w.add(&up, &odd);
    let mask = w.int(-0x1_0000);
    let rounded = w.ints("andi", &up, &mask);
    let rounded = w.op(format_args!("arith.bitcast {rounded} : i32 to f32"));
    let nan = w.float_is("uno", a, a);
    w.choose(&nan, a, &rounded, "f32")
}
