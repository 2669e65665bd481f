// Verification, memory effects and bufferization of the model ops. Constraint numbers are those of SpecModelOps.td.
#include "SpecDialect.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace spec;

//===------------------------------- verification ---------------------------===//
static ArrayRef<int64_t> shapeOf(Value v) { return cast<ShapedType>(v.getType()).getShape(); }
static Type elementOf(Value v) { return cast<ShapedType>(v.getType()).getElementType(); }
static bool isFloat(Value v) { return elementOf(v).isF32() || elementOf(v).isF16() || elementOf(v).isBF16(); }
static bool hasShape(Value v, ArrayRef<int64_t> shape) { return shapeOf(v) == shape; }

// What all model ops share: static shapes, one world (tensors or memrefs), the result.
static LogicalResult verifyModelOp(Operation *op) {
  auto dps = cast<DestinationStyleOpInterface>(op);
  Value init = dps.getDpsInits().front();
  bool tensors = isa<RankedTensorType>(init.getType());
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    if (auto shaped = dyn_cast<ShapedType>(operand.getType())) {
      if (!shaped.hasStaticShape())
        return op->emitOpError() << "(C1) operand #" << i << " must have a static shape, not " << shaped;
      if (isa<RankedTensorType>(shaped) != tensors)
        return op->emitOpError("(C9) operands must be all tensors or all memrefs");
    }
  if (op->getNumResults() != size_t(tensors) || (tensors && op->getResult(0).getType() != init.getType()))
    return op->emitOpError("(C9) there is one result, of the type of init, for tensors, and none for memrefs");
  return success();
}

static LogicalResult requireFloats(Operation *op, StringRef number, ArrayRef<Value> values) {
  for (Value v : values)
    if (v && !isFloat(v))
      return op->emitOpError() << "(" << number << ") expects f32, f16 or bf16, not " << elementOf(v);
  return success();
}

// The constraints that a weight breaks: spec.linear numbers them one by one.
struct WeightNumbers {
  StringRef shape = "C2", scale = "C3", group = "C5";
};

// A weight or a table of [rows, columns] in its format.
static LogicalResult verifyWeight(Operation *op, Value weight, Value scale, Format format, int64_t group, Layout layout, int64_t rows,
                                  int64_t columns, WeightNumbers number = {}) {
  auto error = [op](StringRef number) { return op->emitOpError() << "(" << number << ") "; };
  if (format == Format::Dense) {
    if (group != 0)
      return error(number.group) << "a dense weight has no groups";
    if (scale)
      return error(number.scale) << "a dense weight has no scale";
    auto expected = layout == Layout::OutIn ? SmallVector<int64_t>{rows, columns} : SmallVector<int64_t>{columns, rows};
    if (!hasShape(weight, expected) || !isFloat(weight))
      return error(number.shape) << "the weight must be " << expected[0] << "x" << expected[1] << " floats, not " << weight.getType();
    return success();
  }
  if (layout != Layout::OutIn)
    return error("C6") << "a quantised weight must be out_in";
  if ((group != 0 && group != 32 && group != 64) || (group == 0 && format == Format::I4))
    return error(number.group) << "group must be 32 or 64, or 0 (a scale for each row) for i8, not " << group;
  if (group != 0 && columns % group != 0)
    return error(number.group) << "groups of " << group << " do not divide " << columns;
  SmallVector<int64_t> stored = {rows, format == Format::I4 ? columns / 2 : columns};
  if (!hasShape(weight, stored) || !elementOf(weight).isSignlessInteger(8))
    return error(number.shape) << "the weight must be " << stored[0] << "x" << stored[1] << "xi8, not " << weight.getType();
  SmallVector<int64_t> scales = {rows};
  if (group != 0)
    scales.push_back(columns / group);
  if (!scale || !hasShape(scale, scales) || !(elementOf(scale).isF32() || elementOf(scale).isF16())) {
    auto d = error(number.scale) << "a quantised weight needs a scale of " << rows;
    if (group != 0)
      d << "x" << columns / group;
    return d << " f32 or f16 numbers";
  }
  return success();
}

LogicalResult LinearOp::verify() {
  if (failed(verifyModelOp(*this)))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX()), y = shapeOf(getInit());
  if (x.size() != 2 || y.size() != 2 || x[0] != y[0])
    return emitOpError("(C1) x must be [M, K] and init [M, N]");
  if (failed(verifyWeight(*this, getWeight(), getScale(), getFormat(), getGroup(), getLayout(), y[1], x[1])))
    return failure();
  if (getBias() && !hasShape(getBias(), {y[1]}))
    return emitOpError() << "(C4) bias must have " << y[1] << " elements, not " << getBias().getType();
  if (getActivations() == Activations::Int8 && getFormat() == Format::Dense)
    return emitOpError("(C7) int8 activations need a quantised weight");
  return requireFloats(*this, "C8", {getX(), getInit(), getBias()});
}

LogicalResult NormOp::verify() {
  if (failed(verifyModelOp(*this)))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX());
  if (x.size() != 2 || shapeOf(getInit()) != x || !hasShape(getWeight(), {x[1]}) || (getBias() && !hasShape(getBias(), {x[1]})))
    return emitOpError("(C1) x and init must be [R, N], weight and bias [N]");
  if (!(getEps().convertToFloat() >= 0))
    return emitOpError("(C2) eps must not be negative");
  return requireFloats(*this, "C3", {getX(), getWeight(), getBias(), getInit()});
}

LogicalResult RopeOp::verify() {
  if (failed(verifyModelOp(*this)))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX());
  if (x.size() != 3 || shapeOf(getInit()) != x || x[2] % 2 != 0)
    return emitOpError("(C1) x and init must be [A, B, D] with an even D");
  if (getTokenDim() != 0 && getTokenDim() != 1)
    return emitOpError() << "(C2) token_dim must be 0 or 1, not " << int64_t(getTokenDim());
  SmallVector<int64_t> angles = {x[getTokenDim()], x[2] / 2};
  if (!hasShape(getCos(), angles) || !hasShape(getSin(), angles))
    return emitOpError() << "(C2) cos and sin must be " << angles[0] << "x" << angles[1];
  return requireFloats(*this, "C3", {getX(), getCos(), getSin(), getInit()});
}

LogicalResult AttentionOp::verify() {
  if (failed(verifyModelOp(*this)))
    return failure();
  ArrayRef<int64_t> q = shapeOf(getQ()), k = shapeOf(getK());
  if (q.size() != 3 || shapeOf(getInit()) != q)
    return emitOpError("(C1) q and init must be [H, M, D]");
  bool headMajor = getKvLayout() == KvLayout::HeadMajor;
  if (k.size() != 3 || shapeOf(getV()) != k || k[2] != q[2] || k[headMajor ? 0 : 1] == 0 || q[0] % k[headMajor ? 0 : 1] != 0)
    return emitOpError() << "(C2) k and v must be " << (headMajor ? "[KV, C, D]" : "[C, KV, D]") << ", and KV must divide H";
  int64_t heads = k[headMajor ? 0 : 1], rows = k[headMajor ? 1 : 0];
  if (bool(getKNew()) != bool(getVNew()))
    return emitOpError("(C3) k_new and v_new are there together or not at all");
  SmallVector<int64_t> fresh = headMajor ? SmallVector<int64_t>{heads, q[1], q[2]} : SmallVector<int64_t>{q[1], heads, q[2]};
  if (getKNew() && (!hasShape(getKNew(), fresh) || !hasShape(getVNew(), fresh)))
    return emitOpError() << "(C2) new rows must be " << (headMajor ? "[KV, M, D]" : "[M, KV, D]");
  if (bool(getPosition()) == bool(getMask()))
    return emitOpError("(C4) needs a position or a mask, and not both");
  int64_t visible = rows + (getKNew() ? q[1] : 0);
  if (getMask() && !hasShape(getMask(), {q[1], visible}))
    return emitOpError() << "(C5) mask must be " << q[1] << "x" << visible;
  if (!(getSoftcap().convertToFloat() >= 0))
    return emitOpError("(C6) softcap must not be negative");
  return requireFloats(*this, "C7", {getQ(), getK(), getV(), getKNew(), getVNew(), getMask(), getInit()});
}

LogicalResult ActivationOp::verify() {
  if (failed(verifyModelOp(*this)))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX());
  if (x.size() != 2 || shapeOf(getInit()) != x || (getUp() && shapeOf(getUp()) != x))
    return emitOpError("(C1) x, the gated operand and init must have one shape [R, N]");
  return requireFloats(*this, "C2", {getX(), getUp(), getInit()});
}

static bool isId(Type type) { return type.isSignlessInteger(32) || type.isSignlessInteger(64); }

LogicalResult EmbeddingOp::verify() {
  if (failed(verifyModelOp(*this)))
    return failure();
  ArrayRef<int64_t> ids = shapeOf(getIds()), y = shapeOf(getInit()), table = shapeOf(getTable());
  if (ids.size() != 1 || !isId(elementOf(getIds())) || y.size() != 2 || y[0] != ids[0] || table.size() != 2)
    return emitOpError("(C1) ids must be [M] of i32 or i64, the table [V, N] and init [M, N]");
  if (failed(verifyWeight(*this, getTable(), getScale(), getFormat(), getGroup(), Layout::OutIn, table[0], y[1], {"C2", "C2", "C2"})))
    return failure();
  return requireFloats(*this, "C3", {getInit()});
}

LogicalResult ArgmaxOp::verify() {
  if (failed(verifyModelOp(*this)))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX());
  if (x.size() != 2 || !hasShape(getInit(), {x[0]}) || !isId(elementOf(getInit())) || !isFloat(getX()))
    return emitOpError("(C1) x must be [M, V] of f32, f16 or bf16, init [M] of i32 or i64");
  return success();
}

//===------------------------------ memory effects --------------------------===//
// None on tensors; on memrefs, inputs are read and init is written.
static void effectsOf(Operation *op, SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  auto dps = cast<DestinationStyleOpInterface>(op);
  for (OpOperand &operand : op->getOpOperands())
    if (isa<MemRefType>(operand.get().getType())) {
      if (dps.isDpsInit(&operand))
        effects.emplace_back(MemoryEffects::Write::get(), &operand, SideEffects::DefaultResource::get());
      else
        effects.emplace_back(MemoryEffects::Read::get(), &operand, SideEffects::DefaultResource::get());
    }
}
#define SPEC_MODEL_OPS LinearOp, NormOp, RopeOp, AttentionOp, ActivationOp, EmbeddingOp, ArgmaxOp
#define SPEC_EFFECTS(OP)                                                                                                 \
  void OP::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &e) { effectsOf(*this, e); }
SPEC_EFFECTS(LinearOp)
SPEC_EFFECTS(NormOp)
SPEC_EFFECTS(RopeOp)
SPEC_EFFECTS(AttentionOp)
SPEC_EFFECTS(ActivationOp)
SPEC_EFFECTS(EmbeddingOp)
SPEC_EFFECTS(ArgmaxOp)

//===------------------------------- bufferization --------------------------===//
namespace {
// The same op on memrefs: init is overwritten in place, and never read.
template <typename OpTy>
struct Bufferizable : bufferization::DstBufferizableOpInterfaceExternalModel<Bufferizable<OpTy>, OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const bufferization::AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }
  // An element of the result may depend on any element of an input: they may not share a buffer.
  bool bufferizesToElementwiseAccess(Operation *, const bufferization::AnalysisState &, ArrayRef<OpOperand *>) const { return false; }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const bufferization::BufferizationOptions &options,
                          bufferization::BufferizationState &state) const {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (isa<TensorType>(operand.getType())) {
        FailureOr<Value> buffer = bufferization::getBuffer(rewriter, operand, options, state);
        if (failed(buffer))
          return failure();
        operand = *buffer;
      }
      operands.push_back(operand);
    }
    Value init = operands[cast<DestinationStyleOpInterface>(op).getDpsInitOperand(0)->getOperandNumber()];
    rewriter.setInsertionPoint(op);
    OperationState built(op->getLoc(), op->getName(), operands, TypeRange(),
                         llvm::to_vector(op->getDiscardableAttrs()));
    built.propertiesAttr = op->getPropertiesAsAttribute();
    rewriter.create(built);
    bufferization::replaceOpWithBufferizedValues(rewriter, op, init);
    return success();
  }
};

template <typename... Ops>
void attach(MLIRContext *ctx) {
  (Ops::template attachInterface<Bufferizable<Ops>>(*ctx), ...);
}
} // namespace

void spec::attachBufferization(MLIRContext *ctx) { attach<SPEC_MODEL_OPS>(ctx); }
