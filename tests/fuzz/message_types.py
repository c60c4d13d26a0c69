"""The message types that the fuzz tests use, by full name."""

from __future__ import annotations

import functools
from typing import Any

from barewire import schema
from tests.support.schemas import PROTOS

CONFORMANCE = PROTOS.parents[2] / ".cache" / "conformance" / "protos"  # there once `make conformance` has run
TYPES = ("kitchen.Sink", "kitchen.Spices", "pantry.Shelf", "pantry.Crate")
OFFICIAL = {
    "protobuf_test_messages.proto2.TestAllTypesProto2": "google/protobuf/test_messages_proto2.proto",
    "protobuf_test_messages.proto3.TestAllTypesProto3": "google/protobuf/test_messages_proto3.proto",
}


@functools.cache
def _schema(name: str) -> schema.Schema:
    if name in OFFICIAL:
        return schema.load(OFFICIAL[name], include=CONFORMANCE)
    return schema.load(PROTOS / "kitchen.proto")


def message_class(name: str) -> Any:
    return _schema(name)[name]
