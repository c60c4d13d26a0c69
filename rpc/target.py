"""Target names (gRPC naming, R80): where a channel connects to, and where a server listens."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import RpcConfigurationError

DEFAULT_PORT = 443
_TCP_SCHEMES = ("dns", "ipv4", "ipv6")


@dataclass(frozen=True, slots=True)
class Target:
    """Either `host` and `port`, or `path` for a unix socket (an abstract one begins with NUL)."""

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
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise RpcConfigurationError(f"target {name!r}: an IPv6 address is written [address]:port")
        port = port[1:]
    elif text.count(":") > 1:  # a bare IPv6 address
        host, port = text, ""
    else:
        host, _, port = text.partition(":")
    if not host:
        raise RpcConfigurationError(f"target {name!r} has no host")
    if not port and default_port is None:
        raise RpcConfigurationError(f"address {name!r} has no port; write {host}:PORT (0 for any free one)")
    if port and not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise RpcConfigurationError(f"target {name!r}: {port!r} is not a port")
    return Target(host=host, port=int(port) if port else default_port or 0)
