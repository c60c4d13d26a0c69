"""The helpers of the well-known types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf import duration_pb2, field_mask_pb2, timestamp_pb2
from hypothesis import given
from hypothesis import strategies as st

from barewire import schema
from barewire.schema import wkt
from tests.support.schemas import both

KITCHEN = both("kitchen.proto").ours
SINK = KITCHEN.Sink


def test_every_type_is_there_once() -> None:
    assert {"Any", "Empty", "NullValue", "FileDescriptorProto", "UInt64Value"} <= set(dir(wkt))
    for name in wkt.TYPE_FILES:
        assert getattr(wkt, name) is getattr(wkt, name)
        assert getattr(wkt, name).__module__ == "barewire.schema.wkt"
    with pytest.raises(AttributeError, match="Timestmp"):
        getattr(wkt, "Timestmp")  # noqa: B009 (a checker would see through the attribute)
    assert schema.Registry().message_class("google.protobuf.Empty") is wkt.Empty


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=-30))])))
def test_timestamp_and_datetime(moment: datetime) -> None:
    try:
        expected = timestamp_pb2.Timestamp()
        expected.FromDatetime(moment)
    except ValueError:  # before year 1 or after year 9999, once it is in UTC
        return
    timestamp = wkt.Timestamp.from_datetime(moment)
    assert timestamp.encode() == expected.SerializeToString()
    assert timestamp.to_datetime() == moment
    assert timestamp.to_datetime(moment.tzinfo or UTC).utcoffset() == moment.utcoffset()
    assert wkt.Timestamp.from_nanoseconds(timestamp.to_nanoseconds()) == timestamp


def test_timestamps() -> None:
    assert wkt.Timestamp.from_datetime(datetime(1970, 1, 1, 0, 0, 1)) == wkt.Timestamp(seconds=1)
    assert wkt.Timestamp.from_nanoseconds(-1) == wkt.Timestamp(seconds=-1, nanos=999_999_999)
    assert abs(wkt.Timestamp.now().to_datetime() - datetime.now(UTC)) < timedelta(minutes=1)


@given(st.timedeltas(timedelta(days=-3_000_000), timedelta(days=3_000_000)))
def test_duration_and_timedelta(span: timedelta) -> None:
    expected = duration_pb2.Duration()
    expected.FromTimedelta(span)
    duration = wkt.Duration.from_timedelta(span)
    assert duration.encode() == expected.SerializeToString()
    assert duration.to_timedelta() == span
    assert wkt.Duration.from_nanoseconds(duration.to_nanoseconds()) == duration


def test_any() -> None:
    packed = wkt.Any.pack(SINK(an_int32=3))
    assert packed.type_url == "type.googleapis.com/kitchen.Sink"
    assert packed.is_type(SINK)
    assert packed.unpack(SINK) == SINK(an_int32=3)
    assert packed.unpack_with(KITCHEN.registry) == SINK(an_int32=3)
    with pytest.raises(TypeError, match=r"holds kitchen\.Sink, not google\.protobuf\.Empty"):
        packed.unpack(wkt.Empty)
    with pytest.raises(TypeError, match="holds nothing"):
        wkt.Any().unpack(wkt.Empty)
    with pytest.raises(LookupError):
        packed.unpack_with(schema.Registry())


def test_struct_is_a_dict() -> None:
    value = {"a": [1, "x", None, True], "b": {"c": 1.5}}
    assert wkt.Struct.from_dict(value).to_dict() == value
    assert wkt.Value.from_dict("x").string_value == "x"


PATHS = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(".".join), max_size=5)


@given(PATHS, PATHS)
def test_the_algebra_of_field_masks(left: list[str], right: list[str]) -> None:
    ours = wkt.FieldMask(paths=left), wkt.FieldMask(paths=right)
    theirs = field_mask_pb2.FieldMask(paths=left), field_mask_pb2.FieldMask(paths=right)
    expected = field_mask_pb2.FieldMask()
    expected.CanonicalFormFromMask(theirs[0])
    assert ours[0].canonical().paths == list(expected.paths)
    expected.Union(*theirs)
    assert ours[0].union(ours[1]).paths == list(expected.paths)
    expected.Intersect(*theirs)
    assert ours[0].intersection(ours[1]).paths == list(expected.paths)


@pytest.mark.parametrize("replace_messages", [False, True])
@pytest.mark.parametrize("replace_repeated", [False, True])
@pytest.mark.parametrize(
    "paths",
    [
        ["an_int32"],
        ["a_drain"],
        ["a_drain.name"],
        ["a_drain.upstream.an_int32", "a_drain.side_drains"],
        ["doubles", "string_to_string", "choice_string"],
        ["maybe_string", "shelf.number"],
        [],
    ],
)
def test_merging_by_a_mask(paths: list[str], replace_messages: bool, replace_repeated: bool) -> None:
    drain = SINK.Drain
    source = SINK(
        an_int32=1,
        a_drain=drain(name="source", upstream=SINK(an_int32=2)),
        doubles=[1],
        string_to_string={"a": "b"},
    )
    target = SINK(
        an_int32=9,
        a_string="kept",
        maybe_string="target",
        a_drain=drain(name="target", side_drains=[drain()]),
        doubles=[2],
        choice_string="x",
        string_to_string={"c": "d"},
    )
    google = both("kitchen.proto").google("kitchen.Sink")
    expected = google.FromString(target.encode())
    mask = field_mask_pb2.FieldMask(paths=paths)
    mask.MergeMessage(google.FromString(source.encode()), expected, replace_messages, replace_repeated)
    wkt.FieldMask(paths=paths).merge_fields(
        source, target, replace_messages=replace_messages, replace_repeated=replace_repeated
    )
    assert target == SINK.decode(expected.SerializeToString())


def test_applying_a_mask() -> None:
    sink = SINK(an_int32=1, a_string="x", a_drain=SINK.Drain(name="n", side_drains=[SINK.Drain()]))
    mask = wkt.FieldMask(paths=["a_string", "a_drain.name"])
    assert mask.apply(sink) == SINK(a_string="x", a_drain=SINK.Drain(name="n"))
    wrong = wkt.FieldMask(paths=["a_string", "nothing", "drains.name", "a_string.x"])
    assert wrong.invalid_paths(SINK) == ["nothing", "drains.name", "a_string.x"]
    with pytest.raises(ValueError, match=r"kitchen\.Sink has no field 'nothing'"):
        wrong.apply(sink)
