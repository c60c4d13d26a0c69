"""One scripted grpcio server, three clients with one service config: as many attempts, and the same outcomes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from barewire import rpc

PATIENCE = 20.0
UNAVAILABLE, ABORTED, INTERNAL = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.INTERNAL,
)


@dataclass(frozen=True)
class Step:
    """What the server does with one attempt: fail with a code, or answer. `head`: it sends the response's head first;
    `reads`: how many requests of a stream it takes before."""

    code: grpc.StatusCode | None = None
    pushback: str | None = None
    head: bool = False
    reads: int | None = None


OK = Step()
FAIL = Step(UNAVAILABLE)


class Script:
    """The steps of the attempts to come; the last one is repeated."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = list(steps)
        self.previous: list[str | None] = []  # what each attempt said of the ones before it

    def unary(self, request: bytes, context: Any) -> bytes:
        self._step(context)
        return request

    def stream(self, requests: Iterator[bytes], context: Any) -> bytes:
        step = self._steps[0]
        taken = [message for message, _ in zip(requests, range(step.reads or 1000), strict=False)]
        self._step(context)
        return b"".join(taken)

    def _step(self, context: Any) -> None:
        metadata = dict(context.invocation_metadata())
        self.previous.append(metadata.get("grpc-previous-rpc-attempts"))
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        if step.head:
            # Not an empty one: grpcio may send that and the status as Trailers-Only.
            context.send_initial_metadata((("head", "sent"),))
        if step.pushback is not None:
            context.set_trailing_metadata((("grpc-retry-pushback-ms", step.pushback),))
        if step.code is not None:
            context.abort(step.code, f"attempt {len(self.previous)}")


@contextmanager
def server(script: Script) -> Generator[str]:
    handlers: dict[str, Any] = {
        "Unary": grpc.unary_unary_rpc_method_handler(script.unary),
        "Stream": grpc.stream_unary_rpc_method_handler(script.stream),
    }
    running = grpc.server(ThreadPoolExecutor(4))
    running.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("parity.Parity", handlers),))
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        running.stop(None).wait(PATIENCE)


# -- the clients: (code, details, response) of each call, one after the other --------------------------------------

Outcome = tuple[str, str, bytes | None]
Plan = Sequence[tuple[str, float]]  # method and timeout of each call
REQUESTS = (b"a", b"b", b"c")


def method_of(channel: Any, name: str) -> Any:
    return (channel.unary_unary if name == "Unary" else channel.stream_unary)(f"/parity.Parity/{name}")


def with_grpcio(target: str, config: str, plan: Plan) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with grpc.insecure_channel(target, options=[("grpc.service_config", config)]) as channel:
        for method, timeout in plan:
            call = method_of(channel, method)
            try:
                request = b"x" if method == "Unary" else iter(REQUESTS)
                outcomes.append(("OK", "", call(request, timeout=timeout, wait_for_ready=True)))
            except grpc.RpcError as error:
                known: Any = error
                outcomes.append((known.code().name, known.details(), None))
    return outcomes


def with_blocking(target: str, config: str, plan: Plan) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with rpc.sync.Channel(target, service_config=config) as channel:
        for method, timeout in plan:
            call = method_of(channel, method)
            try:
                request = b"x" if method == "Unary" else REQUESTS
                outcomes.append(("OK", "", call(request, timeout=timeout)))
            except rpc.RpcError as error:
                outcomes.append((error.code.name, error.message, None))
    return outcomes


def with_asyncio(target: str, config: str, plan: Plan) -> list[Outcome]:
    async def run() -> list[Outcome]:
        outcomes: list[Outcome] = []
        async with rpc.Channel(target, service_config=config) as channel:
            for method, timeout in plan:
                call = method_of(channel, method)
                try:
                    request = b"x" if method == "Unary" else REQUESTS
                    outcomes.append(("OK", "", await call(request, timeout=timeout)))
                except rpc.RpcError as error:
                    outcomes.append((error.code.name, error.message, None))
        return outcomes

    return asyncio.run(run())


CLIENTS: tuple[Callable[[str, str, Plan], list[Outcome]], ...] = (with_grpcio, with_asyncio, with_blocking)


# -- the table -----------------------------------------------------------------------------------------------------


def policy(attempts: int = 3, codes: Sequence[str] = ("UNAVAILABLE",), **top: Any) -> dict[str, Any]:
    retry = {
        "maxAttempts": attempts,
        "initialBackoff": "0.01s",
        "maxBackoff": "0.02s",
        "backoffMultiplier": 1.5,
        "retryableStatusCodes": list(codes),
    }
    return {"methodConfig": [{"name": [{"service": "parity.Parity"}], "retryPolicy": retry}], **top}


THROTTLED = policy(5, retryThrottling={"maxTokens": 4, "tokenRatio": 0.5})
LONG = PATIENCE
# name: the config, what the server does, the calls, and the attempts that all clients make
CASES: dict[str, tuple[dict[str, Any], Sequence[Step], Plan, int]] = {
    "no config": ({}, [FAIL], [("Unary", LONG)], 1),
    "first attempt answers": (policy(), [OK], [("Unary", LONG)], 1),
    "fails once": (policy(), [FAIL, OK], [("Unary", LONG)], 2),
    "fails always": (policy(), [FAIL], [("Unary", LONG)], 3),
    "two attempts": (policy(2), [FAIL], [("Unary", LONG)], 2),
    "capped at five": (policy(50), [FAIL], [("Unary", LONG)], 5),
    "another code": (policy(), [Step(INTERNAL), OK], [("Unary", LONG)], 1),
    "fatal after retryable": (policy(), [FAIL, Step(INTERNAL), OK], [("Unary", LONG)], 2),
    "several codes": (
        policy(4, ("ABORTED", "UNAVAILABLE")),
        [FAIL, Step(ABORTED), OK],
        [("Unary", LONG)],
        3,
    ),
    "another method": (
        {"methodConfig": [{**policy()["methodConfig"][0], "name": [{"service": "x.Y"}]}]},
        [FAIL, OK],
        [("Unary", LONG)],
        1,
    ),
    "head commits": (policy(), [Step(UNAVAILABLE, head=True), OK], [("Unary", LONG)], 1),
    # Not "0", which A6 allows: grpcio 1.85 waits for ever then.
    "pushback now": (policy(), [Step(UNAVAILABLE, "1"), OK], [("Unary", LONG)], 2),
    "pushback later": (policy(), [Step(UNAVAILABLE, "30"), Step(UNAVAILABLE, "5"), OK], [("Unary", LONG)], 3),
    "pushback never": (policy(), [Step(UNAVAILABLE, "-1"), OK], [("Unary", LONG)], 1),
    "pushback nonsense": (policy(), [Step(UNAVAILABLE, "soon"), OK], [("Unary", LONG)], 1),
    "pushback with another code": (policy(), [Step(INTERNAL, "1"), OK], [("Unary", LONG)], 1),
    "pushback at the last attempt": (policy(2), [Step(UNAVAILABLE, "1")], [("Unary", LONG)], 2),
    "deadline while waiting": (policy(), [Step(UNAVAILABLE, "60000")], [("Unary", 0.3)], 1),
    "throttled": (THROTTLED, [FAIL], [("Unary", LONG)] * 3, 2 + 1 + 1),
    "throttled, then well again": (
        THROTTLED,
        [FAIL, FAIL, OK, OK, OK, FAIL, OK],
        [("Unary", LONG)] * 5,
        2 + 1 + 1 + 1 + 2,
    ),
    "a stream is replayed": (policy(), [Step(UNAVAILABLE, reads=2), FAIL, OK], [("Stream", LONG)], 3),
    "a stream fails always": (policy(), [FAIL], [("Stream", LONG)], 3),
}


@pytest.mark.rule(38)
@pytest.mark.rule(92)
@pytest.mark.rule(94)
@pytest.mark.rule(95)
@pytest.mark.rule(96)
@pytest.mark.parametrize("name", CASES)
def test_all_clients_try_alike(name: str) -> None:
    config, steps, plan, attempts = CASES[name]
    seen: dict[str, tuple[list[Outcome], list[str | None]]] = {}
    for client in CLIENTS:
        script = Script(steps)
        with server(script) as target:
            outcomes = client(target, json.dumps(config), plan)
        seen[client.__name__] = ([_comparable(outcome) for outcome in outcomes], script.previous)
    assert seen["with_asyncio"] == seen["with_grpcio"]
    assert seen["with_blocking"] == seen["with_grpcio"]
    assert len(seen["with_grpcio"][1]) == attempts


def _comparable(outcome: Outcome) -> Outcome:
    """Every library has its own words for a deadline."""
    return outcome if outcome[0] != "DEADLINE_EXCEEDED" else (outcome[0], "", None)
