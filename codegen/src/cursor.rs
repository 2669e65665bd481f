//! A cursor that inserts ops in front of another one or at the end of a block, and the few ops that the lowering makes.

use spec_dialect::ffi::{Attr, Block, Ctx, Element, Loc, Op, Shape, Type, Value, build_op};
use std::collections::HashMap;

#[derive(Clone, Copy)]
enum Place {
    Before(Op),
    End(Block),
}

/// Where new ops go, and the location they get.
#[derive(Clone, Copy)]
pub(crate) struct Cursor {
    place: Place,
    loc: Loc,
    ctx: Ctx,
}

impl Cursor {
    /// In front of `op`, with its location.
    pub(crate) fn before(op: Op) -> Self {
        Self {
            place: Place::Before(op),
            loc: op.loc(),
            ctx: op.ctx(),
        }
    }

    /// At the end of a block under construction; the location stays.
    pub(crate) fn at_end(self, block: Block) -> Self {
        Self {
            place: Place::End(block),
            ..self
        }
    }

    pub(crate) fn loc(self) -> Loc {
        self.loc
    }

    /// Inserts a detached op.
    pub(crate) fn insert(self, detached: Op) {
        match self.place {
            Place::Before(op) => op.insert_before(detached),
            Place::End(block) => block.append(detached),
        }
    }

    /// Makes an op. Panics (our bug) if MLIR refuses it.
    pub(crate) fn op(
        self,
        name: &str,
        operands: &[Value],
        results: &[Type],
        attrs: &[(&str, Attr)],
        regions: &[Vec<Block>],
    ) -> Op {
        let op = build_op(name, self.loc, operands, results, attrs, regions)
            .unwrap_or_else(|| panic!("MLIR refused to build a {name}"));
        self.insert(op);
        op
    }

    /// An op of one result.
    pub(crate) fn one(
        self,
        name: &str,
        operands: &[Value],
        ty: Type,
        attrs: &[(&str, Attr)],
    ) -> Value {
        result(self.op(name, operands, &[ty], attrs, &[]), 0)
    }

    /// The type that `text` spells. Panics (our bug) if it spells none.
    pub(crate) fn ty(self, text: &str) -> Type {
        Type::parse(self.ctx, text).unwrap_or_else(|| panic!("'{text}' is no type"))
    }

    /// The attribute that `text` spells. Panics (our bug) if it spells none.
    pub(crate) fn attr(self, text: &str) -> Attr {
        Attr::parse(self.ctx, text).unwrap_or_else(|| panic!("'{text}' is no attribute"))
    }

    /// `arith.constant` of an integer type or index.
    pub(crate) fn constant(self, value: u64, ty: Type) -> Value {
        let value = self.attr(&format!("{value} : {ty}"));
        self.one("arith.constant", &[], ty, &[("value", value)])
    }

    pub(crate) fn index(self, value: u64) -> Value {
        self.constant(value, self.ty("index"))
    }

    /// `a + b`, of one type.
    pub(crate) fn add(self, a: Value, b: Value) -> Value {
        self.one("arith.addi", &[a, b], a.ty(), &[])
    }

    /// `a == b`, of one integer or index type.
    pub(crate) fn equal(self, a: Value, b: Value) -> Value {
        let eq = self.attr("0 : i64");
        self.one("arith.cmpi", &[a, b], self.ty("i1"), &[("predicate", eq)])
    }

    /// The element of a tensor that has one.
    pub(crate) fn only_element(self, tensor: Value) -> Value {
        let shape = tensor.ty().shape();
        let mut operands = vec![tensor];
        if !shape.dims.is_empty() {
            operands.resize(1 + shape.dims.len(), self.index(0));
        }
        self.one(
            "tensor.extract",
            &operands,
            self.element_type(shape.element),
            &[],
        )
    }

    pub(crate) fn element_type(self, e: Element) -> Type {
        self.ty(&e.to_string())
    }

    /// A tensor of these elements.
    pub(crate) fn tensor_of(self, elements: &[Value], ty: Type) -> Value {
        self.one("tensor.from_elements", elements, ty, &[])
    }

    /// The non-negative integer in a scalar, or in a tensor of one element, as an index.
    pub(crate) fn to_index(self, value: Value) -> Value {
        let scalar = if value.ty().shape().is_shaped {
            self.only_element(value)
        } else {
            value
        };
        let index = self.ty("index");
        if scalar.ty() == index {
            return scalar;
        }
        self.one("arith.index_castui", &[scalar], index, &[])
    }

    /// `value + n` for a scalar, or for a tensor of one element.
    pub(crate) fn advance(self, value: Value, n: u64) -> Value {
        if n == 0 {
            return value;
        }
        if !value.ty().shape().is_shaped {
            return self.add(value, self.constant(n, value.ty()));
        }
        let scalar = self.only_element(value);
        let sum = self.add(scalar, self.constant(n, scalar.ty()));
        self.tensor_of(&[sum], value.ty())
    }

    /// Writes `rows` into `into` from index `at` of dimension `dim` on.
    pub(crate) fn insert_rows(self, rows: Value, into: Value, at: Value, dim: usize) -> Value {
        let mut slice = Slice::whole(&rows.ty().shape());
        slice.offsets[dim] = i64::MIN; // "see the operand"
        let attrs = slice.attrs(self, "1, 1, 1, 0, 0");
        self.one("tensor.insert_slice", &[rows, into, at], into.ty(), &attrs)
    }

    /// Puts all of `part` into `into` at `offset` of dimension `dim`.
    pub(crate) fn insert_at(self, part: Value, into: Value, dim: usize, offset: i64) -> Value {
        let mut slice = Slice::whole(&part.ty().shape());
        slice.offsets[dim] = offset;
        let attrs = slice.attrs(self, "1, 1, 0, 0, 0");
        self.one("tensor.insert_slice", &[part, into], into.ty(), &attrs)
    }

    /// The rows [V], one under the other: a tensor of type `ty`.
    pub(crate) fn stack(self, rows: &[Value], ty: Type) -> Value {
        let mut slice = Slice::whole(&ty.shape());
        slice.sizes[0] = 1;
        let mut all = self.one("tensor.empty", &[], ty, &[]);
        for (i, row) in (0..).zip(rows) {
            slice.offsets[0] = i;
            let attrs = slice.attrs(self, "1, 1, 0, 0, 0");
            all = self.one("tensor.insert_slice", &[*row, all], ty, &attrs);
        }
        all
    }

    /// Row 0 of a matrix, of type `ty`.
    pub(crate) fn first_row(self, matrix: Value, ty: Type) -> Value {
        let mut slice = Slice::whole(&matrix.ty().shape());
        slice.sizes[0] = 1;
        let attrs = slice.attrs(self, "1, 0, 0, 0");
        self.one("tensor.extract_slice", &[matrix], ty, &attrs)
    }

    /// A contiguous static memref seen with another contiguous static type of as many elements.
    pub(crate) fn reinterpret(self, memref: Value, ty: Type) -> Value {
        let sizes: Vec<i64> = (ty.shape().dims.iter())
            .map(|d| d.unwrap_or(0) as i64)
            .collect();
        let mut strides = vec![1_i64; sizes.len()];
        for i in (1..sizes.len()).rev() {
            strides[i - 1] = strides[i] * sizes[i];
        }
        let list = |values: &[i64]| Attr::i64_array(self.ctx, values);
        let attrs = [
            ("static_offsets", list(&[0])),
            ("static_sizes", list(&sizes)),
            ("static_strides", list(&strides)),
            ("operandSegmentSizes", self.attr("array<i32: 1, 0, 0, 0>")),
        ];
        self.one("memref.reinterpret_cast", &[memref], ty, &attrs)
    }

    /// `memref` as type `ty`, which differs in what is known of its layout only.
    pub(crate) fn cast_memref(self, memref: Value, ty: Type) -> Value {
        if memref.ty() == ty {
            return memref;
        }
        self.one("memref.cast", &[memref], ty, &[])
    }

    /// `func.call @callee`.
    pub(crate) fn call(self, callee: &str, operands: &[Value], results: &[Type]) -> Vec<Value> {
        let attrs = [("callee", Attr::flat_symbol(self.ctx, callee))];
        self.op("func.call", operands, results, &attrs, &[])
            .results()
            .collect()
    }

    /// Inserts copies of the ops of `block`, with `args` in place of its arguments; returns what its terminator would pass on.
    pub(crate) fn copy_of(self, block: Block, args: &[Value]) -> Vec<Value> {
        let mut map: HashMap<Value, Value> =
            block.args().into_iter().zip(args.iter().copied()).collect();
        let terminator = block.terminator();
        for op in block.ops().into_iter().filter(|o| Some(*o) != terminator) {
            let copy = op.duplicate();
            for inner in copy.nested() {
                for (i, old) in inner.operands().enumerate() {
                    if let Some(new) = map.get(&old) {
                        inner.set_operand(i, *new);
                    }
                }
            }
            self.insert(copy);
            map.extend(op.results().zip(copy.results()));
        }
        let passed = terminator
            .into_iter()
            .flat_map(Op::operands)
            .collect::<Vec<_>>();
        passed
            .into_iter()
            .map(|v| map.get(&v).copied().unwrap_or(v))
            .collect()
    }
}

/// Static offsets and sizes of a slice, of stride 1.
struct Slice {
    offsets: Vec<i64>,
    sizes: Vec<u64>,
}

impl Slice {
    /// All of a tensor of static shape.
    fn whole(shape: &Shape) -> Self {
        let sizes: Vec<u64> = shape.dims.iter().map(|d| d.unwrap_or(0)).collect();
        Self {
            offsets: vec![0; sizes.len()],
            sizes,
        }
    }

    fn attrs(&self, at: Cursor, segments: &str) -> [(&'static str, Attr); 4] {
        let sizes: Vec<i64> = self.sizes.iter().map(|s| *s as i64).collect();
        let list = |values: &[i64]| Attr::i64_array(at.ctx, values);
        [
            ("static_offsets", list(&self.offsets)),
            ("static_sizes", list(&sizes)),
            ("static_strides", list(&vec![1; sizes.len()])),
            (
                "operandSegmentSizes",
                at.attr(&format!("array<i32: {segments}>")),
            ),
        ]
    }
}

/// Result `i` of `op`, which has it.
pub(crate) fn result(op: Op, i: usize) -> Value {
    op.results()
        .nth(i)
        .unwrap_or_else(|| panic!("{} has no result {i}", op.name()))
}
