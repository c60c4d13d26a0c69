"""The report of the codec benchmark: as text for the terminal, and as a page in Markdown.

A run is what `run_codec.py` gathers and `--json` stores: "python", "machine", "contenders" (name → version),
"results" (operation → shape → contender → nanoseconds), "proto2" (the same for that shape, and fewer contenders) and
"startup" (program → milliseconds).
"""

from __future__ import annotations

import math
from typing import Any

Run = dict[str, Any]
BASE = "upb"
OURS = "barewire"

_HEAD = """\
# The codec's speed

Printed by `benchmarks/run_codec.py --markdown`, not written by hand. Every figure is a ratio to upb, Google's C
implementation, in the same run on the same core: 2 means twice upb's time, below 1 is faster than C. Contenders take
turns, block by block; the smallest block counts. Read ratios only: this machine was shared, and others differ.

**decode, read all** and **construct, encode** are what programs do. upb decodes into memory of its own, and hands each
value to Python when it is read; a barewire message is a plain Python object, whose fields cost next to nothing to read.
`decode` and `encode` alone leave that half out, and flatter C.

Bias, admitted: we wrote the benchmark and know barewire best, and the shapes are synthetic. `nest50` is built from the
inside out, which is quadratic for upb and for Google's pure Python. barewire, betterproto2 and protobuf-py keep the
lists that they are given; Google's copy them. The shapes are in `benchmarks/codec/shapes.proto` and `shapes.py`;
more on method and bias in `benchmarks/README.md`.

To begin (a run of its own): 30 messages of eight fields. `thirty_pb2` is the module that protoc made of their `.proto`
beforehand, `thirty_pb` barewire's; `schema.load` reads the text and makes the classes. Bytecode is there, as wherever
packages are installed. barewire imports its parsers and compiles codecs when they are first used; the rows that encode
and decode use two messages.
"""


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def text(run: Run) -> str:
    """Nanoseconds for each operation, means as ratios, and ratios by shape."""
    names = list(run["contenders"])
    width = max(map(len, names)) + 2
    lines: list[str] = []
    for operation, shapes in run["results"].items():
        lines += ["", f"{operation} (ns; smallest)", _row("shape", names, width)]
        lines += [_row(shape, [f"{best[n]:,.0f}" for n in names], width) for shape, best in shapes.items()]
    for base in [name for name in (BASE, OURS) if name in names]:
        lines += ["", f"geometric mean of all shapes, {base} = 1 (smaller is faster)", _row("", names, width)]
        lines += [
            _row(operation, [f"{mean:.2f}" for mean in _means(shapes, names, base)], width)
            for operation, shapes in run["results"].items()
        ]
    if BASE in names and OURS in names:
        lines += ["", f"{OURS} / {BASE} by shape", _row("shape", list(run["results"]), 20)]
        for shape in next(iter(run["results"].values())):
            ratios = [best[shape][OURS] / best[shape][BASE] for best in run["results"].values()]
            lines.append(_row(shape, [f"{ratio:.2f}" for ratio in ratios], 20))
    lines += ["", "proto2 (ns; not in the means)", _row("", list(_proto2_names(run)), width)]
    lines += [
        _row(operation, [f"{shapes['proto2'][n]:,.0f}" for n in _proto2_names(run)], width)
        for operation, shapes in run["proto2"].items()
    ]
    if run["startup"]:
        lines += ["", "to begin (CPU ms of the whole process; median)"]
        lines += [f"{program:40}{cost:>8.1f}" for program, cost in run["startup"].items()]
    return "\n".join(lines)


def markdown(runs: list[Run]) -> str:
    """A page with a section for every run."""
    return "\n".join([_HEAD, *(line for run in runs for line in _section(run))]) + "\n"


def _section(run: Run) -> list[str]:
    names = [name for name in run["contenders"] if name != BASE]
    lines = [f"## {run['python']}, {run['machine']}", ""]
    lines += ["; ".join(run["contenders"].values()) + "."]
    for base in [base for base in (BASE, OURS) if base in run["contenders"]]:
        peers = [name for name in run["contenders"] if name != base]
        rows = [
            [operation, *(f"{mean:.2f}" for mean in _means(shapes, peers, base))]
            for operation, shapes in run["results"].items()
        ]
        lines += ["", f"Geometric means over all shapes, {base} = 1:", "", *_table(["", *peers], rows)]
    for operation, shapes in run["results"].items():
        rows = [[shape, *(f"{best[n] / best[BASE]:.2f}" for n in names)] for shape, best in shapes.items()]
        lines += ["", f"**{operation}**", "", *_table(["shape", *names], rows)]
    others = [name for name in _proto2_names(run) if name != BASE]
    rows = []
    for operation, shapes in run["proto2"].items():
        best = shapes["proto2"]
        rows.append([operation, *(f"{best[name] / best[BASE]:.2f}" for name in others)])
    lines += [
        "",
        "**proto2** (required fields, closed enums, a oneof, groups, extensions; not in the means)",
        "",
    ]
    lines += _table(["", *others], rows)
    if run["startup"]:
        base = next(iter(run["startup"].values()))  # the first program is the bare interpreter
        rows = [[program, f"{cost / base:.1f}"] for program, cost in run["startup"].items()]
        lines += ["", "**to begin** (CPU time of the whole process, bare interpreter = 1; medians)", ""]
        lines += _table(["program", ""], rows)
    return [*lines, ""]


def _proto2_names(run: Run) -> list[str]:
    return list(next(iter(run["proto2"].values()))["proto2"])


def _means(shapes: dict[str, dict[str, float]], names: list[str], base: str) -> list[float]:
    return [geometric_mean([best[name] / best[base] for best in shapes.values()]) for name in names]


def _row(head: str, cells: list[str], width: int) -> str:
    return f"{head:20}" + "".join(f"{cell:>{width}}" for cell in cells)


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return ["| " + " | ".join(cells) + " |" for cells in (head, rule, *rows)]
