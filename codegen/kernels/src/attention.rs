//! Attention of a few tokens to the rows of a cache, and to new rows that are not in the cache yet.
//!
//! Slots: q, k, v, then k_new and v_new where the cache does not hold the call's own rows yet, then the position (a scalar) or the mask
//! `[M, T]` of f32, then y. Units are pairs of a token and a head, for each KV head all its tokens, for each token all heads of the KV head:
//! unit = (kv * M + m) * group + j for head kv * group + j.
//!
//! **Rows.** With position p, token m sees the rows up to its own: without new rows the cache's rows 0 ..= p + m (which hold the call's own),
//! with new rows the cache's rows 0 .. p and then the new rows 0 ..= m. A position that the cache cannot have is taken to the nearest one
//! that it can. With a mask every token sees all rows of the cache, then all new rows. Rows that a token does not see are not read.
//!
//! **Arithmetic.** Rows are numbered 0, 1, 2 ... through both parts. Each score is a dot product of f32 lanes (one accumulator a lane, in
//! ascending order), the lanes summed by halves. Blocks of 512 rows, aligned at row 0, update a running maximum, sum and output; in a
//! block the exponentials are summed by lanes, a few neighbouring vectors first; the output takes the rows one by one by fma. None of this depends on
//! what is computed side by side, or on which part a row is in: a new row is rounded to the cache's type first.
//! Where all scores of a token are -inf, its result is NaN, as the formula says.

mod row;
mod tile;

use crate::lanes::{Lanes, extent, float, sizes, stride, to_i64, unsupported};
use crate::{DType, Emit, KernelError, Slot, Target, Value};

/// Rows between two updates of the running maximum.
const BLOCK: i64 = 512;
/// Keys whose products with the same rows of q are summed side by side.
const KEYS: usize = 4;
/// Elements of q that a band may have.
const BAND: i64 = 8192;
/// Longest rows; the stack holds some.
const LARGEST_ROW: i64 = 1024;

/// An operand of rows of D contiguous elements, by head and token. Head-major storage `[H, M, D]` has head = M D, token = D; token-major
/// `[M, H, D]` has head = D, token = H D; views may have any other distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeadRows {
    /// Element type.
    pub dtype: DType,
    /// Distance from a head to the next, elements.
    pub head: i64,
    /// Distance from a token to the next, elements.
    pub token: i64,
}

impl HeadRows {
    fn name(self) -> String {
        format!("{}s{}s{}", self.dtype.name(), self.head, self.token)
    }
}

/// Which rows a token sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Visible {
    /// Those up to its own, from a position on.
    Position,
    /// All; a mask is added to the scores.
    Mask,
}

/// Attention.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// Heads H of q.
    pub heads: i64,
    /// Heads of k and v, a divisor of H.
    pub kv_heads: i64,
    /// Tokens M.
    pub m: i64,
    /// Elements D of a row, 1024 at most.
    pub d: i64,
    /// Rows C of the cache.
    pub capacity: i64,
    /// Queries: H heads, M tokens.
    pub q: HeadRows,
    /// Cached keys: C tokens.
    pub k: HeadRows,
    /// Cached values: C tokens.
    pub v: HeadRows,
    /// Keys and values of the call's own M tokens, where the cache does not hold them yet.
    pub new: Option<(HeadRows, HeadRows)>,
    /// Which rows a token sees.
    pub visible: Visible,
    /// Result: H heads, M tokens.
    pub y: HeadRows,
    /// Factor of the scores.
    pub scale: f32,
    /// c: scores become `c * tanh(score / c)`; 0: they stay.
    pub softcap: f32,
}

/// A kernel under construction.
struct Build<'a, 't> {
    a: &'a Attention,
    l: Lanes<'t>,
    pointers: Pointers,
    scratch: Scratch,
    /// Rows of q that a tile may have.
    rows: usize,
    /// Rows of q that a band may have: they share what they read of the cache, block by block.
    band: i64,
}

/// The operands.
struct Pointers {
    q: Value,
    k: Value,
    v: Value,
    new: Option<(Value, Value)>,
    /// Position, within what the cache can have.
    position: Option<Value>,
    mask: Option<Value>,
    y: Value,
}

/// Scratch memory on the stack, f32.
struct Scratch {
    /// For each row of a band q times the scale, padded with zeros.
    q: Value,
    /// For each row of a band its running output.
    y: Value,
    /// For each row of a tile the scores and then exponentials of a block.
    scores: Value,
    /// A block of one row of the mask.
    mask: Value,
    /// For each row of a band its running maximum, in each lane.
    max: Value,
    /// For each row of a band its running sum, by lanes.
    sum: Value,
}

/// Some neighbouring units of one KV head: a tile, or a band of tiles that walk over the keys together.
#[derive(Clone)]
struct Tile {
    kv: Value,
    /// First unit of the band, counted from the KV head's first.
    band: Value,
    /// First unit, counted from the KV head's first.
    first: Value,
    /// How many.
    count: Value,
    /// The KV head's rows of k and v.
    k: Value,
    v: Value,
    new: Option<(Value, Value)>,
}

impl Attention {
    fn group(&self) -> i64 {
        self.heads / self.kv_heads
    }

    /// Elements of a row, filled up to whole vectors.
    fn padded(&self, lanes: i64) -> i64 {
        (self.d + lanes - 1) / lanes * lanes
    }

    /// Rows that a mask covers.
    fn all_rows(&self) -> i64 {
        self.capacity + if self.new.is_some() { self.m } else { 0 }
    }

    fn operands(&self) -> Vec<(&'static str, HeadRows, i64, i64)> {
        let mut all = vec![
            ("q", self.q, self.heads, self.m),
            ("k", self.k, self.kv_heads, self.capacity),
        ];
        all.push(("v", self.v, self.kv_heads, self.capacity));
        all.extend(self.new.iter().flat_map(|&(k, v)| {
            [
                ("k_new", k, self.kv_heads, self.m),
                ("v_new", v, self.kv_heads, self.m),
            ]
        }));
        all.push(("y", self.y, self.heads, self.m));
        all
    }

    fn check(&self) -> Result<(), KernelError> {
        sizes("attention", &[self.heads, self.kv_heads, self.m, self.d])?;
        for (what, rows, heads, tokens) in self.operands() {
            float(what, rows.dtype)?;
            sizes(what, &[heads, tokens, self.d])?;
            stride(what, rows.head, self.d)?;
            stride(what, rows.token, self.d)?;
            sizes(what, &[heads, rows.head])?;
            sizes(what, &[tokens, rows.token])?;
        }
        let (h, kv, m, c, d) = (self.heads, self.kv_heads, self.m, self.capacity, self.d);
        if h % kv != 0 {
            return unsupported(format!("attention: {kv} KV heads do not divide {h} heads"));
        }
        if d > LARGEST_ROW {
            return unsupported(format!(
                "attention: rows of {d} elements; kernels take {LARGEST_ROW} at most"
            ));
        }
        if self.new.is_none() && m > c {
            return unsupported(format!(
                "attention: a cache of {c} rows cannot hold the call's {m} rows"
            ));
        }
        if !self.scale.is_finite() || !self.softcap.is_finite() || self.softcap < 0.0 {
            return unsupported(
                "attention: scale and softcap must be finite, softcap not negative",
            );
        }
        Ok(())
    }
}

impl<'a, 't> Build<'a, 't> {
    fn new(a: &'a Attention, target: &'t Target) -> Result<Self, KernelError> {
        let mut l = Lanes::new(target)?;
        let rows = l.side_by_side();
        let [q, k, v] = [0, 1, 2].map(|slot| l.slot_pointer(slot));
        let new = a.new.map(|_| (l.slot_pointer(3), l.slot_pointer(4)));
        let next = if new.is_some() { 5 } else { 3 };
        let y = l.slot_pointer(next + 1);
        let (position, mask) = match a.visible {
            Visible::Position => {
                let p = l.slot_scalar(next);
                let p = l.int_c("maxsi", &p, 0);
                (
                    Some(l.int_c(
                        "minsi",
                        &p,
                        if a.new.is_some() {
                            a.capacity
                        } else {
                            a.capacity - a.m
                        },
                    )),
                    None,
                )
            }
            Visible::Mask => (None, Some(l.slot_pointer(next))),
        };
        let (lanes, count) = (to_i64(l.lanes), to_i64(rows));
        let padded = a.padded(lanes);
        let band = (BAND / padded / count * count).clamp(count, 4 * count);
        let scratch = Scratch {
            q: l.stack(band * padded),
            y: l.stack(band * padded),
            scores: l.stack(count * BLOCK),
            mask: l.stack(if mask.is_some() { BLOCK } else { lanes }),
            max: l.stack(band * lanes),
            sum: l.stack(band * lanes),
        };
        let pointers = Pointers {
            q,
            k,
            v,
            new,
            position,
            mask,
            y,
        };
        Ok(Build {
            a,
            l,
            pointers,
            scratch,
            rows,
            band,
        })
    }

    /// Elements of a row in scratch memory.
    fn padded(&self) -> i64 {
        self.a.padded(to_i64(self.l.lanes))
    }

    /// The token of a unit, counted from the KV head's first.
    fn token(&mut self, unit: &Value) -> Value {
        self.l.int_c("divsi", unit, self.a.group())
    }

    /// Rows that a token sees: of the cache, and in all.
    fn seen(&mut self, token: &Value) -> (Value, Value) {
        let a = self.a;
        let Some(p) = self.pointers.position.clone() else {
            return (self.l.i64(a.capacity), self.l.i64(a.all_rows()));
        };
        let own = self.l.int_c("addi", token, 1);
        let all = self.l.int("addi", &p, &own);
        if a.new.is_some() {
            (p, all)
        } else {
            (all.clone(), all)
        }
    }

    /// All units of a range: KV head by KV head, band by band.
    fn units(&mut self) {
        let each = self.a.m * self.a.group();
        let (lo, hi) = (Value::named("lo"), Value::named("hi"));
        let first = self.l.int_c("divsi", &lo, each);
        let last = self.l.int_c("addi", &hi, each - 1);
        let last = self.l.int_c("divsi", &last, each);
        let step = self.band;
        self.nest((&first, &last, 1), |b, kv| {
            let start = b.l.int_c("muli", kv, each);
            let from = b.l.int("subi", &lo, &start);
            let from = b.l.int_c("maxsi", &from, 0);
            let to = b.l.int("subi", &hi, &start);
            let to = b.l.int_c("minsi", &to, each);
            b.nest((&from, &to, step), |b, first| {
                let left = b.l.int("subi", &to, first);
                let count = b.l.int_c("minsi", &left, step);
                let band = b.band_of(kv, first, count);
                b.band(&band);
            });
        });
    }

    fn band_of(&mut self, kv: &Value, first: &Value, count: Value) -> Tile {
        let (a, l, p) = (self.a, &mut self.l, &self.pointers);
        let mut head = |base: &Value, rows: HeadRows| l.stride(base, rows.dtype, kv, rows.head);
        let (k, v) = (head(&p.k, a.k), head(&p.v, a.v));
        let new = p
            .new
            .as_ref()
            .zip(a.new)
            .map(|((k, v), (k_rows, v_rows))| (head(k, k_rows), head(v, v_rows)));
        Tile {
            kv: kv.clone(),
            band: first.clone(),
            first: first.clone(),
            count,
            k,
            v,
            new,
        }
    }

    /// A loop without values around more of the kernel.
    fn nest(&mut self, bounds: (&Value, &Value, i64), body: impl FnOnce(&mut Self, &Value)) {
        let at = self.l.open_each(bounds);
        body(self, &at);
        self.l.close();
    }
}

impl Emit for Attention {
    fn name(&self) -> String {
        let mut name = format!(
            "attention_h{}_kv{}_m{}_d{}_c{}",
            self.heads, self.kv_heads, self.m, self.d, self.capacity
        );
        for (what, rows, ..) in self.operands() {
            name += &format!("_{what}{}", rows.name());
        }
        let visible = if self.visible == Visible::Mask {
            "mask"
        } else {
            "position"
        };
        format!(
            "{name}_{visible}_f{:08x}_c{:08x}",
            self.scale.to_bits(),
            self.softcap.to_bits()
        )
    }

    fn units(&self) -> i64 {
        self.heads * self.m
    }

    fn grain(&self, _target: &Target) -> i64 {
        1
    }

    fn slots(&self) -> Vec<Slot> {
        let mut slots: Vec<Slot> = self
            .operands()
            .into_iter()
            .map(|(name, rows, heads, tokens)| {
                let elements = extent(&[(heads, rows.head), (tokens, rows.token)], self.d);
                if name == "y" {
                    Slot::Write {
                        name,
                        dtype: rows.dtype,
                        elements,
                    }
                } else {
                    Slot::Read {
                        name,
                        dtype: rows.dtype,
                        elements,
                    }
                }
            })
            .collect();
        let visible = match self.visible {
            Visible::Position => Slot::Scalar { name: "position" },
            Visible::Mask => Slot::Read {
                name: "mask",
                dtype: DType::F32,
                elements: self.m * self.all_rows(),
            },
        };
        slots.insert(slots.len() - 1, visible);
        slots
    }

    fn emit(&self, target: &Target) -> Result<String, KernelError> {
        self.check()?;
        let mut build = Build::new(self, target)?;
        build.units();
        Ok(build.l.finish(&self.name()))
    }
}
