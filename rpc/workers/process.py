"""One worker process: how it is forked, what it runs, and what it tells its supervisor."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ..aio.listener import TlsSource
from ..aio.server import Server
from ..errors import RpcConfigurationError
from ..listening import Listening

logger = logging.getLogger("barewire.rpc.workers")

ServerMaker = Callable[[], Server | Awaitable[Server]]

WATCHED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass(frozen=True, slots=True)
class WorkerTask:
    """What all workers of a supervisor run."""

    make_server: ServerMaker | str
    tls: TlsSource | None
    grace: float | None
    report: Callable[[], str] | None = None  # what to tell the supervisor once ready


@dataclass(slots=True)
class WorkerProcess:
    """A worker as its parent sees it. `pipe` brings a line when it is ready, and ends when it does."""

    pid: int
    pipe: int
    said: bytes = b""
    silent: bool = False


def fork_worker(
    task: WorkerTask,
    sockets: Sequence[Listening],
    others: Sequence[Listening],
    inherited: Sequence[int],
    alive: int,
) -> WorkerProcess:
    """Start a worker that accepts on `sockets`. It closes what it is not to keep: `others` and the file descriptors
    `inherited`. `alive` is a pipe that ends when the supervisor does, however it dies."""
    pipe, ready = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(ready)
        return WorkerProcess(pid, pipe)
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in WATCHED_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor decides
        for fd in (pipe, *inherited):
            os.close(fd)
        for listening in others:
            listening.socket.close()
        status = _run(task, sockets, ready, alive)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _run(task: WorkerTask, sockets: Sequence[Listening], ready: int, alive: int) -> int:
    try:
        asyncio.run(_serve(task, sockets, ready, alive))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:
        logger.exception("a worker failed")
        return 1
    return 0


async def _serve(task: WorkerTask, sockets: Sequence[Listening], ready: int, alive: int) -> None:
    loop = asyncio.get_running_loop()
    made: Any = _resolve(task.make_server)()
    server = cast("Server", await made if inspect.isawaitable(made) else made)
    if not isinstance(server, Server):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise RpcConfigurationError(f"{task.make_server!r} has to return a Server, not {server!r}")
    async with server:
        for listening in sockets:
            await server.start(listening.socket, tls=task.tls)
        told = task.report() if task.report is not None else ""
        serving = asyncio.ensure_future(server.serve_until_signal(signal.SIGTERM, grace=task.grace))
        await asyncio.sleep(0)  # it watches for the signal now
        os.write(ready, f"ready\0{told}\n".encode())
        os.set_blocking(alive, False)
        loop.add_reader(alive, _orphaned, alive)
        await serving
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends already: a second one would cut that short
        loop.remove_reader(alive)


def _orphaned(alive: int) -> None:
    """The supervisor is gone: nobody would restart or stop this worker any more."""
    asyncio.get_running_loop().remove_reader(alive)
    logger.error("the supervisor has died; the worker (pid %d) stops", os.getpid())
    signal.raise_signal(signal.SIGTERM)


def _resolve(maker: ServerMaker | str) -> ServerMaker:
    """A function, or what "module:function" names; imported here, in the worker, so that a reload reads it anew."""
    if not isinstance(maker, str):
        return maker
    module, _, name = maker.partition(":")
    return getattr(importlib.import_module(module), name)
