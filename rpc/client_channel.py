"""What the channels of all shells have in common: their arguments, their methods, their state."""

from __future__ import annotations

import random
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from .arguments import (
    FLAG,
    FUNCTIONS,
    ITEMS,
    SECONDS,
    SECONDS_OR_ZERO,
    TEXT,
    check_arguments,
    either,
    instance,
    number,
    one_of,
    optional,
    text,
    whole,
)
from .backoff import BackoffPolicy
from .balancer import BalancerFactory
from .channel_core import CLOSED, ChannelCore
from .channelz import Channelz
from .client_connection import ClientConnection
from .compression import ENCODINGS
from .connectivity import SHUTDOWN
from .dns_resolver import dns_resolver
from .errors import RpcConfigurationError
from .events import GoAwayReceived
from .interceptor import Interceptor, checked_interceptors
from .keepalive import Keepalive, too_many_pings
from .limits import Limits, make_limits
from .method_factories import MethodFactories, StreamStream, StreamUnary, UnaryStream, UnaryUnary
from .policies import BALANCERS
from .proxy import ENVIRONMENT, Proxy, choose_proxy
from .resolver import MIN_INTERVAL, Endpoint, ResolverFactory, static_resolver
from .retry import ChannelRetries
from .service_config import ServiceConfig, parse_service_config
from .status import Http2Error
from .target import ChannelTarget, parse_address_list, parse_channel_target, parse_target

_ARGUMENTS = {
    "target": TEXT,
    "tls": optional(either(instance(ssl.SSLContext), FLAG)),
    "authority": optional(text("a host, with a port or without", "[!-~]+")),
    "interceptors": ITEMS,
    "compression": optional(one_of(ENCODINGS)),
    "wait_for_ready": FLAG,
    "service_config": optional(instance(str, Mapping, ServiceConfig)),
    "service_config_from_resolver": FLAG,
    "service_config_from_dns": FLAG,
    "retries": FLAG,
    "load_balancing": TEXT,
    "balancers": optional(FUNCTIONS),
    "resolvers": optional(FUNCTIONS),
    "backoff": optional(instance(BackoffPolicy)),
    "idle_timeout": optional(SECONDS),
    "resolve_interval": SECONDS_OR_ZERO,
    "connection_attempt_delay": number(0.1, 2.0, "seconds"),  # RFC 8305, section 8
    "max_connections_per_subchannel": whole(1, 10),  # A105
    "keepalive": optional(instance(Keepalive)),
    "proxy": optional(TEXT),
    "channelz": optional(instance(Channelz)),
}


class ClientChannel(ChannelCore, MethodFactories[UnaryUnary, UnaryStream, StreamUnary, StreamStream]):
    """A channel without its transport. Shells say how to connect, and which classes their methods are.

    `barewire.rpc.Channel` documents the arguments.
    """

    def __init__(
        self,
        target: str,
        *,
        tls: ssl.SSLContext | bool | None = None,
        authority: str | None = None,
        interceptors: Sequence[Interceptor] = (),
        compression: str | None = None,
        wait_for_ready: bool = False,
        service_config: str | Mapping[str, Any] | ServiceConfig | None = None,
        service_config_from_resolver: bool = True,
        service_config_from_dns: bool = False,
        retries: bool = True,
        load_balancing: str = "pick_first",
        balancers: Mapping[str, BalancerFactory] | None = None,
        resolvers: Mapping[str, ResolverFactory] | None = None,
        backoff: BackoffPolicy | None = None,
        idle_timeout: float | None = 30 * 60.0,
        resolve_interval: float = MIN_INTERVAL,
        connection_attempt_delay: float = 0.25,
        max_connections_per_subchannel: int = 1,
        keepalive: Keepalive | None = None,
        proxy: str | None = ENVIRONMENT,
        channelz: Channelz | None = None,
        limits: Limits | None = None,
        **limit_overrides: Any,
    ) -> None:
        check_arguments(_ARGUMENTS, locals())
        parsed = parse_channel_target(target, resolvers or {})
        config = parse_service_config(service_config)
        known = {**BALANCERS, **(balancers or {})}
        if load_balancing not in known:
            raise RpcConfigurationError(
                f"load_balancing is {load_balancing!r}; known are {', '.join(known)} (others come by `balancers`)"
            )
        self.proxy = choose_proxy(parsed, proxy, self._environment())
        if self.proxy is not None:
            resolver = _proxy_resolver(self.proxy, resolve_interval)
        else:
            txt = service_config_from_dns and service_config_from_resolver
            own = (resolvers or {}).get(parsed.scheme)
            resolver = own or _built_in_resolver(parsed, resolve_interval, txt)
        super().__init__(
            parsed,
            resolver,
            known,
            load_balancing,
            config,
            limits=make_limits(limits, limit_overrides, "Channel", _ARGUMENTS),
            backoff=backoff or BackoffPolicy(),
            rng=random.Random(),
        )
        self.target_uri = parsed.uri
        self.authority = authority or parsed.authority
        self.scheme = "https" if tls else "http"
        self.idle_timeout = idle_timeout
        self.connection_attempt_delay = connection_attempt_delay
        self.max_connections_per_subchannel = max_connections_per_subchannel
        self.keepalive = (keepalive or Keepalive()).for_client()  # of the connections to come
        self.resolver_configs = service_config_from_resolver
        self.interceptors = checked_interceptors(interceptors)
        self.compression = compression
        self.wait_for_ready = wait_for_ready
        self.retries = ChannelRetries(retries, self.limits, self.rng)
        self.retries.configure(config)
        self._tls = _client_context(tls)
        if channelz is not None:
            self.show_in(channelz)
        self._set_up()

    def _environment(self) -> Mapping[str, str]:
        """The variables that may name a proxy."""
        raise NotImplementedError

    def _set_up(self) -> None:
        """Make what the shell needs besides."""

    def goaway_received(self, core: ClientConnection, event: GoAwayReceived) -> None:
        """A server closes a connection. If that is for too many PINGs, the next ones send fewer (R67)."""
        enraged = event.error_code == Http2Error.ENHANCE_YOUR_CALM and event.debug_data == b"too_many_pings"
        if enraged and core.keepalive is not None and core.keepalive.enabled:
            slower = too_many_pings(core.peer, core.keepalive)
            self.keepalive = max(self.keepalive, slower, key=lambda keepalive: keepalive.time)

    # -- state ----------------------------------------------------------------------------------------------------

    def use_service_config(self, config: ServiceConfig) -> None:
        super().use_service_config(config)
        self.retries.configure(config)

    def shut_down(self) -> None:
        super().shut_down()
        self.retries.end_waiting(CLOSED)

    @property
    def _closed(self) -> bool:
        return self.state is SHUTDOWN

    def check_open(self) -> None:
        """Raises RuntimeError if the channel is closed."""
        if self.state is SHUTDOWN:
            raise RuntimeError(f"the channel to {self.target} is closed")

    @property
    def tls_name(self) -> str | None:
        """The name that the server's certificate has to bear; None without TLS."""
        if self._tls is None:
            return None
        if self.authority.startswith("["):
            return self.authority[1:].partition("]")[0]
        return self.authority.partition(":")[0]

    def __repr__(self) -> str:
        return f"<Channel {self.target}>"


def check_alpn(chosen: str | None) -> None:
    """Raises ConnectionError unless TLS has agreed to HTTP/2."""
    if chosen != "h2":
        raise ConnectionError(f"the server did not agree to HTTP/2 in TLS (ALPN chose {chosen})")


def _client_context(tls: ssl.SSLContext | bool | None) -> ssl.SSLContext | None:
    if not tls:
        return None
    context = ssl.create_default_context() if tls is True else tls
    if context.protocol is ssl.PROTOCOL_TLS_SERVER:
        raise RpcConfigurationError(
            "tls is a context for servers; make one with ssl.create_default_context()"
        )
    context.set_alpn_protocols(["h2"])
    return context


def _built_in_resolver(target: ChannelTarget, interval: float, txt: bool) -> ResolverFactory:
    match target.scheme:
        case "unix":
            return static_resolver([Endpoint(parse_target(target.endpoint))])
        case "ipv4" | "ipv6":
            return static_resolver(map(Endpoint, parse_address_list(target.scheme, target.endpoint)))
        case _:
            return dns_resolver(interval=interval, service_config=txt)


def _proxy_resolver(proxy: Proxy, interval: float) -> ResolverFactory:
    """The addresses to connect to are the proxy's; it looks the target up itself (A1)."""
    name = proxy.address.authority
    return lambda target: dns_resolver(interval=interval)(ChannelTarget("dns", name, str(proxy)))
