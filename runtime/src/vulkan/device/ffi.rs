//! The Vulkan instance, its devices and one queue.
#![allow(unsafe_code)]

use super::super::VulkanError;
use super::{Features, Kind, Log, MemoryType, Properties, SubgroupFeatures, checked_here};
use ash::{ext, vk};
use std::ffi::{CStr, c_void};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const VALIDATION: &CStr = c"VK_LAYER_KHRONOS_validation";
const API: u32 = vk::API_VERSION_1_3;

/// The error of a call of Vulkan.
pub(in crate::vulkan) fn failed(call: &'static str) -> impl Fn(vk::Result) -> VulkanError {
    move |result| match result {
        vk::Result::ERROR_DEVICE_LOST => VulkanError::Lost,
        vk::Result::ERROR_OUT_OF_DEVICE_MEMORY | vk::Result::ERROR_OUT_OF_HOST_MEMORY => {
            VulkanError::NoRoom { call }
        }
        other => VulkanError::Call {
            call,
            reason: format!("{other} ({})", other.as_raw()),
        },
    }
}

/// A connection to the drivers.
pub(super) struct Instance {
    // in the order of their end; the library goes last
    messenger: Option<(ext::debug_utils::Instance, vk::DebugUtilsMessengerEXT)>,
    raw: ash::Instance,
    log: Log,
    _entry: ash::Entry,
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: both are handles of this instance, made by it and ended once; a Device keeps its Instance until after its own end.
        unsafe {
            if let Some((functions, messenger)) = &self.messenger {
                functions.destroy_debug_utils_messenger(*messenger, None);
            }
            self.raw.destroy_instance(None);
        }
    }
}

/// What the validation layer calls.
///
/// # Safety
/// `data` is null or valid; `user` points to a [`Log`].
unsafe extern "system" fn note(
    _severity: vk::DebugUtilsMessageSeverityFlagsEXT,
    _kind: vk::DebugUtilsMessageTypeFlagsEXT,
    data: *const vk::DebugUtilsMessengerCallbackDataEXT<'_>,
    user: *mut c_void,
) -> vk::Bool32 {
    // SAFETY: the layer's promise for `data`; `user` is the log's allocation, which the Instance keeps until the instance has ended.
    let (data, log) = unsafe { (data.as_ref(), &*user.cast::<Mutex<Vec<String>>>()) };
    // SAFETY: strings of the layer end with 0 and live as long as this call.
    let (id, message) = unsafe {
        (
            data.and_then(|d| d.message_id_name_as_c_str()),
            data.and_then(|d| d.message_as_c_str()),
        )
    };
    let text = |s: Option<&CStr>| s.map_or_else(String::new, |m| m.to_string_lossy().into_owned());
    let message = text(message);
    if checked_here(&text(id), &message) {
        return vk::FALSE;
    }
    log.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(message);
    vk::FALSE
}

impl Instance {
    pub(super) fn new(library: Option<&Path>, validation: bool) -> Result<Self, VulkanError> {
        // SAFETY: loading runs the code of the Vulkan loader, which is what the caller asks for.
        let entry = unsafe {
            match library {
                Some(path) => ash::Entry::load_from(path),
                None => ash::Entry::load(),
            }
        };
        let entry = entry.map_err(|e| VulkanError::NoLibrary(e.to_string()))?;
        // SAFETY: the loader is loaded.
        let version = unsafe { entry.try_enumerate_instance_version() };
        let version = version.map_err(failed("vkEnumerateInstanceVersion"))?;
        let version = version.unwrap_or(vk::API_VERSION_1_0);
        if version < API {
            let (major, minor) = split(version);
            return Err(VulkanError::OldLibrary(format!("{major}.{minor}")));
        }
        if validation && !has_validation(&entry)? {
            return Err(VulkanError::NoLayer);
        }
        let log = Log::default();
        let (raw, messenger) = create(&entry, &log, validation)?;
        let messenger = messenger.map(|m| (ext::debug_utils::Instance::new(&entry, &raw), m));
        let mut instance = Self {
            messenger: None,
            raw,
            log,
            _entry: entry,
        };
        if let Some((functions, info)) = messenger {
            // SAFETY: the instance is alive and has the extension; `info` points to the log, which the Instance keeps.
            let made = unsafe { functions.create_debug_utils_messenger(&info, None) };
            let made = made.map_err(failed("vkCreateDebugUtilsMessengerEXT"))?;
            instance.messenger = Some((functions, made));
        }
        Ok(instance)
    }

    /// All devices, in the order of the loader.
    pub(super) fn devices(&self) -> Result<Vec<Found>, VulkanError> {
        // SAFETY: the instance is alive.
        let handles = unsafe { self.raw.enumerate_physical_devices() };
        let handles = match handles {
            // what loaders say when there is no driver
            Err(vk::Result::ERROR_INITIALIZATION_FAILED) => vec![],
            other => other.map_err(failed("vkEnumeratePhysicalDevices"))?,
        };
        Ok(handles.into_iter().map(|h| self.look(h)).collect())
    }

    fn look(&self, handle: vk::PhysicalDevice) -> Found {
        // SAFETY: the device is one of this instance.
        let (basics, queues) = unsafe {
            (
                self.raw.get_physical_device_properties(handle),
                self.raw.get_physical_device_queue_family_properties(handle),
            )
        };
        let compute =
            |q: &vk::QueueFamilyProperties| q.queue_flags.contains(vk::QueueFlags::COMPUTE);
        let name = basics.device_name_as_c_str();
        let mut found = Found {
            handle,
            queue_family: queues.iter().position(compute).map(|i| i as u32),
            lacks_basics: false,
            properties: Properties {
                name: name.map_or_else(|_| String::new(), |n| n.to_string_lossy().into_owned()),
                kind: kind(basics.device_type),
                version: split(basics.api_version),
                ..Properties::default()
            },
        };
        if basics.api_version >= API {
            self.limits(&mut found);
            self.features(&mut found);
        }
        found
    }

    fn limits(&self, found: &mut Found) {
        let mut v11 = vk::PhysicalDeviceVulkan11Properties::default();
        let mut v13 = vk::PhysicalDeviceVulkan13Properties::default();
        let mut import = vk::PhysicalDeviceExternalMemoryHostPropertiesEXT::default();
        let imports = self.imports(found.handle);
        let mut all = vk::PhysicalDeviceProperties2::default()
            .push_next(&mut v11)
            .push_next(&mut v13);
        if imports {
            all = all.push_next(&mut import);
        }
        // SAFETY: the device is one of this instance, and has all structs of the chain.
        unsafe {
            self.raw
                .get_physical_device_properties2(found.handle, &mut all)
        };
        let limits = all.properties.limits;
        let bindings = [
            limits.max_per_stage_descriptor_storage_buffers,
            limits.max_descriptor_set_storage_buffers,
            limits.max_per_stage_resources,
        ];
        let p = &mut found.properties;
        p.max_storage_buffer_range = u64::from(limits.max_storage_buffer_range);
        p.max_buffer_bytes = v13.max_buffer_size.min(v11.max_memory_allocation_size);
        p.max_allocation_bytes = v11.max_memory_allocation_size;
        p.import_alignment = imports.then_some(import.min_imported_host_pointer_alignment);
        p.shared_memory = limits.max_compute_shared_memory_size;
        p.invocations = limits.max_compute_work_group_invocations;
        p.workgroup = limits.max_compute_work_group_size;
        p.groups = limits.max_compute_work_group_count;
        p.bindings = bindings.into_iter().min().unwrap_or(0);
        p.push_bytes = limits.max_push_constants_size;
        p.subgroup_size = v11.subgroup_size;
        p.features.dot4x8_accelerated =
            v13.integer_dot_product4x8_bit_packed_signed_accelerated != 0;
        let compute = vk::ShaderStageFlags::COMPUTE;
        if v11.subgroup_supported_stages.contains(compute) {
            let has = |f| v11.subgroup_supported_operations.contains(f);
            p.features.subgroup = SubgroupFeatures {
                basic: has(vk::SubgroupFeatureFlags::BASIC),
                vote: has(vk::SubgroupFeatureFlags::VOTE),
                arithmetic: has(vk::SubgroupFeatureFlags::ARITHMETIC),
                ballot: has(vk::SubgroupFeatureFlags::BALLOT),
                shuffle: has(vk::SubgroupFeatureFlags::SHUFFLE),
                shuffle_relative: has(vk::SubgroupFeatureFlags::SHUFFLE_RELATIVE),
                clustered: has(vk::SubgroupFeatureFlags::CLUSTERED),
            };
        }
    }

    /// Whether the device can use the host's memory.
    fn imports(&self, handle: vk::PhysicalDevice) -> bool {
        // SAFETY: the device is one of this instance.
        let extensions = unsafe { self.raw.enumerate_device_extension_properties(handle) };
        let extensions = extensions.unwrap_or_default(); // without them, memory is copied
        let mut names = extensions.iter().map(|e| e.extension_name_as_c_str());
        names.any(|n| n == Ok(ext::external_memory_host::NAME))
    }

    fn features(&self, found: &mut Found) {
        let mut v11 = vk::PhysicalDeviceVulkan11Features::default();
        let mut v12 = vk::PhysicalDeviceVulkan12Features::default();
        let mut v13 = vk::PhysicalDeviceVulkan13Features::default();
        let mut all = vk::PhysicalDeviceFeatures2::default()
            .push_next(&mut v11)
            .push_next(&mut v12)
            .push_next(&mut v13);
        // SAFETY: the device is one of this instance, and has Vulkan 1.3.
        unsafe {
            self.raw
                .get_physical_device_features2(found.handle, &mut all)
        };
        let core = all.features;
        found.lacks_basics = v12.timeline_semaphore == 0 || v13.synchronization2 == 0;
        found.properties.features = Features {
            storage16: v11.storage_buffer16_bit_access != 0,
            storage8: v12.storage_buffer8_bit_access != 0,
            float16: v12.shader_float16 != 0,
            int8: v12.shader_int8 != 0,
            int16: core.shader_int16 != 0,
            int64: core.shader_int64 != 0,
            integer_dot_product: v13.shader_integer_dot_product != 0,
            ..found.properties.features
        };
    }
}

/// Whether the layer is there.
fn has_validation(entry: &ash::Entry) -> Result<bool, VulkanError> {
    // SAFETY: the loader is loaded.
    let layers = unsafe { entry.enumerate_instance_layer_properties() };
    let layers = layers.map_err(failed("vkEnumerateInstanceLayerProperties"))?;
    Ok(layers
        .iter()
        .any(|l| l.layer_name_as_c_str() == Ok(VALIDATION)))
}

/// Whether the layer can be told what to look at. The layer must be there.
fn has_settings(entry: &ash::Entry) -> Result<bool, VulkanError> {
    // SAFETY: the loader is loaded; the name ends with 0.
    let extensions = unsafe { entry.enumerate_instance_extension_properties(Some(VALIDATION)) };
    let extensions = extensions.map_err(failed("vkEnumerateInstanceExtensionProperties"))?;
    let mut names = extensions.iter().map(|e| e.extension_name_as_c_str());
    Ok(names.any(|n| n == Ok(ext::layer_settings::NAME)))
}

type Created = (
    ash::Instance,
    Option<vk::DebugUtilsMessengerCreateInfoEXT<'static>>,
);

fn create(entry: &ash::Entry, log: &Log, validation: bool) -> Result<Created, VulkanError> {
    let application = vk::ApplicationInfo::default()
        .application_name(c"spec")
        .engine_name(c"spec")
        .api_version(API);
    let layers = [VALIDATION.as_ptr()];
    let enabled = [vk::ValidationFeatureEnableEXT::SYNCHRONIZATION_VALIDATION];
    let mut features = vk::ValidationFeaturesEXT::default().enabled_validation_features(&enabled);
    // newer layers look at what shaders do only if they are told to, older ones always do and know no settings
    let on = vk::TRUE;
    let look = [vk::LayerSettingEXT {
        p_layer_name: VALIDATION.as_ptr(),
        p_setting_name: c"syncval_shader_accesses_heuristic".as_ptr(),
        ty: vk::LayerSettingTypeEXT::BOOL32,
        value_count: 1,
        p_values: std::ptr::from_ref(&on).cast(),
        ..Default::default()
    }];
    let mut settings = vk::LayerSettingsCreateInfoEXT::default().settings(&look);
    // the first one is the loader's, the others are the layer's own
    let mut extensions = vec![
        ext::debug_utils::NAME.as_ptr(),
        ext::validation_features::NAME.as_ptr(),
    ];
    let messenger = messenger(log);
    let mut first_messenger = messenger; // for what is said about the instance itself
    let mut info = vk::InstanceCreateInfo::default().application_info(&application);
    if validation && has_settings(entry)? {
        extensions.push(ext::layer_settings::NAME.as_ptr());
        info = info.push_next(&mut settings);
    }
    if validation {
        info = info
            .enabled_layer_names(&layers)
            .enabled_extension_names(&extensions)
            .push_next(&mut features)
            .push_next(&mut first_messenger);
    }
    // SAFETY: `info` and all that it points to live until after the call; the log lives as long as the instance (Instance::new).
    let raw = unsafe { entry.create_instance(&info, None) };
    let raw = raw.map_err(|error| match error {
        vk::Result::ERROR_INCOMPATIBLE_DRIVER => VulkanError::NoDevice,
        vk::Result::ERROR_LAYER_NOT_PRESENT => VulkanError::NoLayer,
        other => failed("vkCreateInstance")(other),
    })?;
    Ok((raw, validation.then_some(messenger)))
}

fn messenger(log: &Log) -> vk::DebugUtilsMessengerCreateInfoEXT<'static> {
    use vk::DebugUtilsMessageSeverityFlagsEXT as Severity;
    use vk::DebugUtilsMessageTypeFlagsEXT as Type;
    vk::DebugUtilsMessengerCreateInfoEXT::default()
        .message_severity(Severity::WARNING | Severity::ERROR)
        .message_type(Type::VALIDATION | Type::PERFORMANCE)
        .pfn_user_callback(Some(note))
        .user_data(std::sync::Arc::as_ptr(&log.0).cast_mut().cast())
}

fn split(version: u32) -> (u32, u32) {
    (
        vk::api_version_major(version),
        vk::api_version_minor(version),
    )
}

fn kind(kind: vk::PhysicalDeviceType) -> Kind {
    match kind {
        vk::PhysicalDeviceType::DISCRETE_GPU => Kind::Discrete,
        vk::PhysicalDeviceType::INTEGRATED_GPU => Kind::Integrated,
        vk::PhysicalDeviceType::VIRTUAL_GPU => Kind::Virtual,
        vk::PhysicalDeviceType::CPU => Kind::Cpu,
        _ => Kind::Other,
    }
}

/// A device of an [`Instance`].
pub(super) struct Found {
    handle: vk::PhysicalDevice,
    pub(super) queue_family: Option<u32>,
    /// Whether it lacks what is always needed.
    pub(super) lacks_basics: bool,
    pub(super) properties: Properties,
}

#[cfg(test)]
impl Found {
    pub(super) fn made_up(properties: Properties, queue_family: Option<u32>) -> Self {
        Self {
            handle: vk::PhysicalDevice::null(),
            queue_family,
            lacks_basics: false,
            properties,
        }
    }
}

/// A device with one queue. Everything that is made with it keeps it alive.
pub(in crate::vulkan) struct Device {
    pub(in crate::vulkan) raw: ash::Device,
    pub(in crate::vulkan) memory_types: Vec<MemoryType>,
    /// Functions for the host's memory, if the device can use it.
    pub(in crate::vulkan) import: Option<ext::external_memory_host::Device>,
    pub(in crate::vulkan) pipeline_cache: vk::PipelineCache,
    pub(in crate::vulkan) queue_family: u32,
    names: Option<ext::debug_utils::Device>,
    queue: Mutex<Queue>,
    /// Has the number of the last submission that is finished.
    timeline: vk::Semaphore,
    properties: Properties,
    instance: Instance, // the last field: it ends after the device
}

struct Queue {
    raw: vk::Queue,
    /// Number of the last submission.
    last: u64,
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: all that was made with the device is gone, since it keeps the device, and nothing runs: what runs keeps it too.
        unsafe {
            self.raw.destroy_semaphore(self.timeline, None);
            self.raw.destroy_pipeline_cache(self.pipeline_cache, None);
            self.raw.destroy_device(None);
        }
    }
}

impl Device {
    pub(super) fn new(instance: Instance, found: Found) -> Result<Self, VulkanError> {
        let queue_family = found.queue_family.unwrap_or(0);
        let raw = make_device(&instance, &found, queue_family)?;
        let names = instance.messenger.as_ref();
        let names = names.map(|_| ext::debug_utils::Device::new(&instance.raw, &raw));
        // SAFETY: the device is one of the instance; it has one queue of this family.
        let (memory, queue) = unsafe {
            (
                instance
                    .raw
                    .get_physical_device_memory_properties(found.handle),
                raw.get_device_queue(queue_family, 0),
            )
        };
        let types = memory.memory_types_as_slice().iter();
        let heaps = memory.memory_heaps_as_slice();
        let import = found.properties.import_alignment;
        let mut device = Self {
            import: import.map(|_| ext::external_memory_host::Device::new(&instance.raw, &raw)),
            raw,
            memory_types: types
                .map(|t| MemoryType {
                    flags: t.property_flags,
                    heap_bytes: heaps.get(t.heap_index as usize).map_or(0, |h| h.size),
                })
                .collect(),
            pipeline_cache: vk::PipelineCache::null(),
            queue_family,
            names,
            queue: Mutex::new(Queue {
                raw: queue,
                last: 0,
            }),
            timeline: vk::Semaphore::null(),
            properties: found.properties,
            instance,
        };
        let mut kind = vk::SemaphoreTypeCreateInfo::default()
            .semaphore_type(vk::SemaphoreType::TIMELINE)
            .initial_value(0);
        let semaphore = vk::SemaphoreCreateInfo::default().push_next(&mut kind);
        let cache = vk::PipelineCacheCreateInfo::default();
        // SAFETY: the device is alive and has timeline semaphores. If the second call fails, ending the device ends the semaphore;
        // ending null handles does nothing.
        unsafe {
            let made = device.raw.create_semaphore(&semaphore, None);
            device.timeline = made.map_err(failed("vkCreateSemaphore"))?;
            let made = device.raw.create_pipeline_cache(&cache, None);
            device.pipeline_cache = made.map_err(failed("vkCreatePipelineCache"))?;
        }
        Ok(device)
    }

    pub(in crate::vulkan) fn properties(&self) -> &Properties {
        &self.properties
    }

    pub(in crate::vulkan) fn log(&self) -> Log {
        self.instance.log.clone()
    }

    /// Tells the layers and debuggers the name of an object.
    pub(in crate::vulkan) fn name<T: vk::Handle>(&self, object: T, name: &CStr) {
        let Some(functions) = &self.names else { return };
        let info = vk::DebugUtilsObjectNameInfoEXT::default()
            .object_handle(object)
            .object_name(name);
        // SAFETY: the object was just made with this device. A name that cannot be kept is no loss.
        let _ = unsafe { functions.set_debug_utils_object_name(&info) };
    }

    /// Hands commands to the GPU, after all handed over before; the number to wait for.
    ///
    /// # Safety
    /// `commands` is recorded, belongs to this device, is not handed over and unfinished, and all that it uses lives until the
    /// number is reached.
    pub(in crate::vulkan) unsafe fn submit(
        &self,
        commands: vk::CommandBuffer,
    ) -> Result<u64, VulkanError> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let number = queue.last + 1;
        let buffers = [vk::CommandBufferSubmitInfo::default().command_buffer(commands)];
        let signals = [vk::SemaphoreSubmitInfo::default()
            .semaphore(self.timeline)
            .value(number)
            .stage_mask(vk::PipelineStageFlags2::ALL_COMMANDS)];
        let submit = vk::SubmitInfo2::default()
            .command_buffer_infos(&buffers)
            .signal_semaphore_infos(&signals);
        // SAFETY: the caller's promise; the lock keeps the queue to one thread, and the numbers grow.
        let done = unsafe {
            self.raw
                .queue_submit2(queue.raw, &[submit], vk::Fence::null())
        };
        done.map_err(failed("vkQueueSubmit2"))?;
        queue.last = number;
        Ok(number)
    }

    /// Waits until the submission is finished; false: it was not, after `timeout`. None: forever.
    pub(in crate::vulkan) fn wait(
        &self,
        number: u64,
        timeout: Option<Duration>,
    ) -> Result<bool, VulkanError> {
        let nanoseconds = timeout.map_or(u64::MAX, |t| {
            u64::try_from(t.as_nanos()).unwrap_or(u64::MAX)
        });
        let (semaphores, values) = ([self.timeline], [number]);
        let info = vk::SemaphoreWaitInfo::default()
            .semaphores(&semaphores)
            .values(&values);
        // SAFETY: the semaphore is this device's, and lives as long as it.
        match unsafe { self.raw.wait_semaphores(&info, nanoseconds) } {
            Ok(()) => Ok(true),
            Err(vk::Result::TIMEOUT) => Ok(false),
            Err(error) => Err(failed("vkWaitSemaphores")(error)),
        }
    }
}

/// The device, with all features that kernels may use and it has.
fn make_device(
    instance: &Instance,
    found: &Found,
    queue_family: u32,
) -> Result<ash::Device, VulkanError> {
    let f = &found.properties.features;
    let core = vk::PhysicalDeviceFeatures::default()
        .shader_int16(f.int16)
        .shader_int64(f.int64);
    let mut v11 =
        vk::PhysicalDeviceVulkan11Features::default().storage_buffer16_bit_access(f.storage16);
    let mut v12 = vk::PhysicalDeviceVulkan12Features::default()
        .storage_buffer8_bit_access(f.storage8)
        .shader_float16(f.float16)
        .shader_int8(f.int8)
        .timeline_semaphore(true);
    let mut v13 = vk::PhysicalDeviceVulkan13Features::default()
        .shader_integer_dot_product(f.integer_dot_product)
        .synchronization2(true);
    let queues = [vk::DeviceQueueCreateInfo::default()
        .queue_family_index(queue_family)
        .queue_priorities(&[1.0])];
    let mut extensions = vec![];
    if found.properties.import_alignment.is_some() {
        extensions.push(ext::external_memory_host::NAME.as_ptr());
    }
    let info = vk::DeviceCreateInfo::default()
        .queue_create_infos(&queues)
        .enabled_extension_names(&extensions)
        .enabled_features(&core)
        .push_next(&mut v11)
        .push_next(&mut v12)
        .push_next(&mut v13);
    // SAFETY: `info` and all that it points to live until after the call; the device is one of the instance, and has the features.
    let device = unsafe { instance.raw.create_device(found.handle, &info, None) };
    device.map_err(failed("vkCreateDevice"))
}
