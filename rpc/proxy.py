"""HTTP CONNECT proxies (A1, R88): which one a channel goes through, and the handshake, without I/O."""

from __future__ import annotations

import base64
import ipaddress
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from .errors import RpcConfigurationError
from .target import ChannelTarget, Target, parse_target

logger = logging.getLogger("barewire.rpc.proxy")

ENVIRONMENT = "environment"  # for `Channel(proxy=…)`: the variables say which
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
_EXCEPTIONS = ("no_grpc_proxy", "no_proxy")
_SCHEMES = ("dns", "ipv4", "ipv6")  # of targets that can be reached through a proxy
_MAX_REPLY = 16 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3})(?: .*)?")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the place that it is to connect to."""

    address: Target
    connect_to: str  # "host:port"
    credentials: bytes | None = field(default=None, repr=False)  # "user:password"

    def __str__(self) -> str:
        return f"proxy {self.address}"


class ProxyError(ConnectionError):
    """The proxy did not make the connection."""


# -- which one ----------------------------------------------------------------------------------------------------


def choose_proxy(target: ChannelTarget, proxy: str | None, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy on the way to `target`, None if there is none.

    `proxy` is "http://user:password@host:port", None, or ENVIRONMENT: then the first of grpc_proxy, https_proxy and
    http_proxy that is set counts, unless no_grpc_proxy, or else no_proxy, excepts the target; localhost is always
    excepted. Raises RpcConfigurationError for an argument that makes no sense; a variable that makes none is logged.
    """
    endpoint = _endpoint(target)
    if proxy is None:
        return None
    if proxy != ENVIRONMENT:
        if endpoint is None:
            raise RpcConfigurationError(
                f"{target} cannot be reached through a proxy; only one host and port can"
            )
        return _parse_proxy(proxy, endpoint)
    name = next((name for name in _PROXIES if name in environment), None)
    if name is None or not environment[name] or endpoint is None or _is_local(endpoint.host):
        return None
    exceptions = next((environment[name] for name in _EXCEPTIONS if name in environment), "")
    if any(_excepts(entry.strip(), endpoint) for entry in exceptions.split(",")):
        return None
    try:
        return _parse_proxy(environment[name], endpoint)
    except RpcConfigurationError as error:
        logger.warning("no proxy is used: the variable %s: %s", name, error)
        return None


def _endpoint(target: ChannelTarget) -> Target | None:
    if target.scheme not in _SCHEMES or "," in target.endpoint:
        return None
    return parse_target(target.endpoint)


def _parse_proxy(text: str, endpoint: Target) -> Proxy:
    shown = re.sub(r"[^/@]*@", "…@", text)  # without the password
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise RpcConfigurationError(f"{shown!r} is no proxy: {error}") from None
    if parts.scheme != "http":
        raise RpcConfigurationError(f"{shown!r} is no proxy that is supported here: only http:// is")
    if not host or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise RpcConfigurationError(
            f"{shown!r} is no proxy: write http://host:port or http://user:password@host:port"
        )
    if not re.fullmatch(r"[\x21-\x7e]+", endpoint.authority):
        raise RpcConfigurationError(f"a proxy cannot be asked for {endpoint.authority!r}: it is not ASCII")
    credentials = None
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return Proxy(Target(host=host, port=port or 80), endpoint.authority, credentials)


def _is_local(host: str) -> bool:
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _excepts(entry: str, endpoint: Target) -> bool:
    """Whether one entry of no_proxy names the endpoint: "*", an address, a network ("10.0.0.0/8"), a domain with its
    subdomains ("example.com"), its subdomains alone (".example.com"); each but networks with ":port" or without."""
    if entry in ("", "*"):
        return entry == "*"
    address = _address(endpoint.host)
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    try:
        named = parse_target(entry, default_port=endpoint.port)
    except RpcConfigurationError:
        return False
    if named.port != endpoint.port:
        return False
    if address is not None:
        return address == _address(named.host)
    host, domain = endpoint.host.lower().rstrip("."), named.host.lower().rstrip(".")
    return host == domain or host.endswith(f".{domain.removeprefix('.')}")


# -- the handshake ------------------------------------------------------------------------------------------------


class ConnectHandshake:
    """Asks a proxy for a connection: write `request`, then feed `receive` until it is done."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._reply = bytearray()
        lines = [f"CONNECT {proxy.connect_to} HTTP/1.1", f"Host: {proxy.connect_to}"]
        if proxy.credentials is not None:
            lines.append(f"Proxy-Authorization: Basic {base64.b64encode(proxy.credentials).decode()}")
        self.request = "\r\n".join([*lines, "", ""]).encode()

    def receive(self, data: bytes) -> bytes | None:
        """Take what the proxy has sent; b"" is the end of the stream.

        None: more is needed; else the connection stands, and what is returned came through it already. Raises
        ProxyError if the proxy refuses, or does not speak HTTP.
        """
        if not data:
            raise ProxyError(f"the {self._proxy} closed the connection instead of answering CONNECT")
        self._reply += data
        end = self._reply.find(b"\r\n\r\n")
        if not b"HTTP/".startswith(self._reply[:5]):
            raise ProxyError(f"the {self._proxy} did not answer in HTTP: {_shown(self._reply)}")
        if end < 0:
            if len(self._reply) > _MAX_REPLY:
                raise ProxyError(
                    f"the {self._proxy} answered CONNECT with more than {_MAX_REPLY} bytes of headers"
                )
            return None
        line = bytes(self._reply).partition(b"\r\n")[0]
        match = _STATUS_LINE.fullmatch(line)
        if match is None or not match[1].startswith(b"2"):
            hint = "; it wants other credentials" if match is not None and match[1] == b"407" else ""
            raise ProxyError(
                f"the {self._proxy} did not connect to {self._proxy.connect_to}: {_shown(line)}{hint}"
            )
        return bytes(self._reply[end + 4 :])


def _shown(data: bytes | bytearray) -> str:
    return ascii(bytes(data[:200]).decode("latin-1"))
