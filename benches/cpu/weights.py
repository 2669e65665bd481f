#!/usr/bin/env python3
"""Writes the weights of SmolLM2-135M as raw files, one per argument of the exported function, in argument order.

    weights.py FOLDER [--dtype f32,f16] [--gguf FILE] [--halves]

writes FOLDER/weights/DTYPE/NNN.NAME.bin (little-endian, row-major, NNN = argument number; the first weight is argument 4) and
FOLDER/weights/DTYPE/weights.json: a list of {argument, name, shape, dtype, file, bytes}. Without --gguf the model is fetched (model.py).
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

import model

DTYPES = {"f32": np.dtype("<f4"), "f16": np.dtype("<f2")}
FIRST_WEIGHT = 4


def write(folder, source, dtype, halves):
    """Writes all weights in `dtype` and returns (count, bytes). A value that overflows the type is an error of the model, reported with its name."""
    out = Path(folder) / "weights" / dtype
    out.mkdir(parents=True, exist_ok=True)
    index = []
    for number, (name, value) in enumerate(model.tensors(source, halves), FIRST_WEIGHT):
        with np.errstate(over="ignore"):
            data = value.astype(DTYPES[dtype])
        if not np.isfinite(data).all():
            sys.exit(f"error: {name} has values that {dtype} cannot hold")
        file = f"{number:03}.{name}.bin"
        data.tofile(out / file)
        index.append({"argument": number, "name": name, "shape": list(data.shape), "dtype": dtype, "file": file, "bytes": data.nbytes})
    (out / "weights.json").write_text(json.dumps(index, indent=1) + "\n")
    return len(index), sum(entry["bytes"] for entry in index)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--dtype", default="f32,f16")
    parser.add_argument("--gguf")
    parser.add_argument("--halves", action="store_true", help="order query and key rows for a rotary embedding of halves")
    args = parser.parse_args()
    source = args.gguf or model.fetch(args.folder)
    for dtype in args.dtype.split(","):
        if dtype not in DTYPES:
            sys.exit(f"error: unknown dtype {dtype}; known: {', '.join(DTYPES)}")
        count, size = write(args.folder, source, dtype, args.halves)
        print(f"{dtype}: {count} weights, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
