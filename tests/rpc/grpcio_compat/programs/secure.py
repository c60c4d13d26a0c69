"""TLS with certificates on both sides, and call credentials."""

import asyncio
import pathlib

import grpc
import guide_pb2
import guide_pb2_grpc

ROOT, CHAIN, KEY = (pathlib.Path(name).read_bytes() for name in ("root.pem", "chain.pem", "key.pem"))


class Guide(guide_pb2_grpc.GuideServicer):
    async def Greet(self, request, context):
        metadata = dict(context.invocation_metadata())
        return guide_pb2.Greeting(text=f"{metadata['authorization']} {metadata.get('x-method')}")


class Plugin:
    def __call__(self, context, callback):
        callback((("x-method", context.method_name),), None)


async def main():
    server = grpc.aio.server()
    guide_pb2_grpc.add_GuideServicer_to_server(Guide(), server)
    credentials = grpc.ssl_server_credentials([(KEY, CHAIN)], ROOT, require_client_auth=True)
    port = server.add_secure_port("localhost:0", credentials)
    await server.start()
    tls = grpc.ssl_channel_credentials(ROOT, KEY, CHAIN)
    both = grpc.composite_channel_credentials(
        tls,
        grpc.composite_call_credentials(
            grpc.access_token_call_credentials("t0ken"), grpc.metadata_call_credentials(Plugin())
        ),
    )
    async with grpc.aio.secure_channel(f"localhost:{port}", both) as channel:
        print((await guide_pb2_grpc.GuideStub(channel).Greet(guide_pb2.Name())).text)
    async with grpc.aio.secure_channel(f"localhost:{port}", tls) as channel:
        stub = guide_pb2_grpc.GuideStub(channel)
        token = grpc.access_token_call_credentials("once")
        print((await stub.Greet(guide_pb2.Name(), credentials=token)).text)
    async with grpc.aio.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials(ROOT)) as channel:
        try:
            await guide_pb2_grpc.GuideStub(channel).Greet(guide_pb2.Name(), timeout=5)
        except grpc.RpcError as error:
            print(error.code().name)
    await server.stop(0)


asyncio.run(main())
