//! What the rows of a tile do together: scores of the keys that all of them see, and the values of those keys.

use super::{BLOCK, Build, KEYS, Tile};
use crate::lanes::{Carried, Lanes, to_i64};
use crate::{DType, Value};

/// Vectors of a row that are unrolled in the loop of a dot product.
const UNROLL: usize = 4;

impl Build<'_, '_> {
    /// A whole band: block after block of keys, for each tile after tile; then the division by the sum.
    pub(super) fn band(&mut self, band: &Tile) {
        let (zero, count) = (self.l.i64(0), band.count.clone());
        self.nest((&zero, &count, 1), |b, r| b.begin(band, r));
        // The last row is the one that sees the most keys.
        let end = self.l.int("addi", &band.first, &count);
        let last = self.l.int_c("subi", &end, 1);
        let token = self.token(&last);
        let (_, most) = self.seen(&token);
        let step = to_i64(self.rows);
        self.nest((&zero, &most, BLOCK), |b, start| {
            b.nest((&band.first, &end, step), |b, first| {
                let left = b.l.int("subi", &end, first);
                let count = b.l.int_c("minsi", &left, step);
                b.tile(
                    &Tile {
                        first: first.clone(),
                        count,
                        ..band.clone()
                    },
                    start,
                );
            });
        });
        self.nest((&zero, &count, 1), |b, r| b.end(band, r));
    }

    /// The block of keys from `start` on for a tile.
    fn tile(&mut self, tile: &Tile, start: &Value) {
        let (zero, count) = (self.l.i64(0), tile.count.clone());
        // The first row is the one that sees the fewest keys.
        let token = self.token(&tile.first);
        let (common, _) = self.seen(&token);
        let end = self.l.int_c("addi", start, BLOCK);
        let together = self.l.int("minsi", &common, &end);
        let together = self.l.int("maxsi", &together, start);
        let length = self.l.int("subi", &together, start);
        let rest = self.l.int_c("remsi", &length, to_i64(KEYS));
        let scored = self.l.int("subi", &together, &rest);
        self.by_count(tile, |b, rows| b.scores(tile, rows, (start, &scored)));
        self.nest((&zero, &count, 1), |b, r| {
            b.block(tile, r, (start, &end), &scored)
        });
        self.by_count(tile, |b, rows| b.values(tile, rows, (start, &together)));
        self.nest((&zero, &count, 1), |b, r| {
            b.late_values(tile, r, (start, &end), &together)
        });
    }

    /// Where the tile's rows of q or y are in scratch memory.
    fn in_band(&mut self, tile: &Tile, base: &Value) -> Value {
        let row = self.l.int("subi", &tile.first, &tile.band);
        let padded = self.padded();
        self.l.stride(base, DType::F32, &row, padded)
    }

    /// `body` for each number of rows that a tile may have; the one that it has is run.
    fn by_count(&mut self, tile: &Tile, mut body: impl FnMut(&mut Self, usize)) {
        let most = self
            .rows
            .min(usize::try_from(self.a.m * self.a.group()).unwrap_or(self.rows));
        for rows in 1..=most {
            let n = self.l.i64(to_i64(rows));
            let is = self.l.int_is("eq", &tile.count, &n);
            self.l.open_when(&is);
            body(self, rows);
            self.l.close();
        }
    }

    /// Scores of the cache's keys from `start` to `end`, a multiple of [`KEYS`], for `rows` rows.
    fn scores(&mut self, tile: &Tile, rows: usize, (start, end): (&Value, &Value)) {
        let (k, padded, d) = (self.a.k, self.padded(), self.a.d);
        let base = self.in_band(tile, &self.scratch.q.clone());
        let queries: Vec<Value> = (0..rows)
            .map(|r| self.l.offset(&base, DType::F32, to_i64(r) * padded))
            .collect();
        let scores = self.scratch.scores.clone();
        self.l.each((start, end, to_i64(KEYS)), &[], |l, j, _| {
            let first = l.stride(&tile.k, k.dtype, j, k.token);
            let keys: Vec<Value> = (0..KEYS).map(|i| l.offset(&first, k.dtype, to_i64(i) * k.token)).collect();
            let products = dots(l, d, &queries, (&keys, k.dtype), None);
            let place = l.int("subi", j, start);
            let place = l.at(&scores, DType::F32, &place);
            for (r, products) in products.chunks(KEYS).enumerate() {
                let sums = l.sums(products);
                let at = l.offset(&place, DType::F32, to_i64(r) * BLOCK);
                l.line(format_args!("llvm.store {sums}, {at} {{alignment = 4 : i64}} : vector<{KEYS}xf32>, !llvm.ptr"));
            }
            Vec::new()
        });
    }

    /// Adds the cache's values from `start` to `end` to the outputs of `rows` rows. Several passes over parts of the rows of D read each
    /// value from the first-level cache, so keys are taken in blocks of half its size.
    fn values(&mut self, tile: &Tile, rows: usize, (start, end): (&Value, &Value)) {
        let v = self.a.v;
        let width = self.width(rows);
        let places = (
            self.in_band(tile, &self.scratch.y.clone()),
            self.scratch.scores.clone(),
        );
        if width * self.l.lanes >= usize::try_from(self.a.d).unwrap_or(usize::MAX) {
            self.add(
                (&tile.v, v.dtype, v.token, None),
                rows,
                &places,
                (start, end, start),
            );
            return;
        }
        let bytes = u64::try_from(self.a.d).unwrap_or(1) * v.dtype.bytes();
        let keys = i64::try_from(self.l.target.l1_bytes / 2 / bytes)
            .unwrap_or(BLOCK)
            .clamp(16, BLOCK);
        self.nest((start, end, keys), |b, from| {
            let to = b.l.int_c("addi", from, keys);
            let to = b.l.int("minsi", &to, end);
            b.add(
                (&tile.v, v.dtype, v.token, None),
                rows,
                &places,
                (from, &to, start),
            );
        });
    }

    /// Vectors of an output that are in registers at once.
    pub(super) fn width(&self, rows: usize) -> usize {
        let accumulators = 4 * self.l.side_by_side();
        let vectors = usize::try_from(self.padded()).unwrap_or(0) / self.l.lanes;
        (accumulators / rows).min(vectors).clamp(1, 8)
    }

    /// Adds values `from .. to` to the outputs of `rows` rows at `places.0`, with the weights at `places.1` of rows from `origin` on.
    pub(super) fn add(
        &mut self,
        values: (&Value, DType, i64, Option<DType>),
        rows: usize,
        places: &(Value, Value),
        (from, to, origin): (&Value, &Value, &Value),
    ) {
        let (width, lanes, d) = (self.width(rows), self.l.lanes, self.a.d);
        let wide = to_i64(width * lanes);
        let full = d - d % wide;
        let padded = self.padded();
        let part = |l: &mut Lanes, at: &Value, counts: &[usize]| {
            let outputs: Vec<Value> = (0..rows)
                .flat_map(|r| {
                    let row = l.offset(&places.0, DType::F32, to_i64(r) * padded);
                    l.places((&row, DType::F32), at, counts.len())
                })
                .collect();
            let ty = l.v();
            let mut carried = Vec::new();
            for place in &outputs {
                carried.push(Carried {
                    ty: ty.clone(),
                    init: l.load(place, DType::F32, lanes, 0.0),
                });
            }
            let sums = l.each((from, to, 1), &carried, |l, j, sums| {
                weighted(l, values, (j, origin), (at, counts), (&places.1, sums))
            });
            for (place, sum) in outputs.iter().zip(&sums) {
                l.store(place, sum, DType::F32, lanes);
            }
        };
        let (zero, end) = (self.l.i64(0), self.l.i64(full));
        if full > 0 {
            self.l.each((&zero, &end, wide), &[], |l, at, _| {
                part(l, at, &vec![lanes; width]);
                Vec::new()
            });
        }
        let left = usize::try_from(d - full).expect("less than a few vectors");
        if left > 0 {
            let counts: Vec<usize> = (0..left)
                .step_by(lanes)
                .map(|i| lanes.min(left - i))
                .collect();
            part(&mut self.l, &end, &counts);
        }
    }
}

/// One row of values times each row's weight, added.
fn weighted(
    l: &mut Lanes,
    (base, dtype, token, rounded): (&Value, DType, i64, Option<DType>),
    (j, origin): (&Value, &Value),
    (at, counts): (&Value, &[usize]),
    (weights, sums): (&Value, &[Value]),
) -> Vec<Value> {
    let row = l.stride(base, dtype, j, token);
    let loaded = l.loads((&row, dtype), at, counts, 0.0);
    let values: Vec<Value> = loaded.iter().map(|x| through(l, x, rounded)).collect();
    let place = l.int("subi", j, origin);
    let place = l.at(weights, DType::F32, &place);
    let mut next = Vec::new();
    for (r, sums) in sums.chunks(counts.len()).enumerate() {
        let at = l.offset(&place, DType::F32, to_i64(r) * BLOCK);
        let weight = l.op(format_args!(
            "llvm.load {at} {{alignment = 4 : i64}} : !llvm.ptr -> f32"
        ));
        let weight = l.broadcast(&weight);
        for (value, sum) in values.iter().zip(sums) {
            next.push(l.fma(&weight, value, sum));
        }
    }
    next
}

/// f32 rounded to a type and back.
fn through(l: &mut Lanes, x: &Value, rounded: Option<DType>) -> Value {
    match rounded {
        None => x.clone(),
        Some(dtype) => {
            let x = l.round(x, dtype);
            l.extend(&x, dtype)
        }
    }
}

/// Products of rows of q (f32, padded) and keys, by lanes: for each row each key.
pub(super) fn dots(
    l: &mut Lanes,
    d: i64,
    queries: &[Value],
    (keys, dtype): (&[Value], DType),
    rounded: Option<DType>,
) -> Vec<Value> {
    let lanes = to_i64(l.lanes);
    let (zero, ty) = (l.splat(0.0), l.v());
    let mut sums = vec![zero; queries.len() * keys.len()];
    let vectors = usize::try_from(d / lanes).expect("rows are short");
    let looped = if vectors > 2 * UNROLL {
        vectors - vectors % UNROLL
    } else {
        0
    };
    let step = |l: &mut Lanes,
                queries: &[Value],
                keys: &[Value],
                (at, n): (i64, usize),
                sums: &mut [Value]| {
        let mut loaded = Vec::new();
        for key in keys {
            let place = l.offset(key, dtype, at);
            let x = l.load(&place, dtype, n, 0.0);
            loaded.push(through(l, &x, rounded));
        }
        for (query, sums) in queries.iter().zip(sums.chunks_mut(keys.len())) {
            let place = l.offset(query, DType::F32, at);
            let x = l.load(&place, DType::F32, l.lanes, 0.0);
            for (key, sum) in loaded.iter().zip(sums) {
                *sum = l.fma(&x, key, sum);
            }
        }
    };
    if looped > 0 {
        let carried: Vec<Carried> = sums
            .iter()
            .map(|init| Carried {
                ty: ty.clone(),
                init: init.clone(),
            })
            .collect();
        let (from, to) = (l.i64(0), l.i64(to_i64(looped) * lanes));
        sums = l.each(
            (&from, &to, to_i64(UNROLL) * lanes),
            &carried,
            |l, at, sums| {
                let queries: Vec<Value> = queries.iter().map(|q| l.at(q, DType::F32, at)).collect();
                let keys: Vec<Value> = keys.iter().map(|k| l.at(k, dtype, at)).collect();
                let mut sums = sums.to_vec();
                (0..UNROLL).for_each(|i| {
                    step(l, &queries, &keys, (to_i64(i) * lanes, l.lanes), &mut sums)
                });
                sums
            },
        );
    }
    for i in looped..vectors {
        step(l, queries, keys, (to_i64(i) * lanes, l.lanes), &mut sums);
    }
    if d % lanes != 0 {
        let tail = usize::try_from(d % lanes).expect("below 16");
        step(l, queries, keys, (to_i64(vectors) * lanes, tail), &mut sums);
    }
    sums
}
