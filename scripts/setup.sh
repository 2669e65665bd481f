#!/usr/bin/env bash
# Installs what the build needs, as Debian packages, and checks the Rust toolchain. Does nothing when all is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  printf 'setup: error: %s\n' "$@" >&2
  exit 1
}

# package -- why it is needed
readonly packages=(
  llvm-22-dev     # llvm-config, headers, libLLVM-22.so
  libmlir-22-dev  # headers, libMLIR.so and the archives of the C API
  mlir-22-tools   # mlir-tblgen for the dialect; mlir-opt and mlir-runner for the tests
  clang-22        # compiles the dialect (gcc's TypeIDs do not match libMLIR.so), and libclang for bindgen
  libpolly-22-dev # this and the next two: what 'llvm-config --link-static' names
  libzstd-dev
  zlib1g-dev
  lld-22          # links shared libraries, and for other machines
  qemu-user       # runs aarch64 code in the tests; this and the next two
  libc6-dev-arm64-cross
  libgcc-12-dev-arm64-cross
  spirv-tools     # validator and disassembler of SPIR-V, linked into the compiler
  libvulkan1      # Vulkan's loader: the runtime opens it when a GPU is asked for
  mesa-vulkan-drivers      # lavapipe, a Vulkan device without a GPU, on which the tests run GPU code
  vulkan-validationlayers  # watch these runs: any message fails the test
  graphviz        # renders the graph of --spec-print-graph in a test
)

check_rust() {
  local needed found how
  needed=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
  [[ -n $needed ]] || fail "no rust-version in Cargo.toml"
  how="install it with rustup (https://rustup.rs), then open a new shell; Debian's own rustc is too old"
  if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
    fail "Rust $needed or newer is needed, and cargo or rustc is not on the PATH: $how"
  fi
  # In a pipe, sed reads all of its input: no SIGPIPE under pipefail.
  found=$(rustc --version | sed -n 's/^rustc \([0-9.]*\).*/\1/p')
  [[ -n $found ]] || fail "'rustc --version' does not give a version: $how"
  if [[ $(printf '%s\n%s\n' "$needed" "$found" | sort -V | sed -n 1p) != "$needed" ]]; then
    fail "Rust $needed or newer is needed, rustc here is $found: run 'rustup update', or $how"
  fi
  echo "setup: Rust $found is there ($needed needed)"
}

installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    installed "$package" || echo "$package"
  done
  command -v cc >/dev/null || echo build-essential # rustc links with cc
  [[ -e /etc/ssl/certs/ca-certificates.crt ]] || echo ca-certificates # cargo fetches crates over https
}

# Runs a command as root.
as_root() {
  if [[ $(id -u) == 0 ]]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

has_candidate() {
  local candidate
  candidate=$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p')
  [[ -n $candidate && $candidate != "(none)" ]]
}

install_packages() {
  local package
  if [[ $(id -u) != 0 ]] && ! command -v sudo >/dev/null; then
    fail "these packages are missing: $*" "run this as root, or install sudo"
  fi
  echo "setup: to install: $*"
  echo "setup: apt-get update"
  as_root apt-get update -qq || echo "setup: warning: some package sources could not be read; going on with the others" >&2
  for package in "$@"; do
    has_candidate "$package" || fail "no package source of this machine has $package" \
      "LLVM 22 is in bookworm-security of Debian 12: enable it (with 'main'), or LLVM's own apt repository, in /etc/apt/sources.list.d"
  done
  echo "setup: apt-get install --no-install-recommends $*"
  as_root apt-get install -y -qq --no-install-recommends "$@"
}

check_rust
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  fail "this script knows Debian's package manager only (there is no apt-get here)" \
    "install LLVM, MLIR and clang 22.1 with shared libraries yourself, set the prefix in .cargo/config.toml, and run cargo directly"
fi
mapfile -t missing < <(missing_packages)
if [[ ${#missing[@]} == 0 ]]; then
  echo "setup: all ${#packages[@]} packages are there; nothing to do"
  exit 0
fi
install_packages "${missing[@]}"
mapfile -t missing < <(missing_packages)
[[ ${#missing[@]} == 0 ]] || fail "still missing after the installation: ${missing[*]}"
echo "setup: done"
