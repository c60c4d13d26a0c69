"""barewire: classes straight from the `.proto`."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from barewire import schema

from .contender import PROTO, Contender
from .shapes import SHAPES


def classes() -> dict[str, Any]:
    shapes = schema.load(PROTO)
    names = {shape.message for shape in SHAPES} | {"MixedPart"}
    return {name: getattr(shapes, name) for name in names}


CONTENDER = Contender(
    encode="m.encode()",
    decode="{}.decode(data)",
    classes=classes,
    version=lambda: f"barewire {version('barewire')}",
)
