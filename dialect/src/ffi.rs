//! The only unsafe code of this crate: raw bindings, and the copyable IR handles over them.
//!
//! A handle ([`Op`], [`Value`], [`Block`], [`Type`], [`Attr`], [`Loc`], [`Ctx`]) is a pointer into an `MLIRContext`. It is
//! valid while that context lives and, for ops, values and blocks, until the op it belongs to is erased. Handles are made
//! by the pass framework for the time of one pass run and by [`parse_op`]; passes collect first and mutate afterwards.
#![allow(unsafe_code)]

use mlir_sys::*;
use std::ffi::{CString, c_char, c_int, c_void};

/// Borrows a Rust string as an MLIR string reference.
fn sref(s: &str) -> MlirStringRef {
    MlirStringRef {
        data: s.as_ptr().cast(),
        length: s.len(),
    }
}

/// Views an MLIR string; bytes that are not UTF-8 end it.
fn view<'a>(s: MlirStringRef) -> &'a str {
    if s.length == 0 {
        return "";
    }
    // SAFETY: MLIR hands out strings that live as long as the context, which outlives all handles.
    let bytes = unsafe { std::slice::from_raw_parts(s.data.cast::<u8>(), s.length) };
    match std::str::from_utf8(bytes) {
        Ok(s) => s,
        Err(e) => std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or(""),
    }
}

unsafe extern "C" fn append(chunk: MlirStringRef, out: *mut c_void) {
    // SAFETY: `out` is the `&mut String` that `printed` passes along.
    unsafe { &mut *out.cast::<String>() }.push_str(view(chunk));
}

fn printed(print: impl FnOnce(MlirStringCallback, *mut c_void)) -> String {
    let mut out = String::new();
    print(Some(append), (&raw mut out).cast());
    out
}

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident, $raw:ident, $mutability:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(*$mutability c_void);
        impl $name {
            fn raw(self) -> $raw {
                $raw { ptr: self.0 }
            }
            #[allow(dead_code)]
            fn opt(raw: $raw) -> Option<Self> {
                (!raw.ptr.is_null()).then_some(Self(raw.ptr))
            }
        }
    };
}
handle!(
    /// An operation.
    Op, MlirOperation, mut
);
handle!(
    /// An SSA value: an op result or a block argument.
    Value, MlirValue, const
);
handle!(
    /// A block.
    Block, MlirBlock, mut
);
handle!(
    /// A type.
    Type, MlirType, const
);
handle!(
    /// An attribute.
    Attr, MlirAttribute, const
);
handle!(
    /// A location.
    Loc, MlirLocation, const
);
handle!(
    /// A context.
    Ctx, MlirContext, mut
);

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SAFETY: the handle is valid, `append` does not unwind.
        f.write_str(&printed(|cb, p| unsafe {
            mlirTypePrint(self.raw(), cb, p)
        }))
    }
}
impl std::fmt::Display for Attr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SAFETY: as above.
        f.write_str(&printed(|cb, p| unsafe {
            mlirAttributePrint(self.raw(), cb, p)
        }))
    }
}
impl std::fmt::Display for Loc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SAFETY: as above.
        f.write_str(&printed(|cb, p| unsafe {
            mlirLocationPrint(self.raw(), cb, p)
        }))
    }
}
macro_rules! debug_as_pointer { ($($t:ident)*) => { $(impl std::fmt::Debug for $t {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "{}({:p})", stringify!($t), self.0) }
})* } }
debug_as_pointer!(Op Value Block Type Attr Loc Ctx);

// SAFETY (all of `impl Op`, `impl Value`, ...): a handle is valid by the module's contract, indices are checked before use,
// and these C functions have no other precondition.
impl Op {
    /// The raw handle, for other crates' `ffi.rs`.
    pub fn to_raw(self) -> MlirOperation {
        self.raw()
    }
    /// Identity, for maps that outlive the borrow checker's view of the op.
    pub fn address(self) -> usize {
        self.0 as usize
    }
    /// Full name, such as `linalg.generic`.
    pub fn name<'a>(self) -> &'a str {
        // SAFETY: handles are valid and indices in range (see the module).
        view(unsafe { mlirIdentifierStr(mlirOperationGetName(self.raw())) })
    }
    /// Location.
    pub fn loc(self) -> Loc {
        // SAFETY: handles are valid and indices in range (see the module).
        Loc(unsafe { mlirOperationGetLocation(self.raw()) }.ptr)
    }
    /// Context.
    pub fn ctx(self) -> Ctx {
        // SAFETY: handles are valid and indices in range (see the module).
        Ctx(unsafe { mlirOperationGetContext(self.raw()) }.ptr)
    }
    /// Operands in order.
    pub fn operands(self) -> impl ExactSizeIterator<Item = Value> {
        // SAFETY: handles are valid and indices in range (see the module).
        let n = unsafe { mlirOperationGetNumOperands(self.raw()) } as usize;
        // SAFETY: as above.
        (0..n).map(move |i| Value(unsafe { mlirOperationGetOperand(self.raw(), i as isize) }.ptr))
    }
    /// Operand `i`, if there is one.
    pub fn operand(self, i: usize) -> Option<Value> {
        self.operands().nth(i)
    }
    /// Results in order.
    pub fn results(self) -> impl ExactSizeIterator<Item = Value> {
        // SAFETY: handles are valid and indices in range (see the module).
        let n = unsafe { mlirOperationGetNumResults(self.raw()) } as usize;
        // SAFETY: as above.
        (0..n).map(move |i| Value(unsafe { mlirOperationGetResult(self.raw(), i as isize) }.ptr))
    }
    /// Blocks of region `i` in order; empty if there is no such region.
    pub fn region_blocks(self, i: usize) -> Vec<Block> {
        let mut out = vec![];
        if i < self.region_count() {
            let mut b =
                // SAFETY: handles are valid and indices in range (see the module).
                unsafe { mlirRegionGetFirstBlock(mlirOperationGetRegion(self.raw(), i as isize)) };
            while let Some(block) = Block::opt(b) {
                out.push(block);
                // SAFETY: handles are valid and indices in range (see the module).
                b = unsafe { mlirBlockGetNextInRegion(b) };
            }
        }
        out
    }
    /// Number of regions.
    pub fn region_count(self) -> usize {
        // SAFETY: handles are valid and indices in range (see the module).
        (unsafe { mlirOperationGetNumRegions(self.raw()) }) as usize
    }
    /// All blocks of all regions.
    pub fn blocks(self) -> Vec<Block> {
        (0..self.region_count())
            .flat_map(|i| self.region_blocks(i))
            .collect()
    }
    /// The entry block of region 0.
    pub fn body(self) -> Option<Block> {
        self.region_blocks(0).first().copied()
    }
    /// The op that holds this one.
    pub fn parent(self) -> Option<Op> {
        // SAFETY: handles are valid and indices in range (see the module).
        Op::opt(unsafe { mlirOperationGetParentOperation(self.raw()) })
    }
    /// The block that holds this op.
    pub fn block(self) -> Option<Block> {
        // SAFETY: handles are valid and indices in range (see the module).
        Block::opt(unsafe { mlirOperationGetBlock(self.raw()) })
    }
    /// The attribute `name`, inherent or discardable.
    pub fn attr(self, name: &str) -> Option<Attr> {
        // SAFETY: handles are valid and indices in range (see the module).
        Attr::opt(unsafe { mlirOperationGetAttributeByName(self.raw(), sref(name)) })
    }
    /// The string attribute `name`.
    pub fn str_attr<'a>(self, name: &str) -> Option<&'a str> {
        self.attr(name)?.as_str()
    }
    /// `sym_name`.
    pub fn symbol<'a>(self) -> Option<&'a str> {
        self.str_attr("sym_name")
    }
    /// Sets or replaces an attribute.
    pub fn set_attr(self, name: &str, value: Attr) {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { mlirOperationSetAttributeByName(self.raw(), sref(name), value.raw()) }
    }
    /// Removes an attribute, if it is there.
    pub fn remove_attr(self, name: &str) {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { mlirOperationRemoveAttributeByName(self.raw(), sref(name)) };
    }
    /// Replaces operand `i`.
    pub fn set_operand(self, i: usize, value: Value) {
        assert!(i < self.operands().len());
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { mlirOperationSetOperand(self.raw(), i as isize, value.raw()) }
    }
    /// Names and values of all attributes.
    pub fn attrs<'a>(self) -> Vec<(&'a str, Attr)> {
        // SAFETY: handles are valid and indices in range (see the module).
        let n = unsafe { mlirOperationGetNumAttributes(self.raw()) };
        (0..n)
            .map(|i| {
                // SAFETY: handles are valid and indices in range (see the module).
                let a = unsafe { mlirOperationGetAttribute(self.raw(), i) };
                (
                    // SAFETY: as above.
                    view(unsafe { mlirIdentifierStr(a.name) }),
                    Attr(a.attribute.ptr),
                )
            })
            .collect()
    }
    /// All ops nested in this one and itself, outermost first.
    pub fn nested(self) -> Vec<Op> {
        let mut out = vec![self];
        let mut i = 0;
        while i < out.len() {
            for block in out[i].blocks() {
                out.extend(block.ops());
            }
            i += 1;
        }
        out
    }
    /// Detaches the op from its block and appends it to `block`.
    pub fn move_to_end(self, block: Block) {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            mlirOperationRemoveFromParent(self.raw());
            mlirBlockAppendOwnedOperation(block.raw(), self.raw());
        }
    }
    /// Moves the op in front of another one.
    pub fn move_before(self, other: Op) {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { mlirOperationMoveBefore(self.raw(), other.raw()) }
    }
    /// Inserts a detached op in front of this one.
    pub fn insert_before(self, detached: Op) {
        if let Some(block) = self.block() {
            // SAFETY: handles are valid and indices in range (see the module).
            unsafe { mlirBlockInsertOwnedOperationBefore(block.raw(), self.raw(), detached.raw()) }
        }
    }
    /// A detached copy with the same operands.
    pub fn duplicate(self) -> Op {
        // SAFETY: handles are valid and indices in range (see the module).
        Op(unsafe { mlirOperationClone(self.raw()) }.ptr)
    }
    /// Erases the op, which must have no uses left.
    pub fn erase(self) {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { mlirOperationDestroy(self.raw()) }
    }
    /// Runs the verifier (diagnostics go to the context's handlers).
    pub fn verify(self) -> bool {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { mlirOperationVerify(self.raw()) }
    }
    /// True if the dialect does not know the op.
    pub fn is_unregistered(self) -> bool {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { specOpIsUnregistered(self.raw()) }
    }
    /// True if the op has no side effects (recursively), so that it may be duplicated or moved.
    pub fn is_pure(self) -> bool {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { specOpIsPure(self.raw()) }
    }
    /// The indexing maps of a linalg structured op (named or generic).
    pub fn indexing_maps(self) -> Option<Vec<Map>> {
        if !self.name().starts_with("linalg.") {
            return None;
        }
        let maps = match self.attr("indexing_maps") {
            Some(a) => a,
            // SAFETY: handles are valid and indices in range (see the module).
            None => Attr::opt(unsafe { mlirLinalgGetIndexingMapsAttribute(self.raw()) })?,
        };
        maps.elements()?.into_iter().map(Attr::as_map).collect()
    }
    /// Prints the op with generic names, eliding large constants.
    pub fn to_text(self) -> String {
        // SAFETY: handles are valid and indices in range (see the module).
        printed(|cb, p| unsafe { mlirOperationPrint(self.raw(), cb, p) })
    }
}

impl Value {
    /// Type.
    pub fn ty(self) -> Type {
        // SAFETY: handles are valid and indices in range (see the module).
        Type(unsafe { mlirValueGetType(self.raw()) }.ptr)
    }
    /// The op that this is a result of.
    pub fn def(self) -> Option<Op> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            mlirValueIsAOpResult(self.raw()).then(|| Op(mlirOpResultGetOwner(self.raw()).ptr))
        }
    }
    /// Result or argument number.
    pub fn index(self) -> usize {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            if mlirValueIsAOpResult(self.raw()) {
                mlirOpResultGetResultNumber(self.raw()) as usize
            } else {
                mlirBlockArgumentGetArgNumber(self.raw()) as usize
            }
        }
    }
    /// The block that this is an argument of.
    pub fn arg_block(self) -> Option<Block> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            mlirValueIsABlockArgument(self.raw())
                .then(|| Block(mlirBlockArgumentGetOwner(self.raw()).ptr))
        }
    }
    /// The block in which the value is defined.
    pub fn def_block(self) -> Option<Block> {
        self.arg_block().or_else(|| self.def()?.block())
    }
    /// (user, operand number) of every use.
    pub fn uses(self) -> Vec<(Op, usize)> {
        let mut out = vec![];
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            let mut u = mlirValueGetFirstUse(self.raw());
            while !mlirOpOperandIsNull(u) {
                out.push((
                    Op(mlirOpOperandGetOwner(u).ptr),
                    mlirOpOperandGetOperandNumber(u) as usize,
                ));
                u = mlirOpOperandGetNextUse(u);
            }
        }
        out
    }
    /// Makes all uses refer to `other`.
    pub fn replace_all_uses(self, other: Value) {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { mlirValueReplaceAllUsesOfWith(self.raw(), other.raw()) }
    }
    /// Location of the definition.
    pub fn loc(self) -> Loc {
        match self.def() {
            Some(op) => op.loc(),
            // SAFETY: handles are valid and indices in range (see the module).
            None => Loc(unsafe { mlirValueGetLocation(self.raw()) }.ptr),
        }
    }
}

impl Block {
    /// Ops in order.
    pub fn ops(self) -> Vec<Op> {
        let mut out = vec![];
        // SAFETY: handles are valid and indices in range (see the module).
        let mut op = unsafe { mlirBlockGetFirstOperation(self.raw()) };
        while let Some(o) = Op::opt(op) {
            out.push(o);
            // SAFETY: handles are valid and indices in range (see the module).
            op = unsafe { mlirOperationGetNextInBlock(op) };
        }
        out
    }
    /// Arguments in order.
    pub fn args(self) -> Vec<Value> {
        // SAFETY: handles are valid and indices in range (see the module).
        let n = unsafe { mlirBlockGetNumArguments(self.raw()) };
        (0..n)
            // SAFETY: as above.
            .map(|i| Value(unsafe { mlirBlockGetArgument(self.raw(), i) }.ptr))
            .collect()
    }
    /// The op whose region holds the block.
    pub fn parent(self) -> Option<Op> {
        // SAFETY: handles are valid and indices in range (see the module).
        Op::opt(unsafe { mlirBlockGetParentOperation(self.raw()) })
    }
    /// The terminator.
    pub fn terminator(self) -> Option<Op> {
        // SAFETY: handles are valid and indices in range (see the module).
        Op::opt(unsafe { mlirBlockGetTerminator(self.raw()) })
    }
    /// Adds an argument behind the others.
    pub fn add_arg(self, ty: Type, loc: Loc) -> Value {
        // SAFETY: handles are valid and indices in range (see the module).
        Value(unsafe { mlirBlockAddArgument(self.raw(), ty.raw(), loc.raw()) }.ptr)
    }
    /// Removes argument `i`, which must have no uses left.
    pub fn erase_arg(self, i: usize) {
        if i < self.args().len() {
            // SAFETY: handles are valid and indices in range (see the module).
            unsafe { mlirBlockEraseArgument(self.raw(), i as u32) }
        }
    }
    /// Appends a detached op.
    pub fn append(self, detached: Op) {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { mlirBlockAppendOwnedOperation(self.raw(), detached.raw()) }
    }
}

/// Element type and sizes of a scalar or tensor type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Sizes; `None` where dynamic. Empty for scalars.
    pub dims: Vec<Option<u64>>,
    /// Element type.
    pub element: Element,
    /// True for tensors (and vectors and memrefs), false for scalars.
    pub is_shaped: bool,
}

/// A scalar type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Element {
    /// Floating point of so many bits; bfloat16 apart.
    Float(u32),
    /// bfloat16.
    BFloat16,
    /// Integer of so many bits.
    Int(u32),
    /// `index`.
    Index,
    /// Anything else.
    Other,
}

impl Element {
    /// Size in bits (index: 64, unknown: 0).
    pub fn bits(self) -> u64 {
        match self {
            Element::Float(b) | Element::Int(b) => b.into(),
            Element::BFloat16 => 16,
            Element::Index => 64,
            Element::Other => 0,
        }
    }
    /// True for floating point.
    pub fn is_float(self) -> bool {
        matches!(self, Element::Float(_) | Element::BFloat16)
    }
    /// True for integers and `index`.
    pub fn is_int(self) -> bool {
        matches!(self, Element::Int(_) | Element::Index)
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Element::Float(b) => write!(f, "f{b}"),
            Element::BFloat16 => f.write_str("bf16"),
            Element::Int(b) => write!(f, "i{b}"),
            Element::Index => f.write_str("index"),
            Element::Other => f.write_str("?"),
        }
    }
}

impl Type {
    /// Element type and sizes.
    pub fn shape(self) -> Shape {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            let t = self.raw();
            if mlirTypeIsAShaped(t) {
                let element = Type(mlirShapedTypeGetElementType(t).ptr).element();
                let rank = if mlirShapedTypeHasRank(t) {
                    mlirShapedTypeGetRank(t)
                } else {
                    0
                };
                let dims = (0..rank as isize)
                    .map(|i| {
                        (!mlirShapedTypeIsDynamicDim(t, i))
                            .then(|| mlirShapedTypeGetDimSize(t, i) as u64)
                    })
                    .collect();
                Shape {
                    dims,
                    element,
                    is_shaped: true,
                }
            } else {
                Shape {
                    dims: vec![],
                    element: self.element(),
                    is_shaped: false,
                }
            }
        }
    }
    fn element(self) -> Element {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            let t = self.raw();
            if mlirTypeIsAIndex(t) {
                Element::Index
            } else if mlirTypeIsAInteger(t) {
                Element::Int(mlirIntegerTypeGetWidth(t))
            } else if mlirTypeIsABF16(t) {
                Element::BFloat16
            } else if mlirTypeIsAFloat(t) {
                Element::Float(mlirFloatTypeGetWidth(t))
            } else {
                Element::Other
            }
        }
    }
    /// True for memrefs.
    pub fn is_memref(self) -> bool {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { mlirTypeIsAMemRef(self.raw()) }
    }
    /// Strides and offset of a memref in elements, `None` where known at run time only. `None` if the layout is not strided.
    pub fn strides(self) -> Option<(Vec<Option<i64>>, Option<i64>)> {
        if !self.is_memref() {
            return None;
        }
        let mut strides = vec![0_i64; self.shape().dims.len()];
        let mut offset = 0_i64;
        // SAFETY: the type is a memref, and `strides` has one element for each of its dimensions.
        let dynamic = unsafe {
            let (strides, offset) = (strides.as_mut_ptr(), &raw mut offset);
            if mlirMemRefTypeGetStridesAndOffset(self.raw(), strides, offset).value == 0 {
                return None;
            }
            mlirShapedTypeGetDynamicStrideOrOffset()
        };
        let known = |v: i64| (v != dynamic).then_some(v);
        Some((strides.into_iter().map(known).collect(), known(offset)))
    }
    /// A function type.
    pub fn function_of(ctx: Ctx, inputs: &[Type], results: &[Type]) -> Type {
        let ins: Vec<MlirType> = inputs.iter().map(|t| t.raw()).collect();
        let outs: Vec<MlirType> = results.iter().map(|t| t.raw()).collect();
        Type(
            // SAFETY: handles are valid and indices in range (see the module).
            unsafe {
                mlirFunctionTypeGet(
                    ctx.raw(),
                    ins.len() as isize,
                    ins.as_ptr(),
                    outs.len() as isize,
                    outs.as_ptr(),
                )
            }
            .ptr,
        )
    }
    /// Parses a type; a diagnostic is emitted on failure.
    pub fn parse(ctx: Ctx, text: &str) -> Option<Type> {
        // SAFETY: handles are valid and indices in range (see the module).
        Type::opt(unsafe { mlirTypeParseGet(ctx.raw(), sref(text)) })
    }
    /// Inputs and results of a function type.
    pub fn function(self) -> Option<(Vec<Type>, Vec<Type>)> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            let t = self.raw();
            mlirTypeIsAFunction(t).then(|| {
                let ins = mlirFunctionTypeGetNumInputs(t);
                let outs = mlirFunctionTypeGetNumResults(t);
                (
                    (0..ins)
                        .map(|i| Type(mlirFunctionTypeGetInput(t, i).ptr))
                        .collect(),
                    (0..outs)
                        .map(|i| Type(mlirFunctionTypeGetResult(t, i).ptr))
                        .collect(),
                )
            })
        }
    }
}

/// One result of an affine map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapResult {
    /// A plain dimension.
    Dim(usize),
    /// A constant (a broadcast size-1 dimension).
    Const(i64),
    /// Anything else.
    Other,
}

/// An affine map, as far as we look into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Number of dimensions (the loops).
    pub dims: usize,
    /// Results.
    pub results: Vec<MapResult>,
}

impl Attr {
    /// Parses an attribute; a diagnostic is emitted on failure.
    pub fn parse(ctx: Ctx, text: &str) -> Option<Attr> {
        // SAFETY: handles are valid and indices in range (see the module).
        Attr::opt(unsafe { mlirAttributeParseGet(ctx.raw(), sref(text)) })
    }
    /// A string attribute.
    pub fn string(ctx: Ctx, value: &str) -> Attr {
        // SAFETY: handles are valid and indices in range (see the module).
        Attr(unsafe { mlirStringAttrGet(ctx.raw(), sref(value)) }.ptr)
    }
    /// A unit attribute.
    pub fn unit(ctx: Ctx) -> Attr {
        // SAFETY: handles are valid and indices in range (see the module).
        Attr(unsafe { mlirUnitAttrGet(ctx.raw()) }.ptr)
    }
    /// An integer attribute of type i64.
    pub fn i64(ctx: Ctx, value: i64) -> Attr {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { Attr(mlirIntegerAttrGet(mlirIntegerTypeGet(ctx.raw(), 64), value).ptr) }
    }
    /// `@a`.
    pub fn flat_symbol(ctx: Ctx, name: &str) -> Attr {
        // SAFETY: handles are valid and indices in range (see the module).
        Attr(unsafe { mlirFlatSymbolRefAttrGet(ctx.raw(), sref(name)) }.ptr)
    }
    /// `@a::@b`.
    pub fn symbol_ref(ctx: Ctx, root: &str, leaf: &str) -> Attr {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            let nested = mlirFlatSymbolRefAttrGet(ctx.raw(), sref(leaf));
            Attr(mlirSymbolRefAttrGet(ctx.raw(), sref(root), 1, &nested).ptr)
        }
    }
    /// A type attribute.
    pub fn of_type(ty: Type) -> Attr {
        // SAFETY: handles are valid and indices in range (see the module).
        Attr(unsafe { mlirTypeAttrGet(ty.raw()) }.ptr)
    }
    /// An `array<i64: ...>`.
    pub fn i64_array(ctx: Ctx, values: &[i64]) -> Attr {
        // SAFETY: handles are valid and indices in range (see the module).
        Attr(unsafe { mlirDenseI64ArrayGet(ctx.raw(), values.len() as isize, values.as_ptr()) }.ptr)
    }
    /// The text of a string attribute.
    pub fn as_str<'a>(self) -> Option<&'a str> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            mlirAttributeIsAString(self.raw()).then(|| view(mlirStringAttrGetValue(self.raw())))
        }
    }
    /// The value of an integer or index attribute.
    pub fn as_i64(self) -> Option<i64> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            mlirAttributeIsAInteger(self.raw()).then(|| mlirIntegerAttrGetValueInt(self.raw()))
        }
    }
    /// The value of a float attribute.
    pub fn as_f64(self) -> Option<f64> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            mlirAttributeIsAFloat(self.raw()).then(|| mlirFloatAttrGetValueDouble(self.raw()))
        }
    }
    /// The type in a type attribute.
    pub fn as_type(self) -> Option<Type> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            mlirAttributeIsAType(self.raw()).then(|| Type(mlirTypeAttrGetValue(self.raw()).ptr))
        }
    }
    /// The name a flat symbol reference (`@a`) refers to.
    pub fn as_flat_symbol<'a>(self) -> Option<&'a str> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            mlirAttributeIsAFlatSymbolRef(self.raw())
                .then(|| view(mlirFlatSymbolRefAttrGetValue(self.raw())))
        }
    }
    /// Root and leaf of a symbol reference `@a::@b`.
    pub fn as_nested_symbol<'a>(self) -> Option<(&'a str, &'a str)> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            (mlirAttributeIsASymbolRef(self.raw())
                && mlirSymbolRefAttrGetNumNestedReferences(self.raw()) == 1)
                .then(|| {
                    (
                        view(mlirSymbolRefAttrGetRootReference(self.raw())),
                        view(mlirSymbolRefAttrGetLeafReference(self.raw())),
                    )
                })
        }
    }
    /// The elements of an array attribute.
    pub fn elements(self) -> Option<Vec<Attr>> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            mlirAttributeIsAArray(self.raw()).then(|| {
                let n = mlirArrayAttrGetNumElements(self.raw());
                (0..n)
                    .map(|i| Attr(mlirArrayAttrGetElement(self.raw(), i).ptr))
                    .collect()
            })
        }
    }
    /// The elements of an `array<i64: ...>`.
    pub fn as_i64_array(self) -> Option<Vec<i64>> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            mlirAttributeIsADenseI64Array(self.raw()).then(|| {
                let n = mlirDenseArrayGetNumElements(self.raw());
                (0..n)
                    .map(|i| mlirDenseI64ArrayGetElement(self.raw(), i))
                    .collect()
            })
        }
    }
    /// An array attribute.
    pub fn array(ctx: Ctx, elements: &[Attr]) -> Attr {
        let raw: Vec<MlirAttribute> = elements.iter().map(|a| a.raw()).collect();
        // SAFETY: handles are valid and indices in range (see the module).
        Attr(unsafe { mlirArrayAttrGet(ctx.raw(), raw.len() as isize, raw.as_ptr()) }.ptr)
    }
    /// A dictionary attribute.
    pub fn dictionary(ctx: Ctx, entries: &[(&str, Attr)]) -> Attr {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            let raw: Vec<MlirNamedAttribute> = entries
                .iter()
                .map(|(n, a)| mlirNamedAttributeGet(mlirIdentifierGet(ctx.raw(), sref(n)), a.raw()))
                .collect();
            Attr(mlirDictionaryAttrGet(ctx.raw(), raw.len() as isize, raw.as_ptr()).ptr)
        }
    }
    /// Names and values of a dictionary attribute.
    pub fn entries<'a>(self) -> Option<Vec<(&'a str, Attr)>> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            mlirAttributeIsADictionary(self.raw()).then(|| {
                (0..mlirDictionaryAttrGetNumElements(self.raw()))
                    .map(|i| {
                        let e = mlirDictionaryAttrGetElement(self.raw(), i);
                        (view(mlirIdentifierStr(e.name)), Attr(e.attribute.ptr))
                    })
                    .collect()
            })
        }
    }
    /// The entry `name` of a dictionary attribute.
    pub fn entry(self, name: &str) -> Option<Attr> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            if !mlirAttributeIsADictionary(self.raw()) {
                return None;
            }
            Attr::opt(mlirDictionaryAttrGetElementByName(self.raw(), sref(name)))
        }
    }
    /// For element attributes (dense, splat, resource): true if one value stands for all elements.
    pub fn is_splat(self) -> bool {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            mlirAttributeIsADenseElements(self.raw()) && mlirDenseElementsAttrIsSplat(self.raw())
        }
    }
    // raise
    /// The value that all elements of a splat have.
    pub fn splat(self) -> Option<Attr> {
        if !self.is_splat() {
            return None;
        }
        // SAFETY: the attribute is a splat, and the handle is valid (see the module).
        Attr::opt(unsafe { mlirDenseElementsAttrGetSplatValue(self.raw()) })
    }
    /// True for element attributes (dense, splat or resource), whatever their values.
    pub fn is_elements(self) -> bool {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { mlirAttributeIsAElements(self.raw()) }
    }
    /// The affine map in an affine map attribute.
    pub fn as_map(self) -> Option<Map> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            if !mlirAttributeIsAAffineMap(self.raw()) {
                return None;
            }
            let map = mlirAffineMapAttrGetValue(self.raw());
            let results = (0..mlirAffineMapGetNumResults(map))
                .map(|i| {
                    let e = mlirAffineMapGetResult(map, i);
                    if mlirAffineExprIsADim(e) {
                        MapResult::Dim(mlirAffineDimExprGetPosition(e) as usize)
                    } else if mlirAffineExprIsAConstant(e) {
                        MapResult::Const(mlirAffineConstantExprGetValue(e))
                    } else {
                        MapResult::Other
                    }
                })
                .collect();
            Some(Map {
                dims: mlirAffineMapGetNumDims(map) as usize,
                results,
            })
        }
    }
    /// `placement`, `plan`, `model` or `call` for attributes of the spec dialect, else empty.
    pub fn spec_mnemonic<'a>(self) -> &'a str {
        // SAFETY: handles are valid and indices in range (see the module).
        view(unsafe { specAttrGetMnemonic(self.raw()) })
    }
    /// A field of a spec attribute as a builtin attribute.
    pub fn spec_field(self, name: &str) -> Option<Attr> {
        // SAFETY: handles are valid and indices in range (see the module).
        Attr::opt(unsafe { specAttrGetField(self.raw(), sref(name)) })
    }
}

impl Loc {
    /// The context.
    pub fn ctx(self) -> Ctx {
        // SAFETY: handles are valid and indices in range (see the module).
        Ctx(unsafe { mlirLocationGetContext(self.raw()) }.ptr)
    }
    /// `file:line:column` if the location is a file location.
    pub fn file_line_col<'a>(self) -> Option<(&'a str, u32, u32)> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            mlirLocationIsAFileLineColRange(self.raw()).then(|| {
                (
                    view(mlirIdentifierStr(mlirLocationFileLineColRangeGetFilename(
                        self.raw(),
                    ))),
                    mlirLocationFileLineColRangeGetStartLine(self.raw()) as u32,
                    mlirLocationFileLineColRangeGetStartColumn(self.raw()) as u32,
                )
            })
        }
    }
}

impl Ctx {
    /// A handle on a context that the caller keeps alive.
    pub fn from_raw(raw: MlirContext) -> Self {
        Self(raw.ptr)
    }
    /// The unknown location.
    pub fn unknown_loc(self) -> Loc {
        // SAFETY: handles are valid and indices in range (see the module).
        Loc(unsafe { mlirLocationUnknownGet(self.raw()) }.ptr)
    }
    /// `name`:`line`:`column`.
    pub fn file_loc(self, name: &str, line: u32, column: u32) -> Loc {
        // SAFETY: handles are valid and indices in range (see the module).
        Loc(unsafe { mlirLocationFileLineColGet(self.raw(), sref(name), line, column) }.ptr)
    }
}

/// A detached block with arguments of these types.
pub fn new_block(types: &[Type], loc: Loc) -> Block {
    let raw: Vec<MlirType> = types.iter().map(|t| t.raw()).collect();
    let locs = vec![loc.raw(); types.len()];
    // SAFETY: both arrays have `types.len()` elements and outlive the call.
    Block(unsafe { mlirBlockCreate(raw.len() as isize, raw.as_ptr(), locs.as_ptr()) }.ptr)
}

/// Makes the spec dialect known to a registry.
///
/// # Safety
/// The registry is valid.
pub unsafe fn insert_dialect(registry: MlirDialectRegistry) {
    // SAFETY: as above.
    unsafe { specDialectInsert(registry) }
}

/// A detached op. Each element of `regions` is a list of detached blocks, which the op takes over.
/// Returns `None` (with a diagnostic) if MLIR refuses it.
pub fn build_op(
    name: &str,
    loc: Loc,
    operands: &[Value],
    results: &[Type],
    attrs: &[(&str, Attr)],
    regions: &[Vec<Block>],
) -> Option<Op> {
    let operands: Vec<MlirValue> = operands.iter().map(|v| v.raw()).collect();
    let results: Vec<MlirType> = results.iter().map(|t| t.raw()).collect();
    // SAFETY: all arrays outlive the calls; blocks are detached by the caller's contract and owned by the region from then on.
    unsafe {
        let ctx = mlirLocationGetContext(loc.raw());
        let mut state = mlirOperationStateGet(sref(name), loc.raw());
        mlirOperationStateAddOperands(&mut state, operands.len() as isize, operands.as_ptr());
        mlirOperationStateAddResults(&mut state, results.len() as isize, results.as_ptr());
        let named: Vec<MlirNamedAttribute> = attrs
            .iter()
            .map(|(n, a)| mlirNamedAttributeGet(mlirIdentifierGet(ctx, sref(n)), a.raw()))
            .collect();
        mlirOperationStateAddAttributes(&mut state, named.len() as isize, named.as_ptr());
        let regions: Vec<MlirRegion> = regions
            .iter()
            .map(|blocks| {
                let region = mlirRegionCreate();
                blocks
                    .iter()
                    .for_each(|b| mlirRegionAppendOwnedBlock(region, b.raw()));
                region
            })
            .collect();
        mlirOperationStateAddOwnedRegions(&mut state, regions.len() as isize, regions.as_ptr());
        Op::opt(mlirOperationCreate(&mut state))
    }
}

/// Parses one top-level op (such as a module or a function), detached. Diagnostics name `source`.
pub fn parse_op(ctx: Ctx, text: &str, source: &str) -> Option<Op> {
    // mlir-c wants a zero-terminated buffer.
    let text = CString::new(text).ok()?;
    // SAFETY: both strings are zero-terminated and outlive the call.
    unsafe {
        let text = MlirStringRef {
            data: text.as_ptr(),
            length: text.as_bytes().len(),
        };
        Op::opt(mlirOperationCreateParse(ctx.raw(), text, sref(source)))
    }
}

/// Parses a module from a file, detached; the file may be text or bytecode. Diagnostics go to the context.
pub fn parse_module_file(ctx: Ctx, path: &str) -> Option<Op> {
    // SAFETY: the path outlives the call; the module's op is handed over to the caller.
    unsafe {
        let module = mlirModuleCreateParseFromFile(ctx.raw(), sref(path));
        (!module.ptr.is_null()).then(|| Op(mlirModuleGetOperation(module).ptr))
    }
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Severity {
    /// The pass fails.
    Error = 0,
    /// Something the user should know.
    Warning = 1,
    /// Information that was asked for.
    Remark = 2,
}

/// Emits a diagnostic with notes.
pub fn emit(loc: Loc, severity: Severity, message: &str, notes: &[(Loc, String)]) {
    let locs: Vec<MlirLocation> = notes.iter().map(|(l, _)| l.raw()).collect();
    let texts: Vec<MlirStringRef> = notes.iter().map(|(_, t)| sref(t)).collect();
    // SAFETY: the arrays have `notes.len()` elements and outlive the call.
    unsafe {
        specEmit(
            loc.raw(),
            severity,
            sref(message),
            notes.len(),
            locs.as_ptr(),
            texts.as_ptr(),
        )
    }
}

/// The kind of a pass option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum OptionKind {
    /// Text.
    String = 0,
    /// Integer.
    Int = 1,
    /// Boolean.
    Bool = 2,
}

#[repr(C)]
struct RawOption {
    name: MlirStringRef,
    description: MlirStringRef,
    default: MlirStringRef,
    kind: OptionKind,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct RawPassHandle {
    ptr: *mut c_void,
}

#[repr(C)]
struct RawPassDesc {
    argument: MlirStringRef,
    name: MlirStringRef,
    description: MlirStringRef,
    op_name: MlirStringRef,
    dependent_dialects: *const MlirDialectHandle,
    n_dependent_dialects: usize,
    options: *const RawOption,
    n_options: usize,
    create: unsafe extern "C" fn() -> *mut c_void,
    clone: unsafe extern "C" fn(*const c_void) -> *mut c_void,
    destroy: unsafe extern "C" fn(*mut c_void),
    initialize: unsafe extern "C" fn(*mut c_void, RawPassHandle, MlirContext) -> MlirLogicalResult,
    run: unsafe extern "C" fn(*mut c_void, RawPassHandle, MlirOperation) -> MlirLogicalResult,
}

type PipelineSink = unsafe extern "C" fn(*mut c_void, bool, MlirStringRef);

#[repr(C)]
struct RawPipelineDesc {
    argument: MlirStringRef,
    description: MlirStringRef,
    options: *const RawOption,
    n_options: usize,
    expand: unsafe extern "C" fn(*const c_void, MlirStringRef, PipelineSink, *mut c_void),
    user_data: *const c_void,
}

unsafe extern "C" {
    fn mlirGetDialectHandle__spec__() -> MlirDialectHandle;
    fn specDialectInsert(registry: MlirDialectRegistry);
    fn specAttrGetField(attr: MlirAttribute, field: MlirStringRef) -> MlirAttribute;
    fn specAttrGetMnemonic(attr: MlirAttribute) -> MlirStringRef;
    fn specEmit(
        loc: MlirLocation,
        severity: Severity,
        message: MlirStringRef,
        n: usize,
        locs: *const MlirLocation,
        notes: *const MlirStringRef,
    );
    fn specOpIsUnregistered(op: MlirOperation) -> bool;
    fn specOpIsPure(op: MlirOperation) -> bool;
    fn specForeignAdvice(dialect: MlirStringRef) -> MlirStringRef;
    fn specRegisterPass(desc: *const RawPassDesc);
    fn specPassOptionString(p: RawPassHandle, i: usize) -> MlirStringRef;
    fn specPassOptionInt(p: RawPassHandle, i: usize) -> i64;
    fn specPassOptionBool(p: RawPassHandle, i: usize) -> bool;
    fn specRegisterPipeline(desc: *const RawPipelineDesc);
    fn specMlirOptMain(argc: c_int, argv: *mut *mut c_char, name: *const c_char) -> c_int;
}

/// What to run before us on a module of that dialect, if it is a well-known one that upstream MLIR lacks.
pub fn foreign_advice(dialect: &str) -> Option<&'static str> {
    // SAFETY: the answer is a string literal.
    let advice = view(unsafe { specForeignAdvice(sref(dialect)) });
    (!advice.is_empty()).then_some(advice)
}

/// Adds the spec dialect to a C++ `mlir::DialectRegistry`.
///
/// # Safety
/// `registry` must point to a live `mlir::DialectRegistry` of this process's libMLIR.
pub unsafe fn insert_into_registry(registry: *mut c_void) {
    // SAFETY: `MlirDialectRegistry` wraps exactly that pointer.
    unsafe { specDialectInsert(MlirDialectRegistry { ptr: registry }) }
}

/// Registers all upstream passes in MLIR's global registry.
pub fn register_upstream_passes() {
    // SAFETY: no precondition; called before any pipeline is parsed.
    unsafe { mlirRegisterAllPasses() }
}

/// Runs mlir-opt's main loop on `args` (the program's name first); returns its exit code. Once a process.
pub fn mlir_opt_main(args: &[CString], tool: &str) -> i32 {
    let tool = CString::new(tool.replace('\0', "")).unwrap_or_default();
    let mut argv: Vec<*mut c_char> = args.iter().map(|a| a.as_ptr().cast_mut()).collect();
    argv.push(std::ptr::null_mut());
    // SAFETY: argv is null-terminated and, like the strings, outlives the call; LLVM does not write to it.
    unsafe { specMlirOptMain(args.len() as c_int, argv.as_mut_ptr(), tool.as_ptr()) }
}

/// Upstream dialects that our passes create ops of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// arith
    Arith,
    /// bufferization
    Bufferization,
    /// cf
    ControlFlow,
    /// func
    Func,
    /// linalg
    Linalg,
    /// llvm
    Llvm,
    /// math
    Math,
    /// memref
    Memref,
    /// ml_program
    MlProgram,
    /// scf
    Scf,
    /// spec
    Spec,
    /// tensor
    Tensor,
    /// vector
    Vector,
}

impl Dependency {
    fn handle(self) -> MlirDialectHandle {
        // SAFETY: no precondition.
        unsafe {
            match self {
                Dependency::Arith => mlirGetDialectHandle__arith__(),
                Dependency::Bufferization => mlirGetDialectHandle__bufferization__(),
                Dependency::ControlFlow => mlirGetDialectHandle__cf__(),
                Dependency::Func => mlirGetDialectHandle__func__(),
                Dependency::Linalg => mlirGetDialectHandle__linalg__(),
                Dependency::Llvm => mlirGetDialectHandle__llvm__(),
                Dependency::Memref => mlirGetDialectHandle__memref__(),
                Dependency::Vector => mlirGetDialectHandle__vector__(),
                Dependency::Math => mlirGetDialectHandle__math__(),
                Dependency::MlProgram => mlirGetDialectHandle__ml_program__(),
                Dependency::Scf => mlirGetDialectHandle__scf__(),
                Dependency::Spec => mlirGetDialectHandle__spec__(),
                Dependency::Tensor => mlirGetDialectHandle__tensor__(),
            }
        }
    }
}

/// A pass option.
#[derive(Clone, Copy, Debug)]
pub struct OptionDesc {
    /// Name in textual pipelines.
    pub name: &'static str,
    /// Help text.
    pub help: &'static str,
    /// Kind.
    pub kind: OptionKind,
    /// Default, as text.
    pub default: &'static str,
}

/// What the C++ side needs to know of a pass. One immortal value a pass.
#[derive(Clone, Copy, Debug)]
pub struct PassDesc {
    /// `spec-identify`
    pub argument: &'static str,
    /// `SpecIdentify`
    pub name: &'static str,
    /// Help text.
    pub help: &'static str,
    /// Op the pass runs on; empty for any.
    pub op: &'static str,
    /// Dialects whose ops or attributes the pass creates.
    pub dialects: &'static [Dependency],
    /// Options.
    pub options: &'static [OptionDesc],
}

/// Access to the parsed options of a running pass.
pub struct Options {
    handle: RawPassHandle,
    descs: &'static [OptionDesc],
}

impl Options {
    fn index(&self, name: &str, kind: OptionKind) -> usize {
        let found = self
            .descs
            .iter()
            .position(|o| o.name == name && o.kind == kind);
        found.unwrap_or_else(|| panic!("the pass declares no {kind:?} option '{name}'"))
    }
    /// A string option.
    pub fn string(&self, name: &str) -> String {
        // SAFETY: the handle is the running pass, the index is in range and of this kind.
        view(unsafe { specPassOptionString(self.handle, self.index(name, OptionKind::String)) })
            .into()
    }
    /// An integer option.
    pub fn int(&self, name: &str) -> i64 {
        // SAFETY: as above.
        unsafe { specPassOptionInt(self.handle, self.index(name, OptionKind::Int)) }
    }
    /// A boolean option.
    pub fn bool(&self, name: &str) -> bool {
        // SAFETY: as above.
        unsafe { specPassOptionBool(self.handle, self.index(name, OptionKind::Bool)) }
    }
}

/// The callbacks of a pass; none may unwind (the `pass` module catches panics).
pub trait RawPass: Default + Clone + Send + 'static {
    /// Description.
    const DESC: PassDesc;
    /// Before the first run; false fails the pipeline.
    fn initialize(&mut self, options: &Options, ctx: Ctx) -> bool;
    /// On one op; false fails the pass.
    fn run(&mut self, options: &Options, op: Op) -> bool;
}

unsafe extern "C" fn create<P: RawPass>() -> *mut c_void {
    Box::into_raw(Box::new(P::default())).cast()
}
unsafe extern "C" fn clone<P: RawPass>(p: *const c_void) -> *mut c_void {
    // SAFETY: `p` was made by `create::<P>` or `clone::<P>`.
    Box::into_raw(Box::new(unsafe { &*p.cast::<P>() }.clone())).cast()
}
unsafe extern "C" fn destroy<P: RawPass>(p: *mut c_void) {
    // SAFETY: as above; C++ destroys it once.
    drop(unsafe { Box::from_raw(p.cast::<P>()) })
}
unsafe extern "C" fn initialize<P: RawPass>(
    p: *mut c_void,
    handle: RawPassHandle,
    ctx: MlirContext,
) -> MlirLogicalResult {
    let options = Options {
        handle,
        descs: P::DESC.options,
    };
    // SAFETY: as above; C++ runs one callback at a time on a pass object.
    let ok = unsafe { &mut *p.cast::<P>() }.initialize(&options, Ctx(ctx.ptr));
    MlirLogicalResult { value: ok.into() }
}
unsafe extern "C" fn run<P: RawPass>(
    p: *mut c_void,
    handle: RawPassHandle,
    op: MlirOperation,
) -> MlirLogicalResult {
    let options = Options {
        handle,
        descs: P::DESC.options,
    };
    // SAFETY: as above.
    let ok = unsafe { &mut *p.cast::<P>() }.run(&options, Op(op.ptr));
    MlirLogicalResult { value: ok.into() }
}

fn leak_options(options: &'static [OptionDesc]) -> &'static [RawOption] {
    Vec::leak(
        options
            .iter()
            .map(|o| RawOption {
                name: sref(o.name),
                description: sref(o.help),
                default: sref(o.default),
                kind: o.kind,
            })
            .collect(),
    )
}

/// Registers a pass in MLIR's global registry. Call once per pass type and process.
pub fn register_raw_pass<P: RawPass>() {
    let d = P::DESC;
    let options = leak_options(d.options);
    let dialects: &'static [MlirDialectHandle] =
        Vec::leak(d.dialects.iter().map(|d| d.handle()).collect());
    let desc: &'static RawPassDesc = Box::leak(Box::new(RawPassDesc {
        argument: sref(d.argument),
        name: sref(d.name),
        description: sref(d.help),
        op_name: sref(d.op),
        dependent_dialects: dialects.as_ptr(),
        n_dependent_dialects: dialects.len(),
        options: options.as_ptr(),
        n_options: options.len(),
        create: create::<P>,
        clone: clone::<P>,
        destroy: destroy::<P>,
        initialize: initialize::<P>,
        run: run::<P>,
    }));
    // SAFETY: the descriptor and all it points to are leaked, so they live for ever.
    unsafe { specRegisterPass(desc) }
}

/// Turns the option text of a pipeline into a textual pass pipeline, or an error message.
pub type Expand = fn(&str) -> Result<String, String>;

unsafe extern "C" fn expand(
    user: *const c_void,
    options: MlirStringRef,
    sink: PipelineSink,
    cookie: *mut c_void,
) {
    // SAFETY: `user` is the `Expand` that `register_pipeline` leaked; the sink copies the text.
    unsafe {
        let expand = *user.cast::<Expand>();
        match expand(view(options)) {
            Ok(text) => sink(cookie, true, sref(&text)),
            Err(text) => sink(cookie, false, sref(&text)),
        }
    }
}

/// Registers a named pipeline in MLIR's global registry. Call once per name and process.
pub fn register_pipeline(
    argument: &'static str,
    help: &'static str,
    options: &'static [OptionDesc],
    expander: Expand,
) {
    let options = leak_options(options);
    let user_data: *const Expand = Box::leak(Box::new(expander));
    let desc: &'static RawPipelineDesc = Box::leak(Box::new(RawPipelineDesc {
        argument: sref(argument),
        description: sref(help),
        options: options.as_ptr(),
        n_options: options.len(),
        expand,
        user_data: user_data.cast(),
    }));
    // SAFETY: leaked, as above.
    unsafe { specRegisterPipeline(desc) }
}
