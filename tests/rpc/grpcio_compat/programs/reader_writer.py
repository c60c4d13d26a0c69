"""The reader-writer API on both sides, EOF included."""

import asyncio

import grpc
import guide_pb2
import guide_pb2_grpc


class Guide(guide_pb2_grpc.GuideServicer):
    async def GreetManyTimes(self, request, context):
        await context.write(guide_pb2.Greeting(text="first"))
        await context.write(guide_pb2.Greeting(text="second"))

    async def GreetAll(self, unused_request_iterator, context):
        names = []
        while (name := await context.read()) != grpc.aio.EOF:
            names.append(name.text)
        return guide_pb2.Greeting(text="+".join(names))

    async def Chat(self, unused_request_iterator, context):
        while True:
            name = await context.read()
            if name == grpc.aio.EOF:
                break
            await context.write(guide_pb2.Greeting(text=name.text))


async def main():
    server = grpc.aio.server()
    guide_pb2_grpc.add_GuideServicer_to_server(Guide(), server)
    port = server.add_insecure_port("localhost:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"localhost:{port}") as channel:
        stub = guide_pb2_grpc.GuideStub(channel)
        call = stub.GreetManyTimes(guide_pb2.Name())
        while (reply := await call.read()) != grpc.aio.EOF:
            print(reply.text)
        print(await call.code() == grpc.StatusCode.OK)

        call = stub.GreetAll()
        for text in "abc":
            await call.write(guide_pb2.Name(text=text))
        await call.done_writing()
        print((await call).text)

        call = stub.Chat()
        for text in ("ping", "pong"):
            await call.write(guide_pb2.Name(text=text))
            print((await call.read()).text)
        await call.done_writing()
        print(await call.read() == grpc.aio.EOF)
    await server.stop(0)


asyncio.run(main())
