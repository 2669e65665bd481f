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
    /// Whether the instruction adds four products to a lane.
    fn sums_four(self) -> bool {
        matches!(self, Dot::Vpdpbusd | Dot::Sdot)
    }

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
    /// Whether the outputs of a tile are lanes of a vector; otherwise inputs are.
    pub across: bool,
    /// Whether such outputs come to their lanes behind the products, not the weights before them.
    pub pairwise: bool,
    /// Distance of software prefetches of the weight in bytes; 0: none.
    pub prefetch: i64,
    /// Whether they ask for the first cache, not the second.
    pub near: bool,
    /// How i8 activations are multiplied; none: they are not.
    pub dot: Option<Dot>,
}

/// Whether adding pairs of lanes, three times a token and four rows, is cheaper than transposing 32 inputs of four rows: where there is an
/// instruction for it.
fn pairwise(target: &Target, linear: &Linear) -> bool {
    let most = match linear.format {
        Format::I8 { group: ..=32, .. } => 4,
        _ => 2,
    };
    target.arch == Arch::Aarch64 && linear.m <= most
}

/// Rows and tokens of a tile whose rows are lanes: all tokens that fit beside the eight vectors of 32 inputs, so that these are unpacked once.
fn tile_across(target: &Target, linear: &Linear, pairwise: bool) -> (usize, usize) {
    // Beside the weights: a sum a token, integers of some tokens, a scale, a mask; words of x, where the instruction takes them from registers. A
    // group of several blocks keeps each token's integers from one block to the next.
    let one = linear.format.group() <= 32;
    let room = match (target.vector_registers, Dot::of(target)) {
        (..32, _) if linear.format.bits() == 8 => 2 + usize::from(one),
        (..32, _) => 2 + 2 * usize::from(one),
        (_, Dot::Sdot) => 6 + 6 * usize::from(one),
        _ => 8 + 8 * usize::from(one),
    };
    let m = linear.m.max(1) as usize;
    let tokens = m.div_ceil(m.div_ceil(room));
    // A core that runs in order must not wait for few sums; what is unpacked takes registers.
    let vectors = match (pairwise, tokens) {
        (true, 1) if linear.format.bits() == 8 => 4,
        (true, 1 | 2) => 2,
        _ => 1,
    };
    (vectors * target.lanes(), tokens)
}

/// Whether nibbles become floats by one instruction that looks 16 of them up in a register.
pub(crate) fn looks_up(target: &Target, linear: &Linear) -> bool {
    let nibbles = matches!(linear.format, Format::I4 { .. });
    let registers = target.has(Feature::Avx512) && target.lanes() == 16;
    nibbles && registers && linear.activations == Activations::Float
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
        // A table is scaled, so that no scale waits.
        Format::I4 { group, .. } => (
            group as usize / lanes,
            8 - usize::from(looks_up(target, linear)),
        ),
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
    let dot = (linear.activations == Activations::I8).then(|| Dot::of(target));
    let across = dot.is_some_and(Dot::sums_four);
    let pairwise = across && pairwise(target, linear);
    let (rows, tokens) = if across {
        tile_across(target, linear, pairwise)
    } else {
        tile(target, linear)
    };
    let widen = widen(target, linear);
    let x = if widen { DType::F32 } else { linear.x };
    let loads = (
        load(target, 8 * x.bytes() as i64),
        load(target, linear.format.bits().max(8)),
    );
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
    // Rows side by side ask for the next tile; for the first cache where two tiles fit (i4, 8 tokens, k = 1536: 0.75 ms, else 0.85).
    let bytes = rows as i64 * linear.k * linear.format.bits() / 8;
    let near = across && 2 * bytes <= target.l1_bytes as i64;
    let prefetch = match target.arch {
        Arch::X86_64 if apart => 2048,
        Arch::X86_64 if across => bytes,
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
        across,
        pairwise,
        prefetch,
        near,
        dot,
    }
}
