//! Optional features of x86-64: the bit of `cpuid` that advertises each (Intel, Software Developer's Manual, volume 2A, CPUID;
//! Instruction Set Extensions Programming Reference, table 1-5) and one of its instructions.

use super::Probe;
use core::arch::x86_64::__cpuid_count;
use std::arch::asm;

#[derive(Clone, Copy)]
enum Register {
    Eax,
    Ebx,
    Ecx,
    Edx,
}
use Register::{Eax, Ebx, Ecx, Edx};

/// A bit of `cpuid`; false if the leaf is not there.
fn cpuid(leaf: u32, subleaf: u32, register: Register, bit: u32) -> bool {
    let basic = __cpuid_count(leaf & 0x8000_0000, 0).eax;
    if leaf > basic || (subleaf > 0 && subleaf > __cpuid_count(leaf, 0).eax) {
        return false;
    }
    let found = __cpuid_count(leaf, subleaf);
    let word = match register {
        Eax => found.eax,
        Ebx => found.ebx,
        Ecx => found.ecx,
        Edx => found.edx,
    };
    word >> bit & 1 == 1
}

macro_rules! probe {
    ($name:literal, $leaf:literal, $subleaf:literal, $register:ident, $bit:literal, $code:literal) => {
        Probe {
            name: $name,
            advertised: || cpuid($leaf, $subleaf, $register, $bit),
            // SAFETY: reads and writes the registers named only. In a child process: it may raise SIGILL.
            execute: || unsafe {
                asm!($code, out("eax") _, out("xmm0") _, options(nostack, readonly));
            },
        }
    };
}

macro_rules! amx {
    ($name:literal, $leaf:literal, $subleaf:literal, $register:ident, $bit:literal, $code:literal) => {
        Probe {
            name: $name,
            advertised: || cpuid($leaf, $subleaf, $register, $bit),
            execute: || {
                let configuration = tiles();
                // SAFETY: reads 64 bytes; tile registers are used by nothing else. In a child process: it may raise SIGILL.
                unsafe {
                    asm!(
                        "ldtilecfg [{}]", $code, "tilerelease",
                        in(reg) &configuration, options(nostack, readonly)
                    );
                }
            },
        }
    };
}

/// Asks the system for the right to use tile registers, for this process and its children (Linux, Documentation/arch/x86/xstate.rst).
/// Without it their first use raises SIGILL.
pub(crate) fn request_tiles() -> std::io::Result<()> {
    const ARCH_REQ_XCOMP_PERM: i32 = 0x1023;
    const XFEATURE_XTILEDATA: i32 = 18;
    // SAFETY: a system call that takes no pointers.
    let failed = unsafe {
        libc::syscall(
            libc::SYS_arch_prctl,
            ARCH_REQ_XCOMP_PERM,
            XFEATURE_XTILEDATA,
        )
    };
    if failed == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}

/// Three tiles of 16 rows of 64 bytes.
fn tiles() -> [u8; 64] {
    let mut configuration = [0; 64];
    configuration[0] = 1; // palette
    for tile in 0..3 {
        configuration[16 + 2 * tile] = 64;
        configuration[48 + tile] = 16;
    }
    configuration
}

pub(crate) const PROBES: &[Probe] = &[
    probe!("sse4.2", 1, 0, Ecx, 20, "pcmpgtq xmm0, xmm0"),
    probe!("movbe", 1, 0, Ecx, 22, "movbe eax, dword ptr [rsp]"),
    probe!("popcnt", 1, 0, Ecx, 23, "popcnt eax, eax"),
    probe!("lzcnt", 0x8000_0001, 0, Ecx, 5, "lzcnt eax, eax"),
    probe!("bmi", 7, 0, Ebx, 3, "andn eax, eax, eax"),
    probe!("bmi2", 7, 0, Ebx, 8, "pdep eax, eax, eax"),
    probe!("avx", 1, 0, Ecx, 28, "vaddps ymm0, ymm0, ymm0"),
    probe!("f16c", 1, 0, Ecx, 29, "vcvtph2ps ymm0, xmm0"),
    probe!("fma", 1, 0, Ecx, 12, "vfmadd231ps ymm0, ymm0, ymm0"),
    probe!("avx2", 7, 0, Ebx, 5, "vpaddd ymm0, ymm0, ymm0"),
    probe!("avxvnni", 7, 1, Eax, 4, "{{vex}} vpdpbusd ymm0, ymm0, ymm0"),
    probe!(
        "avxifma",
        7,
        1,
        Eax,
        23,
        "{{vex}} vpmadd52luq ymm0, ymm0, ymm0"
    ),
    probe!("avxvnniint8", 7, 1, Edx, 4, "vpdpbssd ymm0, ymm0, ymm0"),
    probe!("avxvnniint16", 7, 1, Edx, 10, "vpdpwsud ymm0, ymm0, ymm0"),
    probe!("gfni", 7, 0, Ecx, 8, "gf2p8mulb xmm0, xmm0"),
    probe!("vaes", 7, 0, Ecx, 9, "vaesenc ymm0, ymm0, ymm0"),
    probe!(
        "vpclmulqdq",
        7,
        0,
        Ecx,
        10,
        "vpclmulqdq ymm0, ymm0, ymm0, 0"
    ),
    probe!("avx512f", 7, 0, Ebx, 16, "vpaddd zmm0, zmm0, zmm0"),
    probe!("avx512dq", 7, 0, Ebx, 17, "vpmullq zmm0, zmm0, zmm0"),
    probe!("avx512cd", 7, 0, Ebx, 28, "vplzcntd zmm0, zmm0"),
    probe!("avx512bw", 7, 0, Ebx, 30, "vpaddb zmm0, zmm0, zmm0"),
    probe!("avx512vl", 7, 0, Ebx, 31, "vprold ymm0, ymm0, 1"),
    probe!("avx512ifma", 7, 0, Ebx, 21, "vpmadd52luq zmm0, zmm0, zmm0"),
    probe!("avx512vbmi", 7, 0, Ecx, 1, "vpermb zmm0, zmm0, zmm0"),
    probe!("avx512vbmi2", 7, 0, Ecx, 6, "vpshldw zmm0, zmm0, zmm0, 1"),
    probe!("avx512vnni", 7, 0, Ecx, 11, "vpdpbusd zmm0, zmm0, zmm0"),
    probe!("avx512bitalg", 7, 0, Ecx, 12, "vpopcntb zmm0, zmm0"),
    probe!("avx512vpopcntdq", 7, 0, Ecx, 14, "vpopcntd zmm0, zmm0"),
    probe!("avx512bf16", 7, 1, Eax, 5, "vdpbf16ps zmm0, zmm0, zmm0"),
    probe!("avx512fp16", 7, 0, Edx, 23, "vaddph zmm0, zmm0, zmm0"),
    amx!("amx-tile", 7, 0, Edx, 24, "tilezero tmm0"),
    amx!("amx-int8", 7, 0, Edx, 25, "tdpbssd tmm0, tmm1, tmm2"),
    amx!("amx-bf16", 7, 0, Edx, 22, "tdpbf16ps tmm0, tmm1, tmm2"),
    amx!("amx-fp16", 7, 1, Eax, 21, "tdpfp16ps tmm0, tmm1, tmm2"),
];
