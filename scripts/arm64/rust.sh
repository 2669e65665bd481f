#!/usr/bin/env bash
# Unpacks a Rust compiler that builds for aarch64-unknown-linux-gnu into target/arm64/rust and prints that path. It has two programs: rustc, and
# cc, which links. A second call does nothing. Use:
#
#   rust=$(scripts/arm64/rust.sh)
#   RUSTC=$rust/rustc CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$rust/cc cargo build --target aarch64-unknown-linux-gnu
#
# rustc is the one on the PATH where it can build for arm64, else Debian's.
set -euo pipefail
# shellcheck source=scripts/arm64/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly target=aarch64-unknown-linux-gnu
needed=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml")

# script FILE: a script from standard input.
script() {
  cat >"$1"
  chmod +x "$1"
}

linker() {
  local clang
  clang=$(command -v clang-22 || command -v /usr/lib/llvm-22/bin/clang) || fail "clang-22 is missing: run scripts/setup.sh"
  script "$1/cc" <<<"#!/bin/sh
exec $clang --target=aarch64-linux-gnu -fuse-ld=lld \"\$@\""
}

has_target() {
  [[ -d $(rustc --print sysroot 2>/dev/null)/lib/rustlib/$target/lib ]]
}

own() {
  linker "$1" || return 1
  script "$1/rustc" <<<"#!/bin/sh
exec rustc \"\$@\""
}

# The standard library of both machines and the compiler must be of one version.
unpack() {
  local dest=$1 state version short deb
  linker "$dest" || return 1
  state=$dest/apt
  private_apt "$state" ""
  "${apt[@]}" update || return 1
  version=$(apt-cache show rustc-web 2>/dev/null | sed -n 's/^Version: //p' | sed -n 1p)
  [[ -n $version ]] || fail "apt knows no package rustc-web here; 'rustup target add $target' does as well"
  short=$(cut -d. -f1,2 <<<"$version")
  if [[ $(printf '%s\n%s\n' "$needed" "$short" | sort -V | sed -n 1p) != "$needed" ]]; then
    fail "Rust $needed is needed, Debian's rustc-web here is $version; 'rustup target add $target' does as well"
  fi
  mkdir "$state/debs"
  (
    cd "$state/debs"
    apt-get -qq -o APT::Sandbox::User=root -o Acquire::Retries=3 download \
      "rustc-web=$version" "libstd-rust-web-dev=$version" "libstd-rust-web-$short=$version" &&
      "${apt[@]}" download "libstd-rust-web-dev=$version"
  ) || return 1
  for deb in "$state"/debs/*.deb; do
    dpkg -x "$deb" "$dest/root" || return 1
  done
  rm -rf "$state" "$dest/root/usr/share"
  script "$dest/rustc" <<'EOF'
#!/bin/sh
root=$(dirname "$(readlink -f "$0")")/root/usr
LD_LIBRARY_PATH=$root/lib:$root/lib/x86_64-linux-gnu exec "$root/bin/rustc" --sysroot "$root" "$@"
EOF
  "$dest/rustc" --version || fail "Debian's rustc $version does not start here: it needs the libLLVM of its version"
}

if has_target; then
  once rust "rustc of the PATH" own
else
  once rust "rustc-web, at least $needed" unpack
fi
