//! What each row of a tile does for itself: keys that not all rows see, new keys, the softmax of a block, and its beginning and end.

use super::tile::dots;
use super::{BLOCK, Build, Tile};
use crate::lanes::{Accumulators, Carried, to_i64};
use crate::{DType, Value};

/// A row of a tile.
struct Row {
    /// Its token.
    token: Value,
    /// Keys of the cache that it sees.
    cached: Value,
    /// Keys that it sees.
    all: Value,
    q: Value,
    y: Value,
    scores: Value,
    max: Value,
    sum: Value,
}

impl Build<'_, '_> {
    fn row(&mut self, tile: &Tile, r: &Value) -> Row {
        let unit = self.l.int("addi", &tile.first, r);
        let token = self.token(&unit);
        let (cached, all) = self.seen(&token);
        let (padded, lanes) = (self.padded(), to_i64(self.l.lanes));
        let (l, s) = (&mut self.l, &self.scratch);
        let within = l.int("subi", &unit, &tile.band);
        let mut part = |base: &Value, n: i64| l.stride(base, DType::F32, &within, n);
        let (q, y, max, sum) = (
            part(&s.q, padded),
            part(&s.y, padded),
            part(&s.max, lanes),
            part(&s.sum, lanes),
        );
        let scores = l.stride(&s.scores, DType::F32, r, BLOCK);
        Row {
            token,
            cached,
            all,
            q,
            y,
            scores,
            max,
            sum,
        }
    }

    /// The head of a row.
    fn head(&mut self, tile: &Tile, r: &Value) -> Value {
        let group = self.a.group();
        let unit = self.l.int("addi", &tile.first, r);
        let within = self.l.int_c("remsi", &unit, group);
        let first = self.l.int_c("muli", &tile.kv, group);
        self.l.int("addi", &first, &within)
    }

    /// Scales q; nothing is seen yet.
    pub(super) fn begin(&mut self, tile: &Tile, r: &Value) {
        let row = self.row(tile, r);
        let head = self.head(tile, r);
        let (a, padded) = (self.a, self.padded());
        let l = &mut self.l;
        let lanes = l.lanes;
        let q = l.stride(&self.pointers.q, a.q.dtype, &head, a.q.head);
        let q = l.stride(&q, a.q.dtype, &row.token, a.q.token);
        let (scale, zero, least) = (l.splat(a.scale), l.splat(0.0), l.splat(f32::NEG_INFINITY));
        l.row_of(
            a.d,
            &Accumulators::none(l.side_by_side()),
            &mut |l, i, counts, _| {
                let xs = l.loads((&q, a.q.dtype), i, counts, 0.0);
                let xs: Vec<Value> = xs.iter().map(|x| l.binary("mulf", x, &scale)).collect();
                l.stores((&row.q, DType::F32), i, &vec![lanes; counts.len()], &xs);
                Vec::new()
            },
        );
        l.row_of(
            padded,
            &Accumulators::none(l.side_by_side()),
            &mut |l, i, counts, _| {
                l.stores(
                    (&row.y, DType::F32),
                    i,
                    counts,
                    &vec![zero.clone(); counts.len()],
                );
                Vec::new()
            },
        );
        l.store(&row.max, &least, DType::F32, lanes);
        l.store(&row.sum, &zero, DType::F32, lanes);
    }

    /// Divides by the sum.
    pub(super) fn end(&mut self, tile: &Tile, r: &Value) {
        let row = self.row(tile, r);
        let head = self.head(tile, r);
        let a = self.a;
        let l = &mut self.l;
        let y = l.stride(&self.pointers.y, a.y.dtype, &head, a.y.head);
        let y = l.stride(&y, a.y.dtype, &row.token, a.y.token);
        let sum = l.load(&row.sum, DType::F32, l.lanes, 0.0);
        let sum = l.sum(&sum);
        let sum = l.broadcast(&sum);
        let one = l.splat(1.0);
        let factor = l.binary("divf", &one, &sum);
        l.row_of(
            a.d,
            &Accumulators::none(l.side_by_side()),
            &mut |l, i, counts, _| {
                let xs = l.loads((&row.y, DType::F32), i, counts, 0.0);
                let xs: Vec<Value> = xs.iter().map(|x| l.binary("mulf", x, &factor)).collect();
                l.stores((&y, a.y.dtype), i, counts, &xs);
                Vec::new()
            },
        );
    }

    /// What the cache would round a new key or value to.
    fn rounded(new: DType, cached: DType) -> Option<DType> {
        (new != cached && cached != DType::F32).then_some(cached)
    }

    /// Scores of the keys of a block that the tile has not scored, one by one; then the block's softmax.
    pub(super) fn block(
        &mut self,
        tile: &Tile,
        r: &Value,
        (start, end): (&Value, &Value),
        scored: &Value,
    ) {
        let row = self.row(tile, r);
        let a = self.a;
        let to = self.l.int("minsi", &row.cached, end);
        self.score(
            &row,
            (&tile.k, a.k.dtype, a.k.token, None),
            (scored, &to, None),
            start,
        );
        if let Some(((keys, _), (rows, _))) = tile.new.as_ref().zip(a.new) {
            let from = self.l.int("maxsi", &row.cached, start);
            let to = self.l.int("minsi", &row.all, end);
            let rounded = Self::rounded(rows.dtype, a.k.dtype);
            self.score(
                &row,
                (keys, rows.dtype, rows.token, rounded),
                (&from, &to, Some(&row.cached)),
                start,
            );
        }
        let last = self.l.int("minsi", &row.all, end);
        let count = self.l.int("subi", &last, start);
        self.copy_mask(&row, start, &count);
        self.softmax(&row, &count);
    }

    /// Scores of the keys `from .. to`, where key `first` (or 0) is the first one at the pointer.
    fn score(
        &mut self,
        row: &Row,
        (base, dtype, token, rounded): (&Value, DType, i64, Option<DType>),
        (from, to, first): (&Value, &Value, Option<&Value>),
        start: &Value,
    ) {
        let d = self.a.d;
        self.l.each((from, to, 1), &[], |l, j, _| {
            let index = first.map_or_else(|| j.clone(), |first| l.int("subi", j, first));
            let key = l.stride(base, dtype, &index, token);
            let product = dots(l, d, std::slice::from_ref(&row.q), (&[key], dtype), rounded);
            let sum = l.sum(&product[0]);
            let place = l.int("subi", j, start);
            let place = l.at(&row.scores, DType::F32, &place);
            l.line(format_args!(
                "llvm.store {sum}, {place} {{alignment = 4 : i64}} : f32, !llvm.ptr"
            ));
            Vec::new()
        });
    }

    /// Copies the block's part of the row's mask to where whole vectors can be read.
    fn copy_mask(&mut self, row: &Row, start: &Value, count: &Value) {
        let Some(mask) = self.pointers.mask.clone() else {
            return;
        };
        let (l, total, to) = (&mut self.l, self.a.all_rows(), self.scratch.mask.clone());
        let lanes = to_i64(l.lanes);
        let from = l.stride(&mask, DType::F32, &row.token, total);
        let from = l.at(&from, DType::F32, start);
        let (zero, rest) = (l.i64(0), l.int_c("remsi", count, lanes));
        let full = l.int("subi", count, &rest);
        l.each((&zero, &full, lanes), &[], |l, i, _| {
            let x = l.loads((&from, DType::F32), i, &[l.lanes], 0.0);
            l.stores((&to, DType::F32), i, &[l.lanes], &x);
            Vec::new()
        });
        // Only the last block ends within a vector.
        let tail = usize::try_from(total % lanes).expect("below 16");
        if tail > 0 {
            let last = l.int_is("ne", &rest, &zero);
            l.when(&last, |l| {
                let x = l.loads((&from, DType::F32), &full, &[tail], 0.0);
                l.stores((&to, DType::F32), &full, &[l.lanes], &x);
            });
        }
    }

    /// Final scores of some vectors from `i` on: capped, masked, -inf from `count` on.
    fn finished(&mut self, row: &Row, i: &Value, count: &Value) -> Vec<Value> {
        let (softcap, masked) = (self.a.softcap, self.pointers.mask.is_some());
        let l = &mut self.l;
        let counts = vec![l.lanes; l.side_by_side()];
        let (iota, least, ints, bits) = (
            l.iota(),
            l.splat(f32::NEG_INFINITY),
            l.vector(DType::I32),
            l.lanes,
        );
        let mut xs = l.loads((&row.scores, DType::F32), i, &counts, 0.0);
        if softcap != 0.0 {
            let cap = l.splat(softcap);
            let ratios: Vec<Value> = xs.iter().map(|x| l.binary("divf", x, &cap)).collect();
            let curves = l.tanh(&ratios);
            xs = curves.iter().map(|x| l.binary("mulf", x, &cap)).collect();
        }
        if masked {
            let mask = l.loads((&self.scratch.mask, DType::F32), i, &counts, 0.0);
            xs = xs
                .iter()
                .zip(&mask)
                .map(|(x, m)| l.binary("addf", x, m))
                .collect();
        }
        let left = l.int("subi", count, i);
        let left = l.op(format_args!("arith.trunci {left} : i64 to i32"));
        let left = l.op(format_args!("vector.broadcast {left} : i32 to {ints}"));
        let mut chosen = Vec::new();
        for (k, x) in xs.iter().enumerate() {
            let first = l.splat_int(i32::try_from(k * bits).expect("a few vectors"), DType::I32);
            let lane = l.op(format_args!("arith.addi {iota}, {first} : {ints}"));
            let inside = l.op(format_args!("arith.cmpi slt, {lane}, {left} : {ints}"));
            chosen.push(l.choose(&inside, x, &least, DType::F32));
        }
        l.stores((&row.scores, DType::F32), i, &counts, &chosen);
        chosen
    }

    /// The running maximum with a block's scores.
    fn maximum(&mut self, row: &Row, count: &Value) -> Value {
        let side = self.l.side_by_side();
        let (least, ty, zero) = (self.l.splat(f32::NEG_INFINITY), self.l.v(), self.l.i64(0));
        let step = to_i64(side * self.l.lanes);
        let carried: Vec<Carried> = (0..side)
            .map(|_| Carried {
                ty: ty.clone(),
                init: least.clone(),
            })
            .collect();
        let (at, inside, ends) = self.l.open_carried((&zero, count, step), &carried);
        let xs = self.finished(row, &at, count);
        let next: Vec<Value> = xs
            .iter()
            .zip(&inside)
            .map(|(x, max)| self.l.larger(x, max))
            .collect();
        self.l.close_carried(&next, &carried);
        let l = &mut self.l;
        let best = ends[1..]
            .iter()
            .fold(ends[0].clone(), |a, b| l.larger(&a, b));
        let best = l.max(&best);
        l.broadcast(&best)
    }

    /// Exponentials of a block; the running maximum, sum and output follow.
    fn softmax(&mut self, row: &Row, count: &Value) {
        let highest = self.maximum(row, count);
        let l = &mut self.l;
        let (lanes, side) = (l.lanes, l.side_by_side());
        let before = l.load(&row.max, DType::F32, lanes, 0.0);
        let max = l.larger(&highest, &before);
        l.store(&row.max, &max, DType::F32, lanes);
        // -inf - -inf would be NaN where nothing is seen yet.
        let (zero, least, none) = (l.splat(0.0), l.splat(f32::NEG_INFINITY), l.i64(0));
        let nothing = l.compare("oeq", &max, &least);
        let safe = l.choose(&nothing, &zero, &max, DType::F32);
        let fall = l.binary("subf", &before, &safe);
        let shrink = l.exp_small(&[fall]).swap_remove(0);
        let ty = l.v();
        let carried = [Carried {
            ty,
            init: zero.clone(),
        }];
        let counts = vec![lanes; side];
        let block = l.each(
            (&none, count, to_i64(side * lanes)),
            &carried,
            |l, i, sum| {
                let xs = l.loads((&row.scores, DType::F32), i, &counts, 0.0);
                let xs: Vec<Value> = xs.iter().map(|x| l.binary("subf", x, &safe)).collect();
                let es = l.exp_small(&xs);
                l.stores((&row.scores, DType::F32), i, &counts, &es);
                let all = l.add_all(&es);
                vec![l.binary("addf", &sum[0], &all)]
            },
        );
        let sum = l.load(&row.sum, DType::F32, lanes, 0.0);
        let sum = l.fma(&sum, &shrink, &block[0]);
        l.store(&row.sum, &sum, DType::F32, lanes);
        let padded = self.padded();
        self.l
            .row_of(padded, &Accumulators::none(side), &mut |l, i, counts, _| {
                let ys = l.loads((&row.y, DType::F32), i, counts, 0.0);
                let ys: Vec<Value> = ys.iter().map(|y| l.binary("mulf", y, &shrink)).collect();
                l.stores((&row.y, DType::F32), i, counts, &ys);
                Vec::new()
            });
    }

    /// Values of the keys of a block that not all rows of the tile see, and of new keys.
    pub(super) fn late_values(
        &mut self,
        tile: &Tile,
        r: &Value,
        (start, end): (&Value, &Value),
        together: &Value,
    ) {
        let row = self.row(tile, r);
        let a = self.a;
        let places = (row.y.clone(), row.scores.clone());
        if let Some(((_, values), (_, rows))) = tile.new.as_ref().zip(a.new) {
            let from = self.l.int("maxsi", &row.cached, start);
            let from = self.l.int("subi", &from, &row.cached);
            let to = self.l.int("minsi", &row.all, end);
            let to = self.l.int("subi", &to, &row.cached);
            let origin = self.l.int("subi", start, &row.cached);
            let rounded = Self::rounded(rows.dtype, a.v.dtype);
            self.add(
                (values, rows.dtype, rows.token, rounded),
                1,
                &places,
                (&from, &to, &origin),
            );
        } else if a.m > 1 && self.pointers.position.is_some() {
            let to = self.l.int("minsi", &row.cached, end);
            self.add(
                (&tile.v, a.v.dtype, a.v.token, None),
                1,
                &places,
                (together, &to, start),
            );
        }
    }
}
