"""The call benchmark: what a call costs a server and a client, in CPU time, for every contender in one run.

See README.md in this folder.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from calls.contender import BOOK, STREAM_LENGTH

HERE = Path(__file__).resolve().parent
CONTENDERS = ("barewire", "grpclib", "grpcio_aio", "grpcio_sync")
COMMON_SERVER = "grpcio_sync"
COMMON_CLIENT = "grpcio_aio"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Scenario:
    """`work` is how many calls, or how many messages of a stream, one block has."""

    name: str
    shape: str
    in_flight: int
    work: int


SCENARIOS = (
    Scenario("unary, 1 in flight", "unary", 1, 4_000),
    Scenario("unary, 20 in flight", "unary", 20, 10_000),
    Scenario("unary, 100 in flight", "unary", 100, 10_000),
    Scenario("streaming, per message", "stream", 1, 60_000),
)


class Worker:
    """A contender as a server or as a client, in a process on one core."""

    def __init__(self, name: str, what: str, core: int) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "calls.worker", name, what],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        self.version = self.line()

    def line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with status {self._process.wait()}")
        return line.strip()

    def drive(self, scenario: Scenario, work: int) -> None:
        assert self._process.stdin
        command = (
            ["stream", work // STREAM_LENGTH]
            if scenario.shape == "stream"
            else ["unary", scenario.in_flight, work]
        )
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        assert self.line() == "done"

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class H2load:
    """The load that every server gets alike, written in C."""

    def __init__(self, program: str, core: int) -> None:
        self._program, self._core = program, core
        self._folder = Path(tempfile.mkdtemp(prefix="barewire-bench-"))
        book = b"".join(bytes([n << 3 | 2, len(v)]) + v.encode() for n, v in enumerate(BOOK.values(), 1))
        self._sizes = {"unary": 5 + len(book), "stream": STREAM_LENGTH * (5 + len(book))}
        for shape, message in (("unary", book), ("stream", b"\x08\xe8\x07")):  # Count(count=1000)
            (self._folder / shape).write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
        said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
        self.version = said.strip()

    def __call__(self, target: str, scenario: Scenario, work: int) -> None:
        """Makes the calls, and raises RuntimeError unless all were answered with as many bytes as they should be."""
        requests = work // STREAM_LENGTH if scenario.shape == "stream" else work
        command = [self._program, "-c", "1", "-m", str(scenario.in_flight), "-n", str(requests)]
        command += [f"--data={self._folder / scenario.shape}", "-H", "content-type: application/grpc"]
        command += ["-H", "te: trailers", f"http://{target}/calls.Bench/{scenario.shape.capitalize()}"]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {self._core}),
        )
        succeeded = re.search(r"(\d+) succeeded", done.stdout)
        data = re.search(r"\((\d+)\) data", done.stdout)
        if not succeeded or int(succeeded[1]) != requests:
            raise RuntimeError(f"h2load: not all calls were answered:\n{done.stdout}\n{done.stderr}")
        if not data or int(data[1]) < requests * self._sizes[scenario.shape]:
            raise RuntimeError(f"h2load: the answers are too short:\n{done.stdout}")

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


Figures = dict[str, dict[str, float]]  # scenario → contender → microseconds of CPU for one call or message


def measure(
    tested: list[Worker],
    scenarios: list[Scenario],
    rounds: int,
    load: Callable[[Worker, Scenario, int], None],
) -> Figures:
    """The median of `rounds` blocks; the contenders take turns."""
    figures: Figures = {}
    for scenario in scenarios:
        taken: dict[str, list[float]] = {worker.name: [] for worker in tested}
        for worker in tested:
            load(worker, scenario, max(STREAM_LENGTH, scenario.work // 5))  # warm
        for _ in range(rounds):
            for worker in tested:
                before = worker.cpu_seconds()
                load(worker, scenario, scenario.work)
                taken[worker.name].append((worker.cpu_seconds() - before) / scenario.work * 1e6)
            print(".", end="", file=sys.stderr, flush=True)
        figures[scenario.name] = {name: statistics.median(values) for name, values in taken.items()}
    print(file=sys.stderr)
    return figures


def report(title: str, figures: Figures) -> None:
    names = list(next(iter(figures.values())))
    columns = [*names, *(f"{name}/barewire" for name in names if name != "barewire" and "barewire" in names)]
    for unit, value in (("µs of CPU", lambda us: us), ("per CPU-second", lambda us: 1e6 / us)):
        shown = columns if unit == "µs of CPU" else names
        print(f"\n{title}: {unit}")
        print(f"{'':24}" + "".join(f"{name:>{max(14, len(name) + 2)}}" for name in shown))
        for scenario, row in figures.items():
            cells = [
                f"{value(row[name]):,.1f}" if unit == "µs of CPU" else f"{value(row[name]):,.0f}"
                for name in names
            ]
            if len(shown) > len(names):
                cells += [f"{row[name] / row['barewire']:.2f}" for name in names if name != "barewire"]
            widths = [max(14, len(name) + 2) for name in shown]
            print(
                f"{scenario:24}"
                + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
            )


def bench_servers(names: list[str], scenarios: list[Scenario], rounds: int, core: int, other: int) -> Figures:
    servers: list[Worker] = []
    targets: dict[str, str] = {}
    for name in names:
        server = Worker(name, "serve", core)
        servers.append(server)
        targets[name] = f"127.0.0.1:{server.line()}"
    program = shutil.which("h2load")
    if program:
        h2load = H2load(program, other)
        print(f"\nservers on core {core}, one connection, load by {h2load.version} on core {other}")
        figures = measure(
            servers,
            scenarios,
            rounds,
            lambda worker, scenario, work: h2load(targets[worker.name], scenario, work),
        )
        h2load.close()
    else:
        clients = {name: Worker(COMMON_CLIENT, target, other) for name, target in targets.items()}
        print(
            f"\nservers on core {core}; no h2load (Debian: nghttp2-client), so load by {COMMON_CLIENT} on core {other}"
        )
        figures = measure(
            servers,
            scenarios,
            rounds,
            lambda worker, scenario, work: clients[worker.name].drive(scenario, work),
        )
        for client in clients.values():
            client.close()
    for server in servers:
        server.close()
    return figures


def bench_clients(names: list[str], scenarios: list[Scenario], rounds: int, core: int, other: int) -> Figures:
    server = Worker(COMMON_SERVER, "serve", other)
    target = f"127.0.0.1:{server.line()}"
    clients = [Worker(name, target, core) for name in names]
    print(f"\nclients on core {core}, all against {server.version} on core {other}")
    figures = measure(clients, scenarios, rounds, lambda worker, scenario, work: worker.drive(scenario, work))
    for worker in (*clients, server):
        worker.close()
    return figures


def main() -> None:
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="blocks for each figure (default %(default)s)")
    parser.add_argument("--scale", type=float, default=1, help="length of a block (default %(default)s)")
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help="default: %(default)s")
    parser.add_argument("--only", choices=["servers", "clients"], help="one half of it")
    parser.add_argument(
        "--core", type=int, default=cores[-1], help="the core of what is tested (default: the last)"
    )
    parser.add_argument(
        "--other-core", type=int, default=cores[0], help="the core of the rest (default: the first)"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()

    names = options.contenders.split(",")
    scenarios = [Scenario(s.name, s.shape, s.in_flight, scaled(s.work, options.scale)) for s in SCENARIOS]
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}")
    for name in names:
        worker = Worker(name, "serve", options.core)
        print(f"  {name:14} {worker.version}")
        worker.close()
    results: dict[str, Figures] = {}
    for what, bench in (("servers", bench_servers), ("clients", bench_clients)):
        if options.only in (None, what):
            results[what] = bench(names, scenarios, options.rounds, options.core, options.other_core)
            report(what, results[what])
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


def scaled(work: int, scale: float) -> int:
    """A multiple of the stream length, so that every split of it comes out even."""
    return max(1, round(work * scale / STREAM_LENGTH)) * STREAM_LENGTH


if __name__ == "__main__":
    main()
