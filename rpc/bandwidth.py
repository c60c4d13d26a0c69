"""How large the windows have to be for a sender to never wait for them: the bandwidth-delay product, measured.

A PING goes out together with a WINDOW_UPDATE, and what comes until it is answered is what the peer sends in one round
trip. If that nearly fills the window, the window was the bound, and it grows. Only connections that move much data get
that far: a WINDOW_UPDATE goes out after a quarter of a window, and the sender is three quarters ahead of it then. And
since data has come before each such PING, they count for no server as keepalive that is too frequent (R68).
"""

from __future__ import annotations

import math

PAYLOAD = b"bw-bdp-1"
_NEARLY_FULL = 2 / 3
_INTERVAL = 0.01  # between two samples: on a quick way they would be a flood
_SMOOTHING = 8  # round trips that the average stretches over


class BandwidthEstimator:
    """Times are in seconds, sizes in bytes. `window` is what suffices as far as is known."""

    __slots__ = (
        "_best",
        "_max_window",
        "_received",
        "_round_trip",
        "_samples",
        "_sent_at",
        "sampling",
        "window",
    )

    def __init__(self, window: int, max_window: int) -> None:
        self.window = window
        self._max_window = max_window
        self.sampling = False  # a PING is on its way
        self._sent_at = -math.inf
        self._received = 0
        self._samples = 0
        self._round_trip = 0.0
        self._best = 0.0  # bytes per second

    @property
    def useful(self) -> bool:
        """Whether the window may grow further."""
        return self.window < self._max_window

    def may_begin(self, now: float) -> bool:
        """Whether it is not too early for another sample."""
        return now - self._sent_at >= _INTERVAL

    def begin(self, now: float, received: int) -> None:
        """The PING goes out; `received` bytes have come so far."""
        self.sampling = True
        self._sent_at = now
        self._received = received

    def end(self, now: float, received: int) -> bool:
        """It was answered. Whether `window` has grown."""
        if not self.sampling:
            return False
        self.sampling = False
        self._samples += 1
        round_trip = max(now - self._sent_at, 1e-6)
        self._round_trip += (round_trip - self._round_trip) / min(self._samples, _SMOOTHING)
        sample = received - self._received
        bandwidth = sample / self._round_trip
        # More in flight but no faster: what has grown is a queue on the way.
        if bandwidth < self._best:
            return False
        self._best = bandwidth
        if sample < _NEARLY_FULL * self.window or not self.useful:
            return False
        self.window = min(max(2 * sample, 2 * self.window), self._max_window)
        return True
