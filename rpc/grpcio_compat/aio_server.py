"""`grpc.aio.server()`: barewire's server, set up by grpcio's methods."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from ..aio.server import Server as BarewireServer
from ..generic_handlers import GenericHandler, HandlerCallDetails, as_generic_handler
from ..listening import Listening, open_listening
from .aio_interceptors import ServerInterceptor, intercepted
from .credentials import ServerCredentials
from .handlers import GenericRpcHandler, compression_name
from .options import Arguments, server_keywords


class Server:
    """Collects handlers and ports; `start` makes the server that answers. Services come from `add_…_to_server`."""

    def __init__(
        self,
        executor: Executor | None,
        handlers: Iterable[GenericRpcHandler],
        interceptors: Sequence[ServerInterceptor],
        options: Arguments,
        maximum_concurrent_rpcs: int | None,
        compression: Any,
    ) -> None:
        self._keywords = server_keywords(options)
        self._keywords |= {"executor": executor, "max_concurrent_calls": maximum_concurrent_rpcs}
        if compression is not None:
            self._keywords["compression"] = compression_name(compression)
        self._interceptors = tuple(interceptors)
        self._generic: list[GenericHandler] = []
        self._registered: dict[str, Any] = {}
        self._ports: list[tuple[Listening, ServerCredentials | None]] = []
        self._server: BarewireServer | None = None
        self.add_generic_rpc_handlers(tuple(handlers))

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[Any]) -> None:
        """Ask these for the handlers of calls, after those registered by name. Call it before `start`."""
        self._generic += map(as_generic_handler, generic_rpc_handlers)

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        """The handlers of one service by method name. Call it before `start`."""
        self._registered |= {f"/{service_name}/{name}": handler for name, handler in method_handlers.items()}

    def add_insecure_port(self, address: str) -> int:
        """Open "host:port", "[::]:port", "unix:path"; nothing is accepted before `start`. Returns the port.

        Raises RuntimeError if the address cannot be used.
        """
        return self._open(address, None)

    def add_secure_port(self, address: str, server_credentials: ServerCredentials) -> int:
        """The same with TLS."""
        return self._open(address, server_credentials)

    def _open(self, address: str, credentials: ServerCredentials | None) -> int:
        if self._server is not None:
            raise RuntimeError("the server has started; add its ports before")
        try:
            opened = open_listening(address)
        except OSError as error:
            raise RuntimeError(f"Failed to bind to address {address}: {error}") from error
        self._ports += [(listening, credentials) for listening in opened]
        return opened[0].port or 1  # grpcio says 1 for a unix socket

    def _find(self, details: HandlerCallDetails) -> Any:
        handler = self._registered.get(details.method)
        if handler is not None:
            return handler
        return next((found for ask in self._generic if (found := ask(details)) is not None), None)

    async def start(self) -> None:
        """Serve. A program starts its server once."""
        if self._server is not None:
            raise RuntimeError("the server has started already")
        find = intercepted(self._interceptors, self._find) if self._interceptors else self._find
        self._server = BarewireServer(
            generic_handlers=[find], health=False, reflection=False, **self._keywords
        )
        for listening, credentials in self._ports:
            await self._server.start(listening, tls=None if credentials is None else credentials.tls)

    async def stop(self, grace: float | None) -> None:
        """Stop: calls in flight get `grace` seconds (None: none)."""
        if self._server is None:
            for listening, _ in self._ports:
                listening.close()
        else:
            await self._server.stop(grace or 0)

    async def wait_for_termination(self, timeout: float | None = None) -> bool:
        """Wait until the server has stopped. True if it has not within `timeout` seconds."""
        if self._server is None:
            raise RuntimeError("the server has not been started")
        try:
            await asyncio.wait_for(self._server.wait_for_termination(), timeout)
        except TimeoutError:
            return True
        return False
