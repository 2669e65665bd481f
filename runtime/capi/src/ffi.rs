//! The border to C: `runtime/include/spec_runtime.h`. Here is what all functions share; those of models are in `model/ffi.rs`, those of
//! sessions in `session/ffi.rs`.
//!
//! Each function checks its pointers for NULL, reads what the caller gave into safe values, and does the rest through [`guard`], which
//! keeps panics inside. A handle is a number and never a pointer that is looked through.
#![allow(unsafe_code)]

use crate::error::{Failure, INTERNAL, OK};
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::new(CString::default());
}

pub(crate) fn remember(message: &str) {
    let text: Vec<u8> = message.bytes().filter(|b| *b != 0).collect();
    let text = CString::new(text).unwrap_or_default();
    // at a thread's end there is nobody to read it
    let _ = LAST_ERROR.try_with(|last| last.replace(text));
}

/// Runs `f`, keeps what goes wrong, and returns the status. A panic stays inside.
pub(crate) fn guard(f: impl FnOnce() -> Result<(), Failure>) -> i32 {
    // what `f` shares with the outside is behind locks, and those are read after a panic on purpose
    let (status, message) = match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(())) => return OK,
        Ok(Err(failure)) => (failure.status, failure.message),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            let text = text.unwrap_or_default();
            (
                INTERNAL,
                format!("internal error, please report it: {text}"),
            )
        }
    };
    remember(&message);
    status
}

pub(crate) fn null(what: &str) -> Failure {
    Failure::argument(format!("{what} is NULL"))
}

/// Writes `value` where the caller wants it.
///
/// # Safety
/// `to` is NULL or can be written.
pub(crate) unsafe fn put<T>(to: *mut T, value: T, what: &str) -> Result<(), Failure> {
    if to.is_null() {
        return Err(null(what));
    }
    // SAFETY: by this function's contract
    unsafe { to.write(value) };
    Ok(())
}

/// A list of the caller's.
///
/// # Safety
/// `from` is NULL, or `count` elements can be read there as long as the result lives.
pub(crate) unsafe fn list<'a, T>(
    from: *const T,
    count: usize,
    what: &str,
) -> Result<&'a [T], Failure> {
    match (from.is_null(), count) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(null(what)),
        // SAFETY: by this function's contract
        _ => Ok(unsafe { std::slice::from_raw_parts(from, count) }),
    }
}

/// Checks the field `size` that a struct of the caller's begins with: it is not older than the first version.
///
/// # Safety
/// `from` is NULL, or a `size_t` can be read there.
pub(crate) unsafe fn size_is_set<T>(from: *const T, what: &str) -> Result<(), Failure> {
    if from.is_null() {
        return Err(null(what));
    }
    // SAFETY: by this function's contract; `size` is the first field of each of these structs
    let size = unsafe { from.cast::<usize>().read() };
    match size >= size_of::<T>() {
        true => Ok(()),
        false => Err(Failure::argument(format!(
            "{what}->size is {size}: set it to sizeof(*{what}), at least {}, or use the function that writes the defaults",
            size_of::<T>()
        ))),
    }
}

/// `spec_last_error`.
#[unsafe(no_mangle)]
pub extern "C" fn spec_last_error() -> *const c_char {
    let last =
        LAST_ERROR.try_with(|last| last.try_borrow().map_or(c"".as_ptr(), |text| text.as_ptr()));
    last.unwrap_or(c"".as_ptr())
}

/// `spec_runtime_version`.
#[unsafe(no_mangle)]
pub extern "C" fn spec_runtime_version() -> *const c_char {
    concat!("spec-runtime ", env!("CARGO_PKG_VERSION"), "\0")
        .as_ptr()
        .cast()
}

/// A struct of a program that was compiled with this version, which is the first.
pub(crate) fn known_size<T>(size: usize) -> Result<(), Failure> {
    match size == size_of::<T>() {
        true => Ok(()),
        false => Err(Failure::argument(format!(
            "size is {size}, this library knows {}: give sizeof the struct, and use the header of this library",
            size_of::<T>()
        ))),
    }
}

/// A text of the caller's.
///
/// # Safety
/// `text` is NULL or a string that ends with 0.
pub(crate) unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str, Failure> {
    if text.is_null() {
        return Err(null(what));
    }
    // SAFETY: by this function's contract
    let bytes = unsafe { CStr::from_ptr(text) };
    bytes
        .to_str()
        .map_err(|_| Failure::argument(format!("{what} is not UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::BAD_ARGUMENT;

    fn last() -> String {
        // SAFETY: a string that ends with 0, and nothing fails in between
        unsafe { CStr::from_ptr(spec_last_error()) }
            .to_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn panics_stay_inside() {
        let status = guard(|| panic!("a bug with a number, {}", 7));
        assert_eq!(status, INTERNAL);
        assert_eq!(
            last(),
            "internal error, please report it: a bug with a number, 7"
        );
        assert_eq!(guard(|| Ok(())), OK);
        assert!(last().contains("bug"), "what went well leaves the message");
    }

    #[test]
    fn messages_are_of_the_thread() {
        assert_eq!(guard(|| Err(Failure::argument("a\0b"))), BAD_ARGUMENT);
        assert_eq!(last(), "ab");
        let other = std::thread::spawn(last).join().unwrap();
        assert_eq!(other, "");
    }
}
