"""A service that answers each number with the next one, and an interceptor that writes down what it sees."""

from __future__ import annotations

from typing import Any

from barewire.rpc import InterceptedCall, Interceptor, Proceed, RpcError, StatusCode

from .rpc_service import Item, servicer


async def unary(request: Any, context: Any) -> Any:
    if request.text == "fail":
        raise RpcError(StatusCode.NOT_FOUND, "from the handler")
    return Item(number=request.number + 1, text=str(context.invocation_metadata().get("added", "")))


async def down(request: Any, context: Any) -> Any:
    for _ in range(2):
        yield await unary(request, context)


async def up(requests: Any, context: Any) -> Any:
    return [await unary(request, context) async for request in requests][-1]


async def both(requests: Any, context: Any) -> Any:
    async for request in requests:
        yield await unary(request, context)


COUNTING = servicer(Unary=unary, Down=down, Up=up, Both=both)


class Recorder(Interceptor):
    """Logs when each call begins and how it ends."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        self.log.append(f"{self.name} before {call.side} {call.method}")
        try:
            await proceed()
        except RpcError as error:
            self.log.append(f"{self.name} failed {error.code.name}")
            raise
        else:
            self.log.append(f"{self.name} after")
