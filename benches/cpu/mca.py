"""Cycles of the inner loops of compiled code, as LLVM's model of a core has them.

    python3 mca.py MODEL.s --cpu cortex-a55 [--triple aarch64-unknown-linux-gnu]

MODEL.s is what `spec-compile --emit asm` writes. Each innermost loop is given to llvm-mca alone, with all loads hitting the first-level cache: a
bound on what the core's pipes can do, not on memory. Prints kernel, instructions, cycles of one trip, and accesses to the stack in the loop.
LLVM has no model of its own for many cores (cortex-a76 and a78 use that of cortex-a57): see docs/cpu.md.
"""

import argparse
import re
import subprocess
import sys

LABEL = re.compile(r"^(\.?[\w$.]+):")
STACK = re.compile(r"\[sp\b|\(%rsp")


def loops(lines):
    """(function, lines) of each innermost loop: from a label to the last branch back to it, with no such pair inside."""
    function, labels, found = None, {}, []
    for i, line in enumerate(lines):
        label = LABEL.match(line)
        if label and not label.group(1).startswith(".L"):
            function, labels = label.group(1), {}
        elif label:
            labels[label.group(1)] = i
        else:
            words = line.replace(",", " ").split()
            if words and words[-1] in labels:
                found = [f for f in found if f[1] != labels[words[-1]]]
                found.append((function, labels[words[-1]], i))
    for name, start, end in found:
        if not any(start < other and last < end for _, other, last in found):
            yield name, lines[start + 1 : end + 1]


def instructions(body):
    keep = [l for l in body if l.startswith("\t") and not l.startswith("\t.") and not l.strip().startswith(("#", "//"))]
    return [l for l in keep if l.strip()]


def cycles(body, arguments):
    text = "\n".join(body) + "\n"
    command = [arguments.mca, f"-mtriple={arguments.triple}", f"-mcpu={arguments.cpu}", "-iterations=100"]
    ran = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    found = re.search(r"Total Cycles:\s+(\d+)", ran.stdout)
    if ran.returncode or not found:
        sys.exit(f"mca.py: llvm-mca fails:\n{ran.stderr[:600]}")
    return int(found.group(1)) / 100


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("assembly")
    parser.add_argument("--cpu", required=True)
    parser.add_argument("--triple", default="aarch64-unknown-linux-gnu")
    parser.add_argument("--mca", default="/usr/lib/llvm-22/bin/llvm-mca")
    arguments = parser.parse_args()
    try:
        with open(arguments.assembly, encoding="utf-8") as file:
            lines = file.read().splitlines(keepends=True)
    except OSError as error:
        sys.exit(f"mca.py: {error}")
    print("| function | instructions | cycles a trip | stack |\n|---|---|---|---|")
    for function, body in loops([l.rstrip("\n") for l in lines]):
        code = instructions(body)
        if not code:
            continue
        spills = sum(1 for l in code if STACK.search(l))
        print(f"| {function} | {len(code)} | {cycles(code, arguments):.1f} | {spills} |")


if __name__ == "__main__":
    main()
