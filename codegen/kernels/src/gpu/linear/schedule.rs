//! Decisions of [`LinearGroup`]: what runs side by side. They choose speed, and only what does not depend on the number of tokens
//! chooses the order of a sum.

use super::{Pair, Product, products};
use crate::gpu::write::Width;
use crate::gpu::{Device, LinearGroup, Stage};
use crate::{Activations, DType, Format, KernelError, Layout};

/// Tokens that one workgroup multiplies with its rows.
const TOKENS: i64 = 8;
/// Invocations of a workgroup, and of one that prepares activations in its memory first: the more rows share that, the better.
const PLAIN: i64 = 64;
pub(in crate::gpu) const STAGED: i64 = 128;
const QUANTISED: i64 = 256;
/// Lanes along K that are tried, and the best of them where several divide K well: 256 bytes of a row side by side.
const MOST_LANES: i64 = 32;
const BEST_LANES: i64 = 16;
/// Lanes along N of a weight `[K, N]`.
pub(super) const COLUMN_LANES: i64 = 8;
/// Elements of K that a turn of the inner loop may take, if a step is less.
const UNROLLED: i64 = 16;
/// Workgroups that there should be before a lane gets several rows.
const GROUPS: i64 = 12;

/// How one product runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearTile {
    /// Lanes that share the sums of a row. Lane l takes steps l, l + lanes, ...
    pub lanes: i64,
    /// Sets of such lanes in a workgroup, each with rows of its own.
    pub sets: i64,
    /// Units of a lane: rows, or pairs of rows that are finished together.
    pub units: i64,
    /// Rows of a unit.
    pub rows: i64,
    /// Elements of K of a step.
    pub step: i64,
    /// Steps of a turn of the inner loop.
    pub unroll: i64,
    /// What one load of the weight takes.
    pub width: Width,
    /// Workgroups along N.
    pub groups: i64,
}

/// How a group of products runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearSchedule {
    /// Invocations of a workgroup.
    pub workgroup: u32,
    /// Tokens of a workgroup; more than that many are tiles of the grid's second dimension.
    pub tokens: i64,
    /// Such tiles.
    pub token_tiles: i64,
    /// What one load of the activations takes.
    pub x: Width,
    /// Whether staged activations lie in units of 4.
    pub quads: bool,
    /// One a product.
    pub tiles: Vec<LinearTile>,
}

/// Decides.
///
/// # Errors
/// The group is not one that kernels are written for.
pub fn schedule(group: &LinearGroup, device: &Device) -> Result<LinearSchedule, KernelError> {
    let products = products(group)?;
    let staged = group.stage != Stage::Plain;
    let wanted = match (group.activations, staged) {
        (Activations::I8, _) => QUANTISED,
        (_, true) => STAGED,
        (_, false) => PLAIN,
    };
    let workgroup = wanted.min(previous_power(device.invocations));
    let whole = products
        .iter()
        .all(|p| !in_out(group, p) && group.k % step(group, p) == 0);
    let per_load = 16 / group.x.dtype.bytes() as i64;
    let by_16_bytes = group.x.aligned
        && group.k % per_load == 0
        && (staged && group.activations == Activations::Float || whole);
    let with = |most: i64| {
        let token_tiles = (group.m + most - 1) / most;
        let tokens = (group.m + token_tiles - 1) / token_tiles;
        LinearSchedule {
            workgroup: workgroup as u32,
            tokens,
            token_tiles,
            x: if by_16_bytes {
                Width::Sixteen
            } else {
                Width::One
            },
            quads: whole && (by_16_bytes || !staged),
            tiles: products
                .iter()
                .map(|p| tile(group, p, (workgroup, tokens)))
                .collect(),
        }
    };
    let mut schedule = with(TOKENS);
    while group.activations == Activations::I8
        && schedule.tokens > 1
        && integers(group, &schedule) > i64::from(device.shared_bytes)
    {
        schedule = with(schedule.tokens - 1);
    }
    Ok(schedule)
}

impl LinearSchedule {
    /// Sums of lanes that a workgroup keeps in its memory.
    pub(super) fn sums(&self) -> i64 {
        let values = self.tiles.iter().map(|t| t.units * t.rows * self.tokens);
        values.max().unwrap_or(1) * i64::from(self.workgroup)
    }
}

/// Bytes of workgroup memory with quantised activations: them, scales and starts; the sums; those of a norm.
fn integers(group: &LinearGroup, schedule: &LinearSchedule) -> i64 {
    let padded = (group.k + 63) / 64 * 64;
    let reduction = match group.stage {
        Stage::Plain => 0,
        Stage::Norm { .. } => schedule.tokens * (i64::from(schedule.workgroup) + 16),
    };
    let unsigned = group
        .parts
        .iter()
        .any(|p| matches!(p.format, Format::I4 { .. }));
    let starts = if unsigned { padded / 16 * 4 } else { 0 };
    schedule.tokens * (padded + padded / 32 * 4 + starts) + 4 * (schedule.sums() + reduction)
}

/// Whether a kernel can normalise `m` tokens of `k` elements in workgroup memory, before it multiplies.
pub fn stage_fits(m: i64, k: i64, device: &Device) -> bool {
    let tiles = (m + TOKENS - 1) / TOKENS;
    let tokens = (m + tiles - 1) / tiles.max(1);
    let lanes = STAGED.min(previous_power(device.invocations));
    let (sums, reduction) = ((2 * tokens).max(4) * lanes, tokens * (lanes + 16));
    m > 0 && k > 0 && 4 * (tokens * k + sums + reduction) <= i64::from(device.shared_bytes)
}

fn previous_power(n: u32) -> i64 {
    1 << n.max(1).ilog2()
}

pub(super) fn in_out(group: &LinearGroup, product: &Product) -> bool {
    matches!(
        group.parts[product.part].format,
        Format::Dense {
            layout: Layout::InOut,
            ..
        }
    )
}

/// Whether the weights of a product begin at multiples of 16 bytes.
fn aligned(group: &LinearGroup, product: &Product) -> bool {
    group.parts[product.parts()].iter().all(|p| p.aligned)
}

/// Rows of a lane, by the registers that they take.
fn rows(group: &LinearGroup, format: Format, tokens: i64) -> i64 {
    match (tokens, group.activations, format) {
        (1, Activations::I8, Format::I8 { group: 0, .. }) => 8,
        (1, Activations::I8, Format::I8 { .. }) => 6,
        (1, Activations::I8, _) => 5,
        (1, _, Format::Dense { .. }) => 4,
        (1, _, Format::I8 { group: 0, .. }) => 3,
        _ => 2,
    }
}

/// Elements of K that a lane takes at once: 16 bytes of the weight and of the activations, and all that share a scale of 32.
fn step(group: &LinearGroup, product: &Product) -> i64 {
    if group.activations == Activations::I8 {
        return 32;
    }
    // the same whether it is another kernel that normalises
    let x = match group.stage {
        Stage::Plain => group.x.dtype,
        Stage::Norm { round, .. } => round,
    };
    let x = 16 / x.bytes() as i64;
    match group.parts[product.part].format {
        Format::Dense {
            layout: Layout::InOut,
            ..
        } => 1,
        Format::Dense { dtype, .. } => x.max(16 / dtype.bytes() as i64),
        Format::I8 { group: 0, .. } => 16,
        Format::I8 { .. } | Format::I4 { .. } => 32,
    }
}

/// Lanes along K for `steps` steps: few idle ones, and near to [`BEST_LANES`]. The order of a sum must not depend on what is done before it: of
/// a workgroup of floats, as if nothing were.
fn lanes(steps: i64, workgroup: i64) -> i64 {
    let used = |l: i64| {
        let turns = (steps + l - 1) / l;
        1000 * steps * (workgroup / l) / (turns * workgroup)
    };
    let tried = 1..=MOST_LANES.min(workgroup);
    let best = tried.clone().map(used).max().unwrap_or(0);
    let distance = |l: i64| 1000 * l.max(BEST_LANES) / l.min(BEST_LANES);
    tried
        .filter(|&l| 10 * used(l) >= 9 * best)
        .min_by_key(|&l| distance(l))
        .unwrap_or(1)
}

fn tile(group: &LinearGroup, product: &Product, (workgroup, tokens): (i64, i64)) -> LinearTile {
    let (step, rows_of_unit) = (step(group, product), product.pair.rows());
    if in_out(group, product) {
        return column_tile(group, product, (workgroup, tokens));
    }
    let steps = (group.k + step - 1) / step;
    let lanes = match group.activations {
        Activations::I8 => lanes(steps, workgroup),
        Activations::Float => lanes(steps, PLAIN.min(workgroup)),
    };
    let sets = workgroup / lanes;
    let fits = |units: i64| match product.pair {
        Pair::Half { d } => d / 2 % units == 0,
        _ => units <= product.units,
    };
    let groups = |units: i64| (product.units + sets * units - 1) / (sets * units);
    let mut units = rows(group, group.parts[product.part].format, tokens) / rows_of_unit;
    while units > 1 && !fits(units) {
        units -= 1;
    }
    while units > 1 && groups(units) < GROUPS {
        units = (1..units).rev().find(|&fewer| fits(fewer)).unwrap_or(1);
    }
    let turns = group.k / step / lanes;
    let exact = group.k % (step * lanes) == 0;
    let unroll = [4, 3, 2]
        .into_iter()
        .find(|u| tokens <= 2 && exact && turns % u == 0 && turns > *u && u * step <= UNROLLED)
        .unwrap_or(1);
    LinearTile {
        lanes,
        sets,
        units,
        rows: rows_of_unit,
        step,
        unroll,
        width: if aligned(group, product) && group.k % step == 0 {
            Width::Sixteen
        } else {
            Width::One
        },
        groups: groups(units),
    }
}

/// Weights `[K, N]`: lanes side by side take neighbouring columns, 16 bytes of them where the sums fit.
fn column_tile(
    group: &LinearGroup,
    product: &Product,
    (workgroup, tokens): (i64, i64),
) -> LinearTile {
    let part = &group.parts[product.part];
    let dtype = match part.format {
        Format::Dense { dtype, .. } => dtype,
        _ => DType::I8,
    };
    let lanes = COLUMN_LANES.min(workgroup);
    let columns = workgroup / lanes;
    // Sums of a lane; as many as [`stage_fits`] counts, beside staged activations.
    let most = match group.stage {
        Stage::Plain => 16,
        Stage::Norm { .. } => (2 * tokens).max(4),
    };
    let rows = product.pair.rows();
    let fits = |bytes: i64| {
        let units = bytes / dtype.bytes() as i64;
        let beside = match product.pair {
            Pair::One | Pair::Gated => part.n % units == 0,
            Pair::Half { d } => d / 2 % units == 0,
            Pair::Neighbours { .. } => false,
        };
        aligned(group, product)
            && units > 1
            && beside
            && part.n % units == 0
            && units * rows * tokens <= most
    };
    let (width, units) = match () {
        () if fits(16) => (Width::Sixteen, 16 / dtype.bytes() as i64),
        () if fits(4) => (Width::Four, 4 / dtype.bytes() as i64),
        () => (Width::One, 1),
    };
    LinearTile {
        lanes,
        sets: columns,
        units,
        rows,
        step: 1,
        unroll: 1,
        width,
        groups: (product.units + columns * units - 1) / (columns * units),
    }
}
