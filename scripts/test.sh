#!/usr/bin/env bash
# All checks: formatting, lints, documentation, tests. Never writes a golden (scripts/bless.sh does).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# step NAME COMMAND...: runs the command and says how long it took.
step() {
  local name=$1 start=$SECONDS
  shift
  echo "== $name: $*"
  "$@" || {
    echo "== $name: FAILED after $((SECONDS - start)) s" >&2
    exit 1
  }
  durations+=("$name $((SECONDS - start)) s")
}
durations=()

scripts/setup.sh
for tool in fmt clippy; do
  cargo "$tool" --version >/dev/null 2>&1 || {
    echo "test: error: cargo $tool is missing; install it with 'rustup component add rustfmt clippy'" >&2
    exit 1
  }
done

export CI=true INSTA_UPDATE=no # a missing or stale golden fails
step format cargo fmt --all --check
step lint cargo clippy --workspace --all-targets --quiet -- -D warnings
step docs env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
# What only these two read is a tenth of the target folder. A machine that is thrown away needs it no more.
if [[ -n ${SPEC_TEST_PRUNE:-} ]]; then
  target=${CARGO_TARGET_DIR:-target}
  rm -rf "$target/doc"
  for file in "$target"/debug/deps/lib*.rmeta; do
    [[ -e ${file%.rmeta}.rlib ]] || rm -f "$file"
  done
fi
# The tests run tools as programs. All at once, so that they and the tests share what they are made of: a choice of packages would have it twice.
step build cargo build --workspace --lib --bins --tests --examples --quiet
printf '== before the tests:'
printf ' %s;' "${durations[@]}"
printf ' in all %s s\n' "$SECONDS"
# Last, so that the output ends in the tests' own summary.
exec cargo test --workspace
