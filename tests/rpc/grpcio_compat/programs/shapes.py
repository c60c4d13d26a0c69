"""All four shapes: handlers that return and yield, and calls that are awaited and iterated."""

import asyncio

import grpc
import guide_pb2
import guide_pb2_grpc


class Guide(guide_pb2_grpc.GuideServicer):
    async def Greet(self, request, context):
        return guide_pb2.Greeting(text=f"Hello, {request.text}!")

    async def GreetManyTimes(self, request, context):
        for number in range(3):
            yield guide_pb2.Greeting(text=f"{number}: {request.text}")

    async def GreetAll(self, request_iterator, context):
        names = [name.text async for name in request_iterator]
        return guide_pb2.Greeting(text=", ".join(names))

    async def Chat(self, request_iterator, context):
        async for name in request_iterator:
            yield guide_pb2.Greeting(text=name.text.upper())


async def names():
    for text in ("Ada", "Grace"):
        yield guide_pb2.Name(text=text)


async def main():
    server = grpc.aio.server()
    guide_pb2_grpc.add_GuideServicer_to_server(Guide(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = guide_pb2_grpc.GuideStub(channel)
        print((await stub.Greet(guide_pb2.Name(text="Ada"))).text)
        print([reply.text async for reply in stub.GreetManyTimes(guide_pb2.Name(text="Ada"))])
        print((await stub.GreetAll(names())).text)
        print((await stub.GreetAll([guide_pb2.Name(text="one"), guide_pb2.Name(text="two")])).text)
        print([reply.text async for reply in stub.Chat(names())])
        call = stub.Greet(guide_pb2.Name(text="again"))
        print((await call).text, await call.code() == grpc.StatusCode.OK, await call.details() == "")
        print(call.done(), call.cancelled(), call.cancel())
    print(await server.wait_for_termination(0.01))
    await server.stop(None)
    print(await server.wait_for_termination())


asyncio.run(main())
