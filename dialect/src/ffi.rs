//! The only unsafe code of this crate, with `ffi/*/ffi.rs`: raw bindings, and the copyable IR handles over them.
//!
//! A handle ([`Op`], [`Value`], [`Block`], [`Type`], [`Attr`], [`Loc`], [`Ctx`]) is a pointer into an `MLIRContext`. It is
//! valid while that context lives and, for ops, values and blocks, until the op it belongs to is erased. Handles are made
//! by the pass framework for the time of one pass run and by [`parse_op`]; passes collect first and mutate afterwards.
#![allow(unsafe_code)]

#[path = "ffi/passes/ffi.rs"]
mod passes;
#[path = "ffi/types/ffi.rs"]
mod types;

pub use passes::{
    Dependency, Expand, OptionDesc, OptionKind, Options, PassDesc, RawPass, Severity, emit,
    foreign_advice, insert_into_registry, mlir_opt_main, register_pipeline, register_raw_pass,
    register_upstream_passes,
};
pub use types::{Element, Map, MapResult, Shape};

use mlir_sys::*;
use std::ffi::{CString, c_void};

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
    /// Changes the type of a block's argument; its users must take the new one.
    pub fn set_type(self, ty: Type) {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe { mlirValueSetType(self.raw(), ty.raw()) }
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

unsafe extern "C" {
    fn specOpIsUnregistered(op: MlirOperation) -> bool;
    fn specOpIsPure(op: MlirOperation) -> bool;
}
