#!/usr/bin/env bash
# The main job on a model in this repository: partitions a drafter and its target for the i.MX 95.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
echo "demo: building spec-opt (release)"
cargo build --release -p spec-opt

output=out/pair.partitioned.mlir
options='soc=imx95 alpha=0.8'
input=testsuite/fixtures/pair.mlir
mkdir -p out
echo "demo: spec-opt --spec-partition='$options' --explain $input -o $output"
cargo run --quiet --release -p spec-opt -- --spec-partition="$options" --explain "$input" -o "$output"
echo "demo: the partitioned module is in $output ($(wc -l <"$output") lines)"
