"""One worker behind a proxy: `python -m tests.interop.proxies.backend PORT NAME`. SIGTERM lets its calls finish."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from barewire import rpc
from tests.interop.proxies.schema import load


class Load(load.LoadServicer):
    def __init__(self, name: str) -> None:
        self.name = name

    async def Work(self, request: Any, context: Any) -> Any:
        await asyncio.sleep(request.milliseconds / 1000)
        return load.Done(number=request.number, worker=self.name)

    async def Report(self, request: Any, context: Any) -> Any:
        for number in range(10):
            await asyncio.sleep(request.milliseconds / 10_000)
            yield load.Done(number=number, worker=self.name)


async def main(port: int, name: str) -> None:
    server = rpc.Server([Load(name)])
    await server.start(f"127.0.0.1:{port}")
    print("ready", flush=True)
    await server.serve_until_signal(grace=20)


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
