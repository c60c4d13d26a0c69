"""Arguments of the wrong kind are refused where they are given, and named; calls would fail of them much later."""

from __future__ import annotations

import inspect
import io
import math
import re
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import metrics, trace
from prometheus_client import CollectorRegistry

from barewire import rpc
from barewire.rpc import Metadata, RpcConfigurationError, interceptors, testing
from barewire.rpc.services.orca import OrcaServicer


class _Plain(rpc.Interceptor):
    pass


class _NotAsync:
    def intercept(self, call: Any, proceed: Any) -> None:
        raise NotImplementedError


BOTH = [
    ({"keepalive": 30}, "keepalive has to be of type Keepalive or None, and is 30"),
    ({"limits": {"stream_window": 1}}, "limits has to be of type Limits"),
    (
        {"max_receive_message_size": "4MiB"},
        "max_receive_message_size has to be a whole number from 0 up, and is '4MiB'",
    ),
    (
        {"max_receive_message_size": -1},
        "max_receive_message_size has to be a whole number from 0 up, and is -1",
    ),
    ({"connect_timeout": None}, "connect_timeout has to be seconds from 0 up, and is None"),
    (
        {"interceptors": [_Plain]},
        "interceptors holds <class .*_Plain.*>; give objects with `async def intercept",
    ),
    ({"interceptors": [print]}, "interceptors holds <built-in function print>"),
    ({"interceptors": [_NotAsync()]}, "interceptors holds .*_NotAsync"),
]
# Every keyword of what users make, with values that no argument means. An argument that may be one of them after all
# stands in MAY_BE; a new argument that is not checked fails here.
MADE_BY_USERS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "Channel": (rpc.Channel, {"target": "localhost:1"}),
    "sync.Channel": (rpc.sync.Channel, {"target": "localhost:1"}),
    "Server": (rpc.Server, {}),
    "Limits": (rpc.Limits, {}),
    "Keepalive": (rpc.Keepalive, {}),
    "PingPolicy": (rpc.PingPolicy, {}),
    "BackoffPolicy": (rpc.BackoffPolicy, {}),
    "WorkerPolicy": (rpc.WorkerPolicy, {}),
    "run_workers": (rpc.run_workers, {"make_server": "m:f", "addresses": ["localhost:1"]}),
    "Channelz": (rpc.Channelz, {}),
    "RetryPolicy": (rpc.RetryPolicy, {"max_attempts": 2, "retryable_status_codes": {14}}),
    "HedgingPolicy": (rpc.HedgingPolicy, {"max_attempts": 2}),
    "RetryThrottling": (rpc.RetryThrottling, {"max_tokens": 10, "token_ratio": 0.1}),
    "MethodConfig": (rpc.MethodConfig, {}),
    "AccessLog": (interceptors.AccessLog, {}),
    "BearerAuthentication": (interceptors.BearerAuthentication, {"check": print}),
    "BinaryLog": (interceptors.BinaryLog, {"file": io.BytesIO()}),
    "CallCredentials": (interceptors.CallCredentials, {"fetch": print}),
    "CallCredentials.bearer": (interceptors.CallCredentials.bearer, {"token": "x"}),
    "OtelMetrics": (interceptors.OtelMetrics, {"meter_provider": metrics.NoOpMeterProvider()}),
    "OtelTracing": (interceptors.OtelTracing, {"tracer_provider": trace.NoOpTracerProvider()}),
    "PrometheusMetrics": (interceptors.PrometheusMetrics, {"registry": CollectorRegistry()}),
    "RateLimit": (interceptors.RateLimit, {"rate": 1}),
    "Validation": (interceptors.Validation, {"validate": print}),
    "LoadReporting": (interceptors.LoadReporting, {}),
    "OrcaServicer": (OrcaServicer, {"load": rpc.LoadReport()}),
    "polling_resolver": (rpc.polling_resolver, {"lookup": print}),
    "dns_resolver": (rpc.dns_resolver, {}),
    "Web": (rpc.Web, {}),
    "testing.Recorder": (testing.Recorder, {}),
    "testing.VirtualClockLoop": (testing.VirtualClockLoop, {}),
}
NOT_MEANT = {"an object": object(), "-1": -1, "NaN": math.nan, "empty": "", "a text": "x"}
MAY_BE = {
    "an object": [],
    "-1": [],
    "NaN": [],
    "empty": ["BinaryLog.filter"],
    "a text": [
        *("Channel.proxy", "sync.Channel.proxy"),  # a host
        *("Channel.authority", "sync.Channel.authority", "Channel.target", "sync.Channel.target"),
        *("AccessLog.request_id", "BinaryLog.filter", "BinaryLog.file", "CallCredentials.bearer.token"),
    ],
}


CASES = [
    pytest.param(make, given, each.name, f"{name}.{each.name}", id=f"{name}.{each.name}")
    for name, (make, given) in MADE_BY_USERS.items()
    for each in inspect.signature(make).parameters.values()
    if each.kind is not each.VAR_KEYWORD
]


@pytest.mark.parametrize(("make", "given", "keyword", "name"), CASES)
def test_every_argument_is_checked(
    make: Callable[..., Any], given: dict[str, Any], keyword: str, name: str
) -> None:
    for kind, allowed in MAY_BE.items():
        if name not in allowed:
            with pytest.raises(RpcConfigurationError, match=rf"\b{keyword.replace('_', '[_ ]')}\b") as caught:
                make(**{**given, keyword: NOT_MEANT[kind]})
            assert (
                kind == "an object"
                or repr(NOT_MEANT[kind]) in str(caught.value)
                or "JSON" in str(caught.value)
            )


CHANNEL = [
    ({"target": None}, "target has to be a text that is not empty, and is None"),
    ({"target": ("localhost", 50051)}, "target has to be a text"),
    ({"tls": "cert.pem"}, "tls has to be of type SSLContext or True or False or None, and is 'cert.pem'"),
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


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"latency": -1}, "latency has to be seconds from 0 up, and is -1"),
        ({"server": 3}, "server has to be of type Server or None, and is 3"),
        ({"channel": 3}, "channel has to be a mapping or None, and is 3"),
        ({"stats": 3}, "stats has to be True or False or of type CallStats, and is 3"),
    ],
)
async def test_pairs_in_memory(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RpcConfigurationError, match=complaint):
        async with testing.connected(**options):
            pass


@pytest.mark.parametrize(
    "options", [{"idle_timeout": math.inf}, {"resolve_interval": 0}, {"authority": "a:1"}]
)
def test_what_is_at_the_edge_may_be(options: dict[str, Any]) -> None:
    rpc.Channel("localhost:1", **options)


def test_what_cannot_be_shown_is_refused_all_the_same() -> None:
    class Unshowable:
        def __repr__(self) -> str:
            raise RuntimeError

    with pytest.raises(RpcConfigurationError, match=r"stats has to be .*, and is <Unshowable instance"):
        rpc.Server(stats=Unshowable())  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("make", "keyword", "hint"),
    [
        (
            lambda **given: rpc.Channel("a:1", **given),
            "keep_alive",
            "unknown option keep_alive (is keepalive meant?);",
        ),
        (
            lambda **given: rpc.Channel("a:1", **given),
            "max_recieve_message_size",
            "(is max_receive_message_size meant?);",
        ),
        (
            lambda **given: rpc.Channel("a:1", **given),
            "zzz",
            "unknown option zzz; the limits are max_receive_",
        ),
        (rpc.Server, "interceptor", "unknown option interceptor (is interceptors meant?);"),
        (rpc.Server, "tls", "unknown option tls: it is an argument of start(), not of the server"),
        (rpc.Server, "address", "unknown option address: it is an argument of start(), not of the server"),
    ],
)
def test_unknown_options_say_what_was_probably_meant(make: Any, keyword: str, hint: str) -> None:
    with pytest.raises(RpcConfigurationError, match=re.escape(hint)):
        make(**{keyword: 1})
