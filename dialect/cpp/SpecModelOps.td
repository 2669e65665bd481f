// The operations that language models are made of, as named ops. Included by SpecDialect.td; docs/dialect.md is the readable form.
#ifndef SPEC_MODEL_OPS
#define SPEC_MODEL_OPS

include "mlir/Interfaces/DestinationStyleOpInterface.td"

def Spec_Layout : Spec_Enum<"Layout", "which dimension of a weight comes first", [
  I32EnumAttrCase<"OutIn", 0, "out_in">, I32EnumAttrCase<"InOut", 1, "in_out">]>;
def Spec_Format : Spec_Enum<"Format", "how the elements of a weight are stored", [
  I32EnumAttrCase<"Dense", 0, "dense">, I32EnumAttrCase<"I8", 1, "i8">, I32EnumAttrCase<"I4", 2, "i4">]>;
def Spec_Activations : Spec_Enum<"Activations", "in which arithmetic products of a quantised weight run", [
  I32EnumAttrCase<"Float", 0, "float">, I32EnumAttrCase<"Int8", 1, "int8">]>;
def Spec_NormKind : Spec_Enum<"NormKind", "a normalisation", [
  I32EnumAttrCase<"Rms", 0, "rms">, I32EnumAttrCase<"Layer", 1, "layer">]>;
def Spec_Pairing : Spec_Enum<"Pairing", "which elements of a head rotate together", [
  I32EnumAttrCase<"Half", 0, "half">, I32EnumAttrCase<"Interleaved", 1, "interleaved">]>;
def Spec_KvLayout : Spec_Enum<"KvLayout", "order of the dimensions of keys and values", [
  I32EnumAttrCase<"HeadMajor", 0, "head_major">, I32EnumAttrCase<"TokenMajor", 1, "token_major">]>;
def Spec_Function : Spec_Enum<"Function", "an activation function", [
  I32EnumAttrCase<"Silu", 0, "silu">, I32EnumAttrCase<"GeluTanh", 1, "gelu_tanh">, I32EnumAttrCase<"Gelu", 2, "gelu">,
  I32EnumAttrCase<"Relu", 3, "relu">, I32EnumAttrCase<"Relu2", 4, "relu2">, I32EnumAttrCase<"Sigmoid", 5, "sigmoid">,
  I32EnumAttrCase<"Tanh", 6, "tanh">, I32EnumAttrCase<"Identity", 7, "identity">]>;

def Spec_LayoutAttr : EnumAttr<Spec_Dialect, Spec_Layout, "layout">;
def Spec_FormatAttr : EnumAttr<Spec_Dialect, Spec_Format, "format">;
def Spec_ActivationsAttr : EnumAttr<Spec_Dialect, Spec_Activations, "activations">;
def Spec_NormKindAttr : EnumAttr<Spec_Dialect, Spec_NormKind, "norm">;
def Spec_PairingAttr : EnumAttr<Spec_Dialect, Spec_Pairing, "pairing">;
def Spec_KvLayoutAttr : EnumAttr<Spec_Dialect, Spec_KvLayout, "kv_layout">;
def Spec_FunctionAttr : EnumAttr<Spec_Dialect, Spec_Function, "function">;

// Tensors before bufferization, memrefs after it.
def Spec_Shaped : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;

// In destination style, as linalg: `init` is overwritten, its contents are ignored. One result, tied to it, when it is a tensor.
class Spec_ModelOp<string mnemonic, list<Trait> traits = []>
    : Spec_Op<mnemonic, !listconcat(traits, [DestinationStyleOpInterface, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>])> {
  let results = (outs Optional<AnyRankedTensor>:$result);
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

def Spec_LinearOp : Spec_ModelOp<"linear", [AttrSizedOperandSegments]> {
  let summary = "Product of activations with a weight, dequantised on the way";
  let description = [{
    y[m, n] = sum over k of x[m, k] * w[n, k], times the scale, plus bias[n]; sums are f32, rounded once to the type of y.
    `out_in`: the weight is [N, K]; `in_out`: [K, N]. `dense`: floats. `i8`: w = q * scale. `i4`: [N, K / 2] bytes; a block of
    32 weights is 16 bytes, byte i holds weight i in its low half and weight i + 16 in its high half, w = (half - 8) * scale.
    `scale` is [N] (`group` 0), or [N, K / group]. With `int8` activations, x is quantised per token and block at run time.

    C1: x is [M, K], init [M, N], all of static shape. C2: the weight has the shape and the element type of its layout and format.
    C3: `scale` is there if and only if the format is not dense, with the shape above, f16 or f32. C4: `bias` is [N].
    C5: `group` is 0, 32 or 64, divides K, and is not 0 for i4; the format is not dense or `group` is 0. C6: quantised
    weights are out_in. C7: `int8` activations need a quantised weight. C8: x, y and bias are f32, f16 or bf16. C9 (all model ops): the
    result is there if and only if init is a tensor, and has its type; operands are all tensors or all memrefs.
  }];
  let arguments = (ins Spec_LayoutAttr:$layout, Spec_FormatAttr:$format,
                       DefaultValuedAttr<I64Attr, "0">:$group,
                       DefaultValuedAttr<Spec_ActivationsAttr, "::spec::Activations::Float">:$activations,
                       Spec_Shaped:$x, Spec_Shaped:$weight, Optional<Spec_Shaped>:$scale, Optional<Spec_Shaped>:$bias, Spec_Shaped:$init);
  let assemblyFormat = [{
    `` $layout `` $format (`group` $group^)? (`activations` `` $activations^)? `ins` `(` $x `,` $weight `:` type($x) `,` type($weight) `)`
    (`scale` `(` $scale^ `:` type($scale) `)`)? (`bias` `(` $bias^ `:` type($bias) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
}

def Spec_NormOp : Spec_ModelOp<"norm"> {
  let summary = "RMS or layer normalisation over the last dimension";
  let description = [{
    rms: x * rsqrt(mean(x^2) + eps) * (weight_offset + w) + bias; layer: (x - mean) * rsqrt(var + eps) * (weight_offset + w) + bias; in f32.

    C1: x and init are static [R, N], weight and bias [N]. C2: eps is not negative. C3: floats as in spec.linear.
  }];
  let arguments = (ins Spec_NormKindAttr:$kind, F32Attr:$eps, DefaultValuedAttr<F32Attr, "0.0f">:$weight_offset,
                       Spec_Shaped:$x, Spec_Shaped:$weight, Optional<Spec_Shaped>:$bias, Spec_Shaped:$init);
  let assemblyFormat = [{
    `` $kind `eps` $eps (`weight_offset` $weight_offset^)? `ins` `(` $x `,` $weight `:` type($x) `,` type($weight) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)? `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
}

def Spec_RopeOp : Spec_ModelOp<"rope"> {
  let summary = "Rotary position embedding";
  let description = [{
    Pairs (a, b) of a head become (a c - b s, b c + a s). `half`: elements i and i + D/2; `interleaved`: 2i and 2i + 1.

    C1: x and init are static [A, B, D], D even. C2: `token_dim` is 0 or 1; cos and sin are [M, D/2], M the size of that dimension.
    C3: floats as in spec.linear.
  }];
  let arguments = (ins Spec_PairingAttr:$pairing, I64Attr:$token_dim,
                       Spec_Shaped:$x, Spec_Shaped:$cos, Spec_Shaped:$sin, Spec_Shaped:$init);
  let assemblyFormat = [{
    `` $pairing `token_dim` $token_dim `ins` `(` $x `,` $cos `,` $sin `:` type($x) `,` type($cos) `,` type($sin) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
}

def Spec_AttentionOp : Spec_ModelOp<"attention", [AttrSizedOperandSegments]> {
  let summary = "Attention of M new tokens over a KV cache";
  let description = [{
    For head h and token m: softmax over the visible rows of scale * q . k (softcap: c * tanh(s / c)), times the values; head h reads KV
    head h / (H / KV). With `position` p: without new rows, rows 0 .. p + m of the caches (the new ones are in them already); with
    `new`, rows 0 .. p - 1 of the caches, then new rows 0 .. m. With `mask` [M, T] (added to the scores): all rows, T = C, or C + M with `new`.

    C1: q and init are static [H, M, D]. C2: head_major: k, v [KV, C, D], new rows [KV, M, D]; token_major: [C, KV, D], [M, KV, D]; KV divides H.
    C3: k_new and v_new are there together or not at all. C4: exactly one of `position` and `mask`. C5: `mask` is [M, T].
    C6: softcap is not negative (0: none). C7: floats as in spec.linear.
  }];
  let arguments = (ins Spec_KvLayoutAttr:$kv_layout, F32Attr:$scale, DefaultValuedAttr<F32Attr, "0.0f">:$softcap,
                       Spec_Shaped:$q, Spec_Shaped:$k, Spec_Shaped:$v, Optional<Spec_Shaped>:$k_new, Optional<Spec_Shaped>:$v_new,
                       Optional<Index>:$position, Optional<Spec_Shaped>:$mask, Spec_Shaped:$init);
  let assemblyFormat = [{
    `` $kv_layout `scale` $scale (`softcap` $softcap^)? `ins` `(` $q `,` $k `,` $v `:` type($q) `,` type($k) `,` type($v) `)`
    (`new` `(` $k_new^ `,` $v_new `:` type($k_new) `,` type($v_new) `)`)? (`position` `(` $position^ `)`)?
    (`mask` `(` $mask^ `:` type($mask) `)`)? `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
}

def Spec_ActivationOp : Spec_ModelOp<"activation"> {
  let summary = "An activation function, gated or not";
  let description = [{
    f(x), or f(x) * up; in f32. gelu_tanh is the tanh approximation, relu2 the square of relu.

    C1: x, up and init have one static shape [R, N]. C2: floats as in spec.linear.
  }];
  let arguments = (ins Spec_FunctionAttr:$function, Spec_Shaped:$x, Optional<Spec_Shaped>:$up, Spec_Shaped:$init);
  let assemblyFormat = [{
    `` $function `ins` `(` $x `:` type($x) `)` (`gates` `(` $up^ `:` type($up) `)`)? `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
}

def Spec_EmbeddingOp : Spec_ModelOp<"embedding"> {
  let summary = "Rows of a table, by token id";
  let description = [{
    An id outside of [0, V) is an error at run time. The table is stored as a weight of spec.linear is, out_in.

    C1: ids are static [M], i32 or i64; init is [M, N]. C2: table, scale and group are as those of a spec.linear with a weight [V, N].
    C3: floats as there.
  }];
  let arguments = (ins Spec_FormatAttr:$format, DefaultValuedAttr<I64Attr, "0">:$group,
                       Spec_Shaped:$ids, Spec_Shaped:$table, Optional<Spec_Shaped>:$scale, Spec_Shaped:$init);
  let assemblyFormat = [{
    `` $format (`group` $group^)? `ins` `(` $ids `,` $table `:` type($ids) `,` type($table) `)` (`scale` `(` $scale^ `:` type($scale) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
}

def Spec_ArgmaxOp : Spec_ModelOp<"argmax"> {
  let summary = "Index of the largest element of each row";
  let description = [{
    The first of equal ones; a NaN is never the largest (a row of NaNs gives 0).

    C1: x is static [M, V] of floats, init [M] of i32 or i64.
  }];
  let arguments = (ins Spec_Shaped:$x, Spec_Shaped:$init);
  let assemblyFormat = "`ins` `(` $x `:` type($x) `)` `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?";
}
#endif
