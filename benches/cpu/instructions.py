#!/usr/bin/env python3
"""Counts the aarch64 instructions of one forward pass of SmolLM2-135M: IREE's build for Cortex-A55, and ours, under qemu-aarch64.

    install.py FOLDER                                                                 once
    FOLDER/venv/bin/python instructions.py FOLDER [--inputs INPUTS] [--ours BIN] [--dtype f32,f16] [--tokens 1,5] [--sysroot SYSROOT]

The count of a pass is the difference between a run with 2 passes and a run with 1, so that loading and packing drop out; it does not depend on
load. BIN is cargo's folder of release builds; ours is compiled for imx95 and called by the test suite's runner (testsuite/harness/run.c).
IREE's runtime comes from its aarch64 package. Logits are compared with the reference at one position.
Needs qemu-aarch64 with plugins (qemu-user 6 or later), a C compiler, clang-22, lld and an aarch64 sysroot with libc and libstdc++.
"""

import argparse
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import ours

HERE = Path(__file__).resolve().parent
RUNTIME = "iree-base-runtime==3.13.0"
TOOLS = ("iree-run-module", "iree-benchmark-module")
POSITION = 128
SOC = "imx95"
QEMU = ["qemu-aarch64", "-cpu", "max,sve=off"]


def run(command, **kwargs):
    done = subprocess.run([str(c) for c in command], check=False, text=True, **kwargs)
    if done.returncode != 0:
        sys.exit(f"error: {Path(str(command[0])).name} failed with status {done.returncode}: {(done.stderr or '')[-2000:]}")
    return done


def runtime(folder):
    """The aarch64 tools of IREE, from its package; fetched once."""
    where = folder / "iree" / "aarch64"
    if not all((where / tool).exists() for tool in TOOLS):
        where.mkdir(parents=True, exist_ok=True)
        run([folder / "venv/bin/python", "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--platform", "manylinux_2_28_aarch64",
             "-d", where, RUNTIME])
        with zipfile.ZipFile(next(where.glob("iree_base_runtime-*.whl"))) as wheel:
            for tool in TOOLS:
                (where / tool).write_bytes(wheel.read(f"iree/_runtime_libs/{tool}"))
                (where / tool).chmod(0o755)
    return where


def plugin(folder):
    path = folder / "libcount.so"
    run(["cc", "-O2", "-fPIC", "-shared", HERE / "count_instructions.c", "-o", path])
    return path


def count(command, folder, sysroot):
    """Instructions of one run of an aarch64 program."""
    done = run(QEMU + ["-plugin", folder / "libcount.so", "-L", sysroot] + command, capture_output=True)
    return int(re.search(r"^instructions (\d+)$", done.stderr, re.M).group(1))


def module_arguments(folder, dtype, tokens, flags):
    module = folder / "iree" / f"smollm2-135m.m{tokens}.{dtype}.{flags}.cortex-a55.vmfb"
    return [f"--module={module}", f"--parameters=model={folder / 'iree' / f'smollm2-135m.{dtype}.irpa'}", "--device=local-sync",
            f"--function={'decode' if tokens == 1 else f'verify{tokens}'}"]


def compile_iree(folder, inputs, dtype, tokens, flags):
    run([folder / "venv/bin/python", HERE / "iree_peer.py", "compile", folder, "--inputs", inputs, "--dtype", dtype, "--tokens", tokens,
         "--flags", flags, "--core", "cortex-a55"], stdout=subprocess.DEVNULL)


def check_iree(folder, sysroot, dtype, tokens, flags):
    """Largest difference between IREE's logits under qemu and the reference's, at the end of the prompt."""
    import numpy as np

    where = folder / "reference" / dtype
    about = json.loads((where / "reference.json").read_text())
    p, kind = about["prompt"], {"f32": np.float32, "f16": np.float16}[dtype]
    arrays = [np.array(about["tokens"][p : p + tokens], np.int64)[None], np.array(p, np.int64)]
    arrays += [np.fromfile(where / f"{n}.{dtype}.bin", kind).reshape(about["cache"]) for n in "kv"]
    files = [folder / "iree" / f"check.{i}.npy" for i in range(4)]
    for file, array in zip(files, arrays):
        np.save(file, array)
    out = folder / "iree" / "check.out.npy"
    run(QEMU + ["-L", sysroot, runtime(folder) / "iree-run-module"] + module_arguments(folder, dtype, tokens, flags)
        + [f"--input=@{f}" for f in files] + [f"--output=@{out}", f"--output=@{out}.k", f"--output=@{out}.v"], capture_output=True)
    want = np.fromfile(where / "logits.f32.bin", np.float32).reshape(about["logits"])[p : p + tokens]
    return float(np.abs(np.load(out) - want).max())


def count_iree(folder, sysroot, dtype, tokens, flags):
    cache = f"--input=30x3x256x64x{dtype}=0.01"
    step = [runtime(folder) / "iree-benchmark-module"] + module_arguments(folder, dtype, tokens, flags)
    step += [f"--input=1x{tokens}xi64=2000", f"--input=i64={POSITION}", cache, cache]
    one, two = (count(step + [f"--benchmark_min_time={calls}x"], folder, sysroot) for calls in (1, 2))
    return two - one


def runner(folder):
    """The test suite's runner, for aarch64."""
    harness, path = HERE.parents[1] / "testsuite" / "harness", folder / "ours" / "run.aarch64"
    sources = [harness / f"{name}.c" for name in ("run", "pool", "buffer", "allocations")]
    run(["clang-22", "--target=aarch64-linux-gnu", "-fuse-ld=lld", "-std=c11", "-O2", "-fPIC", "-I", HERE.parents[1] / "runtime" / "include", *sources,
         "-rdynamic", "-pthread", "-ldl", "-o", path])
    return path


def count_ours(folder, sysroot, name, tokens):
    """(instructions of a pass, largest difference of a logit)."""
    import numpy as np

    plans, logits = ours.plans(folder, SOC, name, tokens)
    one, two = (count([folder / "ours" / "run.aarch64", plan], folder, sysroot) for plan in plans)
    _, want = ours.inputs_of_call(folder, name, tokens)
    return two - one, float(np.abs(np.fromfile(logits, np.float32).reshape(want.shape) - want).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--inputs", type=Path, default=HERE.parents[1] / "testsuite" / "fixtures")
    parser.add_argument("--ours", type=Path, metavar="BIN", help="cargo's folder with spec-compile and spec-weights")
    parser.add_argument("--dtype", default="f32,f16")
    parser.add_argument("--tokens", default="1,5")
    parser.add_argument("--sysroot", default="/usr/aarch64-linux-gnu")
    args = parser.parse_args()
    folder = args.folder.resolve()
    plugin(folder)
    if args.ours:
        ours.build(folder, args.ours, args.inputs, SOC, args.dtype.split(","))
        runner(folder)
    print("| dtype | tokens | who | instructions a pass | per weight | largest difference of a logit |\n|---|---|---|---|---|---|")
    for dtype in args.dtype.split(","):
        for tokens in map(int, args.tokens.split(",")):
            for flags in ("dt", "plain") if dtype in ("f32", "f16") else ():
                compile_iree(folder, args.inputs, dtype, tokens, flags)
                difference, steps = check_iree(folder, args.sysroot, dtype, tokens, flags), count_iree(folder, args.sysroot, dtype, tokens, flags)
                print(f"| {dtype} | {tokens} | IREE, {flags} | {steps / 1e6:.1f} M | {steps / 134.5e6:.2f} | {difference:.2g} |", flush=True)
            if args.ours:
                steps, difference = count_ours(folder, args.sysroot, dtype, tokens)
                print(f"| {dtype} | {tokens} | ours | {steps / 1e6:.1f} M | {steps / 134.5e6:.2f} | {difference:.2g} |", flush=True)


if __name__ == "__main__":
    main()
