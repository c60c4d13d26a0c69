"""Binary logs (R103): Google's protobuf reads them, and they hold what has passed."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pool, json_format, message_factory
from hypothesis import given
from hypothesis import strategies as st

from barewire import rpc
from barewire.rpc import RpcConfigurationError, RpcError, StatusCode
from barewire.rpc.interceptors import BinaryLog, CallCredentials
from barewire.rpc.interceptors.binary_log_filter import BinaryLogFilter, LogLengths
from barewire.rpc.services.bundled import bundled
from barewire.schema.registry import with_dependencies
from tests.rpc.interceptors.calls import SHAPES, SHELLS, call, serve
from tests.support.rpc_blocking import ServerThread, eventually
from tests.support.rpc_service import Item, servicer

pytestmark = pytest.mark.rule(103)


def google_entry_class() -> Any:
    """GrpcLogEntry as Google's library knows it, from our bundled file."""
    schema: Any = bundled("grpc/binlog/v1/binarylog.proto")
    pool = descriptor_pool.DescriptorPool()
    for file in with_dependencies([schema.file]):
        pool.AddSerializedFile(schema.registry.file_descriptor_proto(file))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("grpc.binarylog.v1.GrpcLogEntry"))


def read(data: bytes) -> list[dict[str, Any]]:
    """The entries of a log, as Google's library reads them, as JSON without the types' prefix."""
    from google.protobuf.internal.decoder import _DecodeVarint32  # type: ignore[attr-defined]

    entry_class, entries, position = google_entry_class(), list[dict[str, Any]](), 0
    while position < len(data):
        size, position = _DecodeVarint32(data, position)  # type: ignore[no-untyped-call]
        entry = entry_class.FromString(data[position : position + size])
        position += size
        entries.append(json_format.MessageToDict(entry, preserving_proto_field_name=True))
    for entry in entries:
        entry["type"] = entry["type"].removeprefix("EVENT_TYPE_")
    return entries


class Log:
    def __init__(self, filter: str = "*") -> None:
        self.file = io.BytesIO()
        self.interceptor = BinaryLog(self.file, filter, clock=lambda: 1_500_000_000_250_000_000)

    @property
    def entries(self) -> list[dict[str, Any]]:
        return read(self.file.getvalue())

    @property
    def types(self) -> list[str]:
        return [entry["type"] for entry in self.entries]


def one_call(
    shape: str = "Unary",
    shell: str = "sync",
    side: str = "server",
    filter: str = "*",
    item: Any = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """The entries of one call."""
    log = Log(filter)
    server = serve(interceptors=[log.interceptor] if side == "server" else ())
    try:
        call(
            shell, server, shape, item, interceptors=[log.interceptor] if side == "client" else (), **options
        )
        if filter == "*":
            eventually(lambda: {"SERVER_TRAILER", "CANCEL"} & set(log.types))
    finally:
        server.close()
    return log.entries


EXPECTED = {
    "Unary": ["CLIENT_HEADER", "CLIENT_MESSAGE", "CLIENT_HALF_CLOSE", "SERVER_HEADER", "SERVER_MESSAGE"],
    "Up": ["CLIENT_HEADER", "CLIENT_MESSAGE", "CLIENT_HALF_CLOSE", "SERVER_HEADER", "SERVER_MESSAGE"],
    "Down": ["CLIENT_HEADER", "CLIENT_MESSAGE", "CLIENT_HALF_CLOSE", "SERVER_HEADER"]
    + ["SERVER_MESSAGE"] * 2,
    "Both": ["CLIENT_HEADER", "CLIENT_MESSAGE", "CLIENT_HALF_CLOSE", "SERVER_HEADER", "SERVER_MESSAGE"],
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_events_of_a_call(shape: str, side: str, shell: str) -> None:
    entries = one_call(
        shape, shell, side, item=Item(number=4, text="x"), call_metadata=[("k", "v")], call_timeout=60
    )
    types = [entry["type"] for entry in entries]
    # In a stream of both directions the half-close may overtake the answer.
    assert sorted(types) == sorted([*EXPECTED[shape], "SERVER_TRAILER"])
    if shape != "Both":
        assert types[:-1] == EXPECTED[shape]
    assert types[-1] == "SERVER_TRAILER"
    assert [int(entry["sequence_id_within_call"]) for entry in entries] == list(range(1, len(entries) + 1))
    assert {entry["call_id"] for entry in entries} == {"1"}
    assert {entry["logger"] for entry in entries} == {f"LOGGER_{side.upper()}"}
    assert {entry["timestamp"] for entry in entries} == {"2017-07-14T02:40:00.250Z"}
    header = entries[0]["client_header"]
    assert header["method_name"] == f"/shapes.Shapes/{shape}"
    assert header["authority"].startswith("127.0.0.1:")
    assert header["metadata"]["entry"] == [{"key": "k", "value": "dg=="}]
    assert 50 < float(header["timeout"].removesuffix("s")) <= 60
    request = next(entry for entry in entries if entry["type"] == "CLIENT_MESSAGE")
    assert bytes_of(request) == Item(number=4, text="x").encode()
    response = next(entry for entry in entries if entry["type"] == "SERVER_MESSAGE")
    assert bytes_of(response) == Item(number=5).encode()
    assert entries[-1]["trailer"] == {"metadata": {}}


def bytes_of(entry: dict[str, Any]) -> bytes:
    data = base64.b64decode(entry["message"]["data"])
    assert len(data) == entry["message"]["length"]
    return data


def test_the_peer_stands_in_the_first_entry_of_what_it_sent() -> None:
    for side, first in (("server", "CLIENT_HEADER"), ("client", "SERVER_HEADER")):
        entries = one_call(side=side)
        with_peer = [entry for entry in entries if "peer" in entry]
        assert [entry["type"] for entry in with_peer] == [first]
        peer = with_peer[0]["peer"]
        assert (peer["type"], peer["address"]) == ("TYPE_IPV4", "127.0.0.1")
        assert peer["ip_port"] > 1023


@pytest.mark.parametrize("side", ["client", "server"])
def test_failures(side: str) -> None:
    entries = one_call(side=side, item=Item(text="fail"))
    assert [entry["type"] for entry in entries][-1] == "SERVER_TRAILER"
    assert "SERVER_HEADER" not in [entry["type"] for entry in entries]  # Trailers-Only
    trailer = entries[-1]["trailer"]
    assert (trailer["status_code"], trailer["status_message"]) == (5, "from the handler")
    if side == "client":
        assert entries[-1]["peer"]["type"] == "TYPE_IPV4"


def test_details_are_in_the_trailer() -> None:
    detail: Any = bundled("google/rpc/error_details.proto")

    async def fails(request: Any, context: Any) -> Any:
        details = [detail.RequestInfo(request_id="7")]
        raise RpcError(StatusCode.ABORTED, "no", details=details, metadata=[("why", "because")])

    log = Log()
    server = serve(servicer(Unary=fails))
    try:
        call("sync", server, "Unary", interceptors=[log.interceptor])
    finally:
        server.close()
    trailer = log.entries[-1]["trailer"]
    assert trailer["metadata"]["entry"] == [{"key": "why", "value": "YmVjYXVzZQ=="}]
    assert trailer["status_details"]


@pytest.mark.parametrize("side", ["client", "server"])
def test_a_cancelled_call(side: str) -> None:
    log = Log()
    server = serve(interceptors=[log.interceptor] if side == "server" else ())
    try:
        interceptors = [log.interceptor] if side == "client" else []
        from tests.support.rpc_service import Stub

        with (
            rpc.sync.Channel(server.target, interceptors=interceptors) as channel,
            Stub(channel).Both() as stream,
        ):
            stream.send(Item(number=1))
            assert stream.receive().number == 2
            stream.cancel()
        eventually(lambda: "CANCEL" in log.types)
    finally:
        server.close()
    assert log.types == ["CLIENT_HEADER", "CLIENT_MESSAGE", "SERVER_HEADER", "SERVER_MESSAGE", "CANCEL"]


def test_compressed_messages_are_logged_as_they_were_before() -> None:
    item = Item(text="a" * 1000)
    for side in ("client", "server"):
        entries = one_call(side=side, item=item, compression="gzip")
        request = next(entry for entry in entries if entry["type"] == "CLIENT_MESSAGE")
        assert bytes_of(request) == item.encode()


def test_truncation() -> None:
    metadata = [("aa", "123"), ("bb", "45"), ("cc", "6"), ("grpc-trace-bin", b"always")]
    item = Item(text="x" * 100)
    entries = one_call(filter="*{h:7;m:10}", item=item, call_metadata=metadata[:3])
    logged = entries[0]["client_header"]["metadata"]["entry"]
    assert [one["key"] for one in logged] == ["aa"]  # bb does not fit, and so cc is not looked at
    assert entries[0]["payload_truncated"] is True
    assert entries[1]["message"]["length"] == len(item.encode())
    assert len(entries[1]["message"]["data"]) == 16  # 10 bytes in base64
    assert entries[1]["payload_truncated"] is True
    only_headers = one_call(filter="*{h}", item=item)
    assert "data" not in only_headers[1]["message"]
    assert only_headers[1]["message"]["length"] == len(item.encode())
    only_messages = one_call(filter="*{m}", item=item, call_metadata=metadata[:1])
    assert only_messages[0]["client_header"]["metadata"] == {}
    assert bytes_of(only_messages[1]) == item.encode()


@pytest.mark.parametrize("side", ["client", "server"])
def test_lengths_are_honoured_to_the_byte(side: str) -> None:
    item = Item(text="x" * 10)
    size = len(item.encode())

    def logged(lengths: str) -> list[tuple[int, int, bool]]:
        """Of each entry: keys of metadata, bytes of a message, whether it is truncated."""
        metadata = [("aa", "123"), ("bb", "45")]  # 5 and 4 bytes
        entries = one_call(side=side, filter=f"*{lengths}", item=item, call_metadata=metadata)[:2]
        assert entries[1]["message"]["length"] == size
        return [
            (
                len(entry.get("client_header", {}).get("metadata", {}).get("entry", ())),
                len(base64.b64decode(entry.get("message", {}).get("data", ""))),
                entry.get("payload_truncated", False),
            )
            for entry in entries
        ]

    everything, nothing = [(2, 0, False), (0, size, False)], [(0, 0, True), (0, 0, True)]
    assert logged("") == logged("{h;m}") == logged("{h:;m:}") == everything
    assert logged(f"{{h:9;m:{size}}}") == everything
    assert logged(f"{{h:8;m:{size - 1}}}") == [(1, 0, True), (0, size - 1, True)]
    assert logged("{h:5}") == [(1, 0, True), nothing[1]]
    assert logged("{h:4;m:1}") == [nothing[0], (0, 1, True)]
    assert logged("{h:0;m:0}") == nothing
    assert logged("{h}") == [everything[0], nothing[1]]
    assert logged("{m}") == [nothing[0], everything[1]]


def test_what_the_filter_leaves_out() -> None:
    assert one_call("Unary", filter="other.Service/*") == []
    assert one_call("Unary", filter="shapes.Shapes/*,-shapes.Shapes/Unary") == []
    assert one_call("Down", filter="shapes.Shapes/*,-shapes.Shapes/Unary") != []


def test_retries_are_logged_once() -> None:
    tries = 0

    async def flaky(request: Any, context: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise RpcError(StatusCode.UNAVAILABLE, "not yet")
        return Item(number=tries)

    policy = {
        "maxAttempts": 4,
        "initialBackoff": "0.01s",
        "maxBackoff": "0.01s",
        "backoffMultiplier": 1,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    config = {"methodConfig": [{"name": [{}], "retryPolicy": policy}]}
    log = Log()
    server = serve(servicer(Unary=flaky))
    try:
        call("sync", server, "Unary", interceptors=[log.interceptor], service_config=config)
    finally:
        server.close()
    assert tries == 3
    assert log.types == [*EXPECTED["Unary"], "SERVER_TRAILER"]


def test_credentials_after_the_log_are_not_in_it() -> None:
    log = Log()
    server = serve()
    try:
        credentials = CallCredentials.bearer("s3cret", allow_plaintext=True)
        call("sync", server, "Unary", interceptors=[log.interceptor, credentials])
    finally:
        server.close()
    assert b"s3cret" not in log.file.getvalue()


def test_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "calls.binlog"
    for expected in (6, 12):  # it is appended to
        server: ServerThread = serve()
        with BinaryLog(path) as log:
            call("sync", server, "Unary", interceptors=[log])
            log.flush()
            assert len(read(path.read_bytes())) == expected
        server.close()
    server = serve()
    try:  # closed: that is logged once, and the calls go on
        assert isinstance(call("sync", server, "Unary", interceptors=[log]), list)
    finally:
        server.close()
    assert len([record for record in caplog.records if "cannot be written" in record.message]) == 1


def test_a_file_of_the_users_making_may_raise_anything(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(io.BytesIO):
        def write(self, data: Any) -> int:
            raise KeyError(data)

    server = serve()
    try:
        assert isinstance(call("sync", server, "Unary", interceptors=[BinaryLog(Broken())]), list)
    finally:
        server.close()
    assert [record.message for record in caplog.records] == ["the binary log cannot be written"]


# -- the filter ---------------------------------------------------------------------------------------------------


def lengths(text: str, path: str) -> LogLengths | None:
    return BinaryLogFilter(text).lengths(path)


EVERYTHING = LogLengths(None, None)


def test_rules() -> None:
    assert lengths("", "/Foo/Bar") is None
    assert lengths("*", "/Foo/Bar") == EVERYTHING
    assert lengths("*{h}", "/Foo/Bar") == LogLengths(None, 0)
    assert lengths("*{m:256}", "/Foo/Bar") == LogLengths(0, 256)
    assert lengths("*{h;m}", "/Foo/Bar") == EVERYTHING
    assert lengths("*{h:;m:1}", "/Foo/Bar") == LogLengths(None, 1)
    assert lengths("Foo/*", "/Foo/Bar") == EVERYTHING
    assert lengths("Foo/*", "/Foobar/Bar") is None
    assert lengths("Foo/*,-Foo/Bar", "/Foo/Bar") is None
    assert lengths("Foo/*,-Foo/Bar", "/Foo/Baz") == EVERYTHING
    assert lengths("Foo/*,Foo/Bar{m:256}", "/Foo/Bar") == LogLengths(0, 256)
    assert lengths("*{m:1},a.b.Foo/*{h:2},a.b.Foo/Bar{h:3;m:4}", "/a.b.Foo/Bar") == LogLengths(3, 4)
    assert lengths("*{m:1},a.b.Foo/*{h:2},a.b.Foo/Bar{h:3;m:4}", "/a.b.Foo/Baz") == LogLengths(2, 0)
    assert lengths("*{m:1},a.b.Foo/*{h:2},a.b.Foo/Bar{h:3;m:4}", "/x.Y/Z") == LogLengths(0, 1)


WRONG = [
    "*/Bar",
    "-Foo/*",
    "-*",
    "Foo",
    "/Foo/Bar",
    "Foo/",
    "Foo/Bar{}",
    "Foo/Bar{m;h}",
    "Foo/Bar{h:-1}",
    "*{h",
]
WRONG += ["*{h;}", "*{;m}", "*{hm}", "*,*", "Foo/Bar,Foo/Bar{h}", "Foo/Bar,-Foo/Bar", "-Foo/Bar,-Foo/Bar"]
WRONG += ["*{h:" + "9" * 5000 + "}", "-Foo/Bar{h}", "Foo/*,", " *", "Foo/Bar;Foo/Baz", "*{h:1}{m:1}"]


@pytest.mark.parametrize("text", WRONG)
def test_wrong_rules(text: str) -> None:
    with pytest.raises(RpcConfigurationError, match="binary log filter, rule"):
        BinaryLogFilter(text)


@given(st.text("*-{}hm:;,/ab.0", max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    try:
        found = BinaryLogFilter(text)
    except RpcConfigurationError:
        return
    found.lengths("/a.b/a")
