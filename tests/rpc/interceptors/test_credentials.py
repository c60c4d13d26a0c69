"""Call credentials: sent over TLS, kept until they expire, and failing as A54 says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from barewire import rpc
from barewire.rpc import RpcError, StatusCode
from barewire.rpc.control_plane import APPLICATION_CODES, restricted
from barewire.rpc.interceptors import CallCredentials, Credentials, CredentialsRequest
from barewire.rpc.status import Status
from tests.rpc.interceptors.calls import SHAPES, SHELLS, call, failure, serve
from tests.support.rpc_blocking import ServerThread
from tests.support.rpc_service import Item, Stub


@pytest.fixture(scope="module")
def server() -> Iterator[ServerThread]:
    thread = serve()
    yield thread
    thread.close()


def make(fetch: Any, **options: Any) -> CallCredentials:
    return CallCredentials(fetch, **{"allow_plaintext": True, **options})


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_fetched_is_sent(server: ServerThread, shell: str, shape: str) -> None:
    asked: list[CredentialsRequest] = []

    def fetch(request: CredentialsRequest) -> Any:
        asked.append(request)
        return {"added": "yes"}

    answer = call(shell, server, shape, interceptors=[make(fetch)])
    assert isinstance(answer, list)
    assert answer[0].text == "yes"
    assert asked == [(f"http://{server.target}/shapes.Shapes", f"/shapes.Shapes/{shape}")]


def test_coroutines_on_asyncio(server: ServerThread) -> None:
    async def fetch(request: CredentialsRequest) -> Any:
        await asyncio.sleep(0)
        return [("added", "later")]

    assert call("aio", server, "Unary", interceptors=[make(fetch)])[0].text == "later"  # type: ignore[index]


@pytest.mark.rule(48)
@pytest.mark.parametrize("shell", SHELLS)
def test_not_over_plaintext(server: ServerThread, shell: str) -> None:
    credentials = CallCredentials(lambda request: pytest.fail("nobody asked"))
    error = failure(call(shell, server, "Unary", interceptors=[credentials]))
    assert error.code is StatusCode.UNAUTHENTICATED
    assert "allow_plaintext" in error.message


@pytest.mark.parametrize("shell", SHELLS)
def test_over_tls(shell: str) -> None:
    import ssl

    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.configure_trust(ours)
    authority.issue_cert("localhost").configure_cert(theirs)
    server = serve(tls=theirs)
    asked: list[CredentialsRequest] = []

    def fetch(request: CredentialsRequest) -> Any:
        asked.append(request)
        return [("added", "secret")]

    try:
        options: Any = {"tls": ours, "interceptors": [CallCredentials(fetch)]}
        target = f"localhost:{server.port}"
        assert call(shell, server, "Unary", target=target, **options)[0].text == "secret"  # type: ignore[index]
    finally:
        server.close()
    assert asked[0].service_url == f"https://{target}/shapes.Shapes"


@pytest.mark.rule(48)
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "faulty",
    [
        lambda request: (_ for _ in ()).throw(ConnectionError("no token server")),
        lambda request: [("UPPER Case", "x")],
        lambda request: [("grpc-status", "0")],
        lambda request: [("key", "line\nbreak")],
        lambda request: 42,
    ],
    ids=["raises", "bad key", "reserved", "bad value", "no metadata"],
)
def test_credentials_that_cannot_be_had(server: ServerThread, shell: str, faulty: Any) -> None:
    error = failure(call(shell, server, "Unary", interceptors=[make(faulty)]))
    assert error.code is StatusCode.UNAUTHENTICATED
    assert "call credentials" in error.message


@pytest.mark.rule(49)
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("code", [code for code in StatusCode if code is not StatusCode.OK])
def test_codes_of_applications_become_internal(server: ServerThread, shell: str, code: StatusCode) -> None:
    def fetch(request: CredentialsRequest) -> Any:
        raise RpcError(code, "from the token server")

    error = failure(call(shell, server, "Unary", interceptors=[make(fetch)]))
    if code in APPLICATION_CODES:
        assert error.code is StatusCode.INTERNAL
        assert f"{code.name}: from the token server" in error.message
    else:
        assert (error.code, error.message) == (code, "from the token server")


@pytest.mark.rule(49)
def test_ok_is_no_way_to_fail() -> None:
    status = restricted(Status(StatusCode.OK), "the balancer")
    assert status.code is StatusCode.INTERNAL
    assert status.message == "the balancer failed with a code that only applications may use (OK)"


class Counted:
    """Credentials that tell how often they were fetched."""

    def __init__(self, lifetime: float) -> None:
        self.lifetime = lifetime
        self.count = 0
        self.now = 1000.0

    def __call__(self, request: CredentialsRequest) -> Credentials:
        self.count += 1
        return Credentials([("added", str(self.count))], self.lifetime)

    def clock(self) -> float:
        return self.now


def test_kept_until_shortly_before_they_expire(server: ServerThread) -> None:
    counted = Counted(lifetime=100.0)
    credentials = make(counted, clock=counted.clock, margin=30.0)
    with rpc.sync.Channel(server.target, interceptors=[credentials]) as channel:
        stub = Stub(channel)
        assert [stub.Unary(Item()).text for _ in range(3)] == ["1", "1", "1"]
        counted.now += 69.9
        assert stub.Unary(Item()).text == "1"
        counted.now += 0.2
        assert stub.Unary(Item()).text == "2"


def test_without_a_lifetime_each_call_has_its_own(server: ServerThread) -> None:
    counted = Counted(lifetime=0.0)
    with rpc.sync.Channel(server.target, interceptors=[make(counted)]) as channel:
        assert [Stub(channel).Unary(Item()).text for _ in range(3)] == ["1", "2", "3"]


async def test_one_fetch_serves_the_calls_that_come_meanwhile(server: ServerThread) -> None:
    fetched = 0
    go_on = asyncio.Event()

    async def fetch(request: CredentialsRequest) -> Credentials:
        nonlocal fetched
        fetched += 1
        await go_on.wait()
        return Credentials([("added", str(fetched))], 100.0)

    async with rpc.Channel(server.target, interceptors=[make(fetch)]) as channel:
        stub = Stub(channel)
        calls = [stub.Unary(Item()) for _ in range(5)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        calls[0].cancel()  # it began the fetch; the others get their credentials all the same
        go_on.set()
        assert [(await one).text for one in calls[1:]] == ["1"] * 4
        assert await calls[0].code() is StatusCode.CANCELLED
    assert fetched == 1


def test_one_thread_fetches_for_all(server: ServerThread) -> None:
    counted = Counted(lifetime=100.0)
    with rpc.sync.Channel(server.target, interceptors=[make(counted)]) as channel:
        stub, texts = Stub(channel), list[str]()
        threads = [threading.Thread(target=lambda: texts.append(stub.Unary(Item()).text)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert texts == ["1"] * 8
