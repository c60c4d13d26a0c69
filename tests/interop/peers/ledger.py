"""What every test server does alike, whatever gRPC it runs on."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

YEAR = 365 * 86_400  # seconds; what grpcio's blocking server calls no deadline is longer
SHELF = (("1", "gRPC Fundamentals", "A. Writer"), ("2", "Grüße, 世界 🎉", "Ł. Żuk"))


@dataclass
class Entry:
    """What the handlers under one label did; the fields of interop.Counters."""

    started: int = 0
    finished: int = 0
    cancelled: int = 0
    sent: int = 0
    received: int = 0
    time_remaining_ms: int = -1


class Ledger:
    """Counts by label, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: defaultdict[str, Entry] = defaultdict(Entry)

    def start(self, label: str, time_remaining: float | None) -> None:
        with self._lock:
            entry = self._entries[label]
            entry.started += 1
            if time_remaining is not None and time_remaining < YEAR:
                entry.time_remaining_ms = int(time_remaining * 1000)

    def add(self, label: str, what: str) -> None:
        with self._lock:
            entry = self._entries[label]
            setattr(entry, what, getattr(entry, what) + 1)

    def counters(self, label: str) -> dict[str, int]:
        with self._lock:
            return asdict(self._entries[label])


def echoes(
    metadata: Iterable[tuple[str, str | bytes]],
) -> tuple[list[tuple[str, str | bytes]], list[tuple[str, str | bytes]]]:
    """The initial and the trailing metadata that a call with this request metadata is answered with."""
    pairs = [(key, value) for key, value in metadata]
    return (
        [pair for pair in pairs if pair[0].startswith(("echo-initial-", "x-grpc-test-echo-initial"))],
        [pair for pair in pairs if pair[0].startswith(("echo-trailing-", "x-grpc-test-echo-trailing-bin"))],
    )


def rich_status(interop: Any, status: Any) -> bytes:
    """What grpc-status-details-bin carries for an interop.Status (made with Google's classes)."""
    rich = interop.RichStatus(code=status.code, message=status.message)
    rich.details.add().Pack(interop.Detail(text=status.detail))
    return rich.SerializeToString()


def orca_report(orca: Any, report: Any) -> bytes:
    """What endpoint-load-metrics-bin carries for a TestOrcaReport (made with Google's classes)."""
    return orca.OrcaLoadReport(
        cpu_utilization=report.cpu_utilization,
        mem_utilization=report.memory_utilization,
        request_cost=report.request_cost,
        utilization=report.utilization,
    ).SerializeToString()
