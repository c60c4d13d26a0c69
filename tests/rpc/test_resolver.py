"""Resolvers: the built-in ones, and the user's own in both shells."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import Endpoint, ResolverResult, RpcConfigurationError, polling_resolver
from barewire.rpc.connectivity import ConnectivityState as State
from barewire.rpc.dns_resolver import dns_resolver
from barewire.rpc.resolver import Resolver, ResolverChannel
from barewire.rpc.status import StatusCode
from barewire.rpc.target import ChannelTarget, Target, parse_address_list, parse_channel_target
from tests.support import rpc_blocking
from tests.support.rpc_channel_core import VirtualChannel
from tests.support.rpc_service import PATIENCE, Item, Stub, failure_of, servicer, serving

A, B = "10.0.0.1:1", "10.0.0.2:1"


async def echo(request: Any, context: Any) -> Any:
    return request


ECHO = servicer(Unary=echo)


# -- targets ------------------------------------------------------------------------------------------------------


@pytest.mark.rule(80)
@pytest.mark.parametrize(
    ("name", "scheme", "endpoint", "authority"),
    [
        ("localhost:50051", "dns", "localhost:50051", "localhost:50051"),
        ("example.com", "dns", "example.com:443", "example.com:443"),
        ("dns:///example.com", "dns", "example.com:443", "example.com:443"),
        ("nosuchscheme:///books", "dns", None, None),
        ("ipv4:10.0.0.1:2,10.0.0.2", "ipv4", "10.0.0.1:2,10.0.0.2:443", "10.0.0.1:2"),
        ("ipv6:[::1]:2,[::2]:3", "ipv6", "[::1]:2,[::2]:3", "[::1]:2"),
        ("unix:/tmp/x", "unix", "unix:/tmp/x", "localhost"),
        ("unix-abstract:x", "unix", "unix-abstract:x", "localhost"),
        ("consul:///books", "consul", "books", "books"),
        ("consul:books/v 1", "consul", "books/v 1", "books%2Fv%201"),
        ("consul://dc1/books", "consul", "books", "books"),
    ],
)
def test_r80_targets(name: str, scheme: str, endpoint: str | None, authority: str | None) -> None:
    if endpoint is None:
        with pytest.raises(RpcConfigurationError):
            parse_channel_target(name, {"consul"})
        return
    target = parse_channel_target(name, {"consul"})
    assert (target.scheme, target.endpoint, target.authority) == (scheme, endpoint, authority)


@pytest.mark.rule(80)
def test_r80_addresses_have_to_be_of_their_family() -> None:
    for scheme, text in (
        ("ipv4", "localhost:1"),
        ("ipv4", "[::1]:1"),
        ("ipv6", "127.0.0.1:1"),
        ("ipv4", "1.2.3.4:1,"),
    ):
        with pytest.raises(RpcConfigurationError):
            parse_address_list(scheme, text)
    with pytest.raises(RpcConfigurationError, match="names are for dns"):
        rpc.Channel("ipv4:localhost:1")


# -- looking up, in virtual time ----------------------------------------------------------------------------------


def answer(channel: VirtualChannel, found: Any) -> None:
    """The lookup that is under way ends."""
    _, done = channel.lookups.pop()
    done(found)
    channel.settle()


@pytest.mark.rule(81)
def test_r81_lookups_are_rate_limited() -> None:
    factory = polling_resolver(lambda _: [], interval=30)
    channel = VirtualChannel(resolver=factory)
    channel.connect()
    answer(channel, [A])
    for _ in range(3):
        channel.accept(A).lose(goaway=True)
        channel.advance(1)
        channel.call()
        channel.advance(1)
        assert not channel.lookups
    channel.advance(30)
    assert len(channel.lookups) == 1
    answer(channel, [B])
    assert channel.dialing == [B]
    channel.advance(500)  # B fails again and again: it is asked again, but not more often
    assert len(channel.lookups) == 1


@pytest.mark.rule(81)
def test_r81_a_failed_pass_asks_again() -> None:
    channel = VirtualChannel(resolver=polling_resolver(lambda _: [], interval=30))
    channel.connect()
    answer(channel, [A])
    channel.refuse(A)
    assert not channel.lookups
    channel.advance(30)
    assert len(channel.lookups) == 1


@pytest.mark.rule(78)
def test_failed_lookups_are_repeated_after_a_backoff() -> None:
    channel = VirtualChannel(resolver=polling_resolver(lambda _: []))
    call = channel.call()
    answer(channel, socket.gaierror(-2, "Name or service not known"))
    assert channel.state is State.TRANSIENT_FAILURE
    assert call.status is not None
    assert call.status.code is StatusCode.UNAVAILABLE
    assert "test:name: the name cannot be resolved: Name or service not known" in call.status.message
    patient = channel.call(wait_for_ready=True)
    channel.advance(1.01)
    answer(channel, "nonsense: not a list of addresses")
    channel.advance(1.61)
    answer(channel, [A])
    assert channel.accept(A) is patient.link
    assert channel.state is State.READY


def test_a_failed_lookup_keeps_what_was_found() -> None:
    channel = VirtualChannel(resolver=polling_resolver(lambda _: [], refresh=60))
    channel.connect()
    answer(channel, [A])
    link = channel.accept(A)
    channel.advance(60)
    answer(channel, OSError("down"))
    assert channel.call().link is link
    channel.advance(1.01)
    answer(channel, ResolverResult((Endpoint(B),)))
    assert channel.dialing == [B]
    channel.advance(60)
    assert len(channel.lookups) == 1
    channel.enter_idle()
    answer(channel, [A])  # too late
    assert channel.state is State.IDLE


def test_dns_gives_each_address_once() -> None:
    found = [(socket.AF_INET, 1, 6, "", ("10.0.0.1", 1)), (socket.AF_INET6, 1, 6, "", ("::1", 1, 0, 0))] * 2
    channel = VirtualChannel(resolver=lambda _: dns_resolver()(ChannelTarget("dns", "books:1", "books:1")))
    channel.connect()
    answer(channel, found)
    channel.advance(1)
    assert channel.dialing == [A, "[::1]:1"]


def test_resolvers_that_raise(caplog: pytest.LogCaptureFixture) -> None:
    def broken(target: ChannelTarget) -> Resolver:
        raise OSError("no registry")

    channel = VirtualChannel(resolver=broken)
    call = channel.call()
    assert channel.state is State.TRANSIENT_FAILURE
    assert call.status is not None
    assert call.status.message == f"cannot connect to {channel.target}: no registry"
    assert not [record for record in caplog.records if record.exc_info]


def test_faults_in_resolvers_and_balancers_name_their_type(caplog: pytest.LogCaptureFixture) -> None:
    """And say where they come from, once."""

    def broken(_: object) -> Any:
        raise KeyError("x")

    polling = polling_resolver(lambda _: [])
    settings = {"loadBalancingConfig": [{"broken": {}}]}
    channels = (
        VirtualChannel(resolver=broken),
        VirtualChannel(resolver=polling),
        VirtualChannel(A, service_config=settings, balancers={"broken": broken}),
    )
    for channel in channels:
        caplog.clear()
        if channel is channels[1]:
            channel.connect()
        call = channel.call()
        if channel is channels[1]:
            for _ in range(3):
                answer(channel, KeyError("x"))
                channel.advance(200)
        elif channel is channels[2]:
            channel.resolve(A)
            channel.resolve(A)
        assert call.status is not None
        assert call.status.message == f"cannot connect to {channel.target}: KeyError: 'x'"
        logged = [record for record in caplog.records if record.exc_info]
        assert [(record.name, record.exc_info[0]) for record in logged if record.exc_info] == [
            ("barewire.rpc.channel", KeyError)
        ]


def test_endpoints() -> None:
    endpoint = Endpoint("10.0.0.1:1", Target(path="/x"), weight=3, attributes={"zone": "a"})
    assert str(endpoint) == "10.0.0.1:1, unix:/x"
    assert endpoint == Endpoint("10.0.0.1:1", "unix:/x", weight=3)
    with pytest.raises(RpcConfigurationError):
        Endpoint("")


# -- the same resolver in both shells -----------------------------------------------------------------------------


class Registry:
    """A service registry with subscribers, as a user would write one."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.channels: list[ResolverChannel] = []

    def __call__(self, target: ChannelTarget) -> Registry:
        assert target.endpoint == "books"
        return self

    def start(self, channel: ResolverChannel) -> None:
        self.channels.append(channel)
        self.publish(*self.addresses)

    def publish(self, *addresses: str) -> None:
        self.addresses = addresses
        for channel in self.channels:
            channel.update(ResolverResult(tuple(map(Endpoint, addresses))))

    def resolve_now(self) -> None: ...

    def close(self) -> None: ...


async def test_the_users_resolver_on_asyncio() -> None:
    async with serving(ECHO) as (_, _, first), serving(ECHO) as (_, _, second):

        async def coroutine(target: ChannelTarget) -> list[str]:
            await asyncio.sleep(0)
            return [first.address]

        def function(target: ChannelTarget) -> list[str]:
            return [first.address]

        for lookup in (coroutine, function):
            async with rpc.Channel("books:///x", resolvers={"books": polling_resolver(lookup)}) as channel:
                assert (await Stub(channel).Unary(Item(number=1))).number == 1
        registry = Registry(first.address)
        async with rpc.Channel("books:books", resolvers={"books": registry}) as channel:
            await Stub(channel).Unary(Item())
            pushing = threading.Thread(target=registry.publish, args=(second.address,))
            pushing.start()
            async with asyncio.timeout(PATIENCE):
                while not any(str(link.address) == second.address for link in channel.links):
                    await Stub(channel).Unary(Item(), wait_for_ready=True)
                    await asyncio.sleep(0.005)
            pushing.join()


async def test_names_are_looked_up_on_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a thread, a channel that was closed meanwhile left a coroutine behind that nobody awaited."""
    loop, wanted = asyncio.get_running_loop(), asyncio.Event()

    async def getaddrinfo(*_: Any, **__: Any) -> Any:
        wanted.set()
        await asyncio.Event().wait()

    def run_in_executor(*_: Any) -> Any:
        raise AssertionError("a thread was asked for")

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(loop, "run_in_executor", run_in_executor)
    async with asyncio.timeout(PATIENCE), rpc.Channel("dns:///books.test:1") as channel:
        call = Stub(channel).Unary(Item())
        await wanted.wait()
        await channel.close()
        assert (await failure_of(call)).code is StatusCode.CANCELLED


def test_the_users_resolver_without_asyncio() -> None:
    with rpc_blocking.serving(ECHO) as (_, _, first), rpc_blocking.serving(ECHO) as (_, _, second):

        async def coroutine(target: ChannelTarget) -> list[str]:
            await asyncio.sleep(0)
            return [first.target]

        def function(target: ChannelTarget) -> list[str]:
            return [first.target]

        for lookup in (coroutine, function):
            with rpc.sync.Channel("books:///x", resolvers={"books": polling_resolver(lookup)}) as channel:
                assert Stub(channel).Unary(Item(number=1)).number == 1
        registry = Registry(first.target)
        with rpc.sync.Channel("books:books", resolvers={"books": registry}) as channel:
            Stub(channel).Unary(Item())
            pushing = threading.Thread(target=registry.publish, args=(second.target,))
            pushing.start()
            pushing.join()
            rpc_blocking.eventually(
                lambda: (
                    Stub(channel).Unary(Item(), wait_for_ready=True)
                    and any(str(link.attempt.address) == second.target for link in channel.links)
                )
            )


async def test_names_that_do_not_exist() -> None:
    async def nothing(target: ChannelTarget) -> list[str]:
        raise LookupError("no such service")

    async with rpc.Channel("books:x", resolvers={"books": polling_resolver(nothing)}) as channel:
        error = await failure_of(Stub(channel).Unary(Item()))
        assert error.code is StatusCode.UNAVAILABLE
        assert error.message == "cannot connect to books:x: LookupError: no such service"


async def test_a_coroutine_cannot_be_run_inside_a_loop_by_the_blocking_channel() -> None:
    async def lookup(target: ChannelTarget) -> list[str]:
        return [A]

    with rpc.sync.Channel("books:x", resolvers={"books": polling_resolver(lookup)}) as channel:
        error = rpc_blocking.failure_of(Stub(channel).Unary, Item())
        assert "use barewire.rpc.Channel there" in error.message
