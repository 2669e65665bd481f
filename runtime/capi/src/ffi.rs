//! The border to C: `runtime/include/spec_runtime.h`.
//!
//! Each function checks its pointers for NULL, reads what the caller gave into safe values, and does the rest through [`guard`], which
//! keeps panics inside. A handle is a number and never a pointer that is looked through.
#![allow(unsafe_code)]

use crate::error::{BAD_ARGUMENT, Failure, INTERNAL, OK};
use crate::model::{MODELS, Model};
use crate::session::{Asked, SESSIONS, Session, enter};
use spec_runtime::generate::{Finish, Settings};
use spec_runtime::model::{LoadOptions, VulkanOptions};
use spec_runtime::sampling::Sampling;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::ptr;
use std::sync::Mutex;

/// `spec_model`: a handle.
#[repr(C)]
pub struct SpecModel([u8; 0]);

/// `spec_session`: a handle.
#[repr(C)]
pub struct SpecSession([u8; 0]);

/// `spec_model_options`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SpecModelOptions {
    size: usize,
    threads: u32,
    core_count: u32,
    cores: *const u32,
    pin: i32,
    huge_pages: i32,
    verify: i32,
    vulkan_device: *const c_char,
}

/// `spec_model_info`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SpecModelInfo {
    size: usize,
    vocabulary: u32,
    context: u32,
    has_drafter: i32,
    plan_draft_length: u32,
    plan_overlapped: i32,
    bos: i64,
    add_bos: i32,
}

/// `spec_settings`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SpecSettings {
    size: usize,
    max_tokens: u64,
    seed: u64,
    temperature: f32,
    top_k: u32,
    top_p: f32,
    draft_length: i32,
    schedule: i32,
    kappa: f64,
    lambda: f64,
    stop: *const u32,
    stop_count: usize,
}

/// `spec_stats`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SpecStats {
    size: usize,
    prompt_tokens: u64,
    tokens: u64,
    rounds: u64,
    drafted: u64,
    accepted: u64,
    prefill: f64,
    decode: f64,
    draft: f64,
    verify: f64,
    handoff: f64,
    sampling: f64,
}

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::new(CString::default());
}

fn remember(message: &str) {
    let text: Vec<u8> = message.bytes().filter(|b| *b != 0).collect();
    let text = CString::new(text).unwrap_or_default();
    // at a thread's end there is nobody to read it
    let _ = LAST_ERROR.try_with(|last| last.replace(text));
}

/// Runs `f`, keeps what goes wrong, and returns the status. A panic stays inside.
fn guard(f: impl FnOnce() -> Result<(), Failure>) -> i32 {
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

fn null(what: &str) -> Failure {
    Failure::argument(format!("{what} is NULL"))
}

/// Writes `value` where the caller wants it.
///
/// # Safety
/// `to` is NULL or can be written.
unsafe fn put<T>(to: *mut T, value: T, what: &str) -> Result<(), Failure> {
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
unsafe fn list<'a, T>(from: *const T, count: usize, what: &str) -> Result<&'a [T], Failure> {
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
unsafe fn size_is_set<T>(from: *const T, what: &str) -> Result<(), Failure> {
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

fn default_options() -> SpecModelOptions {
    SpecModelOptions {
        size: size_of::<SpecModelOptions>(),
        threads: 0,
        core_count: 0,
        cores: ptr::null(),
        pin: 1,
        huge_pages: 1,
        verify: 1,
        vulkan_device: ptr::null(),
    }
}

/// `spec_model_options_init`.
///
/// # Safety
/// `options` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spec_model_options_init(
    options: *mut SpecModelOptions,
    size: usize,
) -> i32 {
    guard(|| {
        known_size::<SpecModelOptions>(size)?;
        // SAFETY: by this function's contract
        unsafe { put(options, default_options(), "options") }
    })
}

/// A struct of a program that was compiled with this version, which is the first.
fn known_size<T>(size: usize) -> Result<(), Failure> {
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
unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str, Failure> {
    if text.is_null() {
        return Err(null(what));
    }
    // SAFETY: by this function's contract
    let bytes = unsafe { CStr::from_ptr(text) };
    bytes
        .to_str()
        .map_err(|_| Failure::argument(format!("{what} is not UTF-8")))
}

/// `spec_model_open`.
///
/// # Safety
/// `folder` and `options->vulkan_device` are NULL or strings; `options` is NULL or a struct of the header, with `core_count` readable
/// numbers at `cores`; `model` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spec_model_open(
    folder: *const c_char,
    options: *const SpecModelOptions,
    model: *mut *mut SpecModel,
) -> i32 {
    guard(|| {
        // SAFETY: all of it by this function's contract
        unsafe {
            put(model, ptr::null_mut(), "model")?;
            let folder = text(folder, "folder")?;
            let options = if options.is_null() {
                default_options()
            } else {
                size_is_set(options, "options")?;
                options.read()
            };
            let cores = list(options.cores, options.core_count as usize, "options->cores")?;
            let device = match options.vulkan_device.is_null() {
                true => None,
                false => Some(text(options.vulkan_device, "options->vulkan_device")?.to_owned()),
            };
            let options = LoadOptions {
                threads: (options.threads > 0).then_some(options.threads as usize),
                cores: cores.iter().map(|c| *c as usize).collect(),
                pin: options.pin != 0,
                huge_pages: options.huge_pages != 0,
                verify: options.verify != 0,
                vulkan: Some(VulkanOptions {
                    device,
                    ..VulkanOptions::default()
                }),
                ..LoadOptions::default()
            };
            let opened = Model::open(Path::new(folder), &options)?;
            put(
                model,
                ptr::without_provenance_mut(MODELS.give(opened)),
                "model",
            )
        }
    })
}

/// `spec_model_close`.
#[unsafe(no_mangle)]
pub extern "C" fn spec_model_close(model: *mut SpecModel) -> i32 {
    guard(|| MODELS.take(model.addr()).map(drop))
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// `spec_model_get_info`.
///
/// # Safety
/// `info` is NULL or a struct of the header with its size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spec_model_get_info(
    model: *const SpecModel,
    info: *mut SpecModelInfo,
) -> i32 {
    guard(|| {
        // SAFETY: by this function's contract
        unsafe { size_is_set(info, "info")? };
        let model = MODELS.get(model.addr())?;
        let facts = model.facts();
        // SAFETY: as above
        let size = unsafe { (*info).size };
        let filled = SpecModelInfo {
            size,
            vocabulary: small(facts.vocabulary),
            context: small(facts.context),
            has_drafter: facts.has_drafter.into(),
            plan_draft_length: small(facts.planned),
            plan_overlapped: facts.overlapped.into(),
            bos: model.text.bos.map_or(-1, i64::from),
            add_bos: (model.text.add_bos && model.text.bos.is_some()).into(),
        };
        // SAFETY: as above
        unsafe { put(info, filled, "info") }
    })
}

/// `spec_model_stop_tokens`.
///
/// # Safety
/// `tokens` is NULL or has room for `capacity` numbers; `count` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spec_model_stop_tokens(
    model: *const SpecModel,
    tokens: *mut u32,
    capacity: usize,
    count: *mut usize,
) -> i32 {
    guard(|| {
        let model = MODELS.get(model.addr())?;
        let stop = &model.text.eos;
        if capacity > 0 && tokens.is_null() {
            return Err(null("tokens"));
        }
        // SAFETY: by this function's contract
        unsafe {
            put(count, stop.len(), "count")?;
            for (i, token) in stop.iter().take(capacity).enumerate() {
                tokens.add(i).write(*token);
            }
        }
        Ok(())
    })
}

fn default_settings() -> SpecSettings {
    SpecSettings {
        size: size_of::<SpecSettings>(),
        max_tokens: 128,
        seed: 0,
        temperature: 0.0,
        top_k: 0,
        top_p: 1.0,
        draft_length: -1,
        schedule: 0,
        kappa: 0.2,
        lambda: 0.4,
        stop: ptr::null(),
        stop_count: 0,
    }
}

/// `spec_settings_init`.
///
/// # Safety
/// `settings` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spec_settings_init(settings: *mut SpecSettings, size: usize) -> i32 {
    guard(|| {
        known_size::<SpecSettings>(size)?;
        // SAFETY: by this function's contract
        unsafe { put(settings, default_settings(), "settings") }
    })
}

/// `spec_session_new`.
///
/// # Safety
/// `settings` is NULL or a struct of the header, with `stop_count` readable tokens at `stop`; `session` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spec_session_new(
    model: *const SpecModel,
    settings: *const SpecSettings,
    session: *mut *mut SpecSession,
) -> i32 {
    guard(|| {
        // SAFETY: all of it by this function's contract
        let (given, stop) = unsafe {
            put(session, ptr::null_mut(), "session")?;
            let given = if settings.is_null() {
                default_settings()
            } else {
                size_is_set(settings, "settings")?;
                settings.read()
            };
            (given, list(given.stop, given.stop_count, "settings->stop")?)
        };
        let model = MODELS.get(model.addr())?;
        let asked = Asked {
            draft_length: given.draft_length,
            schedule: given.schedule,
            kappa: given.kappa,
            lambda: given.lambda,
        };
        let (drafting, schedule) = asked.resolve(&model.facts())?;
        let sampling = Sampling::Random {
            temperature: given.temperature,
            top_k: given.top_k as usize,
            top_p: given.top_p,
        };
        sampling
            .check()
            .map_err(|e| Failure::argument(e.to_string()))?;
        let settings = Settings {
            max_tokens: usize::try_from(given.max_tokens).unwrap_or(usize::MAX),
            stop: if given.stop.is_null() {
                model.text.eos.clone()
            } else {
                stop.to_vec()
            },
            sampling,
            drafting,
            schedule,
            seed: given.seed,
        };
        let made = Session::new(&model, settings)?;
        let handle = SESSIONS.give(Mutex::new(made));
        // SAFETY: as above
        unsafe { put(session, ptr::without_provenance_mut(handle), "session") }
    })
}

/// `spec_session_free`.
#[unsafe(no_mangle)]
pub extern "C" fn spec_session_free(session: *mut SpecSession) -> i32 {
    guard(|| SESSIONS.take(session.addr()).map(drop))
}

/// `spec_session_start`.
///
/// # Safety
/// `tokens` is NULL or `count` tokens can be read there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spec_session_start(
    session: *mut SpecSession,
    tokens: *const u32,
    count: usize,
) -> i32 {
    guard(|| {
        let session = SESSIONS.get(session.addr())?;
        // SAFETY: by this function's contract
        let tokens = unsafe { list(tokens, count, "tokens")? };
        enter(&session)?.start(tokens)
    })
}

/// `spec_session_round`.
///
/// # Safety
/// `tokens` is NULL or has room for `capacity` tokens; `count` and `finished` are NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spec_session_round(
    session: *mut SpecSession,
    tokens: *mut u32,
    capacity: usize,
    count: *mut usize,
    finished: *mut i32,
) -> i32 {
    guard(|| {
        if tokens.is_null() || capacity == 0 {
            let message = "tokens is NULL or capacity is 0: there must be room for a token";
            return Err(Failure {
                status: BAD_ARGUMENT,
                message: message.into(),
            });
        }
        // SAFETY: by this function's contract
        unsafe {
            put(count, 0, "count")?;
            put(finished, 0, "finished")?;
        }
        let session = SESSIONS.get(session.addr())?;
        let mut session = enter(&session)?;
        // the caller's memory may hold anything: it is written, never read
        let mut room = vec![0; capacity.min(ROOM)];
        let (written, finish) = session.round(&mut room)?;
        let code = match finish {
            None => 0,
            Some(Finish::Stop(_)) => 1,
            Some(Finish::MaxTokens) => 2,
            Some(Finish::Context) => 3,
        };
        // SAFETY: by this function's contract; `written` is at most `capacity`, and `room` that long
        unsafe {
            ptr::copy_nonoverlapping(room.as_ptr(), tokens, written);
            put(count, written, "count")?;
            put(finished, code, "finished")
        }
    })
}

/// Most tokens of one round.
const ROOM: usize = spec_runtime::draft_length::MAX + 1;

/// `spec_session_stats`.
///
/// # Safety
/// `stats` is NULL or a struct of the header with its size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spec_session_stats(
    session: *const SpecSession,
    stats: *mut SpecStats,
) -> i32 {
    guard(|| {
        // SAFETY: by this function's contract
        unsafe { size_is_set(stats, "stats")? };
        let session = SESSIONS.get(session.addr())?;
        let session = enter(&session)?;
        let s = session.stats();
        // SAFETY: as above
        let size = unsafe { (*stats).size };
        let filled = SpecStats {
            size,
            prompt_tokens: s.prompt_tokens as u64,
            tokens: s.tokens as u64,
            rounds: s.round_count as u64,
            drafted: s.sum.drafted as u64,
            accepted: s.sum.accepted as u64,
            prefill: s.prefill.as_secs_f64(),
            decode: s.decode.as_secs_f64(),
            draft: s.sum.draft.as_secs_f64(),
            verify: s.sum.verify.as_secs_f64(),
            handoff: s.sum.handoff.as_secs_f64(),
            sampling: s.sum.sampling.as_secs_f64(),
        };
        // SAFETY: as above
        unsafe { put(stats, filled, "stats") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
