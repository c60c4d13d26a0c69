"""grpc.reflection v1 and v1alpha: the server tells its own schema (R99). Both versions have the same messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from ...schema.descriptor import FileDescriptor
from ...schema.errors import SchemaError
from ...schema.registry import Registry, with_dependencies
from ..errors import RpcError
from ..handlers import service_of
from ..status import StatusCode
from .bundled import bundled

_VERSIONS = ("v1", "v1alpha")


class ReflectionIndex:
    """What there is to reflect: the services of a server, and all files that they need."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._files: list[FileDescriptor] = []
        self._registries: list[Registry] | None = None

    def add(self, servicer: object) -> None:
        """Reflect one more servicer."""
        spec = service_of(servicer)
        assert spec is not None
        self._names.add(spec.full_name)
        self._files.append(spec.descriptor.file)
        self._registries = None

    @property
    def services(self) -> list[str]:
        """Their names, sorted."""
        return sorted(self._names)

    @property
    def registries(self) -> list[Registry]:
        """Registries that hold the files: one, unless servicers come from schemas that contradict each other."""
        if self._registries is None:
            self._registries = []
            for file in dict.fromkeys(self._files):
                _add_to_first_that_takes_it(self._registries, file)
        return self._registries

    def files_for(self, find: Callable[[Registry], FileDescriptor | None]) -> list[tuple[str, bytes]]:
        """The file that `find` gives, and those it imports, as (name, FileDescriptorProto); the file itself first."""
        for registry in self.registries:
            found = find(registry)
            if found is not None:
                files = [found, *(file for file in with_dependencies([found]) if file is not found)]
                return [(file.name, registry.file_descriptor_proto(file)) for file in files]
        return []


def _add_to_first_that_takes_it(registries: list[Registry], file: FileDescriptor) -> None:
    for registry in registries:
        try:
            registry.add(file)
        except SchemaError:
            continue
        return
    registries.append(Registry())
    registries[-1].add(file)


class _NotFound(Exception):
    pass


def make_reflection() -> tuple[ReflectionIndex, list[object]]:
    """Servicers of both versions, and the index that they answer from: what is to be reflected goes into it."""
    index = ReflectionIndex()
    reflecting = [_servicer_class(version)() for version in _VERSIONS]
    for servicer in reflecting:
        servicer.index = index
    return index, reflecting


def _servicer_class(version: str) -> type[Any]:
    protocol: Any = bundled(f"grpc/reflection/{version}/reflection.proto")

    class ReflectionServicer(protocol.ServerReflectionServicer):
        index: ReflectionIndex

        async def ServerReflectionInfo(
            self, requests: AsyncIterator[Any], context: Any
        ) -> AsyncIterator[Any]:
            sent: set[str] = set()  # a file goes out once on a stream
            async for request in requests:
                response = protocol.ServerReflectionResponse(
                    valid_host=request.host, original_request=request
                )
                try:
                    _answer(protocol, self.index, request, response, sent)
                except _NotFound as error:
                    code = int(StatusCode.NOT_FOUND)
                    response.error_response = protocol.ErrorResponse(
                        error_code=code, error_message=str(error)
                    )
                yield response

    return ReflectionServicer


def _answer(protocol: Any, index: ReflectionIndex, request: Any, response: Any, sent: set[str]) -> None:
    """Fill in the response to one request. Raises _NotFound, and RpcError for a request that asks nothing."""
    question = request.which("message_request")
    match question:
        case "list_services":
            listed = [protocol.ServiceResponse(name=name) for name in index.services]
            response.list_services_response = protocol.ListServiceResponse(service=listed)
        case "file_by_filename":
            name = request.file_by_filename
            files = index.files_for(lambda registry: registry.find_file(name))
            response.file_descriptor_response = _files(protocol, files, sent, f"file {name!r}")
        case "file_containing_symbol":
            symbol = request.file_containing_symbol
            files = index.files_for(lambda registry: registry.file_containing_symbol(symbol))
            response.file_descriptor_response = _files(protocol, files, sent, f"symbol {symbol!r}")
        case "file_containing_extension":
            message = request.file_containing_extension.containing_type
            number = request.file_containing_extension.extension_number
            files = index.files_for(lambda registry: registry.file_containing_extension(message, number))
            what = f"extension {number} of {message!r}"
            response.file_descriptor_response = _files(protocol, files, sent, what)
        case "all_extension_numbers_of_type":
            message = request.all_extension_numbers_of_type
            holders = [registry for registry in index.registries if registry.has_message(message)]
            if not holders:
                raise _NotFound(f"message {message!r} not found")
            numbers = sorted(
                {number for registry in holders for number in registry.extension_numbers(message)}
            )
            response.all_extension_numbers_response = protocol.ExtensionNumberResponse(
                base_type_name=message, extension_number=numbers
            )
        case _:
            raise RpcError(
                StatusCode.INVALID_ARGUMENT, "the reflection request asks for nothing that is known here"
            )


def _files(protocol: Any, files: list[tuple[str, bytes]], sent: set[str], what: str) -> Any:
    """The answer with all files that this stream has not seen. Raises _NotFound if there are none at all."""
    if not files:
        raise _NotFound(f"{what} not found")
    wanted = files[0][0]
    # What was asked for is sent even if it went out before: a client may have forgotten it.
    fresh = [data for name, data in files if name == wanted or name not in sent]
    sent.update(name for name, _ in files)
    return protocol.FileDescriptorResponse(file_descriptor_proto=fresh)
