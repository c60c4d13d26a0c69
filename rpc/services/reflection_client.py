"""A client of server reflection (R99): the schema of a server that is known by its address alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import schema
from ...schema.errors import SchemaError
from ...schema.reflection import ReflectedFiles, TooManyFiles
from ..errors import RpcError
from ..metadata import Metadata, MetadataPairs
from ..status import StatusCode
from .bundled import bundled

if TYPE_CHECKING:
    from ..aio import Channel

_VERSIONS = ("v1", "v1alpha")


class ReflectionClient:
    """Fetches the files of a server into a registry. Asks by v1, and by v1alpha where the server has no v1.

    All methods raise RpcError if the server cannot be asked (UNIMPLEMENTED: it has no reflection), and LookupError for
    what it does not know. `metadata` is sent with every question. `refused` tells that the server has no reflection.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        registry: schema.Registry | None = None,
        metadata: Metadata | MetadataPairs = (),
    ) -> None:
        self.registry = registry if registry is not None else schema.Registry()
        self._channel = channel
        self._metadata = metadata
        self._version = 0
        self._call: Any = None
        self.refused = False

    async def services(self) -> list[str]:
        """The full names of the server's services, in alphabetical order."""
        response = await self._ask(list_services="*")
        return sorted(service.name for service in response.list_services_response.service)

    async def load_symbol(self, full_name: str) -> None:
        """Make the file that declares a symbol, and all that it imports, known to the registry.

        Raises SchemaError if the files do not fit together.
        """
        if self.registry.find_symbol(full_name) is None:
            await self._load(await self._ask(file_containing_symbol=full_name))

    async def load_extension(self, message: str, number: int) -> None:
        """The same for the file that declares an extension of a message."""
        if self.registry.find_extension(message, number) is None:
            request = {"containing_type": message, "extension_number": number}
            await self._load(await self._ask(file_containing_extension=request))

    async def close(self) -> None:
        """End the conversation with the server."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    async def __aenter__(self) -> ReflectionClient:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    # -- asking ---------------------------------------------------------------------------------------------------

    @property
    def _protocol(self) -> Any:
        return bundled(f"grpc/reflection/{_VERSIONS[self._version]}/reflection.proto")

    async def _ask(self, **question: Any) -> Any:
        """One question, one answer, on a stream that stays open for the next."""
        try:
            response = await self._exchange(question)
        except RpcError as error:
            self._call = None
            if error.code is not StatusCode.UNIMPLEMENTED:
                raise
            if self._version + 1 == len(_VERSIONS):
                self.refused = True
                raise
            self._version += 1
            return await self._ask(**question)
        if response.which("message_response") == "error_response":
            error = response.error_response
            if error.error_code == StatusCode.NOT_FOUND:
                raise LookupError(error.error_message)
            raise RpcError(_code(error.error_code), f"reflection: {error.error_message}")
        return response

    async def _exchange(self, question: dict[str, Any]) -> Any:
        if self._call is None:
            stub = self._protocol.ServerReflectionStub(self._channel)
            self._call = stub.ServerReflectionInfo(metadata=self._metadata)
        await self._call.send(self._protocol.ServerReflectionRequest.from_dict(question))
        response = await self._call.receive()
        if response is None:
            raise RpcError(StatusCode.INTERNAL, "the server ended the reflection stream without an answer")
        return response

    # -- files ----------------------------------------------------------------------------------------------------

    async def _load(self, response: Any) -> None:
        """Load the files of an answer. A server may leave out files that they import: those are asked for by name."""
        files = ReflectedFiles(self.registry)
        try:
            files.add(_protos(response))
            while (name := files.next_missing()) is not None:
                files.add(_protos(await self._ask(file_by_filename=name)), name)
        except TooManyFiles as error:
            raise RpcError(StatusCode.RESOURCE_EXHAUSTED, error.diagnostics[0].message) from error
        except SchemaError as error:
            raise RpcError(StatusCode.INTERNAL, error.diagnostics[0].message) from error
        files.load()


def _protos(response: Any) -> list[bytes]:
    files = response.file_descriptor_response
    return [] if files is None else files.file_descriptor_proto


def _code(number: int) -> StatusCode:
    try:
        return StatusCode(number) or StatusCode.UNKNOWN
    except ValueError:
        return StatusCode.UNKNOWN
