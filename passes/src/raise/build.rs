//! Writing new ops in front of a root, and values as tensors of a wanted shape.

use super::graph::{Graph, Id, Node, Step};
use super::index::{Atom, Ix, Term, linear};
use super::view;
use spec_dialect::ffi::{Attr, Block, Ctx, Loc, Op, Type, Value, build_op, new_block};

/// Writes ops in front of one op.
#[derive(Clone, Copy)]
pub struct Builder {
    /// The op.
    pub before: Op,
}

/// A dimension of a wanted tensor: its index expression and its size.
pub type Axis = (Ix, i64);

impl Builder {
    /// The context.
    pub fn ctx(self) -> Ctx {
        self.before.ctx()
    }

    fn loc(self) -> Loc {
        self.before.loc()
    }

    /// An op; its first result.
    pub fn op(
        self,
        name: &str,
        operands: &[Value],
        types: &[Type],
        attrs: &[(&str, Attr)],
    ) -> Option<Value> {
        self.op_with(name, operands, types, attrs, &[])
    }

    /// An op with regions; its first result.
    pub fn op_with(
        self,
        name: &str,
        operands: &[Value],
        types: &[Type],
        attrs: &[(&str, Attr)],
        regions: &[Vec<Block>],
    ) -> Option<Value> {
        let op = build_op(name, self.loc(), operands, types, attrs, regions)?;
        self.before.insert_before(op);
        op.results().next()
    }

    /// An op with groups of operands (`operandSegmentSizes`).
    pub fn segmented(
        self,
        name: &str,
        groups: &[&[Value]],
        ty: Type,
        attrs: &[(&str, Attr)],
    ) -> Option<Value> {
        let sizes: Vec<String> = groups.iter().map(|g| g.len().to_string()).collect();
        let segments = Attr::parse(self.ctx(), &format!("array<i32: {}>", sizes.join(", ")))?;
        let mut all = vec![("operandSegmentSizes", segments)];
        all.extend_from_slice(attrs);
        self.op(name, &groups.concat(), &[ty], &all)
    }

    /// `tensor<...xE>` with the element type of another type, or that scalar type.
    pub fn tensor(self, sizes: &[i64], element: &str) -> Option<Type> {
        let dims: String = sizes.iter().map(|d| format!("{d}x")).collect();
        Type::parse(self.ctx(), &format!("tensor<{dims}{element}>"))
    }

    /// A case of one of the dialect's enumerations.
    pub fn choice(self, kind: &str, case: &str) -> Option<Attr> {
        Attr::parse(self.ctx(), &format!("#spec<{kind} {case}>"))
    }

    /// An f32 attribute.
    pub fn float(self, value: f64) -> Option<Attr> {
        // MLIR wants a point in the mantissa
        let text = format!("{:e}", value as f32);
        let (mantissa, exponent) = text.split_once('e')?;
        let point = if mantissa.contains('.') { "" } else { ".0" };
        Attr::parse(self.ctx(), &format!("{mantissa}{point}e{exponent} : f32"))
    }

    /// An empty tensor.
    pub fn empty(self, ty: Type) -> Option<Value> {
        self.op("tensor.empty", &[], &[ty], &[])
    }

    /// An index constant.
    pub fn index(self, value: i64) -> Option<Value> {
        let ty = Type::parse(self.ctx(), "index")?;
        let attr = Attr::parse(self.ctx(), &format!("{value} : index"))?;
        self.op("arith.constant", &[], &[ty], &[("value", attr)])
    }

    /// A scalar of the graph as an index value.
    pub fn scalar(self, g: &mut Graph, id: Id) -> Option<Value> {
        let index = Type::parse(self.ctx(), "index")?;
        let value = match (g.value_of(id), g.node(id).clone()) {
            (Some(v), _) => v,
            (None, Node::Elem(tensor, at)) => {
                let mut operands = vec![tensor];
                for ix in &at {
                    operands.push(self.index_of(g, ix)?);
                }
                let element = Type::parse(self.ctx(), &tensor.ty().shape().element.to_string())?;
                self.op("tensor.extract", &operands, &[element], &[])?
            }
            _ => return None,
        };
        if value.ty() == index {
            return Some(value);
        }
        self.op("arith.index_cast", &[value], &[index], &[])
    }

    /// An expression without dimensions as an index value.
    pub fn index_of(self, g: &mut Graph, ix: &Ix) -> Option<Value> {
        let mut sum: Option<Value> = None;
        let index = Type::parse(self.ctx(), "index")?;
        for t in &ix.terms {
            let Atom::Node(id) = t.atom else { return None };
            if t.div != 1 {
                return None;
            }
            let mut part = self.scalar(g, id)?;
            if t.scale != 1 {
                part = self.op("arith.muli", &[part, self.index(t.scale)?], &[index], &[])?;
            }
            sum = Some(match sum {
                None => part,
                Some(s) => self.op("arith.addi", &[s, part], &[index], &[])?,
            });
        }
        match (sum, ix.base) {
            (None, c) => self.index(c),
            (Some(s), 0) => Some(s),
            (Some(s), c) => self.op("arith.addi", &[s, self.index(c)?], &[index], &[]),
        }
    }

    fn index_lists(self, groups: &[Vec<usize>]) -> Attr {
        let lists: Vec<Attr> = groups
            .iter()
            .map(|g| {
                let items: Vec<Attr> = g.iter().map(|i| Attr::i64(self.ctx(), *i as i64)).collect();
                Attr::array(self.ctx(), &items)
            })
            .collect();
        Attr::array(self.ctx(), &lists)
    }

    /// The same elements in another shape.
    pub fn reshape(self, value: Value, to: &[i64]) -> Option<Value> {
        let from = view::sizes(value)?;
        if from == to {
            return Some(value);
        }
        let element = value.ty().shape().element.to_string();
        let (a, b) = grouped(&from, to)?;
        let common: Vec<i64> = a
            .iter()
            .map(|g| g.iter().map(|d| from[*d]).product())
            .collect();
        let mut value = value;
        if common.len() < from.len() {
            let ty = self.tensor(&common, &element)?;
            value = self.op(
                "tensor.collapse_shape",
                &[value],
                &[ty],
                &[("reassociation", self.index_lists(&a))],
            )?;
        }
        if common.len() < to.len() {
            let ty = self.tensor(to, &element)?;
            let shape = Attr::i64_array(self.ctx(), to);
            let attrs = [
                ("reassociation", self.index_lists(&b)),
                ("static_output_shape", shape),
            ];
            value = self.op("tensor.expand_shape", &[value], &[ty], &attrs)?;
        }
        Some(value)
    }

    /// `linalg.transpose`.
    pub fn transpose(self, value: Value, permutation: &[usize]) -> Option<Value> {
        if permutation.iter().enumerate().all(|(i, p)| i == *p) {
            return Some(value);
        }
        let from = view::sizes(value)?;
        let element = value.ty().shape().element.to_string();
        let sizes: Vec<i64> = permutation.iter().map(|p| from[*p]).collect();
        let ty = self.tensor(&sizes, &element)?;
        let scalar = Type::parse(self.ctx(), &element)?;
        let block = new_block(&[scalar, scalar], self.loc());
        let yielded = block.args()[0];
        block.append(build_op(
            "linalg.yield",
            self.loc(),
            &[yielded],
            &[],
            &[],
            &[],
        )?);
        let order: Vec<i64> = permutation.iter().map(|p| *p as i64).collect();
        let attrs = [("permutation", Attr::i64_array(self.ctx(), &order))];
        let init = self.empty(ty)?;
        self.op_with(
            "linalg.transpose",
            &[value, init],
            &[ty],
            &attrs,
            &[vec![block]],
        )
    }

    /// A box of a tensor; `keep` says which dimensions remain.
    pub fn slice(
        self,
        g: &mut Graph,
        value: Value,
        offsets: &[Ix],
        sizes: &[i64],
        keep: &[bool],
    ) -> Option<Value> {
        let mut operands = vec![value];
        let mut fixed = vec![];
        for ix in offsets {
            fixed.push(match ix.as_constant() {
                Some(c) => c,
                None => {
                    operands.push(self.index_of(g, ix)?);
                    i64::MIN
                }
            });
        }
        let shape: Vec<i64> = sizes
            .iter()
            .zip(keep)
            .filter(|(_, k)| **k)
            .map(|(s, _)| *s)
            .collect();
        let ty = self.tensor(&shape, &value.ty().shape().element.to_string())?;
        let segments = format!("array<i32: 1, {}, 0, 0>", operands.len() - 1);
        let ones = vec![1; sizes.len()];
        let attrs = [
            ("static_offsets", Attr::i64_array(self.ctx(), &fixed)),
            ("static_sizes", Attr::i64_array(self.ctx(), sizes)),
            ("static_strides", Attr::i64_array(self.ctx(), &ones)),
            ("operandSegmentSizes", Attr::parse(self.ctx(), &segments)?),
        ];
        self.op("tensor.extract_slice", &operands, &[ty], &attrs)
    }

    /// `tensor.insert_slice` of a part into a whole of the same or a higher rank.
    pub fn insert(
        self,
        g: &mut Graph,
        part: Value,
        whole: Value,
        offsets: &[Ix],
        sizes: &[i64],
    ) -> Option<Value> {
        let mut operands = vec![part, whole];
        let mut fixed = vec![];
        for ix in offsets {
            fixed.push(match ix.as_constant() {
                Some(c) => c,
                None => {
                    operands.push(self.index_of(g, ix)?);
                    i64::MIN
                }
            });
        }
        let segments = format!("array<i32: 1, 1, {}, 0, 0>", operands.len() - 2);
        let ones = vec![1; sizes.len()];
        let attrs = [
            ("static_offsets", Attr::i64_array(self.ctx(), &fixed)),
            ("static_sizes", Attr::i64_array(self.ctx(), sizes)),
            ("static_strides", Attr::i64_array(self.ctx(), &ones)),
            ("operandSegmentSizes", Attr::parse(self.ctx(), &segments)?),
        ];
        self.op("tensor.insert_slice", &operands, &[whole.ty()], &attrs)
    }

    /// The element as a tensor over these axes, by views alone.
    pub fn view(self, g: &mut Graph, id: Id, axes: &[Axis]) -> Option<Value> {
        let id = g.closed(id);
        let steps = g.steps(id).to_vec();
        self.view_of(g, &steps, axes)
    }

    /// As [`Builder::view`], from the ways to an element.
    pub fn view_of(self, g: &mut Graph, steps: &[Step], axes: &[Axis]) -> Option<Value> {
        steps
            .iter()
            .rev()
            .find_map(|step| Window::of(step)?.view(g, self, axes, false))
    }

    /// The element as a tensor over these axes: by views, else transposed.
    pub fn tensor_of(self, g: &mut Graph, id: Id, axes: &[Axis]) -> Option<Value> {
        let id = g.closed(id);
        let steps = g.steps(id).to_vec();
        self.tensor_of_steps(g, &steps, axes)
    }

    /// As [`Builder::tensor_of`], from the ways to an element.
    pub fn tensor_of_steps(self, g: &mut Graph, steps: &[Step], axes: &[Axis]) -> Option<Value> {
        self.view_of(g, steps, axes).or_else(|| {
            steps
                .iter()
                .rev()
                .find_map(|step| Window::of(step)?.view(g, self, axes, true))
        })
    }

    /// Replaces the results of the root by a tensor over `axes`, reordered to the root's own.
    pub fn replace(self, result: Value, axes: &[Axis], root: Value, own: &[Axis]) -> Option<()> {
        let flat: Vec<i64> = axes.iter().map(|a| a.1).collect();
        let mut value = result;
        let place = |axis: &Axis| axes.iter().position(|a| a.1 > 1 && a.0 == axis.0);
        let order: Option<Vec<usize>> = own.iter().filter(|a| a.1 > 1).map(place).collect();
        let mut order = order?;
        if !order.is_sorted() {
            value = self.reshape(value, &flat)?;
            order.extend((0..axes.len()).filter(|i| axes[*i].1 == 1));
            value = self.transpose(value, &order)?;
        }
        let value = self.reshape(value, &view::sizes(root)?)?;
        root.replace_all_uses(value);
        Some(())
    }
}

/// Dimensions that a reshape joins.
type Groups = Vec<Vec<usize>>;

/// Groups of dimensions of two shapes that have equal products.
fn grouped(a: &[i64], b: &[i64]) -> Option<(Groups, Groups)> {
    let (mut ga, mut gb) = (vec![], vec![]);
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let (mut x, mut y) = (vec![i], vec![j]);
        let (mut p, mut q) = (a[i], b[j]);
        while p != q {
            if p < q {
                i += 1;
                p *= a.get(i)?;
                x.push(i);
            } else {
                j += 1;
                q *= b.get(j)?;
                y.push(j);
            }
        }
        ga.push(x);
        gb.push(y);
        i += 1;
        j += 1;
    }
    // ones that are left over
    let rest = |from: usize, all: &[i64], groups: &mut Vec<Vec<usize>>| {
        for (d, size) in all.iter().enumerate().skip(from) {
            if *size != 1 {
                return None;
            }
            if let Some(last) = groups.last_mut() {
                last.push(d);
            }
        }
        Some(())
    };
    rest(i, a, &mut ga)?;
    rest(j, b, &mut gb)?;
    Some((ga, gb))
}

/// The part of a value that an element runs over.
struct Window {
    value: Value,
    shape: Vec<i64>,
    offsets: Vec<Ix>,
    /// The varying part of each index.
    moving: Vec<Ix>,
    spans: Vec<i64>,
}

impl Window {
    fn of((value, index): &Step) -> Option<Window> {
        let shape = view::sizes(*value)?;
        let (mut offsets, mut moving, mut spans) = (vec![], vec![], vec![]);
        for ix in index {
            let (dims, rest) = ix.split();
            let (lo, hi) = dims.range()?;
            if lo < 0 {
                return None;
            }
            spans.push(hi + 1);
            offsets.push(rest);
            moving.push(dims);
        }
        Some(Window {
            value: *value,
            shape,
            offsets,
            moving,
            spans,
        })
    }

    /// As a tensor over `axes`, if the order of elements is theirs, or can be made theirs by a transpose.
    fn view(&self, g: &mut Graph, b: Builder, axes: &[Axis], transpose: bool) -> Option<Value> {
        let sizes: Vec<i64> = axes.iter().map(|a| a.1).collect();
        if self.spans.iter().product::<i64>() != sizes.iter().product::<i64>() {
            return None;
        }
        let indices: Vec<Ix> = axes.iter().map(|a| a.0.clone()).collect();
        let wanted = linear(&indices, &sizes);
        let kept = (0..self.spans.len()).filter(|d| self.spans[*d] > 1);
        let parts: Vec<Axis> = if transpose {
            kept.map(|d| digits(&self.moving[d], self.spans[d]))
                .collect::<Option<Vec<_>>>()?
                .concat()
        } else {
            kept.map(|d| (self.moving[d].clone(), self.spans[d]))
                .collect()
        };
        let mut order: Vec<usize> = (0..parts.len()).collect();
        if transpose {
            order.sort_by_key(|k| std::cmp::Reverse(significance(&parts[*k].0, &wanted)));
        }
        let (moving, spans): (Vec<Ix>, Vec<i64>) = order.iter().map(|k| parts[*k].clone()).unzip();
        if linear(&moving, &spans) != wanted {
            return None;
        }
        let whole =
            self.spans == self.shape && self.offsets.iter().all(|o| o.as_constant() == Some(0));
        let mut value = self.value;
        if !whole {
            let keep: Vec<bool> = self.spans.iter().map(|s| *s > 1).collect();
            value = b.slice(g, value, &self.offsets, &self.spans, &keep)?;
        }
        if !order.is_sorted() {
            let squeezed: Vec<i64> = parts.iter().map(|p| p.1).collect();
            value = b.reshape(value, &squeezed)?;
            value = b.transpose(value, &order)?;
        }
        b.reshape(value, &sizes)
    }
}

/// An index as its digits, the largest first, if it counts through all of `span`.
fn digits(ix: &Ix, span: i64) -> Option<Vec<Axis>> {
    let mut terms = ix.terms.clone();
    terms.sort_by_key(|t| std::cmp::Reverse(t.scale));
    let mut rest = span;
    let mut out = vec![];
    for t in terms {
        if t.scale.checked_mul(t.ext)? != rest {
            return None;
        }
        rest = t.scale;
        let digit = Ix {
            terms: vec![Term { scale: 1, ..t }],
            base: 0,
        };
        out.push((digit, t.ext));
    }
    (rest == 1).then_some(out)
}

/// The largest stride in `wanted` of a digit of `part`.
fn significance(part: &Ix, wanted: &Ix) -> i64 {
    let stride = |t: &Term| {
        let holds = |w: &&Term| {
            w.atom == t.atom && w.div <= t.div && (t.div - w.div) < w.div.saturating_mul(w.ext)
        };
        let of = wanted.terms.iter().filter(holds).max_by_key(|w| w.div);
        of.map_or(0, |w| w.scale * (t.div / w.div))
    };
    part.terms.iter().map(stride).max().unwrap_or(0)
}
