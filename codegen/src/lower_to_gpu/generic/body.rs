//! Values of a body, computed by one invocation. Integers are i32 (narrower ones sign-extended), floats f32, i1 stays.

use super::nest::{Nest, Source};
use super::{functions, range};
use crate::lower_to_gpu::scalars::PREDICATES;
use spec_dialect::ffi::{Attr, Element, Op, Value};
use spec_kernels::gpu::{Device, Writer};
use spec_kernels::{DType, Value as Name};
use std::collections::HashMap;

/// The type that a value is computed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Float,
    Int,
    Bool,
}

impl Kind {
    pub(super) fn of(element: Element) -> Result<Kind, String> {
        match element {
            Element::Float(16 | 32) | Element::BFloat16 => Ok(Kind::Float),
            Element::Int(1) => Ok(Kind::Bool),
            Element::Int(2..=32 | 64) | Element::Index => Ok(Kind::Int),
            other => Err(format!("no GPU kernel computes with {other}")),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Float => "f32",
            Kind::Int => "i32",
            Kind::Bool => "i1",
        }
    }
}

/// What one invocation has computed so far.
pub(super) struct Body<'a> {
    pub(super) nest: &'a Nest,
    device: &'a Device,
    /// The index of each loop; none while the loop is not entered.
    pub(super) rounds: Vec<Option<Name>>,
    /// Distances of operands' elements from their buffers' first, without the loops that are not entered.
    pub(super) places: Vec<Option<Name>>,
    pub(super) known: HashMap<Value, Name>,
}

impl<'a> Body<'a> {
    /// Nothing computed, no loop entered.
    pub(super) fn new(nest: &'a Nest, device: &'a Device) -> Self {
        Body {
            nest,
            device,
            rounds: vec![None; nest.sizes.len()],
            places: vec![None; nest.operands.len()],
            known: HashMap::new(),
        }
    }

    /// The value `value`, written where it is first needed.
    ///
    /// # Errors
    /// It is computed in a way that no kernel knows.
    pub(super) fn value(&mut self, w: &mut Writer, value: Value) -> Result<Name, String> {
        if let Some(name) = self.known.get(&value) {
            return Ok(name.clone());
        }
        let name = match self.nest.arguments.get(&value) {
            Some(Source::Element(operand)) => self.element(w, *operand)?,
            Some(Source::Scalar(scalar)) => self.value(w, *scalar)?,
            None => self.computed(w, value)?,
        };
        self.known.insert(value, name.clone());
        Ok(name)
    }

    /// The element of `operand` in this round.
    pub(super) fn element(&mut self, w: &mut Writer, operand: usize) -> Result<Name, String> {
        let place = self.place(w, operand)?;
        let loaded = w.load(self.nest.binding_of(operand)?, &place);
        Ok(match self.nest.operands[operand].view.element {
            Element::Int(1) => w.int_is_const("ne", &loaded, 0),
            _ => loaded,
        })
    }

    /// Stores the element of `operand` in this round.
    pub(super) fn store(
        &mut self,
        w: &mut Writer,
        operand: usize,
        value: &Name,
    ) -> Result<(), String> {
        let place = self.place(w, operand)?;
        let value = match self.nest.operands[operand].view.element {
            Element::Int(1) => w.op(format_args!("arith.extui {value} : i1 to i32")),
            _ => value.clone(),
        };
        w.store(self.nest.binding_of(operand)?, &place, &value);
        Ok(())
    }

    fn place(&mut self, w: &mut Writer, operand: usize) -> Result<Name, String> {
        match self.places[operand].clone() {
            Some(place) => Ok(place),
            None => self.begin(w, operand),
        }
    }

    /// The place of an operand in the rounds that are entered, in units of an access. Run-time offsets are kept within its buffer.
    pub(super) fn begin(&mut self, w: &mut Writer, operand: usize) -> Result<Name, String> {
        let mut place = w.start(self.nest.binding_of(operand)?);
        let operand = &self.nest.operands[operand];
        let mut offset: Option<Name> = None;
        for (index, stride) in &operand.view.dynamic {
            let index = self.value(w, *index)?;
            let term = w.mul(&index, stride / operand.unit);
            offset = Some(match offset {
                Some(sum) => w.add(&sum, &term),
                None => term,
            });
        }
        if let Some(offset) = offset {
            let room = range(&operand.view) - operand.view.extent();
            let (first, last) = (w.int(0), w.int(room / operand.unit));
            let offset = w.ints("maxsi", &offset, &first);
            let offset = w.ints("minsi", &offset, &last);
            place = w.add(&place, &offset);
        }
        place = w.add_const(&place, operand.constant / operand.unit);
        for (round, stride) in self.rounds.iter().zip(&operand.coefficients) {
            if let (Some(round), true) = (round, *stride != 0) {
                place = w.mul_add(round, stride / operand.unit, &place);
            }
        }
        Ok(place)
    }

    fn computed(&mut self, w: &mut Writer, value: Value) -> Result<Name, String> {
        let op = value.def().ok_or("a value that is not in a buffer")?;
        if let Some(operand) = self.nest.loads.get(&op) {
            return self.element(w, *operand);
        }
        match op.name() {
            "arith.constant" => constant(w, op),
            "linalg.index" => self.index(w, op),
            name => {
                let operands: Result<Vec<Name>, String> =
                    op.operands().map(|v| self.value(w, v)).collect();
                let operands = operands?;
                let written = Written {
                    op,
                    operands: &operands,
                };
                let done = match name.split_once('.') {
                    Some(("math", name)) => functions::write(w, name, written)?,
                    Some(("arith", name)) => self.arith(w, name, written)?,
                    _ => None,
                };
                let done =
                    done.ok_or_else(|| format!("no kernel does {name} of {}", written.kinds()))?;
                Ok(of_its_type(w, op, done))
            }
        }
    }

    fn index(&mut self, w: &mut Writer, op: Op) -> Result<Name, String> {
        let d = op
            .attr("dim")
            .and_then(Attr::as_i64)
            .and_then(|d| usize::try_from(d).ok());
        let d = d
            .filter(|d| *d < self.rounds.len())
            .ok_or("an index of no loop")?;
        Ok(self.rounds[d].clone().unwrap_or_else(|| w.int(0)))
    }

    fn arith(&self, w: &mut Writer, name: &str, op: Written) -> Result<Option<Name>, String> {
        if let Some(done) = super::casts::write(w, self.device, name, op)? {
            return Ok(Some(done));
        }
        let kind = op.kind(0)?;
        Ok(match (name, op.operands) {
            ("select", [which, a, b]) => Some(w.choose(which, a, b, op.kind(1)?.name())),
            ("cmpi", [a, b]) => Some(compare_ints(w, op, a, b)?),
            ("cmpf", [a, b]) => Some(compare_floats(w, op, a, b)?),
            ("negf", [a]) => Some(w.negate(a)),
            (name, [a, b]) if kind == Kind::Float => {
                FLOATS.contains(&name).then(|| w.floats(name, a, b))
            }
            (name, [a, b]) if kind == Kind::Bool => bools(w, name, a, b),
            (name, [a, b]) => ints(w, name, op.element(0), a, b),
            _ => None,
        })
    }
}

/// The result of `op`, rounded to its type if that is one of 16 bits; what only leaves the body is rounded where it is stored.
/// Whether upstream's fusion put ops into one body must not show.
fn of_its_type(w: &mut Writer, op: Op, value: Name) -> Name {
    let result = op.results().next();
    let dtype = match result.map(|r| r.ty().shape().element) {
        Some(Element::Float(16)) => DType::F16,
        Some(Element::BFloat16) => DType::BF16,
        _ => return value,
    };
    let users = result.map(Value::uses).unwrap_or_default();
    if users.iter().all(|(user, _)| user.name() == "linalg.yield") {
        return value;
    }
    w.rounded(dtype, &value)
}

/// An op whose operands are computed.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) op: Op,
    pub(super) operands: &'a [Name],
}

impl Written<'_> {
    /// Type of operand `i`.
    pub(super) fn element(&self, i: usize) -> Element {
        let operand = self.op.operand(i);
        operand.map_or(Element::Other, |v| v.ty().shape().element)
    }

    /// Type of the result.
    pub(super) fn result(&self) -> Element {
        let result = self.op.results().next();
        result.map_or(Element::Other, |v| v.ty().shape().element)
    }

    pub(super) fn kind(&self, i: usize) -> Result<Kind, String> {
        Kind::of(self.element(i))
    }

    /// The operands' types, for messages.
    fn kinds(&self) -> String {
        let all: Vec<String> = (0..self.operands.len())
            .map(|i| self.element(i).to_string())
            .collect();
        all.join(", ")
    }
}

/// Ops on floats that SPIR-V has as they are.
const FLOATS: [&str; 9] = [
    "addf", "subf", "mulf", "divf", "remf", "maximumf", "minimumf", "maxnumf", "minnumf",
];

/// Spellings of `arith.cmpf`'s predicates, by number.
const FLOAT_PREDICATES: [&str; 16] = [
    "false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord", "ueq", "ugt", "uge", "ult", "ule",
    "une", "uno", "true",
];

fn constant(w: &mut Writer, op: Op) -> Result<Name, String> {
    let value = op.attr("value").ok_or("a constant without its value")?;
    let element = op
        .results()
        .next()
        .map_or(Element::Other, |v| v.ty().shape().element);
    let wrong = || format!("a constant of type {element} is not a scalar");
    Ok(match Kind::of(element)? {
        Kind::Float => w.float(value.as_f64().ok_or_else(wrong)? as f32),
        Kind::Int => w.int(value.as_i64().ok_or_else(wrong)?),
        Kind::Bool => truth(w, value.as_i64().ok_or_else(wrong)? != 0),
    })
}

fn truth(w: &mut Writer, value: bool) -> Name {
    w.op(format_args!("arith.constant {value}"))
}

fn predicate(op: Written) -> usize {
    let code = op.op.attr("predicate").and_then(Attr::as_i64);
    code.and_then(|c| usize::try_from(c).ok())
        .unwrap_or(usize::MAX)
}

fn compare_ints(w: &mut Writer, op: Written, a: &Name, b: &Name) -> Result<Name, String> {
    let names = PREDICATES;
    let name = names.get(predicate(op)).ok_or("an unknown comparison")?;
    if op.kind(0)? != Kind::Bool {
        return Ok(w.int_is(name, a, b));
    }
    // of i1, the signed comparisons see -1
    let extend = if name.starts_with('s') {
        "extsi"
    } else {
        "extui"
    };
    let [a, b] = [a, b].map(|v| w.op(format_args!("arith.{extend} {v} : i1 to i32")));
    Ok(w.int_is(name, &a, &b))
}

fn compare_floats(w: &mut Writer, op: Written, a: &Name, b: &Name) -> Result<Name, String> {
    Ok(match FLOAT_PREDICATES.get(predicate(op)) {
        Some(&"false") => truth(w, false),
        Some(&"true") => truth(w, true),
        Some(name) => w.float_is(name, a, b),
        None => return Err("an unknown comparison".into()),
    })
}

fn bools(w: &mut Writer, name: &str, a: &Name, b: &Name) -> Option<Name> {
    let name = match name {
        "andi" | "muli" | "minui" | "maxsi" => "andi",
        "ori" | "maxui" | "minsi" => "ori",
        "xori" | "addi" | "subi" => "xori",
        _ => return None,
    };
    Some(w.op(format_args!("arith.{name} {a}, {b} : i1")))
}

/// Integers of `element`'s width. Sums and products of narrow ones wrap as they would there.
fn ints(w: &mut Writer, name: &str, element: Element, a: &Name, b: &Name) -> Option<Name> {
    Some(match name {
        "addi" | "subi" | "muli" | "shli" => {
            let wide = w.ints(name, a, b);
            sign_extended(w, element, &wide)
        }
        "andi" | "ori" | "xori" | "shrsi" | "divsi" | "remsi" | "maxsi" | "minsi" | "maxui"
        | "minui" => w.ints(name, a, b),
        "shrui" | "divui" | "remui" => {
            let (a, b) = (zero_extended(w, element, a), zero_extended(w, element, b));
            let wide = w.ints(name, &a, &b);
            sign_extended(w, element, &wide)
        }
        "floordivsi" => rounded(w, "slt", -1, a, b),
        "ceildivsi" => rounded(w, "sge", 1, a, b),
        _ => return None,
    })
}

/// a / b, plus `step` where the division has a rest and `sign(rest ^ b)` compares so to 0.
fn rounded(w: &mut Writer, compares: &str, step: i64, a: &Name, b: &Name) -> Name {
    let (quotient, rest) = (w.ints("divsi", a, b), w.ints("remsi", a, b));
    let signs = w.ints("xori", &rest, b);
    let (signs, inexact) = (
        w.int_is_const(compares, &signs, 0),
        w.int_is_const("ne", &rest, 0),
    );
    let both = w.op(format_args!("arith.andi {signs}, {inexact} : i1"));
    let next = w.add_const(&quotient, step);
    w.choose(&both, &next, &quotient, "i32")
}

/// An i32 whose low bits are those of a narrow integer, sign-extended.
pub(super) fn sign_extended(w: &mut Writer, element: Element, value: &Name) -> Name {
    match element {
        Element::Int(bits @ 2..=31) => {
            let shift = w.int(32 - i64::from(bits));
            let top = w.ints("shli", value, &shift);
            w.ints("shrsi", &top, &shift)
        }
        _ => value.clone(),
    }
}

/// The same, zero-extended.
pub(super) fn zero_extended(w: &mut Writer, element: Element, value: &Name) -> Name {
    match element {
        Element::Int(bits @ 2..=31) => {
            let mask = w.int((1 << bits) - 1);
            w.ints("andi", value, &mask)
        }
        _ => value.clone(),
    }
}
