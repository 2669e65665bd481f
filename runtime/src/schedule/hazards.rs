//! Which dispatches must not run at the same time.

use super::{Buffer, Dispatch, Schedule, Span};
use std::collections::HashMap;

/// Two dispatches that touch the same bytes, at least one of them to write, with no barrier between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hazard {
    /// Index of the dispatch that starts first.
    pub first: usize,
    /// Index of the other one.
    pub second: usize,
    /// The buffer with the bytes.
    pub buffer: Buffer,
}

impl Schedule {
    /// For each dispatch that a barrier must come before and does not, the last earlier dispatch that it is in conflict with.
    /// Empty if the schedule has barriers enough. Different arguments are taken for different buffers.
    pub fn hazards(&self) -> Vec<Hazard> {
        let mut open = Open::default();
        let mut found = vec![];
        for (second, dispatch) in self.dispatches.iter().enumerate() {
            if dispatch.barrier {
                open.clear();
            }
            if let Some((first, buffer)) = open.conflict(dispatch) {
                found.push(Hazard {
                    first,
                    second,
                    buffer,
                });
            }
            open.add(second, dispatch);
        }
        found
    }

    /// Sets `barrier` of every dispatch: as few barriers as leave no hazard. Each one is put as late as possible, which no other
    /// choice beats.
    pub fn place_barriers(&mut self) {
        let mut open = Open::default();
        for (index, dispatch) in self.dispatches.iter_mut().enumerate() {
            dispatch.barrier = open.conflict(dispatch).is_some();
            if dispatch.barrier {
                open.clear();
            }
            open.add(index, dispatch);
        }
    }
}

/// The spans touched since the last barrier, by buffer.
#[derive(Default)]
struct Open(HashMap<Buffer, Vec<(usize, Span)>>);

impl Open {
    fn clear(&mut self) {
        self.0.clear();
    }

    fn add(&mut self, index: usize, dispatch: &Dispatch) {
        for span in &dispatch.spans {
            self.0.entry(span.buffer).or_default().push((index, *span));
        }
    }

    /// The last dispatch that is in conflict with this one, and where.
    fn conflict(&self, dispatch: &Dispatch) -> Option<(usize, Buffer)> {
        let with = |span: &Span| {
            let earlier = self.0.get(&span.buffer)?;
            let last = earlier.iter().rfind(|(_, other)| {
                (span.access.writes() || other.access.writes())
                    && span.offset < other.end()
                    && other.offset < span.end()
            })?;
            Some((last.0, span.buffer))
        };
        dispatch.spans.iter().filter_map(with).max()
    }
}
