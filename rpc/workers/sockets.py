"""What workers listen on: in each slot sockets of its own, or sockets that all slots share."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from ..listening import Listening, open_listening


class WorkerSockets:
    """The sockets of all workers. The supervisor keeps them open, so that a connection that comes while a worker is
    replaced waits for the next one.

    Each slot has its own for TCP addresses where the system has SO_REUSEPORT, which spreads connections evenly. Unix
    sockets and sockets that were passed to us are shared.
    """

    def __init__(self, addresses: Sequence[str | socket.socket], slots: int) -> None:
        """Raises OSError and RpcConfigurationError as `open_listening` does."""
        self._shared: list[Listening] = []
        self._own: list[dict[str, Listening]] = [{} for _ in range(slots)]
        self.names: list[str] = []
        try:
            for address in addresses:
                self._open(address, slots)
        except BaseException:
            self.close()
            raise

    def _open(self, address: str | socket.socket, slots: int) -> None:
        spread = slots > 1 and hasattr(socket, "SO_REUSEPORT") and is_tcp(address)
        opened = {name_of(each): each for each in open_listening(address, reuse_port=spread)}
        self.names += opened
        if not spread:
            self._shared += opened.values()
            return
        self._own[0] |= opened
        for slot in self._own[1:]:
            slot.update((name, _reopen(name)) for name in opened)

    def of(self, slot: int) -> list[Listening]:
        """What this slot's worker accepts on."""
        own = self._own[slot]
        for name, listening in own.items():
            if listening.socket.fileno() == -1:
                own[name] = _reopen(name)
        return [*self._shared, *own.values()]

    def of_others(self, slot: int) -> list[Listening]:
        """What it must not keep open."""
        return [each for other, own in enumerate(self._own) if other != slot for each in own.values()]

    def vacate(self, slot: int) -> None:
        """Close the slot's own sockets until `of` asks for them again."""
        for listening in self._own[slot].values():
            listening.socket.close()

    def close(self) -> None:
        """Close all."""
        for listening in [*self._shared, *(each for own in self._own for each in own.values())]:
            listening.close()


def is_tcp(address: str | socket.socket) -> bool:
    """Whether `open_listening` opens TCP sockets of our own for it."""
    own_scheme = ("unix:", "unix-abstract:", "fd:", "systemd:")
    return isinstance(address, str) and not address.startswith(own_scheme)


def name_of(listening: Listening) -> str:
    """The address of a socket, as `open_listening` takes it."""
    name = listening.socket.getsockname()
    if isinstance(name, tuple):
        host, port = str(name[0]), int(name[1])  # pyright: ignore[reportUnknownArgumentType]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(name, bytes):
        return f"unix-abstract:{name[1:].decode()}"
    return f"unix:{name}"


def _reopen(name: str) -> Listening:
    (listening,) = open_listening(name, reuse_port=True)
    return listening
