"""What the methods of all shells' channels share."""

from __future__ import annotations

from typing import ClassVar, Generic, TypedDict, TypeVar

from .errors import RpcConfigurationError
from .handlers import Deserializer, Serializer
from .metadata import Metadata, MetadataPairs

AnyChannel = TypeVar("AnyChannel")


class CallOptions(TypedDict, total=False):
    """What every call takes.

    `timeout` (seconds from now; None: no deadline of its own), `metadata` (pairs or a mapping), `wait_for_ready` (wait
    for a connection instead of failing while there is none) and `compression` ("gzip", "deflate", "identity"; None: the
    channel's).
    """

    timeout: float | None
    metadata: Metadata | MetadataPairs
    wait_for_ready: bool | None
    compression: str | None


class ClientMethod(Generic[AnyChannel]):
    """One method of a service on a channel."""

    client_streaming: ClassVar[bool]
    server_streaming: ClassVar[bool]

    def __init__(
        self,
        channel: AnyChannel,
        path: str,
        request_serializer: Serializer,
        response_deserializer: Deserializer,
        registered: bool = False,
    ) -> None:
        """`registered`: the path stands in a schema; others may be of a peer's making.

        Raises RpcConfigurationError for a path that is none.
        """
        if not path.startswith("/"):
            raise RpcConfigurationError(f"method {path!r}: a path is written /package.Service/Method")
        self.channel = channel
        self.path = path
        self.request_serializer = request_serializer
        self.response_deserializer = response_deserializer
        self.registered = registered

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path} of {self.channel!r}>"
