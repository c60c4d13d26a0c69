"""How many calls may run at once: on a whole server, of one service, of one method.

A call over a bound is refused with RESOURCE_EXHAUSTED at once: waiting in a line that does not move helps nobody.

A call takes its places when its handler begins: one with a single request when that is complete. So a client that never
ends its requests holds no places, but only what `max_concurrent_streams` and `max_unfinished_bytes` leave to its
connection; and a full server still refuses calls by their headers, before it takes their requests in.
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


Places = tuple[Slots, ...]  # all that a call needs


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
        self._places_by_path: dict[str, Places] = {}

    def __bool__(self) -> bool:
        return bool(self._whole or self._named)

    @property
    def names(self) -> list[str]:
        """The methods and services that have a bound of their own."""
        return list(self._named)

    def places(self, path: str, *, known: bool) -> Places:
        """What a call of `path` needs.

        `known` tells the paths of a server's own methods, whose bounds are looked up once, from those that clients
        make up.
        """
        places = self._places_by_path.get(path)
        if places is None:
            places = self._slots_of(path)
            if known:
                self._places_by_path[path] = places
        return places

    @staticmethod
    def refusal(places: Places) -> Status | None:
        """The status of a call for which one of these is not free; None if all are."""
        for slots in places:
            if slots.taken >= slots.limit:
                what = f"as many calls run already as {slots.option} allows ({slots.limit})"
                return Status(StatusCode.RESOURCE_EXHAUSTED, what)
        return None

    @staticmethod
    def take(places: Places) -> Status | None:
        """Take all of these, to be given back by `leave`; or none, and return the status to refuse the call with."""
        refusal = ConcurrencyLimits.refusal(places)
        if refusal is None:
            for slots in places:
                slots.taken += 1
        return refusal

    @staticmethod
    def leave(places: Places) -> None:
        """Give back what `take` took."""
        for slots in places:
            slots.taken -= 1

    def _slots_of(self, path: str) -> Places:
        service = path[1:].partition("/")[0]
        whole = None if path.startswith(_EXEMPT) else self._whole
        candidates = (self._named.get(path), self._named.get(service), whole)
        return tuple(slots for slots in candidates if slots is not None)


def _slots(option: str, limit: int) -> Slots:
    check(option, limit, COUNT)
    return Slots(option, limit)
