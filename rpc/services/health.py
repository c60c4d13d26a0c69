"""grpc.health.v1.Health: whether the server and its services take calls (R98)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from ..errors import RpcError
from ..status import StatusCode
from .bundled import bundled

_schema = bundled("grpc/health/v1/health.proto")
HealthCheckResponse: Any = _schema.HealthCheckResponse
HealthListResponse: Any = _schema.HealthListResponse
ServingStatus: Any = _schema.HealthCheckResponse.ServingStatus
_Base: Any = _schema.HealthServicer

_MAX_LISTED = 100


class HealthServicer(_Base):
    """The health of a server: "" stands for the whole of it, other names for services.

    All known services are SERVING until `set` says otherwise; `shut_down` makes all NOT_SERVING for good.
    """

    def __init__(self, services: Iterable[str] = ()) -> None:
        self._statuses: dict[str, Any] = dict.fromkeys(["", *sorted(services)], ServingStatus.SERVING)
        self._shut_down = False
        self._changed = asyncio.Event()  # replaced at every change

    def set(self, service: str, status: Any) -> None:
        """Set the status of a service (a ServingStatus, or its name or number); watchers are told."""
        if self._shut_down:
            return
        value = ServingStatus[status] if isinstance(status, str) else ServingStatus(status)
        if self._statuses.get(service) != value:
            self._statuses[service] = value
            self._tell_watchers()

    def shut_down(self) -> None:
        """Everything is NOT_SERVING from now on."""
        self._shut_down = True
        self._statuses = dict.fromkeys(self._statuses, ServingStatus.NOT_SERVING)
        self._tell_watchers()

    def _tell_watchers(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def Check(self, request: Any, context: Any) -> Any:
        """The status of one service. NOT_FOUND if the server does not know it."""
        status = self._statuses.get(request.service)
        if status is None:
            raise RpcError(StatusCode.NOT_FOUND, f"unknown service {request.service!r}")
        return HealthCheckResponse(status=status)

    async def List(self, request: Any, context: Any) -> Any:
        """The status of all services."""
        if len(self._statuses) > _MAX_LISTED:
            raise RpcError(
                StatusCode.RESOURCE_EXHAUSTED, f"more than {_MAX_LISTED} services; check them one by one"
            )
        return HealthListResponse(
            statuses={name: HealthCheckResponse(status=status) for name, status in self._statuses.items()}
        )

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """The status of one service, now and after every change; ends when the server shuts down."""
        last = None
        while True:
            changed = self._changed
            status = self._statuses.get(request.service, ServingStatus.SERVICE_UNKNOWN)
            if status != last:
                last = status
                yield HealthCheckResponse(status=status)
            if self._shut_down:
                return
            await changed.wait()
