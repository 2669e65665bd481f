//! Decisions: what runs side by side in a kernel. Pure functions of a [`Target`]'s numbers and a shape; they choose speed, never results.

use crate::{Activations, Arch, DType, Feature, Format, Linear, Target};

/// Stack for widened activations, bytes.
const WIDENED: u64 = 48 << 10;

/// How i8 products are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dot {
    /// VPDPBUSD: unsigned weights (offset by 128 or 8) times signed activations.
    Vpdpbusd,
    /// SDOT.
    Sdot,
    /// i16 products of VPMADDWD.
    Pmaddwd,
    /// Widening multiplies.
    Widen,
}

impl Dot {
    /// The best that `target` has.
    fn of(target: &Target) -> Dot {
        let vnni = target.has(Feature::Vnni) && target.has(Feature::Avx512)
            || target.has(Feature::AvxVnni);
        match target.arch {
            Arch::X86_64 if vnni => Dot::Vpdpbusd,
            Arch::X86_64 if target.vector_bits >= 256 => Dot::Pmaddwd,
            Arch::Aarch64 if target.has(Feature::Dotprod) => Dot::Sdot,
            _ => Dot::Widen,
        }
    }
}

/// Schedule of [`Linear`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinearSchedule {
    /// Outputs of a tile; vectors of outputs for weights `[K, N]`.
    pub rows: usize,
    /// Tokens of a tile.
    pub tokens: usize,
    /// Inputs of one turn of the inner loop.
    pub step: i64,
    /// Elements of one load of x and of the weight.
    pub loads: (usize, usize),
    /// Whether the rows of a tile are shares of the range apart, each a stream of its own; otherwise they are neighbours.
    pub apart: bool,
    /// Whether x is widened to f32 once a call, on the stack.
    pub widen: bool,
    /// Distance of software prefetches of the weight in bytes; 0: none.
    pub prefetch: i64,
    /// How i8 activations are multiplied; none: they are not.
    pub dot: Option<Dot>,
}

/// Vectors of the weight that wait in registers, per row, until they have met all tokens; and registers for what lies on the way.
fn pressure(target: &Target, linear: &Linear) -> (usize, usize) {
    let lanes = target.lanes();
    if linear.activations == Activations::I8 {
        let blocks = (linear.format.group().max(32) / 32) as usize;
        let unpacked = usize::from(matches!(linear.format, Format::I4 { .. }));
        let widens = Dot::of(target) == Dot::Widen;
        let wide = if widens { 2 } else { 1 };
        let vectors = wide * blocks * 32 / (target.vector_bits.min(256) / 8) as usize + unpacked;
        // A token's integers, scale and start, and the products on their way.
        let extra = match target.vector_registers {
            ..=16 => 8,
            _ if widens => 16,
            _ => 12,
        };
        return (vectors, extra);
    }
    match linear.format {
        Format::Dense {
            dtype: DType::F32, ..
        } => (1, 0),
        Format::Dense { .. } => (load(target, linear.format.bits()) / lanes, 1),
        // As loaded, and widened.
        Format::I8 { group: 0, .. } => (1 + load(target, 8) / lanes, 1),
        Format::I8 { group, .. } => (group as usize / lanes, 7),
        Format::I4 { group, .. } => (group as usize / lanes, 8),
    }
}

/// Elements of one load. x86 widens in the load itself; elsewhere a load fills a register and is widened in parts.
fn load(target: &Target, bits: i64) -> usize {
    match target.arch {
        Arch::X86_64 => target.lanes(),
        Arch::Aarch64 => (i64::from(target.vector_bits) / bits) as usize,
    }
}

/// Rows and tokens of a tile: as few passes over the weights as there can be with no more loads than multiplications, then as few loads as there can be.
fn tile(target: &Target, linear: &Linear) -> (usize, usize) {
    let (vectors, extra) = pressure(target, linear);
    let registers = target.vector_registers as usize;
    let most = if linear.in_out() {
        8
    } else {
        (32 / target.lanes()).max(4)
    };
    let fewest = if linear.in_out() {
        (16 / target.lanes()).max(1)
    } else {
        1
    };
    let fits = |r: usize, t: usize| {
        // One token takes its weights from memory or as soon as they are unpacked.
        let waiting = if t == 1 && vectors == 1 {
            1
        } else {
            vectors * r.min(t)
        };
        r * t + waiting + 1 + extra <= registers
    };
    // What one turn of the loop unpacks fits in the registers, however it is ordered.
    let unpacks = |r: usize| r * vectors <= registers;
    let key = |&(rows, tokens): &(usize, usize)| {
        let passes = (linear.m as usize).div_ceil(tokens);
        let dear = linear.m > 1 && rows + tokens > rows * tokens;
        // In 64ths: whole numbers compare exactly.
        (dear, passes, 64 * (rows + tokens) / (rows * tokens))
    };
    let tiles = [8, 4, 2, 1]
        .into_iter()
        .filter(|&r| r <= most && r >= fewest && unpacks(r))
        .filter_map(|rows| {
            let room = (1..=linear.m.clamp(1, 16) as usize)
                .rev()
                .find(|&t| fits(rows, t))?;
            Some((
                rows,
                (linear.m as usize).div_ceil((linear.m as usize).div_ceil(room)),
            ))
        });
    tiles.min_by_key(key).unwrap_or((fewest, 1))
}

/// Whether it pays to widen x once: tiles of rows share the work, and what is written stays in the first cache.
fn widen(target: &Target, linear: &Linear) -> bool {
    let bytes = 4 * linear.m.saturating_mul(linear.k);
    let room = (target.l1_bytes / 4 * 3).min(WIDENED) as i64;
    let float = linear.activations == Activations::Float && linear.x != DType::F32;
    float && !linear.in_out() && linear.n >= 64 && bytes <= room
}

/// Schedule of `linear`.
pub fn linear(target: &Target, linear: &Linear) -> LinearSchedule {
    let (rows, tokens) = tile(target, linear);
    let widen = widen(target, linear);
    let x = if widen { DType::F32 } else { linear.x };
    let loads = (
        load(target, 8 * x.bytes() as i64),
        load(target, linear.format.bits().max(8)),
    );
    let dot = (linear.activations == Activations::I8).then(|| Dot::of(target));
    let group = linear.format.group();
    let step = match (linear.in_out(), dot) {
        (true, _) => 4,
        (false, Some(_)) => group.max(32),
        (false, None) if group > 0 => group,
        (false, None) => loads.0.max(loads.1) as i64,
    };
    // Measured on Sapphire Rapids with weights in DRAM, one core, 4 rows: neighbours take f32 33.3 ms and f16 23.1 ms without prefetches, 35.2 and
    // 18.7 with; rows apart take 26.5 and 14.9. Integers gain nothing from it.
    let dense = matches!(linear.format, Format::Dense { .. });
    let streams = rows > 1 && dense && !linear.in_out();
    let apart = target.arch == Arch::X86_64 && streams;
    let prefetch = match target.arch {
        Arch::X86_64 if apart => 2048,
        Arch::X86_64 => 8192,
        Arch::Aarch64 => 0,
    };
    LinearSchedule {
        rows,
        tokens,
        step,
        loads,
        apart,
        widen,
        prefetch,
        dot,
    }
}
