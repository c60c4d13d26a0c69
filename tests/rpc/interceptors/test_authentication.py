"""Bearer tokens: who is let in, and what handlers learn."""

from __future__ import annotations

from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import StatusCode
from barewire.rpc.interceptors import BearerAuthentication, CallCredentials
from tests.rpc.interceptors.calls import SHAPES, SHELLS, call, failure, serve
from tests.support.rpc_service import Item, servicer


def check(token: str, call: Any) -> str | None:
    if token == "banned":
        raise PermissionError("you may not")
    if token == "throttled":
        raise rpc.RpcError(StatusCode.RESOURCE_EXHAUSTED, "later")
    return {"a-token": "alice"}.get(token)


async def check_async(token: str, call: Any) -> str | None:
    return check(token, call)


async def who(request: Any, context: Any) -> Any:
    return Item(text=str(context.principal))


def who_sync(request: Any, context: Any) -> Any:
    return Item(text=str(context.principal))


CHECKS = pytest.mark.parametrize("checker", [check, check_async], ids=["function", "coroutine"])


@CHECKS
@pytest.mark.parametrize("handler", [who, who_sync])
def test_the_principal_reaches_the_handler(checker: Any, handler: Any) -> None:
    server = serve(servicer(Unary=handler), interceptors=[BearerAuthentication(checker)])
    try:
        credentials = CallCredentials.bearer("a-token", allow_plaintext=True)
        assert call("sync", server, "Unary", interceptors=[credentials]) == [Item(text="alice")]
        assert call("aio", server, "Unary", interceptors=[credentials]) == [Item(text="alice")]
    finally:
        server.close()


@pytest.mark.rule(48)
@CHECKS
@pytest.mark.parametrize("shape", SHAPES)
def test_refusals(checker: Any, shape: str) -> None:
    server = serve(interceptors=[BearerAuthentication(checker)])

    def outcome(*values: str) -> rpc.RpcError:
        metadata = [("authorization", value) for value in values]
        return failure(call("sync", server, shape, call_metadata=metadata))

    try:
        assert outcome().code is StatusCode.UNAUTHENTICATED
        for value in ("Bearer", "Bearer ", "Basic a-token", "Bearer a b", "Bearer wrong"):
            error = outcome(value)
            assert error.code is StatusCode.UNAUTHENTICATED
            assert "wrong" not in error.message  # tokens are not echoed
        assert outcome("Bearer a-token", "Bearer a-token").code is StatusCode.UNAUTHENTICATED
        denied = outcome("bearer banned")
        assert (denied.code, denied.message) == (StatusCode.PERMISSION_DENIED, "you may not")
        assert outcome("Bearer throttled").code is StatusCode.RESOURCE_EXHAUSTED
    finally:
        server.close()


@pytest.mark.parametrize("shell", SHELLS)
def test_exempt_methods_and_services(shell: str) -> None:
    from barewire.rpc.services.bundled import bundled

    health: Any = bundled("grpc/health/v1/health.proto")
    auth = BearerAuthentication(check, exempt=["grpc.health.v1.Health", "/shapes.Shapes/Down"])
    server = serve(interceptors=[auth])
    try:
        with rpc.sync.Channel(server.target) as channel:
            assert health.HealthStub(channel).Check(health.HealthCheckRequest()).status == 1
        assert len(call(shell, server, "Down")) == 2  # type: ignore[arg-type]
        assert failure(call(shell, server, "Unary")).code is StatusCode.UNAUTHENTICATED
    finally:
        server.close()


def test_health_and_reflection_are_open_by_default() -> None:
    from barewire.rpc.interceptors.authentication import OPEN_SERVICES

    server = serve()
    try:
        for service in OPEN_SERVICES:
            assert service in server.server.services._services
    finally:
        server.close()


def test_a_checker_that_breaks_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    def breaks(token: str, call: Any) -> None:
        raise ConnectionError("database at 10.0.0.7 is down")

    server = serve(interceptors=[BearerAuthentication(breaks)])
    try:
        error = failure(call("sync", server, "Unary", call_metadata=[("authorization", "Bearer x")]))
        assert error.code is StatusCode.UNKNOWN
        assert "10.0.0.7" not in error.message
    finally:
        server.close()


async def test_grpcio_clients_bring_tokens_too() -> None:
    import grpc

    server = rpc.Server([servicer(Unary=who)], interceptors=[BearerAuthentication(check)])
    port = await server.start("127.0.0.1:0")
    async with server, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method: Any = channel.unary_unary("/shapes.Shapes/Unary")  # type: ignore[no-untyped-call]
        reply = await method(b"", metadata=[("authorization", "Bearer a-token")])
        assert Item.decode(reply).text == "alice"
        with pytest.raises(grpc.RpcError) as caught:
            await method(b"")
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]
