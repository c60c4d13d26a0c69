"""How many calls may run at once: on a whole server, of one service, of one method.

A call over a bound is refused with RESOURCE_EXHAUSTED at once: waiting in a line that does not move helps nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .arguments import COUNT, check
from .errors import RpcConfigurationError
from .status import Status, StatusCode

# An operator asks these when a server is full; they do not count as part of its load.
_EXEMPT = ("/grpc.health.", "/grpc.reflection.", "/grpc.channelz.", "/barewire.v1.Stats/")


@dataclass(slots=True, eq=False)
class Slots:
    """Calls that may run at once, and how many do. `option` is the argument that says so."""

    option: str
    limit: int
    taken: int = 0


Held = tuple[Slots, ...]


class ConcurrencyLimits:
    """The bounds of one server.

    `whole` counts all calls but those of health, reflection and channelz. `named` has a bound for a method
    ("/package.Service/Method") or for all methods of a service together ("package.Service"), these three included.
    Raises RpcConfigurationError for a bound below 1 and for a name in no such form.
    """

    def __init__(self, whole: int | None = None, named: Mapping[str, int] | None = None) -> None:
        self._whole = None if whole is None else _slots("max_concurrent_calls", whole)
        self._named: dict[str, Slots] = {}
        for name, limit in (named or {}).items():
            if name.count("/") != (2 if name.startswith("/") else 0) or not name.strip("/"):
                raise RpcConfigurationError(
                    f"concurrency_limits: {name!r} is neither a service (package.Service) nor a method "
                    "(/package.Service/Method)"
                )
            self._named[name] = _slots(f"concurrency_limits[{name!r}]", limit)
        self._held_by_path: dict[str, Held] = {}

    def __bool__(self) -> bool:
        return bool(self._whole or self._named)

    @property
    def names(self) -> list[str]:
        """The methods and services that have a bound of their own."""
        return list(self._named)

    def enter(self, path: str, *, known: bool) -> Held | Status:
        """Take a place for a call of `path`, to be given back by `leave`; or the status to refuse it with.

        `known` tells the paths of a server's own methods, whose bounds are looked up once, from those that clients
        make up.
        """
        held = self._held_by_path.get(path)
        if held is None:
            held = self._slots_of(path)
            if known:
                self._held_by_path[path] = held
        for slots in held:
            if slots.taken >= slots.limit:
                what = f"as many calls run already as {slots.option} allows ({slots.limit})"
                return Status(StatusCode.RESOURCE_EXHAUSTED, what)
        for slots in held:
            slots.taken += 1
        return held

    @staticmethod
    def leave(held: Held) -> None:
        """Give back what `enter` took."""
        for slots in held:
            slots.taken -= 1

    def _slots_of(self, path: str) -> Held:
        service = path[1:].partition("/")[0]
        whole = None if path.startswith(_EXEMPT) else self._whole
        candidates = (self._named.get(path), self._named.get(service), whole)
        return tuple(slots for slots in candidates if slots is not None)


def _slots(option: str, limit: int) -> Slots:
    check(option, limit, COUNT)
    return Slots(option, limit)
