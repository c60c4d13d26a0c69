"""Arguments of the wrong kind are refused where they are given, and named; calls would fail of them much later."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import Metadata, RpcConfigurationError


class _Plain(rpc.Interceptor):
    pass


class _NotAsync:
    def intercept(self, call: Any, proceed: Any) -> None:
        raise NotImplementedError


BOTH = [
    ({"keepalive": 30}, "keepalive has to be of type Keepalive, and is 30"),
    ({"limits": {"stream_window": 1}}, "limits has to be of type Limits"),
    (
        {"max_receive_message_size": "4MiB"},
        "max_receive_message_size has to be a number from 0 up, and is '4MiB'",
    ),
    ({"max_receive_message_size": -1}, "max_receive_message_size has to be a number from 0 up"),
    ({"connect_timeout": None}, "connect_timeout has to be a number"),
    (
        {"interceptors": [_Plain]},
        "interceptors holds <class .*_Plain.*>; give objects with `async def intercept",
    ),
    ({"interceptors": [print]}, "interceptors holds <built-in function print>"),
    ({"interceptors": [_NotAsync()]}, "interceptors holds .*_NotAsync"),
]
CHANNEL = [
    ({"target": None}, "target has to be of type str, and is None"),
    ({"target": ("localhost", 50051)}, "target has to be of type str"),
    ({"tls": "cert.pem"}, "tls has to be of type SSLContext, and is 'cert.pem'"),
    ({"tls": ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)}, "tls is a context for servers"),
    ({"backoff": 3}, "backoff has to be of type BackoffPolicy"),
    ({"channelz": True}, "channelz has to be of type Channelz"),
]


@pytest.mark.parametrize(("options", "complaint"), [*BOTH, *CHANNEL])
@pytest.mark.parametrize("kind", [rpc.Channel, rpc.sync.Channel], ids=["aio", "sync"])
def test_channels(kind: Any, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RpcConfigurationError, match=complaint):
        kind(**{"target": "localhost:1", **options})


@pytest.mark.parametrize(
    ("options", "complaint"), [*BOTH, ({"ping_policy": 10}, "ping_policy has to be of type PingPolicy")]
)
def test_servers(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RpcConfigurationError, match=complaint):
        rpc.Server(**options)


@pytest.mark.parametrize(
    ("tls", "complaint"),
    [
        (True, "tls has to be an SSLContext or a function"),
        (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "tls is a context for clients"),
    ],
)
async def test_tls_of_servers(tls: Any, complaint: str) -> None:
    async with rpc.Server() as server:
        with pytest.raises(RpcConfigurationError, match=complaint):
            await server.start("127.0.0.1:0", tls=tls)


async def test_an_address_in_use_is_named() -> None:
    async with rpc.Server() as server:
        port = await server.start("127.0.0.1:0")
        with pytest.raises(OSError, match=rf"\(127\.0\.0\.1 port {port}\)"):
            await server.start(f"127.0.0.1:{port}")


@pytest.mark.parametrize("pairs", ["key", [("key",)], [("a", "b", "c")], 5, [(1, "x")]])
def test_metadata(pairs: Any) -> None:
    with pytest.raises(TypeError, match="metadata has to be a mapping, or pairs of a key"):
        Metadata(pairs)


@pytest.mark.parametrize(
    ("timeout", "error", "complaint"),
    [
        ("2", TypeError, "timeout is a number of seconds or None, not '2'"),
        (float("nan"), ValueError, "NaN"),
    ],
)
async def test_timeouts(timeout: Any, error: type[Exception], complaint: str) -> None:
    async with rpc.Channel("localhost:1") as channel:
        with pytest.raises(error, match=complaint):
            channel.unary_unary("/a.B/C")(b"", timeout=timeout)
    with rpc.sync.Channel("localhost:1") as channel, pytest.raises(error, match=complaint):
        channel.unary_unary("/a.B/C")(b"", timeout=timeout)


@pytest.mark.parametrize("path", ["", "a.B/C"])
def test_paths(path: str) -> None:
    with pytest.raises(RpcConfigurationError, match="a path is written /package"):
        rpc.Channel("localhost:1").unary_unary(path)
