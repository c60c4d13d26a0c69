"""Listening sockets: opened from addresses, or taken over from the process that started this one.

No event loop is needed here, so that a supervisor can open what its workers accept on.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from .arguments import TEXT, check
from .errors import RpcConfigurationError
from .target import Target, numeric_version, parse_target

_BACKLOG = 1024
_TRIES = 10  # to find a port that is free on all addresses of a name
_FIRST_PASSED_FD = 3  # SD_LISTEN_FDS_START of sd_listen_fds(3)


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket that listens. `path` and `inode` are those of a unix socket file that was made for it."""

    socket: socket.socket
    path: str = ""
    inode: int = 0

    @property
    def port(self) -> int:
        """0 for a unix socket."""
        is_tcp = self.socket.family in (socket.AF_INET, socket.AF_INET6)
        return int(self.socket.getsockname()[1]) if is_tcp else 0

    def close(self) -> None:
        """Close it, and remove its file if nobody has put another one there."""
        self.socket.close()
        with contextlib.suppress(OSError):
            if self.path and os.stat(self.path).st_ino == self.inode:
                os.unlink(self.path)


def open_listening(address: str | socket.socket | Listening, *, reuse_port: bool = False) -> list[Listening]:
    """Open what an address stands for. More than one socket for a name with several addresses, and for "systemd:".

    - "host:port", "[v6]:port", "dns:…", "ipv4:…", "ipv6:…": port 0 is any free one. "*" and "[::]" are all addresses,
      of IPv4 too.
    - "unix:/path", "unix-abstract:name": the file that a dead server left at the path is replaced.
    - "fd:N": a listening socket that was passed to this process under that number.
    - "systemd:", "systemd:NAME": all sockets that systemd passed, or those of that name; see `listen_fds`.
    - a socket: bound, and listening or not. A Listening stays as it is.

    `reuse_port` lets several processes listen on one TCP port (SO_REUSEPORT). Raises OSError if an address cannot be
    used, RpcConfigurationError if it makes no sense.
    """
    if isinstance(address, Listening):
        return [address]
    if isinstance(address, socket.socket):
        return [_passed(address)]
    check("address", address, TEXT)
    scheme, _, rest = address.partition(":")
    if scheme == "fd":
        if not rest.isdecimal():
            raise RpcConfigurationError(f"address {address!r}: after fd: comes a number")
        return [_passed(_adopt(int(rest)))]
    if scheme == "systemd":
        return [_passed(passed) for passed in listen_fds(rest or None)]
    target = _parse(address)
    if target.path:
        return [_open_unix(target.path)]
    return _open_tcp(target.host, target.port, reuse_port)


def needs_lookup(address: str | socket.socket | Listening) -> bool:
    """Whether `open_listening` looks a name up for this address, which may take long. Raises RpcConfigurationError."""
    if not isinstance(address, str) or not address or address.startswith(("fd:", "systemd:")):
        return False
    host = _parse(address).host
    return bool(host) and numeric_version(host) is None


def _parse(address: str) -> Target:
    host, sep, port = address.rpartition(":")
    if host in ("", "*") and sep:
        address = f"[::]:{port}" if socket.has_dualstack_ipv6() else f"0.0.0.0:{port}"
    return parse_target(address, default_port=None)


# -- TCP ----------------------------------------------------------------------------------------------------------


def _open_tcp(host: str, port: int, reuse_port: bool) -> list[Listening]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = list(dict.fromkeys((family, str(name[0])) for family, _, _, _, name in found))
    for _ in range(_TRIES - 1):
        try:
            return _open_all(addresses, port, reuse_port)
        except OSError as error:  # port 0: the one that the first address got may be taken on the second
            if port or len(addresses) == 1 or error.errno != errno.EADDRINUSE:
                raise
    return _open_all(addresses, port, reuse_port)


def _open_all(addresses: Sequence[tuple[int, str]], port: int, reuse_port: bool) -> list[Listening]:
    """A socket for each address, all with the same port."""
    opened: list[Listening] = []
    try:
        for family, ip in addresses:
            opened.append(Listening(_bind_tcp(family, ip, port, reuse_port)))
            port = opened[0].port
    except OSError:
        for listening in opened:
            listening.close()
        raise
    return opened


def _bind_tcp(family: int, ip: str, port: int, reuse_port: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            if not hasattr(socket, "SO_REUSEPORT"):
                raise RpcConfigurationError("reuse_port: this system has no SO_REUSEPORT")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            both = ip == "::" and socket.has_dualstack_ipv6()
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if both else 1)
        sock.bind((ip, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"{error.strerror} ({ip} port {port})") from None
    except BaseException:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


# -- unix ---------------------------------------------------------------------------------------------------------


def _open_unix(path: str) -> Listening:
    is_file = not path.startswith("\0")
    if is_file:
        _remove_leftover(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(path)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"{error.strerror} ({path!r})") from None
    sock.setblocking(False)
    return Listening(sock, path, os.stat(path).st_ino) if is_file else Listening(sock)


def _remove_leftover(path: str) -> None:
    """Remove the socket file of a server that is gone. One that somebody listens on stays, and so does any other file:
    then `bind` says that the address is in use."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
    except OSError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        except OSError:  # a full queue, a missing right: somebody is there
            return


# -- passed by another process ------------------------------------------------------------------------------------


def _passed(sock: socket.socket) -> Listening:
    if sock.type != socket.SOCK_STREAM:
        raise RpcConfigurationError(f"{sock!r} is no stream socket")
    sock.listen(_BACKLOG)  # harmless if it does already
    sock.setblocking(False)
    return Listening(sock)


def _adopt(fd: int) -> socket.socket:
    try:
        sock = socket.socket(fileno=fd)
    except OSError as error:
        what = "is not open" if error.errno == errno.EBADF else "is no socket"
        raise RpcConfigurationError(f"file descriptor {fd} {what} in this process") from None
    sock.set_inheritable(False)
    return sock


def listen_fds(name: str | None = None) -> list[socket.socket]:
    """The sockets that systemd, or what speaks its protocol, passed to this process (sd_listen_fds(3)): all, or those
    that its FileDescriptorName= calls `name`. Raises RpcConfigurationError if there are none."""
    count = os.environ.get("LISTEN_FDS", "")
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal():
        raise RpcConfigurationError("no sockets were passed to this process (LISTEN_PID and LISTEN_FDS)")
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    names += [""] * (int(count) - len(names))
    passed = [fd for fd, its in enumerate(names[: int(count)], _FIRST_PASSED_FD) if name in (None, its)]
    if not passed:
        raise RpcConfigurationError(f"no socket named {name!r} was passed to this process, but {names}")
    return [_adopt(fd) for fd in passed]
