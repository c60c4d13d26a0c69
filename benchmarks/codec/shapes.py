"""What is encoded and decoded: the same values and the same code for every contender.

`construct` and `read` are Python source, timed inline: `construct` is an expression that makes the message from
`values`, `read` reads every field of the message `m`. Message classes are found under their names.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

DEPTH = 50


@dataclass(frozen=True)
class Shape:
    """`then` is what else it takes to make the message; in it and in `read`, EXTENSIONS holds the extensions of `m`."""

    name: str
    message: str
    construct: str
    read: str
    values: dict[str, Any] = field(default_factory=dict)
    then: str = ""


BOOK = {"id": "978-0135957059", "title": "gRPC in Theory and Practice", "author": "A.N. Author"}
BOOK_NOT_ASCII = {
    "id": "978-0135957059",
    "title": "Über gRPC — 理論と実践",
    "author": "Æ. Ñ. Čapek-Müller-Lū",
}

INTS: dict[str, Any] = {"a": 300, "b": 1 << 33, "c": 70_000, "d": 300, "e": -5, "f": -3000, "g": True}
INTS |= {"h": 0xDEADBEEF, "i": 1 << 60, "j": 2.25}

# False and 0 are not on the wire; they are read all the same.
MIXED_PART: dict[str, Any] = {"a": 1, "b": 20, "c": 300, "d": True, "e": 90, "f": 77, "g": "a part"}
MIXED_PART |= {"h": 14, "i": 2, "j": False, "k": 1 << 50, "l": 9, "m": True, "n": False, "o": 99, "p": 15}
MIXED_PART |= {"q": "of the whole", "r": True, "s": 6, "t": 5}

MIXED: dict[str, Any] = {"name": "mixed message", "count": 30, "limit": 4096, "source": "benchmarks"}
MIXED |= {"hashes": [1 << 60], "level": 3, "target": "everyone", "comment": "forty-one fields"}
MIXED |= {"is_open": True, "is_hidden": False, "is_new": True, "width": 64, "is_sorted": True}
MIXED |= {"label": "lbl", "size": 70_000, "first": 1, "is_last": False, "last": 100, "depth": 7}
MIXED |= {"is_root": True, "is_shared": True, "retries": 2, "hits": 700, "misses": 12, "is_cached": True}
MIXED |= {"is_fresh": True, "is_stale": False, "red": 255, "green": 128, "language": "eo", "region": "AQ"}
MIXED |= {
    "blue": 64,
    "x": 11,
    "zone": "B-7",
    "y": 22,
    "z": 33,
    "weight": 100,
    "low": 1,
    "high": 99,
    "sum": 123,
}


def _construct(message: str, names: dict[str, Any], more: str = "") -> str:
    return f"{message}({', '.join(f'{name}={name}' for name in names)}{more})"


def _read(names: dict[str, Any], variable: str = "m") -> str:
    return "; ".join(f"{variable}.{name}" for name in names)


def _numbers() -> list[int]:
    """Timestamps, sizes, small counts and a few negative numbers: of one to ten bytes each."""
    chance = random.Random(7)
    bits = [chance.choice((7, 7, 7, 7, 14, 14, 14, 14, 21, 28)) for _ in range(1000)]
    return [-chance.getrandbits(20) if chance.random() < 0.05 else chance.getrandbits(n) for n in bits]


_ROWS = [(f"isbn-{n:03}", f"Title number {n}, quite a book", f"Author {n % 14} Name") for n in range(100)]
_PART = {f"part_{name}": value for name, value in MIXED_PART.items()}
_CHANCE = random.Random(3)

SHAPES = (
    Shape("book", "Book", _construct("Book", BOOK), _read(BOOK), BOOK),
    Shape("booku", "Book", _construct("Book", BOOK), _read(BOOK), BOOK_NOT_ASCII),
    Shape("ints", "Ints", _construct("Ints", INTS), _read(INTS), INTS),
    Shape(
        "gmsg",
        "Mixed",
        _construct("Mixed", MIXED, f", part=MixedPart({', '.join(f'{n}=part_{n}' for n in MIXED_PART)})"),
        f"{_read(MIXED)}\nfor h in m.hashes: pass\np = m.part\n{_read(MIXED_PART, 'p')}",
        {**MIXED, **_PART},
    ),
    Shape(
        "list100",
        "BookList",
        "BookList(books=[Book(id=a, title=b, author=c) for a, b, c in rows])",
        "for b in m.books: b.id; b.title; b.author",
        {"rows": _ROWS},
    ),
    Shape("pint", "Numbers", "Numbers(values=v)", "for x in m.values: pass", {"v": _numbers()}),
    Shape(
        "pint1",
        "Numbers",
        "Numbers(values=v)",
        "for x in m.values: pass",
        {"v": [n % 128 for n in range(1000)]},
    ),
    Shape(
        "pdbl",
        "Doubles",
        "Doubles(values=v)",
        "for x in m.values: pass",
        {"v": [_CHANCE.random() for _ in range(1000)]},
    ),
    Shape(
        "map",
        "Counts",
        "Counts(counts=c)",
        "for k, v in m.counts.items(): pass",
        {"c": {f"counter-{n:04}": n * 7 % 256 for n in range(100)}},
    ),
    Shape("blob", "Blob", "Blob(data=d)", "m.data", {"d": random.Random(1).randbytes(1 << 20)}),
    Shape("nest50", "Nest", "nest(Nest)", f"for _ in range({DEPTH}): m.value; m.name; m = m.child", {}),
)


# Beyond the shapes of the comparison: required fields, closed enums, a oneof, groups, lists that are not packed, and
# extensions. Measured for those contenders that have all of these.
_PARTS = "[Legacy.Part(number=n, label=l) for n, l in parts]"
PROTO2 = Shape(
    "proto2",
    "Legacy",
    f"Legacy(id=1, name=name, color=2, colors=[1, 2, 1], time=1 << 33, city=name, part={_PARTS}, counts=counts)",
    "m.id; m.name; m.color; m.time; m.city\n"
    "for x in m.colors: pass\n"
    "for x in m.counts: pass\n"
    "for p in m.part: p.number; p.label\n"
    "EXTENSIONS[note]\n"
    "for x in EXTENSIONS[marks]: pass",
    {"name": "a name", "parts": [(1, "one"), (2, "two"), (300, "more")], "counts": [1, 2, 300, 4]},
    then="EXTENSIONS[note] = name; EXTENSIONS[marks].extend(counts)",
)


def nest(message: Any) -> Any:
    """A message in a message, fifty deep, built from the inside out."""
    m = message(value=DEPTH, name="no 50")
    for n in range(DEPTH - 1, 0, -1):
        m = message(value=n, name=f"no {n}", child=m)
    return m
