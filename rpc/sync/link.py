"""A connection core on a non-blocking socket. Everything here happens under the channel's lock."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..channelz import SocketNode
from ..client_call import ClientCall
from ..client_call_state import ClientCallState, tell_call
from ..client_connection import ClientConnection
from ..events import ConnectionEnded, ConnectionRetired, Event, GoAwayReceived, SettingsReceived
from ..status import Status
from ..subchannel import Attempt
from ..target import Target, describe_address
from ..user_timeout import set_user_timeout
from .poll import READ, WRITE

if TYPE_CHECKING:
    from .channel import Channel

_CHUNK = 256 * 1024
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError, InterruptedError)


class Link:
    """One connection of a channel, and the attempt that it came of."""

    def __init__(self, channel: Channel, attempt: Attempt, sock: socket.socket) -> None:
        self.channel = channel
        self.attempt = attempt
        self.core = ClientConnection(
            channel.limits, str(attempt.address), keepalive=channel.keepalive, calls=attempt.calls
        )
        set_user_timeout(sock, channel.keepalive)
        peer = _name(sock.getpeername)
        self.peer_address = describe_address(peer)
        self._node = attempt.node and attempt.node.add_socket(
            SocketNode(
                self.peer_address,
                core=self.core,
                now=time.monotonic,
                sock=sock,
                local=_name(sock.getsockname),
                remote=peer,
                tls=sock if isinstance(sock, ssl.SSLSocket) else None,
            )
        )
        self._sock = sock
        self._rest = memoryview(b"")  # what the socket has not taken yet
        self._dirty = True

    @property
    def address(self) -> Target:
        """Where it leads to."""
        return self.attempt.address

    # -- for the leader -------------------------------------------------------------------------------------------

    @property
    def fd(self) -> int:
        return self._sock.fileno()

    @property
    def events(self) -> int:
        return READ | WRITE if self._rest else READ

    @property
    def blocked(self) -> bool:
        """Whether the socket takes no more for now."""
        return bool(self._rest)

    def on_ready(self, events: int) -> None:
        if events & READ:
            self.read()
        if events & WRITE:
            self._dirty = True

    def handle_timer(self, now: float) -> None:
        """End the calls whose deadline has passed, and do what else is due."""
        due = self.core.next_timer()
        if due is not None and due <= now:
            if self.core.alarms.due <= now:
                self.read()  # what came while nobody waited is a sign of life
            self.core.handle_timer(now)
            self._dirty = True
            self._dispatch()

    # -- bytes ----------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Take what has come, without waiting."""
        try:
            while not self.core.ended:
                data = self._sock.recv(_CHUNK)
                if not data:
                    self.lost("closed by the peer")
                    return
                self.core.receive(data, time.monotonic())
                self._dirty = True
                self._dispatch()
                # Bytes that TLS has decrypted already do not show in the socket.
                if not (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
                    return
        except _NOT_NOW:
            pass
        except OSError as error:
            self.lost(str(error))
        except BaseException:  # such as KeyboardInterrupt: the core may be half way through
            self.lost("interrupted")
            raise

    def flush(self) -> None:
        """Write what the core has to say, as far as the socket takes it."""
        if not self._dirty:
            return
        try:
            self._dispatch()
            while True:
                if not self._rest:
                    self._rest = memoryview(self.core.data_to_send(time.monotonic()))
                    self._dispatch()
                if not self._rest:
                    self._dirty = False
                    return
                self._rest = self._rest[self._sock.send(self._rest) :]
        except _NOT_NOW:
            self._dirty = False  # until the socket is ready again
        except OSError as error:
            self.lost(str(error))
        except BaseException:
            self.lost("interrupted")
            raise

    def schedule_flush(self) -> None:
        """There is something to write. It goes out before the lock is given up."""
        self._dirty = self._dirty or not self._rest

    def lost(self, reason: str) -> None:
        """The transport has ended."""
        self._rest = memoryview(b"")
        self._dirty = False
        self.core.peer_closed(reason)
        self._dispatch()

    def orphan(self, status: Status) -> None:
        """In a child of a fork: the calls are the parent's. Nothing is sent."""
        self.core.cancel_calls(status)
        self._dispatch()

    def dispose(self) -> None:
        """Close the socket. Nobody may be waiting for it."""
        if self.attempt.node is not None and self._node is not None:
            self.attempt.node.remove_socket(self._node)
        self._sock.close()

    # -- calls ----------------------------------------------------------------------------------------------------

    def start_call(self, state: ClientCallState) -> ClientCall:
        """Put a call on the wire."""
        return state.put_on(self.core, time.monotonic())

    def _dispatch(self) -> None:
        for event in self.core.take_events():
            if not tell_call(event):
                self._handle(event)

    def _handle(self, event: Event) -> None:
        match event:
            case SettingsReceived():
                self.attempt.connected(self)
            case GoAwayReceived():
                self.channel.goaway_received(self.core, event)
                self.attempt.unusable(self, "the server takes no calls (GOAWAY)")
            case ConnectionRetired(reason) | ConnectionEnded(reason):
                self.attempt.unusable(self, reason)
            case _:
                pass


def _name(ask: Callable[[], object]) -> object:
    try:
        return ask()
    except OSError:  # lost already
        return None
