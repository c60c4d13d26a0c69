"""betterproto2: dataclasses, pure Python."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any

from .contender import Contender, classes_of, generate


def classes() -> dict[str, Any]:
    folder = generate("betterproto2", "--python_betterproto2_out={out}")
    sys.path.insert(
        0, str(folder.parent)
    )  # the generated modules import relatively, from a package around them
    return classes_of(f"{folder.name}.bench")


CONTENDER = Contender(
    encode="bytes(m)",
    decode="{}.parse(data)",
    classes=classes,
    version=lambda: f"betterproto2 {version('betterproto2')}",
)
