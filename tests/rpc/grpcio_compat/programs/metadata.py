"""Metadata in all directions, and what a handler knows of its call."""

import asyncio

import grpc
import guide_pb2
import guide_pb2_grpc


class Guide(guide_pb2_grpc.GuideServicer):
    async def Greet(self, request, context):
        sent = [(key, value) for key, value in context.invocation_metadata() if key.startswith("x-")]
        print("server:", sent, context.peer().partition(":")[0], 0 < context.time_remaining() < 31)
        await context.send_initial_metadata((("x-first", "1"),))
        context.set_trailing_metadata((("x-last-bin", b"\x00\xff"), ("x-last", "2")))
        return guide_pb2.Greeting(text=str(context.cancelled()))


async def main():
    server = grpc.aio.server()
    guide_pb2_grpc.add_GuideServicer_to_server(Guide(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = guide_pb2_grpc.GuideStub(channel)
        for metadata in ((("x-a", "b"), ("x-c-bin", b"\x01")), grpc.aio.Metadata(("x-a", "b"), ("x-a", "c"))):
            call = stub.Greet(guide_pb2.Name(), metadata=metadata, timeout=30)
            print([pair for pair in await call.initial_metadata() if pair[0].startswith("x-")])
            print((await call).text)
            print([pair for pair in await call.trailing_metadata() if pair[0].startswith("x-")])
    await server.stop(0)


asyncio.run(main())
