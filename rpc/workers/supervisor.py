"""What a supervisor decides: when a worker is started, drained, killed. No processes, no clock, no sockets here.

Every worker has a slot (0, 1, …). Events come in as method calls with the time; what is to be done comes out of
`take_actions`; `exit_status` says that all is over.

    starting ──ready──▶ serving ──drain──▶ draining ──(grace)──▶ killed
        └────────────────────┴── died ─▶ started again, after a while if it did not live long

A reload starts a second worker in every slot and drains the old ones when all the new ones are ready. If one of the
new ones dies first, the reload is given up and the old ones stay.
"""

from __future__ import annotations

import logging
import random
import signal
from dataclasses import dataclass, field
from enum import Enum, auto

from ..arguments import SECONDS, SECONDS_OR_ZERO, check_fields, instance, optional
from ..backoff import BackoffPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPolicy:
    """Times in seconds. Raises RpcConfigurationError for what cannot be.

    - `grace`: what a worker has to finish its calls once it is told to stop; None: as long as they take.
    - `start_timeout`: what a new worker has to be ready.
    - `steady_after`: a worker that dies within this time of its start is started again after a delay, that grows.
    """

    grace: float | None = 30.0
    start_timeout: float = 60.0
    steady_after: float = 5.0
    backoff: BackoffPolicy = field(default_factory=lambda: BackoffPolicy(0.5, 2.0, 0.2, 30.0))

    def __post_init__(self) -> None:
        check_fields(_POLICY, self)


_POLICY = {
    "grace": optional(SECONDS_OR_ZERO),
    "start_timeout": SECONDS,
    "steady_after": SECONDS_OR_ZERO,
    "backoff": instance(BackoffPolicy),
}


class State(Enum):
    """See the module. A worker that has died is forgotten."""

    STARTING = auto()
    SERVING = auto()
    DRAINING = auto()


@dataclass(frozen=True, slots=True)
class Start:
    """Start a worker in this slot, and tell its process id by `started`."""

    slot: int


@dataclass(frozen=True, slots=True)
class Signal:
    """Send a signal to a worker."""

    pid: int
    number: signal.Signals


@dataclass(frozen=True, slots=True)
class Vacate:
    """Nobody is going to accept in this slot for a while: close its socket if it has one of its own, so that the
    system leaves new connections to the others."""

    slot: int


@dataclass(frozen=True, slots=True)
class Say:
    """Write a line for the operator."""

    level: int
    text: str


Action = Start | Signal | Vacate | Say

_KILL_MARGIN = 5.0  # seconds after the grace: a worker needs some to end its calls and to leave
_KILL_AT_ONCE = 2.0  # after a second signal


@dataclass(slots=True)
class _Worker:
    pid: int
    slot: int
    started: float
    state: State = State.STARTING
    is_replacement: bool = False
    kill_at: float | None = None


class Supervisor:
    """See the module."""

    def __init__(self, workers: int, policy: WorkerPolicy, rng: random.Random, now: float) -> None:
        self.policy = policy
        self.exit_status: int | None = None
        self._rng = rng
        self._slots = workers
        self._workers: dict[int, _Worker] = {}
        self._actions: list[Action] = []
        self._failures = [0] * workers
        self._restart_at: dict[int, float] = {}
        self._once_ready = False
        self._failed = False
        self._stopping = False
        self._reloading = False
        self._reload_again = False
        for slot in range(workers):
            self._start(slot)

    # -- what happens ---------------------------------------------------------------------------------------------

    def started(self, slot: int, pid: int, now: float) -> None:
        """The worker that `Start` asked for runs."""
        self._workers[pid] = _Worker(
            pid, slot, now, is_replacement=self._reloading, kill_at=now + self.policy.start_timeout
        )

    def ready(self, pid: int, now: float) -> None:
        """A worker accepts connections."""
        worker = self._workers.get(pid)
        if worker is None or worker.state is not State.STARTING:
            return
        worker.state, worker.kill_at = State.SERVING, None
        self._say(logging.INFO, f"worker {worker.slot} is ready (pid {pid})")
        self._settle(now)

    def died(self, pid: int, cause: str, now: float, *, orderly: bool = False) -> None:
        """A worker has ended; `cause` says how ("ended with status 1"), `orderly` that its status was 0."""
        worker = self._workers.pop(pid)
        name = f"worker {worker.slot} (pid {pid})"
        if worker.state is State.DRAINING:
            self._say(logging.INFO if orderly else logging.WARNING, f"{name} {cause}")
        elif self._reloading and worker.is_replacement:
            self._say(logging.ERROR, f"{name} {cause} while reloading: the old workers stay")
            self._give_up_reload(now)
        elif not self._once_ready:
            self._say(logging.ERROR, f"{name} {cause} before all were ready: giving up")
            self._failed = True
            self.stop(now)
        else:
            self._replace(worker, f"{name} {cause}", now)
            self._settle(now)
        self._end_if_over()

    def reload(self, now: float) -> None:
        """Replace all workers by new ones. While this goes on, one more is remembered."""
        if self._stopping:
            return
        if self._reloading or not self._once_ready:
            self._reload_again = True
            return
        self._say(logging.INFO, "reloading: starting new workers")
        self._reloading, self._reload_again = True, False
        self._restart_at.clear()
        for slot in range(self._slots):
            self._start(slot)

    def stop(self, now: float) -> None:
        """Drain all workers, then end. The second time: do not wait."""
        if not self._stopping:
            self._stopping = True
            self._restart_at.clear()
            for worker in list(self._workers.values()):
                self._drain(worker, now)
        else:
            self._say(logging.WARNING, "stopping at once")
            for worker in self._workers.values():
                self._actions.append(Signal(worker.pid, signal.SIGTERM))
                worker.kill_at = now + _KILL_AT_ONCE
        self._end_if_over()

    def tick(self, now: float) -> None:
        """Do what is due."""
        for slot, due in list(self._restart_at.items()):
            if due <= now:
                del self._restart_at[slot]
                self._start(slot)
        for worker in self._workers.values():
            if worker.kill_at is not None and worker.kill_at <= now:
                late = "is not ready in time" if worker.state is State.STARTING else "does not end"
                self._say(logging.WARNING, f"worker {worker.slot} (pid {worker.pid}) {late}: killing it")
                self._actions.append(Signal(worker.pid, signal.SIGKILL))
                worker.kill_at = None

    def next_timer(self) -> float | None:
        """When `tick` has to be called next."""
        kills = [worker.kill_at for worker in self._workers.values() if worker.kill_at is not None]
        return min([*kills, *self._restart_at.values()], default=None)

    def take_actions(self) -> list[Action]:
        """What is to be done, in order."""
        actions, self._actions = self._actions, []
        return actions

    @property
    def all_ready(self) -> bool:
        """Whether every slot has had a worker that accepts connections."""
        return self._once_ready

    # -- what follows ---------------------------------------------------------------------------------------------

    def _start(self, slot: int) -> None:
        self._actions.append(Start(slot))

    def _drain(self, worker: _Worker, now: float) -> None:
        if worker.state is State.DRAINING:
            return
        worker.state = State.DRAINING
        grace = self.policy.grace
        worker.kill_at = None if grace is None else now + grace + _KILL_MARGIN
        self._actions.append(Signal(worker.pid, signal.SIGTERM))

    def _replace(self, worker: _Worker, what: str, now: float) -> None:
        if any(other.slot == worker.slot for other in self._workers.values() if other.is_replacement):
            self._say(logging.WARNING, f"{what}; its replacement is on the way")
            return
        lived = now - worker.started
        if worker.state is State.SERVING and lived >= self.policy.steady_after:
            self._failures[worker.slot] = 0
            self._say(logging.WARNING, f"{what}; starting another")
            self._start(worker.slot)
            return
        self._failures[worker.slot] += 1
        delay = self.policy.backoff.delay(self._failures[worker.slot], self._rng)
        self._say(logging.ERROR, f"{what} after {lived:.1f} s; starting another in {delay:.1f} s")
        self._restart_at[worker.slot] = now + delay
        self._actions.append(Vacate(worker.slot))

    def _settle(self, now: float) -> None:
        """See whether all that was started is ready."""
        if self._stopping or self._restart_at or self._in_state(State.STARTING):
            return
        self._once_ready = True
        if self._reloading:
            self._finish_reload(now)
        if self._reload_again:
            self.reload(now)

    def _finish_reload(self, now: float) -> None:
        for worker in list(self._workers.values()):
            if not worker.is_replacement:
                self._drain(worker, now)
            worker.is_replacement = False
        self._say(logging.INFO, "reloaded: the old workers finish their calls")
        self._reloading = False

    def _give_up_reload(self, now: float) -> None:
        self._reloading = False
        for worker in list(self._workers.values()):
            if worker.is_replacement:
                worker.is_replacement = False
                self._drain(worker, now)
        occupied = {worker.slot for worker in self._workers.values() if worker.state is not State.DRAINING}
        for slot in sorted(set(range(self._slots)) - occupied):  # its old worker died meanwhile
            self._restart_at[slot] = now + self.policy.backoff.delay(1, self._rng)
        if self._reload_again:
            self.reload(now)

    def _in_state(self, state: State) -> list[_Worker]:
        return [worker for worker in self._workers.values() if worker.state is state]

    def _say(self, level: int, text: str) -> None:
        self._actions.append(Say(level, text))

    def _end_if_over(self) -> None:
        if self._stopping and not self._workers:
            self.exit_status = 1 if self._failed else 0
