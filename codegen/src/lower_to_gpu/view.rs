//! Where a memref's elements stand: a root buffer, a place in it, strides.

use spec_dialect::ffi::{Attr, Element, Op, Value};

/// MLIR's mark for a dynamic entry of a static list.
const DYNAMIC: i64 = i64::MIN;

/// A memref, traced to the buffer that it is part of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    /// An argument of the function, an allocation, or a constant: contiguous, of static size.
    pub(crate) root: Value,
    /// Distance of the first element from the root's, as far as it is known, in elements.
    pub(crate) offset: i64,
    /// Index values, each times a number of elements, that are added to it at run time.
    pub(crate) dynamic: Vec<(Value, i64)>,
    /// Size of the dimension that a run-time place moves along; 0 if there is none.
    pub(crate) room: i64,
    /// Element type.
    pub(crate) element: Element,
    /// Sizes.
    pub(crate) sizes: Vec<i64>,
    /// Strides, in elements.
    pub(crate) strides: Vec<i64>,
}

impl View {
    /// Traces `memref` through views.
    ///
    /// # Errors
    /// Sizes or strides are not static, or an op in between is not known.
    pub(crate) fn of(memref: Value) -> Result<View, String> {
        let ty = memref.ty();
        let shape = ty.shape();
        let sizes: Option<Vec<i64>> = shape.dims.iter().map(|d| d.map(|d| d as i64)).collect();
        let strides: Option<Vec<i64>> = ty.strides().and_then(|(s, _)| s.into_iter().collect());
        let (Some(sizes), Some(strides)) = (sizes, strides) else {
            return Err(format!(
                "a buffer of type {ty} needs static sizes and strides"
            ));
        };
        let mut view = View {
            root: memref,
            offset: 0,
            dynamic: vec![],
            room: 0,
            element: shape.element,
            sizes,
            strides,
        };
        while let Some(op) = view.root.def() {
            match op.name() {
                "memref.alloc" | "memref.get_global" => break,
                "memref.subview" => view.through_subview(op)?,
                "memref.expand_shape"
                | "memref.collapse_shape"
                | "memref.cast"
                | "memref.transpose" => {}
                "memref.reinterpret_cast" => view.through_cast(op)?,
                other => return Err(format!("{other} makes a buffer whose place is not known")),
            }
            view.root = op.operand(0).ok_or("a view of nothing")?;
        }
        Ok(view)
    }

    /// Sizes and strides are the result's; its offset counts from the start of the whole buffer.
    fn through_cast(&mut self, op: Op) -> Result<(), String> {
        let source = op.operand(0).ok_or("a view of nothing")?;
        let whole = source
            .def()
            .is_none_or(|o| matches!(o.name(), "memref.alloc" | "memref.get_global"));
        let offset = op.attr("static_offsets").and_then(Attr::as_i64_array);
        match offset.as_deref() {
            Some([offset]) if whole && *offset != DYNAMIC => self.offset += offset,
            _ => return Err("a buffer is taken for another one at a run-time place".into()),
        }
        Ok(())
    }

    fn through_subview(&mut self, op: Op) -> Result<(), String> {
        let source = op.operand(0).ok_or("a view of nothing")?;
        let strides = source.ty().strides().map(|(s, _)| s).unwrap_or_default();
        let offsets = op.attr("static_offsets").and_then(Attr::as_i64_array);
        let mut run_time = op.operands().skip(1);
        let dims = source.ty().shape().dims;
        let places = offsets.unwrap_or_default().into_iter().zip(strides);
        for ((offset, stride), dim) in places.zip(dims) {
            let stride = stride.ok_or("a view of a buffer whose strides are not static")?;
            if offset == DYNAMIC {
                let index = run_time.next().ok_or("a view without its offset")?;
                self.dynamic.push((index, stride));
                self.room = dim.unwrap_or(0) as i64;
            } else {
                self.offset += offset * stride;
            }
        }
        Ok(())
    }

    /// Distance from the first element to one past the last.
    pub(crate) fn extent(&self) -> i64 {
        let last = self
            .sizes
            .iter()
            .zip(&self.strides)
            .map(|(n, s)| (n - 1) * s);
        1 + last.sum::<i64>()
    }

    /// Elements of the root.
    pub(crate) fn root_elements(&self) -> i64 {
        let dims = self.root.ty().shape().dims;
        dims.iter().map(|d| d.unwrap_or(0) as i64).product()
    }

    /// Whether elements stand side by side in order.
    pub(crate) fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        (self.sizes.iter().zip(&self.strides).rev()).all(|(size, stride)| {
            let fits = *size == 1 || *stride == expected;
            expected *= size;
            fits
        })
    }

    /// Bytes of an element.
    pub(crate) fn element_bytes(&self) -> i64 {
        (self.element.bits().div_ceil(8)) as i64
    }

    /// Whether the place is known and, with `strides`, a multiple of 16 bytes (roots are).
    pub(crate) fn is_aligned(&self, strides: &[i64]) -> bool {
        let bytes = self.element_bytes();
        let multiple = |n: &i64| n * bytes % 16 == 0;
        multiple(&self.offset)
            && strides.iter().all(multiple)
            && self.dynamic.iter().all(|(_, s)| multiple(s))
    }
}
