"""A barewire client whose memory a test watches: `python -m …barewire_slow_client read|send TARGET COUNT SIZE LABEL`.

Prints `ready` and `paused` or `sent`, and waits after each for a line on standard input; at the end, how many messages
arrived, and waits once more, so that its memory can still be measured.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

from barewire import rpc, schema
from tests.support.protos import INTEROP

interop = schema.load(INTEROP)


async def tell(what: object) -> None:
    """Prints a line, and waits for one. Nobody there any more: ends."""
    print(what)
    if not await asyncio.to_thread(sys.stdin.readline):
        os._exit(0)


async def read(stub: Any, count: int, size: int, label: str) -> int:
    call = stub.ServerStream(interop.Request(response_count=count, response_size=size, label=label))
    responses = aiter(call)
    await anext(responses)
    await tell("paused")
    return 1 + sum([1 async for _ in responses])


async def send(stub: Any, count: int, size: int, label: str) -> int:
    async def requests() -> AsyncIterator[Any]:
        for _ in range(count):
            yield interop.Request(payload=bytes(size), label=label, sleep_ms=1500)

    response = await stub.ClientStream(requests())
    return response.received_count


async def main(what: str, target: str, count: int, size: int, label: str) -> None:
    async with rpc.Channel(target) as channel:
        stub = interop.InteropStub(channel)
        await stub.Unary(interop.Request())
        await tell("ready")
        done = await (read if what == "read" else send)(stub, count, size, label)
        await tell(done)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
