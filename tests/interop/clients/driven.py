"""Clients that are programs in other languages, driven by the commands of driver.proto."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from barewire import rpc, schema
from tests.support.processes import Program
from tests.support.protos import DRIVER

from .outcome import METHODS, PATIENCE, Client, Outcome, Pairs, Plain, kept
from .stubs import generated_messages

driver = schema.load(DRIVER)
RESPONSES = {
    "EmptyCall": "Empty",
    "UnaryCall": "SimpleResponse",
    "StreamingInputCall": "StreamingInputCallResponse",
}


class DrivenClient(Client):
    """`launch(target, roots file)` starts the program."""

    def __init__(self, launch: Callable[..., Program], target: str, roots: bytes | None = None) -> None:
        self.messages = generated_messages()
        self._folder = tempfile.TemporaryDirectory()
        trusted = Path(self._folder.name) / "roots.pem"
        trusted.write_bytes(roots or b"")
        self._program = launch(target, *([str(trusted)] if roots else []))

    def _run(self, method: str, requests: Iterable[Any], **fields: Any) -> list[Outcome]:
        command = driver.Command(
            method=f"{METHODS[method].service}/{METHODS[method].name}",
            requests=list(map(_request, requests)),
            **fields,
        )
        self._program.tell(command.encode().hex())
        outcomes = driver.Outcomes.decode(bytes.fromhex(self._program.line())).outcomes
        response = getattr(self.testing, RESPONSES.get(method, "StreamingOutputCallResponse"))
        return [
            Outcome(
                rpc.StatusCode(outcome.code).name,
                outcome.message,
                [response.FromString(data) for data in outcome.responses],
                kept(map(_pair, outcome.initial)),
                kept(map(_pair, outcome.trailing)),
            )
            for outcome in outcomes
        ]

    def _run_one(
        self, method: str, requests: Iterable[Any], timeout: float | None = PATIENCE, **fields: Any
    ) -> Outcome:
        (outcome,) = self._run(method, requests, timeout_us=int((timeout or 0) * 1e6), **fields)
        return outcome

    def call(
        self,
        method: str,
        requests: Iterable[Any],
        *,
        timeout: float | None = PATIENCE,
        metadata: Pairs = (),
        compression: str | None = None,
        token: str | None = None,
    ) -> Outcome:
        pairs = [
            driver.Pair(key=key, value=value.encode() if isinstance(value, str) else value)
            for key, value in metadata
        ]
        options = {"compression": compression or "", "token": token or ""}
        return self._run_one(method, requests, timeout, metadata=pairs, **options)

    def cancel_at_once(self, method: str) -> Outcome:
        return self._run_one(method, [], cancel=driver.Cancel.AT_ONCE)

    def cancel_after_first(self, method: str, requests: Sequence[Any]) -> Outcome:
        return self._run_one(method, requests, cancel=driver.Cancel.AFTER_FIRST)

    def ping_pong(self, method: str, requests: Sequence[Any]) -> Outcome:
        return self._run_one(method, requests, lockstep=True)

    def read_late(self, method: str, request: Any, pause: Callable[[], None]) -> Outcome:
        """The pause is made in the program, and is 200 ms."""
        del pause
        return self._run_one(method, [request], pause_ms=200)

    def all_at_once(self, method: str, requests: Sequence[Any]) -> list[Outcome]:
        """The requests have to be the same."""
        return self._run(method, requests[:1], times=len(requests), timeout_us=int(PATIENCE * 1e6))

    def close(self) -> None:
        self._program.__exit__(None, None, None)
        self._folder.cleanup()


def _request(request: Any) -> Any:
    message = request.message if isinstance(request, Plain) else request
    return driver.Request(message=message.SerializeToString(), plain=isinstance(request, Plain))


def _pair(pair: Any) -> tuple[str, str | bytes]:
    return pair.key, pair.value if pair.key.endswith("-bin") else pair.value.decode()
