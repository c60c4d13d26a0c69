"""barewire's blocking client."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence
from typing import Any

from barewire import rpc

from .blocking import BlockingClient
from .load_hearing import HeardLoad
from .outcome import (
    MAX_MESSAGE,
    METHODS,
    PATIENCE,
    Client,
    Conversation,
    Outcome,
    Plain,
    kept,
)
from .stubs import loaded


def barewire_options(
    metadata: Iterable[Any] = (), token: str | None = None, **options: Any
) -> dict[str, Any]:
    """The options of `Client.call` in barewire's words."""
    bearer = [] if token is None else [("authorization", f"Bearer {token}")]
    return {"metadata": [*metadata, *bearer], **options}


class BarewireSyncConversation(Conversation):
    def __init__(self, call: Any) -> None:
        self._call = call

    def turn(self, request: Any) -> Any:
        self._call.send(request)
        return self._call.receive()

    def end(self) -> None:
        self._call.done_sending()
        assert self._call.receive() is None


class BarewireSyncClient(BlockingClient):
    ERRORS = (rpc.RpcError,)

    def __init__(self, target: str, roots: bytes | None = None, **options: Any) -> None:
        self._target = target
        self._roots = roots
        tls = ssl.create_default_context(cadata=roots.decode()) if roots else None
        limits = {"max_receive_message_size": MAX_MESSAGE}
        self._channel = rpc.sync.Channel(target, tls=tls, **limits, **options)
        self.messages, self._stubs = loaded(self._channel)

    def _start(self, method: str, requests: Iterable[Any], **options: Any) -> Any:
        options = barewire_options(**options)
        callable_ = self._method(method)
        if METHODS[method].many_out:
            return callable_(requests if METHODS[method].many_in else next(iter(requests)), **options)
        if not METHODS[method].many_in:
            return callable_.start(next(iter(requests)), **options)
        call = callable_(**options)
        try:
            for request in requests:
                if isinstance(request, Plain):
                    call.send(request.message, compress=False)
                else:
                    call.send(request)
            call.done_sending()
        except rpc.RpcError:
            pass  # the code tells
        return call

    def _conclude(self, call: Any, outcome: Outcome) -> Outcome:
        outcome.code = call.code().name
        outcome.message = call.details()
        outcome.initial = kept(call.initial_metadata())
        outcome.trailing = kept(call.trailing_metadata())
        return outcome

    def cancel_at_once(self, method: str) -> Outcome:
        call = self._method(method)(timeout=PATIENCE)
        call.cancel()
        return self._outcome(call, METHODS[method].many_out)

    def ping_pong(self, method: str, requests: Sequence[Any]) -> Outcome:
        outcome = Outcome("")
        with self._method(method)(timeout=PATIENCE) as call:
            for request in requests:
                call.send(request)
                outcome.responses.append(call.receive())
            call.done_sending()
            assert call.receive() is None
            return self._conclude(call, outcome)

    def hearing(self) -> tuple[Client, HeardLoad]:
        heard = HeardLoad()
        return BarewireSyncClient(self._target, self._roots, **heard.options), heard

    def converse(self, method: str) -> Conversation:
        return BarewireSyncConversation(self._method(method)(timeout=PATIENCE))

    def close(self) -> None:
        self._channel.close()
