#!/usr/bin/env bash
# Runs an arm64 program with the Vulkan of mesa.sh: run.sh DRIVER PROGRAM ARGUMENT...
#
# DRIVER is lvp (lavapipe: the CPU, really runs kernels) or panfrost (compiles them for Mali and runs nothing; PAN_GPU_ID chooses the GPU: ac74,
# the default, is G310, a867 is G610).
set -euo pipefail

if [[ $# -lt 2 || ! $1 =~ ^(lvp|panfrost)$ ]]; then
  sed -n 's/^# \{0,1\}//; 2,5p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
driver=$1
shift
root=$("$(dirname "${BASH_SOURCE[0]}")/mesa.sh")
libraries=$root/usr/lib/aarch64-linux-gnu
command -v qemu-aarch64 >/dev/null || {
  echo "run.sh: error: qemu-aarch64 is missing: run scripts/setup.sh" >&2
  exit 1
}

# Debian's file names the driver without a path; the loader must not take this machine's.
manifest=$(mktemp --suffix=.json)
trap 'rm -f "$manifest"' EXIT
sed "s#\"library_path\": \"[^\"]*\"#\"library_path\": \"$libraries/libvulkan_$driver.so\"#" \
  "$root/usr/share/vulkan/icd.d/${driver}_icd.json" >"$manifest"
export VK_DRIVER_FILES=$manifest VK_ICD_FILENAMES=$manifest
export VK_LAYER_PATH=$root/usr/share/vulkan/explicit_layer.d VK_LOADER_LAYERS_DISABLE='~implicit~'
emulator=(qemu-aarch64 -cpu max -L "$root" -E "LD_LIBRARY_PATH=$libraries")
if [[ $driver == panfrost ]]; then
  emulator+=(
    -E "LD_PRELOAD=$libraries/libpanfrost_noop_drm_shim.so"
    -E "PAN_GPU_ID=${PAN_GPU_ID:-ac74}"
    -E PAN_I_WANT_A_BROKEN_VULKAN_DRIVER=1
  )
fi
if [[ $driver == lvp ]]; then
  # compiling a kernel under the emulator takes seconds
  export MESA_SHADER_CACHE_DIR=${MESA_SHADER_CACHE_DIR:-$(dirname "$root")/shaders}
  mkdir -p "$MESA_SHADER_CACHE_DIR"
fi
"${emulator[@]}" "$@"
