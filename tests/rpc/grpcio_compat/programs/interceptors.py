"""Server interceptors: one that looks, one that refuses by another handler, one that waits first."""

import asyncio

import grpc
import guide_pb2
import guide_pb2_grpc


class Guide(guide_pb2_grpc.GuideServicer):
    async def Greet(self, request, context):
        return guide_pb2.Greeting(text=request.text)

    async def GreetManyTimes(self, request, context):
        yield guide_pb2.Greeting(text="a")
        yield guide_pb2.Greeting(text="b")

    async def GreetAll(self, request_iterator, context):
        return guide_pb2.Greeting(text="".join([name.text async for name in request_iterator]))

    async def Chat(self, request_iterator, context):
        async for name in request_iterator:
            await context.write(guide_pb2.Greeting(text=name.text))


class Log(grpc.aio.ServerInterceptor):
    def __init__(self, tag):
        self.tag = tag

    async def intercept_service(self, continuation, handler_call_details):
        print(self.tag, handler_call_details.method)
        await asyncio.sleep(0.01)
        return await continuation(handler_call_details)


class Guard(grpc.aio.ServerInterceptor):
    async def intercept_service(self, continuation, handler_call_details):
        if dict(handler_call_details.invocation_metadata).get("token") == "good":
            return await continuation(handler_call_details)

        async def refuse(request, context):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "a token is needed")

        return grpc.unary_unary_rpc_method_handler(refuse)


async def names():
    for text in "xyz":
        yield guide_pb2.Name(text=text)


async def main():
    server = grpc.aio.server(interceptors=(Log("outer"), Log("inner"), Guard()))
    guide_pb2_grpc.add_GuideServicer_to_server(Guide(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    good = (("token", "good"),)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = guide_pb2_grpc.GuideStub(channel)
        print((await stub.Greet(guide_pb2.Name(text="hi"), metadata=good)).text)
        print([reply.text async for reply in stub.GreetManyTimes(guide_pb2.Name(), metadata=good)])
        print((await stub.GreetAll(names(), metadata=good)).text)
        print([reply.text async for reply in stub.Chat(names(), metadata=good)])
        try:
            await stub.Greet(guide_pb2.Name(text="hi"))
        except grpc.aio.AioRpcError as error:
            print(error.code().name, error.details())
    await server.stop(0)


asyncio.run(main())
