"""The server of the soak, in a process of its own: `python -m tests.soak.server`.

It prints two ports: one for the load, and one that shows what goes on, so that looking does not count.
"""

from __future__ import annotations

import asyncio
import gc
import json
from pathlib import Path
from typing import Any

from barewire import rpc, schema
from barewire.rpc.generic_handlers import HandlerCallDetails
from barewire.rpc.handlers import make_handler
from tests.soak.vitals import Vitals
from tests.support.processes import die_with_parent

soak: Any = schema.load(Path(__file__).with_name("soak.proto"))
VITALS = "/soak.Control/Vitals"


class Soak(soak.SoakServicer):
    async def Unary(self, request: Any, context: Any) -> Any:
        return await answer(request)

    async def Down(self, request: Any, context: Any) -> Any:
        for _ in range(request.responses):
            yield await answer(request)

    async def Up(self, requests: Any, context: Any) -> Any:
        size = 0
        last = soak.Job()
        async for last in requests:
            size += len(last.payload)
        await answer(last)
        return soak.Job(payload=size.to_bytes(8, "big"))

    async def Both(self, requests: Any, context: Any) -> Any:
        async for request in requests:
            yield await answer(request)


async def answer(job: Any) -> Any:
    if job.milliseconds:
        await asyncio.sleep(job.milliseconds / 1000)
    if job.code:
        raise rpc.RpcError(rpc.StatusCode(job.code), "as you wish")
    return soak.Job(payload=job.payload)


def vitals_of(server: rpc.Server) -> Any:
    """The handler that tells what this process holds."""

    async def tell(request: bytes, context: Any) -> bytes:
        gc.collect()
        calls = sum(link.core.open_calls for link in server.links)
        return json.dumps(Vitals.take(len(server.links), calls).to_dict()).encode()

    def find(details: HandlerCallDetails) -> Any:
        return make_handler(VITALS, tell) if details.method == VITALS else None

    return find


async def main() -> None:
    die_with_parent()
    channelz = rpc.Channelz()
    # Half of the calls are given up: what a server takes for an attack by default is the point here.
    server = rpc.Server([Soak()], channelz=channelz, max_resets_per_second=100_000)
    admin = rpc.Server(rpc.admin_servicers(channelz=channelz), generic_handlers=[vitals_of(server)])
    port = await server.start("127.0.0.1:0")
    print(port, await admin.start("127.0.0.1:0"), flush=True)
    await server.serve_until_signal(grace=1)
    await admin.stop(0)


if __name__ == "__main__":
    asyncio.run(main())
