"""Names (gRPC naming, R80): what a channel connects to, and single addresses, where a server listens or a connection
leads to."""

from __future__ import annotations

import ipaddress
from collections.abc import Container
from dataclasses import dataclass
from urllib.parse import quote

from .errors import RpcConfigurationError

DEFAULT_PORT = 443
_TCP_SCHEMES = ("dns", "ipv4", "ipv6")


@dataclass(frozen=True, slots=True)
class Target:
    """One address: `host` and `port`, or `path` for a unix socket (an abstract one begins with NUL)."""

    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def authority(self) -> str:
        """The :authority of calls to this target."""
        if self.path:
            return "localhost"
        return _join(self.host, self.port)

    def __str__(self) -> str:
        if self.path.startswith("\0"):
            return f"unix-abstract:{self.path[1:]}"
        return f"unix:{self.path}" if self.path else _join(self.host, self.port)


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_target(name: str, *, default_port: int | None = DEFAULT_PORT) -> Target:
    """Parse `host:port`, `[v6]:port`, `dns:///host:port`, `ipv4:a:port`, `ipv6:[a]:port`, `unix:path`,
    `unix:///path` or `unix-abstract:name`. Raises RpcConfigurationError."""
    scheme, colon, rest = name.partition(":")
    if colon and scheme == "unix":
        path = rest[2:] if rest.startswith("///") else rest
        return _unix(path, name)
    if colon and scheme == "unix-abstract":
        return _unix("\0" + rest, name)
    if colon and scheme in _TCP_SCHEMES and not rest.isdigit():
        if rest.startswith("//"):  # dns://resolver/host: naming a resolver of its own is not supported
            resolver, _, rest = rest[2:].partition("/")
            if resolver:
                raise RpcConfigurationError(f"target {name!r} names a DNS server; use dns:///{rest}")
        return _tcp(rest, name, default_port)
    return _tcp(name, name, default_port)


def _unix(path: str, name: str) -> Target:
    if not path.strip("\0"):
        raise RpcConfigurationError(f"target {name!r} has no path")
    return Target(path=path)


def _tcp(text: str, name: str, default_port: int | None) -> Target:
    if "/" in text:
        scheme, _, rest = name.partition("://")
        raise RpcConfigurationError(
            f"target {name!r}: no resolver is known for {scheme!r} (`resolvers` has one's own); a host is written "
            f"host:port, and TLS is asked for by `tls`"
            if rest
            else f"target {name!r}: a host and its port have no '/'"
        )
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise RpcConfigurationError(f"target {name!r}: an IPv6 address is written [address]:port")
        port = port[1:]
    elif text.count(":") > 1:  # a bare IPv6 address
        host, port = text, ""
        if numeric_version(host) != 6:
            raise RpcConfigurationError(f"target {name!r}: {text!r} is neither host:port nor an IPv6 address")
    else:
        host, _, port = text.partition(":")
    if not host:
        raise RpcConfigurationError(f"target {name!r} has no host")
    if not port and default_port is None:
        raise RpcConfigurationError(f"address {name!r} has no port; write {host}:PORT (0 for any free one)")
    if port and not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise RpcConfigurationError(f"target {name!r}: {port!r} is not a port")
    return Target(host=host, port=int(port) if port else default_port or 0)


@dataclass(frozen=True, slots=True)
class ChannelTarget:
    """The name that a channel is made for (a URI, RFC 3986). Its scheme says which resolver finds the addresses.

    `endpoint` is what the resolver is asked for: "localhost:50051", "/run/app.sock", "books" of consul:///books.
    """

    scheme: str
    endpoint: str
    text: str  # for people

    @property
    def authority(self) -> str:
        """The :authority of calls, unless the user gives another one."""
        match self.scheme:
            case "unix":
                return "localhost"
            case "dns" | "ipv4" | "ipv6":
                return parse_target(self.endpoint.partition(",")[0]).authority
            case _:
                return quote(self.endpoint, safe="-._~!$&'()*+,;=:@[]")

    @property
    def uri(self) -> str:
        """The canonical form, with the scheme: "dns:///books:50051"."""
        return (
            f"{self.scheme}:{self.endpoint}"
            if self.scheme in ("ipv4", "ipv6", "unix")
            else (f"{self.scheme}:///{self.endpoint}")
        )

    def __str__(self) -> str:
        return self.text


def parse_channel_target(name: str, schemes: Container[str] = ()) -> ChannelTarget:
    """Parse what a channel connects to; `schemes` are those of the user's resolvers.

    A scheme that nobody knows is none: then all of it is a name for DNS (R80), and without a slash. Raises
    RpcConfigurationError.
    """
    scheme, colon, rest = name.partition(":")
    if colon and scheme in schemes:
        return ChannelTarget(scheme, _after_authority(rest), name)
    if colon and scheme in ("ipv4", "ipv6") and not rest.isdigit():
        addresses = parse_address_list(scheme, _after_authority(rest))
        text = ",".join(map(str, addresses))
        return ChannelTarget(scheme, text, text if len(addresses) == 1 else name)
    target = parse_target(name)
    if target.path:
        return ChannelTarget("unix", str(target), str(target))
    return ChannelTarget("dns", str(target), str(target))


def _after_authority(rest: str) -> str:
    """The path of a URI, without its first slash."""
    if not rest.startswith("//"):
        return rest
    return rest[2:].partition("/")[2]


def parse_address_list(scheme: str, text: str) -> list[Target]:
    """The addresses of an `ipv4:` or `ipv6:` target, which are separated by commas. Raises RpcConfigurationError."""
    version = 4 if scheme == "ipv4" else 6
    targets = [_tcp(part.strip(), f"{scheme}:{text}", DEFAULT_PORT) for part in text.split(",")]
    for target in targets:
        if numeric_version(target.host) != version:
            raise RpcConfigurationError(
                f"target {scheme}:{text}: {target.host!r} is not an IPv{version} address; names are for dns:///"
            )
    return targets


def numeric_version(host: str) -> int | None:
    """4 or 6 for an IP address, None for a name."""
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return None


def describe_address(address: object) -> str:
    """A socket address as gRPC writes peers: "ipv4:127.0.0.1:50051", "ipv6:[::1]:50051", "unix:/path"."""
    if isinstance(address, tuple) and len(address) >= 2:  # pyright: ignore[reportUnknownArgumentType]
        host, port = str(address[0]), int(address[1])  # pyright: ignore[reportUnknownArgumentType]
        if host.startswith("::ffff:") and "." in host:  # an IPv4 client of a socket for both families
            host = host.removeprefix("::ffff:")
        return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"
    if isinstance(address, bytes):
        return f"unix-abstract:{address[1:].decode('utf-8', 'backslashreplace')}"
    return f"unix:{address}" if isinstance(address, str) else ""
