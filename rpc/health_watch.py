"""Client-side health checking (R87, A17): what a server says about its health decides whether it gets calls."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from .balancer import BalancerChannel
from .client_call import ClientCall
from .compression import CompressionError
from .connectivity import CONNECTING, READY, TRANSIENT_FAILURE, ConnectivityState
from .envelope import Envelope
from .headers import request_headers
from .status import Status, StatusCode
from .subchannel import Subchannel
from .timers import TimerHandle

_log = logging.getLogger("barewire.rpc.health")

_PATH = "/grpc.health.v1.Health/Watch"


class HealthWatch:
    """A Watch call on the connection of a READY subchannel. `on_change` is called when `state` may have changed.

    CONNECTING until the server has answered; then READY for SERVING, TRANSIENT_FAILURE for anything else. A server
    without a health service counts as healthy. A call that fails is made again, after a while if it told nothing.
    """

    def __init__(
        self,
        channel: BalancerChannel,
        subchannel: Subchannel,
        service: str,
        on_change: Callable[[], object],
    ) -> None:
        self.state: ConnectivityState = CONNECTING
        self.failure = ""
        self._channel = channel
        self._subchannel = subchannel
        self._service = service
        self._on_change = on_change
        self._call: ClientCall | None = None
        self._answered = False
        self._failures = 0
        self._retry: TimerHandle | None = None

    def begin(self) -> None:
        """Ask the server."""
        from .services.bundled import bundled  # compiled by those who check health

        self._retry = None
        link = self._subchannel.link
        if link is None:
            return
        self._answered = False
        schema: Any = bundled("grpc/health/v1/health.proto")
        self._response: Any = schema.HealthCheckResponse
        owner = self._subchannel.owner
        headers = request_headers(_PATH, owner.authority, owner.scheme)
        call = self._call = link.core.start_call(headers, None, None, self._channel.now())
        call.sink = self
        call.send_message(schema.HealthCheckRequest(service=self._service).encode())
        call.end_sending()
        self._subchannel.watched = True
        link.schedule_flush()

    def close(self) -> None:
        """The connection is not used any more, or health does not matter."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        call, self._call = self._call, None
        if call is not None:
            call.sink = _NOBODY
            call.cancel()
            self._subchannel.watched = False
            for link in self._subchannel.links:
                link.schedule_flush()

    # -- the sink of the call -------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Nothing waits for it."""

    def response_started(self) -> None:
        """It may take long until it tells something."""

    def message_received(self, envelope: Envelope, size: int) -> None:
        """The server tells its health."""
        call = self._call
        if call is None:
            return
        call.consumed(size)
        self._answered = True
        self._failures = 0
        try:
            status = self._response.decode(call.open(envelope)).status
        except (ValueError, CompressionError) as error:
            self._become(TRANSIENT_FAILURE, f"its answer about health cannot be read: {error}")
            return
        name = getattr(status, "name", status)
        if name == "SERVING":
            self._become(READY)
        else:
            self._become(TRANSIENT_FAILURE, f"the server reports {name} for {self._service or 'itself'}")

    def ended(self, status: Status) -> None:
        """The call is over. If its connection is too, the subchannel is going to say so."""
        self._call = None
        self._subchannel.watched = False
        if status.code is StatusCode.UNIMPLEMENTED:
            _log.error("%s has no health service: it counts as healthy (%s)", self._subchannel.address, _PATH)
            self._become(READY)
            return
        self._become(TRANSIENT_FAILURE, f"watching its health failed: {status.code.name} {status.message}")
        now = self._channel.now()
        if self._answered:
            self._retry = self._channel.schedule(now, self.begin)
            return
        self._failures += 1
        backoff = self._subchannel.owner.backoff
        self._retry = self._channel.schedule(
            now + backoff.delay(self._failures, self._channel.rng), self.begin
        )

    def _become(self, state: ConnectivityState, failure: str = "") -> None:
        self.state = state
        self.failure = f"{self._subchannel.address}: {failure}" if failure else ""
        self._on_change()


class _Nobody:
    """The sink of a call that nobody asks about any more."""

    def wake(self) -> None: ...

    def response_started(self) -> None: ...

    def message_received(self, envelope: Envelope, size: int) -> None: ...

    def ended(self, status: Status) -> None: ...


_NOBODY = _Nobody()
