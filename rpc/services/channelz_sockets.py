"""Sockets as channelz shows them: addresses, TLS, options of the operating system."""

from __future__ import annotations

import socket
import ssl
import struct
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any, NamedTuple

from ...schema import wkt
from ..channelz import SocketNode
from .bundled import bundled

_schema = bundled("grpc/channelz/v1/channelz.proto")
_Address: Any = _schema.Address
_Security: Any = _schema.Security
_Option: Any = _schema.SocketOption
_Timeout: Any = _schema.SocketOptionTimeout
_Linger: Any = _schema.SocketOptionLinger
_TcpInfo: Any = _schema.SocketOptionTcpInfo

# Not OSError alone: event loops have sockets of their own, which refuse in their own ways.
_REFUSALS = (OSError, NotImplementedError, TypeError, AttributeError, struct.error)


def addresses(node: SocketNode) -> tuple[Any, Any]:
    """The local and the remote address of a socket, None for one that it does not have."""
    return _address(node.local), _address(node.remote)


def _address(address: object) -> Any:
    if isinstance(address, tuple) and len(address) >= 2:  # pyright: ignore[reportUnknownArgumentType]
        host, port = str(address[0]), int(address[1])  # pyright: ignore[reportUnknownArgumentType]
        packed = ip_address(host.partition("%")[0]).packed
        return _Address(tcpip_address=_Address.TcpIpAddress(ip_address=packed, port=port))
    if isinstance(address, bytes):  # of Linux's abstract namespace
        address = "@" + address[1:].decode("utf-8", "backslashreplace")
    if isinstance(address, str) and address:
        return _Address(uds_address=_Address.UdsAddress(filename=address))
    return None


def security(tls: ssl.SSLSocket | ssl.SSLObject | None) -> Any:
    """What TLS has agreed on, None without it. `ssl` does not tell our own certificate."""
    if tls is None:
        return None
    try:
        shown = _Security.Tls(remote_certificate=tls.getpeercert(True) or b"")
        cipher = tls.cipher()
    except (OSError, ValueError):  # another thread has closed it
        return None
    if cipher is not None and cipher[0].startswith("TLS_"):
        shown.standard_name = cipher[0]
    elif cipher is not None:  # OpenSSL has its own names for those before TLS 1.3
        shown.other_name = cipher[0]
    return _Security(tls=shown)


class _Known(NamedTuple):
    """An option that is asked for: where the `socket` module has it, and how its value is shown."""

    level: str
    name: str
    show: Callable[[socket.socket, int, int], dict[str, Any]]


def _number(sock: socket.socket, level: int, option: int) -> dict[str, Any]:
    return {"value": str(sock.getsockopt(level, option))}


def _text(sock: socket.socket, level: int, option: int) -> dict[str, Any]:
    return {"value": sock.getsockopt(level, option, 16).partition(b"\0")[0].decode("ascii", "replace")}


def _linger(sock: socket.socket, level: int, option: int) -> dict[str, Any]:
    active, seconds = struct.unpack("ii", sock.getsockopt(level, option, 8))
    linger = _Linger(active=bool(active), duration=wkt.Duration(seconds=seconds))
    return {"additional": wkt.Any.pack(linger)}


def _timeout(sock: socket.socket, level: int, option: int) -> dict[str, Any]:
    seconds, microseconds = struct.unpack("ll", sock.getsockopt(level, option, struct.calcsize("ll")))
    duration = wkt.Duration(seconds=seconds, nanos=microseconds * 1000)
    return {"additional": wkt.Any.pack(_Timeout(duration=duration))}


# Linux's struct tcp_info begins with eight bytes, the seventh of them two halves, and goes on with these numbers.
_TCP_INFO = struct.Struct("=8B21I")
_TCP_INFO_BYTES = ("state", "ca_state", "retransmits", "probes", "backoff", "options")
_TCP_INFO_NUMBERS = (
    *("rto", "ato", "snd_mss", "rcv_mss", "unacked", "sacked", "lost", "retrans", "fackets"),
    *("last_data_sent", "last_ack_sent", "last_data_recv", "last_ack_recv"),
    *("pmtu", "rcv_ssthresh", "rtt", "rttvar", "snd_ssthresh", "snd_cwnd", "advmss", "reordering"),
)


def _tcp_info(sock: socket.socket, level: int, option: int) -> dict[str, Any]:
    values = _TCP_INFO.unpack(sock.getsockopt(level, option, _TCP_INFO.size))
    info = dict(zip(_TCP_INFO_BYTES, values, strict=False)) | dict(
        zip(_TCP_INFO_NUMBERS, values[8:], strict=True)
    )
    low, high = values[6] & 15, values[6] >> 4
    info["snd_wscale"], info["rcv_wscale"] = (low, high) if sys.byteorder == "little" else (high, low)
    shown = _TcpInfo(**{f"tcpi_{name}": value for name, value in info.items()})
    return {"additional": wkt.Any.pack(shown)}


_KNOWN = (
    _Known("SOL_SOCKET", "SO_KEEPALIVE", _number),
    _Known("SOL_SOCKET", "SO_REUSEADDR", _number),
    _Known("SOL_SOCKET", "SO_REUSEPORT", _number),
    _Known("SOL_SOCKET", "SO_RCVBUF", _number),
    _Known("SOL_SOCKET", "SO_SNDBUF", _number),
    _Known("SOL_SOCKET", "SO_LINGER", _linger),
    _Known("SOL_SOCKET", "SO_RCVTIMEO", _timeout),
    _Known("SOL_SOCKET", "SO_SNDTIMEO", _timeout),
    _Known("IPPROTO_TCP", "TCP_NODELAY", _number),
    _Known("IPPROTO_TCP", "TCP_KEEPIDLE", _number),
    _Known("IPPROTO_TCP", "TCP_KEEPINTVL", _number),
    _Known("IPPROTO_TCP", "TCP_KEEPCNT", _number),
    _Known("IPPROTO_TCP", "TCP_USER_TIMEOUT", _number),
    _Known("IPPROTO_TCP", "TCP_CONGESTION", _text),
    *([_Known("IPPROTO_TCP", "TCP_INFO", _tcp_info)] if sys.platform == "linux" else []),
)


def options(sock: socket.socket | None) -> Iterator[Any]:
    """All options that this system and this socket have."""
    for known in _KNOWN if sock is not None else ():
        level, option = getattr(socket, known.level, None), getattr(socket, known.name, None)
        if sock is None or level is None or option is None:
            continue
        try:
            yield _Option(name=known.name, **known.show(sock, level, option))
        except _REFUSALS:
            continue
