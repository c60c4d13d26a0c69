"""Google's protobuf with its C implementation."""

from __future__ import annotations

import os

os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "upb"

import importlib
from typing import Any

import google.protobuf
from google.protobuf.internal import api_implementation

from .contender import LEGACY, PROTO, Contender, classes_of, generate


def classes() -> dict[str, Any]:
    assert api_implementation.Type() == "upb"
    generate("google", "--python_out={out}", protos=(PROTO, LEGACY))
    legacy: Any = importlib.import_module("legacy_pb2")
    return {
        **classes_of("shapes_pb2"),
        **classes_of("legacy_pb2"),
        "note": legacy.note,
        "marks": legacy.marks,
    }


CONTENDER = Contender(
    extensions="m.Extensions",
    encode="m.SerializeToString()",
    decode="{}.FromString(data)",
    classes=classes,
    version=lambda: f"protobuf {google.protobuf.__version__}, upb (C)",
)
