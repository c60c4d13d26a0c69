"""A client and a server core under random use: whatever the two applications do, in whatever pieces the bytes travel,
every call ends exactly once, messages arrive in order and whole, no window is overdrawn, and nothing is left behind."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from barewire.rpc.client_call import ClientCall
from barewire.rpc.compression import CODECS
from barewire.rpc.events import CallEnded, CallStarted, ConnectionEnded, MessageReceived, RequestEnded
from barewire.rpc.limits import Limits
from barewire.rpc.server_call import ServerCall
from barewire.rpc.status import Status, StatusCode
from tests.support.rpc_pair import Pair, byte_by_byte, in_chunks, whole

_LIMITS = Limits(
    stream_window=65_535,
    connection_window=65_535,
    max_unread_bytes=150_000,
    max_concurrent_streams=4,
    max_receive_message_size=200_000,
)
_SIZES = st.sampled_from([0, 1, 5, 100, 16_379, 16_384, 65_530, 65_536, 120_000])


@dataclass
class _Half:
    """What one side of a call has sent, and what the other has got of it."""

    sent: list[bytes] = field(default_factory=list)
    got: list[bytes] = field(default_factory=list)
    to_consume: list[int] = field(default_factory=list)
    done: bool = False
    seen_end: bool = False


@dataclass
class _CallModel:
    client: ClientCall
    number: int
    requests: _Half = field(default_factory=_Half)
    responses: _Half = field(default_factory=_Half)
    server: ServerCall | None = None
    finished: StatusCode | None = None  # what the server's application said
    outcome: Status | None = None
    server_outcome: Status | None = None
    deadline: float | None = None
    given_up: bool = False


class TwoCores(RuleBasedStateMachine):
    @initialize(
        delivery=st.one_of(
            st.just(whole), st.lists(st.integers(1, 30_000), min_size=1, max_size=5).map(in_chunks)
        )
    )
    def connect(self, delivery: Any) -> None:
        self.pair = Pair(client_limits=_LIMITS, server_limits=_LIMITS, delivery=delivery)
        self.calls: list[_CallModel] = []
        self.draining = False

    # -- what happens ---------------------------------------------------------------------------------------------

    def _pick(self, data: st.DataObject, wanted: Any) -> _CallModel | None:
        found = [model for model in self.calls if wanted(model)]
        return data.draw(st.sampled_from(found)) if found else None

    def _note(self) -> None:
        self.pair.collect()
        by_client = {id(model.client): model for model in self.calls}
        for event in self.pair.client_events:
            if isinstance(event, MessageReceived):
                model = by_client[id(event.call)]
                assert model.outcome is None
                model.responses.got.append(event.call.open(event.envelope))
                model.responses.to_consume.append(event.size)
            elif isinstance(event, CallEnded):
                model = by_client[id(event.call)]
                assert model.outcome is None, "a call ended twice"
                model.outcome = event.status
            elif isinstance(event, ConnectionEnded):
                assert self.draining, event.reason
        for event in self.pair.server_events:
            if isinstance(event, CallStarted):
                number = int(event.call.request.metadata["number"])
                assert self.calls[number].server is None
                self.calls[number].server = event.call
                continue
            model = next((m for m in self.calls if m.server is getattr(event, "call", None)), None)
            if isinstance(event, ConnectionEnded):
                assert self.draining, event.reason
            if model is None:
                continue
            if isinstance(event, MessageReceived):
                assert model.server_outcome is None
                model.requests.got.append(event.call.open(event.envelope))
                model.requests.to_consume.append(event.size)
            elif isinstance(event, RequestEnded):
                assert not model.requests.seen_end
                model.requests.seen_end = True
                assert model.requests.done
                assert model.requests.got == model.requests.sent
            elif isinstance(event, CallEnded):
                assert model.server_outcome is None, "a call ended twice"
                model.server_outcome = event.status
        self.pair.client_events.clear()
        self.pair.server_events.clear()

    @precondition(lambda self: len(self.calls) < 30 and self.pair.client.accepts_calls)
    @rule(timeout=st.sampled_from([None, None, 1.0, 10.0]), gzip=st.booleans(), size=st.none() | _SIZES)
    def start(self, timeout: float | None, gzip: bool, size: int | None) -> None:
        number = len(self.calls)
        call = self.pair.start(
            timeout=timeout, metadata=[("number", str(number))], codec=CODECS["gzip"] if gzip else None
        )
        self.calls.append(_CallModel(call, number, deadline=call.deadline))
        if size is not None:
            self._send(call, self.calls[-1].requests, size)

    def _send(self, call: Any, half: _Half, size: int) -> None:
        message = bytes((len(half.sent) % 256,)) * size
        half.sent.append(message)
        call.send_message(message)

    @rule(data=st.data(), size=_SIZES)
    def client_sends(self, data: st.DataObject, size: int) -> None:
        model = self._pick(data, lambda m: not m.client.ended and not m.requests.done)
        if model is not None:
            self._send(model.client, model.requests, size)

    @rule(data=st.data())
    def client_ends(self, data: st.DataObject) -> None:
        model = self._pick(data, lambda m: not m.client.ended and not m.requests.done)
        if model is not None:
            model.client.end_sending()
            model.requests.done = True

    @rule(data=st.data())
    def client_cancels(self, data: st.DataObject) -> None:
        model = self._pick(data, lambda m: not m.client.ended)
        if model is not None:
            model.client.cancel()
            model.given_up = True

    def _served(self, model: _CallModel) -> bool:
        return model.server is not None and not model.server.ended and model.finished is None

    @rule(data=st.data(), size=_SIZES)
    def server_sends(self, data: st.DataObject, size: int) -> None:
        model = self._pick(data, lambda m: self._served(m) and m.server_outcome is None)
        if model is not None and model.server is not None:
            if not model.server.head_sent:
                model.server.set_compression(CODECS["gzip"] if size % 2 else None)
                model.server.send_initial_metadata()
            self._send(model.server, model.responses, size)

    @rule(data=st.data(), code=st.sampled_from([StatusCode.OK, StatusCode.OK, StatusCode.NOT_FOUND]))
    def server_finishes(self, data: st.DataObject, code: StatusCode) -> None:
        model = self._pick(data, self._served)
        if model is not None and model.server is not None:
            model.server.finish(Status(code, "" if code is StatusCode.OK else f"number {model.number}"))
            model.finished = code

    @rule(data=st.data(), client=st.booleans())
    def consume(self, data: st.DataObject, client: bool) -> None:
        def half(model: _CallModel) -> _Half:
            return model.responses if client else model.requests

        model = self._pick(data, lambda m: half(m).to_consume)
        if model is not None:
            call: Any = model.client if client else model.server
            call.consumed(half(model).to_consume.pop(0))

    @rule()
    def carry_to_server(self) -> None:
        self.pair.client_to_server()
        self._note()

    @rule()
    def carry_to_client(self) -> None:
        self.pair.server_to_client()
        self._note()

    @rule(seconds=st.sampled_from([0.1, 1.0, 20.0]))
    def time_passes(self, seconds: float) -> None:
        self.pair.advance(seconds)
        self._note()

    @precondition(lambda self: len(self.calls) > 5 and not self.draining)
    @rule()
    def drain(self) -> None:
        self.draining = True
        self.pair.server.drain(self.pair.now)
        self._note()

    # -- what has to hold -----------------------------------------------------------------------------------------

    @invariant()
    def messages_are_in_order_and_whole(self) -> None:
        for model in getattr(self, "calls", ()):
            for half in (model.requests, model.responses):
                assert half.got == half.sent[: len(half.got)]

    @invariant()
    def outcomes_are_true(self) -> None:
        for model in getattr(self, "calls", ()):
            if model.outcome is None:
                continue
            code = model.outcome.code
            if model.outcome.from_peer and code not in (StatusCode.CANCELLED, StatusCode.UNAVAILABLE):
                assert code == model.finished
                assert model.responses.got == model.responses.sent
            elif code is StatusCode.DEADLINE_EXCEEDED:
                assert model.deadline is not None
                assert self.pair.now >= model.deadline
            elif code is StatusCode.UNAVAILABLE:
                assert self.draining
            else:
                assert code is StatusCode.CANCELLED, model.outcome
                assert model.given_up or model.deadline is not None

    @invariant()
    def memory_is_bounded(self) -> None:
        if not hasattr(self, "pair"):
            return
        for core in (self.pair.client, self.pair.server):
            assert 0 <= core._unread <= _LIMITS.max_unread_bytes + _LIMITS.connection_window + 200_000
            assert core.http2.open_stream_count <= 4

    def teardown(self) -> None:
        """Everybody reads what there is and finishes; then nothing is left."""
        if not hasattr(self, "pair"):
            return
        for _ in range(200):
            self.pair.exchange()
            self._note()
            for model in self.calls:
                for call, half in ((model.client, model.responses), (model.server, model.requests)):
                    while half.to_consume and call is not None:
                        call.consumed(half.to_consume.pop(0))
                if not model.client.ended and not model.requests.done:
                    model.client.end_sending()
                    model.requests.done = True
                if self._served(model) and model.server is not None:
                    model.server.finish(Status(StatusCode.OK))
                    model.finished = StatusCode.OK
            if all(model.outcome for model in self.calls):
                break
        self.pair.exchange()
        self._note()
        for model in self.calls:
            assert model.outcome is not None, "a call never ended"
            assert model.client.ended
            if model.server is not None:
                assert model.server.ended
                assert model.finished is not None or model.server_outcome is not None
        self.pair.check_nothing_is_left()
        assert len(self.pair.client.http2._streams._reset_here) <= 30


_QUICK = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


class TestTwoCores(TwoCores.TestCase):  # type: ignore[name-defined]
    settings = _QUICK


@pytest.mark.slow
class TestTwoCoresAtLength(TwoCores.TestCase):  # type: ignore[name-defined]
    settings = settings(_QUICK, max_examples=int(os.environ.get("BAREWIRE_EXAMPLES", "600")))


def test_byte_by_byte_is_a_delivery() -> None:
    assert list(byte_by_byte(b"abc")) == [b"a", b"b", b"c"]
    assert list(in_chunks((2, 1))(b"abcdef")) == [b"ab", b"c", b"de", b"f"]
