"""Call a method of a gRPC server: JSON requests in, JSON responses out.

  barewire call localhost:50051 bookstore.Bookstore/GetBook -d '{"id": "1"}'

The schema comes from the server (by reflection) or from --proto. A stream of requests is several JSON values, one after
the other; with `-d @` or `-d -` they are read from standard input and sent as they come. Without -d, a method that
takes one request gets an empty one. Options may be written with one dash, as for grpcurl (-plaintext, -max-time 5)."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from ..rpc import Channel, Metadata, RpcError
from ..rpc.deadline import current_deadline
from ..schema import JsonError, MethodSpec
from ..schema.descriptor import MethodDescriptor, ServiceDescriptor
from ..schema.print_proto import print_symbol
from .connection import add_connection_arguments, open_channel, parse_headers, seconds
from .errors import UserError
from .output import counted, error_text, json_text, metadata_text, undecoded
from .requests import Requests
from .source import Source, add_schema_arguments, open_source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="HOST:PORT", help="also unix:PATH")
    parser.add_argument("method", metavar="SERVICE/METHOD", help="pkg.Service/Method or pkg.Service.Method")
    parser.add_argument("-d", "--data", metavar="JSON", help="the requests; @ or - reads standard input")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the method and all metadata, too")
    parser.add_argument("--timeout", "--max-time", type=seconds, metavar="SECONDS", help="for all of it")
    parser.add_argument(
        "--emit-defaults", action="store_true", help="print fields that hold their zero value, too"
    )
    parser.add_argument(
        "--allow-unknown-fields", action="store_true", help="ignore fields that the schema lacks"
    )
    parser.add_argument("--max-msg-sz", type=int, metavar="BYTES", help="largest response (default: 4 MiB)")
    add_schema_arguments(parser)
    add_connection_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    metadata = parse_headers(arguments.headers)
    if arguments.timeout is not None:  # every call from here on inherits it
        current_deadline.set(asyncio.get_running_loop().time() + arguments.timeout)
    async with (
        open_channel(arguments, arguments.target) as channel,
        open_source(arguments, channel, metadata) as source,
    ):
        method = await find_method(source, arguments.method)
        return await _Invocation(arguments, channel, source, method, metadata).run()


async def find_method(source: Source, name: str) -> MethodSpec:
    """The method called pkg.Service/Method or pkg.Service.Method. Raises UserError."""
    service_name, separator, method_name = name.lstrip("/").rpartition("/" if "/" in name else ".")
    if not separator or not service_name or not method_name:
        raise UserError(f"{name!r} is no method: write pkg.Service/Method", 2)
    service = await source.find(service_name)
    if not isinstance(service, ServiceDescriptor):
        known = ", ".join(await source.services())
        raise UserError(f"there is no service {service_name!r}; there are: {known or 'none'}")
    spec = source.registry.service(service)
    for method in spec.methods:
        if method.name == method_name:
            return method
    known = ", ".join(sorted(method.name for method in spec.methods))
    raise UserError(
        f'service "{service_name}" does not include a method named "{method_name}"; it has: {known}'
    )


class _Invocation:
    """One call, from its requests to its exit status."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        channel: Channel,
        source: Source,
        method: MethodSpec,
        metadata: Metadata,
    ) -> None:
        self.verbose: bool = arguments.verbose
        self.emit_defaults: bool = arguments.emit_defaults
        self.channel = channel
        self.source = source
        self.method = method
        self.metadata = metadata
        self.requests = Requests(
            arguments.data, method.request_class, source, ignore_unknown=arguments.allow_unknown_fields
        )
        self.responses = 0

    async def run(self) -> int:
        descriptor: MethodDescriptor = self.method.descriptor
        self.tell(f"\nResolved method descriptor:\n{print_symbol(descriptor)}")
        self.tell(f"\nRequest metadata to send:\n{metadata_text(self.metadata)}")
        call = await self.start()
        error: RpcError | None = None
        try:
            if self.verbose:
                self.tell(f"\nResponse headers received:\n{metadata_text(await call.initial_metadata())}")
            if self.method.server_streaming:
                async for response in call:
                    await self.show(response)
            else:
                await self.show(await call)
        except RpcError as failure:
            error = failure
        if self.requests.failure is not None:
            raise self.requests.failure
        if self.verbose:
            self.tell(f"\nResponse trailers received:\n{metadata_text(await call.trailing_metadata())}")
            sent, received = counted(self.requests.count, "request"), counted(self.responses, "response")
            self.tell(f"Sent {sent} and received {received}")
        if error is None:
            return 0
        details = [await self.detail(detail) for detail in error.details]
        print(error_text(error, details), end="", file=sys.stderr)
        return 64 + int(error.code)

    async def start(self) -> Any:
        method = self.method
        start = getattr(self.channel, method.shape)(
            method.path,
            request_serializer=method.request_serializer,
            response_deserializer=method.response_deserializer,
        )
        name = f"{method.descriptor.service.full_name}/{method.name}"
        requests = self.requests if method.client_streaming else await self.requests.only(name)
        return start(requests, metadata=self.metadata)

    async def show(self, response: Any) -> None:
        self.responses += 1
        try:
            text = await self.to_json(response)
        except JsonError as error:
            raise UserError(f"response {self.responses} cannot be printed as JSON: {error}") from None
        self.tell("\nResponse contents:")
        print(text, flush=True)

    async def detail(self, detail: Any) -> str:
        try:
            return await self.to_json(detail)
        except (JsonError, RpcError) as error:
            return undecoded(detail, error)

    async def to_json(self, message: Any) -> str:
        return await self.source.retry(
            lambda registry: json_text(message, registry, emit_defaults=self.emit_defaults)
        )

    def tell(self, text: str) -> None:
        if self.verbose:
            print(text, flush=True)
