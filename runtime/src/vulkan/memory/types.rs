//! Which type of memory is best for what.

use super::super::device::MemoryType;
use ash::vk::MemoryPropertyFlags as Flags;

/// What memory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vulkan) enum Purpose {
    /// The host writes, kernels read; mapped.
    Inputs,
    /// Kernels write, the host reads; mapped.
    Outputs,
    /// Kernels use it, the host fills it once at most. `staging`: it is not mapped, even where it could be.
    Kernels { staging: bool },
}

/// A type of memory, and how it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vulkan) struct Choice {
    /// Its index.
    pub(in crate::vulkan) index: u32,
    /// Whether the host maps it.
    pub(in crate::vulkan) mapped: bool,
    /// Whether nothing has to be flushed.
    pub(in crate::vulkan) coherent: bool,
}

/// The types to try, the best first. `bits`: those that the buffer can use.
pub(in crate::vulkan) fn choices(types: &[MemoryType], bits: u32, purpose: Purpose) -> Vec<Choice> {
    // others need features that are not enabled
    let known =
        Flags::HOST_VISIBLE | Flags::HOST_COHERENT | Flags::DEVICE_LOCAL | Flags::HOST_CACHED;
    let allowed = |(i, t): &(usize, &MemoryType)| {
        bits.checked_shr(*i as u32).is_some_and(|b| b & 1 == 1) && known.contains(t.flags)
    };
    let all = types.iter().enumerate().filter(allowed);
    let local = types
        .iter()
        .filter(|t| t.flags.contains(Flags::DEVICE_LOCAL));
    let largest = local.map(|t| t.heap_bytes).max().unwrap_or(0);
    let mut fit: Vec<(u32, Choice)> = all
        .filter_map(|(i, t)| {
            let (rank, mapped) = rank(t, purpose, largest)?;
            let choice = Choice {
                index: i as u32,
                mapped,
                coherent: t.flags.contains(Flags::HOST_COHERENT),
            };
            Some((rank, choice))
        })
        .collect();
    fit.sort_by_key(|(rank, _)| *rank); // stable: the driver's order decides between equals
    fit.into_iter().map(|(_, choice)| choice).collect()
}

/// How good a type is, 0 is best, and whether it is mapped. None: of no use. `largest`: the largest heap of the device's own memory.
fn rank(t: &MemoryType, purpose: Purpose, largest: u64) -> Option<(u32, bool)> {
    let has = |f| t.flags.contains(f);
    let local = has(Flags::DEVICE_LOCAL);
    let visible = has(Flags::HOST_VISIBLE);
    let plain = has(Flags::HOST_VISIBLE | Flags::HOST_COHERENT);
    match purpose {
        Purpose::Inputs => plain.then_some((u32::from(!local), true)),
        // reading what is not cached takes a trip to memory for every word
        Purpose::Outputs if !visible => None,
        Purpose::Outputs if has(Flags::HOST_CACHED) => Some((u32::from(!plain), true)),
        Purpose::Outputs => plain.then_some((2, true)),
        Purpose::Kernels { staging: true } => Some((u32::from(!local), false)),
        // where the host sees all of the device's memory, no other buffer is needed; the small window of a card is not for weights
        Purpose::Kernels { .. } if local && plain && t.heap_bytes == largest => Some((0, true)),
        Purpose::Kernels { .. } if local => Some((1, false)),
        Purpose::Kernels { .. } => plain.then_some((2, true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn types(list: &[(Flags, u64)]) -> Vec<MemoryType> {
        let one = |(flags, heap_bytes): &(Flags, u64)| MemoryType {
            flags: *flags,
            heap_bytes: *heap_bytes,
        };
        list.iter().map(one).collect()
    }

    fn order(types: &[MemoryType], purpose: Purpose) -> Vec<(u32, bool)> {
        let all = choices(types, u32::MAX, purpose);
        all.iter().map(|c| (c.index, c.mapped)).collect()
    }

    #[test]
    fn a_card_keeps_weights_to_itself_unless_the_host_sees_all_of_it() {
        let host = Flags::HOST_VISIBLE | Flags::HOST_COHERENT;
        // as an NVIDIA card: own memory, host memory, cached host memory, a window to own memory
        let card = |window| {
            types(&[
                (Flags::empty(), 64 * GIB),
                (Flags::DEVICE_LOCAL, 8 * GIB),
                (host, 64 * GIB),
                (host | Flags::HOST_CACHED, 64 * GIB),
                (Flags::DEVICE_LOCAL | host, window),
            ])
        };
        let staging = false;
        let small = card(GIB / 4);
        let kernels = order(&small, Purpose::Kernels { staging });
        assert_eq!(kernels, [(1, false), (4, false), (2, true), (3, true)]);
        assert_eq!(
            order(&small, Purpose::Inputs),
            [(4, true), (2, true), (3, true)]
        );
        assert_eq!(
            order(&small, Purpose::Outputs),
            [(3, true), (2, true), (4, true)]
        );
        let kernels = order(&card(8 * GIB), Purpose::Kernels { staging });
        assert_eq!(kernels[..2], [(4, true), (1, false)]);
        let kernels = order(&card(8 * GIB), Purpose::Kernels { staging: true });
        assert_eq!(kernels[..2], [(1, false), (4, false)]);
    }

    #[test]
    fn shared_memory_is_mapped_and_read_through_a_cache() {
        let host = Flags::DEVICE_LOCAL | Flags::HOST_VISIBLE;
        let shared = types(&[
            (host | Flags::HOST_COHERENT, GIB),
            (host | Flags::HOST_CACHED, GIB),
            (Flags::DEVICE_LOCAL | Flags::LAZILY_ALLOCATED, GIB),
            (host | Flags::HOST_COHERENT | Flags::PROTECTED, GIB),
        ]);
        assert_eq!(order(&shared, Purpose::Inputs), [(0, true)]);
        let outputs = choices(&shared, u32::MAX, Purpose::Outputs);
        assert_eq!((outputs[0].index, outputs[0].coherent), (1, false));
        assert_eq!((outputs[1].index, outputs[1].coherent), (0, true));
        let kernels = Purpose::Kernels { staging: false };
        assert_eq!(order(&shared, kernels), [(0, true), (1, false)]);
        assert_eq!(choices(&shared, 0b10, Purpose::Inputs), []);
        assert_eq!(choices(&shared, 0b10, kernels).len(), 1);
        let one = types(&[(host | Flags::HOST_COHERENT | Flags::HOST_CACHED, GIB)]);
        for purpose in [Purpose::Inputs, Purpose::Outputs, kernels] {
            assert_eq!(order(&one, purpose), [(0, true)]);
        }
    }
}
