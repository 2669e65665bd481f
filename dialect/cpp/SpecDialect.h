// The spec dialect in C++: generated classes only. See SpecDialect.td.
#pragma once
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "SpecDialect.h.inc"
#include "SpecEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "SpecAttrs.h.inc"
#define GET_OP_CLASSES
#include "SpecOps.h.inc"

namespace spec {
// Lets one-shot-bufferize see through the model ops.
void attachBufferization(mlir::MLIRContext *ctx);
} // namespace spec
