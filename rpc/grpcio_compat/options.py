"""grpcio's channel arguments (`("grpc.…", value)`) as keywords of Channel and Server.

Arguments that are not listed change nothing, as in grpcio; they are named in the log at level DEBUG.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ..backoff import BackoffPolicy
from ..keepalive import SERVER_KEEPALIVE, Keepalive
from ..ping_policy import PingPolicy

logger = logging.getLogger("barewire.rpc.grpcio_compat")

Arguments = Iterable[tuple[str, Any]] | None


class _Option(NamedTuple):
    keyword: str
    convert: Callable[[Any], Any]


def _seconds(milliseconds: int) -> float:
    return math.inf if milliseconds >= 2**31 - 1 else milliseconds / 1000


def _seconds_or_never(milliseconds: int) -> float | None:
    return None if milliseconds >= 2**31 - 1 else milliseconds / 1000


def _size(value: int) -> int:
    return 2**31 - 1 if value < 0 else value


def _strikes(value: int) -> int:
    return value or 2**31 - 1  # 0: as many as they like


def _size_or_any(value: int) -> int | None:
    return None if value < 0 else value


_BOTH = {
    "grpc.max_receive_message_length": _Option("max_receive_message_size", _size),
    "grpc.max_send_message_length": _Option("max_send_message_size", _size_or_any),
    "grpc.max_metadata_size": _Option("max_header_list_size", int),
}
_CLIENT = {
    "grpc.default_authority": _Option("authority", str),
    "grpc.ssl_target_name_override": _Option("authority", str),
    "grpc.service_config": _Option("service_config", str),
    "grpc.enable_retries": _Option("retries", bool),
    "grpc.lb_policy_name": _Option("load_balancing", str),
    "grpc.client_idle_timeout_ms": _Option("idle_timeout", _seconds_or_never),
}
_SERVER = {
    "grpc.max_concurrent_streams": _Option("max_concurrent_streams", int),
    "grpc.max_connection_idle_ms": _Option("max_connection_idle", _seconds_or_never),
    "grpc.max_connection_age_ms": _Option("max_connection_age", _seconds_or_never),
    "grpc.max_connection_age_grace_ms": _Option("max_connection_age_grace", _seconds_or_never),
}
_KEEPALIVE = {
    "grpc.keepalive_time_ms": _Option("time", _seconds),
    "grpc.keepalive_timeout_ms": _Option("timeout", _seconds),
    "grpc.keepalive_permit_without_calls": _Option("without_calls", bool),
}
_SERVER_KEEPALIVE = {
    name: _KEEPALIVE[name] for name in ("grpc.keepalive_time_ms", "grpc.keepalive_timeout_ms")
}
_PING_POLICY = {
    "grpc.http2.min_ping_interval_without_data_ms": _Option("min_interval", _seconds),
    "grpc.http2.max_ping_strikes": _Option("max_strikes", _strikes),
    "grpc.keepalive_permit_without_calls": _Option("without_calls", bool),
}
_BACKOFF = {
    "grpc.initial_reconnect_backoff_ms": _Option("initial", _seconds),
    "grpc.max_reconnect_backoff_ms": _Option("maximum", _seconds),
}


def _pick(arguments: Mapping[str, Any], *tables: Mapping[str, _Option]) -> dict[str, Any]:
    options = {name: option for table in tables for name, option in table.items()}
    return {
        options[name].keyword: options[name].convert(value)
        for name, value in arguments.items()
        if name in options
    }


def _tell_unknown(arguments: Mapping[str, Any], *tables: Mapping[str, _Option]) -> None:
    unknown = [name for name in arguments if not any(name in table for table in tables)]
    if unknown:
        logger.debug("channel arguments without an effect here: %s", ", ".join(unknown))


def channel_keywords(arguments: Arguments) -> dict[str, Any]:
    """What they mean to a Channel. Raises TypeError or ValueError for values that cannot be."""
    given = dict(arguments or ())
    keywords = _pick(given, _BOTH, _CLIENT)
    if keepalive := _pick(given, _KEEPALIVE):
        keywords["keepalive"] = Keepalive(**keepalive)
    if backoff := _pick(given, _BACKOFF):
        keywords["backoff"] = BackoffPolicy(**backoff)
    _tell_unknown(given, _BOTH, _CLIENT, _KEEPALIVE, _BACKOFF)
    return keywords


def server_keywords(arguments: Arguments) -> dict[str, Any]:
    """What they mean to a Server. Raises TypeError or ValueError for values that cannot be."""
    given = dict(arguments or ())
    keywords = _pick(given, _BOTH, _SERVER)
    if keepalive := _pick(given, _SERVER_KEEPALIVE):
        keywords["keepalive"] = replace(SERVER_KEEPALIVE, **keepalive)
    if policy := _pick(given, _PING_POLICY):
        keywords["ping_policy"] = PingPolicy(**policy)
    _tell_unknown(given, _BOTH, _SERVER, _SERVER_KEEPALIVE, _PING_POLICY)
    return keywords
