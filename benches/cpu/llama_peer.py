#!/usr/bin/env python3
"""llama.cpp, as llama-cpp-python builds it, on SmolLM2-135M.

    llama_peer.py make  FOLDER                                         GGUF files in f32, f16, q8_0, q4_0 (FOLDER/models)
    llama_peer.py serve FOLDER --type f32 --tokens 1 --threads 1       the protocol of serve.py
    llama_peer.py check FOLDER --type f32 [--reference NAME]           logits against reference.py's, f32 caches

`make` dequantises the shipped file to f32 and lets llama.cpp quantise that: its q4_0 keeps the embedding, which is also the head, in q8_0 (90.0 MB);
q4_0_pure has it in q4_0 too (75.7 MB). A pass is timed at context 128, with its default caches (f16), and includes the logits of all its tokens.
"""

import argparse
import ctypes
import json
import os
import sys
from pathlib import Path

import llama_cpp as llama
import numpy as np

import model
import serve

CONTEXT = 128
# ftype of llama.h, and whether no tensor is kept wider than that.
TYPES = {"f32": (0, False), "f16": (1, False), "q8_0": (7, False), "q4_0": (2, False), "q4_0_pure": (2, True)}


@llama.llama_log_callback
def quiet(_level, _text, _data):
    """Drops llama.cpp's log."""


def gguf(folder, kind):
    return Path(folder) / "models" / f"smollm2-135m.{kind}.gguf"


def make(args):
    shipped = model.fetch(args.folder)
    for kind, (ftype, pure) in TYPES.items():
        path = gguf(args.folder, kind)
        if not path.exists():
            source, partial = (shipped if kind == "f32" else gguf(args.folder, "f32")), str(path) + ".part"
            params = llama.llama_model_quantize_default_params()
            params.ftype, params.pure, params.allow_requantize, params.nthread = ftype, pure, True, 1
            if llama.llama_model_quantize(str(source).encode(), partial.encode(), ctypes.byref(params)) != 0:
                sys.exit(f"error: llama.cpp could not write {path}")
            os.replace(partial, path)
        print(f"{path.name} {path.stat().st_size / 1e6:.1f} MB")


class Session:
    """A loaded model with one sequence."""

    def __init__(self, path, threads, f32_cache=False):
        if not path.exists():
            sys.exit(f"error: {path} is missing; run llama_peer.py make first")
        self.model = llama.llama_model_load_from_file(str(path).encode(), llama.llama_model_default_params())
        params = llama.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = 512, 512, 512
        params.n_threads = params.n_threads_batch = threads
        if f32_cache:
            params.type_k = params.type_v = 0
        self.context = llama.llama_init_from_model(self.model, params)
        self.memory = llama.llama_get_memory(self.context)
        self.vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self.model))
        self.batch = llama.llama_batch_init(512, 0, 1)

    def decode(self, tokens, position):
        """Runs `tokens` from `position` on, with logits for each."""
        b = self.batch
        b.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            b.token[i], b.pos[i], b.n_seq_id[i], b.logits[i] = token, position + i, 1, 1
            b.seq_id[i][0] = 0
        if llama.llama_decode(self.context, b) != 0:
            sys.exit("error: llama_decode failed")

    def logits(self, row):
        return np.ctypeslib.as_array(llama.llama_get_logits_ith(self.context, row), shape=(self.vocabulary,))

    def forget(self, position):
        llama.llama_memory_seq_rm(self.memory, 0, position, -1)


def run_serve(args):
    session = Session(gguf(args.folder, args.type), args.threads)
    session.decode(list(range(1000, 1000 + CONTEXT)), 0)
    tokens = list(range(2000, 2000 + args.tokens))

    def step():
        session.decode(tokens, CONTEXT)
        session.logits(args.tokens - 1)
        session.forget(CONTEXT)

    serve.serve(step)


def run_check(args):
    where = Path(args.folder) / "reference" / (args.reference or args.type)
    about = json.loads((where / "reference.json").read_text())
    want = np.fromfile(where / "logits.f32.bin", np.float32).reshape(about["logits"])
    session, tokens, prompt = Session(gguf(args.folder, args.type), args.threads, f32_cache=True), about["tokens"], about["prompt"]
    session.decode(tokens[:prompt], 0)
    got = [session.logits(row).copy() for row in range(prompt)]
    for position in range(prompt, len(tokens), args.tokens):
        chunk = tokens[position : position + args.tokens]
        session.decode(chunk, position)
        got += [session.logits(row).copy() for row in range(len(chunk))]
    got = np.stack(got)
    same = int((got.argmax(-1) == want.argmax(-1)).sum())
    print(f"llama.cpp {args.type} against {where.name}: largest difference of a logit {np.abs(got - want).max():.3g}, "
          f"root mean square {np.sqrt(((got - want) ** 2).mean()):.3g}, same argmax {same}/{len(tokens)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("make", "serve", "check"))
    parser.add_argument("folder")
    parser.add_argument("--type", choices=tuple(TYPES), default="f32")
    parser.add_argument("--tokens", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--reference")
    args = parser.parse_args()
    llama.llama_log_set(quiet, ctypes.c_void_p(0))
    llama.llama_backend_init()
    {"make": make, "serve": run_serve, "check": run_check}[args.action](args)


if __name__ == "__main__":
    main()
