//! Whether a schedule agrees with itself.

use super::{
    Buffer, Dispatch, KernelInfo, MAX_PUSH_WORDS, OFFSET_ALIGNMENT, STATUS_BYTES, Schedule, Span,
};
use std::collections::HashSet;

/// What is wrong with a schedule.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// Not JSON, or not a schedule.
    #[error("this is not a schedule: {0}; it is damaged or was edited: compile the model again")]
    Syntax(#[from] serde_json::Error),
    /// The workspace has no room for the status.
    #[error("the workspace has {0} bytes, the status of a call needs {STATUS_BYTES}; {FAULT}")]
    NoStatus(u64),
    /// A size that no memory of this machine can have.
    #[error("{buffer} of {bytes} bytes cannot be addressed here; {FAULT}")]
    Huge {
        /// Which buffer.
        buffer: Buffer,
        /// Its size.
        bytes: u64,
    },
    /// A kernel contradicts itself or another kernel.
    #[error("kernel {index} ({entry:?}): {problem}; {FAULT}")]
    Kernel {
        /// Index in the schedule.
        index: usize,
        /// Its name.
        entry: String,
        /// What is wrong.
        problem: String,
    },
    /// A dispatch contradicts itself, its kernel or the schedule.
    #[error("dispatch {index}: {problem}; {FAULT}")]
    Dispatch {
        /// Index in the schedule.
        index: usize,
        /// What is wrong.
        problem: String,
    },
    /// A span does not lie where it may.
    #[error("dispatch {dispatch}, binding {binding}, in {buffer}: {problem}; {FAULT}")]
    Span {
        /// Index of the dispatch in the schedule.
        dispatch: usize,
        /// Index of the span in the dispatch.
        binding: usize,
        /// Which buffer.
        buffer: Buffer,
        /// What is wrong.
        problem: String,
    },
}

/// Whose fault it is and what to do.
const FAULT: &str = "the schedule is damaged or was edited (compile the model again), or this is a fault of spec-compile";

/// Most arguments of a function; keeps an edited index from asking for gigabytes.
const MAX_ARGUMENTS: u32 = 1 << 20;

impl Schedule {
    /// Checks that it agrees with itself: indices are in range, spans are aligned and lie in the workspace and the constants, each
    /// dispatch gives its kernel the spans and push constants that it takes.
    ///
    /// What only the device or the caller knows (limits, lengths of the arguments) is checked where they are known.
    ///
    /// # Errors
    /// The first contradiction.
    pub fn check(&self) -> Result<(), ScheduleError> {
        if self.workspace_bytes < STATUS_BYTES {
            return Err(ScheduleError::NoStatus(self.workspace_bytes));
        }
        for (buffer, bytes) in [
            (Buffer::Workspace, self.workspace_bytes),
            (Buffer::Constants, self.constants_bytes),
        ] {
            if isize::try_from(bytes).is_err() {
                return Err(ScheduleError::Huge { buffer, bytes });
            }
        }
        let mut names = HashSet::new();
        for (index, kernel) in self.kernels.iter().enumerate() {
            let twice = !names.insert(kernel.entry.as_str());
            let twice = twice.then(|| "another kernel has the same name".to_owned());
            if let Some(problem) = twice.or_else(|| kernel.problem()) {
                return Err(ScheduleError::Kernel {
                    index,
                    entry: kernel.entry.clone(),
                    problem,
                });
            }
        }
        for (index, dispatch) in self.dispatches.iter().enumerate() {
            if let Some(problem) = self.problem(index, dispatch) {
                return Err(ScheduleError::Dispatch { index, problem });
            }
            for (binding, span) in dispatch.spans.iter().enumerate() {
                if let Some(problem) = self.span_problem(span) {
                    return Err(ScheduleError::Span {
                        dispatch: index,
                        binding,
                        buffer: span.buffer,
                        problem,
                    });
                }
            }
        }
        Ok(())
    }

    fn problem(&self, index: usize, dispatch: &Dispatch) -> Option<String> {
        let Some(kernel) = self.kernels.get(dispatch.kernel as usize) else {
            let (kernel, len) = (dispatch.kernel, self.kernels.len());
            return Some(format!("there is no kernel {kernel}, only {len}"));
        };
        let (spans, push) = (dispatch.spans.len(), dispatch.push.len());
        let (bindings, words) = (kernel.bindings, kernel.push_words);
        let name = &kernel.entry;
        if spans != bindings as usize {
            Some(format!("{spans} spans for the {bindings} of {name:?}"))
        } else if push != words as usize {
            Some(format!("{push} push words for the {words} of {name:?}"))
        } else if dispatch.groups.contains(&0) {
            Some(format!("no workgroups: {:?}", dispatch.groups))
        } else if index == 0 && dispatch.barrier {
            Some("it is the first one and waits for those before it".to_owned())
        } else {
            None
        }
    }

    fn span_problem(&self, span: &Span) -> Option<String> {
        let Span { offset, bytes, .. } = *span;
        if bytes == 0 {
            return Some("it has no bytes".to_owned());
        }
        if !offset.is_multiple_of(OFFSET_ALIGNMENT) {
            return Some(format!(
                "offset {offset} is not a multiple of {OFFSET_ALIGNMENT}"
            ));
        }
        let Some(end) = offset.checked_add(bytes) else {
            return Some(format!("{bytes} bytes at {offset} cannot be addressed"));
        };
        let room = match span.buffer {
            Buffer::Argument(index) if index >= MAX_ARGUMENTS => {
                return Some(format!("no function has {MAX_ARGUMENTS} arguments"));
            }
            Buffer::Argument(_) => isize::MAX as u64,
            Buffer::Workspace => self.workspace_bytes,
            Buffer::Constants if span.access.writes() => {
                return Some("constants are not written".to_owned());
            }
            Buffer::Constants => self.constants_bytes,
        };
        (end > room).then(|| format!("{bytes} bytes at {offset}, but it ends at {room}"))
    }
}

impl KernelInfo {
    fn problem(&self) -> Option<String> {
        let size = |all: u32, n: &u32| all.checked_mul(*n);
        if self.entry.is_empty() || self.entry.contains('\0') {
            Some("this is not a name".to_owned())
        } else if self.push_words > MAX_PUSH_WORDS {
            let words = self.push_words;
            Some(format!("{words} push words, {MAX_PUSH_WORDS} at most"))
        } else if self.workgroup.contains(&0) || self.workgroup.iter().try_fold(1, size).is_none() {
            let workgroup = self.workgroup;
            Some(format!("workgroups of {workgroup:?} invocations"))
        } else {
            None
        }
    }
}
