#!/usr/bin/env python3
"""IREE on the exported functions of SmolLM2-135M.

    iree_peer.py compile FOLDER --inputs INPUTS [--dtype f32] [--tokens 1] [--flags dt|plain] [--core host|cortex-a55]
    iree_peer.py serve   FOLDER --dtype f32 --tokens 1 --threads 1 [--flags dt|plain]
    iree_peer.py check   FOLDER --dtype f32 --tokens 1

`compile` makes the weights globals of the module (so that IREE can pack them ahead of time, which arguments would forbid) whose values lie in a
parameter archive, and runs iree-compile once; its results are kept in FOLDER/iree. `serve` speaks the protocol of serve.py at position 128.
`check` compares logits with reference.py's. Needs FOLDER/weights (weights.py).
Flags: dt = -O3 with data tiling (the fastest but for f16 with several tokens), plain = -O3 without. Data tiling goes without
--iree-opt-outer-dim-concat, which -O1 and up turn on: with both, IREE 3.13's logits of this model are wrong (differences of 37, x86-64 and aarch64).
"""

import argparse
import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

import serve

NUMPY = {"f32": np.float32, "f16": np.float16}
POSITION = 128
FLAGS = {
    "dt": ["--iree-opt-level=O3", "--iree-opt-data-tiling", "--iree-opt-outer-dim-concat=false"],
    "plain": ["--iree-opt-level=O3"],
}
CORES = {
    "host": ["--iree-llvmcpu-target-cpu=host"],
    "cortex-a55": ["--iree-llvmcpu-target-triple=aarch64-linux-gnu", "--iree-llvmcpu-target-cpu=cortex-a55"],
}


def function_name(tokens):
    return "decode" if tokens == 1 else f"verify{tokens}"


def read_input(inputs, dtype, tokens):
    """The exported module's text, from either of the names it has, plain or compressed."""
    for name in (f"smollm2-135m.rows.m{tokens}.args.{dtype}.linalg.mlir", f"smollm2-135m.rows.m{tokens}.{dtype}.mlir"):
        plain, packed = Path(inputs) / name, Path(inputs) / (name + ".gz")
        if plain.exists():
            return plain.read_text()
        if packed.exists():
            return gzip.decompress(packed.read_bytes()).decode()
    sys.exit(f"error: {inputs} holds no SmolLM2 module of {dtype} for {tokens} token(s); give its folder with --inputs")


def with_globals(text, index):
    """Turns the weight arguments of the module's function into globals that are parameters of the scope `model`."""
    head = re.search(r"func\.func @(\w+)\((.*?)\) -> ", text, re.S)
    arguments = [a.split(": ", 1) for a in re.split(r", (?=%)", head.group(2))]
    if len(arguments) != 4 + len(index):
        sys.exit(f"error: @{head.group(1)} has {len(arguments)} arguments; {4 + len(index)} were expected (4 and one per weight)")
    declared, loaded = [], []
    for (value, kind), entry in zip(arguments[4:], index):
        symbol = "@w" + str(entry["argument"])
        declared.append(f'  util.global private {symbol} = #stream.parameter.named<"model"::"{entry["name"]}"> : {kind}')
        loaded.append(f"    {value} = util.global.load {symbol} : {kind}")
    kept = ", ".join(": ".join(a) for a in arguments[:4])
    start = text.rindex("\n", 0, head.start()) + 1
    body = text.index("{\n", head.end()) + 2
    signature = text[start : head.start(2)] + kept + text[head.end(2) : body]
    return text[:start] + "\n".join(declared) + "\n" + signature + "\n".join(loaded) + "\n" + text[body:]


def weights(folder, dtype):
    where = Path(folder) / "weights" / dtype
    return where, json.loads((where / "weights.json").read_text())


def archive(folder, dtype):
    """The parameter archive of all weights in `dtype`; written once."""
    path = Path(folder) / "iree" / f"smollm2-135m.{dtype}.irpa"
    if not path.exists():
        from iree import runtime

        where, index = weights(folder, dtype)
        entries = {e["name"]: np.fromfile(where / e["file"], np.uint8) for e in index}
        path.parent.mkdir(parents=True, exist_ok=True)
        runtime.save_archive_file(entries, str(path) + ".part")
        os.replace(str(path) + ".part", path)
    return path


def module_path(folder, args):
    return Path(folder) / "iree" / f"smollm2-135m.m{args.tokens}.{args.dtype}.{args.flags}.{args.core}.vmfb"


def compile_module(args):
    path = module_path(args.folder, args)
    archive(args.folder, args.dtype)
    if not path.exists():
        source = path.parent / f"smollm2-135m.m{args.tokens}.{args.dtype}.globals.mlir"
        source.write_text(with_globals(read_input(args.inputs, args.dtype, args.tokens), weights(args.folder, args.dtype)[1]))
        tool = Path(sys.executable).with_name("iree-compile")
        command = [str(tool), str(source), "--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu"]
        subprocess.run(command + CORES[args.core] + FLAGS[args.flags] + ["-o", str(path) + ".part"], check=True)
        os.replace(str(path) + ".part", path)
    print(path)


class Loaded:
    """A compiled function on this machine. `call` returns device arrays (logits, new k rows, new v rows)."""

    def __init__(self, args):
        from iree import runtime

        if args.threads > 1:
            runtime.flags.parse_flags(f"--task_topology_group_count={args.threads}")
        self.runtime = runtime
        config = runtime.Config("local-sync" if args.threads == 1 else "local-task")
        self.device = config.device
        index = runtime.ParameterIndex()
        index.load(str(archive(args.folder, args.dtype)))
        parameters = runtime.create_io_parameters_module(config.vm_instance, index.create_provider(scope="model"))
        code = runtime.VmModule.mmap(config.vm_instance, str(module_path(args.folder, args)))
        hal = runtime.create_hal_module(config.vm_instance, config.device)
        modules = runtime.load_vm_modules(hal, parameters, code, config=config)
        self.call = modules[-1][function_name(args.tokens)]

    def array(self, value):
        return self.runtime.asdevicearray(self.device, value)


def run_serve(args):
    loaded = Loaded(args)
    cache = np.full((30, 3, 256, 64), 0.01, NUMPY[args.dtype])
    inputs = [np.arange(2000, 2000 + args.tokens, dtype=np.int64)[None], np.array(POSITION, np.int64), cache, cache]
    inputs = [loaded.array(x) for x in inputs]
    serve.serve(lambda: loaded.call(*inputs))


def run_check(args):
    where = Path(args.folder) / "reference" / args.dtype
    about = json.loads((where / "reference.json").read_text())
    logits = np.fromfile(where / "logits.f32.bin", np.float32).reshape(about["logits"])
    caches = [np.fromfile(where / f"{n}.{args.dtype}.bin", NUMPY[args.dtype]).reshape(about["cache"]) for n in "kv"]
    loaded, worst, same, rows = Loaded(args), 0.0, 0, 0
    for position in range(about["prompt"], len(about["tokens"]) - args.tokens + 1, args.tokens):
        tokens = np.array(about["tokens"][position : position + args.tokens], np.int64)[None]
        out = loaded.call(*[loaded.array(x) for x in (tokens, np.array(position, np.int64), *caches)])
        got, want = np.asarray(out[0].to_host()), logits[position : position + args.tokens]
        worst = max(worst, float(np.abs(got - want).max()))
        same, rows = same + int((got.argmax(-1) == want.argmax(-1)).sum()), rows + args.tokens
    print(f"iree {args.dtype} {args.tokens} token(s): largest difference of a logit {worst:.3g}, same argmax {same}/{rows}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("compile", "serve", "check"))
    parser.add_argument("folder")
    parser.add_argument("--inputs", default=str(Path(__file__).parents[2] / "testsuite" / "fixtures"))
    parser.add_argument("--dtype", choices=tuple(NUMPY), default="f32")
    parser.add_argument("--tokens", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--flags", choices=tuple(FLAGS), default="dt")
    parser.add_argument("--core", choices=tuple(CORES), default="host")
    args = parser.parse_args()
    {"compile": compile_module, "serve": run_serve, "check": run_check}[args.action](args)


if __name__ == "__main__":
    main()
