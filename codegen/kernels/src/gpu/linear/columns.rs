//! Weights `[K, N]`: neighbouring lanes take neighbouring columns, sets of them take every so many-th row of the weight.

use super::{Context, Pair, Work, float};
use crate::Value;
use crate::gpu::Writer;

/// This lane's sums: for each unit, row of it and token.
pub(super) fn multiply(w: &mut Writer, c: &Context, work: &Work) -> Vec<Value> {
    let lane = w.lane();
    let (set, share) = work.place(w, &lane);
    let (_, unit) = work.unit(w, &set);
    let (column, distance) = work.row(w, &unit);
    let parts = &c.slots.parts[work.product.parts()];
    let per_access = w.per_access(parts[0].weight);
    let length = c.group.parts[work.product.part].n / per_access;
    let column = w.div(&column, per_access);
    let mut columns = Vec::new();
    for member in 0..work.tile.rows {
        let gated = work.product.pair == Pair::Gated;
        let part = &parts[if gated { member as usize } else { 0 }];
        let start = w.start(part.weight);
        let base = w.add(&start, &column);
        columns.push((
            part.weight,
            w.add_const(&base, member * distance / per_access),
        ));
    }
    let xs = float::Inputs::new(w, c, 1);
    let tokens = c.schedule.tokens as usize;
    let zero = w.float(0.0);
    let sums = vec![("f32", zero); (work.tile.units * work.tile.rows) as usize * tokens];
    let to = w.int(c.group.k);
    w.each((&share, &to, work.tile.lanes), &sums, |w, k, sums| {
        let weights: Vec<Vec<Value>> = columns
            .iter()
            .map(|(buffer, base)| {
                let at = w.mul_add(k, length, base);
                w.loads(*buffer, &at)
            })
            .collect();
        let mut sums = sums.to_vec();
        for t in 0..tokens {
            let x = xs.one(w, t, k);
            for unit in 0..work.tile.units as usize {
                for (member, weights) in weights.iter().enumerate() {
                    let sum = &mut sums[(unit * columns.len() + member) * tokens + t];
                    *sum = w.fma(&weights[unit], &x, sum);
                }
            }
        }
        sums
    })
}
