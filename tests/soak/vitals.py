"""What a process holds: to be the same after ten minutes as after one."""

from __future__ import annotations

import asyncio
import gc
import os
from dataclasses import asdict, dataclass

from tests.support.processes import memory


@dataclass(frozen=True)
class Vitals:
    """`memory` in bytes; `objects` are those that the garbage collector watches; `calls` are open."""

    memory: int
    objects: int
    tasks: int
    files: int
    connections: int
    calls: int

    @classmethod
    def take(cls, connections: int, calls: int) -> Vitals:
        """Of this process; call it on its loop."""
        return cls(
            memory=memory(os.getpid()),
            objects=len(gc.get_objects()),
            tasks=len(asyncio.all_tasks()),
            files=len(os.listdir("/proc/self/fd")),
            connections=connections,
            calls=calls,
        )

    def to_dict(self) -> dict[str, int]:
        return asdict(self)
