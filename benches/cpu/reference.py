#!/usr/bin/env python3
"""Logits and caches of SmolLM2-135M in double precision, to judge compiled functions and peers by.

    reference.py FOLDER [--gguf FILE] [--weights f32|f16] [--name NAME] [--generate N]

Runs PROMPT, then N greedy tokens, in float64 on the weights (dequantised from the GGUF file; with --weights f16 rounded to half precision
first). Writes into FOLDER/reference/NAME:

    tokens.i64.bin   [S]                          prompt, then generated tokens
    logits.f32.bin   [S, 49152]                   row p: logits after tokens 0..=p
    k.f32.bin, v.f32.bin, k.f16.bin, v.f16.bin    [30, 3, 256, 64]; rows 0..S hold the cache (keys after rotation), the rest is 0
    reference.json   shapes, the source, the greedy continuation

How to judge @decode at position p: give tokens[p], p and the caches (it must not read rows from p on: mask them or zero them);
its logits are row p, its new rows k[:, :, p], v[:, :, p]. @verify5 at p: tokens p..p+5, rows p..p+5.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import model

# "<|im_start|>user\nWhat is the capital of France? Answer in one sentence.<|im_end|>\n<|im_start|>assistant\n"
PROMPT = [1, 4093, 198, 1780, 314, 260, 3575, 282, 4649, 47, 19842, 281, 582, 6330, 30, 2, 198, 1, 520, 9531, 198]


class Decoder:
    """A Llama decoder in float64. `step` takes tokens [M] and returns logits [M, vocabulary]; its caches grow by M rows."""

    def __init__(self, weights, shape=model.SMOLLM2):
        self.w = {name: value.astype(np.float64) for name, value in weights}
        self.shape = shape
        self.k = np.zeros((shape.layers, shape.kv_heads, shape.cache, shape.head))
        self.v = np.zeros_like(self.k)
        self.length = 0

    def norm(self, x, name):
        """x / sqrt(mean(x^2) + eps) * weight, rows of x [M, hidden]."""
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.shape.eps) * self.w[name]

    def rotate(self, x):
        """Rotary embedding of x [heads, M, head], pairs (2i, 2i+1), positions length..length+M."""
        positions = np.arange(self.length, self.length + x.shape[1])
        angles = positions[:, None] * self.shape.theta ** (-np.arange(0, self.shape.head, 2) / self.shape.head)
        cos, sin = np.cos(angles), np.sin(angles)
        even, odd = x[..., 0::2], x[..., 1::2]
        return np.stack((even * cos - odd * sin, even * sin + odd * cos), -1).reshape(x.shape)

    def attend(self, layer, q, m):
        """Attention of q [heads, M, head] over the cache of `layer`, causal; returns [M, heads * head]."""
        s, end = self.shape, self.length + m
        q = q.reshape(s.kv_heads, -1, m, s.head)
        scores = np.einsum("ghmd,gtd->ghmt", q, self.k[layer, :, :end]) / np.sqrt(s.head)
        scores = np.where(np.arange(end) <= self.length + np.arange(m)[:, None], scores, -np.inf)
        p = np.exp(scores - scores.max(-1, keepdims=True))
        out = np.einsum("ghmt,gtd->ghmd", p / p.sum(-1, keepdims=True), self.v[layer, :, :end])
        return out.reshape(s.heads, m, s.head).swapaxes(0, 1).reshape(m, -1)

    def step(self, tokens):
        s, m = self.shape, len(tokens)
        x = self.w["embed"][tokens]
        for i in range(s.layers):
            w = {name: self.w[f"blocks.{i}.{name}.weight"] for name in model.BLOCK if "norm" not in name}
            split = lambda y, heads: y.reshape(m, heads, s.head).swapaxes(0, 1)
            h = self.norm(x, f"blocks.{i}.attn_norm.weight")
            self.k[i, :, self.length : self.length + m] = self.rotate(split(h @ w["k"].T, s.kv_heads))
            self.v[i, :, self.length : self.length + m] = split(h @ w["v"].T, s.kv_heads)
            x = x + self.attend(i, self.rotate(split(h @ w["q"].T, s.heads)), m) @ w["o"].T
            h = self.norm(x, f"blocks.{i}.ffn_norm.weight")
            gate = h @ w["gate"].T
            x = x + (gate / (1 + np.exp(-gate)) * (h @ w["up"].T)) @ w["down"].T
        self.length += m
        return self.norm(x, "norm.weight") @ self.w["embed"].T


def rounded(weights, dtype):
    """The weights as a type holds them."""
    return ((name, value.astype(np.float16) if dtype == "f16" else value) for name, value in weights)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--gguf")
    parser.add_argument("--weights", choices=("f32", "f16"), default="f32")
    parser.add_argument("--name")
    parser.add_argument("--generate", type=int, default=24)
    args = parser.parse_args()
    source = args.gguf or model.fetch(args.folder)
    decoder = Decoder(rounded(model.tensors(source), args.weights))
    tokens, rows = list(PROMPT), [decoder.step(PROMPT)]
    for _ in range(args.generate):
        tokens.append(int(rows[-1][-1].argmax()))
        rows.append(decoder.step(tokens[-1:]))
    out = Path(args.folder) / "reference" / (args.name or args.weights)
    out.mkdir(parents=True, exist_ok=True)
    np.array(tokens, "<i8").tofile(out / "tokens.i64.bin")
    np.concatenate(rows).astype("<f4").tofile(out / "logits.f32.bin")
    for name, cache in (("k", decoder.k), ("v", decoder.v)):
        cache.astype("<f4").tofile(out / f"{name}.f32.bin")
        cache.astype("<f2").tofile(out / f"{name}.f16.bin")
    about = {"source": Path(source).name, "weights": args.weights, "prompt": len(PROMPT), "tokens": tokens,
             "logits": [len(tokens), decoder.shape.vocabulary], "cache": list(decoder.k.shape)}
    (out / "reference.json").write_text(json.dumps(about, indent=1) + "\n")
    print(f"{out.name}: {len(tokens)} tokens, greedy continuation {tokens[len(PROMPT):]}")


if __name__ == "__main__":
    main()
