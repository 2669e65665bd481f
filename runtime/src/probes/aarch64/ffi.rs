//! Optional features of aarch64: the system's bit that advertises each (Linux, Documentation/arch/arm64/elf_hwcaps.rst) and one of
//! its instructions, as a word, since the assembler takes only those of the target that this crate is built for.

use super::Probe;
use std::arch::asm;

// Of Linux's asm/hwcap.h, which the libc crate does not have.
const HWCAP2_SVE2: libc::c_ulong = 1 << 1;
const HWCAP2_I8MM: libc::c_ulong = 1 << 13;
const HWCAP2_BF16: libc::c_ulong = 1 << 14;

fn has(vector: libc::c_ulong, bits: libc::c_ulong) -> bool {
    // SAFETY: takes and returns a number.
    unsafe { libc::getauxval(vector) & bits == bits }
}

macro_rules! probe {
    ($name:literal, $vector:ident, $bits:expr, $code:literal) => {
        Probe {
            name: $name,
            advertised: || has(libc::$vector, $bits),
            execute: || {
                let mut memory = 0u32;
                // SAFETY: reads and writes the registers named and `memory` only. In a child process: it may raise SIGILL.
                unsafe {
                    asm!(
                        concat!(".inst ", $code), // the instruction's text stands beside the word
                        inout("x0") 0u64 => _, out("x1") _, in("x2") &mut memory, out("v0") _, options(nostack)
                    );
                }
            },
        }
    };
}

/// There is nothing to ask for here.
pub(crate) fn request_tiles() -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

pub(crate) const PROBES: &[Probe] = &[
    // add v0.4s, v0.4s, v0.4s
    probe!("neon", AT_HWCAP, libc::HWCAP_ASIMD, "0x4ea08400"),
    // ldadd w0, w1, [x2]
    probe!("lse", AT_HWCAP, libc::HWCAP_ATOMICS, "0xb8200041"),
    // sqrdmlah v0.4s, v1.4s, v2.4s
    probe!("rdm", AT_HWCAP, libc::HWCAP_ASIMDRDM, "0x6e828420"),
    // fcmla v0.4s, v1.4s, v2.4s, #0
    probe!("complxnum", AT_HWCAP, libc::HWCAP_FCMA, "0x6e82c420"),
    // fadd v0.8h, v0.8h, v0.8h
    probe!(
        "fullfp16",
        AT_HWCAP,
        libc::HWCAP_FPHP | libc::HWCAP_ASIMDHP,
        "0x4e401400"
    ),
    // fmlal v0.4s, v1.4h, v2.4h
    probe!("fp16fml", AT_HWCAP, libc::HWCAP_ASIMDFHM, "0x4e22ec20"),
    // sdot v0.4s, v1.16b, v2.16b
    probe!("dotprod", AT_HWCAP, libc::HWCAP_ASIMDDP, "0x4e829420"),
    // bfdot v0.4s, v1.8h, v2.8h
    probe!("bf16", AT_HWCAP2, HWCAP2_BF16, "0x6e42fc20"),
    // smmla v0.4s, v1.16b, v2.16b
    probe!("i8mm", AT_HWCAP2, HWCAP2_I8MM, "0x4e82a420"),
    // rdvl x0, #1
    probe!("sve", AT_HWCAP, libc::HWCAP_SVE, "0x04bf5020"),
    // sqrdmlah z0.s, z1.s, z2.s
    probe!("sve2", AT_HWCAP2, HWCAP2_SVE2, "0x44827020"),
];
