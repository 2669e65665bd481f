//! Handles: numbers that are given out once and never again, so that any other number is known to be none.

use crate::error::{BAD_HANDLE, Failure};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Things of one kind, by handle.
pub struct Handles<T> {
    things: Mutex<Option<HashMap<usize, Arc<T>>>>,
    name: &'static str,
}

/// The next handle, of any kind. Multiples of 16, which look like pointers; not 0.
static NEXT: AtomicUsize = AtomicUsize::new(16);

impl<T> Handles<T> {
    /// None yet. `name` is for messages.
    pub const fn new(name: &'static str) -> Self {
        Self {
            things: Mutex::new(None),
            name,
        }
    }

    /// A handle for `thing`.
    pub fn give(&self, thing: T) -> usize {
        let handle = NEXT.fetch_add(16, Relaxed);
        let mut things = self.lock();
        things
            .get_or_insert_default()
            .insert(handle, Arc::new(thing));
        handle
    }

    /// What a handle is for. It lives on while somebody has it.
    ///
    /// # Errors
    /// It is not a handle.
    pub fn get(&self, handle: usize) -> Result<Arc<T>, Failure> {
        let things = self.lock();
        let thing = things.as_ref().and_then(|t| t.get(&handle));
        thing.cloned().ok_or_else(|| self.bad(handle))
    }

    /// Takes a handle back.
    ///
    /// # Errors
    /// It is not a handle.
    pub fn take(&self, handle: usize) -> Result<Arc<T>, Failure> {
        let mut things = self.lock();
        let thing = things.as_mut().and_then(|t| t.remove(&handle));
        drop(things);
        thing.ok_or_else(|| self.bad(handle))
    }

    fn bad(&self, handle: usize) -> Failure {
        let name = self.name;
        let why = match handle {
            0 => "is NULL".to_owned(),
            _ => format!("{handle:#x} is none, or was given back already"),
        };
        Failure {
            status: BAD_HANDLE,
            message: format!("the {name} {why}"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<usize, Arc<T>>>> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_given_once_and_known_only_while_they_are_out() {
        let handles = Handles::new("thing");
        let other = Handles::new("other thing");
        let (a, b, c) = (handles.give(1), handles.give(2), other.give(3));
        assert!(a != b && b != c && a != 0);
        assert_eq!((*handles.get(b).unwrap(), *other.get(c).unwrap()), (2, 3));
        let held = handles.take(a).unwrap();
        assert_eq!(*held, 1);
        for (bad, part) in [
            (a, "given back already"),
            (0, "the thing is NULL"),
            (c, "is none"),
        ] {
            let error = handles.get(bad).unwrap_err();
            assert_eq!(error.status, BAD_HANDLE);
            assert!(error.message.contains(part), "{}", error.message);
            assert!(handles.take(bad).is_err());
        }
        assert_ne!(handles.give(4), a, "no handle comes again");
    }
}
