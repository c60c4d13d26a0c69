"""barewire: classes straight from the `.proto`."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from barewire import schema

from .contender import LEGACY, PROTO, Contender
from .shapes import SHAPES


def classes() -> dict[str, Any]:
    shapes, legacy = schema.load(PROTO), schema.load(LEGACY)
    names = {shape.message for shape in SHAPES} | {"MixedPart"}
    others = {name: getattr(legacy, name) for name in ("Legacy", "note", "marks")}
    return {name: getattr(shapes, name) for name in names} | others


CONTENDER = Contender(
    extensions="m",
    encode="m.encode()",
    decode="{}.decode(data)",
    classes=classes,
    version=lambda: f"barewire {version('barewire')}",
)
