"""Buf's protobuf-py without its extension."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any

from .contender import Contender, classes_of, generate


def classes() -> dict[str, Any]:
    sys.modules["protobuf_ext"] = None  # type: ignore[assignment]  # importing it fails now: pure Python is used
    generate("protobuf_py", "--py_out={out}")
    return classes_of("shapes_pb")


CONTENDER = Contender(
    encode="m.to_binary()",
    decode="{}.from_binary(data)",
    classes=classes,
    version=lambda: f"protobuf-py {version('protobuf-py')}, pure Python",
)
