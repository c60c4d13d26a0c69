"""The streams of one HTTP/2 connection: which are open, which are over, and which were cut off from here."""

from __future__ import annotations

MAX_STREAM_ID = 2**31 - 1
STREAM_IDS_RUN_LOW = MAX_STREAM_ID // 4 * 3  # time for another connection (R73)
_REMEMBERED_RESETS = 8192  # of either side


class Stream:
    """What has to be known of a stream while it is open."""

    __slots__ = ("headers_received", "local_ended", "remote_ended")

    def __init__(self) -> None:
        self.headers_received = False
        self.local_ended = False
        self.remote_ended = False

    @property
    def is_over(self) -> bool:
        return self.local_ended and self.remote_ended


class StreamTable:
    """Streams by id. Clients open odd ones, in ascending order; servers open none in gRPC."""

    def __init__(self, *, client_side: bool) -> None:
        self._client_side = client_side
        self.open: dict[int, Stream] = {}
        self.highest_remote_id = 0
        self._next_local_id = 1
        # Frames may still be on their way to these, and as many bytes of DATA as the peer had been granted.
        self._reset_here: dict[int, int] = {}
        self._reset_by_peer: dict[int, None] = {}
        self._forgotten = False  # there have been more resets than are remembered

    def open_local(self) -> int:
        """Open the next stream of a client. Returns its id."""
        stream_id = self._next_local_id
        self._next_local_id += 2
        self.open[stream_id] = Stream()
        return stream_id

    def open_remote(self, stream_id: int) -> Stream:
        """A client has opened a stream."""
        self.highest_remote_id = stream_id
        stream = self.open[stream_id] = Stream()
        return stream

    def has_been(self, stream_id: int) -> bool:
        """Whether a stream that is not open has been: its id is not above those used so far."""
        used = self._next_local_id - 2 if self._client_side else self.highest_remote_id
        return stream_id % 2 == 1 and stream_id <= used

    def remember_reset(self, stream_id: int, granted: int) -> None:
        """A stream was reset from here; `granted` is how many bytes the peer may have sent before it knows."""
        if len(self._reset_here) >= _REMEMBERED_RESETS:
            del self._reset_here[next(iter(self._reset_here))]
            self._forgotten = True
        self._reset_here[stream_id] = granted

    def remember_peers_reset(self, stream_id: int) -> None:
        """The peer has reset a stream."""
        if len(self._reset_by_peer) >= _REMEMBERED_RESETS:
            del self._reset_by_peer[next(iter(self._reset_by_peer))]
            self._forgotten = True
        self._reset_by_peer[stream_id] = None

    def was_ended_by_peer(self, stream_id: int) -> bool:
        """Whether it is certain that the peer has ended this stream itself, and not by a reset."""
        return not (
            self._client_side
            or self._forgotten
            or stream_id in self._reset_here
            or stream_id in self._reset_by_peer
        )

    def was_reset_here(self, stream_id: int) -> bool:
        return stream_id in self._reset_here

    def take_late_data(self, stream_id: int, size: int) -> bool:
        """Whether DATA of `size` can have been on its way when the stream was reset from here."""
        granted = self._reset_here.get(stream_id, 0)
        if not 0 < size <= granted:
            return False
        self._reset_here[stream_id] = granted - size
        return True
