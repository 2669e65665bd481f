//! Loops of fused multiply-adds in the widest vectors of this processor.
#![allow(unsafe_code)]

/// Sums that are independent of each other: enough to hide the latency of two units.
const SUMS: usize = 12;

/// Peak loops of one instruction set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loop {
    /// What it uses, for the source of the number.
    pub(super) name: &'static str,
    /// Floating-point (or integer) operations of an iteration.
    pub(super) operations: u64,
    run: fn(u64) -> f64,
}

impl Loop {
    /// Runs `iterations` iterations; the result depends on all of them.
    pub(super) fn run(&self, iterations: u64) -> f64 {
        (self.run)(iterations)
    }
}

/// A loop over arrays of one vector each; `$add` is one fused multiply-add.
macro_rules! fma_loop {
    ($(#[$feature:meta])? $name:ident, $zero:expr, $splat:expr, $fma:expr, $first:expr) => {
        $(#[$feature])?
        fn $name(iterations: u64) -> f64 {
            let (a, b) = ($splat(0.999_999), $splat(1e-6));
            let mut sums = [$zero; SUMS];
            for _ in 0..iterations {
                for sum in &mut sums {
                    *sum = $fma(*sum, a, b);
                }
            }
            let mut total = 0.0;
            for sum in sums {
                total += f64::from($first(std::hint::black_box(sum)));
            }
            total
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::SUMS;
    use std::arch::x86_64::*;

    fma_loop!(
        #[target_feature(enable = "avx512f")]
        f32_512,
        _mm512_setzero_ps(),
        _mm512_set1_ps,
        |s, a, b| _mm512_fmadd_ps(s, a, b),
        |v| _mm512_cvtss_f32(v)
    );
    fma_loop!(
        #[target_feature(enable = "avx2,fma")]
        f32_256,
        _mm256_setzero_ps(),
        _mm256_set1_ps,
        |s, a, b| _mm256_fmadd_ps(s, a, b),
        |v| _mm256_cvtss_f32(v)
    );

    pub(super) fn avx512(iterations: u64) -> f64 {
        // SAFETY: `loops` offers this function only where the processor has the feature.
        unsafe { f32_512(iterations) }
    }

    pub(super) fn avx2(iterations: u64) -> f64 {
        // SAFETY: as above.
        unsafe { f32_256(iterations) }
    }

    /// Signed dot products of four bytes.
    #[target_feature(enable = "avx512f,avx512vnni")]
    fn dots(iterations: u64) -> f64 {
        let a = _mm512_set1_epi8(1);
        let mut sums = [_mm512_setzero_si512(); SUMS];
        for _ in 0..iterations {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, a, a);
            }
        }
        let mut total = 0.0;
        for sum in sums {
            total += f64::from(_mm512_cvtsi512_si32(std::hint::black_box(sum)));
        }
        total
    }

    pub(super) fn vnni(iterations: u64) -> f64 {
        // SAFETY: as above.
        unsafe { dots(iterations) }
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::SUMS;
    use std::arch::aarch64::*;

    fma_loop!(
        #[target_feature(enable = "neon")]
        f32_128,
        vdupq_n_f32(0.0),
        vdupq_n_f32,
        |s, a, b| vfmaq_f32(b, s, a),
        |v| vgetq_lane_f32::<0>(v)
    );

    pub(super) fn neon(iterations: u64) -> f64 {
        // SAFETY: every aarch64 processor that runs Linux has NEON.
        unsafe { f32_128(iterations) }
    }
}

/// Without vectors that are known here.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fma_loop!(
    scalar,
    0.0_f32,
    |x: f32| x,
    |s: f32, a: f32, b: f32| s * a + b,
    |v| v
);

/// The loop for f32 on this processor, as far as `usable` (LLVM's names of features) allows.
pub(super) fn float_loop(usable: &dyn Fn(&str) -> bool) -> Loop {
    let lanes = |n: u64| 2 * n * SUMS as u64;
    #[cfg(target_arch = "x86_64")]
    {
        if usable("avx512f") && is_x86_feature_detected!("avx512f") {
            let name = "AVX-512 fused multiply-adds";
            return Loop {
                name,
                operations: lanes(16),
                run: x86::avx512,
            };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            let name = "AVX2 fused multiply-adds";
            return Loop {
                name,
                operations: lanes(8),
                run: x86::avx2,
            };
        }
        Loop {
            name: "scalar multiply-adds",
            operations: lanes(1),
            run: plain,
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        let _ = usable;
        Loop {
            name: "NEON fused multiply-adds",
            operations: lanes(4),
            run: arm::neon,
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let _ = usable;
        Loop {
            name: "scalar multiply-adds",
            operations: lanes(1),
            run: scalar,
        }
    }
}

#[cfg(target_arch = "x86_64")]
fma_loop!(
    plain,
    0.0_f32,
    |x: f32| x,
    |s: f32, a: f32, b: f32| s * a + b,
    |v| v
);

/// The loop for dot products of bytes, where the processor has an instruction for them that can be used here.
pub(super) fn byte_loop(usable: &dyn Fn(&str) -> bool) -> Option<Loop> {
    #[cfg(target_arch = "x86_64")]
    if usable("avx512vnni") && is_x86_feature_detected!("avx512vnni") {
        let name = "AVX-512 VNNI dot products";
        let operations = 2 * 64 * SUMS as u64;
        return Some(Loop {
            name,
            operations,
            run: x86::vnni,
        });
    }
    let _ = usable;
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loop_computes() {
        // sum = sum * 0.999999 + 1e-6 tends to 1
        let float = float_loop(&|_| true);
        let few = float.run(10) / SUMS as f64;
        let many = float.run(20_000_000) / SUMS as f64;
        assert!((few - 1e-5).abs() < 1e-7, "{few}");
        assert!((many - 1.0).abs() < 0.1, "{many}");
        assert!(float_loop(&|_| false).run(10) > 0.0);
        if let Some(bytes) = byte_loop(&|_| true) {
            assert_eq!(bytes.run(10), 10.0 * 4.0 * SUMS as f64);
        }
    }
}
