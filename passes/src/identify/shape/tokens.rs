//! Tokens of a forward call, M: the rows of the embedding table that it looks up.

use super::super::facts::Kind;
use super::{Measure, elements};
use petgraph::graph::NodeIndex;
use spec_dialect::ffi::{Op, Value};
use std::collections::BTreeMap;

/// Ops between a call's tokens and the op that looks them up, at most.
const DEPTH: usize = 32;

impl Measure<'_> {
    /// Tokens a call. Rows that several ops look up by the same ids are the same tokens: an exporter may read a row once to normalise it
    /// and once for the residual, and `spec-raise` may make a `spec.embedding` of one of both. `hidden`: elements of a row.
    pub(super) fn tokens(&self, hidden: u64) -> u64 {
        let mut looked_up: BTreeMap<NodeIndex, (u64, u64)> = BTreeMap::new();
        for &n in &self.i.embeddings {
            let points = self.a.facts[n.index()].as_ref().map_or(0, |f| f.points);
            let rows = points.saturating_mul(self.trips(n)) / hidden.max(1);
            let (ids, there) = self.ids(n).unwrap_or((n, u64::MAX));
            let (sum, _) = looked_up.entry(ids).or_insert((0, there));
            *sum = sum.saturating_add(rows);
        }
        let tokens = looked_up.into_values().map(|(rows, there)| rows.min(there));
        tokens.fold(0, u64::saturating_add).max(1)
    }

    /// Where the ids that a gather looks up come from, and how many are there.
    fn ids(&self, gather: NodeIndex) -> Option<(NodeIndex, u64)> {
        let Some(Kind::Gather { table, .. }) = self.a.kind(gather) else {
            return None;
        };
        let (mut n, mut value) = self.index_operand(gather, Some(table))?;
        for _ in 0..DEPTH {
            let op = self.a.graph.op(n);
            // whose ids are chosen from a longer list is another list
            let Some(op) = op.filter(|o| o.name() != "tensor.extract_slice") else {
                break;
            };
            match self
                .read_from(n, op)
                .or_else(|| self.index_operand(n, None))
            {
                Some(next) => (n, value) = next,
                None => break,
            }
        }
        Some((n, elements(value).saturating_mul(self.runs(n))))
    }

    /// The tensor that an op reads one element of.
    fn read_from(&self, n: NodeIndex, op: Op) -> Option<(NodeIndex, Value)> {
        let list = op.operand(0).filter(|_| op.name() == "tensor.extract")?;
        Some((self.a.source(n, list)?, list))
    }

    /// The only integers that a node computes with, constants and `table` aside.
    fn index_operand(&self, n: NodeIndex, table: Option<Value>) -> Option<(NodeIndex, Value)> {
        let inputs = self.a.inputs(n).filter(|(source, e)| {
            let constant = matches!(
                self.a.kind(*source),
                Some(Kind::Constant { .. } | Kind::Fill)
            );
            // an uninitialised result carries nothing
            let empty = self.a.graph.op(*source).map(|o| o.name()) == Some("tensor.empty");
            e.element.is_int() && !constant && !empty && Some(e.value) != table
        });
        let mut found: Vec<_> = inputs.map(|(source, e)| (source, e.value)).collect();
        found.dedup();
        match found[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// How often what a node computes differs within the call.
    fn runs(&self, n: NodeIndex) -> u64 {
        let inside = self
            .a
            .graph
            .is_within(self.a.graph.graph[n].scope, self.i.scope);
        if inside { self.trips(n) } else { 1 }
    }
}
