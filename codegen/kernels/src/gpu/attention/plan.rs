//! Which lanes do what.

use crate::gpu::{Attention, Device, Width};
use crate::lanes::unsupported;
use crate::{DType, KernelError};

/// Rows of the cache between two updates of the running maxima.
const BLOCKS: [i64; 3] = [256, 128, 64];
/// Heads that one workgroup takes at most.
const HEADS: i64 = 8;
/// Running sums that one lane holds, if a load has fewer elements.
const SUMS: i64 = 8;

/// How a workgroup shares out the rows of the cache (scores) and the elements of the values (sums).
///
/// Scores: lane t takes rows t, t + lanes, ... of a block, all heads of the workgroup. Sums: `teams` of `parts * chunks` lanes take every
/// `teams`-th row; a lane has `chunk` elements and `held` heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Heads of the workgroup: they share a KV head.
    pub heads: i64,
    /// Lanes of the workgroup.
    pub lanes: i64,
    /// Rows of a block.
    pub block: i64,
    /// Elements of k, and of q, that a lane takes at once.
    pub step: i64,
    /// Elements of v that a lane sums.
    pub chunk: i64,
    /// Heads that a lane sums.
    pub held: i64,
    /// Lanes that share a chunk: `held` heads each.
    pub parts: i64,
    /// Groups of lanes that take different rows.
    pub teams: i64,
}

/// How an operand is loaded.
pub(super) fn width(a: &Attention, dtype: DType) -> Width {
    if a.aligned && (a.d * dtype.bytes().cast_signed()) % 16 == 0 {
        Width::Sixteen
    } else {
        Width::One
    }
}

/// Elements that one load of an operand gives.
fn each(a: &Attention, dtype: DType) -> i64 {
    match width(a, dtype) {
        Width::Sixteen => 16 / dtype.bytes().cast_signed(),
        _ => 1,
    }
}

impl Plan {
    /// # Errors
    /// Even the smallest needs more lanes or workgroup memory than the device has.
    pub fn new(a: &Attention, device: &Device) -> Result<Self, KernelError> {
        let most = 1_i64 << device.invocations.clamp(1, 256).ilog2();
        let group = a.heads / a.kv_heads;
        for heads in (1..=HEADS.min(group)).rev().filter(|n| group % n == 0) {
            for block in BLOCKS {
                let plan = Plan::of(a, heads, block, most);
                if plan.shared_bytes(a.d) <= i64::from(device.shared_bytes) && plan.lanes <= most {
                    return Ok(plan);
                }
            }
        }
        unsupported(format!(
            "attention with rows of {} elements does not fit {} invocations and {} bytes of workgroup memory",
            a.d, device.invocations, device.shared_bytes
        ))
    }

    fn of(a: &Attention, heads: i64, block: i64, most: i64) -> Self {
        let (k_new, v_new) = a.new.map_or((a.k, a.v), |new| new);
        let step = each(a, a.k.dtype).max(each(a, k_new.dtype));
        let chunk = each(a, a.v.dtype).max(each(a, v_new.dtype));
        let held = heads.min(SUMS / chunk).min(4);
        let parts = (heads + held - 1) / held;
        let needed = parts * (a.d / chunk);
        let lanes = needed
            .unsigned_abs()
            .next_power_of_two()
            .cast_signed()
            .clamp(64.min(most), most);
        Plan {
            heads,
            lanes,
            block: block.max(lanes),
            step,
            chunk,
            held,
            parts,
            teams: (lanes / needed).max(1),
        }
    }

    /// Lanes of a team.
    pub fn team(&self, d: i64) -> i64 {
        self.parts * (d / self.chunk)
    }

    /// Chunks that a lane has, if there are more than lanes.
    pub fn slots(&self, d: i64) -> i64 {
        (self.team(d) + self.lanes - 1) / self.lanes
    }

    /// Vectors of four numbers in which a lane keeps the sums of a slot between blocks: elements and weights by head.
    pub fn state(&self) -> i64 {
        (self.held * (self.chunk + 1) + 3) / 4
    }

    /// Workgroup memory, reductions included.
    fn shared_bytes(&self, d: i64) -> i64 {
        let numbers = self.block + d + self.lanes + 18;
        16 * self.slots(d) * self.lanes * self.state() + 4 * self.heads * numbers
    }
}
