"""Descriptors become plans and classes: each feature as Google's classes have it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from google.protobuf import text_format as google_text

from barewire import schema
from barewire.schema import wkt
from barewire.wire import Cardinality, EncodeError, Enum, Kind
from tests.support.schemas import PROTOS, both

EDITED = both("editions.proto").ours
MIXED = EDITED.Mixed


def plan_of(name: str) -> Any:
    return next(field for field in MIXED.__plan__.fields if field.name == name)


@pytest.mark.parametrize(
    ("name", "cardinality"),
    [
        ("with_presence", Cardinality.EXPLICIT),
        ("without", Cardinality.IMPLICIT),
        ("needed", Cardinality.REQUIRED),
        ("packed", Cardinality.REPEATED),
        ("by_name", Cardinality.MAP),
        ("plain", Cardinality.EXPLICIT),
    ],
)
def test_cardinalities(name: str, cardinality: Cardinality) -> None:
    assert plan_of(name).cardinality is cardinality


def test_features_reach_the_plan() -> None:
    assert plan_of("packed").packed
    assert not plan_of("spread").packed
    assert plan_of("framed").kind is Kind.GROUP
    assert plan_of("plain").kind is Kind.MESSAGE
    assert not plan_of("any_bytes").utf8
    assert plan_of("defaulted").utf8
    assert plan_of("closed").enum.closed
    assert not plan_of("open").enum.closed
    assert plan_of("by_name").value.enum.closed
    assert plan_of("closed").default is EDITED.ONE
    assert MIXED().get("defaulted") == "as declared"
    assert EDITED.Set.__plan__.message_set


def test_google_reads_what_is_written() -> None:
    known = both("editions.proto")
    framed = MIXED.Framed(x=1)
    message = MIXED(
        with_presence=0,
        needed=3,
        packed=[1, 2],
        spread=[3, 4],
        any_bytes="a",
        closed=EDITED.TWO,
        framed=framed,
        inner=[MIXED(needed=0)],
        by_name={"x": EDITED.SOMETHING},
        plain=framed,
    )
    message[EDITED.framed_too] = framed
    google = known.google("edited.Mixed").FromString(message.encode())
    assert google.SerializeToString(deterministic=True) == message.encode()
    assert message.to_text() == google_text.MessageToString(google)
    in_set = EDITED.Set()
    in_set[EDITED.Member.member] = EDITED.Member(x="y")
    google_set = known.google("edited.Set").FromString(in_set.encode())
    assert google_set.SerializeToString() == in_set.encode()
    assert in_set.to_text() == google_text.MessageToString(google_set) == '[edited.Member] {\n  x: "y"\n}\n'
    assert EDITED.Set.from_json(in_set.to_json()) == in_set
    with pytest.raises(EncodeError, match="needed"):
        MIXED().encode()


def test_classes_and_what_hangs_on_them() -> None:
    kitchen = schema.load(PROTOS / "kitchen.proto")
    assert kitchen.Sink.Drain is kitchen["kitchen.Sink.Drain"]
    assert kitchen.Sink.Drain.__qualname__ == "Sink.Drain"
    assert kitchen.Sink.Drain.__module__ == "kitchen.proto"
    assert issubclass(kitchen.Sink.Tap, Enum)
    assert kitchen.Sink.HOT is kitchen.Sink.Tap["HOT"]
    assert kitchen.Sink.LUKEWARM is kitchen.Sink.WARM
    assert kitchen.Sink.__descriptor__.full_name == "kitchen.Sink"
    assert kitchen.Sink.__registry__ is kitchen.registry
    assert wkt.Empty.__registry__ is None
    assert kitchen.Spices.__plan__.fields[8].message is wkt.Timestamp.__plan__


def test_threads_get_the_same_classes() -> None:
    loaded = schema.load(PROTOS / "kitchen.proto")
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append((loaded.Spices, loaded.Season))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
