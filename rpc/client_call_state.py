"""The state of one call of a client, as far as it is the same in every shell.

Nothing in here waits or locks: a shell calls it where the connection may be touched, and adds how its users wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Sequence
from typing import Any

from .call import MessageTooLarge, check_send_size
from .call_tracking import tell_ended
from .client_attempts import AttemptedCall
from .client_call import ClientCall
from .client_interfaces import CallMethod, CallSettings
from .compression import CompressionError
from .envelope import Envelope
from .errors import RpcError
from .events import CallEnded, Event, MessageReceived, ResponseStarted, SendReady
from .interceptor import InterceptedCall, MessageHook, apply_hooks, run_chain
from .metadata import Metadata, MetadataPairs, encode_metadata
from .observer import CallObserver, ObservedEvent, tell, tell_end, tell_head
from .service_config import MethodConfig
from .status import Status, StatusCode

MIXED = "the requests of this call come from an iterable; call the method without one to send them yourself"


class ClientCallState(AttemptedCall):
    """What happens to a call, whoever holds it."""

    __slots__ = ("_metadata", "_submitted", "inbox", "outcome", "view")

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
        self._metadata = Metadata(metadata) if metadata else None  # of the request; None: empty
        self.view: InterceptedCall | None = None  # what interceptors have of the call
        if channel.interceptors:
            self.view = self._make_view(now)
        self.inbox: deque[tuple[Envelope, int]] = deque()
        self.outcome: RpcError | Status | None = None  # how it ended for the user, after interceptors
        self._submitted = False

    def _make_view(self, now: float) -> InterceptedCall:
        channel, method = self.settings, self.method
        return InterceptedCall(
            "client",
            method.path,
            self.metadata,
            str(channel.target),
            target=channel.target_uri,
            authority=channel.authority,
            secure=channel.scheme == "https",
            timeout=None if self.deadline is None else self.deadline - now,
            client_streaming=method.client_streaming,
            server_streaming=method.server_streaming,
            registered=method.registered,
        )

    # -- for shells -----------------------------------------------------------------------------------------------

    def submit(self) -> None:
        """Give the call to its channel. Called inside the interceptors."""
        raise NotImplementedError

    def wait(self) -> Awaitable[None]:
        """Until something changes; what interceptors wait in."""
        raise NotImplementedError

    def settled(self) -> None:
        """The outcome is known."""

    # -- starting -------------------------------------------------------------------------------------------------

    @property
    def metadata(self) -> Metadata:
        if self.view is not None:
            return self.view.metadata
        if self._metadata is None:
            self._metadata = Metadata()
        return self._metadata

    @property
    def observers(self) -> tuple[CallObserver, ...]:
        return () if self.view is None else self.view.observers

    def prepare(self, now: float) -> bool:
        """Whether the call can be submitted. Raises ValueError or TypeError for metadata that may not be sent."""
        if self.deadline is not None and self.deadline <= now:
            reason = "the deadline had passed before the call was sent"
            self.finish(Status(StatusCode.DEADLINE_EXCEEDED, reason))
            return False
        if self.view is not None or self._metadata:
            self.metadata_fields = encode_metadata(self.metadata)
        return True

    # -- interceptors ---------------------------------------------------------------------------------------------

    async def run_interceptors(self, view: InterceptedCall) -> RpcError | Status:
        """Run the call inside the channel's interceptors. Returns its outcome."""
        try:
            await run_chain(self.settings.interceptors, view, self._proceed)
        except RpcError as error:
            return error
        except Exception as error:
            failure = _fault_of_interceptor(error)
            failure.__cause__ = error
            return failure
        if self.status is not None and self.status.code is StatusCode.OK:
            return self.status
        return RpcError(StatusCode.INTERNAL, "an interceptor lost the call")

    async def _proceed(self) -> None:
        if self.outcome is None and self.status is None:
            if self.sending_ended:
                self._tell("half_closed")
            self.submit()
        while self.status is None:
            await self.wait()
        if self.status.code is not StatusCode.OK:
            raise self.error_of(self.status)

    def _tell(self, event: ObservedEvent, *arguments: Any) -> None:
        """Tell the observers, if there are any."""
        if self.view is not None and self.view.observers:
            tell(self.view.observers, event, *arguments)

    # -- sending --------------------------------------------------------------------------------------------------

    def encode(self, message: Any) -> bytes:
        """The bytes of a request, after the hooks of interceptors. Raises RpcError if it cannot be sent."""
        view = self.view
        if view is not None and view.send_hooks:
            message = _hooked(view.send_hooks, message)
        try:
            payload = self.method.request_serializer(message)
            self._check_send_size(payload)
        except MessageTooLarge as error:
            raise RpcError(StatusCode.RESOURCE_EXHAUSTED, str(error)) from error
        except Exception as error:  # whatever a serializer raises: ours a ValueError, google.protobuf's none
            raise RpcError(StatusCode.INTERNAL, f"the request cannot be encoded: {error}") from error
        if view is not None:
            self._tell("sent", payload, len(payload))
        return payload

    def end_sending(self) -> None:
        if self.view is not None and not self.sending_ended:
            self._tell("half_closed")
        super().end_sending()

    def _check_send_size(self, payload: bytes) -> None:
        check_send_size(payload, self.settings.limits)
        limit = self.config.max_request_message_bytes if self.config is not None else None
        if limit is not None and len(payload) > limit:
            raise MessageTooLarge(
                f"message of {len(payload)} bytes is over the service config's limit of {limit}"
            )

    def requests_failed(self, error: Exception) -> None:
        """End a call whose iterable of requests raised; with an RpcError (of another call, say) as that."""
        if isinstance(error, RpcError):
            failure = error
        else:
            text = f"the iterable of requests raised {type(error).__name__}: {error}"
            failure = RpcError(StatusCode.UNKNOWN, text)
            failure.__cause__ = error
        if self.view is None:
            self.settle(failure)
        else:  # the interceptors have the last word
            self.cancel(failure.to_status())

    # -- receiving ------------------------------------------------------------------------------------------------

    def message_received(self, envelope: Envelope, size: int) -> None:
        self.inbox.append((envelope, size))
        if self.view is not None and self.view.observers:
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
        self._tell("received", payload, len(envelope.payload))
        if self.observed is not None:
            self.observed.tell("received", payload, len(envelope.payload))

    def response_started(self) -> None:
        super().response_started()
        if self.view is not None and self._core is not None:
            self._learn_peer(self.view)
            tell_head(self.view.observers, self._core.initial_metadata)

    def take_envelope(self) -> Envelope:
        """The next message of the inbox, not yet decoded."""
        envelope, size = self.inbox.popleft()
        if self._core is not None and self.link is not None and self._core.consumed(size):
            self.link.schedule_flush()
        return envelope

    def decode(self, envelope: Envelope) -> Any:
        """The message, after the hooks of interceptors. Raises RpcError if it cannot be decoded."""
        assert self._core is not None
        try:
            payload = self._core.open(envelope)
            if self.config is not None:
                self._check_received_size(payload, self.config)
            message = self.method.response_deserializer(payload)
        except CompressionError as error:
            raise RpcError(error.code, error.reason) from error
        except MessageTooLarge as error:
            raise RpcError(StatusCode.RESOURCE_EXHAUSTED, str(error)) from error
        except Exception as error:  # as in encode
            raise RpcError(StatusCode.INTERNAL, f"the response cannot be decoded: {error}") from error
        if self.view is not None and self.view.receive_hooks:
            message = _hooked(self.view.receive_hooks, message)
        return message

    def _check_received_size(self, payload: bytes, config: MethodConfig) -> None:
        limit = config.max_response_message_bytes
        if limit is not None and len(payload) > limit:
            text = f"received message of {len(payload)} bytes is over the service config's limit of {limit}"
            raise MessageTooLarge(text)

    # -- ending ---------------------------------------------------------------------------------------------------

    def finish(self, status: Status) -> None:
        if self.status is not None:
            return
        if status.code is StatusCode.OK and not (self.inbox or self.method.server_streaming):  # R46
            status = Status(
                StatusCode.UNIMPLEMENTED, f"{self.method.path} ended well, but without a response"
            )
        super().finish(status)
        if self.view is None:
            self.settle(status if status.code is StatusCode.OK else self.error_of(status))
        else:
            self._tell_interceptors(self.view, status)
            self.wake()

    def _tell_interceptors(self, view: InterceptedCall, status: Status) -> None:
        """What they want to know when `proceed` returns."""
        self._learn_peer(view)
        if self._core is not None:
            view.initial_metadata = self._core.initial_metadata.copy()
        view.trailing_metadata = status.trailing_metadata.copy()
        observers, view.observers = view.observers, ()
        tell_end(observers, status)

    def _learn_peer(self, view: InterceptedCall) -> None:
        if self.link is not None and self.link.peer_address:
            view.peer = self.link.peer_address

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
    if isinstance(event, MessageReceived):
        event.call.sink.message_received(event.envelope, event.size)
    elif isinstance(event, CallEnded):
        call = event.call
        if isinstance(call, ClientCall) and call.trackers:  # before the next attempt is placed
            tell_ended(call.trackers, event.status)
        call.sink.ended(event.status)
    elif isinstance(event, ResponseStarted):
        event.call.sink.response_started()
    elif isinstance(event, SendReady):
        event.call.sink.wake()
    else:
        return False
    return True


def _hooked(hooks: Sequence[MessageHook], message: Any) -> Any:
    """The message after the hooks of interceptors. Raises RpcError if one of them fails."""
    try:
        return apply_hooks(hooks, message)
    except RpcError:
        raise
    except Exception as error:
        raise _fault_of_interceptor(error) from error


def _fault_of_interceptor(error: Exception) -> RpcError:
    return RpcError(StatusCode.UNKNOWN, f"an interceptor raised {type(error).__name__}: {error}")
