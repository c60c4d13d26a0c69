"""What the supervisor decides, in virtual time."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from barewire.rpc.backoff import BackoffPolicy
from barewire.rpc.workers.supervisor import Say, Signal, Start, State, Supervisor, Vacate, WorkerPolicy

POLICY = WorkerPolicy(
    grace=10.0, start_timeout=60.0, steady_after=5.0, backoff=BackoffPolicy(1.0, 2.0, 0.0, 8.0)
)


class World:
    """Carries out what the supervisor wants, with made-up processes."""

    def __init__(self, workers: int = 2, policy: WorkerPolicy = POLICY) -> None:
        self.now = 0.0
        self.supervisor = Supervisor(workers, policy, random.Random(0), self.now)
        self.alive: dict[int, int] = {}  # pid → slot
        self.signals: list[tuple[int, signal.Signals]] = []
        self.vacated: list[int] = []
        self.said: list[str] = []
        self._pids = count(1)
        self.act()

    def act(self) -> None:
        for action in self.supervisor.take_actions():
            match action:
                case Start(slot):
                    pid = next(self._pids)
                    self.alive[pid] = slot
                    self.supervisor.started(slot, pid, self.now)
                case Signal(pid, number):
                    self.signals.append((pid, number))
                case Vacate(slot):
                    self.vacated.append(slot)
                case Say(_, text):
                    self.said.append(text)

    def does(self, what: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        what(*arguments, self.now, **options)
        self.act()

    def ready(self, *pids: int) -> None:
        for pid in pids:
            self.does(self.supervisor.ready, pid)

    def dies(self, pid: int, *, orderly: bool = False) -> None:
        del self.alive[pid]
        self.does(self.supervisor.died, pid, "ended", orderly=orderly)

    def passes(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.supervisor.next_timer()) is not None and due <= end:
            self.now = due
            self.does(self.supervisor.tick)
        self.now = end
        self.does(self.supervisor.tick)


@pytest.fixture
def world() -> World:
    """Two workers, 1 and 2, that have served for a while."""
    world = World()
    world.ready(1, 2)
    world.passes(10)
    return world


def test_all_slots_are_started() -> None:
    assert World(3).alive == {1: 0, 2: 1, 3: 2}


def test_a_worker_that_cannot_start_ends_everything() -> None:
    world = World()
    world.ready(1)
    world.dies(2)
    assert world.signals == [(1, signal.SIGTERM)]
    assert world.supervisor.exit_status is None
    world.dies(1, orderly=True)
    assert world.supervisor.exit_status == 1


def test_a_worker_that_is_not_ready_in_time_is_killed() -> None:
    world = World()
    world.ready(1)
    world.passes(60)
    assert world.signals == [(2, signal.SIGKILL)]


def test_one_that_served_for_long_is_replaced_at_once(world: World) -> None:
    world.dies(1)
    assert world.alive == {2: 1, 3: 0}
    assert not world.vacated


def test_one_that_dies_again_and_again_is_replaced_later_and_later(world: World) -> None:
    world.dies(1)
    newest = 3
    for delay in (1, 2, 4, 8, 8):
        world.ready(newest)
        world.dies(newest)
        assert world.vacated.pop() == 0  # new connections go to the other worker
        world.passes(delay - 0.01)
        assert world.alive == {2: 1}
        world.passes(0.01)
        newest += 1
        assert world.alive == {2: 1, newest: 0}
    world.ready(newest)
    world.passes(5)
    world.dies(newest)
    assert newest + 1 in world.alive  # steady again
    assert world.supervisor.exit_status is None


def test_a_reload_drains_the_old_when_all_new_are_ready(world: World) -> None:
    world.does(world.supervisor.reload)
    assert set(world.alive) == {1, 2, 3, 4}
    world.ready(3)
    assert not world.signals
    world.ready(4)
    assert world.signals == [(1, signal.SIGTERM), (2, signal.SIGTERM)]
    world.dies(1, orderly=True)
    world.passes(14.9)
    assert len(world.signals) == 2
    world.passes(0.1)  # grace and margin
    assert world.signals[2:] == [(2, signal.SIGKILL)]
    world.dies(2)
    assert set(world.alive) == {3, 4}


def test_a_reload_whose_workers_cannot_start_is_given_up(world: World) -> None:
    world.does(world.supervisor.reload)
    world.ready(3)
    world.dies(4)
    assert world.signals == [(3, signal.SIGTERM)]
    world.dies(3, orderly=True)
    assert set(world.alive) == {1, 2}
    assert any("the old workers stay" in text for text in world.said)
    world.does(world.supervisor.reload)
    world.ready(5, 6)
    assert world.signals[1:] == [(1, signal.SIGTERM), (2, signal.SIGTERM)]


def test_an_old_worker_that_dies_during_a_reload(world: World) -> None:
    world.does(world.supervisor.reload)
    world.dies(1)
    world.ready(3, 4)
    assert world.signals == [(2, signal.SIGTERM)]
    world.dies(2)
    assert world.alive == {3: 0, 4: 1}


def test_an_old_worker_that_dies_during_a_reload_that_fails(world: World) -> None:
    world.does(world.supervisor.reload)
    world.dies(1)
    world.dies(3)
    world.dies(4)
    world.passes(1)
    assert sorted(world.alive.values()) == [0, 1]


def test_a_second_reload_waits_for_the_first(world: World) -> None:
    world.does(world.supervisor.reload)
    world.does(world.supervisor.reload)
    world.ready(3, 4)
    assert set(world.alive) == {1, 2, 3, 4, 5, 6}
    world.ready(5, 6)
    assert {pid for pid, _ in world.signals} == {1, 2, 3, 4}


def test_stop_drains_and_a_second_one_does_not_wait(world: World) -> None:
    world.does(world.supervisor.stop)
    assert world.signals == [(1, signal.SIGTERM), (2, signal.SIGTERM)]
    world.dies(1, orderly=True)
    world.does(world.supervisor.stop)
    assert world.signals[2:] == [(2, signal.SIGTERM)]
    world.passes(2)
    assert world.signals[3:] == [(2, signal.SIGKILL)]
    world.dies(2)
    assert world.supervisor.exit_status == 0


def test_nothing_is_restarted_or_reloaded_after_stop(world: World) -> None:
    world.dies(1)
    world.dies(3)  # waits for its restart
    world.does(world.supervisor.stop)
    world.does(world.supervisor.reload)
    world.passes(100)
    assert set(world.alive) == {2}


def test_without_a_grace_calls_may_take_as_long_as_they_want() -> None:
    world = World(1, WorkerPolicy(grace=None))
    world.ready(1)
    world.does(world.supervisor.stop)
    world.passes(1e6)
    assert world.signals == [(1, signal.SIGTERM)]


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens: once all were ready, every slot has a worker that serves, starts, or is due to start; nothing
    is started after a stop; and it ends when the last worker has."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(3)
        self.world.ready(*self.world.alive)

    @rule()
    def reload(self) -> None:
        self.world.does(self.world.supervisor.reload)

    @rule(seconds=st.sampled_from([0.1, 1, 6, 70]))
    def time_passes(self, seconds: float) -> None:
        self.world.passes(seconds)

    @precondition(lambda self: self.world.alive)
    @rule(data=st.data())
    def one_is_ready(self, data: Any) -> None:
        self.world.ready(data.draw(st.sampled_from(sorted(self.world.alive))))

    @precondition(lambda self: self.world.alive)
    @rule(data=st.data(), orderly=st.booleans())
    def one_dies(self, data: Any, orderly: bool) -> None:
        self.world.dies(data.draw(st.sampled_from(sorted(self.world.alive))), orderly=orderly)

    @rule()
    def stop(self) -> None:
        self.world.does(self.world.supervisor.stop)

    @invariant()
    def slots_are_taken_care_of(self) -> None:
        supervisor = self.world.supervisor
        assert set(supervisor._workers) == set(self.world.alive)
        if supervisor._stopping:
            assert not supervisor._restart_at
            assert (supervisor.exit_status is not None) == (not self.world.alive)
            return
        assert supervisor.exit_status is None
        active = {
            worker.slot for worker in supervisor._workers.values() if worker.state is not State.DRAINING
        }
        assert active | set(supervisor._restart_at) == {0, 1, 2}


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
