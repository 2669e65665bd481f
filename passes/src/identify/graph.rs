//! The program as a dataflow graph: ops, what flows between them with its size, calls and loops.
//!
//! One graph a function. Calls of helper functions are expanded in place (so that a model cut into functions is seen whole);
//! calls of functions that are models or hold models stay single nodes. Loops stay loops: what they carry is an
//! [`NodeKind::Inner`] node with an edge from the initial value and a back edge from the yielded one.

use super::bounds::{MAX_BYTES, volume};
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashMap as HashMap;
use spec_dialect::ffi::{Block, Element, Op, Value};
use spec_dialect::pass::Diagnostics;

/// Index of a [`Scope`].
pub type ScopeId = usize;

/// A block of code that runs as a unit: a function body, an expanded callee, a loop body, a branch.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The scope around it.
    pub parent: Option<ScopeId>,
    /// The op of the parent scope that holds or calls it.
    pub owner: Option<Op>,
    /// Its block.
    pub block: Block,
    /// How often it runs when the parent scope runs once (1 if unknown).
    pub trips: u64,
    /// False if the trip count is not a constant of the program.
    pub trips_known: bool,
    /// Nesting depth.
    pub depth: usize,
    /// True for a callee expanded in place.
    pub expanded: bool,
}

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// An op without code regions.
    Op(Op),
    /// A loop or branch; its body is a scope of its own.
    Region(Op),
    /// Result `1` of a loop or branch.
    Result(Op, usize),
    /// An argument of the function.
    Arg(Value),
    /// An argument of a loop body.
    Inner(Value),
    /// A call of a function that is not expanded.
    Call(Op),
    /// The function's return.
    Return(Op),
}

/// A node.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// What it stands for.
    pub kind: NodeKind,
    /// Where it runs.
    pub scope: ScopeId,
}

/// A value that flows from one node to another.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The value, as the consumer names it.
    pub value: Value,
    /// Element type.
    pub element: Element,
    /// Size in bytes (dynamic dimensions count as 1).
    pub bytes: u64,
    /// Elements (dynamic dimensions count as 1).
    pub elements: u64,
    /// From a loop's yield to the next trip.
    pub back: bool,
}

/// The graph of one function.
pub struct Graph {
    /// The function.
    pub func: Op,
    /// Nodes in program order (every forward edge goes from a lower to a higher index).
    pub graph: DiGraph<Node, Edge>,
    /// Scopes; 0 is the function body.
    pub scopes: Vec<Scope>,
}

/// More nodes than this, and calls are refused: an exponential call graph.
const MAX_NODES: usize = 4_000_000;

/// Loops with more trips, alone or nested, count as so many: a forward call has none.
const MAX_TRIPS: u64 = 1 << 32;

/// Maps values of one function (or of one expanded call of it) to the nodes that produce them.
type Frame = HashMap<Value, NodeIndex>;

struct Builder<'a> {
    graph: Graph,
    callee: &'a dyn Fn(Op) -> Option<Op>,
    stack: Vec<Op>,
    /// A value that is larger than [`MAX_BYTES`].
    absurd: Option<Value>,
}

impl Graph {
    /// Builds the graph of `func`. `callee` names the function to expand a call into, if it is to be expanded.
    ///
    /// # Errors
    /// Recursion, calls that expand without measure, or absurd sizes.
    pub fn build(
        func: Op,
        callee: &dyn Fn(Op) -> Option<Op>,
    ) -> Result<Option<Graph>, Diagnostics> {
        let Some(body) = func.body() else {
            return Ok(None);
        };
        let scope = Scope {
            parent: None,
            owner: None,
            block: body,
            trips: 1,
            trips_known: true,
            depth: 0,
            expanded: false,
        };
        let graph = Graph {
            func,
            graph: DiGraph::new(),
            scopes: vec![scope],
        };
        let mut b = Builder {
            graph,
            callee,
            stack: vec![func],
            absurd: None,
        };
        let mut frame = Frame::default();
        for arg in body.args() {
            let n = b.node(NodeKind::Arg(arg), 0);
            frame.insert(arg, n);
        }
        for block in func.region_blocks(0) {
            if block != body {
                for arg in block.args() {
                    let n = b.node(NodeKind::Inner(arg), 0);
                    frame.insert(arg, n);
                }
            }
        }
        for block in func.region_blocks(0) {
            b.block(block, 0, &mut frame)?;
        }
        match b.absurd {
            None => Ok(Some(b.graph)),
            Some(v) => Err(Diagnostics::at(
                v.loc(),
                format!(
                    "spec-identify: a value of type {} takes more than {} TiB: no device holds it; check the sizes that the model was exported with",
                    v.ty(),
                    MAX_BYTES >> 40
                ),
            )),
        }
    }

    /// True if `inner` is `outer` or nested in it.
    pub fn is_within(&self, mut inner: ScopeId, outer: ScopeId) -> bool {
        while self.scopes[inner].depth > self.scopes[outer].depth {
            inner = self.scopes[inner].parent.unwrap_or(0);
        }
        inner == outer
    }

    /// How often a node runs when `scope` (around it) runs once.
    pub fn trips(&self, node: NodeIndex, scope: ScopeId) -> u64 {
        let mut s = self.graph[node].scope;
        let mut trips = 1u64;
        while s != scope {
            trips = trips.saturating_mul(self.scopes[s].trips).min(MAX_TRIPS);
            match self.scopes[s].parent {
                Some(p) => s = p,
                None => break,
            }
        }
        trips
    }

    /// The op of `scope`'s block that is or holds the node; `None` for block arguments and nodes outside.
    pub fn top(&self, node: NodeIndex, scope: ScopeId) -> Option<Op> {
        let n = &self.graph[node];
        if n.scope == scope {
            return match n.kind {
                NodeKind::Op(o)
                | NodeKind::Region(o)
                | NodeKind::Result(o, _)
                | NodeKind::Call(o)
                | NodeKind::Return(o) => Some(o),
                NodeKind::Arg(_) | NodeKind::Inner(_) => None,
            };
        }
        let mut s = n.scope;
        loop {
            let parent = self.scopes[s].parent?;
            if parent == scope {
                return self.scopes[s].owner;
            }
            s = parent;
        }
    }

    /// The op of a node that computes something.
    pub fn op(&self, node: NodeIndex) -> Option<Op> {
        match self.graph[node].kind {
            NodeKind::Op(o) => Some(o),
            _ => None,
        }
    }
}

impl Builder<'_> {
    fn node(&mut self, kind: NodeKind, scope: ScopeId) -> NodeIndex {
        self.graph.graph.add_node(Node { kind, scope })
    }

    fn edge(&mut self, value: Value, frame: &Frame, to: NodeIndex, back: bool) {
        if let Some(&from) = frame.get(&value) {
            let shape = value.ty().shape();
            let elements = volume(shape.dims.iter().map(|d| d.unwrap_or(1)));
            let bytes = elements.saturating_mul(shape.element.bits()).div_ceil(8);
            if bytes.max(elements) > MAX_BYTES {
                self.absurd.get_or_insert(value);
            }
            self.graph.graph.add_edge(
                from,
                to,
                Edge {
                    value,
                    element: shape.element,
                    bytes,
                    elements,
                    back,
                },
            );
        }
    }

    fn block(
        &mut self,
        block: Block,
        scope: ScopeId,
        frame: &mut Frame,
    ) -> Result<(), Diagnostics> {
        for op in block.ops() {
            if self.graph.graph.node_count() > MAX_NODES {
                return Err(Diagnostics::at(
                    self.graph.func.loc(),
                    format!(
                        "spec-identify: calls in this function expand to more than {MAX_NODES} ops; mark the model functions with spec.role"
                    ),
                ));
            }
            if op.name() == "func.call" {
                self.call(op, scope, frame)?;
            } else if super::facts::is_leaf(op) {
                self.leaf(op, scope, frame);
            } else {
                self.region(op, scope, frame)?;
            }
        }
        Ok(())
    }

    fn leaf(&mut self, op: Op, scope: ScopeId, frame: &mut Frame) {
        let kind = if op.name() == "func.return" {
            NodeKind::Return(op)
        } else {
            NodeKind::Op(op)
        };
        let n = self.node(kind, scope);
        for v in op.operands() {
            self.edge(v, frame, n, false);
        }
        if op.region_count() > 0 {
            let mut seen: Vec<Value> = vec![];
            for v in op
                .nested()
                .into_iter()
                .skip(1)
                .flat_map(|o| o.operands().collect::<Vec<_>>())
            {
                if frame.contains_key(&v) && !seen.contains(&v) {
                    seen.push(v);
                    self.edge(v, frame, n, false);
                }
            }
        }
        for r in op.results() {
            frame.insert(r, n);
        }
        self.branches(op, frame);
    }

    /// Values that a terminator hands to other blocks (matched by type: enough for the rare multi-block function).
    fn branches(&mut self, op: Op, frame: &Frame) {
        if !matches!(op.name(), "cf.br" | "cf.cond_br" | "cf.switch") {
            return;
        }
        let Some(region_op) = op.block().and_then(|b| b.parent()) else {
            return;
        };
        for block in region_op.blocks() {
            for arg in block.args() {
                if let Some(&to) = frame.get(&arg)
                    && matches!(self.graph.graph[to].kind, NodeKind::Inner(_))
                {
                    for v in op.operands().filter(|v| v.ty() == arg.ty()) {
                        self.edge(v, frame, to, true);
                    }
                }
            }
        }
    }

    fn call(&mut self, op: Op, scope: ScopeId, frame: &mut Frame) -> Result<(), Diagnostics> {
        let Some((callee, body)) = (self.callee)(op).and_then(|c| Some((c, c.body()?))) else {
            let n = self.node(NodeKind::Call(op), scope);
            for v in op.operands() {
                self.edge(v, frame, n, false);
            }
            for r in op.results() {
                frame.insert(r, n);
            }
            return Ok(());
        };
        if self.stack.contains(&callee) {
            let name = callee.symbol().unwrap_or("?");
            return Err(Diagnostics::at(
                op.loc(),
                format!(
                    "spec-identify: recursive call of '@{name}': a model's dataflow cannot be followed through recursion; write the repetition as a loop"
                ),
            ));
        }
        let parent = &self.graph.scopes[scope];
        let inner_scope = Scope {
            parent: Some(scope),
            owner: Some(op),
            block: body,
            trips: 1,
            trips_known: true,
            depth: parent.depth + 1,
            expanded: true,
        };
        self.graph.scopes.push(inner_scope);
        let inner = self.graph.scopes.len() - 1;
        let mut callee_frame = Frame::default();
        for (arg, v) in body.args().into_iter().zip(op.operands()) {
            if let Some(&n) = frame.get(&v) {
                callee_frame.insert(arg, n);
            }
        }
        self.stack.push(callee);
        for block in callee.region_blocks(0) {
            self.block(block, inner, &mut callee_frame)?;
        }
        self.stack.pop();
        if let Some(ret) = callee
            .region_blocks(0)
            .into_iter()
            .filter_map(|b| b.terminator())
            .find(|t| t.name() == "func.return")
        {
            for (r, v) in op.results().zip(ret.operands()) {
                if let Some(&n) = callee_frame.get(&v) {
                    frame.insert(r, n);
                }
            }
        }
        Ok(())
    }

    fn region(&mut self, op: Op, scope: ScopeId, frame: &mut Frame) -> Result<(), Diagnostics> {
        let n = self.node(NodeKind::Region(op), scope);
        for v in op.operands() {
            self.edge(v, frame, n, false);
        }
        let (trips, trips_known) = trip_count(op);
        let mut blocks = vec![];
        for block in op.blocks() {
            let depth = self.graph.scopes[scope].depth + 1;
            self.graph.scopes.push(Scope {
                parent: Some(scope),
                owner: Some(op),
                block,
                trips,
                trips_known,
                depth,
                expanded: false,
            });
            let id = self.graph.scopes.len() - 1;
            for (arg, init) in initial_values(op, block) {
                let to = self.node(NodeKind::Inner(arg), id);
                frame.insert(arg, to);
                match init {
                    Some(v) => self.edge(v, frame, to, false),
                    None => {
                        let e = Edge {
                            value: arg,
                            element: arg.ty().shape().element,
                            bytes: 8,
                            elements: 1,
                            back: false,
                        };
                        self.graph.graph.add_edge(n, to, e);
                    }
                }
            }
            self.block(block, id, frame)?;
            blocks.push(block);
        }
        let results: Vec<NodeIndex> = (0..op.results().len())
            .map(|i| self.node(NodeKind::Result(op, i), scope))
            .collect();
        for block in &blocks {
            let Some(t) = block.terminator() else {
                continue;
            };
            let yielded: Vec<Value> = t
                .operands()
                .skip(usize::from(t.name() == "scf.condition"))
                .collect();
            for (to, v) in carried(op, *block, &yielded, &blocks) {
                let to = frame[&to];
                self.edge(v, frame, to, true);
            }
            let feeds_results = !(op.name() == "scf.while" && t.name() == "scf.yield");
            if feeds_results {
                for (&to, &v) in results.iter().zip(&yielded) {
                    self.edge(v, frame, to, false);
                }
            }
        }
        if op.name() == "scf.for" {
            for (&to, v) in results
                .iter()
                .zip(op.operands().skip(3).collect::<Vec<_>>())
            {
                self.edge(v, frame, to, false); // zero trips
            }
        }
        for (r, n) in op.results().zip(results) {
            frame.insert(r, n);
        }
        Ok(())
    }
}

/// Trip count of a loop with constant bounds; (1, false) if it is a loop and not known; (1, true) for branches.
fn trip_count(op: Op) -> (u64, bool) {
    let constant = |i| {
        op.operand(i)
            .and_then(|v| v.def())
            .filter(|d| d.name() == "arith.constant")
            .and_then(|d| d.attr("value")?.as_i64())
    };
    match op.name() {
        "scf.for" => match (constant(0), constant(1), constant(2)) {
            (Some(lo), Some(hi), Some(step)) if step > 0 => {
                let length = hi.saturating_sub(lo).max(0) as u64;
                (length.div_ceil(step as u64).min(MAX_TRIPS), true)
            }
            _ => (1, false),
        },
        "scf.if" | "scf.execute_region" | "scf.index_switch" => (1, true),
        _ => (1, false),
    }
}

/// For each argument of a loop body: the value it starts from (`None`: made by the loop, such as a counter).
fn initial_values(op: Op, block: Block) -> Vec<(Value, Option<Value>)> {
    let args = block.args();
    match op.name() {
        "scf.for" => {
            let inits = std::iter::once(None).chain(op.operands().skip(3).map(Some));
            args.into_iter().zip(inits).collect()
        }
        "scf.while" => {
            let before = op.region_blocks(0).first() == Some(&block);
            if before {
                args.into_iter().zip(op.operands().map(Some)).collect()
            } else {
                let condition = op.region_blocks(0).first().and_then(|b| b.terminator());
                let handed: Vec<Value> = condition
                    .map(|c| c.operands().skip(1).collect())
                    .unwrap_or_default();
                args.into_iter().zip(handed.into_iter().map(Some)).collect()
            }
        }
        _ => args.into_iter().map(|a| (a, None)).collect(),
    }
}

/// What a terminator hands to block arguments: (argument, value).
fn carried(op: Op, block: Block, yielded: &[Value], blocks: &[Block]) -> Vec<(Value, Value)> {
    let to = |args: Vec<Value>, skip: usize| {
        args.into_iter()
            .skip(skip)
            .zip(yielded.iter().copied())
            .collect()
    };
    match op.name() {
        "scf.for" => to(block.args(), 1),
        "scf.while" if blocks.len() == 2 && block == blocks[1] => to(blocks[0].args(), 0),
        n if n.starts_with("affine.for") => to(block.args(), 1),
        _ => vec![],
    }
}
