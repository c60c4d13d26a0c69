"""Buf's protobuf-py with its extension, written in Rust. It is there on some platforms only."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from .contender import Contender, classes_of, generate


def classes() -> dict[str, Any]:
    import protobuf_ext  # noqa: F401  # without it this would measure protobuf_py once more

    generate("protobuf_py_ext", "--py_out={out}")
    return classes_of("shapes_pb")


CONTENDER = Contender(
    encode="m.to_binary()",
    decode="{}.from_binary(data)",
    classes=classes,
    version=lambda: f"protobuf-py {version('protobuf-py')}, Rust extension",
)
