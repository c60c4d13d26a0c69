"""grpcio's blocking client."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from queue import SimpleQueue
from typing import Any

import grpc
from google.protobuf import empty_pb2

from tests.support.protos import generated_folder, import_generated

from .blocking import BlockingClient
from .outcome import MAX_MESSAGE, METHODS, PATIENCE, Outcome, echoed


class GrpcioSyncClient(BlockingClient):
    ERRORS = (grpc.RpcError, grpc.FutureCancelledError)

    def __init__(self, target: str, roots: bytes | None = None) -> None:
        self.interop, interop_grpc, self.books, books_grpc = import_generated(
            generated_folder(), "interop_pb2", "interop_pb2_grpc", "bookstore_pb2", "bookstore_pb2_grpc"
        )
        self.empty = empty_pb2.Empty
        options = [("grpc.max_receive_message_length", MAX_MESSAGE)]
        if roots:
            self._channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(roots), options)
        else:
            self._channel = grpc.insecure_channel(target, options)
        self._stubs = {
            "Interop": interop_grpc.InteropStub(self._channel),
            "Bookstore": books_grpc.BookstoreStub(self._channel),
            "Nowhere": interop_grpc.NowhereStub(self._channel),
        }

    def _start(self, method: str, requests: Iterable[Any], **options: Any) -> Any:
        _, many_in, many_out = METHODS[method]
        callable_ = self._method(method)
        start = callable_ if many_out else callable_.future
        return start(iter(requests) if many_in else next(iter(requests)), **options)

    def _conclude(self, call: Any, outcome: Outcome) -> Outcome:
        outcome.code = call.code().name
        outcome.message = call.details() or ""
        outcome.initial = echoed(call.initial_metadata())
        outcome.trailing = echoed(call.trailing_metadata())
        return outcome

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
