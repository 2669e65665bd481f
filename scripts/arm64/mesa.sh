#!/usr/bin/env bash
# Unpacks Vulkan for arm64 into target/arm64/mesa and prints that path: the loader, the validation layer, lavapipe (runs kernels on the CPU),
# and panvk with a shim that stands for the kernel driver (compiles for Mali, runs nothing). Use it through run.sh. A second call does nothing.
#
# The packages are of Debian's unstable suite: Mesa of older ones does not tell what its Mali compiler makes of a kernel.
set -euo pipefail
# shellcheck source=scripts/arm64/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly suite=sid
readonly packages=(libc6 libvulkan1 mesa-vulkan-drivers mesa-drm-shim vulkan-validationlayers)

unpack() {
  local dest=$1 state mirror keys deb status=0
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  [[ -e $keys ]] || fail "$keys is missing: install debian-archive-keyring"
  # the mirror that this machine is set up with
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | sed -n '\#/debian/\?$#p' | sort -u | sed -n 1p)
  [[ -n $mirror ]] || fail "apt knows no mirror of Debian here"
  state=$dest/apt
  mkdir -p "$state"
  echo "deb [signed-by=$keys] ${mirror%/} $suite main" >"$state/sources.list"
  private_apt "$state" "$state/sources.list"
  "${apt[@]}" update && "${apt[@]}" install -y --download-only --no-install-recommends "${packages[@]}" || status=$?
  [[ $status == 0 ]] || return "$status"
  for deb in "$state"/cache/archives/*.deb; do
    dpkg -x "$deb" "$dest" || return 1
  done
  ls "$state/cache/archives" >"$dest/packages.txt"
  # drivers of other makes, and papers
  find "$dest/usr/lib/aarch64-linux-gnu" -name 'libvulkan_*.so' ! -name '*_lvp.so' ! -name '*_panfrost.so' -delete
  rm -rf "$state" "$dest"/usr/share/{doc,locale,man}
  [[ -e $dest/lib ]] || ln -s usr/lib "$dest/lib"
  local driver
  for driver in lvp panfrost; do
    [[ -e $dest/usr/lib/aarch64-linux-gnu/libvulkan_$driver.so ]] || fail "the packages have no driver $driver"
  done
}

once mesa "$suite: ${packages[*]}" unpack
