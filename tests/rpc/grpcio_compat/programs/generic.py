"""Handlers without a servicer, compression, options, plain functions in a thread pool."""

import asyncio
from concurrent import futures

import grpc


def shout(request, context):
    return request.upper()


async def count(request, context):
    for number in range(int(request)):
        yield str(number).encode()


async def main():
    server = grpc.aio.server(
        futures.ThreadPoolExecutor(max_workers=2),
        options=(("grpc.max_receive_message_length", 2000),),
        compression=grpc.Compression.Gzip,
        maximum_concurrent_rpcs=10,
    )
    handlers = {
        "Shout": grpc.unary_unary_rpc_method_handler(shout),
        "Count": grpc.unary_stream_rpc_method_handler(count),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("raw.Raw", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    options = [("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0)]
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options)
    await channel.channel_ready()
    print(channel.get_state().name)
    shouted = channel.unary_unary("/raw.Raw/Shout")
    print(await shouted(b"hello", compression=grpc.Compression.Deflate, wait_for_ready=True))
    print([reply async for reply in channel.unary_stream("/raw.Raw/Count")(b"3")])
    for call in (shouted(b"x" * 3000), channel.unary_unary("/raw.Raw/Nothing")(b"")):
        try:
            await call
        except grpc.RpcError as error:
            print(error.code().name)
    await channel.close()
    print(channel.get_state().name)
    await server.stop(0)


asyncio.run(main())
