"""Compiles a decode function with IREE for Vulkan on Valhall, and lists what it dispatches for one call."""

import json
import re
import subprocess
import sys
from pathlib import Path

TARGETS = ("valhall1", "valhall2", "valhall3", "valhall4", "mali-g310", "mali-g610")


class PlanError(Exception):
    """The compiler failed, or its output is not what this was written for."""


def compile_function(compiler, source, folder, target):
    """Runs iree-compile; `folder` then holds a .spv file for each executable and the program in the HAL dialect."""
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "compiled"
    if not done.exists():
        command = [
            str(compiler), str(source), "--iree-hal-target-device=vulkan", f"--iree-vulkan-target={target}", "--iree-opt-level=O3",
            f"--iree-hal-dump-executable-files-to={folder}", f"--dump-compilation-phases-to={folder / 'phases'}",
            "--mlir-elide-elementsattrs-if-larger=16", "-o", str(folder / "module.vmfb"),
        ]
        ran = subprocess.run(command, check=False, capture_output=True, text=True)
        if ran.returncode != 0:
            raise PlanError(f"iree-compile fails:\n{ran.stderr[-2000:]}")
        done.touch()


def spirv_entry(path):
    """Entry point, number of bindings and bytes of push constants of a module, from its words."""
    data = path.read_bytes()
    words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
    if not words or words[0] != 0x07230203:
        raise PlanError(f"{path.name} is no SPIR-V module")
    at, entries, bindings = 5, [], set()
    while at < len(words):
        length, op = words[at] >> 16, words[at] & 0xFFFF
        if op == 15:  # OpEntryPoint: model, id, name
            name = b"".join(w.to_bytes(4, "little") for w in words[at + 3 : at + length]).split(b"\0")[0]
            entries.append(name.decode())
        if op == 71 and words[at + 2] == 33:  # OpDecorate, Binding
            bindings.add(words[at + 3])
        at += max(length, 1)
    if len(entries) != 1:
        raise PlanError(f"{path.name} has {len(entries)} entry points")
    return entries[0], max(bindings, default=-1) + 1


def constants(text):
    """Values of the integer constants of a program, by their names."""
    found = re.findall(r"(%[\w-]+) = arith\.constant (-?\d+) : (?:index|i32|i64)\b", text)
    return {name: int(value) for name, value in found}


DISPATCH = re.compile(
    r"hal\.command_buffer\.dispatch<[^>]*> target\([^)]*\)\[(?P<function>%\w+)\] workgroups\(\[(?P<groups>[^\]]*)\]\)"
    r"(?: constants\(\[(?P<push>[^\]]*)\]\))? bindings\(\[(?P<bindings>.*?)\n\s*\]\) flags",
    re.S,
)
FUNCTION = re.compile(r"(%\w+) = hal\.executable\.lookup\.function target\([^)]*\) function\(@\w+::@\w+::@(\w+)\)")


def read_program(path):
    """Dispatches of a program in the HAL dialect: entry, groups, push words; and how many copies and fills there are beside them."""
    text = path.read_text()
    # the function's own text; what runs once, when the module is loaded, comes before it
    start = text.rindex("hal.command_buffer.create")
    body = text[start:]
    names, values = dict(FUNCTION.findall(body)), constants(text)
    value = lambda name: values[name.strip()]
    dispatches = []
    try:
        for found in DISPATCH.finditer(body):
            push = [value(n) % 2**32 for n in found["push"].split(",")] if found["push"] else []
            groups = [value(n) for n in found["groups"].split(",")]
            dispatches.append({"entry": names[found["function"]], "groups": groups, "push": push})
    except KeyError as error:
        raise PlanError(f"{path.name}: a dispatch with something that is no constant: {error}") from error
    if len(dispatches) != body.count("hal.command_buffer.dispatch<") or not dispatches:
        raise PlanError(f"{path.name}: dispatches that cannot be read")
    if re.search(r"\bscf\.(for|while|if)\b", body):
        raise PlanError(f"{path.name}: dispatches under control flow")
    others = len(re.findall(r"hal\.command_buffer\.(?:copy|fill|update)_buffer", body))
    barriers = body.count("hal.command_buffer.execution_barrier")
    return dispatches, others, barriers


def plan(compiler, source, folder, target):
    """The plan of one call, for the example `mali`, and facts about it."""
    compile_function(compiler, source, folder, target)
    kernels, index = [], {}
    for path in sorted(folder.glob("*.spv")):
        entry, bindings = spirv_entry(path)
        index[entry] = len(kernels)
        kernels.append({"module": str(path), "entry": entry, "bindings": bindings, "push_words": 0})
    programs = list((folder / "phases").glob("*.hal.mlir"))
    if len(programs) != 1:
        raise PlanError(f"{folder} holds {len(programs)} programs in the HAL dialect")
    dispatches, others, barriers = read_program(programs[0])
    listed = []
    for one in dispatches:
        kernel = index.get(one["entry"])
        if kernel is None:
            raise PlanError(f"no SPIR-V for {one['entry']}")
        kernels[kernel]["push_words"] = max(kernels[kernel]["push_words"], len(one["push"]))
        listed.append({"kernel": kernel, "groups": one["groups"], "push": one["push"], "known": []})
    facts = {"copies and fills": others, "barriers": barriers}
    return {"kernels": kernels, "dispatches": listed}, facts


if __name__ == "__main__":
    program, facts = plan(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), "valhall3")
    print(json.dumps(program))
    print(facts, file=sys.stderr)
