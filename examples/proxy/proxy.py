"""A proxy for any gRPC service, without its schema: calls of every shape go to another server as bytes.

    python proxy.py 127.0.0.1:50052 127.0.0.1:50051      # listen on the first, forward to the second

Metadata, messages, status and details pass through in both directions. The deadline does so by itself: a call that
is made inside a handler gets what is left of the handler's time. So does cancellation: it ends the handler, and with
it the call.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

from barewire import rpc
from barewire.rpc.aio import StreamStreamCall


class Proxy:
    """A generic handler that answers every path by asking `channel`."""

    def __init__(self, channel: rpc.Channel) -> None:
        self.channel = channel

    def service(self, details: rpc.HandlerCallDetails) -> rpc.MethodHandler:
        return rpc.make_handler(details.method, self.forward, client_streaming=True, server_streaming=True)

    async def forward(self, requests: AsyncIterator[bytes], context: rpc.ServicerContext) -> None:
        call = self.channel.stream_stream(context.method)(metadata=forwardable(context.invocation_metadata()))
        async with call:
            sending = asyncio.create_task(send_all(requests, call))
            try:
                head = await call.initial_metadata()
                if not call.done():  # else the status is all there is
                    await context.send_initial_metadata(head)
                async for response in call:
                    await context.send(response)
            finally:
                sending.cancel()
        context.set_trailing_metadata(await call.trailing_metadata())


async def send_all(requests: AsyncIterator[bytes], call: StreamStreamCall[bytes]) -> None:
    with contextlib.suppress(rpc.RpcError):  # the call is over: who receives learns why
        async for request in requests:
            await call.send(request)
        await call.done_sending()


def forwardable(metadata: rpc.Metadata) -> rpc.Metadata:
    """What is the application's; the rest belongs to a connection, and each has its own."""
    own = [(key, value) for key, value in metadata if key != "user-agent" and not key.startswith("grpc-")]
    return rpc.Metadata(own)


async def main(listen: str, target: str) -> None:
    async with rpc.Channel(target) as channel:
        server = rpc.Server(generic_handlers=[Proxy(channel)], health=False, reflection=False)
        await server.start(listen)
        await server.serve_until_signal()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
