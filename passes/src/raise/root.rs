//! The op that a matcher starts from: the last one of what it replaces.

use super::build::{Axis, Builder};
use super::graph::{Graph, Id, Node};
use super::linear::axes;
use super::view;
use spec_dialect::ffi::{Op, Value};

/// A result of an op, as an element over dimensions of its own.
pub struct Root {
    /// The op.
    pub op: Op,
    /// The result.
    pub value: Value,
    /// Sizes.
    pub shape: Vec<i64>,
    /// One dimension each.
    pub dims: Vec<u32>,
    /// The element at these dimensions.
    pub id: Id,
}

impl Root {
    /// The one result of an op; `None` if it is no static tensor.
    pub fn of(g: &mut Graph, op: Op) -> Option<Root> {
        let mut results = op.results();
        let value = results.next().filter(|_| results.len() == 0)?;
        Root::of_value(g, op, value)
    }

    /// One result of an op.
    pub fn of_value(g: &mut Graph, op: Op, value: Value) -> Option<Root> {
        if !value.ty().shape().is_shaped {
            return None;
        }
        let shape = view::sizes(value)?;
        let (dims, index): (Vec<u32>, Vec<_>) = shape.iter().map(|s| g.new_dim(*s)).unzip();
        let id = g.elem(value, index);
        Some(Root {
            op,
            value,
            shape,
            dims,
            id,
        })
    }

    /// True if the op only moves elements: what it means is found at others.
    pub fn is_view(&self, g: &Graph) -> bool {
        !matches!(g.node(self.id), Node::Elem(v, _) if *v == self.value)
    }

    /// The element type, as text.
    pub fn element(&self) -> String {
        self.value.ty().shape().element.to_string()
    }

    /// Writes in front of the op.
    pub fn builder(&self) -> Builder {
        Builder { before: self.op }
    }

    /// The root's axes.
    pub fn axes(&self, g: &Graph) -> Vec<Axis> {
        axes(g, &self.dims)
    }

    /// True if nothing but the root needs the values between it and the operation behind a node.
    pub fn only_use(&self, g: &mut Graph, id: Id) -> bool {
        let mut id = id;
        loop {
            id = match g.node(id).clone() {
                Node::Cast(_, inner) => inner,
                Node::Elem(..) => {
                    let shared = |v: Value| v != self.value && v.uses().len() != 1;
                    if g.steps(id).iter().any(|s| shared(s.0)) {
                        return false;
                    }
                    match g.open(id) {
                        Some(inner) => inner,
                        None => return true,
                    }
                }
                _ => return true,
            };
        }
    }
}
