"""Invariant: `encode(deterministic=True)` orders the entries of maps as Google's C++ and pure Python do, everywhere.

upb has an order of its own (numbers fall, and count as unsigned; the empty text comes last), so it is asked only
whether the entries are the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf.internal import api_implementation
from hypothesis import given, settings
from hypothesis import strategies as st

from barewire import schema
from barewire.wire import (
    Cardinality,
    EncodeError,
    FieldPlan,
    Kind,
    MessagePlan,
    encode_delimited,
    interpret,
    write_delimited,
)
from barewire.wire.message import Message
from tests.support.wire_schemas import MAP_KEYS, Schema, build, messages, schemas

MAPS = """
syntax = "proto2";
message M {
  map<string, M> messages = 1;
  map<int32, string> texts = 2;
  repeated M list = 3;
  optional group G = 4 { map<bool, int32> flags = 1; }
  extensions 100 to 200;
}
extend M { optional M more = 100; }
message Text { optional string text = 1; }
"""


def maps_of(kind: Kind) -> Schema:
    """A map with keys of `kind`, whose values are messages with such a map."""
    value = {"number": 2, "name": "value", "kind": Kind.MESSAGE, "message": 0}
    spec = {"number": 1, "name": "f1", "cardinality": Cardinality.MAP, "kind": Kind.MESSAGE, "value": value}
    return build(f"maps_of_{kind.value}", [[{**spec, "key": {"number": 1, "name": "key", "kind": kind}}]], ())


SCHEMAS = {kind: maps_of(kind) for kind in MAP_KEYS}


def agrees(made: Schema, message: Message) -> None:
    encoded = message.encode(deterministic=True)
    assert encoded == interpret.encode(message, True)
    google: Any = made.google[0].FromString(encoded)
    theirs = google.SerializeToString(deterministic=True)
    if api_implementation.Type() == "python" and not made.extensions:  # those, Google writes among the fields
        assert theirs == encoded
    unsorted: Any = made.google[0].FromString(message.encode())
    assert unsorted.SerializeToString(deterministic=True) == theirs
    assert sorted(theirs) == sorted(encoded)


@pytest.mark.parametrize("kind", MAP_KEYS, ids=lambda kind: kind.value)
@given(data=st.data())
@settings(max_examples=25)
def test_peer_every_kind_of_key(kind: Kind, data: Any) -> None:
    agrees(SCHEMAS[kind], data.draw(messages(SCHEMAS[kind].plans[0])))


@given(data=st.data())
@settings(max_examples=60)
def test_peer_any_schema(data: Any) -> None:
    made = data.draw(schemas())
    agrees(made, data.draw(messages(made.plans[0])))


def test_peer_pure_python() -> None:
    """All of the above once more, against Google's pure Python."""
    if api_implementation.Type() == "python":
        return
    environment = os.environ | {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", __file__, "-k", "peer"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("PASSED ") == len(MAP_KEYS) + 2, done.stdout


KEYS = {
    **dict.fromkeys(("int32", "sint32", "sfixed32"), (5, -1, 0, 2**31 - 1, -(2**31), 300)),
    **dict.fromkeys(("int64", "sint64", "sfixed64"), (5, -1, 0, 2**63 - 1, -(2**63), 300)),
    **dict.fromkeys(("uint32", "fixed32"), (5, 2**32 - 1, 0, 300)),
    **dict.fromkeys(("uint64", "fixed64"), (5, 2**64 - 1, 0, 300)),
    "bool": (True, False),
    "string": ("b", "", "ab", "a", "\uffff", "\U0001f600", "é", "Z"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_as_protoc_in_cpp(kind: str, tmp_path: Any) -> None:
    text = f'syntax = "proto3"; message M {{ map<{kind}, int32> m = 1; }}'
    (tmp_path / "m.proto").write_text(text)
    made: Any = schema.loads(text)
    message = made.M(m=dict.fromkeys(KEYS[kind], 7))
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        "-I.",
        "--encode=M",
        "--deterministic_output",
        "m.proto",
    ]
    done = subprocess.run(
        command, input=message.to_text().encode(), capture_output=True, check=True, cwd=tmp_path
    )
    assert message.encode(deterministic=True) == done.stdout
    assert list(made.M.decode(done.stdout).m) == sorted(KEYS[kind])


def test_everywhere() -> None:
    """Below lists, groups, other maps and extensions; and not unless it is asked for."""
    made: Any = schema.loads(MAPS)
    inner = made.M(texts={2: "b", 1: "a"}, g=made.M.G(flags={True: 1, False: 0}))
    message = made.M(messages={"b": inner, "a": inner}, list=[inner])
    message[made.more] = inner
    other = made.M.decode(message.encode(deterministic=True))
    assert other == message
    assert list(other.messages) == ["a", "b"]
    for each in (other.messages["a"], other.list[0], other[made.more]):
        assert list(each.texts) == [1, 2]
        assert list(each.g.flags) == [False, True]
    assert message.encode() == message.encode(deterministic=False) != message.encode(deterministic=True)
    assert other.encode() == message.encode(deterministic=True) == interpret.encode(message, True)


def test_messages_without_maps() -> None:
    made: Any = schema.loads(MAPS)
    assert made.Text(text="x").encode(deterministic=True) == made.Text(text="x").encode()
    assert made.M().encode(deterministic=True) == b""


def test_text_that_stands_for_any_bytes() -> None:
    """Sorted by its bytes, where a surrogate is one byte and not a code point."""
    key = FieldPlan(name="key", number=1, kind=Kind.STRING, utf8=False)
    value = FieldPlan(name="value", number=2, kind=Kind.BOOL)
    entries = FieldPlan(
        name="m", number=1, kind=Kind.MESSAGE, cardinality=Cardinality.MAP, key=key, value=value
    )
    plan = MessagePlan("AnyBytes", (entries,))
    message: Any = interpret.decode(plan, b"")
    message.m = dict.fromkeys(("\udc80", "é", "z", "\udcff"), True)
    encoded = message.encode(deterministic=True)
    assert encoded == interpret.encode(message, True)
    assert list(interpret.decode(plan, encoded).m) == ["z", "\udc80", "é", "\udcff"]  # type: ignore[attr-defined]


def test_a_wrong_key_is_named() -> None:
    made: Any = schema.loads(MAPS)
    with pytest.raises(EncodeError, match=r"M\.texts\['x'\]: 'x' is not an integer"):
        made.M(texts={2: "b", "x": "a"}).encode(deterministic=True)


def test_any_mapping() -> None:
    class Entries(Mapping[int, str]):
        def __getitem__(self, key: int) -> str:
            return "x"

        def __iter__(self) -> Any:
            return iter((3, 1, 2))

        def __len__(self) -> int:
            return 3

    made: Any = schema.loads(MAPS)
    message = made.M()
    message.texts = Entries()
    assert list(made.M.decode(message.encode(deterministic=True)).texts) == [1, 2, 3]


def test_delimited_streams(tmp_path: Any) -> None:
    made: Any = schema.loads(MAPS)
    message = made.M(texts={2: "b", 1: "a"})
    encoded = encode_delimited(message, deterministic=True)
    assert encoded[1:] == message.encode(deterministic=True) != message.encode()
    with (tmp_path / "stream").open("wb") as stream:
        write_delimited(stream, message, deterministic=True)
    assert (tmp_path / "stream").read_bytes() == encoded
