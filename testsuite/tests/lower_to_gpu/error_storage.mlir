// arg: --spec-lower-to-gpu=invocations=256 shared-bytes=16384 bindings=16
// A device without 16-bit storage cannot write halves.
func.func @f(%x: memref<1x64xf16>, %g: memref<64xf16>, %y: memref<1x64xf16>) {
  spec.norm rms eps 1.0e-05 ins(%x, %g : memref<1x64xf16>, memref<64xf16>) outs(%y : memref<1x64xf16>)
  return
}
