"""Client-side health checking (R87, A17): what a server says about its health decides whether it gets calls."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from .connectivity import CONNECTING, READY, TRANSIENT_FAILURE, ConnectivityState
from .subchannel import Subchannel
from .subchannel_stream import SubchannelStream


class HealthWatch(SubchannelStream):
    """A Watch call on the connection of a READY subchannel. `on_change` is called when `state` may have changed.

    CONNECTING until the server has answered; then READY for SERVING, TRANSIENT_FAILURE for anything else. A server
    without a health service counts as healthy.
    """

    path = "/grpc.health.v1.Health/Watch"
    what = "health service"
    log = logging.getLogger("barewire.rpc.health")

    def __init__(self, subchannel: Subchannel, service: str, on_change: Callable[[], object]) -> None:
        super().__init__(subchannel)
        self.state: ConnectivityState = CONNECTING
        self.failure = ""
        self._service = service
        self._on_change = on_change

    def request(self) -> bytes:
        return _schema().HealthCheckRequest(service=self._service).encode()

    def received(self, payload: bytes) -> None:
        status = _schema().HealthCheckResponse.decode(payload).status
        name = getattr(status, "name", status)
        if name == "SERVING":
            self._become(READY)
        else:
            self.failed(f"the server reports {name} for {self._service or 'itself'}")

    def failed(self, reason: str) -> None:
        self._become(TRANSIENT_FAILURE, f"{self.subchannel.address}: {reason}")

    def refused(self) -> None:
        self._become(READY)

    def _become(self, state: ConnectivityState, failure: str = "") -> None:
        self.state = state
        self.failure = failure
        self._on_change()


def _schema() -> Any:
    from .services.bundled import bundled  # compiled by those who check health

    return bundled("grpc/health/v1/health.proto")
