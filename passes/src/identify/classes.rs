//! Assigns every op of a forward call to a class of the cost model, by what surrounds it.

use super::facts::Kind;
use super::find::{Analysis, Instance};
use super::graph::NodeKind;
use super::model_ops;
use petgraph::graph::NodeIndex;
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};
use spec_cost::OpClass;

/// Class of each member op.
pub type Classes = HashMap<NodeIndex, OpClass>;

/// Steps that a classification looks ahead or back through reshapes and elementwise ops.
const REACH: usize = 6;

/// Classifies all op nodes of an instance.
pub fn classify(a: &Analysis, instance: &Instance) -> Classes {
    let members: HashSet<NodeIndex> = instance.nodes.iter().copied().collect();
    let mut c = Classifier {
        a,
        members: &members,
        classes: Classes::default(),
    };
    let heads: HashSet<NodeIndex> = instance.heads.iter().copied().collect();
    let mut after_head: HashSet<NodeIndex> = heads.clone();
    for &n in &instance.nodes {
        let fed_by_head = a
            .inputs(n)
            .any(|(s, e)| after_head.contains(&s) && e.element.is_float());
        if fed_by_head {
            after_head.insert(n);
        }
        let class = if heads.contains(&n) {
            OpClass::Head
        } else if fed_by_head {
            OpClass::Sampling
        } else {
            match c.seed(n) {
                Some(class) => class,
                None => continue,
            }
        };
        c.classes.insert(n, class);
    }
    for &n in &instance.nodes {
        if a.graph.op(n).is_some() && !c.classes.contains_key(&n) {
            let class = c.inherited(n);
            c.classes.insert(n, class);
        }
    }
    c.classes
}

struct Classifier<'a> {
    a: &'a Analysis,
    members: &'a HashSet<NodeIndex>,
    classes: Classes,
}

impl Classifier<'_> {
    /// Classes that an op shows by itself or by what it leads to.
    fn seed(&self, n: NodeIndex) -> Option<OpClass> {
        let a = self.a;
        let f = a.facts[n.index()].as_ref()?;
        if let Some(class) = a.graph.op(n).and_then(model_ops::class) {
            return Some(class);
        }
        Some(match f.kind {
            Kind::Contraction(_) if a.weight_factor(n).is_some() => OpClass::Projection,
            Kind::Contraction(_) => OpClass::Attention,
            Kind::Gather { .. } => OpClass::Embedding,
            _ if a.graph.op(n).is_some_and(|o| o.name() == "linalg.softmax") => OpClass::Softmax,
            _ if f.features.trig => OpClass::Rope,
            _ if f.features.root => OpClass::Norm,
            Kind::Reduction if self.leads_to(n, |x| x.root) => OpClass::Norm,
            Kind::Reduction if self.leads_to(n, |x| x.exp) || self.comes_from_exp(n) => {
                OpClass::Softmax
            }
            Kind::Elementwise if f.features.exp && self.is_summed(n) => OpClass::Softmax,
            Kind::Elementwise if (f.features.exp || f.features.sigmoid) && a.active[n.index()] => {
                OpClass::Activation
            }
            Kind::Insert
                if a.active[n.index()] && (self.updates_cache(n) || self.updates_again(n)) =>
            {
                OpClass::CacheUpdate
            }
            Kind::Concat if a.active[n.index()] && self.updates_cache(n) => OpClass::CacheUpdate,
            Kind::Elementwise if f.features.select && !f.features.mul && self.updates_cache(n) => {
                OpClass::CacheUpdate
            }
            Kind::Insert | Kind::Concat | Kind::View => OpClass::Layout,
            Kind::Fill | Kind::Constant { .. } | Kind::Global => OpClass::Other,
            _ => return None,
        })
    }

    fn updates_cache(&self, n: NodeIndex) -> bool {
        self.a.inputs(n).any(|(s, _)| self.a.cache[s.index()])
    }

    /// Puts more rows into a cache that has new ones already (those of the layer before).
    fn updates_again(&self, n: NodeIndex) -> bool {
        let updated = |i| {
            let value = self.a.graph.op(n).and_then(|o| o.operand(i));
            let from = value.and_then(|v| self.a.source(n, v));
            from.is_some_and(|s| self.classes.get(&s) == Some(&OpClass::CacheUpdate))
        };
        updated(1) && !updated(0)
    }

    /// Through elementwise ops and views, is there an op with this feature downstream?
    fn leads_to(&self, n: NodeIndex, wanted: impl Fn(&super::facts::Features) -> bool) -> bool {
        let mut front = vec![n];
        for _ in 0..REACH {
            let mut next = vec![];
            for m in front {
                for (t, e) in self.a.outputs(m) {
                    let Some(f) = &self.a.facts[t.index()] else {
                        continue;
                    };
                    if !e.element.is_float() {
                        continue;
                    }
                    if wanted(&f.features) && f.kind == Kind::Elementwise {
                        return true;
                    }
                    if matches!(f.kind, Kind::Elementwise | Kind::View) {
                        next.push(t);
                    }
                }
            }
            front = next;
            front.truncate(16);
        }
        false
    }

    fn comes_from_exp(&self, n: NodeIndex) -> bool {
        self.a.inputs(n).any(|(s, _)| {
            self.a.facts[s.index()]
                .as_ref()
                .is_some_and(|f| f.features.exp || (f.kind == Kind::View && self.comes_from_exp(s)))
        })
    }

    fn is_summed(&self, n: NodeIndex) -> bool {
        self.a.outputs(n).any(|(t, _)| match self.a.kind(t) {
            Some(Kind::Reduction) => true,
            Some(Kind::View) => self.is_summed(t),
            _ => false,
        })
    }

    /// Elementwise ops take the class of what they combine or feed.
    fn inherited(&self, n: NodeIndex) -> OpClass {
        let a = self.a;
        if !a.active[n.index()] {
            // position arithmetic, masks, tables: named by who uses them
            return self.user_class(n, 0).unwrap_or(OpClass::Other);
        }
        let is_part =
            |m: NodeIndex, class| self.classes.get(&m) == Some(&class) && !a.is_model_op(m);
        let from = |class| self.sources(n).iter().any(|s| is_part(*s, class));
        let to = |class| {
            a.outputs(n)
                .any(|(t, _)| self.members.contains(&t) && is_part(t, class))
        };
        let norm_before = self
            .sources(n)
            .iter()
            .any(|s| self.near(*s, OpClass::Norm, 2));
        if self
            .sources(n)
            .iter()
            .any(|s| !a.active[s.index()] && self.is_rope_table(*s, 0))
        {
            OpClass::Rope
        } else if to(OpClass::Norm) || from(OpClass::Norm) || norm_before {
            OpClass::Norm
        } else if from(OpClass::Softmax)
            || to(OpClass::Softmax)
            || self.near(n, OpClass::Attention, 4)
        {
            OpClass::Softmax
        } else if from(OpClass::Activation) || to(OpClass::Activation) {
            OpClass::Activation
        } else if self
            .sources(n)
            .iter()
            .all(|s| self.near(*s, OpClass::Rope, 1) || self.through_rope(*s))
        {
            OpClass::Rope
        } else {
            OpClass::Elementwise
        }
    }

    /// Sources, looking through views.
    fn sources(&self, n: NodeIndex) -> Vec<NodeIndex> {
        let mut out = vec![];
        for (mut s, _) in self.a.inputs(n) {
            for _ in 0..REACH {
                if self.a.kind(s) != Some(Kind::View) {
                    break;
                }
                match self.a.inputs(s).next() {
                    Some((p, _)) => s = p,
                    None => break,
                }
            }
            if !matches!(
                self.a.kind(s),
                Some(Kind::Fill | Kind::Constant { splat: true })
            ) {
                out.push(s);
            }
        }
        out
    }

    /// Is there an op of this class within a few elementwise steps upstream?
    fn near(&self, n: NodeIndex, class: OpClass, steps: usize) -> bool {
        if self.classes.get(&n) == Some(&class) {
            return !self.a.is_model_op(n);
        }
        steps > 0
            && self.a.kind(n) == Some(Kind::Elementwise)
            && self
                .classes
                .get(&n)
                .is_none_or(|c| *c == OpClass::Elementwise)
            && self
                .sources(n)
                .iter()
                .any(|s| self.near(*s, class, steps - 1))
    }

    /// Computed from sines, or a table argument that is looked up by position.
    fn is_rope_table(&self, n: NodeIndex, depth: usize) -> bool {
        if depth > REACH || self.a.active[n.index()] {
            return false;
        }
        self.a.facts[n.index()]
            .as_ref()
            .is_some_and(|f| f.features.trig)
            || (matches!(
                self.a.kind(n),
                Some(Kind::View | Kind::Elementwise | Kind::Concat)
            ) && self
                .a
                .inputs(n)
                .any(|(s, _)| self.is_rope_table(s, depth + 1)))
    }

    /// One of several products with a rope table, summed.
    fn through_rope(&self, n: NodeIndex) -> bool {
        self.a.kind(n) == Some(Kind::Elementwise)
            && self.sources(n).iter().any(|s| self.is_rope_table(*s, 0))
    }

    fn user_class(&self, n: NodeIndex, depth: usize) -> Option<OpClass> {
        if depth > REACH {
            return None;
        }
        for (t, _) in self.a.outputs(n) {
            if let Some(c) = self.classes.get(&t)
                && !matches!(c, OpClass::Layout | OpClass::Other)
            {
                let masks = self.a.is_model_op(t) && *c == OpClass::Attention;
                return Some(if masks { OpClass::Softmax } else { *c });
            }
            if matches!(self.a.graph.graph[t].kind, NodeKind::Op(_))
                && let Some(c) = self.user_class(t, depth + 1)
            {
                return Some(c);
            }
        }
        None
    }
}
