#!/usr/bin/env python3
"""Speculative and plain decoding, ours and llama.cpp's, on one pair, the same prompts and thread counts, in turns.

    compare.py BUNDLE --run PATH/spec-run --target T.gguf --drafter D.gguf --speculative PATH/llama-speculative-simple
                 [--prompts FILE] [--tokens 64] [--threads 2] [--lengths 1,2,4] [--rounds 3] [--python ...]
                 [--profile FILE --acceptance FILE]

BUNDLE is a folder of spec-compile and spec-weights. FILE has one prompt a line (JSON strings; default: five below), each wrapped in the model's chat
template by both sides. llama.cpp's plain speed is its own loop of one-token calls (llama_plain.py, in a Python that has llama_cpp). "In the run": spec-run chooses draft lengths itself,
from the bundle's plan on, or from a profile and an acceptance file. Medians over prompts and rounds; a run counts the decoding only, not the prompt.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROMPTS = [
    "Translate into French: The train to Lyon leaves at half past seven, so we should be at the station a little earlier.",
    "Translate into German: Please close the window before you go to bed, because it is going to rain tonight.",
    "Summarise in one sentence: The town library opens an hour earlier from Monday on, because many people asked for time to read before work. "
    "The staff will work in two shifts, and the evening hours stay as they are.",
    "What should I think of when I buy a used bicycle?",
    "Write a Python function that returns the n-th Fibonacci number.",
]


def chatml(text):
    return f"<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"


def output(command, **more):
    result = subprocess.run(command, capture_output=True, text=True, **more)
    if result.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))}: exit {result.returncode}\n{result.stderr[-2000:]}")
    return result


def ours(args, file, length):
    """Tokens a second, and the tokens."""
    command = [args.run, args.bundle, "--prompt-file", file, "--json", "--max-tokens", args.tokens, "--threads", args.threads]
    if length is not None:
        command += ["--draft-length", length]
    else:
        command += [word for name in ("profile", "acceptance") if getattr(args, name) for word in (f"--{name}", getattr(args, name))]
    report = json.loads(output(list(map(str, command))).stdout)
    return report["decode"]["tokens_per_second"]


def llama_speculative(args, file, length):
    command = [args.speculative, "-m", args.target, "--spec-draft-model", args.drafter, "-t", args.threads, "-td", args.threads, "-c", 1024]
    command += ["--spec-draft-n-max", length, "--spec-type", "draft-simple", "--temp", 0, "-n", args.tokens, "-f", file]
    result = output(list(map(str, command)))
    found = re.search(r"decoded +\d+ tokens in +[0-9.]+ seconds, speed: +([0-9.]+)", result.stdout + result.stderr)
    return float(found[1]) if found else sys.exit("error: llama.cpp printed no speed")


def llama_plain(args, file):
    script = Path(__file__).with_name("llama_plain.py")
    return float(output(list(map(str, [args.python, script, args.target, file, args.tokens, args.threads]))).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    for name in ("run", "target", "drafter", "speculative"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("prompts", "profile", "acceptance"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--lengths", default="1,2,4")
    for name, value in (("tokens", 64), ("threads", 2), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()
    prompts = [json.loads(line) for line in open(args.prompts)] if args.prompts else PROMPTS
    lengths = [int(n) for n in args.lengths.split(",")]
    columns = {"llama.cpp plain": lambda f: llama_plain(args, f)}
    columns |= {f"llama.cpp draft {n}": lambda f, n=n: llama_speculative(args, f, n) for n in lengths}
    columns |= {"ours plain": lambda f: ours(args, f, 0), "ours, in the run": lambda f: ours(args, f, None)}
    columns |= {f"ours draft {n}": lambda f, n=n: ours(args, f, n) for n in lengths}
    measured = {name: [] for name in columns}
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for i, prompt in enumerate(prompts):
            files.append(os.path.join(folder, str(i)))
            Path(files[-1]).write_text(chatml(prompt))
        for _ in range(args.rounds):
            for file in files:
                for name, run in columns.items():
                    measured[name].append(run(file))
    plain = statistics.median(measured["llama.cpp plain"])
    print(f"{'':20}  tokens/s  x llama.cpp plain")
    for name, values in measured.items():
        median = statistics.median(values)
        print(f"{name:20}  {median:8.2f}  {median / plain:.2f}   ({min(values):.2f} .. {max(values):.2f})")


if __name__ == "__main__":
    main()
