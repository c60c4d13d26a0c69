"""barewire's blocking client."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence
from typing import Any

from barewire import rpc, schema
from tests.support.protos import BOOKSTORE, INTEROP

from .blocking import BlockingClient
from .outcome import MAX_MESSAGE, METHODS, PATIENCE, Outcome, echoed


class BarewireSyncClient(BlockingClient):
    ERRORS = (rpc.RpcError,)

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
        _, many_in, many_out = METHODS[method]
        callable_ = self._method(method)
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

    def _conclude(self, call: Any, outcome: Outcome) -> Outcome:
        outcome.code = call.code().name
        outcome.message = call.details()
        outcome.initial = echoed(call.initial_metadata())
        outcome.trailing = echoed(call.trailing_metadata())
        return outcome

    def ping_pong(self, method: str, requests: Sequence[Any]) -> Outcome:
        outcome = Outcome("")
        with self._method(method)(timeout=PATIENCE) as call:
            for request in requests:
                call.send(request)
                outcome.responses.append(call.receive())
            call.done_sending()
            assert call.receive() is None
            return self._conclude(call, outcome)

    def close(self) -> None:
        self._channel.close()
