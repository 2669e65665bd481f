//! FLOPs and bytes of a forward call by op class.

use super::super::facts::Kind;
use super::super::model_ops::{self, Attention};
use super::{Measure, bytes, elements};
use petgraph::graph::NodeIndex;
use spec_cost::{ClassCost, OpClass};
use spec_dialect::ffi::{Op, Value};
use std::collections::BTreeMap;

impl Measure<'_> {
    /// Costs by op class as coefficients of tokens M and context S, taken from this call's M and S.
    pub(super) fn costs(&mut self, tokens: u64, context: u64) -> Vec<ClassCost> {
        let mut by: BTreeMap<OpClass, ClassCost> = BTreeMap::new();
        let nodes = self.i.nodes.clone();
        let (m, s) = (tokens as f64, context.max(1) as f64);
        for n in nodes {
            let (Some(op), Some(&class)) = (self.a.graph.op(n), self.classes.get(&n)) else {
                continue;
            };
            let Some(f) = self.a.facts[n.index()].clone() else {
                continue;
            };
            if matches!(f.kind, Kind::Constant { .. } | Kind::Fill | Kind::Global) {
                continue;
            }
            let trips = self.trips(n) as f64;
            let c = by.entry(class).or_insert_with(|| ClassCost {
                class,
                ..ClassCost::new(class)
            });
            c.ops += trips as u64;
            let out_bytes: f64 = op.results().map(|r| bytes(r) as f64).sum();
            let act_bytes: f64 = self
                .a
                .inputs(n)
                .filter(|(p, _)| self.a.active[p.index()])
                .map(|(_, e)| e.bytes as f64)
                .sum();
            let scales_with_context = matches!(class, OpClass::Softmax | OpClass::Attention);
            match f.kind {
                Kind::Contraction(x) => {
                    c.dispatches += trips as u64;
                    let points = [x.batch, x.free[0], x.free[1], x.inner];
                    let flops = 2.0 * points.map(|n| n as f64).iter().product::<f64>() * trips;
                    if let Some(w) = self.a.weight_factor(n) {
                        c.flops_per_token +=
                            (flops + model_ops::bias_additions(op) as f64 * trips) / m;
                        c.activation_bytes_per_token += (out_bytes + act_bytes) * trips / m;
                        let factor = self.a.factors(n).map(|f| f[w].0);
                        let scales = model_ops::scales(op).and_then(|v| self.a.source(n, v));
                        let read: f64 =
                            factor.into_iter().chain(scales).map(|s| self.read(s)).sum();
                        by.entry(class)
                            .and_modify(|c| c.weight_bytes += read * trips);
                    } else {
                        c.flops_per_token_context += flops / (m * s);
                        let kv = self.cache_factor(n).unwrap_or(1);
                        let sizes = self
                            .a
                            .factors(n)
                            .map_or([0.0; 2], |f| f.map(|(_, v)| bytes(v) as f64));
                        let c = by.entry(class).or_insert_with(|| ClassCost::new(class));
                        c.kv_read_bytes_per_context += sizes[kv] * trips / s;
                        c.activation_bytes_per_token += (sizes[1 - kv] + out_bytes) * trips / m;
                    }
                }
                Kind::Attention(x) => {
                    for more in attention(op, x, (m, s), trips) {
                        let new = || ClassCost::new(more.class);
                        let c = by.entry(more.class).or_insert_with(new);
                        c.dispatches += more.dispatches;
                        c.flops_per_token_context += more.flops_per_token_context;
                        c.kv_read_bytes_per_context += more.kv_read_bytes_per_context;
                        c.kv_write_bytes_per_token += more.kv_write_bytes_per_token;
                        c.activation_bytes_per_token += more.activation_bytes_per_token;
                        c.activation_bytes_per_token_context +=
                            more.activation_bytes_per_token_context;
                    }
                }
                Kind::Gather { rows, table } => {
                    c.dispatches += trips as u64;
                    let read = looked_up(op, table, rows).unwrap_or(out_bytes);
                    c.weight_bytes_per_token += read * trips / m;
                    c.activation_bytes_per_token += out_bytes * trips / m;
                }
                Kind::View | Kind::Concat | Kind::Insert => {
                    // views cost nothing, caches are updated in place: only the new rows are written
                    if class == OpClass::CacheUpdate {
                        c.kv_write_bytes_per_token +=
                            self.a
                                .inputs(n)
                                .filter(|(p, _)| self.a.active[p.index()])
                                .map(|(_, e)| e.bytes)
                                .min()
                                .unwrap_or(0) as f64
                                * trips
                                / m;
                    }
                }
                _ if !self.a.active[n.index()] => {
                    // masks, positions and tables: fused into their users; what is computed from
                    // weights alone (dequantisation, casts) is part of the product's rate
                    if !matches!(
                        class,
                        OpClass::Projection | OpClass::Head | OpClass::Embedding
                    ) {
                        c.flops_per_token +=
                            f.points as f64 * f.features.arithmetic as f64 * trips / m;
                    }
                }
                _ => {
                    let reduction = f.kind == Kind::Reduction;
                    c.dispatches += u64::from(reduction) * trips as u64;
                    let flops = f.points as f64 * f.features.arithmetic as f64 * trips;
                    // elementwise chains are fused: their intermediate results stay in registers
                    let moved = if reduction {
                        act_bytes + out_bytes
                    } else {
                        0.0
                    } * trips;
                    if scales_with_context {
                        c.flops_per_token_context += flops / (m * s);
                        c.activation_bytes_per_token_context += moved / (m * s);
                    } else {
                        c.flops_per_token += flops / m;
                        c.activation_bytes_per_token += moved / m;
                    }
                }
            }
        }
        by.into_values().collect()
    }

    /// Bytes of parameters that a node reads when it runs once.
    fn read(&mut self, n: NodeIndex) -> f64 {
        let roots = self.roots(n);
        let bytes =
            |(r, share): &(NodeIndex, f64)| Some(bytes(self.root_value(*r)?) as f64 * share);
        roots.iter().filter_map(bytes).sum()
    }
}

/// Bytes that a model op looks up in its table: rows, with their scales.
fn looked_up(op: Op, table: Value, rows: u64) -> Option<f64> {
    if !model_ops::is_model_op(op) {
        return None;
    }
    let stored = bytes(table) + model_ops::scales(op).map_or(0, bytes);
    let ids = elements(op.operand(0)?);
    Some(ids as f64 * stored as f64 / rows.max(1) as f64)
}

/// One attention, counted as the two products and the softmax that it stands for, so that a model costs the same in both forms;
/// `m` tokens and `s` rows of context. A layer is run `trips` times.
fn attention(op: Op, x: Attention, (m, s): (f64, f64), trips: f64) -> [ClassCost; 3] {
    let size = |v: Option<Value>| v.map_or(0.0, |v| bytes(v) as f64 * trips);
    let scores = x.scores() as f64 * trips;
    let (queries, keys) = (op.operand(0), op.operand(1));
    let element = size(queries) / queries.map_or(1.0, |v| elements(v) as f64); // trips times the size of one
    let rows = size(keys) * x.visible as f64 / x.rows.max(1) as f64;
    let products = ClassCost {
        dispatches: 2 * trips as u64,
        flops_per_token_context: 4.0 * scores * x.head_dim as f64 / (m * s),
        kv_read_bytes_per_context: 2.0 * rows / s,
        activation_bytes_per_token: (size(queries)
            + size(op.results().next())
            + 2.0 * x.scores() as f64 * element)
            / m,
        ..ClassCost::new(OpClass::Attention)
    };
    let softmax = ClassCost {
        dispatches: 2 * trips as u64,
        flops_per_token_context: model_ops::softmax_steps(op) as f64 * scores / (m * s),
        activation_bytes_per_token_context: 2.0 * x.scores() as f64 * element / (m * s),
        ..ClassCost::new(OpClass::Softmax)
    };
    // rows beside the caches: whoever called writes them
    let update = ClassCost {
        kv_write_bytes_per_token: 2.0 * (rows - size(keys)) / m,
        ..ClassCost::new(OpClass::CacheUpdate)
    };
    [products, softmax, update]
}
