#!/usr/bin/env bash
# Writes the goldens anew from what the code does now. Arguments go to cargo test (such as -p spec-cost, or a test's name).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
cargo build --quiet -p spec-opt -p spec-plugin -p spec-cost-cli -p spec-compile -p spec-weights
if [[ $# == 0 ]]; then
  set -- --workspace
fi
status=0
INSTA_UPDATE=always INSTA_FORCE_PASS=1 cargo test --no-fail-fast "$@" || status=$?
echo "bless: the goldens are what the code does now, right or wrong: read every line of this diff before you commit it"
git --no-pager diff --stat -- '*.snap' '*.rs'
git ls-files --others --exclude-standard -- '*.snap'
exit "$status"
