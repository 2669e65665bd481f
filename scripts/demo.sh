#!/usr/bin/env bash
# The main job on a model in this repository: partitions a drafter and its target for the i.MX 95, and compiles both for its CPU.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
echo "demo: building spec-opt and spec-compile (release)"
cargo build --release -p spec-opt -p spec-compile

output=out/pair.partitioned.mlir
options='soc=imx95 alpha=0.8'
input=testsuite/fixtures/pair.mlir
mkdir -p out
echo "demo: spec-opt --spec-partition='$options' --explain $input -o $output"
cargo run --quiet --release -p spec-opt -- --spec-partition="$options" --explain "$input" -o "$output"
echo "demo: the partitioned module is in $output ($(wc -l <"$output") lines)"

bundle=out/pair.imx95
echo "demo: spec-compile $input --soc imx95 --plan-options 'alpha=0.8' -o $bundle"
cargo run --quiet --release -p spec-compile -- "$input" --soc imx95 --plan-options 'alpha=0.8' -o "$bundle"
echo "demo: object code, libraries, the C header and the manifest are in $bundle"
