"""The strategies that users get: valid is valid, near-valid is both, and boundaries are reached."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from barewire import schema
from barewire.schema import strategies, wkt
from barewire.wire import DecodeError, interpret
from tests.fuzz.message_types import TYPES, message_class

SETTINGS = settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.mark.parametrize("name", TYPES)
@given(data=st.data())
@SETTINGS
def test_messages_encode(name: str, data: Any) -> None:
    message = data.draw(strategies.messages(message_class(name)))
    assert type(message).decode(message.encode()).encode() == message.encode()


@pytest.mark.parametrize("name", TYPES)
@given(data=st.data())
@SETTINGS
def test_json_messages_have_json(name: str, data: Any) -> None:
    message = data.draw(strategies.messages(message_class(name), json=True))
    assert type(message).from_json(message.to_json()).to_json() == message.to_json()


@pytest.mark.parametrize("name", TYPES)
@given(data=st.data())
@SETTINGS
def test_encoded_decodes(name: str, data: Any) -> None:
    cls = message_class(name)
    encoded = data.draw(strategies.encoded(cls))
    assert cls.decode(encoded).encode() == interpret.encode(interpret.decode(cls.__plan__, encoded))


@given(data=strategies.near_valid(message_class("kitchen.Sink")))
@SETTINGS
def test_near_valid_raises_decode_errors_only(data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        message_class("kitchen.Sink").decode(data)


SMALL = schema.loads(
    """
    syntax = "proto3";
    message Small {
      enum Kind { NONE = 0; }
      optional int64 number = 1;
      float float = 2;
      string text = 3;
      Kind kind = 4;
      Small below = 5;
      repeated bytes blobs = 6;
    }
    """
).Small


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(lambda small: small.number == -(2**63), id="limit"),
        pytest.param(lambda small: small.number == 0, id="set, but zero"),
        pytest.param(lambda small: str(small.float) == "-0.0", id="negative zero"),
        pytest.param(lambda small: small.float != small.float, id="NaN"),
        pytest.param(lambda small: "😀" in small.text, id="beyond the BMP"),
        pytest.param(lambda small: len(small.text) > 100, id="long"),
        pytest.param(lambda small: small.kind not in (0, 1), id="unknown enum number"),
        pytest.param(lambda small: small.below is not None and small.below.below is not None, id="nested"),
        pytest.param(lambda small: b"" in small.blobs, id="empty element"),
    ],
)
def test_boundaries_are_reached(wanted: Any) -> None:
    options = settings(
        max_examples=20_000,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        phases=[Phase.generate],
    )
    find(strategies.messages(SMALL), wanted, settings=options)


@given(message=strategies.messages(SMALL, max_depth=1))
@SETTINGS
def test_max_depth_bounds_the_nesting(message: Any) -> None:
    assert message.below is None or message.below.below is None


def test_what_is_refused_shrinks() -> None:
    def refused(data: bytes) -> bool:
        try:
            wkt.Timestamp.decode(data)
        except DecodeError:
            return True
        return False

    options = settings(max_examples=5000, deadline=None)
    assert len(find(strategies.near_valid(wkt.Timestamp), refused, settings=options)) <= 12


def test_without_hypothesis_the_error_says_what_to_install() -> None:
    code = "import sys; sys.modules['hypothesis'] = None; import barewire.schema.strategies"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'barewire[hypothesis]'" in done.stderr
