//! The few bytes of an ELF file (System V ABI, chapter 4) that tell whether the loader can take it here.

/// Why a file is not a library of this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// Not a 64-bit little-endian ELF file.
    #[error("it is not a 64-bit ELF file: this is a fault of spec-compile")]
    NotElf,
    /// An executable, or an object that is not linked.
    #[error("it is ELF of type {0}, not a shared library (3): this is a fault of spec-compile")]
    NotShared(u16),
    /// For another kind of processor.
    #[error(
        "it is for {found}, this machine is {}: compile the model for this machine",
        std::env::consts::ARCH
    )]
    Machine {
        /// The file's.
        found: String,
    },
}

/// Machines of ELF by Rust's names.
const MACHINES: [(u16, &str); 4] = [
    (0x3e, "x86_64"),
    (0xb7, "aarch64"),
    (0xf3, "riscv64"),
    (0x28, "arm"),
];

pub(super) fn check(bytes: &[u8]) -> Result<(), ElfError> {
    const MAGIC: &[u8] = b"\x7fELF\x02\x01"; // 64 bits, little-endian
    let half = |at: usize| Some(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    let (Some(kind), Some(machine)) = (half(16), half(18)) else {
        return Err(ElfError::NotElf);
    };
    if !bytes.starts_with(MAGIC) {
        return Err(ElfError::NotElf);
    }
    let known = MACHINES.iter().find(|(number, _)| *number == machine);
    let name = known.map_or_else(|| format!("machine {machine}"), |(_, n)| (*n).to_owned());
    if name != std::env::consts::ARCH {
        return Err(ElfError::Machine { found: name });
    }
    if kind == 3 {
        Ok(())
    } else {
        Err(ElfError::NotShared(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: u16, machine: u16) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(16, 0);
        bytes.extend(kind.to_le_bytes());
        bytes.extend(machine.to_le_bytes());
        bytes
    }

    #[test]
    fn only_libraries_of_this_machine() {
        let here = MACHINES.iter().find(|m| m.1 == std::env::consts::ARCH);
        let (here, _) = here.expect("a known machine");
        assert_eq!(check(&header(3, *here)), Ok(()));
        assert_eq!(check(&header(1, *here)), Err(ElfError::NotShared(1)));
        assert_eq!(check(&header(3, *here)[..19]), Err(ElfError::NotElf));
        assert_eq!(check(&[0; 64]), Err(ElfError::NotElf));
        let found = "riscv64".to_owned();
        assert_eq!(check(&header(3, 0xf3)), Err(ElfError::Machine { found }));
        let found = "machine 9".to_owned();
        assert_eq!(check(&header(3, 9)), Err(ElfError::Machine { found }));
    }
}
