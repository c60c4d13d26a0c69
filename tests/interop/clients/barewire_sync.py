"""barewire's blocking client."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from barewire import rpc, schema
from tests.support.protos import BOOKSTORE, INTEROP

from .outcome import MAX_MESSAGE, METHODS, PATIENCE, Outcome, Pairs, echoed


class BarewireSyncClient:
    def __init__(self, target: str, roots: bytes | None = None) -> None:
        self.interop: Any = schema.load(INTEROP)
        self.books: Any = schema.load(BOOKSTORE)
        self.empty = schema.wkt.Empty
        tls = ssl.create_default_context(cadata=roots.decode()) if roots else None
        self._channel = rpc.sync.Channel(target, tls=tls, max_receive_message_size=MAX_MESSAGE)
        self._stubs: dict[str, Any] = {
            "Interop": self.interop.InteropStub(self._channel),
            "Bookstore": self.books.BookstoreStub(self._channel),
            "Nowhere": self.interop.NowhereStub(self._channel),
        }

    def _start(self, method: str, requests: Iterable[Any], **options: Any) -> Any:
        """A call in flight."""
        service, many_in, many_out = METHODS[method]
        callable_ = getattr(self._stubs[service], "Unary" if service == "Nowhere" else method)
        if many_out:
            return callable_(requests if many_in else next(iter(requests)), **options)
        if not many_in:
            return callable_.start(next(iter(requests)), **options)
        call = callable_(**options)
        try:
            for request in requests:
                call.send(request)
            call.done_sending()
        except rpc.RpcError:
            pass  # the code tells
        return call

    def _outcome(self, call: Any, many_out: bool) -> Outcome:
        outcome = Outcome("")
        try:
            if many_out:
                for response in call:
                    outcome.responses.append(response)
            else:
                outcome.responses.append(call.result())
        except rpc.RpcError:
            pass  # the code tells
        return self._conclude(call, outcome)

    def _conclude(self, call: Any, outcome: Outcome) -> Outcome:
        outcome.code = call.code().name
        outcome.message = call.details()
        outcome.initial = echoed(call.initial_metadata())
        outcome.trailing = echoed(call.trailing_metadata())
        return outcome

    def call(
        self, method: str, requests: Iterable[Any], *, timeout: float | None = PATIENCE, metadata: Pairs = ()
    ) -> Outcome:
        call = self._start(method, requests, timeout=timeout, metadata=tuple(metadata))
        return self._outcome(call, METHODS[method][2])

    def cancel_after_first(self, method: str, requests: Sequence[Any]) -> Outcome:
        call = self._start(method, requests, timeout=PATIENCE)
        first = next(call)
        call.cancel()
        outcome = self._outcome(call, True)
        outcome.responses.insert(0, first)
        return outcome

    def ping_pong(self, method: str, requests: Sequence[Any]) -> Outcome:
        service, _, _ = METHODS[method]
        outcome = Outcome("")
        with getattr(self._stubs[service], method)(timeout=PATIENCE) as call:
            for request in requests:
                call.send(request)
                outcome.responses.append(call.receive())
            call.done_sending()
            assert call.receive() is None
            return self._conclude(call, outcome)

    def read_late(self, method: str, request: Any, pause: Callable[[], None]) -> Outcome:
        call = self._start(method, [request], timeout=PATIENCE)
        first = next(call)
        pause()
        outcome = self._outcome(call, True)
        outcome.responses.insert(0, first)
        return outcome

    def all_at_once(self, method: str, requests: Sequence[Any]) -> list[Outcome]:
        calls = [self._start(method, [request], timeout=PATIENCE) for request in requests]
        return [self._outcome(call, False) for call in calls]

    def close(self) -> None:
        self._channel.close()
