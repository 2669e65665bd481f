// Parsing, printing and verification of the spec dialect. Constraint numbers (C1 ...) are those of SpecDialect.td.
#include "SpecDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace spec;

//===------------------------------ parameters ------------------------------===//
namespace spec {
static FailureOr<llvm::APFloat> parseF64(AsmParser &parser) {
  double value;
  if (parser.parseFloat(value))
    return failure();
  return llvm::APFloat(value);
}

// `[0, 2 to 5]`: runs of three or more are abbreviated.
static void printIndices(AsmPrinter &printer, ArrayRef<int64_t> indices) {
  printer << "[";
  for (size_t i = 0; i < indices.size();) {
    size_t end = i;
    while (end + 1 < indices.size() && indices[end + 1] == indices[end] + 1)
      ++end;
    if (end < i + 2)
      end = i;
    printer << (i ? ", " : "") << indices[i];
    if (end > i)
      printer << " to " << indices[end];
    i = end + 1;
  }
  printer << "]";
}

static FailureOr<SmallVector<int64_t>> parseIndices(AsmParser &parser) {
  constexpr uint64_t maxIndices = 1 << 20; // a range is short to write: bound what it takes
  SmallVector<int64_t> indices;
  auto element = [&]() -> ParseResult {
    int64_t first, last;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseInteger(first))
      return failure();
    last = first;
    if (succeeded(parser.parseOptionalKeyword("to")) && parser.parseInteger(last))
      return failure();
    if (last < first)
      return parser.emitError(loc) << "the range " << first << " to " << last << " is empty";
    if (uint64_t(last) - uint64_t(first) >= maxIndices - indices.size()) // unsigned: the difference may not fit
      return parser.emitError(loc) << "more than " << maxIndices << " indices";
    for (int64_t n = last - first + 1; n > 0; --n)
      indices.push_back(first++);
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, element))
    return failure();
  return indices;
}
// The custom<Indices> directive of spec.dispatch.
static void printIndices(OpAsmPrinter &printer, Operation *, DenseI64ArrayAttr indices) {
  printIndices(static_cast<AsmPrinter &>(printer), indices.asArrayRef());
}
static ParseResult parseIndices(OpAsmParser &parser, DenseI64ArrayAttr &indices) {
  auto parsed = parseIndices(static_cast<AsmParser &>(parser));
  if (failed(parsed))
    return failure();
  indices = parser.getBuilder().getDenseI64ArrayAttr(*parsed);
  return success();
}
} // namespace spec

#include "SpecDialect.cpp.inc"
#include "SpecEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "SpecAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "SpecOps.cpp.inc"

void SpecDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "SpecAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "SpecOps.cpp.inc"
      >();
  attachBufferization(getContext());
}

//===------------------------------ attributes ------------------------------===//
using EmitError = function_ref<InFlightDiagnostic()>;

LogicalResult PlacementAttr::verify(EmitError emitError, Role, StringRef device, int64_t units, Type dtype) {
  if (device.empty())
    return emitError() << "#spec.placement (C1): 'device' must not be empty";
  if (units < 1)
    return emitError() << "#spec.placement (C2): 'units' must be at least 1, got " << units;
  if (!dtype.isIntOrFloat())
    return emitError() << "#spec.placement (C3): 'dtype' must be an integer or float type, got " << dtype;
  return success();
}

LogicalResult PlanAttr::verify(EmitError emitError, StringRef soc, StringRef host, int64_t draftLength,
                               Strategy strategy, Accept, llvm::APFloat acceptance, StringRef,
                               llvm::APFloat tokensPerSecond, llvm::APFloat speedup, StringRef baseline) {
  if (soc.empty() || host.empty() || baseline.empty())
    return emitError() << "#spec.plan (C1): 'soc', 'host' and 'baseline' must not be empty";
  if (draftLength < 0 || draftLength > 64)
    return emitError() << "#spec.plan (C2): 'draft_length' must be in 0..64, got " << draftLength;
  double a = acceptance.convertToDouble(), t = tokensPerSecond.convertToDouble(), s = speedup.convertToDouble();
  if (!(a >= 0 && a <= 1))
    return emitError() << "#spec.plan (C3): 'acceptance' must be in 0..1, got " << a;
  if (!(std::isfinite(t) && t > 0 && std::isfinite(s) && s > 0))
    return emitError() << "#spec.plan (C4): 'tokens_per_second' and 'speedup' must be finite and positive";
  if ((strategy == Strategy::None) != (draftLength == 0))
    return emitError() << "#spec.plan (C5): 'strategy' is none if and only if 'draft_length' is 0";
  return success();
}

LogicalResult CallAttr::verify(EmitError emitError, StringRef model, Role, int64_t index) {
  if (model.empty())
    return emitError() << "#spec.call (C1): 'model' must not be empty";
  if (index < 0)
    return emitError() << "#spec.call (C2): 'index' must not be negative, got " << index;
  return success();
}

static LogicalResult verifyIndices(EmitError emitError, StringRef name, ArrayRef<int64_t> indices, bool ordered) {
  for (size_t i = 0; i < indices.size(); ++i)
    if (indices[i] < 0 || (ordered && i && indices[i] <= indices[i - 1]))
      return emitError() << "#spec.model (C3): '" << name << "' must be non-negative" << (ordered ? " and increasing" : "");
  return success();
}

LogicalResult ModelAttr::verify(EmitError emitError, StringRef name, Role, int64_t tokens, int64_t vocabulary,
                                int64_t layers, int64_t hidden, int64_t heads, int64_t kvHeads, int64_t headDim,
                                int64_t context, int64_t parameters, int64_t bytes, Type dtype,
                                ArrayRef<int64_t> tokenArgs, ArrayRef<int64_t> positionArgs,
                                ArrayRef<int64_t> cacheArgs, ArrayRef<int64_t> parameterArgs,
                                ArrayRef<int64_t> logitsResults, ArrayRef<int64_t> tokenResults,
                                ArrayRef<int64_t> cacheResults, ArrayRef<int64_t> rowResults) {
  if (name.empty())
    return emitError() << "#spec.model (C1): 'name' must not be empty";
  for (auto [what, size] : {std::pair("tokens", tokens), {"vocabulary", vocabulary}, {"hidden", hidden},
                            {"parameters", parameters}, {"bytes", bytes}})
    if (size < 1)
      return emitError() << "#spec.model (C2): '" << what << "' must be at least 1, got " << size;
  for (auto [what, size] : {std::pair("layers", layers), {"heads", heads}, {"kv_heads", kvHeads},
                            {"head_dim", headDim}, {"context_length", context}})
    if (size < 0)
      return emitError() << "#spec.model (C2): '" << what << "' must not be negative (0 if not found), got " << size;
  if (!dtype.isIntOrFloat())
    return emitError() << "#spec.model (C5): 'dtype' must be an integer or float type, got " << dtype;
  std::pair<StringRef, ArrayRef<int64_t>> lists[] = {
      {"token_args", tokenArgs},       {"position_args", positionArgs},   {"cache_args", cacheArgs},
      {"parameter_args", parameterArgs}, {"logits_results", logitsResults}, {"token_results", tokenResults},
      {"cache_results", cacheResults}, {"row_results", rowResults}};
  for (auto &[listName, list] : lists)
    if (failed(verifyIndices(emitError, listName, list, !listName.starts_with("cache_r") && !listName.starts_with("row_"))))
      return failure();
  for (auto range : {ArrayRef(lists).take_front(4), ArrayRef(lists).drop_front(4)}) {
    llvm::SmallSet<int64_t, 16> seen;
    for (auto &[listName, list] : range)
      for (int64_t i : list)
        if (!seen.insert(i).second)
          return emitError() << "#spec.model (C3): index " << i << " plays two parts, the second in '" << listName << "'";
  }
  return success();
}

// Discardable attributes of the dialect on any op.
LogicalResult SpecDialect::verifyOperationAttribute(Operation *op, NamedAttribute attr) {
  StringRef name = attr.getName();
  auto must = [&](bool ok, StringRef number, StringRef what) -> LogicalResult {
    return ok ? success() : op->emitOpError() << "spec (" << number << "): '" << name << "' must hold " << what;
  };
  if (name == "spec.placement")
    return must(isa<PlacementAttr>(attr.getValue()), "C1", "a #spec.placement attribute");
  if (name == "spec.plan")
    return must(isa<PlanAttr>(attr.getValue()) && isa<ModuleOp>(op), "C2", "a #spec.plan attribute, on a module");
  if (name == "spec.call")
    return must(isa<CallAttr>(attr.getValue()), "C3", "a #spec.call attribute");
  if (name == "spec.role") {
    auto role = dyn_cast<StringAttr>(attr.getValue());
    return must(role && symbolizeRole(role.getValue()), "C4", "\"drafter\" or \"target\"");
  }
  if (name == "spec.model") {
    auto model = dyn_cast<ModelAttr>(attr.getValue());
    auto func = dyn_cast<FunctionOpInterface>(op);
    if (failed(must(model && func, "C5", "a #spec.model attribute, on a function")))
      return failure();
    auto within = [&](StringRef list, ArrayRef<int64_t> indices, int64_t n, StringRef what) -> LogicalResult {
      if (indices.empty() || *llvm::max_element(indices) < n)
        return success();
      return op->emitOpError() << "#spec.model (C4): '" << list << "' holds " << *llvm::max_element(indices)
                               << ", and the function has " << n << " " << what;
    };
    auto arguments = [&](StringRef list, ArrayRef<int64_t> indices) {
      return within(list, indices, func.getNumArguments(), "arguments");
    };
    auto results = [&](StringRef list, ArrayRef<int64_t> indices) {
      return within(list, indices, func.getNumResults(), "results");
    };
    return failure(failed(arguments("token_args", model.getTokenArgs())) ||
                   failed(arguments("position_args", model.getPositionArgs())) ||
                   failed(arguments("cache_args", model.getCacheArgs())) ||
                   failed(arguments("parameter_args", model.getParameterArgs())) ||
                   failed(results("logits_results", model.getLogitsResults())) ||
                   failed(results("token_results", model.getTokenResults())) ||
                   failed(results("cache_results", model.getCacheResults())) ||
                   failed(results("row_results", model.getRowResults())));
  }
  return op->emitOpError() << "spec (C7): '" << name
                           << "' is not an attribute of the spec dialect; there are spec.placement, spec.plan, spec.call, "
                              "spec.role and spec.model";
}

LogicalResult SpecDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned arg, NamedAttribute attr) {
  if (attr.getName() != "spec.bounds")
    return op->emitOpError() << "spec (C7): '" << attr.getName().getValue()
                             << "' is not an argument attribute of the spec dialect; there is spec.bounds";
  auto bounds = dyn_cast<DenseI64ArrayAttr>(attr.getValue());
  auto func = dyn_cast<FunctionOpInterface>(op);
  auto type = func && arg < func.getNumArguments() ? dyn_cast<RankedTensorType>(func.getArgumentTypes()[arg]) : RankedTensorType();
  if (!bounds || !type || bounds.size() != type.getRank())
    return op->emitOpError("spec (C6): 'spec.bounds' must be an array<i64: ...> with one upper bound for each dimension of a ranked tensor argument");
  for (auto [bound, size] : llvm::zip(bounds.asArrayRef(), type.getShape()))
    if (bound < 1 || (!ShapedType::isDynamic(size) && bound != size))
      return op->emitOpError("spec (C6): 'spec.bounds' must be positive, and equal to the size where that is static");
  return success();
}

LogicalResult SpecDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned, NamedAttribute attr) {
  return op->emitOpError() << "spec (C7): '" << attr.getName().getValue() << "' is on a result, where the spec dialect has no attributes";
}

//===--------------------------------- ops ----------------------------------===//
static LogicalResult verifyOpIndices(Operation *op, StringRef name, ArrayRef<int64_t> indices, int64_t n) {
  for (size_t i = 0; i < indices.size(); ++i)
    if (indices[i] < 0 || indices[i] >= n || (i && indices[i] <= indices[i - 1]))
      return op->emitOpError() << "(C3) '" << name << "' must be increasing indices below " << n;
  return success();
}

LogicalResult DispatchOp::verify() {
  if (getCallee().getNestedReferences().size() != 1)
    return emitOpError("(C1) callee must be of the form @device::@function");
  if (failed(verifyOpIndices(*this, "resident", getResident(), getInputs().size())) ||
      failed(verifyOpIndices(*this, "resident_results", getResidentResults(), getOutputs().size())))
    return failure();
  return success();
}

// The device of a device module; empty for any other op.
static StringRef deviceOf(ModuleOp module) {
  auto placement = module ? module->getAttrOfType<PlacementAttr>("spec.placement") : PlacementAttr();
  return placement ? placement.getDevice() : StringRef();
}

LogicalResult DispatchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto device = symbols.lookupNearestSymbolFrom<ModuleOp>(*this, getCallee().getRootReference());
  if (!device || !device->hasAttr("spec.placement"))
    return emitOpError() << "(C1) '" << getCallee().getRootReference().getValue()
                         << "' is not a module with a spec.placement attribute";
  auto callee = symbols.lookupSymbolIn<func::FuncOp>(device, getCallee().getLeafReference());
  if (!callee)
    return emitOpError() << "(C1) " << getCallee() << " is not a function of that device module";
  if (TypeRange(callee.getArgumentTypes()) != TypeRange(getInputs()) ||
      TypeRange(callee.getResultTypes()) != TypeRange(getOutputs()))
    return emitOpError() << "(C2) operand and result types must be those of " << getCallee() << ", "
                         << callee.getFunctionType();
  for (auto [i, input] : llvm::enumerate(getInputs()))
    if (auto other = input.getDefiningOp<DispatchOp>()) {
      auto from = symbols.lookupNearestSymbolFrom<ModuleOp>(other, other.getCallee().getRootReference());
      StringRef there = deviceOf(from), here = deviceOf(device);
      if (there.empty() || there == here)
        continue;
      InFlightDiagnostic d = emitOpError() << "(C4) operand #" << i << " was produced on '" << there
                                           << "' and is used on '" << here << "': put a spec.transfer between";
      d.attachNote(other.getLoc()) << "produced here";
      return d;
    }
  return success();
}

LogicalResult TransferOp::verify() {
  if (getSource().empty() || getTarget().empty() || getSource() == getTarget())
    return emitOpError("(C1) source and target must be two different devices");
  Type type = getValue().getType();
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!(tensor && tensor.hasStaticShape()) && !type.isIntOrIndexOrFloat())
    return emitOpError() << "(C2) can only transfer a scalar or a ranked tensor of static shape, not " << type;
  return success();
}

// A token or a position: an integer tensor of one element.
static bool isOneInteger(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getElementType().isSignlessInteger() && tensor.hasStaticShape() && tensor.getNumElements() == 1;
}

static bool isPosition(Type type) { return isOneInteger(type) || type.isSignlessIntOrIndex(); }

LogicalResult KernelOp::verify() {
  for (Operation &op : *getBody().begin())
    if (op.getNumResults())
      return emitOpError() << "(C1) an op in it has results: " << op.getName();
  return success();
}

LogicalResult LaunchOp::verify() {
  if (getKernel().getNestedReferences().size() != 1)
    return emitOpError("(C1) kernel must be of the form @module::@kernel");
  for (ArrayRef<int64_t> sizes : {getGroups(), getWorkgroup()})
    if (sizes.size() != 3 || llvm::any_of(sizes, [](int64_t n) { return n < 1; }))
      return emitOpError("(C2) groups and workgroup must be three positive numbers each");
  size_t n = getBuffers().size();
  if (getOffsets().size() != n || getLengths().size() != n || getAccess().size() != n)
    return emitOpError() << "(C3) offsets, lengths and access need one entry for each of " << n << " buffers";
  if (llvm::any_of(getOffsets(), [](int64_t v) { return v < 0; }) || llvm::any_of(getLengths(), [](int64_t v) { return v < 1; }) ||
      llvm::any_of(getAccess(), [](int64_t v) { return v < 0 || v > 2; }))
    return emitOpError("(C3) offsets must not be negative, lengths be positive, access be 0, 1 or 2");
  for (Value buffer : getBuffers())
    if (!cast<MemRefType>(buffer.getType()).getLayout().isIdentity())
      return emitOpError() << "(C4) a buffer is not contiguous: " << buffer.getType();
  return success();
}

void LaunchOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (auto [operand, access] : llvm::zip_equal(getBuffersMutable(), getAccess())) {
    if (access != 1)
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
    if (access != 0)
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
  }
}

LogicalResult CommitOp::verify() {
  auto rows = dyn_cast<RankedTensorType>(getRows().getType()), cache = dyn_cast<RankedTensorType>(getCache().getType());
  if (!rows || !cache || rows.getRank() != cache.getRank() || rows.getElementType() != cache.getElementType() ||
      !rows.hasStaticShape() || !cache.hasStaticShape())
    return emitOpError("(C1) rows and cache must be static tensors of one rank and element type");
  int64_t dim = getDim();
  if (dim < 0 || dim >= rows.getRank())
    return emitOpError() << "(C2) dim " << dim << " is outside of the rank " << rows.getRank();
  for (int64_t i = 0; i < rows.getRank(); ++i)
    if (i == dim ? rows.getDimSize(i) > cache.getDimSize(i) : rows.getDimSize(i) != cache.getDimSize(i))
      return emitOpError() << "(C3) rows do not fit into the cache in dimension " << i << ": " << rows << " into " << cache;
  if (!isPosition(getPosition().getType()))
    return emitOpError() << "(C4) 'position' must be an integer, an index or an integer tensor of one element, not "
                         << getPosition().getType();
  return success();
}

static bool isTokenTensor(Type type, int64_t n) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 1 && tensor.getElementType().isSignlessInteger() && tensor.getDimSize(0) == n;
}

LogicalResult AcceptOp::verify() {
  auto drafts = dyn_cast<RankedTensorType>(getDrafts().getType()), choices = dyn_cast<RankedTensorType>(getChoices().getType());
  if (!drafts || !choices || drafts.getRank() != 1 || choices.getRank() != 1 || !drafts.hasStaticShape() ||
      !choices.hasStaticShape() || drafts.getElementType() != choices.getElementType() ||
      !drafts.getElementType().isSignlessInteger())
    return emitOpError("(C1) drafts and choices must be static rank-1 tensors of one integer type");
  if (choices.getDimSize(0) != drafts.getDimSize(0) + 1)
    return emitOpError("(C2) choices must have one element more than drafts");
  return success();
}

LogicalResult RoundOp::verify() {
  int64_t g = getDraftLength();
  if (g < 0 || g > 64)
    return emitOpError() << "(C1) draft_length must be in 0..64, got " << g;
  if (getDraft().empty() != (g == 0) || (g == 0 && !getDraftStates().empty()))
    return emitOpError("(C2) the draft region and draft states are there if and only if draft_length is not 0");
  if (!isOneInteger(getLast().getType()))
    return emitOpError("(C3) 'last' must be an integer tensor of one element");
  if (!isPosition(getPosition().getType()))
    return emitOpError("(C3) 'position' must be an integer, an index or an integer tensor of one element");
  auto tokenType = cast<RankedTensorType>(getLast().getType()).getElementType();
  auto tokens = dyn_cast<RankedTensorType>(getTokens().getType());
  if (!isTokenTensor(getTokens().getType(), g + 1) || tokens.getElementType() != tokenType)
    return emitOpError() << "(C6) 'tokens' must be " << RankedTensorType::get({g + 1}, tokenType);
  SmallVector<Type> states(getDraftStates().getTypes());
  llvm::append_range(states, getTargetStates().getTypes());
  if (SmallVector<Type>(getStates().getTypes()) != states)
    return emitOpError("(C8) results must end with the types of the draft states and the target states");
  bool rejection = getAccept() == Accept::Rejection;
  if (rejection != bool(getRandom()))
    return emitOpError("(C7) 'random' is there if and only if accept is rejection");
  if (rejection) {
    auto random = dyn_cast<RankedTensorType>(getRandom().getType());
    if (!random || random.getRank() != 1 || random.getDimSize(0) != 2 * g + 1 || !isa<FloatType>(random.getElementType()))
      return emitOpError() << "(C7) 'random' must be a float tensor of " << 2 * g + 1 << " elements";
  }
  return success();
}

// One region: block arguments are (first, position, states), the terminator yields (what, states).
static LogicalResult verifyRoundRegion(RoundOp op, Region &region, StringRef name, StringRef number, Type first,
                                       TypeRange states, function_ref<bool(Type)> isOutput, StringRef what) {
  StringRef whose = name == "draft" ? "draft" : "target";
  Block &block = region.front();
  SmallVector<Type> expected = {first, op.getPosition().getType()};
  llvm::append_range(expected, states);
  if (SmallVector<Type>(block.getArgumentTypes()) != expected)
    return op.emitOpError() << "(" << number << ") the " << name << " region must take " << first << ", "
                            << op.getPosition().getType() << " and the " << states.size() << " " << whose << " states";
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield)
    return op.emitOpError() << "(" << number << ") the " << name << " region must end in spec.yield";
  TypeRange yielded = yield.getOperandTypes();
  if (yielded.size() != states.size() + 1 || !isOutput(yielded.front()) || yielded.drop_front() != states)
    return yield.emitOpError() << "(" << number << ") the " << name << " region must yield " << what << " and the "
                               << states.size() << " " << whose << " states";
  return success();
}

LogicalResult RoundOp::verifyRegions() {
  int64_t g = getDraftLength();
  Type last = getLast().getType();
  bool rejection = getAccept() == Accept::Rejection;
  auto distribution = [](Type type, ArrayRef<int64_t> leading) {
    auto t = dyn_cast<RankedTensorType>(type);
    return t && isa<FloatType>(t.getElementType()) && t.hasStaticShape() &&
           t.getRank() == int64_t(leading.size()) + 1 && t.getShape().drop_back() == leading && t.getShape().back() > 0;
  };
  if (!getDraft().empty() &&
      failed(verifyRoundRegion(*this, getDraft(), "draft", "C4", last, getDraftStates().getTypes(),
                               [&](Type t) { return rejection ? distribution(t, {}) : t == last; },
                               rejection ? "a distribution over the vocabulary" : "a token")))
    return failure();
  if (failed(verifyRoundRegion(*this, getVerify(), "verify", "C5", getTokens().getType(), getTargetStates().getTypes(),
                               [&](Type t) { return rejection ? distribution(t, {g + 1}) : t == getTokens().getType(); },
                               rejection ? "draft_length + 1 distributions" : "choices of the type of 'tokens'")))
    return failure();
  if (getDraft().empty() || !rejection)
    return success();
  auto vocabulary = [](Region &region) {
    return cast<RankedTensorType>(region.front().getTerminator()->getOperand(0).getType()).getShape().back();
  };
  int64_t drafter = vocabulary(getDraft()), target = vocabulary(getVerify());
  if (drafter != target)
    return emitOpError() << "(C9) the drafter's distributions are over " << drafter << " tokens, the target's over " << target;
  return success();
}

// spec.round greedy draft_length 4 last(%t : T) position(%p : P) draft(%a : A) {...} verify(%b : B) {...} : tensor<5xi64>
static ParseResult parseStates(OpAsmParser &parser, SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands,
                               SmallVectorImpl<Type> &types) {
  if (parser.parseLParen())
    return failure();
  if (succeeded(parser.parseOptionalRParen()))
    return success();
  return failure(parser.parseOperandList(operands) || parser.parseColonTypeList(types) || parser.parseRParen());
}

ParseResult RoundOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &b = parser.getBuilder();
  StringRef accept;
  SMLoc loc = parser.getCurrentLocation();
  int64_t length;
  if (parser.parseKeyword(&accept))
    return failure();
  auto kind = symbolizeAccept(accept);
  if (!kind)
    return parser.emitError(loc) << "expected greedy or rejection, got '" << accept << "'";
  if (parser.parseKeyword("draft_length") || parser.parseInteger(length))
    return failure();
  result.getOrAddProperties<Properties>().accept = AcceptAttr::get(b.getContext(), *kind);
  result.getOrAddProperties<Properties>().draft_length = b.getI64IntegerAttr(length);

  SmallVector<OpAsmParser::UnresolvedOperand> operands[5];
  SmallVector<Type> types[5];
  if (parser.parseKeyword("last") || parseStates(parser, operands[0], types[0]) || parser.parseKeyword("position") ||
      parseStates(parser, operands[1], types[1]))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("random")) && parseStates(parser, operands[2], types[2]))
    return failure();
  Region *draft = result.addRegion(), *verify = result.addRegion();
  if (succeeded(parser.parseOptionalKeyword("draft")) &&
      (parseStates(parser, operands[3], types[3]) || parser.parseRegion(*draft)))
    return failure();
  if (parser.parseKeyword("verify") || parseStates(parser, operands[4], types[4]) || parser.parseRegion(*verify))
    return failure();
  Type tokens;
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes) || parser.parseColonType(tokens))
    return failure();
  if (operands[0].size() != 1 || operands[1].size() != 1 || operands[2].size() > 1)
    return parser.emitError(loc) << "last and position take one operand each, random at most one";
  result.addTypes({tokens, b.getIndexType()});
  auto &segments = result.getOrAddProperties<Properties>().operandSegmentSizes;
  for (int i = 0; i < 5; ++i) {
    segments[i] = operands[i].size();
    if (parser.resolveOperands(operands[i], types[i], loc, result.operands))
      return failure();
    if (i >= 3)
      result.addTypes(types[i]);
  }
  return success();
}

void RoundOp::print(OpAsmPrinter &p) {
  auto group = [&](StringRef name, OperandRange values) {
    p << " " << name << "(";
    if (!values.empty())
      p << values << " : " << values.getTypes();
    p << ")";
  };
  p << " " << stringifyAccept(getAccept()) << " draft_length " << getDraftLength();
  group("last", getODSOperands(0));
  group("position", getODSOperands(1));
  if (getRandom())
    group("random", getODSOperands(2));
  if (!getDraft().empty()) {
    group("draft", getDraftStates());
    p << " ";
    p.printRegion(getDraft());
  }
  group("verify", getTargetStates());
  p << " ";
  p.printRegion(getVerify());
  p.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {"accept", "draft_length", "operandSegmentSizes"});
  p << " : " << getTokens().getType();
}
