//! The function that runs a kernel on one core or on the pool's.

/// `run(pool, task, args, units, grain)`: the pool is `{context, run}` or null (docs/abi.md).
pub(super) const PARALLEL: &str = r#"
func.func private @spec_parallel(%pool: !llvm.ptr, %task: !llvm.ptr, %args: !llvm.ptr, %units: i64, %grain: i64) {
  %null = llvm.mlir.zero : !llvm.ptr
  %alone = llvm.icmp "eq" %pool, %null : !llvm.ptr
  scf.if %alone {
    %zero = arith.constant 0 : i64
    llvm.call %task(%args, %zero, %units) : !llvm.ptr, (!llvm.ptr, i64, i64) -> ()
  } else {
    %context = llvm.load %pool : !llvm.ptr -> !llvm.ptr
    %slot = llvm.getelementptr %pool[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
    %run = llvm.load %slot : !llvm.ptr -> !llvm.ptr
    llvm.call %run(%context, %task, %args, %units, %grain) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64) -> ()
  }
  return
}
"#;
