//! Activations as 8-bit integers, per token and group: the scale is `max |x| / 127`, the integers are `x * (127 / max |x|)` rounded to
//! nearest even. A group whose maximum is not above 2^-100 counts as zeros; one with a NaN has the scale NaN.

use super::stage::{Source, Token};
use super::{Context, Shared};
use crate::gpu::Writer;
use crate::{Format, Value};

/// Quantised activations in workgroup memory.
pub(super) struct Quantised {
    pub tokens: i64,
    /// Whether the device has dot products of words.
    pub packed: bool,
    /// 16 integers each.
    values: Shared,
    /// One a group.
    scales: Shared,
    /// -8 times the sums of 16 integers, where weights are unsigned.
    pub starts: Option<Shared>,
    /// Elements of a group.
    group: i64,
    /// Groups of a token.
    groups: i64,
}

impl Quantised {
    /// Half `half` of block `block` of 32 integers: four words.
    pub fn words(&self, w: &mut Writer, t: i64, block: &Value, half: i64) -> Vec<Value> {
        let at = w.mul(block, 2);
        let at = w.add_const(&at, t * self.groups * self.group / 16 + half);
        let whole = w.shared_load(&self.values, &at);
        (0..4)
            .map(|i| {
                w.op(format_args!(
                    "vector.extract {whole}[{i}] : i32 from vector<4xi32>"
                ))
            })
            .collect()
    }

    /// The scale of a block.
    pub fn scale(&self, w: &mut Writer, t: i64, block: &Value) -> Value {
        let at = w.div(block, self.group / 32);
        let at = w.add_const(&at, t * self.groups);
        w.shared_load(&self.scales, &at)
    }

    /// Where a block's total starts, with unsigned weights.
    pub fn start(&self, w: &mut Writer, t: i64, block: &Value) -> Value {
        let Some(starts) = &self.starts else {
            return w.int(0);
        };
        let at = w.mul(block, 2);
        let at = w.add_const(&at, t * self.groups * self.group / 16);
        let low = w.shared_load(starts, &at);
        let at = w.add_const(&at, 1);
        let high = w.shared_load(starts, &at);
        w.add(&low, &high)
    }
}

/// Quantises the workgroup's tokens; a lane takes a group.
pub(super) fn quantise(w: &mut Writer, c: &Context, source: &Source) -> Quantised {
    let formats = c.group.parts.iter().map(|p| p.format);
    let group = formats
        .clone()
        .map(Format::group)
        .max()
        .unwrap_or(0)
        .max(32);
    let (groups, tokens) = ((c.group.k + group - 1) / group, c.schedule.tokens);
    let unsigned = formats.clone().any(|f| matches!(f, Format::I4 { .. }));
    let q = Quantised {
        tokens,
        packed: c.device.dot4x8,
        scales: w.shared("f32", tokens * groups),
        starts: unsigned.then(|| w.shared("i32", tokens * groups * group / 16)),
        values: w.shared("vector<4xi32>", tokens * groups * group / 16),
        group,
        groups,
    };
    w.each_of_lane(tokens * groups, &[], |w, item, _| {
        let (t, g) = (w.div(item, groups), w.rem(item, groups));
        let token = pick(w, source, &t);
        let first = w.mul(&g, group);
        // Bounds that are not constant: the loops stay loops, which take half the registers.
        let (zero, last) = (w.int(0), w.add_const(&first, group));
        let most = w.each(
            (&first, &last, 16),
            &[("i32", zero.clone())],
            |w, first, most| {
                let size = |w: &mut Writer, most: &Value, x: &Value| {
                    // As integers, sizes are in the order of the floats, and NaN is above all.
                    let (bits, mask) = (
                        w.op(format_args!("arith.bitcast {x} : f32 to i32")),
                        w.int(0x7fff_ffff),
                    );
                    let size = w.ints("andi", &bits, &mask);
                    w.ints("maxsi", most, &size)
                };
                let mut most = most[0].clone();
                sixteen(w, c, source, (&token, first), &mut |w, x| {
                    most = x.iter().fold(most.clone(), |most, x| size(w, &most, x));
                });
                vec![most]
            },
        );
        let (scale, inverse) = scales(w, &most[0]);
        w.shared_store(&q.scales, item, &scale);
        let before = w.mul(&t, groups * group);
        w.each((&first, &last, 16), &[], |w, first, _| {
            let mut words = Vec::new();
            sixteen(w, c, source, (&token, first), &mut |w, x| {
                words.push(word(w, x, &inverse))
            });
            let at = w.add(&before, first);
            let at = w.div(&at, 16);
            if let Some(starts) = &q.starts {
                let (zero, ones, minus) = (w.int(0), w.int(0x0101_0101), w.int(-8));
                let sum = words
                    .iter()
                    .fold(zero, |sum, word| q.dot(w, &sum, word, &ones));
                let start = w.ints("muli", &sum, &minus);
                w.shared_store(starts, &at, &start);
            }
            let list: Vec<String> = words.iter().map(Value::to_string).collect();
            let whole = w.op(format_args!(
                "vector.from_elements {} : vector<4xi32>",
                list.join(", ")
            ));
            w.shared_store(&q.values, &at, &whole);
            Vec::new()
        });
        Vec::new()
    });
    w.barrier();
    q
}

/// Token `t` of the workgroup.
fn pick(w: &mut Writer, source: &Source, t: &Value) -> Token {
    let mut picked = source.tokens[0].clone();
    for (i, token) in source.tokens.iter().enumerate().skip(1) {
        let here = w.int_is_const("eq", t, i as i64);
        let mut choose = |a: &Option<Value>, b: &Option<Value>| match (a, b) {
            (Some(a), Some(b)) => Some(w.choose(&here, a, b, "f32")),
            _ => None,
        };
        let (mean, factor) = (
            choose(&token.mean, &picked.mean),
            choose(&token.factor, &picked.factor),
        );
        picked = Token {
            base: w.choose(&here, &token.base, &picked.base, "i32"),
            mean,
            factor,
        };
    }
    picked
}

/// Gives `four` 16 activations from `first` on, four at a time; zeros behind the last.
fn sixteen(
    w: &mut Writer,
    c: &Context,
    source: &Source,
    (token, first): (&Token, &Value),
    four: &mut dyn FnMut(&mut Writer, &[Value]),
) {
    let per_load = w.per_access(0);
    let access = w.div(first, per_load);
    let mut values = Vec::new();
    for i in 0..16 / per_load {
        let (mut at, mut inside) = (w.add_const(&access, i), None);
        if c.group.k % 32 != 0 {
            inside = Some(w.int_is_const("slt", &at, c.group.k));
            let last = w.int(c.group.k - 1);
            at = w.ints("minsi", &at, &last);
        }
        let element = w.mul(&at, per_load);
        let weights = source.weights(w, c, &element, per_load);
        let mut loaded = token.values(w, &at, &weights, c.group.stage.round());
        if let Some(inside) = inside {
            let zero = w.float(0.0);
            loaded = loaded
                .iter()
                .map(|x| w.choose(&inside, x, &zero, "f32"))
                .collect();
        }
        values.extend(loaded);
        if values.len() >= 4 {
            values.chunks(4).for_each(|x| four(w, x));
            values.clear();
        }
    }
}

/// A group's scale, and what its numbers are multiplied by, from the bits of its largest size.
fn scales(w: &mut Writer, most: &Value) -> (Value, Value) {
    let most = w.op(format_args!("arith.bitcast {most} : i32 to f32"));
    let (full, zero, small) = (w.float(127.0), w.float(0.0), w.float(7.888_609e-31));
    let some = w.float_is("ugt", &most, &small);
    let scale = w.floats("divf", &most, &full);
    let inverse = w.floats("divf", &full, &most);
    (
        w.choose(&some, &scale, &zero, "f32"),
        w.choose(&some, &inverse, &zero, "f32"),
    )
}

/// Four integers in a word.
fn word(w: &mut Writer, four: &[Value], inverse: &Value) -> Value {
    let mask = w.int(0xff);
    let mut word: Option<Value> = None;
    for (i, x) in four.iter().enumerate() {
        let x = w.floats("mulf", x, inverse);
        let x = w.math("roundeven", &x);
        let x = w.op(format_args!("arith.fptosi {x} : f32 to i32"));
        let (x, up) = (w.ints("andi", &x, &mask), w.int(8 * i as i64));
        let x = w.ints("shli", &x, &up);
        word = Some(word.map_or(x.clone(), |word| w.ints("ori", &word, &x)));
    }
    word.unwrap_or(mask)
}
