#!/usr/bin/env python3
"""Times SmolLM2-135M forward passes of this toolkit, llama.cpp and IREE alternately, and prints medians and ratios.

    install.py FOLDER                                       once
    compare.py FOLDER [--ours COMMAND] [--rows NAME,..] [--threads 1,2] [--rounds 7] [--repetitions 7] [--json FILE]

COMMAND starts our process for one row; {dtype} (f32, f16, i8, i4), {tokens} (1, 5), {threads} and {folder} are filled in. It speaks the protocol of
serve.py: load, warm up, print `ready`; for each line N on standard input run N passes at position 128 and print their median in milliseconds.

All processes of a row are loaded at once and take turns; a batch during which other programs kept more than --noise cores busy is taken again,
and a `~` marks figures for which no quiet batch was had. floor: a pass over as many bytes as the weights have, in the same turns, each thread
reading its share as one stream; floor4: as four streams, which is the faster.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import measure

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Row:
    """A line of the table. `dtype` is ours, `gguf` llama.cpp's type, `iree` the (dtype, flags) of iree_peer.py or None."""

    name: str
    dtype: str
    tokens: int
    gguf: str
    weight_bytes: float
    iree: tuple | None = None


# Bytes of all tensors, each read once a pass (the embedding is the head).
F32, F16, Q8_0, Q4_0, Q4_0_PURE = 538_060_032, 269_100_288, 143_025_408, 89_941_248, 75_785_472
ROWS = (
    Row("decode-f32", "f32", 1, "f32", F32, ("f32", "dt")),
    Row("decode-f16", "f16", 1, "f16", F16, ("f16", "dt")),
    Row("decode-i8", "i8", 1, "q8_0", Q8_0),
    Row("decode-i4", "i4", 1, "q4_0", Q4_0),
    Row("verify5-f32", "f32", 5, "f32", F32, ("f32", "dt")),
    Row("verify5-f16", "f16", 5, "f16", F16, ("f16", "plain")),
    Row("verify5-i8", "i8", 5, "q8_0", Q8_0),
    Row("verify5-i4", "i4", 5, "q4_0", Q4_0),
)
COLUMNS = ("floor", "floor4", "llama.cpp", "iree", "ours")


def commands(row, threads, folder, ours):
    """(name, command) of each process of a row."""
    python = str(folder / "venv" / "bin" / "python")
    size = ["--tokens", str(row.tokens), "--threads", str(threads)]
    for name, streams in (("floor", 1), ("floor4", 4)):
        yield name, [str(folder / "bw"), str(threads), str(row.weight_bytes), str(streams)]
    yield "llama.cpp", [python, str(HERE / "llama_peer.py"), "serve", str(folder), "--type", row.gguf] + size
    if row.iree:
        dtype, flags = row.iree
        yield "iree", [python, str(HERE / "iree_peer.py"), "serve", str(folder), "--dtype", dtype, "--flags", flags] + size
    if ours:
        yield "ours", ours.format(dtype=row.dtype, tokens=row.tokens, threads=threads, folder=folder)


def time_row(row, threads, args, log):
    """Medians of one row: column -> (ms, quiet), and whether all processes worked. One that fails is reported and left out."""
    processes, errors = [], []

    def report(error):
        errors.append(error)
        print(f"error: {row.name}, {threads} thread(s): {error}", file=sys.stderr)

    try:
        for name, command in commands(row, threads, args.folder, args.ours):
            try:
                processes.append(measure.Timed(name, command, log))
            except measure.PeerError as error:
                report(error)
        samples = measure.alternate(processes, args.rounds, args.repetitions, args.noise, args.patience, report)
    finally:
        for process in processes:
            process.close()
    return {name: s.median() for name, s in samples.items()}, not errors


def show(value):
    milliseconds, quiet = value
    return f"{milliseconds:.2f}{'' if quiet else ' ~'}"


def ratio(medians, top, bottom):
    return f"{medians[top][0] / medians[bottom][0]:.2f}" if top in medians and bottom in medians else "-"


def line(row, threads, medians, subject):
    cells = [row.name, str(threads)] + [show(medians[c]) if c in medians else "-" for c in COLUMNS]
    cells += [ratio(medians, subject, other) for other in COLUMNS[:-1] if other != subject]
    return "| " + " | ".join(cells) + " |"


def header(subject):
    titles = ["row", "threads", *(f"{c} ms" for c in COLUMNS), *(f"{subject}/{o}" for o in COLUMNS[:-1] if o != subject)]
    return "| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|"


def verify_cost(results):
    """v(5) = t(5 tokens) / t(1 token) of each column, type and number of threads, where both rows were timed."""
    for (name, threads), medians in results.items():
        if name.startswith("verify5-"):
            one = results.get((name.replace("verify5", "decode"), threads), {})
            parts = [f"{c} {medians[c][0] / one[c][0]:.2f}" for c in COLUMNS[2:] if c in medians and c in one]
            if parts:
                yield f"v(5) {name.removeprefix('verify5-')}, {threads} thread(s): " + ", ".join(parts)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ours")
    parser.add_argument("--rows", default=",".join(row.name for row in ROWS))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--noise", type=float, default=0.1, help="cores that others may keep busy during a batch (0.1)")
    parser.add_argument("--patience", type=float, default=10, help="seconds to wait for quiet before a batch (10)")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    args.folder = args.folder.resolve()
    if not (args.folder / "bw").exists():
        parser.error(f"{args.folder} holds no peers; run install.py {args.folder} first")
    wanted = args.rows.split(",")
    unknown = set(wanted) - {row.name for row in ROWS}
    if unknown:
        parser.error(f"unknown rows: {', '.join(sorted(unknown))}; known: {', '.join(row.name for row in ROWS)}")
    if min(args.rounds, args.repetitions) < 1:
        parser.error("--rounds and --repetitions must be at least 1")
    args.rows = [row for row in ROWS if row.name in wanted]
    for text in args.threads.split(","):
        if not text.isdecimal() or int(text) == 0:
            parser.error(f"--threads: {text!r} is not a number of threads")
    args.threads = [int(text) for text in args.threads.split(",")]
    try:
        (args.ours or "").format(dtype="", tokens=1, threads=1, folder="")
    except (KeyError, IndexError, ValueError) as error:
        parser.error(f"--ours: only {{dtype}}, {{tokens}}, {{threads}}, {{folder}} are filled in, and braces are doubled: {error}")
    return args


def main():
    args = arguments()
    subject, results, good = "ours" if args.ours else "llama.cpp", {}, True
    print(header(subject), flush=True)
    with tempfile.NamedTemporaryFile("w", suffix=".log", delete=False) as log:
        for row in args.rows:
            for threads in args.threads:
                medians, worked = time_row(row, threads, args, log)
                results[row.name, threads], good = medians, good and worked
                print(line(row, threads, medians, subject), flush=True)
    if good:
        os.unlink(log.name)
    for text in verify_cost(results):
        print(text)
    if args.json:
        table = [
            {"row": name, "threads": threads, "ms": {c: v[0] for c, v in medians.items()}, "noisy": [c for c, v in medians.items() if not v[1]]}
            for (name, threads), medians in results.items()
        ]
        args.json.write_text(json.dumps(table, indent=1) + "\n")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
