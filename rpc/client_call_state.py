"""The state of one call of a client, as far as it is the same in every shell.

Nothing in here waits or locks: a shell calls it where the connection may be touched, and adds how its users wait.
"""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar, Protocol

from .call import MessageTooLarge, check_send_size
from .client_call import ClientCall
from .client_connection import ClientConnection
from .compression import CompressionError, find_codec
from .deadline import effective_deadline
from .envelope import Envelope
from .errors import RpcError
from .events import CallEnded, Event, MessageReceived, ResponseStarted, SendReady
from .handlers import Deserializer, Serializer
from .header_blocks import HeaderField
from .headers import request_headers
from .interceptor import InterceptedCall, Interceptor, apply_hooks, run_chain
from .limits import Limits
from .metadata import Metadata, MetadataPairs, encode_metadata
from .status import Status, StatusCode
from .target import Target


class CallSettings(Protocol):
    """What a call wants to know of its channel."""

    target: Target
    limits: Limits
    authority: str
    scheme: str
    interceptors: tuple[Interceptor, ...]
    compression: str | None
    wait_for_ready: bool
    last_error: str


class CallMethod(Protocol):
    """What a call wants to know of its method."""

    server_streaming: ClassVar[bool]
    path: str
    request_serializer: Serializer
    response_deserializer: Deserializer


class CallLink(Protocol):
    """A connection of a channel, with the shell's transport."""

    core: ClientConnection

    def start_call(self, state: Any) -> ClientCall:
        """Put a call on the wire."""
        ...

    def schedule_flush(self) -> None:
        """The core has something to send."""
        ...


class ClientCallState:
    """What happens to a call, whoever holds it.

    A call that has no connection yet keeps what is sent in `_held`.
    """

    __slots__ = (
        "_core",
        "_held",
        "_settings",
        "_submitted",
        "compression",
        "deadline",
        "inbox",
        "link",
        "metadata_fields",
        "method",
        "outcome",
        "sending_ended",
        "status",
        "view",
        "wait_for_ready",
    )

    def __init__(
        self,
        channel: CallSettings,
        method: CallMethod,
        timeout: float | None,
        metadata: Metadata | MetadataPairs,
        wait_for_ready: bool | None,
        compression: str | None,
        now: float,
    ) -> None:
        self._settings = channel
        self.method = method
        self.deadline = effective_deadline(timeout, now)
        self.view = InterceptedCall("client", method.path, Metadata(metadata), str(channel.target))
        self.wait_for_ready = channel.wait_for_ready if wait_for_ready is None else wait_for_ready
        self.compression = channel.compression if compression is None else compression
        self.link: CallLink | None = None
        self.metadata_fields: list[HeaderField] = []
        self.inbox: deque[tuple[Envelope, int]] = deque()
        self.status: Status | None = None  # how the call ended on the wire
        self.outcome: RpcError | Status | None = None  # how it ended for the user, after interceptors
        self.sending_ended = False
        self._core: ClientCall | None = None
        self._held: list[bytes] = []
        self._submitted = False

    # -- for shells -----------------------------------------------------------------------------------------------

    def submit(self) -> None:
        """Give the call to its channel. Called inside the interceptors."""
        raise NotImplementedError

    async def wait(self) -> None:
        """Until something changes; what interceptors wait in."""
        raise NotImplementedError

    def wake(self) -> None:
        """Something has changed."""
        raise NotImplementedError

    def hold(self) -> None:
        """The channel has no connection yet."""

    def settled(self) -> None:
        """The outcome is known."""

    # -- starting -------------------------------------------------------------------------------------------------

    def prepare(self, now: float) -> bool:
        """Whether the call can be submitted. Raises ValueError or TypeError for metadata that may not be sent."""
        if self.deadline is not None and self.deadline <= now:
            reason = "the deadline had passed before the call was sent"
            self.ended(Status(StatusCode.DEADLINE_EXCEEDED, reason))
            return False
        self.metadata_fields = encode_metadata(self.view.metadata)
        return True

    def start(self, link: CallLink) -> None:
        """Send what has been held on this connection."""
        if self.status is not None:
            return
        self.link = link
        core = self._core = link.start_call(self)
        for payload in self._held:
            core.send_message(payload)
        self._held.clear()
        if self.sending_ended:
            core.end_sending()
        link.schedule_flush()
        self.wake()  # senders that wait for the connection now wait for the window

    def put_on(self, core: ClientConnection, now: float) -> ClientCall:
        """Start the call of this state on a connection."""
        settings = self._settings
        codec = find_codec(self.compression)
        headers = request_headers(
            self.method.path,
            settings.authority,
            settings.scheme,
            self.metadata_fields,
            None if self.deadline is None else self.deadline - now,
            encoding=codec.name.encode() if codec is not None else None,
        )
        call = core.start_call(headers, self.deadline, codec, now)
        call.sink = self
        return call

    def expired_while_pending(self) -> None:
        """The deadline passed before there was a connection."""
        reason = f"the deadline passed while waiting for a connection to {self._settings.target}"
        if self._settings.last_error:
            reason += f" (last attempt: {self._settings.last_error})"
        self.ended(Status(StatusCode.DEADLINE_EXCEEDED, reason, reached_server=False))

    # -- interceptors ---------------------------------------------------------------------------------------------

    async def run_interceptors(self) -> RpcError | Status:
        """Run the call inside the channel's interceptors. Returns its outcome."""
        try:
            await run_chain(self._settings.interceptors, self.view, self._proceed)
        except RpcError as error:
            return error
        except Exception as error:
            failure = RpcError(StatusCode.UNKNOWN, f"an interceptor raised {type(error).__name__}: {error}")
            failure.__cause__ = error
            return failure
        if self.status is not None and self.status.code is StatusCode.OK:
            return self.status
        return RpcError(StatusCode.INTERNAL, "an interceptor lost the call")

    async def _proceed(self) -> None:
        if self.outcome is None and self.status is None:
            self.submit()
        while self.status is None:
            await self.wait()
        if self.status.code is not StatusCode.OK:
            raise self.error_of(self.status)

    # -- sending --------------------------------------------------------------------------------------------------

    def encode(self, message: Any) -> bytes:
        """The bytes of a request, after the hooks of interceptors. Raises RpcError if it cannot be sent."""
        if self.view.send_hooks:
            message = apply_hooks(self.view.send_hooks, message)
        try:
            payload = self.method.request_serializer(message)
            check_send_size(payload, self._settings.limits)
        except MessageTooLarge as error:
            raise RpcError(StatusCode.RESOURCE_EXHAUSTED, str(error)) from error
        except Exception as error:  # whatever a serializer raises: ours a ValueError, google.protobuf's none
            raise RpcError(StatusCode.INTERNAL, f"the request cannot be encoded: {error}") from error
        return payload

    def queue(self, payload: bytes) -> None:
        """Send an encoded request, or hold it until there is a connection."""
        if self.sending_ended:
            raise RuntimeError("the last message has been sent already")
        if self._core is None or self.link is None:
            self._held.append(payload)
            return
        self._core.send_message(payload)
        self.link.schedule_flush()

    @property
    def must_wait(self) -> bool:
        """Whether so much is queued that the sender should wait; then `wake` comes when it may go on."""
        core = self._core
        if core is None:
            return sum(map(len, self._held)) > self._settings.limits.send_buffer
        if core.must_wait:
            core.wants_send_ready = True
            return True
        return False

    def end_sending(self) -> None:
        """No message follows."""
        if self.sending_ended:
            return
        self.sending_ended = True
        if self._core is not None and self.link is not None:
            self._core.end_sending()
            self.link.schedule_flush()

    def requests_failed(self, error: Exception) -> RpcError:
        """What becomes of a call whose iterable of requests raised."""
        failure = RpcError(
            StatusCode.UNKNOWN, f"the iterable of requests raised {type(error).__name__}: {error}"
        )
        failure.__cause__ = error
        return failure

    # -- receiving ------------------------------------------------------------------------------------------------

    def message_received(self, envelope: Envelope, size: int) -> None:
        self.inbox.append((envelope, size))
        if len(self.inbox) > 1 and not self.method.server_streaming:  # R46
            self.cancel(
                Status(StatusCode.UNIMPLEMENTED, f"{self.method.path} has one response; a second one came")
            )
        self.wake()

    def take_envelope(self) -> Envelope:
        """The next message of the inbox, not yet decoded."""
        envelope, size = self.inbox.popleft()
        if self._core is not None and self.link is not None:
            self._core.consumed(size)
            self.link.schedule_flush()
        return envelope

    def decode(self, envelope: Envelope) -> Any:
        """The message, after the hooks of interceptors. Raises RpcError if it cannot be decoded."""
        assert self._core is not None
        try:
            message = self.method.response_deserializer(self._core.open(envelope))
        except CompressionError as error:
            raise RpcError(error.code, error.reason) from error
        except Exception as error:  # as in encode
            raise RpcError(StatusCode.INTERNAL, f"the response cannot be decoded: {error}") from error
        return apply_hooks(self.view.receive_hooks, message) if self.view.receive_hooks else message

    # -- ending ---------------------------------------------------------------------------------------------------

    @property
    def intercepted(self) -> bool:
        """Whether interceptors have the last word about the outcome."""
        raise NotImplementedError

    def ended(self, status: Status) -> None:
        """The call is over on the wire."""
        if self.status is not None:
            return
        if status.code is StatusCode.OK and not (self.inbox or self.method.server_streaming):  # R46
            status = Status(
                StatusCode.UNIMPLEMENTED, f"{self.method.path} ended well, but without a response"
            )
        self.status = status
        self.view.trailing_metadata = status.trailing_metadata.copy()
        self._held.clear()
        if not self.intercepted:
            self.settle(status if status.code is StatusCode.OK else self.error_of(status))
        self.wake()

    def error_of(self, status: Status) -> RpcError:
        """The error that this status is to the user."""
        initial = self._core.initial_metadata.copy() if self._core is not None else Metadata()
        return RpcError.from_status(status, initial)

    def settle(self, outcome: RpcError | Status) -> None:
        """Fix the outcome; the first one counts."""
        if self.outcome is not None:
            return
        self.outcome = outcome
        if self.status is None and isinstance(outcome, RpcError):  # an interceptor ended it
            self.cancel(outcome.to_status())
        self.settled()
        self.wake()

    def cancel(self, status: Status | None = None) -> None:
        """Give the call up."""
        if self.status is not None:
            return
        status = status or Status(StatusCode.CANCELLED, "cancelled by the application")
        if self._core is not None and self.link is not None:
            self._core.cancel(status)
            self.link.schedule_flush()
        self.ended(status)

    def overrule(self, failure: RpcError) -> None:
        """End the call with a failure of our own, even if it has ended well."""
        self.cancel(failure.to_status())
        if isinstance(self.outcome, Status):
            self.outcome = failure

    # -- what is known --------------------------------------------------------------------------------------------

    def initial_metadata(self) -> Metadata | None:
        """The response's initial metadata, None if it has not come."""
        if self._core is not None and self._core.head_received:
            return self._core.initial_metadata
        return Metadata() if self.status is not None else None

    def trailing_metadata(self) -> Metadata:
        """The metadata that came with the outcome."""
        outcome = self.outcome
        if isinstance(outcome, RpcError):
            return outcome.metadata
        return outcome.trailing_metadata.copy() if outcome is not None else Metadata()

    def time_remaining(self, now: float) -> float | None:
        """Seconds until the deadline; None without one."""
        return None if self.deadline is None else max(0.0, self.deadline - now)


def tell_call(event: Event) -> bool:
    """Tell the state of a call what happened to it. False if the event is about the connection."""
    match event:
        case MessageReceived(call, envelope, size):
            call.sink.message_received(envelope, size)
        case CallEnded(call, status):
            call.sink.ended(status)
        case ResponseStarted(call) | SendReady(call):
            call.sink.wake()
        case _:
            return False
    return True
