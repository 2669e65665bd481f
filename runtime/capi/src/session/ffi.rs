//! Functions about sessions, in C.
#![allow(unsafe_code)]

use super::{Asked, SESSIONS, Session, enter};
use crate::error::{BAD_ARGUMENT, Failure};
use crate::ffi::{guard, known_size, list, put, size_is_set};
use crate::model::MODELS;
use crate::model::ffi::SpecModel;
use spec_runtime::generate::{Finish, Settings};
use spec_runtime::sampling::Sampling;
use std::ptr;
use std::sync::Mutex;

/// `spec_session`: a handle.
#[repr(C)]
pub struct SpecSession([u8; 0]);

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

fn default_settings() -> SpecSettings {
    SpecSettings {
        size: size_of::<SpecSettings>(),
        max_tokens: 128,
        seed: 0,
        temperature: 0.0,
        top_k: 0,
        top_p: 1.0,
        draft_length: -4,
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
        let (drafting, schedule) = asked.resolve(&model.offer())?;
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
