//! Strided layouts of static memrefs, and what views make of them.

use spec_dialect::ffi::{Attr, Ctx, Element, MapResult, Op, Type};

/// How MLIR writes "see the operand" in lists of offsets, sizes and strides.
const DYNAMIC: i64 = i64::MIN;

/// Sizes and strides of a memref, in elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) element: Element,
    pub(super) sizes: Vec<i64>,
    pub(super) strides: Vec<i64>,
    /// `None`: known at run time only.
    pub(super) offset: Option<i64>,
    /// Whether the type spells no layout.
    pub(super) is_plain: bool,
}

impl Layout {
    /// Of a memref type; `None` if a size or stride is known at run time only, or the type says more than a layout does.
    pub(super) fn of(ctx: Ctx, ty: Type) -> Option<Layout> {
        let shape = ty.shape();
        let (strides, offset) = ty.strides()?;
        let sizes: Option<Vec<i64>> = shape.dims.iter().map(|d| d.map(|d| d as i64)).collect();
        let strides: Option<Vec<i64>> = strides.into_iter().collect();
        let mut layout = Layout {
            element: shape.element,
            sizes: sizes?,
            strides: strides?,
            offset,
            is_plain: true,
        };
        if shape.element == Element::Other {
            return None;
        }
        if layout.ty(ctx) != Some(ty) {
            layout.is_plain = false;
        }
        (layout.ty(ctx) == Some(ty)).then_some(layout)
    }

    /// The memref type.
    pub(super) fn ty(&self, ctx: Ctx) -> Option<Type> {
        let sizes: String = self.sizes.iter().map(|s| format!("{s}x")).collect();
        let head = format!("memref<{sizes}{}", self.element);
        if self.is_plain {
            return Type::parse(ctx, &format!("{head}>"));
        }
        let strides: Vec<String> = self.strides.iter().map(i64::to_string).collect();
        let offset = match self.offset {
            Some(0) => String::new(),
            Some(offset) => format!(", offset: {offset}"),
            None => ", offset: ?".into(),
        };
        let text = format!("{head}, strided<[{}]{offset}>>", strides.join(", "));
        Type::parse(ctx, &text)
    }

    /// Whether the elements of a row (the last dimension) stand side by side.
    pub(super) fn has_rows(&self) -> bool {
        matches!(
            (self.strides.last(), self.sizes.last()),
            (None | Some(1), _) | (_, Some(1))
        )
    }

    /// Whether all elements stand side by side in order.
    pub(super) fn is_dense(&self) -> bool {
        let mut expected = 1;
        (self.sizes.iter().zip(&self.strides).rev()).all(|(size, stride)| {
            let fits = *size == 1 || *stride == expected;
            expected *= size;
            fits
        })
    }

    /// Dimension `i` of what comes out is dimension `order[i]`.
    pub(super) fn transposed(&self, order: &[usize]) -> Layout {
        Layout {
            sizes: order.iter().map(|i| self.sizes[*i]).collect(),
            strides: order.iter().map(|i| self.strides[*i]).collect(),
            is_plain: false,
            ..self.clone()
        }
    }

    /// Each group of dimensions becomes one; `None` if its elements are not evenly spaced.
    pub(super) fn collapsed(&self, groups: &[Vec<usize>]) -> Option<Layout> {
        let mut out = Layout {
            sizes: vec![],
            strides: vec![],
            ..self.clone()
        };
        for group in groups {
            let kept: Vec<usize> = (group.iter().copied())
                .filter(|i| self.sizes[*i] != 1)
                .collect();
            let even = kept
                .windows(2)
                .all(|w| self.strides[w[0]] == self.strides[w[1]] * self.sizes[w[1]]);
            if !even {
                return None;
            }
            // upstream's choice where all are of size 1
            let innermost = kept.last().or(group.first());
            out.sizes
                .push(group.iter().map(|i| self.sizes[*i]).product());
            out.strides.push(innermost.map_or(1, |i| self.strides[*i]));
        }
        Some(out.reshape_of(self))
    }

    /// Each dimension becomes a group of dimensions of these sizes.
    pub(super) fn expanded(&self, groups: &[Vec<usize>], sizes: &[i64]) -> Layout {
        let mut strides = vec![1; sizes.len()];
        for (group, stride) in groups.iter().zip(&self.strides) {
            let mut stride = *stride;
            for i in group.iter().rev() {
                strides[*i] = stride;
                stride *= sizes[*i];
            }
        }
        let out = Layout {
            sizes: sizes.to_vec(),
            strides,
            ..self.clone()
        };
        out.reshape_of(self)
    }

    /// Upstream's choice: the type of a reshape spells no layout where that of its source does not, or spells the identity.
    fn reshape_of(self, source: &Layout) -> Layout {
        let is_identity = source.strides == [1] && source.offset == Some(0);
        if !source.is_plain && !is_identity {
            return self;
        }
        Layout {
            strides: plain_strides(&self.sizes),
            is_plain: true,
            ..self
        }
    }

    /// What `view`, an op whose source has layout `old`, makes of a source of this layout and the same sizes.
    pub(super) fn through(&self, view: Op, old: &Layout) -> Option<Layout> {
        let result = Layout::of(view.ctx(), view.results().next()?.ty())?;
        match view.name() {
            "memref.subview" => self.sliced(view, old, &result),
            "memref.expand_shape" => Some(self.expanded(&groups_of(view)?, &result.sizes)),
            "memref.collapse_shape" => self.collapsed(&groups_of(view)?),
            "memref.transpose" => Some(self.transposed(&order_of(view)?)),
            _ => None,
        }
    }

    /// Through a `memref.subview` that makes `result` of `old`.
    fn sliced(&self, view: Op, old: &Layout, result: &Layout) -> Option<Layout> {
        let list = |name: &str| view.attr(name)?.as_i64_array();
        let (offsets, sizes) = (list("static_offsets")?, list("static_sizes")?);
        let steps = list("static_strides")?;
        if sizes.iter().chain(&steps).any(|n| *n == DYNAMIC) {
            return None;
        }
        let mut out = Layout {
            sizes: vec![],
            strides: vec![],
            is_plain: false,
            ..self.clone()
        };
        for i in 0..sizes.len() {
            let known = (offsets[i] != DYNAMIC).then(|| offsets[i] * self.strides[i]);
            out.offset = out.offset.zip(known).map(|(a, b)| a + b);
            let at = out.sizes.len();
            let is_kept = result.sizes.get(at) == Some(&sizes[i])
                && result.strides.get(at) == Some(&(old.strides[i] * steps[i]));
            if is_kept {
                out.sizes.push(sizes[i]);
                out.strides.push(self.strides[i] * steps[i]);
            } else if sizes[i] != 1 {
                return None;
            }
        }
        (out.sizes == result.sizes).then_some(out)
    }
}

/// Strides of a contiguous memref.
pub(super) fn plain_strides(sizes: &[i64]) -> Vec<i64> {
    let mut strides = vec![1; sizes.len()];
    for i in (1..sizes.len()).rev() {
        strides[i - 1] = strides[i] * sizes[i];
    }
    strides
}

/// The groups of an `expand_shape` or a `collapse_shape`.
fn groups_of(view: Op) -> Option<Vec<Vec<usize>>> {
    let groups = view.attr("reassociation")?.elements()?;
    let group = |g: Attr| -> Option<Vec<usize>> {
        let dims = g.elements()?.into_iter();
        dims.map(|i| i.as_i64().map(|i| i as usize)).collect()
    };
    groups.into_iter().map(group).collect()
}

/// The order of a `memref.transpose`.
fn order_of(view: Op) -> Option<Vec<usize>> {
    let map = view.attr("permutation")?.as_map()?;
    let dims = map.results.into_iter().map(|r| match r {
        MapResult::Dim(i) => Some(i),
        _ => None,
    });
    dims.collect()
}
