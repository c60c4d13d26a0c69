"""What a server serves: its servicers, the standard services, generic handlers; and which of them answers a path."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from .errors import RpcConfigurationError
from .generic_handlers import GenericHandler, HandlerCallDetails, as_generic_handler, as_method_handler
from .handlers import MethodHandler, handlers_of, service_of
from .headers import Request
from .status import Status, StatusCode

logger = logging.getLogger("barewire.rpc.server")


class ServiceTable:
    """See the module. Paths are looked up in a dictionary; generic handlers are asked, in order, for the others."""

    def __init__(self, *, health: bool, reflection: bool, standard: Sequence[object] = ()) -> None:
        # Imported here: both compile their schemas, which a program that only calls has no use for.
        from .services import HealthServicer, make_reflection

        self._handlers: dict[str, MethodHandler] = {}
        self._services: set[str] = set()
        self._generic: list[GenericHandler] = []
        self.own: list[str] = []  # the names of the services that were added, in order
        self.health = HealthServicer() if health else None
        self._reflection, reflecting = make_reflection() if reflection else (None, [])
        for servicer in [*reflecting, *standard, *([self.health] if self.health else [])]:
            self._index(servicer)

    # -- filling it -----------------------------------------------------------------------------------------------

    def add(self, servicer: Any) -> None:
        """Serve a servicer: an object whose class derives from a generated or loaded `…Servicer`.

        A grpc.health.v1.Health of the user's own replaces the one that comes along. Raises RpcConfigurationError for
        an object that is no servicer, or if another one has one of its paths.
        """
        spec = service_of(servicer)
        if self.health is not None and spec is not None and spec.full_name == "grpc.health.v1.Health":
            for handler in handlers_of(self.health):
                del self._handlers[handler.path]
            self.health = None
        self._index(servicer)
        if spec is not None:
            self.own.append(spec.full_name)
            if self.health is not None:
                self.health.set(spec.full_name, "SERVING")

    def _index(self, servicer: Any) -> None:
        handlers = handlers_of(servicer)
        for handler in handlers:
            if handler.path in self._handlers:
                raise RpcConfigurationError(f"two servicers handle {handler.path}")
        self._handlers.update((handler.path, handler) for handler in handlers)
        spec = service_of(servicer)
        assert spec is not None
        self._services.add(spec.full_name)
        if self._reflection is not None:
            self._reflection.add(servicer)

    def add_generic(self, handler: Any) -> None:
        """Ask a generic handler (see generic_handlers) for paths that no servicer has."""
        self._generic.append(as_generic_handler(handler))

    def check_names(self, names: Iterable[str], option: str) -> None:
        """Raises RpcConfigurationError if one of `names`, services or paths, is served by nobody here. Generic
        handlers may serve any."""
        unknown = [name for name in names if name not in self._handlers and name not in self._services]
        if unknown and not self._generic:
            known = ", ".join(sorted(self._services))
            raise RpcConfigurationError(
                f"{option} names {', '.join(unknown)}, which this server does not serve; its services are {known}"
            )

    # -- asking it ------------------------------------------------------------------------------------------------

    def find(self, path: str) -> MethodHandler | None:
        """The servicers' handler of a path."""
        return self._handlers.get(path)

    def find_generic(self, request: Request) -> MethodHandler | Status:
        """The generic handlers' answer to a request that `find` knows nothing of; or why there is none."""
        if self._generic:
            details = HandlerCallDetails(request.path, request.metadata.copy())
            try:
                for handler in self._generic:
                    found = handler(details)
                    if found is not None:
                        return as_method_handler(request.path, found)
            except Exception as error:
                logger.exception("a generic handler failed at %.200s", request.path)
                return Status(StatusCode.UNKNOWN, f"the generic handler raised {type(error).__name__}")
        return self._unimplemented(request.path)

    def _unimplemented(self, path: str) -> Status:
        if path[:1] != "/":
            return Status(StatusCode.UNIMPLEMENTED, f"{path[:200]!r} is no method; those are /service/method")
        service = path[1:].partition("/")[0]
        if service in self._services:
            return Status(StatusCode.UNIMPLEMENTED, f"service {service} has no method for {path[:200]}")
        return Status(StatusCode.UNIMPLEMENTED, f"this server has no service {service[:200]!r}")
