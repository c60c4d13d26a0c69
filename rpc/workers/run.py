"""The supervisor's process: it forks workers, waits for signals and for what its workers say, and serves nothing."""

from __future__ import annotations

import logging
import os
import random
import select
import signal
import socket
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from types import FrameType

from ..aio.listener import TlsSource, check_tls
from ..arguments import COUNT, FLAG, FUNCTION, ITEMS, check_arguments, either, instance, optional, text
from ..errors import RpcConfigurationError
from .files import ChangedFiles, files_to_watch
from .process import WATCHED_SIGNALS, ServerMaker, WorkerProcess, WorkerTask, fork_worker
from .sockets import WorkerSockets
from .supervisor import Say, Signal, Start, Supervisor, Vacate, WorkerPolicy

logger = logging.getLogger("barewire.rpc.workers")

_WATCH_INTERVAL = 0.5  # seconds between two looks at watched files
_ARGUMENTS = {
    "make_server": either(FUNCTION, text('"module:function"', r"[\w.]+:[\w.]+")),
    "addresses": ITEMS,
    "workers": optional(COUNT),
    "policy": optional(instance(WorkerPolicy)),
    "watch": FLAG,
    "on_ready": optional(FUNCTION),
}


def run_workers(
    make_server: ServerMaker | str,
    addresses: Sequence[str | socket.socket],
    *,
    workers: int | None = None,
    tls: TlsSource | None = None,
    policy: WorkerPolicy | None = None,
    watch: bool = False,
    on_ready: Callable[[list[str]], None] | None = None,
) -> int:
    """Serve in several processes until SIGTERM or SIGINT. Returns an exit status: 0 after a stop in order, 1 if the
    workers could not be started.

    - `make_server` is called in each worker, inside its event loop, and returns a Server that is not started (or an
      awaitable of one). As "module:function" it is imported in the worker, so that a reload brings new code.
    - `addresses`: as for `Server.start`. Where the system has SO_REUSEPORT, every worker gets a socket of its own for
      each TCP port; else, and for unix and passed sockets, all accept on one.
    - `workers`: how many; without it as many as there are processors for this process.
    - `policy`: times; see WorkerPolicy.
    - `watch`: reload when a file changes that a worker has imported, or a `.proto` next to one (for development).
    - `on_ready`: called once, with the addresses that all workers accept on.

    SIGHUP reloads: new workers come up, then the old ones drain. A worker that dies is started again. One SIGTERM
    drains, a second one stops at once. Call it where no other thread runs: it forks. Raises OSError if an address
    cannot be used, RpcConfigurationError for what makes no sense.
    """
    check_arguments(_ARGUMENTS, locals())
    check_tls(tls)
    count = workers if workers is not None else _processors()
    if not hasattr(os, "fork"):
        raise RpcConfigurationError("several workers need os.fork, which this system does not have")
    policy = policy or WorkerPolicy()
    sockets = WorkerSockets(addresses, count)
    task = WorkerTask(make_server, tls, policy.grace, _report_files if watch else None)
    try:
        return _Loop(
            Supervisor(count, policy, random.Random(), time.monotonic()), sockets, task, on_ready
        ).run()
    finally:
        sockets.close()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _report_files() -> str:
    return "\0".join(files_to_watch())


class _Loop:
    """Events for the supervisor, and its actions carried out."""

    def __init__(
        self,
        supervisor: Supervisor,
        sockets: WorkerSockets,
        task: WorkerTask,
        on_ready: Callable[[list[str]], None] | None,
    ) -> None:
        self._supervisor = supervisor
        self._sockets = sockets
        self._task = task
        self._on_ready = on_ready
        self._processes: dict[int, WorkerProcess] = {}
        self._watched: ChangedFiles | None = ChangedFiles() if task.report is not None else None
        self._look_at = time.monotonic()

    def run(self) -> int:
        """Until the supervisor says that it is over. Returns its exit status."""
        supervisor = self._supervisor
        # The write end stays here alone: the workers see it close when this process is gone.
        self._alive, keep = os.pipe()
        try:
            with _signals() as (wakeup, received):
                self._inherited = (keep, *wakeup)
                while supervisor.exit_status is None:
                    self._act()
                    if supervisor.exit_status is None:
                        self._wait(wakeup[0])
                        self._take_signals(received)
                        self._reap()
                        supervisor.tick(time.monotonic())
                self._act()
        finally:
            for process in self._processes.values():
                os.close(process.pipe)
            os.close(self._alive)
            os.close(keep)
        return supervisor.exit_status

    def _act(self) -> None:
        for action in self._supervisor.take_actions():
            match action:
                case Start(slot):
                    self._start(slot)
                case Signal(pid, number):
                    if pid in self._processes:  # not reaped yet, so no other process has its id
                        os.kill(pid, number)
                case Vacate(slot):
                    self._sockets.vacate(slot)
                case Say(level, text):
                    logger.log(level, "%s", text)

    def _start(self, slot: int) -> None:
        pipes = [process.pipe for process in self._processes.values()]
        process = fork_worker(
            self._task,
            self._sockets.of(slot),
            self._sockets.of_others(slot),
            [*pipes, *self._inherited],
            self._alive,
        )
        self._processes[process.pid] = process
        self._supervisor.started(slot, process.pid, time.monotonic())

    def _wait(self, wakeup: int) -> None:
        """Until a signal comes, a worker says something or dies, or something is due."""
        now = time.monotonic()
        due = [when for when in (self._supervisor.next_timer(), self._next_look()) if when is not None]
        timeout = max(0.0, min(due) - now) if due else None
        talking = {process.pipe: process for process in self._processes.values() if not process.silent}
        readable, _, _ = select.select([wakeup, *talking], [], [], timeout)
        for fd in readable:
            data = os.read(fd, 65536)
            if fd != wakeup:
                self._heard(talking[fd], data)
        self._look()

    def _heard(self, process: WorkerProcess, data: bytes) -> None:
        process.silent = not data
        process.said += data
        if not process.said.endswith(b"\n"):
            return
        if self._watched is not None:
            self._watched.watch(process.said.decode().strip().split("\0")[1:])
        process.said = b""
        self._supervisor.ready(process.pid, time.monotonic())
        self._act()
        if self._on_ready is not None and self._supervisor.all_ready:
            self._on_ready(self._sockets.names)
            self._on_ready = None

    def _take_signals(self, received: list[int]) -> None:
        while received:
            number, now = received.pop(0), time.monotonic()
            if number == signal.SIGHUP:
                self._supervisor.reload(now)
            elif number != signal.SIGCHLD:
                logger.info("received %s: the workers finish their calls", signal.Signals(number).name)
                self._supervisor.stop(now)

    def _reap(self) -> None:
        for pid, process in list(self._processes.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if not found:
                continue
            del self._processes[pid]
            os.close(process.pipe)
            code = os.waitstatus_to_exitcode(status)
            cause = (
                f"ended with status {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"
            )
            self._supervisor.died(pid, cause, time.monotonic(), orderly=code == 0)

    # -- watched files --------------------------------------------------------------------------------------------

    def _next_look(self) -> float | None:
        return None if self._watched is None else self._look_at

    def _look(self) -> None:
        now = time.monotonic()
        if self._watched is None or now < self._look_at:
            return
        self._look_at = now + _WATCH_INTERVAL
        changed = self._watched.changed()
        if changed:
            logger.info("%s changed", changed[0])
            self._supervisor.reload(now)


@contextmanager
def _signals() -> Generator[tuple[tuple[int, int], list[int]]]:
    """Signals as numbers in a list, and a pipe that becomes readable when one comes."""
    received: list[int] = []

    def take(number: int, frame: FrameType | None) -> None:
        received.append(number)

    reader, writer = os.pipe()
    for fd in (reader, writer):
        os.set_blocking(fd, False)
    before = {number: signal.signal(number, take) for number in WATCHED_SIGNALS}
    previous_fd = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield (reader, writer), received
    finally:
        signal.set_wakeup_fd(previous_fd)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
