"""grpcio's blocking client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from typing import Any

import grpc
from google.protobuf import empty_pb2

from tests.support.protos import generated_folder, import_generated

from .outcome import MAX_MESSAGE, METHODS, PATIENCE, Outcome, Pairs, echoed


class GrpcioSyncClient:
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
        service, many_in, many_out = METHODS[method]
        callable_ = getattr(self._stubs[service], "Unary" if service == "Nowhere" else method)
        start = callable_ if many_out else callable_.future
        return start(iter(requests) if many_in else next(iter(requests)), **options)

    def _outcome(self, call: Any, many_out: bool) -> Outcome:
        outcome = Outcome("")
        try:
            if many_out:
                for response in call:
                    outcome.responses.append(response)
            else:
                outcome.responses.append(call.result())
        except (grpc.RpcError, grpc.FutureCancelledError):
            pass  # the code tells
        outcome.code = call.code().name
        outcome.message = call.details() or ""
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
