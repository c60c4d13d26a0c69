"""grpcio's own health and reflection servicers, on top."""

import asyncio

import grpc
import guide_pb2
import guide_pb2_grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc


async def main():
    server = grpc.aio.server()
    guide_pb2_grpc.add_GuideServicer_to_server(guide_pb2_grpc.GuideServicer(), server)
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    names = (guide_pb2.DESCRIPTOR.services_by_name["Guide"].full_name, reflection.SERVICE_NAME)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(
        reflection.aio.ReflectionServicer(names), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await servicer.set("guide.Guide", health_pb2.HealthCheckResponse.SERVING)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        print((await stub.Check(health_pb2.HealthCheckRequest(service="guide.Guide"))).status)
        try:
            await stub.Check(health_pb2.HealthCheckRequest(service="nobody"))
        except grpc.RpcError as error:
            print(error.code().name)
        asking = reflection_pb2.ServerReflectionRequest(list_services="")
        async for reply in reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo([asking]):
            print(sorted(each.name for each in reply.list_services_response.service))
    await server.stop(0)


asyncio.run(main())
