"""The state of one call of a client, as far as it is the same in every shell.

Nothing in here waits or locks: a shell calls it where the connection may be touched, and adds how its users wait.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from .call import MessageTooLarge, check_send_size
from .client_attempts import AttemptedCall
from .client_interfaces import CallMethod, CallSettings
from .compression import CompressionError
from .envelope import Envelope
from .errors import RpcError
from .events import CallEnded, Event, MessageReceived, ResponseStarted, SendReady
from .interceptor import InterceptedCall, apply_hooks, run_chain
from .metadata import Metadata, MetadataPairs, encode_metadata
from .observer import CallObserver, tell
from .status import Status, StatusCode


class ClientCallState(AttemptedCall):
    """What happens to a call, whoever holds it."""

    __slots__ = ("_submitted", "inbox", "outcome", "view")

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
        super().__init__(channel, method, timeout, wait_for_ready, compression, now)
        self.view = InterceptedCall(
            "client",
            method.path,
            Metadata(metadata),
            str(channel.target),
            target=channel.target_uri,
            authority=channel.authority,
            secure=channel.scheme == "https",
            timeout=None if self.deadline is None else self.deadline - now,
            client_streaming=method.client_streaming,
            server_streaming=method.server_streaming,
            registered=method.registered,
        )
        self.inbox: deque[tuple[Envelope, int]] = deque()
        self.outcome: RpcError | Status | None = None  # how it ended for the user, after interceptors
        self._submitted = False

    # -- for shells -----------------------------------------------------------------------------------------------

    def submit(self) -> None:
        """Give the call to its channel. Called inside the interceptors."""
        raise NotImplementedError

    async def wait(self) -> None:
        """Until something changes; what interceptors wait in."""
        raise NotImplementedError

    def settled(self) -> None:
        """The outcome is known."""

    # -- starting -------------------------------------------------------------------------------------------------

    @property
    def metadata(self) -> Metadata:
        return self.view.metadata

    @property
    def observers(self) -> tuple[CallObserver, ...]:
        return self.view.observers

    def prepare(self, now: float) -> bool:
        """Whether the call can be submitted. Raises ValueError or TypeError for metadata that may not be sent."""
        if self.deadline is not None and self.deadline <= now:
            reason = "the deadline had passed before the call was sent"
            self.finish(Status(StatusCode.DEADLINE_EXCEEDED, reason))
            return False
        self.metadata_fields = encode_metadata(self.metadata)
        return True

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
            if self.sending_ended and self.view.observers:
                tell(self.view.observers, "half_closed")
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
            self._check_send_size(payload)
        except MessageTooLarge as error:
            raise RpcError(StatusCode.RESOURCE_EXHAUSTED, str(error)) from error
        except Exception as error:  # whatever a serializer raises: ours a ValueError, google.protobuf's none
            raise RpcError(StatusCode.INTERNAL, f"the request cannot be encoded: {error}") from error
        if self.view.observers:
            tell(self.view.observers, "sent", payload, len(payload))
        return payload

    def end_sending(self) -> None:
        if not self.sending_ended and self.view.observers:
            tell(self.view.observers, "half_closed")
        super().end_sending()

    def _check_send_size(self, payload: bytes) -> None:
        check_send_size(payload, self._settings.limits)
        limit = self.config.max_request_message_bytes if self.config is not None else None
        if limit is not None and len(payload) > limit:
            raise MessageTooLarge(
                f"message of {len(payload)} bytes is over the service config's limit of {limit}"
            )

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
        if self.view.observers:
            self._tell_received(envelope)
        if len(self.inbox) > 1 and not self.method.server_streaming:  # R46
            self.cancel(
                Status(StatusCode.UNIMPLEMENTED, f"{self.method.path} has one response; a second one came")
            )
        self.wake()

    def _tell_received(self, envelope: Envelope) -> None:
        """A compressed message is opened once more when it is taken: until then it is kept small."""
        assert self._core is not None
        try:
            payload = self._core.open(envelope)
        except CompressionError:  # the call is going to fail with it
            payload = envelope.payload
        tell(self.view.observers, "received", payload, len(envelope.payload))
        if self.observed is not None:
            self.observed.tell("received", payload, len(envelope.payload))

    def response_started(self) -> None:
        super().response_started()
        if self.view.observers and self._core is not None:
            self._learn_peer()
            tell(self.view.observers, "head", self._core.initial_metadata)

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
            payload = self._core.open(envelope)
            self._check_received_size(payload)
            message = self.method.response_deserializer(payload)
        except CompressionError as error:
            raise RpcError(error.code, error.reason) from error
        except MessageTooLarge as error:
            raise RpcError(StatusCode.RESOURCE_EXHAUSTED, str(error)) from error
        except Exception as error:  # as in encode
            raise RpcError(StatusCode.INTERNAL, f"the response cannot be decoded: {error}") from error
        return apply_hooks(self.view.receive_hooks, message) if self.view.receive_hooks else message

    def _check_received_size(self, payload: bytes) -> None:
        limit = self.config.max_response_message_bytes if self.config is not None else None
        if limit is not None and len(payload) > limit:
            text = f"received message of {len(payload)} bytes is over the service config's limit of {limit}"
            raise MessageTooLarge(text)

    # -- ending ---------------------------------------------------------------------------------------------------

    @property
    def intercepted(self) -> bool:
        """Whether interceptors have the last word about the outcome."""
        raise NotImplementedError

    def finish(self, status: Status) -> None:
        if self.status is not None:
            return
        if status.code is StatusCode.OK and not (self.inbox or self.method.server_streaming):  # R46
            status = Status(
                StatusCode.UNIMPLEMENTED, f"{self.method.path} ended well, but without a response"
            )
        super().finish(status)
        self.view.trailing_metadata = status.trailing_metadata.copy()
        if not self.intercepted:
            self.settle(status if status.code is StatusCode.OK else self.error_of(status))
        else:
            self._tell_interceptors(status)
        self.wake()

    def _tell_interceptors(self, status: Status) -> None:
        """What they want to know when `proceed` returns."""
        self._learn_peer()
        if self._core is not None:
            self.view.initial_metadata = self._core.initial_metadata.copy()
        observers, self.view.observers = self.view.observers, ()
        tell(observers, "ended", status)

    def _learn_peer(self) -> None:
        if self.link is not None and self.link.peer_address:
            self.view.peer = self.link.peer_address

    def settle(self, outcome: RpcError | Status) -> None:
        """Fix the outcome; the first one counts."""
        if self.outcome is not None:
            return
        self.outcome = outcome
        if self.status is None and isinstance(outcome, RpcError):  # an interceptor ended it
            self.cancel(outcome.to_status())
        self.settled()
        self.wake()

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
        case ResponseStarted(call):
            call.sink.response_started()
        case SendReady(call):
            call.sink.wake()
        case _:
            return False
    return True
