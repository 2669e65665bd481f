#!/usr/bin/env python3
"""This toolkit on the exported functions of SmolLM2-135M.

    ours.py build FOLDER --bin BIN [--inputs INPUTS] [--soc host]
    ours.py serve FOLDER --bin BIN --dtype f32 --tokens 1 --threads 1
    ours.py check FOLDER --bin BIN

BIN is cargo's folder of release builds: cargo build --release -p spec-compile -p spec-weights && cargo build --release -p spec-runtime --example forward
`build` compiles the functions of 1 and 5 tokens for f32, f16, i8 and i4 (groups of 32, quantised from the f32 export, head and embedding too) into
FOLDER/ours/SOC and quantises the weights of FOLDER/weights. `serve` becomes the program `forward`, which speaks the protocol of serve.py at position 128.
`check` calls each function through the C interface from numpy and compares its logits, at the end of the prompt, with reference.py's.
"""

import argparse
import ctypes
import gzip
import json
import math
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
POSITION = 128
TOKENS = (1, 5)
# ours -> the export that it is made from, options of spec-compile
FORMATS = {
    "f32": ("f32", ()),
    "f16": ("f16", ()),
    "i8": ("f32", ("--quantize", "all=i8g32")),
    "i4": ("f32", ("--quantize", "all=i4g32")),
}


def function_name(tokens):
    return "decode" if tokens == 1 else f"verify{tokens}"


def run(*command):
    done = subprocess.run([str(c) for c in command], check=False, text=True, stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"error: {Path(str(command[0])).name} failed; its messages are above")
    return done.stdout


def module(inputs, dtype, tokens, scratch):
    """Path of the exported module as plain text."""
    for name in (f"smollm2-135m.rows.m{tokens}.args.{dtype}.linalg.mlir", f"smollm2-135m.rows.m{tokens}.{dtype}.mlir"):
        plain, packed = inputs / name, inputs / (name + ".gz")
        if plain.exists():
            return plain
        if packed.exists():
            (scratch / name).write_bytes(gzip.decompress(packed.read_bytes()))
            return scratch / name
    sys.exit(f"error: {inputs} holds no SmolLM2 module of {dtype} for {tokens} token(s); give its folder with --inputs")


def argument_names(folder, dtype, scratch):
    """A file with the names of a function's arguments: those of the raw weight files."""
    weights = json.loads((folder / "weights" / dtype / "weights.json").read_text())
    file = scratch / f"{dtype}.names.txt"
    file.write_text("\n".join(["tokens", "position", "k", "v"] + [w["file"].removesuffix(".bin") for w in weights]) + "\n")
    return file


def bundle(folder, soc, name, tokens):
    return folder / "ours" / soc / f"{name}.m{tokens}"


def weights(folder, name):
    """Where the weights of a format are: a folder of raw files, or the file of spec-weights."""
    return folder / "weights" / name if name in ("f32", "f16") else folder / "ours" / f"{name}.weights" / "weights.bin"


def build(folder, bins, inputs, soc="host", names=tuple(FORMATS)):
    """Compiles all functions, and quantises the weights where they are not there yet."""
    scratch = folder / "ours"
    (scratch / soc).mkdir(parents=True, exist_ok=True)
    for name in names:
        dtype, options = FORMATS[name]
        arguments = argument_names(folder, dtype, scratch)
        for tokens in TOKENS:
            source, out = module(inputs, dtype, tokens, scratch), bundle(folder, soc, name, tokens)
            run(bins / "spec-compile", source, "--soc", soc, "--argument-names", arguments, *options, "-o", out, "-q")
        file = weights(folder, name)
        if options and not file.exists():
            file.parent.mkdir(exist_ok=True)
            report = run(bins / "spec-weights", "--manifest", out / "manifest.json", "--from-raw", folder / "weights" / dtype, "-o", file)
            (file.parent / "report.txt").write_text(report)


def described(folder, soc, name, tokens):
    """The manifest's entry of a function, and the folder of its library."""
    where = bundle(folder, soc, name, tokens)
    try:
        return json.loads((where / "manifest.json").read_text())["functions"][0], where
    except FileNotFoundError:
        sys.exit(f"error: {where} holds no bundle; run ours.py build {folder} --soc {soc}")


def stored(folder, name):
    """name -> (file, offset, bytes) of each weight."""
    where = weights(folder, name)
    if where.is_dir():
        index = json.loads((where / "weights.json").read_text())
        return {w["file"].removesuffix(".bin"): (where / w["file"], 0, w["bytes"]) for w in index}
    index = json.loads((where.parent / "weights.json").read_text())
    return {w["name"]: (where, w["offset"], w["bytes"]) for w in index["weights"]}


def reference(folder, name):
    """Tokens, prompt length, caches and logits to compare with; those of i8 and i4 are of llama.cpp's formats of the same size."""
    import numpy as np

    dtype, _ = FORMATS[name]
    where = folder / "reference" / {"i8": "q8_0", "i4": "q4_0_pure"}.get(name, name)
    about = json.loads((where / "reference.json").read_text())
    kind = {"f32": np.float32, "f16": np.float16}[dtype]
    caches = [np.fromfile(where / f"{c}.{dtype}.bin", kind) for c in "kv"]
    return about["tokens"], about["prompt"], caches, np.fromfile(where / "logits.f32.bin", np.float32).reshape(about["logits"])


def inputs_of_call(folder, name, tokens):
    """The arguments before the weights, at the end of the reference's prompt, and the logits expected."""
    import numpy as np

    text, prompt, caches, logits = reference(folder, name)
    first = [np.array(text[prompt : prompt + tokens], np.int64), np.array([prompt], np.int64)]
    return first + caches, logits[prompt : prompt + tokens]


def difference(folder, name, tokens):
    """Largest difference between a function's logits and the reference's, and whether all have the same best token."""
    import numpy as np

    function, where = described(folder, "host", name, tokens)
    call = getattr(ctypes.CDLL(str((where / "model.so").resolve())), function["symbol"])
    first, want = inputs_of_call(folder, name, tokens)
    places = stored(folder, name)
    buffers = list(first)
    for argument in function["arguments"][4:]:
        file, offset, size = places[argument["name"]]
        buffers.append(np.fromfile(file, np.uint8, size, offset=offset))
    for result in function["results"]:
        buffers.append(np.zeros(result["shape"], {"f32": np.float32, "f16": np.float16}[result["dtype"]]))
    logits = buffers[len(function["arguments"])]
    space = np.empty(function["workspace_bytes"] + 64, np.uint8)
    aligned = -(-space.ctypes.data // 64) * 64
    pointers = (ctypes.c_void_p * len(buffers))(*[b.ctypes.data for b in buffers])
    status = call(pointers, ctypes.c_void_p(aligned), None)
    if status != 0:
        sys.exit(f"error: {function['name']} of {name} returns status {status}")
    found = logits.reshape(want.shape).astype(np.float64)
    return float(np.abs(found - want).max()), bool((found.argmax(1) == want.argmax(1)).all())


def plans(folder, soc, name, tokens):
    """Plans for the runner of testsuite/harness/run.c: one call, and two; the logits go to the file returned."""
    function, where = described(folder, soc, name, tokens)
    first, _ = inputs_of_call(folder, name, tokens)
    sizes, places, logits = {"f32": 4, "f16": 2, "i64": 8, "i8": 1}, stored(folder, name), where / "logits.bin"
    lines = [f"library {where / 'model.so'}", f"symbol {function['symbol']}", f"workspace {function['workspace_bytes']}"]
    for i, argument in enumerate(function["arguments"]):
        file = where / f"argument.{i}.bin"
        if i < len(first):
            first[i].tofile(file)
            size = first[i].nbytes
        else:
            source, offset, size = places[argument["name"]]
            if offset or size != source.stat().st_size:
                with source.open("rb") as data:
                    data.seek(offset)
                    file.write_bytes(data.read(size))
            else:
                file = source
        lines.append(f"arg read {size} {sizes[argument['dtype']]} {file} -")
    for i, result in enumerate(function["results"]):
        size = math.prod(result["shape"]) * sizes[result["dtype"]]
        lines.append(f"arg result {size} {sizes[result['dtype']]} - {logits if i == 0 else '-'}")
    out = []
    for calls in (1, 2):
        out.append(where / f"plan.{calls}")
        out[-1].write_text("\n".join(lines + [f"repetitions {calls}"]) + "\n")
    return out, logits


def check(folder):
    print("| format | tokens | largest difference of a logit | same best tokens |\n|---|---|---|---|")
    for name in FORMATS:
        for tokens in TOKENS:
            most, same = difference(folder, name, tokens)
            print(f"| {name} | {tokens} | {most:.2g} | {'yes' if same else 'no'} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("build", "serve", "check"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bin", type=Path, default=HERE.parents[1] / "target" / "release")
    parser.add_argument("--inputs", type=Path, default=HERE.parents[1] / "testsuite" / "fixtures")
    parser.add_argument("--soc", default="host")
    parser.add_argument("--dtype", default="f32", choices=FORMATS)
    parser.add_argument("--tokens", type=int, default=1, choices=TOKENS)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    folder = args.folder.resolve()
    if args.action == "build":
        build(folder, args.bin, args.inputs, args.soc)
    elif args.action == "check":
        check(folder)
    else:
        program, size = str(args.bin / "examples" / "forward"), function_name(args.tokens)
        where = [bundle(folder, "host", args.dtype, args.tokens), size, weights(folder, args.dtype), args.threads, POSITION]
        os.execv(program, [program] + [str(w) for w in where])


if __name__ == "__main__":
    main()
