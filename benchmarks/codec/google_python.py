"""Google's protobuf with its pure Python implementation."""

from __future__ import annotations

import os

os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"

from typing import Any

import google.protobuf
from google.protobuf.internal import api_implementation

from .contender import Contender, classes_of, generate


def classes() -> dict[str, Any]:
    assert api_implementation.Type() == "python"
    generate("google", "--python_out={out}")
    return classes_of("shapes_pb2")


CONTENDER = Contender(
    encode="m.SerializeToString()",
    decode="{}.FromString(data)",
    classes=classes,
    version=lambda: f"protobuf {google.protobuf.__version__}, pure Python",
)
