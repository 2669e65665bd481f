// Compiles compute pipelines and prints what the driver says about them (VK_KHR_pipeline_executable_properties). Dispatches nothing.
//
//     pipe [-i] < LIST          -i: internal representations (NIR, assembly) too
//
// LIST, a line each:  module PATH   |   kernel ENTRY BINDINGS PUSH_BYTES      (of the module last named)
// Output:
//     device NAME
//     kernel ENTRY SUBGROUP     0 and nothing more, if the driver finds that the kernel does nothing
//     statistic VALUE NAME
//     text BYTES NAME           followed by BYTES bytes and a line break
//     end
// Exit status 1 and a message on standard error when something fails.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#define MAX_BINDINGS 64
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void fail(const char *what, long code) {
  fprintf(stderr, "pipe: %s (%ld)\n", what, code);
  exit(1);
}

static void check(VkResult result, const char *what) {
  if (result != VK_SUCCESS)
    fail(what, result);
}

static VkDevice device;
static PFN_vkGetPipelineExecutablePropertiesKHR get_properties;
static PFN_vkGetPipelineExecutableStatisticsKHR get_statistics;
static PFN_vkGetPipelineExecutableInternalRepresentationsKHR get_texts;

static void open_device(void) {
  VkApplicationInfo app = {VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_3};
  VkInstanceCreateInfo info = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
  VkInstance instance;
  check(vkCreateInstance(&info, NULL, &instance), "no Vulkan instance");
  uint32_t count = 1;
  VkPhysicalDevice physical;
  if (vkEnumeratePhysicalDevices(instance, &count, &physical) < 0 || count == 0)
    fail("no Vulkan device", 0);
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(physical, &properties);
  printf("device %s\n", properties.deviceName);
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executable = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, .pNext = NULL};
  VkPhysicalDeviceVulkan13Features v13 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES, .pNext = &executable};
  VkPhysicalDeviceVulkan12Features v12 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, .pNext = &v13};
  VkPhysicalDeviceVulkan11Features v11 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, .pNext = &v12};
  VkPhysicalDeviceFeatures2 features = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &v11};
  vkGetPhysicalDeviceFeatures2(physical, &features);
  if (!executable.pipelineExecutableInfo)
    fail("the device has no pipelineExecutableInfo", 0);
  features.features.robustBufferAccess = VK_FALSE;
  v13.robustImageAccess = VK_FALSE;
  const char *extension = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
  float priority = 1;
  VkDeviceQueueCreateInfo queue = {
      VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
  VkDeviceCreateInfo create = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,  .pNext = &features,
                               .queueCreateInfoCount = 1,             .pQueueCreateInfos = &queue,
                               .enabledExtensionCount = 1,            .ppEnabledExtensionNames = &extension};
  check(vkCreateDevice(physical, &create, NULL, &device), "vkCreateDevice");
  get_properties = (PFN_vkGetPipelineExecutablePropertiesKHR)vkGetDeviceProcAddr(device, "vkGetPipelineExecutablePropertiesKHR");
  get_statistics = (PFN_vkGetPipelineExecutableStatisticsKHR)vkGetDeviceProcAddr(device, "vkGetPipelineExecutableStatisticsKHR");
  get_texts = (PFN_vkGetPipelineExecutableInternalRepresentationsKHR)vkGetDeviceProcAddr(
      device, "vkGetPipelineExecutableInternalRepresentationsKHR");
}

static VkShaderModule load_module(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    exit(1);
  }
  fseek(file, 0, SEEK_END);
  long bytes = ftell(file);
  rewind(file);
  uint32_t *code = malloc(bytes > 0 ? bytes : 1);
  if (bytes < 20 || bytes % 4 || fread(code, 1, bytes, file) != (size_t)bytes)
    fail("not a SPIR-V module", bytes);
  fclose(file);
  VkShaderModuleCreateInfo info = {VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = bytes, .pCode = code};
  VkShaderModule module;
  check(vkCreateShaderModule(device, &info, NULL, &module), "vkCreateShaderModule");
  free(code);
  return module;
}

static VkPipelineLayout make_layout(unsigned bindings, unsigned push_bytes) {
  VkDescriptorSetLayoutBinding list[MAX_BINDINGS];
  for (unsigned i = 0; i < bindings; i++)
    list[i] = (VkDescriptorSetLayoutBinding){i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL};
  VkDescriptorSetLayoutCreateInfo set_info = {
      VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = bindings, .pBindings = list};
  VkDescriptorSetLayout set;
  check(vkCreateDescriptorSetLayout(device, &set_info, NULL, &set), "vkCreateDescriptorSetLayout");
  VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, push_bytes};
  VkPipelineLayoutCreateInfo info = {VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                     .setLayoutCount = 1,
                                     .pSetLayouts = &set,
                                     .pushConstantRangeCount = push_bytes > 0,
                                     .pPushConstantRanges = &range};
  VkPipelineLayout layout;
  check(vkCreatePipelineLayout(device, &info, NULL, &layout), "vkCreatePipelineLayout");
  return layout;
}

static VkPipeline make_pipeline(VkShaderModule module, const char *entry, VkPipelineLayout layout, int texts) {
  VkComputePipelineCreateInfo info = {
      VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .flags = VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR |
               (texts ? VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR : 0),
      .stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = entry},
      .layout = layout};
  VkPipeline pipeline;
  check(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline), entry);
  return pipeline;
}

static void print_statistics(const VkPipelineExecutableInfoKHR *which) {
  VkPipelineExecutableStatisticKHR list[64];
  uint32_t count = COUNT(list);
  for (uint32_t i = 0; i < count; i++)
    list[i] = (VkPipelineExecutableStatisticKHR){VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR, .pNext = NULL};
  check(get_statistics(device, which, &count, list), "statistics");
  for (uint32_t i = 0; i < count; i++) {
    if (list[i].format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR)
      printf("statistic %.9g %s\n", list[i].value.f64, list[i].name);
    else
      printf("statistic %" PRIu64 " %s\n", list[i].value.u64, list[i].name);
  }
}

static void print_texts(const VkPipelineExecutableInfoKHR *which) {
  VkPipelineExecutableInternalRepresentationKHR list[8];
  uint32_t count = COUNT(list);
  memset(list, 0, sizeof list);
  for (uint32_t i = 0; i < count; i++)
    list[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
  check(get_texts(device, which, &count, list), "representations");
  for (uint32_t i = 0; i < count; i++)
    list[i].pData = calloc(1, list[i].dataSize + 1);
  check(get_texts(device, which, &count, list), "representations");
  for (uint32_t i = 0; i < count; i++) {
    size_t length = strlen(list[i].pData);
    printf("text %zu %s\n", length, list[i].name);
    fwrite(list[i].pData, 1, length, stdout);
    printf("\n");
    free(list[i].pData);
  }
}

static void print_pipeline(VkPipeline pipeline, const char *entry, int texts) {
  VkPipelineInfoKHR info = {VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
  VkPipelineExecutablePropertiesKHR executable = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR, .pNext = NULL};
  uint32_t count = 1;
  check(get_properties(device, &info, &count, &executable), "a compute pipeline of more than one executable");
  printf("kernel %s %u\n", entry, count ? executable.subgroupSize : 0);
  if (count == 0) { // nothing is left of the kernel
    printf("end\n");
    return;
  }
  VkPipelineExecutableInfoKHR which = {
      VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, .pipeline = pipeline, .executableIndex = 0};
  print_statistics(&which);
  if (texts)
    print_texts(&which);
  printf("end\n");
}

int main(int argc, char **argv) {
  int texts = argc > 1 && !strcmp(argv[1], "-i");
  char line[4608], path[4096], entry[1024];
  unsigned bindings, push_bytes;
  VkShaderModule module = VK_NULL_HANDLE;
  open_device();
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "module %4095[^\n]", path) == 1) {
      module = load_module(path);
    } else if (sscanf(line, "kernel %1023s %u %u", entry, &bindings, &push_bytes) == 3) {
      if (module == VK_NULL_HANDLE || bindings > MAX_BINDINGS)
        fail("a kernel without a module, or with too many bindings", bindings);
      print_pipeline(make_pipeline(module, entry, make_layout(bindings, push_bytes), texts), entry, texts);
    } else {
      fail("a line that is neither a module nor a kernel", 0);
    }
  }
  return 0;
}
