"""The official interop cases, each written once, for any client and any server of TestService.

The procedures are those of grpc/doc/interop-test-descriptions.md and, for the newer cases, of the official clients in
Go and C++. A case is a function of a `Setting`; it raises AssertionError if anything is not as it should be.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from barewire.rpc import LoadReport

from ..clients.aio_losses import lost_by_grpcio_aio
from ..clients.outcome import PATIENCE, Client, Outcome, Plain
from .wire import Wire

REQUEST_SIZE = 271_828
RESPONSE_SIZE = 314_159
SLOW = 200


@dataclass(frozen=True)
class Size:
    """How many calls the cases make that make many."""

    concurrent: int
    soak: int


# The list's 1000, and the 1000 iterations of the official client in C++ (the one in Go makes 10); and what takes less
# time, and finds nearly as much.
FULL = Size(concurrent=1000, soak=1000)
SMALL = Size(concurrent=100, soak=10)


@dataclass
class Setting:
    """What a case has: a client of a server, and a way to make another one like it.

    `wire` stands between the two of them in the cases that ask for it.
    """

    client: Client
    another: Callable[[], Client]
    wire: Wire | None = None
    size: Size = SMALL
    testing: Any = field(init=False)

    def __post_init__(self) -> None:
        self.testing = self.client.testing

    def payload(self, size: int) -> Any:
        return self.testing.Payload(body=bytes(size))

    def connect(self) -> None:
        """So that what comes next is about a call, not about connecting."""
        assert self.client.call("EmptyCall", [self.testing.Empty()]).code == "OK"

    def large(self, **fields: Any) -> Any:
        """The SimpleRequest of large_unary, with some more fields."""
        return self.testing.SimpleRequest(
            response_size=RESPONSE_SIZE, payload=self.payload(REQUEST_SIZE), **fields
        )

    def is_large(self, outcome: Outcome) -> None:
        assert outcome.response.payload.body == bytes(RESPONSE_SIZE)

    def large_unary(self, client: Client | None = None) -> None:
        self.is_large((client or self.client).call("UnaryCall", [self.large()]))

    def duplex(self, size: int | None, payload: int = 0, **fields: Any) -> Any:
        """A StreamingOutputCallRequest for one response, or for none."""
        asked = [] if size is None else [self.testing.ResponseParameters(size=size)]
        return self.testing.StreamingOutputCallRequest(
            response_parameters=asked, payload=self.payload(payload), **fields
        )

    def flag(self, value: bool) -> Any:
        return self.testing.BoolValue(value=value)

    def flags(self) -> tuple[list[int], list[int]]:
        """The compressed flags of the last call: of its requests, of its responses."""
        assert self.wire is not None
        return self.wire.last.requests, self.wire.last.responses


@dataclass(frozen=True)
class Case:
    name: str
    run: Callable[[Setting], None]
    needs_wire: bool


CASES: dict[str, Case] = {}


def case(
    function: Callable[[Setting], None] | None = None, *, needs_wire: bool = False
) -> Callable[..., Any]:
    def register(function: Callable[[Setting], None]) -> Callable[[Setting], None]:
        CASES[function.__name__] = Case(function.__name__, function, needs_wire)
        return function

    return register if function is None else register(function)


def sizes(outcome: Outcome) -> list[int]:
    assert outcome.code == "OK", outcome
    return [len(response.payload.body) for response in outcome.responses]


# ---- one request, one response ----


@case
def empty_unary(s: Setting) -> None:
    assert s.client.call("EmptyCall", [s.testing.Empty()]).response == s.testing.Empty()


@case
def large_unary(s: Setting) -> None:
    s.large_unary()


@case(needs_wire=True)
def client_compressed_unary(s: Setting) -> None:
    probe = s.client.call("UnaryCall", [s.large(expect_compressed=s.flag(True))], compression="identity")
    assert probe.code == "INVALID_ARGUMENT"
    for compressed in (True, False):
        request = s.large(expect_compressed=s.flag(compressed))
        s.is_large(s.client.call("UnaryCall", [request], compression="gzip" if compressed else "identity"))
        assert s.flags()[0] == [compressed]


@case(needs_wire=True)
def server_compressed_unary(s: Setting) -> None:
    for compressed in (True, False):
        s.is_large(s.client.call("UnaryCall", [s.large(response_compressed=s.flag(compressed))]))
        assert s.flags()[1] == [compressed]


# ---- streams ----


@case
def client_streaming(s: Setting) -> None:
    requests = [
        s.testing.StreamingInputCallRequest(payload=s.payload(size)) for size in (27182, 8, 1828, 45904)
    ]
    assert s.client.call("StreamingInputCall", requests).response.aggregated_payload_size == 74922


@case(needs_wire=True)
def client_compressed_streaming(s: Setting) -> None:
    def request(size: int, compressed: bool) -> Any:
        return s.testing.StreamingInputCallRequest(
            payload=s.payload(size), expect_compressed=s.flag(compressed)
        )

    probe = s.client.call("StreamingInputCall", [request(27182, True)], compression="identity")
    assert probe.code == "INVALID_ARGUMENT"
    requests = [request(27182, True), Plain(request(45904, False))]
    outcome = s.client.call("StreamingInputCall", requests, compression="gzip")
    assert outcome.response.aggregated_payload_size == 73086
    assert s.flags()[0] == [1, 0]


@case
def server_streaming(s: Setting) -> None:
    wanted = [31415, 9, 2653, 58979]
    request = s.testing.StreamingOutputCallRequest(
        response_parameters=[s.testing.ResponseParameters(size=size) for size in wanted]
    )
    assert sizes(s.client.call("StreamingOutputCall", [request])) == wanted


@case(needs_wire=True)
def server_compressed_streaming(s: Setting) -> None:
    request = s.testing.StreamingOutputCallRequest(
        response_parameters=[
            s.testing.ResponseParameters(size=31415, compressed=s.flag(True)),
            s.testing.ResponseParameters(size=92653, compressed=s.flag(False)),
        ]
    )
    assert sizes(s.client.call("StreamingOutputCall", [request])) == [31415, 92653]
    assert s.flags()[1] == [1, 0]


TURNS = [(31415, 27182), (9, 8), (2653, 1828), (58979, 45904)]  # (response, request) in bytes


@case
def ping_pong(s: Setting) -> None:
    outcome = s.client.ping_pong("FullDuplexCall", [s.duplex(*turn) for turn in TURNS])
    assert sizes(outcome) == [size for size, _ in TURNS]


@case
def half_duplex(s: Setting) -> None:
    outcome = s.client.call("HalfDuplexCall", [s.duplex(*turn) for turn in TURNS])
    assert sizes(outcome) == [size for size, _ in TURNS]


@case
def empty_stream(s: Setting) -> None:
    assert sizes(s.client.call("FullDuplexCall", [])) == []


@case
def slow_consumer(s: Setting) -> None:
    """The reader stops after the first of many responses, longer than the windows are wide."""
    request = s.testing.StreamingOutputCallRequest(
        response_parameters=[s.testing.ResponseParameters(size=10_000)] * SLOW
    )
    outcome = s.client.read_late("StreamingOutputCall", request, lambda: time.sleep(0.2))
    assert sizes(outcome) == [10_000] * SLOW


# ---- metadata and status ----

INITIAL = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
TRAILING = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")


@case
def custom_metadata(s: Setting) -> None:
    unary = s.client.call("UnaryCall", [s.large()], metadata=[INITIAL, TRAILING])
    s.is_large(unary)
    request = s.duplex(RESPONSE_SIZE, REQUEST_SIZE)
    duplex = s.client.call("FullDuplexCall", [request], metadata=[INITIAL, TRAILING])
    assert sizes(duplex) == [RESPONSE_SIZE]
    for outcome in (unary, duplex):
        assert INITIAL in outcome.initial
        assert TRAILING in outcome.trailing


def _is_echoed(s: Setting, method: str, request: Any, message: str) -> None:
    outcome = s.client.call(method, [request])
    assert (outcome.code, outcome.message) == ("UNKNOWN", message)


@case
def status_code_and_message(s: Setting) -> None:
    status = s.testing.EchoStatus(code=2, message="test status message")
    _is_echoed(s, "UnaryCall", s.testing.SimpleRequest(response_status=status), status.message)
    _is_echoed(s, "FullDuplexCall", s.duplex(None, response_status=status), status.message)


@case
def special_status_message(s: Setting) -> None:
    """Whitespace, the Basic Multilingual Plane and what lies beyond it."""
    message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    status = s.testing.EchoStatus(code=2, message=message)
    _is_echoed(s, "UnaryCall", s.testing.SimpleRequest(response_status=status), message)


@case
def unimplemented_method(s: Setting) -> None:
    assert s.client.call("UnimplementedCall", [s.testing.Empty()]).code == "UNIMPLEMENTED"


@case
def unimplemented_service(s: Setting) -> None:
    assert s.client.call("UnimplementedService", [s.testing.Empty()]).code == "UNIMPLEMENTED"


@case
def call_credentials(s: Setting) -> None:
    """What per_rpc_creds asks, with a token of our own in the place of a cloud's."""
    request = s.large(fill_username=True)
    outcome = s.client.call("UnaryCall", [request], token="someone")
    s.is_large(outcome)
    assert outcome.response.username == "someone"


LOADS = (
    {"cpu_utilization": 0.8210, "memory_utilization": 0.5847, "utilization": {"util": 0.30499}},
    {"cpu_utilization": 0.29309, "memory_utilization": 0.2, "utilization": {"util": 0.2039}},
)


@case
def orca_per_rpc(s: Setting) -> None:
    """The server's load comes with the status of the call."""
    load = {**LOADS[0], "request_cost": {"cost": 3456.32}}
    request = s.testing.SimpleRequest(orca_per_query_report=s.testing.TestOrcaReport(**load))
    outcome = s.client.call("UnaryCall", [request])
    assert outcome.code == "OK", outcome
    ((key, value),) = outcome.trailing
    assert key == "endpoint-load-metrics-bin"
    assert isinstance(value, bytes)
    assert LoadReport.decode(value) == LoadReport(**load)


@case
def orca_oob(s: Setting) -> None:
    """The server's load comes in a stream of its own; a balancer hears it, and of single calls nothing."""
    client, heard = s.client.hearing()
    conversation = client.converse("FullDuplexCall")
    for load in LOADS:
        request = s.duplex(1, orca_oob_report=s.testing.TestOrcaReport(**load))
        assert len(conversation.turn(request).payload.body) == 1
        end = time.monotonic() + PATIENCE
        while heard.streamed != LoadReport(**load):
            assert client.call("UnaryCall", [s.testing.SimpleRequest()]).code == "OK"
            assert not heard.of_call
            assert time.monotonic() < end, heard.streamed
            time.sleep(0.02)
    conversation.end()
    client.close()


# ---- calls that end early ----


@case
def cancel_after_begin(s: Setting) -> None:
    s.connect()
    assert s.client.cancel_at_once("StreamingInputCall").code == "CANCELLED"


@case
def cancel_after_first_response(s: Setting) -> None:
    # The second response is a minute away, so that only the cancelling can end the call.
    later = s.testing.ResponseParameters(size=1, interval_us=60_000_000)
    requests = [s.duplex(31415, 27182), s.testing.StreamingOutputCallRequest(response_parameters=[later])]
    outcome = s.client.cancel_after_first("FullDuplexCall", requests)
    assert outcome.code == "CANCELLED"
    assert [len(response.payload.body) for response in outcome.responses] == [31415]


@case
def timeout_on_sleeping_server(s: Setting) -> None:
    s.connect()
    later = s.testing.ResponseParameters(size=1, interval_us=60_000_000)
    request = s.testing.StreamingOutputCallRequest(response_parameters=[later], payload=s.payload(27182))
    outcome = s.client.call("FullDuplexCall", [request], timeout=0.001)
    for _ in range(4):
        if lost_by_grpcio_aio(outcome):
            outcome = s.client.call("FullDuplexCall", [request], timeout=0.001)
    assert outcome.code == "DEADLINE_EXCEEDED", outcome


# ---- many calls ----


@case
def concurrent_large_unary(s: Setting) -> None:
    for outcome in s.client.all_at_once("UnaryCall", [s.large()] * s.size.concurrent):
        s.is_large(outcome)


@case
def rpc_soak(s: Setting) -> None:
    for _ in range(s.size.soak):
        s.large_unary()


@case
def channel_soak(s: Setting) -> None:
    for _ in range(s.size.soak):
        client = s.another()
        s.large_unary(client)
        client.close()


@case
def pick_first_unary(s: Setting) -> None:
    request = s.testing.SimpleRequest(response_size=1, payload=s.payload(1), fill_server_id=True)
    ids = {s.client.call("UnaryCall", [request]).response.server_id for _ in range(20)}
    assert len(ids) == 1
    assert ids != {""}
