#!/usr/bin/env bash
# What mesa.sh and rust.sh share; they source it. Packages are downloaded with apt into a folder of their own and unpacked there: nothing
# is installed, and no right of root is needed.
set -euo pipefail

# The checkout, and where all of it goes.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=$root/target/arm64

fail() {
  printf '%s: error: %s\n' "$(basename "$0")" "$@" >&2
  exit 1
}

# once NAME STAMP FUNCTION: makes the folder NAME of the cache with FUNCTION, which gets the path of an empty folder, and prints its
# path. Does nothing if the folder has this stamp. Safe to call from several processes at a time.
once() {
  local name=$1 stamp=$2 make=$3 dest=$cache/$1
  mkdir -p "$cache"
  exec 9>"$cache/$name.lock"
  flock 9
  if [[ ! -e $dest/stamp || $(<"$dest/stamp") != "$stamp" ]]; then
    command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
      fail "this needs Debian's apt-get and dpkg, which are not here"
    rm -rf "$dest" "$dest.new"
    mkdir -p "$dest.new"
    "$make" "$dest.new" >&2 || {
      rm -rf "$dest.new"
      fail "$name could not be made; what went wrong is above. It needs the mirror that apt uses here"
    }
    echo "$stamp" >"$dest.new/stamp"
    mv "$dest.new" "$dest"
  fi
  exec 9>&-
  echo "$dest"
}

# private_apt FOLDER SOURCES: fills the array `apt` with apt-get for arm64 packages of the lists in SOURCES, with its state in FOLDER. The
# sources of this machine if SOURCES is empty.
private_apt() {
  local state=$1 sources=$2
  mkdir -p "$state"/lists/partial "$state"/cache/archives/partial
  touch "$state/status"
  apt=(
    apt-get -qq
    -o "Dir::State=$state" -o "Dir::State::lists=$state/lists" -o "Dir::State::status=$state/status"
    -o "Dir::Cache=$state/cache"
    -o APT::Architecture=arm64 -o APT::Architectures=arm64
    -o APT::Sandbox::User=root -o Debug::NoLocking=1 -o Acquire::Retries=3
  )
  if [[ -n $sources ]]; then
    apt+=(-o "Dir::Etc::sourcelist=$sources" -o Dir::Etc::sourceparts=/dev/null)
  fi
}
