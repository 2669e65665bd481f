#!/usr/bin/env bash
# The main job, from a model's weights to text: imports SmolLM2-135M with an 8-bit copy of itself as the drafter, plans and compiles both for
# this machine, writes the weights, and generates text, with predicted and measured speed. Everything goes into out/demo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# say COMMAND...: shows a command and runs it.
say() {
  printf '\n$ %s\n' "$*"
  "$@"
}

scripts/setup.sh
echo "demo: building the tools (release)"
cargo build --release --quiet -p spec-import -p spec-compile -p spec-weights -p spec-profile -p spec-run
PATH=${CARGO_TARGET_DIR:-$PWD/target}/release:$PATH
model=$(scripts/fetch.sh smollm2-135m)
out=out/demo
mkdir -p "$out"
start=$SECONDS

say spec-import --target "$model" --self-draft i8 -o $out/model
say spec-compile $out/model/model.mlir --quantize 'target=f16 activations=int8' --keep-drafter --plan-options 'alpha=0.95' -o $out/bundle
say spec-weights --model $out/model --manifest $out/bundle/manifest.json
say spec-profile $out/bundle --contexts 64,128 --seconds 10 -o $out/profile.toml
say spec-run $out/bundle --profile $out/profile.toml --chat --prompt 'Explain in two sentences why the sky is blue.' --max-tokens 96 --compare

echo
echo "demo: from weights to text in $((SECONDS - start)) s; the bundle is in $out/bundle"
