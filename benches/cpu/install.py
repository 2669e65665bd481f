#!/usr/bin/env python3
"""Installs the peers from their packages into a folder, and makes the models that compare.py times.

    install.py FOLDER [--inputs INPUTS] [--jobs N]

FOLDER then holds venv (IREE and llama.cpp, the latter compiled for this machine: several minutes), models (GGUF files), weights (raw files),
reference (logits), iree (compiled modules), bw. About 4 GB. What exists is kept, so a second call is quick. Needs a C and a C++ compiler and network.
INPUTS: the folder of the exported SmolLM2-135M modules (f32 and f16, 1 and 5 tokens). At the end the peers' logits are compared with the
double-precision reference.
"""

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LLAMA = "llama-cpp-python==0.3.36"
BUILD_TOOLS = ("cmake", "ninja")
# option of ggml: feature name of /proc/cpuinfo
X86_FEATURES = {
    "GGML_SSE42": "sse4_2", "GGML_AVX": "avx", "GGML_AVX2": "avx2", "GGML_FMA": "fma", "GGML_F16C": "f16c", "GGML_BMI2": "bmi2",
    "GGML_AVX512": "avx512f", "GGML_AVX512_VBMI": "avx512vbmi", "GGML_AVX512_VNNI": "avx512_vnni",
    "GGML_AVX512_BF16": "avx512_bf16",
}
QUANTISED = ("q8_0", "q4_0", "q4_0_pure")
# dtype, tokens, flags of iree_peer.py: the fastest that give the right logits
IREE = (("f32", 1, "dt"), ("f32", 5, "dt"), ("f16", 1, "dt"), ("f16", 5, "plain"))


def cmake_options():
    """What the machine can do, spelt out: `native` would switch AMX on, which some virtual machines advertise and then refuse."""
    options = ["LLAVA_BUILD=OFF", "LLAMA_BUILD_TOOLS=OFF", "LLAMA_BUILD_EXAMPLES=OFF", "LLAMA_BUILD_TESTS=OFF"]
    if platform.machine() == "x86_64":
        words = set(Path("/proc/cpuinfo").read_text(encoding="ascii").split())
        options += ["GGML_NATIVE=OFF"] + [f"{option}={'ON' if feature in words else 'OFF'}" for option, feature in X86_FEATURES.items()]
        options += [f"GGML_AVX_VNNI={'ON' if 'avx_vnni' in words and 'avx512_vnni' not in words else 'OFF'}"]
        options += ["GGML_AMX_TILE=OFF", "GGML_AMX_INT8=OFF", "GGML_AMX_BF16=OFF"]
    return " ".join(f"-D{option}" for option in options)


def run(*command, **kwargs):
    print("+", " ".join(str(c) for c in command), file=sys.stderr)
    if subprocess.run([str(c) for c in command], check=False, **kwargs).returncode != 0:
        sys.exit(f"error: {Path(str(command[0])).name} failed; its messages are above")


def packages(folder, jobs):
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        run(sys.executable, "-m", "venv", folder / "venv")
    run(python, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt")
    if subprocess.run([python, "-c", "import llama_cpp"], check=False, capture_output=True).returncode != 0:
        run(python, "-m", "pip", "install", "-q", *BUILD_TOOLS)
        env = dict(os.environ, CMAKE_ARGS=cmake_options(), CMAKE_BUILD_PARALLEL_LEVEL=str(jobs))
        env["PATH"] = f"{python.parent}{os.pathsep}{env['PATH']}"
        run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-binary", "llama-cpp-python", LLAMA, env=env)
    return python


def models(folder, python, inputs):
    if not (folder / "weights" / "f16" / "weights.json").exists():
        run(python, HERE / "weights.py", folder)
    run(python, HERE / "llama_peer.py", "make", folder)
    for dtype, tokens, flags in IREE:
        run(python, HERE / "iree_peer.py", "compile", folder, "--inputs", inputs, "--dtype", dtype, "--tokens", tokens, "--flags", flags)
    for name in ("f32", "f16") + QUANTISED:
        if not (folder / "reference" / name / "reference.json").exists():
            source = ("--weights", name) if name not in QUANTISED else ("--gguf", folder / "models" / f"smollm2-135m.{name}.gguf", "--name", name)
            run(python, HERE / "reference.py", folder, *source)


def check(folder, python):
    for name in ("f32", "f16") + QUANTISED:
        run(python, HERE / "llama_peer.py", "check", folder, "--type", name)
    for dtype, tokens, flags in IREE:
        run(python, HERE / "iree_peer.py", "check", folder, "--dtype", dtype, "--tokens", tokens, "--flags", flags)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--inputs", type=Path, default=HERE.parents[1] / "testsuite" / "fixtures")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    folder = args.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    run(os.environ.get("CC", "cc"), "-O3", "-march=native", "-pthread", HERE / "bw.c", "-o", folder / "bw")
    python = packages(folder, args.jobs)
    models(folder, python, args.inputs)
    check(folder, python)


if __name__ == "__main__":
    main()
