#!/usr/bin/env python3
"""What a token costs on Mali by the compiled code alone: IREE beside this toolkit, both through Mesa's Valhall compiler.

    compare.py FOLDER --inputs INPUTS [--ours DTYPE=BUNDLE ..] [--dtypes f16,f32] [--gpu g310] [--target valhall3] [--position 128] [--trace]

FOLDER: as install.py of benches/cpu makes it (its venv has IREE's compiler); results go to FOLDER/mali. INPUTS: the exported modules,
`smollm2-135m.rows.m1.args.DTYPE.linalg.mlir`. BUNDLE: a folder with `kernels.spv` and `schedule.json`, as spec-compile writes for a GPU, of the
same function. --position: what the argument --position-argument (1) holds, an i64, since bounds of loops may depend on it. --trace follows
addresses (minutes). The example `mali` of the test suite counts; the figures are explained in README.md.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import iree_plan

ROOT = Path(__file__).resolve().parents[2]


def source(inputs, dtype, folder):
    """The exported module as a plain file."""
    plain = inputs / f"smollm2-135m.rows.m1.args.{dtype}.linalg.mlir"
    packed = plain.with_name(plain.name + ".gz")
    if not plain.exists() and packed.exists():
        plain = folder / plain.name
        plain.write_bytes(gzip.decompress(packed.read_bytes()))
    if not plain.exists():
        sys.exit(f"error: {inputs} has no {plain.name}")
    return plain


def known_words(spans, argument, value):
    """[binding, word, value] where a dispatch sees the argument that holds the position."""
    halves = [value & 0xFFFFFFFF, value >> 32]
    found = []
    for binding, span in enumerate(spans):
        if span["buffer"] == {"argument": argument} and span["offset"] == 0:
            found += [[binding, word, half] for word, half in enumerate(halves)]
    return found


def our_plan(bundle, argument, position):
    """The plan of a bundle, and facts about it."""
    functions = json.loads((bundle / "manifest.json").read_text())["functions"]
    codes = [f["gpu"] for f in functions if "gpu" in f]
    if len(codes) != 1:
        sys.exit(f"error: {bundle}: {len(codes)} functions for a GPU, one is compared: compile a module with one function for a GPU unit")
    schedule = codes[0]["schedule"]
    module = str((bundle / codes[0]["spirv"]["file"]).resolve())
    kernels = [{"module": module, **{k: kernel[k] for k in ("entry", "bindings", "push_words")}} for kernel in schedule["kernels"]]
    dispatches = [
        {"kernel": d["kernel"], "groups": d["groups"], "push": d["push"], "known": known_words(d["spans"], argument, position)}
        for d in schedule["dispatches"]
    ]
    barriers = sum(d.get("barrier", False) for d in schedule["dispatches"])
    return {"kernels": kernels, "dispatches": dispatches}, {"copies and fills": 0, "barriers": barriers}


def measure(name, plan, args):
    """The report of a plan: compiled for the GPU and counted."""
    where = args.folder / "mali"
    where.mkdir(parents=True, exist_ok=True)
    paths = [where / f"{name}.{args.gpu}.{kind}.json" for kind in ("plan", "report")]
    paths[0].write_text(json.dumps(plan))
    command = [str(args.counter)] if args.counter else ["cargo", "run", "--quiet", "--release", "-p", "spec-testsuite", "--example", "mali", "--"]
    command += [str(paths[0].resolve()), "--gpu", args.gpu, "--json", str(paths[1].resolve())] + (["--trace"] if args.trace else [])
    if subprocess.run(command, check=False, cwd=ROOT).returncode != 0:
        sys.exit(f"error: {name}: the kernels cannot be compiled or counted; the message is above")
    return json.loads(paths[1].read_text())


def figures(report, facts):
    """Rows of the table: title -> number or text."""
    total, kernels = report["totals"], report["kernels"]
    rows = {
        "dispatches": total["dispatches"],
        "kernels": len(kernels),
        "barriers": facts["barriers"],
        "copies and fills": facts["copies and fills"],
        "static instructions": report["static_instructions"],
        "kernels that spill": sum(k["spills"] + k["fills"] > 0 for k in kernels),
        "kernels at half occupancy": sum(not k["full_occupancy"] for k in kernels),
        "workgroups": total["groups"],
        "warps": total["warps"],
        "instructions executed by warps": total["instructions"],
        "- without emulated subgroup operations": total["instructions"] - total["emulation"],
        "- without them and the vocabulary's product": total["instructions"] - total["emulation"] - head(kernels),
        "bytes that lanes load": total["lanes"][0],
        "bytes that lanes store": total["lanes"][1],
        "bytes of workgroup memory, both ways": sum(total["shared"]),
    }
    if total["distinct_lines"]:
        rows["lines loaded by warps, bytes"] = total["warp_lines"][0]
        rows["distinct lines loaded by dispatches, bytes"] = total["distinct_lines"][0]
        rows["distinct lines stored by dispatches, bytes"] = total["distinct_lines"][1]
        rows["loaded at unknown places, bytes of lanes"] = total["untraced"][0]
    return rows


def head(kernels):
    """Instructions of the largest product, that with the vocabulary: the kernel dispatched once that loads the most."""
    once = [k["totals"] for k in kernels if k["totals"]["dispatches"] == 1]
    largest = max(once, key=lambda t: t["lanes"][0], default=None)
    return largest["instructions"] - largest["emulation"] if largest else 0


def table(dtype, columns):
    """A table in Markdown: a row a figure, a column a compiler, and the ratio if there are two."""
    titles = [dtype, *columns] + (["ours/IREE"] if len(columns) == 2 else [])
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    for name in next(iter(columns.values())):
        values = [column[name] for column in columns.values()]
        cells = [f"{v:,}".replace(",", " ") for v in values]
        if len(values) == 2:
            cells.append(f"{values[1] / values[0]:.3f}" if values[0] else "-")
        print("| " + " | ".join([name, *cells]) + " |")
    print()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--ours", action="append", default=[], metavar="DTYPE=BUNDLE")
    parser.add_argument("--dtypes", default="f16,f32")
    parser.add_argument("--gpu", choices=("g310", "g610"), default="g310")
    parser.add_argument("--target", choices=iree_plan.TARGETS, default="valhall3")
    parser.add_argument("--position", type=int, default=128)
    parser.add_argument("--position-argument", type=int, default=1)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--compiler", type=Path, help="iree-compile, if not that of FOLDER/venv")
    parser.add_argument("--counter", type=Path, help="the example `mali`, already built")
    args = parser.parse_args()
    args.compiler = args.compiler or args.folder / "venv" / "bin" / "iree-compile"
    if not os.access(args.compiler, os.X_OK):
        parser.error(f"no {args.compiler}: run benches/cpu/install.py {args.folder}, or give --compiler")
    args.ours = dict(one.split("=", 1) for one in args.ours if "=" in one)
    unknown = set(args.ours) - set(args.dtypes.split(","))
    if unknown:
        parser.error(f"--ours for {', '.join(unknown)}, which --dtypes does not name")
    return args


def main():
    args = arguments()
    for dtype in args.dtypes.split(","):
        columns = {}
        try:
            work = args.folder / "mali" / f"iree.{dtype}.{args.target}"
            work.mkdir(parents=True, exist_ok=True)
            plan, facts = iree_plan.plan(args.compiler, source(args.inputs, dtype, work), work, args.target)
        except iree_plan.PlanError as error:
            sys.exit(f"error: IREE, {dtype}: {error}")
        columns["IREE"] = figures(measure(f"iree.{dtype}", plan, args), facts)
        if dtype in args.ours:
            plan, facts = our_plan(Path(args.ours[dtype]), args.position_argument, args.position)
            columns["ours"] = figures(measure(f"ours.{dtype}", plan, args), facts)
        table(dtype, columns)


if __name__ == "__main__":
    main()
