"""Workers are replaced one by one behind real proxies, and behind our own round_robin, under load: no call fails."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import trustme

from barewire import rpc
from tests.interop.proxies import envoy, nginx
from tests.interop.proxies.fleet import Fleet
from tests.interop.proxies.traffic import Traffic
from tests.support.peers import missing
from tests.support.processes import Program, reserved_port

pytestmark = pytest.mark.slow
CALLERS = 20
PATIENCE = 60.0


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet(3) as fleet:
        yield fleet


@contextlib.asynccontextmanager
async def behind(proxy: ModuleType, folder: Path, fleet: Fleet) -> AsyncGenerator[rpc.Channel, None]:
    """A channel to the workers through a proxy, with TLS."""
    program = proxy.find()
    if program is None:
        missing(f"{proxy.__name__.rpartition('.')[2]} is not here; `make peers` gets it in CI")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    (folder / "chain.pem").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with reserved_port() as port, Program(*proxy.command(program, folder, port, fleet.ports)) as running:
        async with rpc.Channel(f"127.0.0.1:{port}", tls=context, authority="localhost") as channel:
            try:
                async with asyncio.timeout(30):
                    await channel.channel_ready()
            except TimeoutError:
                pytest.fail(f"the proxy does not answer:\n{running.errors}")
            yield channel


async def restart_under_load(
    channel: rpc.Channel, fleet: Fleet, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    traffic = Traffic(channel, CALLERS)
    traffic.start()
    await all_answer(traffic, fleet)
    for _ in range(2):
        await fleet.rolling_restart(pause=1.5)
        await all_answer(traffic, fleet)
    while traffic.made <= 500:
        await asyncio.sleep(0.05)
    await traffic.stop()
    with capsys.disabled():
        print(f"\nrolling restart behind {name}: calls made {traffic.made}, calls failed {traffic.failed}")
    assert not traffic.failures


async def all_answer(traffic: Traffic, fleet: Fleet) -> None:
    """Returns when each worker that runs now has answered a call."""
    async with asyncio.timeout(PATIENCE):
        while not fleet.names <= set(traffic.workers):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("proxy", [nginx, envoy], ids=["nginx", "envoy"])
async def test_behind_a_proxy(
    proxy: ModuleType, fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with behind(proxy, tmp_path, fleet) as channel:
        await restart_under_load(channel, fleet, capsys, proxy.__name__.rpartition(".")[2])


async def test_behind_our_own_round_robin(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    target = "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in fleet.ports)
    async with rpc.Channel(target, load_balancing="round_robin") as channel:
        await restart_under_load(channel, fleet, capsys, "round_robin")
