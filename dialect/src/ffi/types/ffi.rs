//! Types and attributes.
#![allow(unsafe_code)]

use super::*;

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

unsafe extern "C" {
    fn specAttrGetField(attr: MlirAttribute, field: MlirStringRef) -> MlirAttribute;
    fn specAttrGetMnemonic(attr: MlirAttribute) -> MlirStringRef;
    fn specResourceBytes(attr: MlirAttribute) -> MlirStringRef;
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
    /// The numbers of an `array<i32: ...>`.
    pub fn as_i32_array(self) -> Option<Vec<i32>> {
        // SAFETY: handles are valid and indices in range (see the module).
        unsafe {
            let a = self.raw();
            mlirAttributeIsADenseI32Array(a).then(|| {
                (0..mlirDenseArrayGetNumElements(a))
                    .map(|i| mlirDenseI32ArrayGetElement(a, i))
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
    /// The elements as they lie in memory, of a dense attribute of whole-byte elements or of a resource; a splat's value is repeated.
    pub fn raw_bytes(self) -> Option<Vec<u8>> {
        // SAFETY: the handle is valid (see the module); a dense attribute holds one element, or all of them, from its raw data on.
        // A resource's bytes live as long as the context.
        unsafe {
            if !mlirAttributeIsADenseElements(self.raw()) {
                let blob = specResourceBytes(self.raw());
                let there = blob.length > 0;
                return there
                    .then(|| std::slice::from_raw_parts(blob.data.cast(), blob.length).to_vec());
            }
            let count = mlirElementsAttrGetNumElements(self.raw()) as usize;
            let ty = mlirShapedTypeGetElementType(mlirAttributeGetType(self.raw()));
            let bits = Type(ty.ptr).shape().element.bits();
            let size = (bits.is_multiple_of(8) && bits > 0).then_some((bits / 8) as usize)?;
            let data = mlirDenseElementsAttrGetRawData(self.raw()).cast::<u8>();
            let stored = if self.is_splat() { 1 } else { count };
            let bytes = std::slice::from_raw_parts(data, stored * size);
            Some(if self.is_splat() {
                bytes.repeat(count)
            } else {
                bytes.to_vec()
            })
        }
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
