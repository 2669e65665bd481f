//! Products in f32.

use super::rows::LaneRows;
use super::{Context, Shared, Staged};
use crate::gpu::Writer;
use crate::{DType, Format, Value};

/// Activations of the workgroup's tokens.
pub(super) struct Inputs {
    /// Where each token's begin, in units of what one load takes: a base and a distance.
    tokens: Vec<(Value, i64)>,
    /// Elements of one load.
    per_load: i64,
    /// Elements of a step.
    step: i64,
    /// Workgroup memory, if they are there.
    memory: Option<Shared>,
}

/// What a step has loaded of them.
struct Loaded<'a> {
    inputs: &'a Inputs,
    /// The step's first load of a token at distance 0.
    offset: Value,
    values: Vec<((usize, i64), Vec<Value>)>,
}

impl Inputs {
    pub fn new(w: &mut Writer, c: &Context, step: i64) -> Self {
        let tokens = 0..c.schedule.tokens;
        if let Staged::Floats(memory) = &c.activations {
            let per_load = if c.schedule.quads { 4 } else { 1 };
            let zero = w.int(0);
            return Inputs {
                tokens: tokens
                    .map(|t| (zero.clone(), t * c.group.k / per_load))
                    .collect(),
                per_load,
                step,
                memory: Some(memory.clone()),
            };
        }
        Inputs {
            tokens: tokens.map(|t| c.x(w, t)).collect(),
            per_load: w.per_access(0),
            step,
            memory: None,
        }
    }

    fn load(&self, w: &mut Writer, at: &Value) -> Vec<Value> {
        match &self.memory {
            None => w.loads(0, at),
            Some(memory) if self.per_load == 1 => vec![w.shared_load(memory, at)],
            Some(memory) => {
                let whole = w.shared_load(memory, at);
                (0..4)
                    .map(|i| {
                        w.op(format_args!(
                            "vector.extract {whole}[{i}] : f32 from vector<4xf32>"
                        ))
                    })
                    .collect()
            }
        }
    }

    /// Token `t`'s element `k`: for weights `[K, N]`.
    pub fn one(&self, w: &mut Writer, t: usize, k: &Value) -> Value {
        let (base, distance) = &self.tokens[t];
        let at = w.add(base, k);
        let at = w.add_const(&at, *distance);
        self.load(w, &at).swap_remove(0)
    }
}

impl Loaded<'_> {
    /// Elements `first` to `first + count` of token `t` in this step.
    fn take(&mut self, w: &mut Writer, t: usize, (first, count): (i64, i64)) -> Vec<Value> {
        let per_load = self.inputs.per_load;
        (first..first + count)
            .map(|element| {
                let load = element / per_load;
                let known = self.values.iter().position(|(key, _)| *key == (t, load));
                let known = known.unwrap_or_else(|| {
                    let (base, distance) = &self.inputs.tokens[t];
                    let at = w.add(base, &self.offset);
                    let at = w.add_const(&at, distance + load);
                    let values = self.inputs.load(w, &at);
                    self.values.push(((t, load), values));
                    self.values.len() - 1
                });
                self.values[known].1[(element % per_load) as usize].clone()
            })
            .collect()
    }
}

/// What a lane has loaded of a row: 16 bytes, as they are or element by element.
enum Piece {
    Words(Vec<Value>),
    Floats(Vec<Value>),
}

/// `sums` plus the products of a step's first `count` elements.
pub(super) fn step(
    w: &mut Writer,
    xs: &Inputs,
    rows: &LaneRows,
    (step, count): (&Value, i64),
    sums: &[Value],
) -> Vec<Value> {
    let offset = w.mul(step, xs.step / xs.per_load);
    let mut loaded = Loaded {
        inputs: xs,
        offset,
        values: Vec::new(),
    };
    let at = rows.at(w, step);
    let tokens = xs.tokens.len();
    let zero = w.float(0.0);
    let scaled = rows.format.group() > 0;
    let mut values = if scaled {
        vec![zero; sums.len()]
    } else {
        sums.to_vec()
    };
    let per = elements(rows.format);
    for first in (0..count).step_by(per as usize) {
        let n = per.min(count - first);
        let mut multiply = |w: &mut Writer, lane_rows: &[usize]| {
            let load = |&r: &usize| (r, piece(w, rows, r, &at, (first, n)));
            let pieces: Vec<_> = lane_rows.iter().map(load).collect();
            for quad in order(rows.format).filter(|q| 4 * q < n) {
                let n = (n - 4 * quad).min(4);
                let weights = pieces
                    .iter()
                    .map(|(r, p)| (*r, p.quad(w, rows.format, quad, n)));
                let weights: Vec<_> = weights.collect();
                for t in 0..tokens {
                    let x = loaded.take(w, t, (first + 4 * quad, n));
                    for (r, weights) in &weights {
                        let sum = &mut values[r * tokens + t];
                        for (weight, x) in weights.iter().zip(&x) {
                            *sum = w.fma(weight, x, sum);
                        }
                    }
                }
            }
        };
        // What waits in registers: one row's weights and all inputs, or all rows' weights and a few inputs.
        let all: Vec<usize> = (0..rows.rows.len()).collect();
        let together = if tokens == 1 && per <= 8 {
            1
        } else {
            all.len()
        };
        all.chunks(together).for_each(|rows| multiply(w, rows));
    }
    match rows.scales(w, step) {
        None => values,
        Some(at) => {
            let scales: Vec<Value> = (0..rows.rows.len())
                .map(|r| rows.scale(w, &at, r))
                .collect();
            let pairs = values.iter().zip(sums).enumerate();
            pairs
                .map(|(i, (value, sum))| w.fma(value, &scales[i / tokens], sum))
                .collect()
        }
    }
}

/// Elements in 16 bytes.
fn elements(format: Format) -> i64 {
    128 / format.bits()
}

/// Fours of elements in the order in which they are multiplied: those of one word, or of two, beside each other.
fn order(format: Format) -> impl Iterator<Item = i64> {
    let quads = elements(format) / 4;
    (0..quads).map(move |q| {
        if quads == 8 {
            [0, 1, 4, 5, 2, 3, 6, 7][q as usize]
        } else {
            q
        }
    })
}

/// Elements `first .. first + n` of a step of row `r`.
fn piece(w: &mut Writer, rows: &LaneRows, r: usize, at: &[Value], (first, n): (i64, i64)) -> Piece {
    let row = &rows.rows[r];
    let buffer = rows.bases[row.base].0;
    let at = w.add_const(&at[row.base], row.weight + first / rows.per_access);
    let wide = rows.wide;
    match rows.format {
        Format::Dense {
            dtype: DType::F32, ..
        } if wide => Piece::Floats(w.loads(buffer, &at)),
        _ if wide => Piece::Words(w.words(buffer, &at)),
        Format::I4 { .. } => Piece::Words(words(w, buffer, &at, 16)),
        format => {
            let floats = (0..n).map(|i| {
                let at = w.add_const(&at, i);
                let value = w.load(buffer, &at);
                if format.bits() == 8 {
                    w.to_float(&value)
                } else {
                    value
                }
            });
            Piece::Floats(floats.collect())
        }
    }
}

/// The first `n` bytes at `at` as words, the rest of the last word zero.
pub(super) fn words(w: &mut Writer, buffer: usize, at: &Value, n: i64) -> Vec<Value> {
    let bytes: Vec<Value> = (0..n)
        .map(|i| {
            let at = w.add_const(at, i);
            let byte = w.load(buffer, &at);
            let (mask, up) = (w.int(0xff), w.int(8 * (i % 4)));
            let byte = w.ints("andi", &byte, &mask);
            w.ints("shli", &byte, &up)
        })
        .collect();
    bytes
        .chunks(4)
        .map(|bytes| {
            bytes[1..]
                .iter()
                .fold(bytes[0].clone(), |word, byte| w.ints("ori", &word, byte))
        })
        .collect()
}

impl Piece {
    /// Four numbers (fewer at the end of a row) as f32; of i4, 16 times as much.
    fn quad(&self, w: &mut Writer, format: Format, quad: i64, n: i64) -> Vec<Value> {
        let words = match self {
            Piece::Floats(all) => return all[4 * quad as usize..(4 * quad + n) as usize].to_vec(),
            Piece::Words(words) => words,
        };
        match format {
            Format::Dense { dtype, .. } => (0..2)
                .flat_map(|i| halves(w, dtype, &words[(2 * quad + i) as usize]))
                .collect(),
            Format::I8 { .. } => bytes(w, &words[quad as usize]),
            Format::I4 { .. } => {
                let nibbles = signed_nibbles(w, &words[quad as usize % 4], quad >= 4);
                bytes(w, &nibbles)
            }
        }
    }
}

/// The two 16-bit floats of a word.
pub(super) fn halves(w: &mut Writer, dtype: DType, word: &Value) -> Vec<Value> {
    if dtype == DType::F16 {
        let pair = w.op(format_args!(
            "spirv.GL.UnpackHalf2x16 {word} : i32 -> vector<2xf32>"
        ));
        return (0..2)
            .map(|i| {
                w.op(format_args!(
                    "vector.extract {pair}[{i}] : f32 from vector<2xf32>"
                ))
            })
            .collect();
    }
    let (width, mask) = (w.int(16), w.int(-65_536));
    let (low, high) = (w.ints("shli", word, &width), w.ints("andi", word, &mask));
    [low, high]
        .iter()
        .map(|bits| w.op(format_args!("arith.bitcast {bits} : i32 to f32")))
        .collect()
}

/// The four low or high halves of a word's bytes, as bytes.
pub(super) fn nibbles(w: &mut Writer, word: &Value, high: bool) -> Value {
    let mask = w.int(0x0f0f_0f0f);
    let mut word = word.clone();
    if high {
        let four = w.int(4);
        word = w.ints("shrui", &word, &four);
    }
    w.ints("andi", &word, &mask)
}

/// The same less 8, in the high halves of the bytes.
fn signed_nibbles(w: &mut Writer, word: &Value, high: bool) -> Value {
    let (flip, mask) = (
        w.int(0x8888_8888_u32 as i32 as i64),
        w.int(0xf0f0_f0f0_u32 as i32 as i64),
    );
    let mut word = w.ints("xori", word, &flip);
    if !high {
        let four = w.int(4);
        word = w.ints("shli", &word, &four);
    }
    w.ints("andi", &word, &mask)
}

/// The four signed bytes of a word, as f32.
fn bytes(w: &mut Writer, word: &Value) -> Vec<Value> {
    signed_bytes(w, word)
        .iter()
        .map(|byte| w.to_float(byte))
        .collect()
}

/// The four signed bytes of a word.
pub(super) fn signed_bytes(w: &mut Writer, word: &Value) -> Vec<Value> {
    (0..4)
        .map(|i| {
            let (up, down) = (w.int(24 - 8 * i), w.int(24));
            let top = w.ints("shli", word, &up);
            w.ints("shrsi", &top, &down)
        })
        .collect()
}
