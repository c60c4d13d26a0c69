"""What clients whose calls block have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .outcome import METHODS, PATIENCE, Client, Outcome, Pairs


class BlockingClient(Client):
    """Drives calls that are iterators of their responses, or give the only one as `result()`."""

    ERRORS: tuple[type[BaseException], ...]
    _stubs: dict[str, Any]

    def _start(self, method: str, requests: Iterable[Any], **options: Any) -> Any:
        """A call in flight. The options are those of `Client.call`."""
        raise NotImplementedError

    def _conclude(self, call: Any, outcome: Outcome) -> Outcome:
        """Fill in how the call ended."""
        raise NotImplementedError

    def _method(self, method: str) -> Any:
        return getattr(self._stubs[METHODS[method].service], METHODS[method].name)

    def _outcome(self, call: Any, many_out: bool) -> Outcome:
        outcome = Outcome("")
        try:
            if many_out:
                for response in call:
                    outcome.responses.append(response)
            else:
                outcome.responses.append(call.result())
        except self.ERRORS:
            pass  # the code tells
        return self._conclude(call, outcome)

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
        call = self._start(
            method,
            requests,
            timeout=timeout,
            metadata=tuple(metadata),
            compression=compression,
            token=token,
        )
        return self._outcome(call, METHODS[method].many_out)

    def cancel_after_first(self, method: str, requests: Sequence[Any]) -> Outcome:
        call = self._start(method, requests, timeout=PATIENCE)
        first = next(call)
        call.cancel()
        return self._rest(call, first)

    def read_late(self, method: str, request: Any, pause: Callable[[], None]) -> Outcome:
        call = self._start(method, [request], timeout=PATIENCE)
        first = next(call)
        pause()
        return self._rest(call, first)

    def _rest(self, call: Any, first: Any) -> Outcome:
        outcome = self._outcome(call, True)
        outcome.responses.insert(0, first)
        return outcome

    def all_at_once(self, method: str, requests: Sequence[Any]) -> list[Outcome]:
        calls = [self._start(method, [request], timeout=PATIENCE) for request in requests]
        return [self._outcome(call, False) for call in calls]
