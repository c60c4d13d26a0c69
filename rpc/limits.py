"""Every bound of a connection, with its name and its default.

The defaults are safe against a hostile peer. Raising one is a keyword argument of `Channel` and `Server`; errors that a
limit causes name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from .arguments import SECONDS_OR_ZERO, check, instance, optional, whole
from .errors import RpcConfigurationError

HTTP2_DEFAULT_WINDOW = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes are in bytes, times in seconds."""

    max_receive_message_size: int = 4 * 1024 * 1024
    max_send_message_size: int | None = None
    max_header_list_size: int = 16 * 1024  # as HTTP/2 counts: name + value + 32 for each field (R30)
    max_concurrent_streams: int = 1000  # calls that a client may have open on one connection
    stream_window: int = 256 * 1024  # what a peer may send on one call ahead of the application
    connection_window: int = 4 * 1024 * 1024
    max_unread_bytes: int = (
        16 * 1024 * 1024
    )  # on one connection, received but not yet read by the application
    max_window: int = 8 * 1024 * 1024  # how far both windows may grow where they hold a fast peer up
    max_unfinished_bytes: int = (
        64 * 1024 * 1024
    )  # of incomplete messages on one connection; at least one may come
    send_buffer: int = 64 * 1024  # on one call; a sender waits while more than this is queued
    retry_buffer: int = 256 * 1024  # requests of one call, kept for another attempt; with more there is none
    retry_buffer_total: int = 16 * 1024 * 1024  # the same of all calls of a channel
    max_continuation_frames: int = 64  # in one header block
    max_resets_per_second: int = 1000  # RST_STREAM, in either direction (rapid reset)
    max_control_frames_per_second: int = (
        2000  # PING, SETTINGS, PRIORITY, empty DATA, frames on finished streams
    )
    max_unsent_replies: int = 10_000  # to such frames and to refused requests, while the peer takes nothing
    max_waiting_calls: int = 100_000  # calls that wait for a stream or for a connection
    connect_timeout: float = 20.0
    handshake_timeout: float = 20.0
    stall_timeout: float = 600.0  # for a peer that has opened no window for what is queued

    def __post_init__(self) -> None:
        for field in fields(self):
            wanted = _WINDOW if field.name in _WINDOWS else _BY_TYPE[str(field.type)]
            check(field.name, getattr(self, field.name), wanted)


_WINDOWS = ("stream_window", "connection_window", "max_window")
# A peer may use the HTTP/2 default before it has seen our SETTINGS.
_WINDOW = whole(HTTP2_DEFAULT_WINDOW, 2**31 - 1)
_BY_TYPE = {"int": whole(0), "int | None": optional(whole(0)), "float": SECONDS_OR_ZERO}


_ELSEWHERE = {
    (name, "Server"): "an argument of start(), not of the server: it may listen on several addresses"
    for name in ("address", "tls", "reuse_port")
}


def make_limits(
    limits: Limits | None, overrides: Mapping[str, Any], owner: str, keywords: Iterable[str]
) -> Limits:
    """`limits` (or the defaults) with single fields replaced. Raises RpcConfigurationError for a name that is none; it
    tells which limit, or which of the other `keywords` of the owner (the class), was probably meant."""
    check("limits", limits, optional(instance(Limits)))
    known = [field.name for field in fields(Limits)]
    unknown = sorted(set(overrides) - set(known))
    if unknown:
        hints = "; ".join(_hint(name, owner, [*keywords, *known]) for name in unknown)
        raise RpcConfigurationError(f"{hints}; the limits are {', '.join(known)}")
    return replace(limits or Limits(), **overrides)


def _hint(name: str, owner: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches  # for those who need it

    place = _ELSEWHERE.get((name, owner))
    close = get_close_matches(name, known, 1)
    meant = f": it is {place}" if place else f" (is {close[0]} meant?)" if close else ""
    return f"unknown option {name}{meant}"
