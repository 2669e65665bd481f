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
# The tests run these as programs.
step build cargo build --quiet -p spec-opt -p spec-plugin -p spec-cost-cli -p spec-compile -p spec-weights \
  -p spec-import -p spec-run -p spec-profile -p spec-bench
step docs env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
printf '== before the tests:'
printf ' %s;' "${durations[@]}"
printf ' in all %s s\n' "$SECONDS"
# Last, so that the output ends in the tests' own summary.
exec cargo test --workspace
