"""Which pages of other origins may call: what browsers ask, and what they are told (Fetch standard, "CORS protocol").

A browser enforces it, not the server: a page that may not call gets no headers that say so, and its browser keeps the
answer from it. gRPC's content types are none that a page may send without being allowed to, so it never comes that far.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Sequence

from ..header_blocks import HeaderField

logger = logging.getLogger("barewire.rpc.server")

_METHOD = b"access-control-request-method"
_HEADERS = b"access-control-request-headers"
_NAMES = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z, ]*")
# Shown to pages in any case, or not theirs to see.
_NOT_NAMED = frozenset({b"content-type", b"content-length", b"cache-control", b"vary", b"connection"})
_STATUS_NAMES = (b"grpc-status", b"grpc-message", b"grpc-status-details-bin")


class Cors:
    """The rules of one server. `allowed`: the origins, "*" for all, or a function that is asked."""

    def __init__(
        self, allowed: frozenset[str] | Callable[[str], bool], *, credentials: bool, max_age: int
    ) -> None:
        self._allowed = allowed
        self._every = not callable(allowed) and "*" in allowed
        self._credentials = credentials
        self._max_age = max_age

    def allows(self, origin: bytes | None) -> bool:
        """Whether pages of this origin may call."""
        if origin is None:
            return False
        allowed, name = self._allowed, origin.decode("latin-1")
        if not callable(allowed):
            return self._every or name in allowed
        try:
            return bool(allowed(name))
        except Exception:  # it is the user's, and the connection has calls of others
            logger.exception("Web(origins=...) failed at %.200r, whose pages may not call then", name)
            return False

    def response_fields(self, origin: bytes | None, names: Iterable[bytes] = ()) -> list[HeaderField]:
        """What a response gets for a page of `origin`, which may see the fields `names` of it and gRPC's."""
        allowed = self.allows(origin)
        fields = self._origin_fields(origin if allowed else None)
        if allowed:
            own = (name for name in names if name[:1] != b":" and name not in _NOT_NAMED)
            shown = dict.fromkeys([*_STATUS_NAMES, *own])
            fields.append((b"access-control-expose-headers", b", ".join(shown)))
        return fields

    @staticmethod
    def is_preflight(request: Sequence[HeaderField]) -> bool:
        """Whether an OPTIONS request is a browser's, which asks whether it may call."""
        return {b"origin", _METHOD} <= {name for name, _ in request}

    def preflight_fields(self, request: Sequence[HeaderField]) -> list[HeaderField] | None:
        """The answer to that: POST, with the headers that the page wants to send. None if it may not call."""
        asked = dict(reversed(request))
        origin = asked.get(b"origin")
        if not self.allows(origin):
            return None
        fields = self._origin_fields(origin)
        fields.append((b"access-control-allow-methods", b"POST"))
        names = asked.get(_HEADERS, b"")
        if names and _NAMES.fullmatch(names):
            fields.append((b"access-control-allow-headers", names))
        fields.append((b"access-control-max-age", b"%d" % self._max_age))
        return fields

    def _origin_fields(self, origin: bytes | None) -> list[HeaderField]:
        """Who may read it, if anybody may. Caches have to know that another origin gets another answer."""
        fields: list[HeaderField] = [] if self._every else [(b"vary", b"origin")]
        if origin is not None:
            fields.append((b"access-control-allow-origin", b"*" if self._every else origin))
            if self._credentials:
                fields.append((b"access-control-allow-credentials", b"true"))
        return fields
