"""A server for tests of what becomes of its clients: `python -m tests.support.rpc_child_server` prints its port.

A request with the text "freeze" stops the whole process, one with "die" ends it without a word.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

from barewire import rpc

from .processes import die_with_parent
from .rpc_service import Item, servicer


async def unary(request: Any, context: Any) -> Any:
    if request.text == "freeze":
        os.kill(os.getpid(), signal.SIGSTOP)
    if request.text == "die":
        os._exit(1)  # to its clients the same as SIGKILL; but what coverage has measured is not cut in half
    return Item(text=request.text)


async def down(request: Any, context: Any) -> AsyncIterator[Any]:
    while True:
        yield Item(data=bytes(1000))
        await asyncio.sleep(0.001)


async def serve() -> None:
    server = rpc.Server([servicer(Unary=unary, Down=down)])
    print(await server.start("127.0.0.1:0"), flush=True)
    await server.serve_until_signal()


if __name__ == "__main__":
    die_with_parent()
    asyncio.run(serve())
