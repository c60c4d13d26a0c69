from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc.metadata import BadMetadata, Metadata, decode_binary, decode_metadata, encode_metadata

_KEYS = st.text("abcxyz019_.-", min_size=1, max_size=10).filter(
    lambda key: not key.startswith("grpc-") and not key.endswith("-bin") and key not in ("te", "host")
)
_TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
_PAIRS = st.one_of(
    st.tuples(_KEYS, _TEXTS.map(lambda text: text.strip(" "))),
    st.tuples(_KEYS.map(lambda key: key + "-bin"), st.binary(max_size=20)),
)


@pytest.mark.rule(24)
@pytest.mark.rule(28)
@given(st.lists(_PAIRS, max_size=8))
def test_r24_r28_round_trip_keeps_values_and_order(pairs: list[tuple[str, str | bytes]]) -> None:
    assert decode_metadata(encode_metadata(pairs)) == pairs


@pytest.mark.rule(24)
@pytest.mark.parametrize("key", ["", "with space", "ümlaut", "a:b", ":path", "a\n", "a\r\nb", "a/b"])
def test_r24_a_bad_key_is_refused_by_name(key: str) -> None:
    with pytest.raises(ValueError, match="metadata key"):
        encode_metadata([(key, "v")])


@pytest.mark.rule(24)
@pytest.mark.parametrize("value", ["\n", "\r\nx: y", "é", "\x7f", "\0"])
def test_r24_a_bad_value_is_refused_by_name(value: str) -> None:
    with pytest.raises(ValueError, match="'k'"):
        encode_metadata([("k", value)])
    with pytest.raises(ValueError, match="'k'"):
        encode_metadata([("k", value.encode())])


def test_r24_keys_are_lowercased() -> None:
    assert encode_metadata([("X-Trace", "1")]) == [(b"x-trace", b"1")]
    assert Metadata([("X-Trace", "1")])["x-TRACE"] == "1"


@pytest.mark.rule(25)
@pytest.mark.parametrize(
    "key",
    [
        "grpc-status",
        "grpc-timeout",
        "grpc-anything",
        "te",
        "content-type",
        "user-agent",
        "host",
        "content-length",
    ],
)
def test_r25_an_application_cannot_set_reserved_names(key: str) -> None:
    with pytest.raises(ValueError, match="reserved"):
        encode_metadata([(key, "v")])


@pytest.mark.rule(23)
@pytest.mark.parametrize(
    "key", ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]
)
def test_r23_an_application_cannot_make_its_request_malformed(key: str) -> None:
    with pytest.raises(ValueError, match="reserved"):
        encode_metadata([(key, "v")])


@pytest.mark.rule(22)
@pytest.mark.rule(25)
def test_r22_r25_protocol_fields_are_not_delivered() -> None:
    fields = [
        (b":path", b"/a/b"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
        (b"grpc-encoding", b"gzip"),
        (b"grpc-message-type", b"x"),
        (b"grpc-retry-pushback-ms", b"10"),
        (b"grpc-previous-rpc-attempts", b"1"),
        (b"mine", b"1"),
    ]
    assert decode_metadata(fields).keys() == ["grpc-retry-pushback-ms", "grpc-previous-rpc-attempts", "mine"]


@pytest.mark.rule(26)
@given(st.binary(max_size=50))
def test_r26_binary_goes_out_unpadded_and_comes_in_either_way(value: bytes) -> None:
    ((_, sent),) = encode_metadata([("k-bin", value)])
    assert b"=" not in sent
    assert decode_binary("k-bin", sent) == value
    assert decode_binary("k-bin", base64.b64encode(value)) == value


@pytest.mark.rule(27)
@given(st.lists(st.binary(max_size=10), min_size=1, max_size=4), st.sampled_from([b",", b", "]))
def test_r27_joined_duplicates_are_split_before_decoding(values: list[bytes], comma: bytes) -> None:
    joined = comma.join(base64.b64encode(value) for value in values)
    assert decode_metadata([(b"k-bin", joined)]).get_all("k-bin") == values


@pytest.mark.rule(29)
@given(st.binary(max_size=30))
def test_r29_odd_text_values_are_delivered(value: bytes) -> None:
    text = decode_metadata([(b"k", value)])["k"]
    assert isinstance(text, str)
    assert text.encode("latin-1") == value.strip(b" ")


@pytest.mark.rule(31)
@pytest.mark.parametrize("text", [b"A", b"A===", b"!!!!", b"YW_j", b"YW-j", b"YQ==YQ==", b"YQ= =", b"Y\nQ="])
def test_r31_what_is_not_base64_is_bad_metadata(text: bytes) -> None:
    with pytest.raises(BadMetadata, match="k-bin"):
        decode_metadata([(b"k-bin", text)])


@given(st.binary(max_size=30))
def test_junk_in_a_binary_key_is_bytes_or_bad_metadata(text: bytes) -> None:
    with contextlib.suppress(BadMetadata):
        decode_binary("k-bin", text)


@pytest.mark.parametrize(("key", "value"), [("k-bin", "text"), ("k", 5), ("k", None)])
def test_a_value_of_the_wrong_type_is_a_type_error(key: str, value: object) -> None:
    with pytest.raises(TypeError, match="'k"):
        encode_metadata([(key, value)])  # type: ignore[list-item]


def test_multimap() -> None:
    metadata = Metadata([("a", "1"), ("b", "2"), ("A", "3")])
    assert metadata["a"] == "1"
    assert metadata.get_all("a") == ["1", "3"]
    assert metadata.keys() == ["a", "b"]
    assert "B" in metadata
    assert 5 not in metadata
    assert metadata.get("c", "default") == "default"
    copy = metadata.copy()
    metadata.set("a", "9")
    assert list(metadata) == [("b", "2"), ("a", "9")]
    assert copy == [("a", "1"), ("b", "2"), ("a", "3")]
    assert Metadata(copy) == copy
    assert Metadata({"k": "v"}) == (("k", "v"),)
    assert not Metadata()
    assert len(copy) == 3
    assert repr(Metadata({"k": "v"})) == "Metadata([('k', 'v')])"
    with pytest.raises(KeyError):
        metadata["none"]
