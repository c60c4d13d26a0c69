"""What a client's call wants of its channel, of its method, and of a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from .client_call import ClientCall
from .client_connection import ClientConnection
from .counters import CallCounters
from .handlers import Deserializer, Serializer
from .interceptor import Interceptor
from .limits import Limits
from .retry import ChannelRetries
from .service_config import ServiceConfig
from .target import Target
from .timers import TimerHandle


class CallSettings(Protocol):
    """What a call wants of its channel."""

    limits: Limits
    target_uri: str  # for telemetry
    authority: str
    scheme: str
    interceptors: tuple[Interceptor, ...]
    compression: str | None
    wait_for_ready: bool
    last_error: str
    calls: CallCounters
    service_config: ServiceConfig
    retries: ChannelRetries

    @property
    def target(self) -> object:
        """For messages."""
        ...

    def now(self) -> float: ...

    def schedule(self, when: float, callback: Callable[[], object]) -> TimerHandle: ...

    def submit(self, attempt: Any, /) -> None:
        """Start an attempt now, or when there is a connection."""
        ...


class CallMethod(Protocol):
    """What a call wants to know of its method."""

    client_streaming: ClassVar[bool]
    server_streaming: ClassVar[bool]
    path: str
    registered: bool
    request_serializer: Serializer
    response_deserializer: Deserializer


class CallLink(Protocol):
    """A connection of a channel, with the shell's transport."""

    core: ClientConnection
    peer_address: str  # "" where it is not known

    @property
    def address(self) -> Target:
        """What the balancer knows it by."""
        ...

    def start_call(self, state: Any) -> ClientCall:
        """Put an attempt on the wire."""
        ...

    def schedule_flush(self) -> None:
        """The core has something to send."""
        ...
