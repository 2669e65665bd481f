//! What a core can do.

use std::collections::BTreeSet;

/// Instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 64-bit Arm.
    Aarch64,
}

/// An instruction-set extension that changes which kernel is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
    /// VPDPBUSD on 512-bit vectors.
    Vnni,
    /// VPDPBUSD on 256-bit vectors.
    AvxVnni,
    /// Arm SDOT and UDOT.
    Dotprod,
    /// Arm half-precision arithmetic.
    Fp16,
    /// Arm BFDOT, BFMLAL or AVX512_BF16.
    Bf16,
    /// Arm SMMLA.
    I8mm,
}

impl Feature {
    /// All of them, with their names in options of passes and in device files.
    pub const NAMES: [(&'static str, Feature); 7] = [
        ("avx512", Feature::Avx512),
        ("vnni", Feature::Vnni),
        ("avxvnni", Feature::AvxVnni),
        ("dotprod", Feature::Dotprod),
        ("fp16", Feature::Fp16),
        ("bf16", Feature::Bf16),
        ("i8mm", Feature::I8mm),
    ];

    /// The extension of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(n, _)| *n == name);
        found.map(|(_, feature)| *feature)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, f)| *f == self);
        found.map_or("", |(name, _)| name)
    }
}

impl Arch {
    /// Its name in options of passes, and in LLVM's triples.
    pub fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Aarch64 => "aarch64",
        }
    }

    /// The instruction set of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Arch::X86_64, Arch::Aarch64]
            .into_iter()
            .find(|a| a.name() == name)
    }
}

/// What a core can do, filled from a device file or from the machine at hand. Kernels are functions of it, and of nothing else about a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Instruction set.
    pub arch: Arch,
    /// Width of a vector register, bits.
    pub vector_bits: u32,
    /// Vector registers that a program may name.
    pub vector_registers: u32,
    /// Data cache of one core, bytes.
    pub l1_bytes: u64,
    /// Extensions.
    pub features: BTreeSet<Feature>,
}

impl Target {
    /// Lanes of f32 in a vector register.
    pub fn lanes(&self) -> usize {
        (self.vector_bits / 32) as usize
    }

    /// Whether the core has `feature`.
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }
}
