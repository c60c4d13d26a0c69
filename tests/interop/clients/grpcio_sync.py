"""grpcio's blocking client."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from queue import SimpleQueue
from typing import Any

import grpc

from .blocking import BlockingClient
from .outcome import MAX_MESSAGE, METHODS, PATIENCE, Outcome, kept
from .stubs import generated

COMPRESSIONS = {
    None: None,
    "identity": grpc.Compression.NoCompression,
    "gzip": grpc.Compression.Gzip,
    "deflate": grpc.Compression.Deflate,
}


def grpcio_options(
    compression: str | None = None, token: str | None = None, **options: Any
) -> dict[str, Any]:
    """The options of `Client.call` in grpcio's words."""
    options["compression"] = COMPRESSIONS[compression]
    if token is not None:
        options["credentials"] = grpc.access_token_call_credentials(token)
    return options


class GrpcioSyncClient(BlockingClient):
    ERRORS = (grpc.RpcError, grpc.FutureCancelledError)

    def __init__(self, target: str, roots: bytes | None = None) -> None:
        options = [("grpc.max_receive_message_length", MAX_MESSAGE)]
        if roots:
            self._channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(roots), options)
        else:
            self._channel = grpc.insecure_channel(target, options)
        self.messages, self._stubs = generated(self._channel)

    def _start(self, method: str, requests: Iterable[Any], **options: Any) -> Any:
        callable_ = self._method(method)
        start = callable_ if METHODS[method].many_out else callable_.future
        first = iter(requests) if METHODS[method].many_in else next(iter(requests))
        return start(first, **grpcio_options(**options))

    def _conclude(self, call: Any, outcome: Outcome) -> Outcome:
        outcome.code = call.code().name
        outcome.message = call.details() or ""
        outcome.initial = kept(call.initial_metadata())
        outcome.trailing = kept(call.trailing_metadata())
        return outcome

    def cancel_at_once(self, method: str) -> Outcome:
        over = threading.Event()  # until then the iterator of requests gives nothing
        call = self._start(method, iter(lambda: over.wait(PATIENCE), True), timeout=PATIENCE)
        call.cancel()
        over.set()
        return self._outcome(call, METHODS[method].many_out)

    def ping_pong(self, method: str, requests: Sequence[Any]) -> Outcome:
        feed: SimpleQueue[Any] = SimpleQueue()
        call = self._start(method, iter(feed.get, None), timeout=PATIENCE)
        answers = []
        for request in requests:
            feed.put(request)
            answers.append(next(call))
        feed.put(None)
        outcome = self._outcome(call, True)
        outcome.responses[:0] = answers
        return outcome

    def close(self) -> None:
        self._channel.close()
