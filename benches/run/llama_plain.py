#!/usr/bin/env python3
"""Plain greedy decoding with llama.cpp: llama_plain.py MODEL PROMPT_FILE TOKENS THREADS prints tokens a second of the decoding."""

import ctypes
import sys
import time

import llama_cpp as llama
import numpy as np


@llama.llama_log_callback
def quiet(_level, _text, _data):
    """Drops llama.cpp's log."""


def main():
    path, file, count, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    llama.llama_log_set(quiet, ctypes.c_void_p(0))
    llama.llama_backend_init()
    model = llama.llama_model_load_from_file(path.encode(), llama.llama_model_default_params())
    params = llama.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch = 1024, 512, 512
    params.n_threads = params.n_threads_batch = threads
    context = llama.llama_init_from_model(model, params)
    vocabulary = llama.llama_model_get_vocab(model)
    size = llama.llama_vocab_n_tokens(vocabulary)
    text = open(file, "rb").read()
    tokens = (llama.llama_token * (len(text) + 8))()
    length = llama.llama_tokenize(vocabulary, text, len(text), tokens, len(tokens), True, True)
    batch = llama.llama_batch_init(512, 0, 1)

    def choose(ids, position):
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, position + i, 1, i == len(ids) - 1
            batch.seq_id[i][0] = 0
        if llama.llama_decode(context, batch) != 0:
            sys.exit("error: llama_decode failed")
        logits = llama.llama_get_logits_ith(context, len(ids) - 1)
        return int(np.argmax(np.ctypeslib.as_array(logits, shape=(size,))))

    last = choose(list(tokens[:length]), 0)
    made, start = 0, time.perf_counter()
    while made < count and not llama.llama_vocab_is_eog(vocabulary, last):
        last = choose([last], length + made)
        made += 1
    print(made / (time.perf_counter() - start))


if __name__ == "__main__":
    main()
