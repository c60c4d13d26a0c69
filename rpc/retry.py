"""Whether a failed attempt of a call is followed by another one, and when (A6, R89-R96).

Decisions only: `client_attempts` carries them out. There are two kinds of further attempts. A *transparent* one follows
when it is certain that no server application has seen the call; policies know nothing of it. A *retry* is what a
retry policy asks for.
"""

from __future__ import annotations

import random
import re
from collections import deque
from typing import TYPE_CHECKING

from .limits import Limits
from .metadata import RETRY_PUSHBACK
from .service_config import RetryPolicy, ServiceConfig
from .status import Status, StatusCode
from .target import Target
from .throttle import RetryThrottle, next_throttle

if TYPE_CHECKING:
    from .attempt_timer import AttemptTimer
    from .client_call import ClientCall

PREVIOUS_ATTEMPTS = b"grpc-previous-rpc-attempts"
NEVER = -1.0  # the pushback of a server that wants no further attempt
_PUSHBACK = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_JITTER = 0.2
_REMEMBERED = 3  # failures of earlier attempts
_TRIED = 16  # addresses; transparent attempts are not counted, so there may be any number


class ChannelRetries:
    """What the calls of a channel share: whether they are tried again, the throttle, the memory for replays."""

    def __init__(self, enabled: bool, limits: Limits, rng: random.Random) -> None:
        self.enabled = enabled
        self.rng = rng
        self.throttle: RetryThrottle | None = None
        self.buffered = 0  # bytes of requests that could be sent again
        self.waiting: dict[AttemptTimer, None] = {}
        self._call_limit = limits.retry_buffer if enabled else -1
        self._limit = limits.retry_buffer_total

    def configure(self, config: ServiceConfig) -> None:
        """A new service config counts from now on."""
        self.throttle = next_throttle(config.retry_throttling, self.throttle)

    def end_waiting(self, status: Status) -> None:
        """The channel closes: calls that are between two attempts have nobody else to tell them."""
        for timer in list(self.waiting):
            if not timer.call.under_way:
                timer.call.ended(status)

    def too_large(self, size: int) -> bool:
        """Whether a call that has sent `size` bytes cannot be kept for another attempt."""
        return size > self._call_limit or self.buffered > self._limit

    @property
    def open(self) -> bool:
        """Whether the throttle lets further attempts through."""
        return self.throttle is None or self.throttle.open

    def failed(self) -> None:
        """An attempt has failed in a way that counts."""
        if self.throttle is not None:
            self.throttle.failed()


class AttemptLog:
    """How many attempts of a call there were, where they went, and what the last of the earlier ones ended with."""

    __slots__ = ("count", "failures", "tried")

    def __init__(self) -> None:
        self.count = 1
        self.failures: deque[str] = deque(maxlen=_REMEMBERED)
        self.tried: deque[Target] = deque(maxlen=_TRIED)

    def note(self, status: Status) -> None:
        """An attempt has failed, and another one follows or runs."""
        self.failures.append(f"{status.code.name}: {status.message:.100}".removesuffix(": "))


class Retries:
    """The further attempts of one call that runs one at a time."""

    __slots__ = ("_backoffs", "_channel", "_policy", "_refused", "log", "retried")

    def __init__(self, channel: ChannelRetries, policy: RetryPolicy | None) -> None:
        self._channel = channel
        self._policy = policy
        self._backoffs = 0  # delays in a row that the policy chose
        self._refused = False  # a server has refused it once already
        self.retried = 0  # what the next attempt tells the server (R95)
        self.log = AttemptLog()

    def delay_after(self, status: Status, stream: ClientCall | None, *, committed: bool) -> float | None:
        """The seconds to wait before another attempt; None if `status` stands.

        `stream` is what the attempt had of a connection. `committed`: the call cannot be sent again; the throttle wants
        to know of its failure all the same.
        """
        delay = self._delay(status, stream, committed)
        if delay is not None:
            self.log.note(status)
            self.log.count += 1
        return delay

    def _delay(self, status: Status, stream: ClientCall | None, committed: bool) -> float | None:
        if can_repeat(status, stream, self._refused):
            self._refused = self._refused or stream_opened(stream)
            return None if committed else 0.0
        policy = self._policy
        if policy is None:
            return None
        pushback = read_pushback(status)
        retryable = status.code in policy.retryable_status_codes
        if retryable or pushback == NEVER:
            self._channel.failed()
        if committed or not retryable or pushback == NEVER or self.retried + 1 >= policy.max_attempts:
            return None
        if not self._channel.open:  # R96
            return None
        self.retried += 1
        if pushback is not None:
            self._backoffs = 0
            return pushback
        self._backoffs += 1
        return backoff(policy, self._backoffs, self._channel.rng)


def can_repeat(status: Status, stream: ClientCall | None, refused: bool) -> bool:
    """Whether an attempt that ended so may be made again transparently: because it has never left the connection's
    queue, or because the server has not looked at it, the first time that this happens to a call (R60, R89)."""
    if stream is None or status.reached_server or status.code is not StatusCode.UNAVAILABLE:
        return False
    return not (refused and stream_opened(stream))


def stream_opened(stream: ClientCall | None) -> bool:
    """Whether an attempt has left this client."""
    return stream is not None and stream.stream_id != 0


def backoff(policy: RetryPolicy, number: int, rng: random.Random) -> float:
    """The n-th delay of a call, in seconds (R91)."""
    base = policy.initial_backoff
    for _ in range(number - 1):  # products become infinite where powers raise OverflowError
        base *= policy.backoff_multiplier
    return min(base, policy.max_backoff) * rng.uniform(1 - _JITTER, 1 + _JITTER)


def read_pushback(status: Status) -> float | None:
    """What the server says about another attempt: the seconds to wait, NEVER, or nothing (R94)."""
    values = status.trailing_metadata.get_all(RETRY_PUSHBACK) if status.trailing_metadata else ()
    if not values:
        return None
    text = values[0]
    if len(values) > 1 or not isinstance(text, str) or not _PUSHBACK.fullmatch(text) or int(text) >= 2**31:
        return NEVER
    return int(text) / 1000
