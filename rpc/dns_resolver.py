"""The resolver for dns names: addresses from the system, service configs from TXT records for who wants them (A2)."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from .arguments import FLAG, check_arguments
from .dns_config import config_name, read_config_records
from .errors import RpcConfigurationError
from .polling_resolver import INTERVALS, PollingResolver
from .resolver import (
    MIN_INTERVAL,
    Endpoint,
    Resolver,
    ResolverChannel,
    ResolverFactory,
    ResolverResult,
    StaticResolver,
)
from .service_config import ServiceConfig
from .target import ChannelTarget, Target, numeric_version, parse_target

_log = logging.getLogger("barewire.rpc.channel")
_ARGUMENTS = {**INTERVALS, "service_config": FLAG}


def dns_resolver(
    *, interval: float = MIN_INTERVAL, refresh: float | None = None, service_config: bool = False
) -> ResolverFactory:
    """A factory for resolvers that ask the system (getaddrinfo). The first arguments are those of `polling_resolver`.

    With `service_config`, TXT records of `_grpc_config.<host>` are looked up besides, except for localhost and IP
    addresses; see `dns_config`. It needs dnspython: `pip install barewire[dns]`. Raises RpcConfigurationError without,
    and for other arguments.
    """
    check_arguments(_ARGUMENTS, locals())
    if service_config:
        _require_dnspython()

    def make(target: ChannelTarget) -> Resolver:
        name = parse_target(target.endpoint)
        if numeric_version(name.host) is not None:  # nothing to ask for
            return StaticResolver(ResolverResult((Endpoint(name),)))
        lookup = _DnsLookup(name, config_name(name.host) if service_config else None)
        return PollingResolver(lookup.run, interval, refresh)

    return make


class _DnsLookup:
    """One name's addresses and, if that is asked for, its service config."""

    def __init__(self, name: Target, config_name: str | None) -> None:
        self._name = name
        self._config_name = config_name
        self._config: ServiceConfig | RpcConfigurationError | None = None  # what was found last
        self._percentile: int | None = None  # where this client stands among all

    def run(self, channel: ResolverChannel, done: Callable[[Any], object]) -> None:
        """Find out; `done` gets a ResolverResult or an exception."""

        def addresses_found(found: Any) -> None:
            try:
                if isinstance(found, Exception):
                    raise found
                result = ResolverResult(_endpoints(found))
            except Exception as error:
                done(error)
                return
            if self._config_name is None:
                done(result)
            else:
                channel.run(partial(channel.look_up_txt, self._config_name), partial(config_found, result))

        def config_found(result: ResolverResult, found: Any) -> None:
            self._take_config(channel, found)
            done(replace(result, service_config=self._config))

        channel.run(partial(channel.getaddrinfo, self._name.host, self._name.port), addresses_found)

    def _take_config(self, channel: ResolverChannel, found: Any) -> None:
        """A lookup that fails says nothing: what was found before stays."""
        if isinstance(found, Exception):
            _log.warning("the service config at %s cannot be looked up: %s", self._config_name, found)
            return
        if self._percentile is None:
            self._percentile = channel.rng.randrange(100)
        try:
            self._config = read_config_records(found, platform.node(), self._percentile)
        except RpcConfigurationError as error:
            self._config = RpcConfigurationError(f"the TXT record of {self._config_name}: {error}")


def _endpoints(found: Iterable[Any]) -> tuple[Endpoint, ...]:
    """One endpoint for each address, in the order that the system prefers."""
    addresses = dict.fromkeys(Target(str(address[0]), int(address[1])) for *_, address in found)
    return tuple(Endpoint(address) for address in addresses)


def _require_dnspython() -> None:
    try:
        import dns.resolver  # noqa: F401  # pyright: ignore[reportUnusedImport]  # only to see whether it is there
    except ImportError as error:
        raise RpcConfigurationError(
            "service configs from DNS need dnspython: pip install 'barewire[dns]'"
        ) from error
