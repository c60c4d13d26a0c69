"""pick_first: one connection, to the first address that answers (R82; A61, A62).

Addresses are tried in order. One that is slow gets company after the connection attempt delay, one that fails at once
(happy eyeballs, RFC 8305); whichever answers first is taken, and the others are given up. When all have failed the
state is TRANSIENT_FAILURE, and stays so until one answers; each is tried again whenever its backoff is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from .balancer import QUEUEING, BalancerChannel, BalancerFactory, Fixed, failing
from .connectivity import CONNECTING, IDLE, READY, TRANSIENT_FAILURE, ConnectivityState
from .json_fields import JsonObject, read_boolean
from .resolver import Endpoint
from .subchannel import Subchannel
from .target import Target
from .timers import TimerHandle


class PickFirst:
    """See the module. Config: `shuffleAddressList` (bool) tries endpoints in random order."""

    def __init__(self, channel: BalancerChannel) -> None:
        self._channel = channel
        self._subchannels: dict[Target, Subchannel] = {}  # in the order in which they are tried
        self._selected: Subchannel | None = None  # the READY one
        self._state = CONNECTING
        self._untried: list[Subchannel] = []  # of this pass, the next one last
        self._latest: Subchannel | None = None  # the one that was tried last
        self._failed: set[Target] = set()  # in this pass
        self._passes_failed = False  # a whole pass has, and nothing has answered since
        self._failures = 0  # after that
        self._timer: TimerHandle | None = None

    # -- what the channel tells -----------------------------------------------------------------------------------

    @staticmethod
    def parse_config(config: Mapping[str, Any], path: str, known: Mapping[str, BalancerFactory]) -> bool:
        return bool(JsonObject(config, path).get("shuffleAddressList", read_boolean))

    def update(self, endpoints: Sequence[Endpoint], config: bool) -> None:
        endpoints = list(endpoints)
        if config:
            self._channel.rng.shuffle(endpoints)
        addresses = interleave(dict.fromkeys(chain.from_iterable(each.addresses for each in endpoints)))
        old = self._subchannels
        # Those that stay keep their connection and their backoff.
        self._subchannels = {each: old.pop(each, None) or self._new(each) for each in addresses}
        for subchannel in old.values():
            subchannel.shut_down()
        selected = self._selected
        if selected is not None and selected.address in self._subchannels:
            self._select(selected)  # the new ones are not needed
            return
        self._selected = None
        if self._state is not IDLE:
            self._begin_pass()

    def exit_idle(self) -> None:
        if self._state is IDLE:
            self._begin_pass()

    def close(self) -> None:
        self._stop_timer()
        self._selected = None
        subchannels, self._subchannels = self._subchannels, {}
        for subchannel in subchannels.values():
            subchannel.shut_down()

    def _new(self, address: Target) -> Subchannel:
        return self._channel.new_subchannel(address, self._changed)

    # -- a pass through the addresses -----------------------------------------------------------------------------

    def _begin_pass(self) -> None:
        self._failed.clear()
        self._untried = list(reversed(self._subchannels.values()))
        if not self._passes_failed:
            self._publish(CONNECTING, QUEUEING)
        self._try_next()

    def _try_next(self) -> None:
        """Begin with the next address, unless it is failing already."""
        self._stop_timer()
        while self._untried:
            subchannel = self._latest = self._untried.pop()
            if subchannel.state is TRANSIENT_FAILURE:  # its backoff has not ended
                self._failed.add(subchannel.address)
                continue
            subchannel.connect()
            if self._untried:
                delay = self._channel.connection_attempt_delay
                self._timer = self._channel.schedule(self._channel.now() + delay, self._try_next)
            return
        self._end_pass_if_over()

    def _end_pass_if_over(self) -> None:
        if self._untried or len(self._failed) < len(self._subchannels):
            return
        self._passes_failed = True
        self._failures = 0
        self._publish_failure()
        self._channel.request_resolution()
        for subchannel in list(self._subchannels.values()):
            subchannel.connect()  # those whose backoff is over

    # -- what subchannels tell ------------------------------------------------------------------------------------

    def _changed(self, subchannel: Subchannel) -> None:
        if self._subchannels.get(subchannel.address) is not subchannel:
            return
        if self._selected is not None:
            if subchannel is self._selected:
                self._lost()
            return
        match subchannel.state:
            case ConnectivityState.READY:
                self._select(subchannel)
            case ConnectivityState.TRANSIENT_FAILURE:
                self._attempt_failed(subchannel)
            case ConnectivityState.IDLE:  # its backoff is over
                if self._pass_is_over:
                    subchannel.connect()
            case _:
                pass

    def _attempt_failed(self, subchannel: Subchannel) -> None:
        if not self._pass_is_over:
            self._failed.add(subchannel.address)
            if subchannel is self._latest:
                self._try_next()
            else:
                self._end_pass_if_over()
            return
        self._failures += 1
        if self._failures % len(self._subchannels) == 0:
            self._channel.request_resolution()
        self._publish_failure()

    @property
    def _pass_is_over(self) -> bool:
        return self._passes_failed and not self._untried and len(self._failed) == len(self._subchannels)

    def _select(self, subchannel: Subchannel) -> None:
        """This one is connected; the others are not needed."""
        self._stop_timer()
        self._untried.clear()
        self._passes_failed = False
        self._selected = subchannel
        for other in self._subchannels.values():
            if other is not subchannel:
                other.shut_down()
        # They are made anew when the connection is lost: what matters is the order of their addresses.
        self._subchannels = {
            address: subchannel if address == subchannel.address else self._new(address)
            for address in self._subchannels
        }
        self._publish(READY, Fixed(subchannel))

    def _lost(self) -> None:
        """The connection takes no further calls. The next call makes another one (R62)."""
        self._selected = None
        self._publish(IDLE, QUEUEING)
        self._channel.request_resolution()

    # -- telling the channel --------------------------------------------------------------------------------------

    def _publish(self, state: ConnectivityState, picker: Fixed) -> None:
        self._state = state
        self._channel.publish(state, picker)

    def _publish_failure(self) -> None:
        self._publish(TRANSIENT_FAILURE, failing(f"cannot connect to {self._channel.target}: {self.failure}"))

    @property
    def failure(self) -> str:
        """Which addresses were tried, and why each failed."""
        if not self._subchannels:
            return "its resolver has found no addresses"
        target = str(self._channel.target)
        failures = {str(address): each.failure for address, each in self._subchannels.items()}
        return "; ".join(
            reason if name == target else f"{name}: {reason}" for name, reason in failures.items()
        )

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def interleave(addresses: Iterable[Target]) -> list[Target]:
    """Addresses of different families in turn, those of a family in order (RFC 8305, section 4)."""
    families: dict[str, list[Target]] = {}
    for address in addresses:
        families.setdefault(_family(address), []).append(address)
    rounds = zip_longest(*families.values())
    return [address for turn in rounds for address in turn if address is not None]


def _family(address: Target) -> str:
    if address.path:
        return "unix"
    return "ipv6" if ":" in address.host else "ipv4"
