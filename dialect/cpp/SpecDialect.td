// The spec dialect: what a compiler decides about speculative decoding, and what remains of the program when the
// decision is carried out. docs/dialect.md is the readable form; constraints are numbered here, in the verifiers and in
// the tests.
#ifndef SPEC_DIALECT
#define SPEC_DIALECT

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def Spec_Dialect : Dialect {
  let name = "spec";
  let cppNamespace = "::spec";
  let summary = "Speculative decoding on heterogeneous SoCs";
  let description = [{
    Discardable attributes, on any op unless a place is given:
    C1: `spec.placement` holds a `#spec.placement`. C2: `spec.plan` holds a `#spec.plan`, on a module.
    C3: `spec.call` holds a `#spec.call`. C4: `spec.role`, a user's hint, is "drafter" or "target".
    C5: `spec.model` holds a `#spec.model`, on a function.
    C6: `spec.bounds`, a user's hint on a function argument, is an `array<i64: ...>` with an upper bound for each dimension
    of a ranked tensor, positive, and equal to the size where that is static.
    C7: no other attribute is named `spec.*`; results of functions have none.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;  // discardable spec.* attributes on any op
  let hasRegionArgAttrVerify = 1;  // spec.bounds on function arguments
  let hasRegionResultAttrVerify = 1;
  let usePropertiesForAttributes = 1;
}

//===-------------------------------- enums ---------------------------------===//

class Spec_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::spec";
  let genSpecializedAttr = 0;
}

def Spec_Role : Spec_Enum<"Role", "what a model is for in speculative decoding", [
  I32EnumAttrCase<"Drafter", 0, "drafter">, I32EnumAttrCase<"Target", 1, "target">]>;

def Spec_Strategy : Spec_Enum<"Strategy", "how drafting and verification are scheduled", [
  I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Sequential", 1, "sequential">,
  I32EnumAttrCase<"Overlapped", 2, "overlapped">, I32EnumAttrCase<"Pipelined", 3, "pipelined">]>;

def Spec_Accept : Spec_Enum<"Accept", "how drafts are accepted", [
  I32EnumAttrCase<"Greedy", 0, "greedy">, I32EnumAttrCase<"Rejection", 1, "rejection">]>;

//===------------------------------ attributes ------------------------------===//

// A 64-bit float, printed as `8.000000e-01`.
def Spec_F64 : AttrOrTypeParameter<"::llvm::APFloat", "64-bit float"> {
  let comparator = "$_lhs.bitwiseIsEqual($_rhs)";
  let printer = "$_printer.printFloat($_self)";
  let parser = "::spec::parseF64($_parser)";
}
// Indices in increasing order, printed as `[0, 2 to 5]`.
class Spec_Indices<string desc> : ArrayRefParameter<"int64_t", desc> {
  let printer = "::spec::printIndices($_printer, $_self)";
  let parser = "::spec::parseIndices($_parser)";
}

class Spec_Attr<string name, string attrMnemonic> : AttrDef<Spec_Dialect, name> {
  let mnemonic = attrMnemonic;
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Spec_PlacementAttr : Spec_Attr<"Placement", "placement"> {
  let summary = "Which processing unit runs this op, function or module, with how many cores, in which data type";
  let description = [{
    Discardable attribute `spec.placement`, or the placement of a device module.
    C1: `device` is not empty. C2: `units` (cores of a CPU, shader cores of a GPU) is at least 1.
    C3: `dtype` (of the weights) is an integer or float type.
  }];
  let parameters = (ins
    EnumParameter<Spec_Role>:$role,
    StringRefParameter<"unit of the SoC file">:$device,
    "int64_t":$units,
    "::mlir::Type":$dtype);
}

def Spec_PlanAttr : Spec_Attr<"Plan", "plan"> {
  let summary = "The decision for a whole module, with what it was based on";
  let description = [{
    Attribute `spec.plan` of a module.
    C1: `soc`, `host` and `baseline` are not empty. C2: 0 <= `draft_length` <= 64. C3: 0 <= `acceptance` <= 1.
    C4: `tokens_per_second` and `speedup` are finite and positive.
    C5: `strategy` is `none` if and only if `draft_length` is 0.
    `host` is the unit that runs the code outside the device modules; `baseline` names the non-speculative plan that
    `speedup` is relative to; `acceptance` is the mean acceptance of one drafted token and `acceptance_source` says who
    measured or assumed it.
  }];
  let parameters = (ins
    StringRefParameter<"SoC">:$soc,
    StringRefParameter<"unit that runs the host code">:$host,
    "int64_t":$draft_length,
    EnumParameter<Spec_Strategy>:$strategy,
    EnumParameter<Spec_Accept>:$accept,
    Spec_F64:$acceptance,
    StringRefParameter<"where the acceptance rate comes from">:$acceptance_source,
    Spec_F64:$tokens_per_second,
    Spec_F64:$speedup,
    StringRefParameter<"the plan that speedup is relative to">:$baseline);
}

def Spec_ModelAttr : Spec_Attr<"Model", "model"> {
  let summary = "What spec-identify found out about a function that is one forward call of a language model";
  let description = [{
    Attribute `spec.model` of a function: the model's shape, and the part that each argument and result plays.
    C1: `name` is not empty. C2: all sizes are positive (`layers`, `heads`, `kv_heads`, `head_dim`, `context_length` may be 0 =
    not found). C3: indices are non-negative and increasing (those of `cache_results` and `row_results` need not
    increase), and no argument plays two parts.
    C4 (with the function): indices are within its arguments and results. C5: `dtype` (of most parameters) is an integer or
    float type.
    A `row_results` entry holds only the new rows of the cache at the same place in `cache_args`, a `cache_results` entry
    that whole cache.
  }];
  let parameters = (ins
    StringRefParameter<"name of the model">:$name,
    EnumParameter<Spec_Role>:$role,
    "int64_t":$tokens, "int64_t":$vocabulary, "int64_t":$layers, "int64_t":$hidden, "int64_t":$heads,
    "int64_t":$kv_heads, "int64_t":$head_dim, "int64_t":$context_length,
    "int64_t":$parameters, "int64_t":$bytes, "::mlir::Type":$dtype,
    Spec_Indices<"arguments that hold token ids">:$token_args,
    Spec_Indices<"arguments that hold the position">:$position_args,
    Spec_Indices<"arguments that hold KV caches">:$cache_args,
    Spec_Indices<"arguments that hold parameters">:$parameter_args,
    Spec_Indices<"results that hold logits">:$logits_results,
    Spec_Indices<"results that hold chosen tokens">:$token_results,
    Spec_Indices<"results that hold whole caches">:$cache_results,
    Spec_Indices<"results that hold new cache rows">:$row_results);
}

def Spec_CallAttr : Spec_Attr<"Call", "call"> {
  let summary = "Membership of an op in one forward call of a model that is inlined in a larger function";
  let description = [{
    Discardable attribute `spec.call`. C1: `model` is not empty. C2: `index` (which call of that model in this block,
    in program order) is not negative.
  }];
  let parameters = (ins StringRefParameter<"model">:$model, EnumParameter<Spec_Role>:$role, "int64_t":$index);
}

//===---------------------------------- ops ---------------------------------===//

class Spec_Op<string mnemonic, list<Trait> traits = []> : Op<Spec_Dialect, mnemonic, traits>;

def Spec_DispatchOp : Spec_Op<"dispatch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Run a function of a device module on its device";
  let description = [{
    Operands and results are those of the callee, in its order. The ones listed as `resident` (weights, KV caches) live
    on the callee's device and never cross; the others do, and stand behind a `spec.transfer` when they come from another
    device.

    C1: `callee` is `@device::@function`, and names a function of a module that carries a `spec.placement`.
    C2: operand and result types are the callee's. C3: `resident` and `resident_results` are increasing indices within
    the operands and results. C4: an operand that another device's dispatch produced comes through a `spec.transfer`.
  }];
  let arguments = (ins SymbolRefAttr:$callee, Variadic<AnyType>:$inputs,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$resident,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$resident_results);
  let results = (outs Variadic<AnyType>:$outputs);
  let assemblyFormat = [{
    $callee `(` $inputs `)` (`resident` custom<Indices>($resident)^)? (`keeps` custom<Indices>($resident_results)^)?
    attr-dict `:` functional-type($inputs, $outputs)
  }];
  let hasVerifier = 1;
}

def Spec_TransferOp : Spec_Op<"transfer", [Pure, SameOperandsAndResultType]> {
  let summary = "Make a value that one device produced visible to another";
  let description = [{
    C1: `source` and `target` are not empty and differ. C2: the value is a ranked tensor of static shape, or a scalar, so
    that the volume is known.
  }];
  let arguments = (ins AnyType:$value, StrAttr:$source, StrAttr:$target);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$value `from` $source `to` $target attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def Spec_CommitOp : Spec_Op<"commit", [Pure, AllTypesMatch<["cache", "result"]>]> {
  let summary = "Append new rows to a KV cache at a position";
  let description = [{
    Writes `rows` into `cache` from index `position` on along `dim`. Rows at and after the committed length are dead:
    a rejected draft is rolled back by the position alone, no row is ever erased or copied. `position` is not negative, and
    position + rows must not exceed the cache: beyond that the result is undefined.

    C1: `rows` and `cache` are ranked, of one rank and element type, static. C2: `dim` is within the rank. C3: sizes
    agree in every other dimension, and `rows` has no more than `cache` in `dim`. C4: `position` is an integer, an index or
    an integer tensor of one element.
  }];
  let arguments = (ins AnyRankedTensor:$rows, AnyRankedTensor:$cache, AnyTypeOf<[AnySignlessInteger, Index, AnyRankedTensor]>:$position, I64Attr:$dim);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $rows `into` $cache `at` $position `:` type($position) `dim` $dim attr-dict `:` type($rows) `into` type($cache)
  }];
  let hasVerifier = 1;
}

def Spec_AcceptOp : Spec_Op<"accept", [Pure]> {
  let summary = "Decide how many drafts the target accepts (greedy)";
  let description = [{
    `drafts` are the g drafted tokens, `choices` the g + 1 tokens that the target would have chosen at the same places.
    `count` is 1 + the number of leading drafts that equal the target's choice: that many leading elements of `choices`
    are the tokens of the round (the accepted drafts and one of the target's own).

    C1: both are rank-1 integer tensors of one element type. C2: `choices` has one element more than `drafts`.
  }];
  let arguments = (ins AnyRankedTensor:$drafts, AnyRankedTensor:$choices);
  let results = (outs Index:$count);
  let assemblyFormat = "$drafts `against` $choices attr-dict `:` type($drafts) `,` type($choices)";
  let hasVerifier = 1;
}

def Spec_RoundOp : Spec_Op<"round", [AttrSizedOperandSegments, SingleBlock, RecursiveMemoryEffects]> {
  let summary = "One round of speculative decoding: draft, verify, accept, commit";
  let description = [{
    With g = `draft_length`, t(0) = `last` (the newest token, not in any cache yet) and p = `position` (its position):

      1. draft:  for i in 0..g: t(i+1), draft_states = draft(t(i), p + i, draft_states)
      2. verify: choices, target_states = verify([t(0) .. t(g)], p, target_states), one pass over g + 1 tokens
      3. accept: count = `spec.accept [t(1) .. t(g)] against choices`
      4. commit: a cache's live length becomes p + count; rows behind it are dead. When all drafts were accepted, the
         drafter has not seen t(g): draft(t(g), p + g, draft_states) is run once more for its cache (catch-up).

    The regions themselves put a token's rows into the caches, which are their states; the round only moves the live length.
    Catch-up also runs when there are no draft states (the drafter may keep its cache elsewhere), and not for g = 0. Token ids
    and positions are not negative.

    Results: `tokens` (the leading `count` are the round's output, always what the target alone would have produced; what
    is behind them is dead), `count` (1 .. g + 1), the draft states, the target states. The next round has
    last = tokens[count - 1], position = p + count; p + g + 1 must not exceed the context.
    With `rejection`, draft yields the drafter's distribution [V] in place of a token, verify yields [g + 1, V], and
    `random` holds 2 g + 1 uniform numbers in [0, 1): number i samples draft i, g + i accepts it, 2 g chooses the last token.

    C1: 0 <= `draft_length` <= 64. C2: the draft region is empty if and only if `draft_length` is 0, and then there are no
    draft states. C3: `last` is an integer tensor of one element, `position` an integer, index or integer tensor of one
    element. C4: draft takes (type of `last`, type of `position`, draft states) and yields (token or distribution, draft
    states). C5: verify takes (type of `tokens`, type of `position`, target states) and yields (choices, of the type of
    `tokens`, or distributions, target states). C6: `tokens` is a rank-1 tensor of g + 1 of the element type of `last`.
    C7: `random` is present if and only if accept is `rejection`, and is a float tensor of 2 g + 1 elements.
    C8: results after `count` have the types of the draft states and the target states. C9: the distributions of draft and
    verify are over one vocabulary.
  }];
  let arguments = (ins I64Attr:$draft_length, EnumAttr<Spec_Dialect, Spec_Accept, "accept">:$accept,
                       AnyRankedTensor:$last, AnyType:$position, Optional<AnyRankedTensor>:$random,
                       Variadic<AnyType>:$draft_states, Variadic<AnyType>:$target_states);
  let results = (outs AnyRankedTensor:$tokens, Index:$count, Variadic<AnyType>:$states);
  let regions = (region AnyRegion:$draft, SizedRegion<1>:$verify);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Spec_YieldOp : Spec_Op<"yield", [Pure, Terminator, ReturnLike, ParentOneOf<["RoundOp"]>]> {
  let summary = "End a region of spec.round";
  let arguments = (ins Variadic<AnyType>:$operands);
  let builders = [OpBuilder<(ins), [{ /* nothing */ }]>];
  let assemblyFormat = "attr-dict ($operands^ `:` type($operands))?";
}

//===------------------------------- GPU ops --------------------------------===//

def Spec_KernelOp : Spec_Op<"kernel", [SingleBlock, NoTerminator, NoRegionArguments, RecursiveMemoryEffects]> {
  let summary = "Ops on memrefs that become one kernel, and one dispatch, of a GPU";
  let description = [{
    The ops in it run as they stand, one after another; a buffer that only they use need not exist. C1: they have no results (views
    stand before the op).
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$body attr-dict";
  let hasVerifier = 1;
}

def Spec_LaunchOp : Spec_Op<"launch", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Run a kernel over a grid of workgroups";
  let description = [{
    `groups` workgroups of `workgroup` invocations, each along x, y, z. Buffer i is binding i of the kernel: `lengths[i]` bytes from
    byte `offsets[i]` on. `access[i]` says how it is used: 0 read, 1 written, 2 both. Launches that follow see what this one wrote.

    C1: `kernel` is `@module::@kernel`. C2: `groups` and `workgroup` are three positive numbers each. C3: `offsets`, `lengths` and `access` have an entry for each
    buffer, not negative, positive, and 0 .. 2. C4: buffers are contiguous memrefs.
  }];
  let arguments = (ins SymbolRefAttr:$kernel, DenseI64ArrayAttr:$groups, DenseI64ArrayAttr:$workgroup, Variadic<AnyMemRef>:$buffers,
                       DenseI64ArrayAttr:$offsets, DenseI64ArrayAttr:$lengths, DenseI64ArrayAttr:$access);
  let assemblyFormat = [{
    $kernel `groups` $groups `of` $workgroup `(` ($buffers^ `:` type($buffers))? `)` `offsets` $offsets `lengths` $lengths `access` $access attr-dict
  }];
  let hasVerifier = 1;
}

//===------------------------------ model ops -------------------------------===//

include "SpecModelOps.td"
#endif
