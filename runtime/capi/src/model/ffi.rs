//! Functions about models, in C.
#![allow(unsafe_code)]

use super::{MODELS, Model};
use crate::ffi::{guard, known_size, list, null, put, size_is_set, text};
use spec_runtime::model::{LoadOptions, VulkanOptions};
use std::ffi::c_char;
use std::path::Path;
use std::ptr;

/// `spec_model`: a handle.
#[repr(C)]
pub struct SpecModel([u8; 0]);

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
