"""What a server is asked for when it is to serve browsers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..arguments import FLAG, FUNCTION, ITEMS, SECONDS, TEXT, check_fields, either
from ..errors import RpcConfigurationError
from .cors import Cors

if TYPE_CHECKING:
    from ..server_connection import ServerConnection

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\sA-Z]+|null")
_OWN_PORT = re.compile(r"http://.+:80|https://.+:443")

_ARGUMENTS = {
    "origins": either(TEXT, ITEMS, FUNCTION),
    "credentials": FLAG,
    "max_age": SECONDS,
    "http1": FLAG,
    "idle_timeout": SECONDS,
}

Origins = Iterable[str] | Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Web:
    """gRPC-Web for a server: `Server(…, web=Web(origins=["https://shop.example"]))`.

    - `origins`: the pages that may call from another origin (scheme://host[:port], as browsers send it in Origin), "*"
      for all, or a function that is asked. Without any, only pages of the server's own origin can, and programs.
    - `credentials`: whether these pages may send cookies and client certificates. Not with "*", nor "null".
    - `max_age`: seconds for which browsers may remember the answer to a preflight; they have bounds of their own.
    - `http1`: whether HTTP/1.1 is served too, which takes `pip install barewire[web]`. Without TLS browsers speak
      nothing else.
    - `idle_timeout`: seconds after which an HTTP/1.1 client is given up that sends nothing, between two requests or
      within one.

    Raises RpcConfigurationError for what makes no sense, or for `http1` without h11.
    """

    origins: Origins = ()
    credentials: bool = False
    max_age: float = 7200.0
    http1: bool = True
    idle_timeout: float = 75.0

    def __post_init__(self) -> None:
        check_fields(_ARGUMENTS, self)
        if inspect.iscoroutinefunction(self.origins):
            raise RpcConfigurationError(
                "origins: the function may not be async; its coroutine would mean yes"
            )
        if not callable(self.origins):
            object.__setattr__(self, "origins", _checked_origins(self.origins))
            anybody = {"*", "null"}.intersection(self.origins)  # a sandboxed frame of any page is "null"
            if self.credentials and anybody:
                raise RpcConfigurationError(
                    f"credentials=True needs origins by name: with {min(anybody)!r} every page could act as its user"
                )
        if self.http1:
            try:
                from . import http1 as _  # noqa: F401 - said now, and not at the first request
            except ImportError:
                raise RpcConfigurationError(
                    "serving HTTP/1.1 needs h11: pip install 'barewire[web]', or Web(http1=False)"
                ) from None

    @property
    def connection(self) -> Callable[..., ServerConnection]:
        """Makes connections; the arguments are ServerConnection's."""
        from .connection import WebServerConnection

        return partial(WebServerConnection, self)

    @property
    def protocols(self) -> tuple[str, ...]:
        """What TLS may agree on."""
        return ("h2", "http/1.1") if self.http1 else ("h2",)

    @property
    def cors(self) -> Cors:
        """What browsers are told about these origins."""
        origins = self.origins
        allowed = origins if callable(origins) else frozenset(origins)
        return Cors(allowed, credentials=self.credentials, max_age=int(self.max_age))


def _checked_origins(origins: Iterable[str]) -> tuple[str, ...]:
    found = (origins,) if isinstance(origins, str) else tuple(origins)
    for origin in found:
        if origin != "*" and not (isinstance(origin, str) and _ORIGIN.fullmatch(origin)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise RpcConfigurationError(
                f"origins: {origin!r} is no origin; write scheme://host or scheme://host:port in lower case, without a "
                "path, or '*' for all"
            )
        if _OWN_PORT.fullmatch(origin):
            raise RpcConfigurationError(
                f"origins: browsers leave the scheme's own port out; so do for {origin!r}"
            )
    return found
