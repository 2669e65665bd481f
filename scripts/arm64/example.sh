#!/usr/bin/env bash
# Builds an example of spec-runtime (runtime/examples/NAME.rs) for arm64 with rust.sh, in target/arm64/build, and prints the program's
# path: example.sh NAME. Run it with run.sh, or, if it needs no Vulkan, with qemu-aarch64.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${1:?usage: example.sh NAME}

rust=$("$here/rust.sh")
readonly target=aarch64-unknown-linux-gnu build=$(dirname "$rust")/build
# what a caller's cargo chose for its own compiler
unset RUSTUP_TOOLCHAIN RUSTC_WORKSPACE_WRAPPER RUSTC_WRAPPER
export RUSTC=$rust/rustc CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$rust/cc
# the time to compile counts, that to run does not
export CARGO_TARGET_DIR=$build CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_DEV_DEBUG=false CARGO_INCREMENTAL=0
cd "$here/../.."
"${CARGO:-cargo}" build --quiet --package spec-runtime --example "$name" --target "$target" \
  --config 'profile.dev.package."*".opt-level=0' >&2
echo "$build/$target/debug/examples/$name"
