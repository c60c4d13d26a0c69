"""A message with a field of every sort, and for each sort the bytes of one: for input of any size."""

from __future__ import annotations

from typing import Any

from barewire import schema
from barewire.wire.varint import encode_varint

SCHEMA: Any = schema.loads("""
syntax = "proto2";
message Leaf { optional int32 a = 1; }
message Text { optional string t = 1; }
message Node {
  repeated Leaf leaves = 1;
  map<int32, Leaf> map = 2;
  optional Node child = 3;
  repeated int32 packed = 4 [packed = true];
  repeated string texts = 5;
  optional group G = 6 { repeated Leaf l = 1; }
  repeated Node nodes = 7;
  optional Needy needy = 8;
  repeated int64 numbers = 9;
  repeated Text lines = 10;
}
message Needy { required int32 a = 1; repeated Leaf leaves = 2; }
""")

ATOMS = {
    "message": b"\x0a\x02\x08\x01",
    "message, overlong tag": b"\x8a\x00\x02\x08\x01",
    "merged message": b"\x1a\x04\x0a\x02\x08\x01",
    "merged message, overlong tag": b"\x9a\x00\x04\x0a\x02\x08\x01",
    "message in a list": b"\x3a\x04\x0a\x02\x08\x01",
    "list in a list": b"\x3a\x0c" + b"\x0a\x02\x08\x01" * 3,
    "map entry": b"\x12\x06\x08\x01\x12\x02\x08\x05",
    "map entry the other way round": b"\x12\x06\x12\x02\x08\x05\x08\x01",
    "map entry with a stranger": b"\x12\x06\x08\x01\x12\x00\x18\x01",
    "group": b"\x33\x0a\x02\x08\x01\x34",
    "group, overlong tag": b"\xb3\x00\x0a\x02\x08\x01\x34",
    "unknown": b"\x98\x06\x01",
    "unknown group": b"\x9b\x06\x08\x01\x9c\x06",
    "packed": b"\x22\x03\x01\x80\x01",
    "packed field, not packed": b"\x20\x05",
    "number": b"\x48\x05",
    "numbers, packed": b"\x4a\x02\x05\x05",
    "text": b"\x2a\x03abc",
    "text in a message": b"\x52\x05\x0a\x03abc",
    "message that needs a field": b"\x42\x06\x08\x01\x12\x02\x08\x01",
    "the same, overlong tag": b"\xc2\x00\x06\x08\x01\x12\x02\x08\x01",
}


def wrapped(data: bytes) -> bytes:
    """As the only child of a message, where most of a reply is found."""
    return b"\x1a" + encode_varint(len(data)) + data
