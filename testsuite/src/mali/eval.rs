//! Integer arithmetic of NIR on the lanes of a warp. What is not known (memory, floats) stays unknown.

use super::nir::Instr;

/// Lanes of a warp of Valhall.
pub(super) const LANES: usize = 16;

/// A component of a value in every lane. Bit l of `known`: lane l's is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lanes {
    pub(super) of: [u32; LANES],
    pub(super) known: u16,
}

impl Lanes {
    pub(super) fn all(value: u32) -> Self {
        Self::of(|_| value)
    }

    pub(super) fn of(value: impl Fn(usize) -> u32) -> Self {
        Self {
            of: std::array::from_fn(value),
            known: u16::MAX,
        }
    }

    pub(super) fn get(&self, lane: usize) -> Option<u32> {
        (self.known >> lane & 1 == 1).then_some(self.of[lane])
    }

    /// Each lane by itself.
    pub(super) fn map(value: impl Fn(usize) -> Option<u32>) -> Self {
        let mut result = Self::default();
        for lane in 0..LANES {
            if let Some(v) = value(lane) {
                result.of[lane] = v;
                result.known |= 1 << lane;
            }
        }
        result
    }

    /// Takes over the lanes of `mask`.
    pub(super) fn blend(&mut self, other: &Self, mask: u16) {
        for lane in 0..LANES {
            if mask >> lane & 1 == 1 {
                self.of[lane] = other.of[lane];
            }
        }
        self.known = (self.known & !mask) | (other.known & mask);
    }
}

fn signed(value: u32, bits: u32) -> i32 {
    let shift = 32 - bits.min(32);
    ((value << shift) as i32) >> shift
}

fn truth(condition: bool) -> u32 {
    if condition { u32::MAX } else { 0 }
}

/// Operations of one operand.
fn unary(op: &str, a: u32, from: u32) -> Option<u32> {
    Some(match op {
        "mov" | "u2u32" | "u2u16" | "u2u8" | "i2i16" | "i2i8" => a,
        "i2i32" => signed(a, from) as u32,
        "inot" => !a,
        "ineg" => a.wrapping_neg(),
        "iabs" => signed(a, from).unsigned_abs(),
        "ufind_msb" | "ifind_msb" => a.checked_ilog2().map_or(u32::MAX, |b| b),
        "find_lsb" => {
            if a == 0 {
                u32::MAX
            } else {
                a.trailing_zeros()
            }
        }
        "uclz" => a.leading_zeros(),
        "bit_count" => a.count_ones(),
        "bitfield_reverse" => a.reverse_bits(),
        "b2i32" | "b2i16" | "b2i8" => u32::from(a != 0),
        "b2b32" | "b2b1" => truth(a != 0),
        _ => return None,
    })
}

/// Operations of two operands of `bits` bits.
fn binary(op: &str, a: u32, b: u32, bits: u32) -> Option<u32> {
    let (x, y, by) = (
        signed(a, bits),
        signed(b, bits),
        b & (bits.clamp(8, 32) - 1),
    );
    let op = op.trim_end_matches("_pan").trim_end_matches("32");
    Some(match op {
        "iadd" => a.wrapping_add(b),
        "isub" => a.wrapping_sub(b),
        "imul" => a.wrapping_mul(b),
        "umul_high" => ((u64::from(a) * u64::from(b)) >> 32) as u32,
        "imul_high" => ((i64::from(x) * i64::from(y)) >> 32) as u32,
        "udiv" => a.checked_div(b)?,
        "umod" => a.checked_rem(b)?,
        "idiv" => x.checked_div(y)? as u32,
        "irem" => x.checked_rem(y)? as u32,
        "ishl" => a << by,
        "ushr" => a >> by,
        "ishr" => (x >> by) as u32,
        "iand" => a & b,
        "ior" => a | b,
        "ixor" => a ^ b,
        "imin" => x.min(y) as u32,
        "imax" => x.max(y) as u32,
        "umin" => a.min(b),
        "umax" => a.max(b),
        "uadd_sat" => a.saturating_add(b),
        "usub_sat" => a.saturating_sub(b),
        "ieq" => truth(a == b),
        "ine" => truth(a != b),
        "ilt" => truth(x < y),
        "ige" => truth(x >= y),
        "ult" => truth(a < b),
        "uge" => truth(a >= b),
        "extract_u8" => a >> (8 * (b & 3)) & 0xff,
        "extract_u16" => a >> (16 * (b & 1)) & 0xffff,
        "extract_i8" => signed(a >> (8 * (b & 3)), 8) as u32,
        "extract_i16" => signed(a >> (16 * (b & 1)), 16) as u32,
        _ => return None,
    })
}

/// Whether zero in one operand makes the result zero.
fn absorbs(op: &str) -> bool {
    matches!(op, "imul" | "iand" | "umul_high")
}

fn pair(op: &str, a: Option<u32>, b: Option<u32>, bits: u32) -> Option<u32> {
    match (a, b) {
        (Some(a), Some(b)) => binary(op, a, b, bits),
        (Some(0), None) | (None, Some(0)) if absorbs(op) => Some(0),
        _ => None,
    }
}

/// One component of an instruction's result; unknown if the operation is none of integers. `from` is the width of its first operand.
pub(super) fn component(instr: &Instr, inputs: &[Lanes], from: u32) -> Lanes {
    let op = instr.op.as_str();
    let bits = instr.bits.min(32);
    let keep = u32::MAX >> (32 - bits);
    let wide = if op.starts_with('b') {
        bits
    } else {
        from.min(32)
    };
    let result = match inputs {
        [a] => Lanes::map(|l| unary(op, a.get(l)?, wide)),
        [a, b] => Lanes::map(|l| pair(op, a.get(l), b.get(l), wide)),
        [c, a, b] if op.starts_with("bcsel") => Lanes::map(|l| match c.get(l) {
            Some(c) => (if c != 0 { a } else { b }).get(l),
            None => a.get(l).filter(|a| b.get(l) == Some(*a)),
        }),
        [a, b, c] if op == "imad" => {
            Lanes::map(|l| Some(pair("imul", a.get(l), b.get(l), wide)?.wrapping_add(c.get(l)?)))
        }
        _ => Lanes::default(),
    };
    Lanes {
        of: result.of.map(|v| v & keep),
        known: if instr.bits > 32 { 0 } else { result.known },
    }
}
