"""A schema from a running server: server reflection, over any channel that has grpc.aio's `stream_stream`.

`ReflectedFiles` does no I/O: descriptors in, names of the files that are still missing out. `from_reflection` holds the
conversation; so does `rpc.services.reflection_client`, which loads symbol by symbol.

Spec: https://github.com/grpc/grpc/blob/master/doc/server-reflection.md.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from .errors import SchemaError
from .load import loads
from .loaded import Schema
from .registry import Registry
from .wkt.shared import well_known_class

if TYPE_CHECKING:
    import asyncio

MAX_FILES = 10_000  # of one server

_PACKAGES = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
_OWN = "grpc."  # services that come with a server: reflection, health, …

# The questions that are asked here and their answers; v1 and v1alpha have the same numbers.
_PROTOCOL = """
syntax = "proto3";
message Question {
  oneof message_request {
    string file_by_filename = 3;
    string file_containing_symbol = 4;
    string list_services = 7;
  }
}
message Answer {
  oneof message_response {
    Files file_descriptor_response = 4;
    Services list_services_response = 6;
    Error error_response = 7;
  }
}
message Files { repeated bytes file_descriptor_proto = 1; }
message Services { repeated Service service = 1; }
message Service { string name = 1; }
message Error { int32 error_code = 1; string error_message = 2; }
"""


class Channel(Protocol):
    """What is needed of a channel: `rpc.Channel` has it, and so has grpc.aio's."""

    def stream_stream(self, method: str, /, *args: Any, **kwargs: Any) -> Any: ...


class TooManyFiles(SchemaError):
    """The server goes on sending files that import others."""


class ReflectedFiles:
    """The files that a server sends, until nothing that they import is missing.

    `registry` is where they are to be loaded; what it has already is not asked for again.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._files: dict[str, bytes] = {}
        self._wanted: dict[str, None] = {}

    def add(self, protos: Sequence[bytes], wanted: str = "") -> None:
        """Take the encoded FileDescriptorProtos of an answer; `wanted` is the file that was asked for by its name.

        Raises SchemaError if they are broken, or not what was asked for.
        """
        file_class: Any = well_known_class("google.protobuf.FileDescriptorProto")
        for data in protos:
            try:
                file = file_class.decode(data)
            except ValueError as error:
                raise SchemaError(f"the server sent a broken file descriptor: {error}") from error
            self._files.setdefault(file.name or "", data)
            self._wanted.update(dict.fromkeys(file.dependency))
        if not protos or (wanted and wanted not in self._files):
            name = f"the file {wanted!r}" if protos else "any file"
            raise SchemaError(f"the server answered a question for a file without {name}")
        if len(self._files) > MAX_FILES:
            raise TooManyFiles(f"the server sends more than {MAX_FILES} files")

    def next_missing(self) -> str | None:
        """The name of a file to ask for next; None when all are there."""
        while self._wanted:
            name = next(iter(self._wanted))
            if name not in self._files and name not in self.registry.files:
                return name
            del self._wanted[name]
        return None

    def load(self) -> None:
        """Make the files known to the registry. Raises SchemaError if they do not fit together."""
        from .from_descriptor_proto import load as load_files  # with the compiler

        new = [data for name, data in self._files.items() if name not in self.registry.files]
        self.registry.add(*load_files(new, self.registry.files))


async def from_reflection(
    channel: Channel,
    *,
    service: str | None = None,
    registry: Registry | None = None,
    metadata: Any = None,
) -> Schema:
    """The schema of a server that offers reflection, with all its services.

    The attributes of the Schema are those of the file that declares `service`; without it, of the first service in
    alphabetical order that is not one of gRPC's own. Everything else is found by its full name: `schema["pkg.Name"]`.

    Raises SchemaError for what the server does not know or sends in error, and whatever the channel raises if the call
    fails (UNIMPLEMENTED: the server has no reflection).
    """
    registry = registry if registry is not None else Registry()
    for version, package in enumerate(_PACKAGES, 1):
        conversation = _Conversation(channel, package, metadata)
        try:
            names = await conversation.services()
            wanted = [service] if service is not None else names
            found = await _fetch(conversation, registry, wanted)
            break
        except Exception as error:
            if version == len(_PACKAGES) or not _is_unimplemented(error):
                raise
        finally:
            await conversation.close()
    else:
        raise AssertionError("the last version either answers or raises")
    main = min(found, key=lambda name: (name.startswith(_OWN), name))
    file = registry.file_containing_symbol(main)
    if file is None:
        raise SchemaError(f"the server's file for {main} does not declare it")
    return Schema(registry, file)


async def _fetch(conversation: _Conversation, registry: Registry, services: list[str]) -> list[str]:
    """Loads the files of services; returns the services that the server has files for."""
    files = ReflectedFiles(registry)
    found: list[str] = []
    refusal = SchemaError("the server lists no services")
    for name in services:
        try:
            files.add(await conversation.files(file_containing_symbol=name))
        except _Refused as error:  # a service that was registered without its descriptor
            refusal = error
        else:
            found.append(name)
    if not found:
        raise refusal
    while (missing := files.next_missing()) is not None:
        files.add(await conversation.files(file_by_filename=missing), missing)
    files.load()
    return found


class _Refused(SchemaError):
    """The server answered a question with an error."""


class _Conversation:
    """Questions and answers on one stream."""

    def __init__(self, channel: Channel, package: str, metadata: Any) -> None:
        from asyncio import Queue  # whoever loads files only need not import asyncio

        protocol = _protocol()
        self._question: Any = protocol.Question
        start = channel.stream_stream(
            f"/{package}.ServerReflection/ServerReflectionInfo",
            request_serializer=_encoded,
            response_deserializer=protocol.Answer.decode,
        )
        self._questions: asyncio.Queue[Any] = Queue()
        options = {} if metadata is None else {"metadata": metadata}
        self._call = start(self._asked(), **options)
        self._answers = self._call.__aiter__()

    async def services(self) -> list[str]:
        answer = await self._ask(list_services="*")
        if answer.list_services_response is None:
            raise SchemaError("the server answered a question for its services with something else")
        return sorted(service.name for service in answer.list_services_response.service)

    async def files(self, **question: str) -> list[bytes]:
        answer = await self._ask(**question)
        if answer.file_descriptor_response is None:
            raise SchemaError("the server answered a question for a file with something else")
        return answer.file_descriptor_response.file_descriptor_proto

    async def close(self) -> None:
        self._questions.put_nowait(None)
        self._call.cancel()

    async def _ask(self, **question: str) -> Any:
        self._questions.put_nowait(self._question(**question))
        try:
            answer = await anext(self._answers)
        except StopAsyncIteration:
            raise SchemaError("the server ended the reflection stream without an answer") from None
        if answer.error_response is not None:
            raise _Refused(f"reflection: {answer.error_response.error_message}")
        return answer

    async def _asked(self) -> AsyncIterator[Any]:
        while (question := await self._questions.get()) is not None:
            yield question


@cache
def _protocol() -> Any:
    return loads(_PROTOCOL, name="reflection.proto")


def _encoded(message: Any) -> bytes:
    return message.encode()


def _is_unimplemented(error: Exception) -> bool:
    code: Any = getattr(error, "code", None)
    return getattr(code() if callable(code) else code, "name", None) == "UNIMPLEMENTED"
