"""What grpcio has and barewire has not is said, with what to use instead; options mean the same."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import grpc as grpcio
import pytest

from barewire.rpc import BackoffPolicy, PingPolicy, StatusCode
from barewire.rpc import grpcio_compat as grpc
from barewire.rpc.grpcio_compat.options import channel_keywords, server_keywords
from barewire.rpc.keepalive import SERVER_KEEPALIVE, Keepalive


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("server", r"grpc\.aio\.server\(\)"),
        ("insecure_channel", r"rpc\.sync\.Channel"),
        ("intercept_channel", r"rpc\.Interceptor"),
        ("alts_channel_credentials", "nothing like it"),
    ],
)
def test_names_that_are_not_here(name: str, hint: str) -> None:
    with pytest.raises(AttributeError, match=hint):
        getattr(grpc, name)


def test_names_that_grpc_aio_has_alone() -> None:
    with pytest.raises(AttributeError, match=r"rpc\.Interceptor"):
        _ = grpc.aio.UnaryStreamClientInterceptor
    with pytest.raises(AttributeError, match="'init_grpc_aio': barewire has nothing like it"):
        _ = grpc.aio.init_grpc_aio


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (("grpc.max_receive_message_length", 10), {"max_receive_message_size": 10}),
        (("grpc.max_receive_message_length", -1), {"max_receive_message_size": 2**31 - 1}),
        (("grpc.max_send_message_length", -1), {"max_send_message_size": None}),
        (("grpc.enable_retries", 0), {"retries": False}),
        (("grpc.lb_policy_name", "round_robin"), {"load_balancing": "round_robin"}),
        (("grpc.client_idle_timeout_ms", 1500), {"idle_timeout": 1.5}),
        (("grpc.keepalive_time_ms", 20_000), {"keepalive": Keepalive(time=20)}),
        (("grpc.keepalive_time_ms", 2**31 - 1), {"keepalive": Keepalive(time=math.inf)}),
        (("grpc.initial_reconnect_backoff_ms", 100), {"backoff": BackoffPolicy(initial=0.1)}),
        (("grpc.no_such_thing", 1), {}),
    ],
)
def test_options_of_channels(argument: tuple[str, Any], expected: dict[str, Any]) -> None:
    assert channel_keywords([argument]) == expected


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (("grpc.max_concurrent_streams", 7), {"max_concurrent_streams": 7}),
        (("grpc.max_connection_age_ms", 60_000), {"max_connection_age": 60.0}),
        (("grpc.max_connection_age_ms", 2**31 - 1), {"max_connection_age": None}),
        (("grpc.keepalive_time_ms", 30_000), {"keepalive": replace(SERVER_KEEPALIVE, time=30.0)}),
        (("grpc.keepalive_timeout_ms", 5_000), {"keepalive": replace(SERVER_KEEPALIVE, timeout=5.0)}),
        (
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            {"ping_policy": PingPolicy(min_interval=10.0)},
        ),
        (("grpc.keepalive_permit_without_calls", 1), {"ping_policy": PingPolicy(without_calls=True)}),
        (("grpc.http2.max_ping_strikes", 0), {"ping_policy": PingPolicy(max_strikes=2**31 - 1)}),
        (("grpc.so_reuseport", 1), {}),
    ],
)
def test_options_of_servers(argument: tuple[str, Any], expected: dict[str, Any]) -> None:
    assert server_keywords([argument]) == expected


def test_names_that_annotations_use() -> None:
    assert grpc.ServicerContext is grpc.aio.ServicerContext
    for shape in ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream"):
        assert getattr(grpc.aio, f"{shape}Call") is grpc.aio.Call
        assert getattr(grpc.aio, f"{shape}MultiCallable") is grpc.aio.MultiCallable


def test_a_clients_interceptor_of_grpcios() -> None:
    with pytest.raises(TypeError, match=r"barewire\.rpc\.Interceptor"):
        grpc.aio.insecure_channel("localhost:1", interceptors=[object()])


def test_call_credentials_without_tls() -> None:
    channel = grpc.aio.insecure_channel("localhost:1")
    with pytest.raises(ValueError, match="secure channels only"):
        channel.unary_unary("/a.B/C")(b"", credentials=grpc.access_token_call_credentials("secret"))


def test_grpcios_own_codes_are_known() -> None:
    assert [StatusCode(code).name for code in grpcio.StatusCode] == [code.name for code in grpcio.StatusCode]
    with pytest.raises(ValueError, match="is not a valid StatusCode"):
        StatusCode("NOT_FOUND")


async def test_a_port_that_is_taken() -> None:
    server, other = grpc.aio.server(), grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    with pytest.raises(RuntimeError, match=f"127.0.0.1:{port}"):
        other.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    with pytest.raises(RuntimeError, match="started"):
        server.add_insecure_port("127.0.0.1:0")
    await server.stop(None)
    await other.stop(None)


@pytest.mark.parametrize("aio", [grpcio.aio, grpc.aio], ids=["grpcio", "barewire"])
async def test_a_closed_channel(aio: Any) -> None:
    channel = aio.insecure_channel("127.0.0.1:1")
    method = channel.unary_unary("/test.Service/Method")
    await channel.close()
    with pytest.raises(aio.UsageError, match="closed"):
        await method(b"")
    with pytest.raises(aio.UsageError, match="closed"):
        await channel.wait_for_state_change(channel.get_state())
    with pytest.raises(aio.UsageError, match="closed"):
        await channel.channel_ready()
