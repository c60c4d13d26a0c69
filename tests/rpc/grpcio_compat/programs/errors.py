"""How calls fail: aborts, codes that are set, exceptions, deadlines, cancellation, nobody there."""

import asyncio
import logging

import grpc
import guide_pb2
import guide_pb2_grpc

logging.disable(logging.CRITICAL)


class Guide(guide_pb2_grpc.GuideServicer):
    async def Greet(self, request, context):
        if request.text == "abort":
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such name", (("why", "because"),))
        if request.text == "set":
            context.set_code(grpc.StatusCode.FAILED_PRECONDITION)
            context.set_details("not now")
            return guide_pb2.Greeting()
        if request.text == "raise":
            raise ValueError("secret")
        return await asyncio.sleep(60)

    async def GreetManyTimes(self, request, context):
        yield guide_pb2.Greeting(text="one")
        await context.abort(grpc.StatusCode.DATA_LOSS, "the rest is gone")


async def show(call):
    try:
        print("got", (await call).text)
    except grpc.RpcError as error:
        print(isinstance(error, grpc.aio.AioRpcError), error.code().name)
        return error


async def main():
    server = grpc.aio.server()
    guide_pb2_grpc.add_GuideServicer_to_server(Guide(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = guide_pb2_grpc.GuideStub(channel)
        error = await show(stub.Greet(guide_pb2.Name(text="abort")))
        print(error.details(), dict(error.trailing_metadata())["why"])
        error = await show(stub.Greet(guide_pb2.Name(text="set")))
        print(error.details())
        await show(stub.Greet(guide_pb2.Name(text="raise")))
        await show(stub.Greet(guide_pb2.Name(text="late"), timeout=0.2))
        await show(stub.GreetAll([]))
        call = stub.GreetManyTimes(guide_pb2.Name())
        try:
            async for reply in call:
                print(reply.text)
        except grpc.RpcError as error:
            print(error.code().name, error.details(), await call.code() == error.code())
        call = stub.Greet(guide_pb2.Name(text="given up"))
        asyncio.get_running_loop().call_later(0.1, call.cancel)
        try:
            await call
        except asyncio.CancelledError:
            print("cancelled", call.cancelled(), (await call.code()).name)
    await server.stop(0)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await show(guide_pb2_grpc.GuideStub(channel).Greet(guide_pb2.Name()))


asyncio.run(main())
