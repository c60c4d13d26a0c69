"""Calls with policies under random use: whatever servers answer, whenever connections die and time passes, every call
ends once, no server gets anything but a beginning of what was sent, and nothing is left behind."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from barewire.rpc.call_tracking import CallTracker
from barewire.rpc.limits import Limits
from barewire.rpc.status import Status, StatusCode
from tests.support.rpc_attempts import CallUnderTest, Served, World

_MAX_ATTEMPTS = 3
_CODES = ["UNAVAILABLE", "ABORTED"]
_RETRY: dict[str, Any] = {
    "maxAttempts": _MAX_ATTEMPTS,
    "initialBackoff": "1s",
    "maxBackoff": "5s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": _CODES,
}
_HEDGE: dict[str, Any] = {"maxAttempts": _MAX_ATTEMPTS, "hedgingDelay": "1s", "nonFatalStatusCodes": _CODES}
_POLICIES: list[dict[str, Any]] = [{}, {"retryPolicy": _RETRY}, {"hedgingPolicy": _HEDGE}]


class Balance(CallTracker):
    """What the balancer that places the attempts is told."""

    started_calls = ended_calls = 0

    def started(self) -> None:
        self.started_calls += 1

    def ended(self, status: Status) -> None:
        self.ended_calls += 1
        assert self.ended_calls <= self.started_calls


class Attempts(RuleBasedStateMachine):
    @initialize(
        policy=st.sampled_from(_POLICIES),
        throttled=st.booleans(),
        buffer=st.sampled_from([50, 100_000]),
        streams=st.sampled_from([1, 100]),
    )
    def connect(self, policy: dict[str, Any], throttled: bool, buffer: int, streams: int) -> None:
        config: dict[str, Any] = {"methodConfig": [{"name": [{}], **policy}]}
        if throttled:
            config["retryThrottling"] = {"maxTokens": 4, "tokenRatio": 0.5}
        limits = Limits(max_concurrent_streams=streams)
        self.one_at_a_time = "hedgingPolicy" not in policy
        self.world = World(config, connections=2, retry_buffer=buffer, server_limits=limits)
        self.balance = Balance()
        self.world.trackers = (self.balance,)
        self.calls: list[CallUnderTest] = []
        self.sent: dict[int, list[bytes]] = {}

    # -- what happens ---------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.calls) < 8)
    @rule(timeout=st.sampled_from([None, None, 3.0]), end=st.booleans())
    def start(self, timeout: float | None, end: bool) -> None:
        first = b"%d" % len(self.calls)  # tells the servers' side which call it is
        self.sent[len(self.calls)] = [first]
        self.calls.append(self.world.call(first, end=end, streaming=True, timeout=timeout))

    @rule(data=st.data(), size=st.sampled_from([1, 30, 70_000]))
    def send(self, data: st.DataObject, size: int) -> None:
        open_calls = [i for i, call in enumerate(self.calls) if call.code is None and not call.sending_ended]
        if open_calls:
            number = data.draw(st.sampled_from(open_calls))
            message = bytes([len(self.sent[number])]) * size
            self.sent[number].append(message)
            self.calls[number].send(message)

    @rule(data=st.data())
    def end_sending(self, data: st.DataObject) -> None:
        if self.calls:
            data.draw(st.sampled_from(self.calls)).end_sending()
            self.world.settle()

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if self.calls:
            data.draw(st.sampled_from(self.calls)).cancel()
            self.world.settle()

    @rule(
        data=st.data(),
        what=st.sampled_from(["answer", "begin", "fail", "fail", "fatal", "refuse", "later", "never"]),
    )
    def serve(self, data: st.DataObject, what: str) -> None:
        running = [attempt for attempt in self.world.served if not attempt.call.ended]
        if not running:
            return
        attempt: Served = data.draw(st.sampled_from(running))
        match what:
            case "answer":
                attempt.answer(b"yes")
            case "begin":
                attempt.answer(b"yes", end=False)
            case "fail":
                attempt.fail(StatusCode.UNAVAILABLE)
            case "fatal":
                attempt.fail(StatusCode.NOT_FOUND)
            case "later":
                attempt.fail(StatusCode.ABORTED, grpc_retry_pushback_ms=1500)
            case "never":
                attempt.fail(StatusCode.ABORTED, grpc_retry_pushback_ms=-1)
            case _:
                attempt.refuse()
        self.world.settle()

    @rule(seconds=st.sampled_from([0.5, 1.0, 4.0]))
    def wait(self, seconds: float) -> None:
        self.world.advance(seconds)

    @rule(data=st.data())
    def lose_a_connection(self, data: st.DataObject) -> None:
        if self.world.connections:
            self.world.lose(data.draw(st.sampled_from(self.world.connections)))
            self.world.settle()

    @precondition(lambda self: len(self.world.connections) < 2)
    @rule()
    def get_a_connection(self) -> None:
        self.world.connect()
        self.world.settle()

    # -- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def servers_get_a_beginning_of_what_was_sent(self) -> None:
        for attempt in self.world.served:
            if attempt.messages:
                sent = self.sent[int(attempt.messages[0])]
                assert attempt.messages == sent[: len(attempt.messages)]
                assert not attempt.request_ended or attempt.messages == sent

    @invariant()
    def every_call_ends_once_and_memory_is_given_back(self) -> None:
        for call in self.calls:
            assert len(call.outcomes) <= 1
            assert (call.status is not None) == bool(call.outcomes)
        kept = sum(call._kept_size for call in self.calls if call.kept is not None)
        assert self.world.retries.buffered == kept
        assert all(timer.call.status is None for timer in self.world.retries.waiting)

    @invariant()
    def policies_bound_the_attempts(self) -> None:
        for number, call in enumerate(self.calls):
            mine = [attempt for attempt in self.world.served if attempt.messages[:1] == [b"%d" % number]]
            told = [int(attempt.previous_attempts or 0) for attempt in mine]
            assert max(told, default=0) < _MAX_ATTEMPTS
            if self.one_at_a_time:
                assert told == sorted(told)
                assert sum(not attempt.call.ended for attempt in mine) <= 1
                # Each number once, and twice where the server refused one stream.
                assert len(told) <= len(set(told)) + 1
            if call.code is not None:
                assert all(attempt.call.ended for attempt in mine)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        for call in self.calls:
            call.cancel()
        self.world.settle()
        self.every_call_ends_once_and_memory_is_given_back()
        assert self.world.retries.buffered == 0
        assert not self.world.retries.waiting
        assert self.world.timers.next_due() is None
        assert self.balance.ended_calls == self.balance.started_calls
        for link in self.world.connections:
            assert link.core.open_calls == 0
            assert not link.core._waiting


TestAttempts = Attempts.TestCase
TestAttempts.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
