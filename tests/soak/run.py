"""The soak: 200 callers against a server in another process; the table of what both hold, and the verdict."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import statistics
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from barewire import rpc
from tests.soak.books import Counts, client_books, complaints, server_books
from tests.soak.callers import BlockingCallers, Callers
from tests.soak.server import VITALS
from tests.soak.vitals import Vitals
from tests.support.processes import Child
from tests.support.rpc_service import PATIENCE

BLOCKING_CALLERS = 4
_MIB = 1024 * 1024
_ALLOWED_GROWTH = 8 * _MIB


@dataclass
class Report:
    """How it went. `growth` is in bytes: the median of the last third of the samples above that of the second."""

    outcomes: Counter[str] = field(default_factory=Counter[str])
    surprises: Counter[str] = field(default_factory=Counter[str])
    books: list[Counts] = field(default_factory=list[Counts])
    complaints: list[str] = field(default_factory=list[str])
    growth: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def calls(self) -> int:
        return sum(self.outcomes.values())


Say = Callable[[str], object]


class Soak:
    """One run. `say` gets the lines of the table."""

    def __init__(self, seconds: float, callers: int, say: Say) -> None:
        self._seconds = seconds
        self._callers = callers
        self._say = say
        self._report = Report()
        self._samples: dict[str, list[Vitals]] = {"client": [], "server": []}
        self._channelz = rpc.Channelz()

    async def run(self) -> Report:
        with Child("tests.soak.server") as server:
            port, admin_port = server.line().split()
            async with self._channels(port, admin_port) as (channel, blocking, admin):
                await channel.channel_ready()
                before = await self._look(channel, admin)
                await self._load(channel, blocking, admin)
                await self._check(before, channel, admin)
        return self._report

    @contextlib.asynccontextmanager
    async def _channels(
        self, port: str, admin_port: str
    ) -> AsyncGenerator[tuple[rpc.Channel, rpc.sync.Channel, rpc.Channel], None]:
        address = f"127.0.0.1:{port}"
        async with (
            rpc.Channel(address, channelz=self._channelz) as channel,
            rpc.Channel(f"127.0.0.1:{admin_port}") as admin,
        ):
            with rpc.sync.Channel(address, channelz=self._channelz) as blocking:
                await asyncio.to_thread(blocking.channel_ready)
                yield channel, blocking, admin

    # -- the load -------------------------------------------------------------------------------------------------

    async def _load(self, channel: rpc.Channel, blocking: rpc.sync.Channel, admin: rpc.Channel) -> None:
        stop = asyncio.Event()
        callers = Callers(channel, self._callers - BLOCKING_CALLERS, seed=1)
        threads = [BlockingCallers(blocking, seed) for seed in range(BLOCKING_CALLERS)]
        async with asyncio.TaskGroup() as group:
            group.create_task(callers.run(stop))
            for thread in threads:
                group.create_task(asyncio.to_thread(thread.run, stop.is_set))
            group.create_task(self._watch(channel, admin, callers))
            await asyncio.sleep(self._seconds)
            stop.set()
        for each in (callers, *threads):
            self._report.outcomes += each.outcomes
            self._report.surprises += each.surprises

    async def _watch(self, channel: rpc.Channel, admin: rpc.Channel, callers: Callers) -> None:
        self._say("seconds    calls | client: MiB objects tasks files | server: MiB objects tasks files open")
        begun = time.monotonic()
        period = self._seconds / 20
        for number in range(1, 20):
            await asyncio.sleep(max(0.0, begun + number * period - time.monotonic()))
            client, server = await self._look(channel, admin)
            self._samples["client"].append(client)
            self._samples["server"].append(server)
            self._say(
                f"{time.monotonic() - begun:7.0f} {sum(callers.outcomes.values()):8} |"
                f" {client.memory / _MIB:11.1f} {client.objects:7} {client.tasks:5} {client.files:5} |"
                f" {server.memory / _MIB:11.1f} {server.objects:7} {server.tasks:5} {server.files:5} {server.calls:4}"
            )

    async def _look(self, channel: rpc.Channel, admin: rpc.Channel) -> tuple[Vitals, Vitals]:
        gc.collect()
        there = json.loads(await admin.unary_unary(VITALS)(b""))
        calls = sum(link.core.open_calls for link in channel.links)
        return Vitals.take(len(channel.links), calls), Vitals(**there)

    # -- afterwards -----------------------------------------------------------------------------------------------

    async def _check(self, before: Sequence[Vitals], channel: rpc.Channel, admin: rpc.Channel) -> None:
        report = self._report
        report.complaints += await self._left_over(before, channel, admin)
        for side, samples in self._samples.items():
            third = len(samples) // 3
            early, late = (
                statistics.median(each.memory for each in part)
                for part in (samples[third : 2 * third], samples[2 * third :])
            )
            report.growth[side] = int(late - early)
            if late - early > _ALLOWED_GROWTH:
                report.complaints.append(f"{side}: memory grew by {(late - early) / _MIB:.1f} MiB")
        server = await server_books(admin)
        client = await self._client_books()
        report.books = [*server, *client]
        report.complaints += complaints(server, client)

    async def _left_over(
        self, before: Sequence[Vitals], channel: rpc.Channel, admin: rpc.Channel
    ) -> list[str]:
        """What there is more of than before, once what was given up last has come to its end."""
        end = time.monotonic() + PATIENCE
        while True:
            after = await self._look(channel, admin)
            more = [
                f"{side}: {what} went from {getattr(was, what)} to {getattr(now, what)}"
                for side, was, now in zip(("client", "server"), before, after, strict=True)
                for what in ("tasks", "files", "connections", "calls")
                if getattr(now, what) > getattr(was, what)
            ]
            if not more or time.monotonic() > end:
                return more
            await asyncio.sleep(0.1)

    async def _client_books(self) -> list[Counts]:
        """This process's channels, asked for as anybody would."""
        own = rpc.Server(rpc.admin_servicers(channelz=self._channelz))
        port = await own.start("127.0.0.1:0")
        async with rpc.Channel(f"127.0.0.1:{port}") as channel:
            found = await client_books(channel)
        await own.stop(0)
        return found


def show(report: Report, say: Say) -> None:
    """Print a report."""
    say(f"{report.calls} calls: " + ", ".join(f"{name} {n}" for name, n in report.outcomes.most_common()))
    say(
        "memory grew by " + ", ".join(f"{size / _MIB:.1f} MiB ({who})" for who, size in report.growth.items())
    )
    for counts in report.books:
        say(
            f"{counts.what:20} started {counts.started} = succeeded {counts.succeeded} + failed {counts.failed};"
            f" messages sent {counts.sent}, received {counts.received}"
        )
    for text, count in report.surprises.most_common():
        say(f"SURPRISE {count} x {text}")
    for text in report.complaints:
        say(f"WRONG {text}")


def run(seconds: float, callers: int, say: Say) -> Report:
    """Run it and show the report."""
    report: Any = asyncio.run(Soak(seconds, callers, say).run())
    show(report, say)
    return report
