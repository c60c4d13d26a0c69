"""Which files a worker's code comes from, and whether they have changed: for reloading during development."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

_MAX_PROTO_FILES = 1000


def files_to_watch() -> list[str]:
    """The modules that this process has imported, without installed ones, and the `.proto` files in their folders."""
    paths = sysconfig.get_paths()
    installed = tuple({paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")})
    modules = [module for name, module in sorted(sys.modules.items()) if not name.startswith("barewire.")]
    files = {os.path.abspath(file) for module in modules if (file := getattr(module, "__file__", None))}
    own = sorted(file for file in files if not file.startswith(installed))
    folders = sorted({Path(file).parent for file in own})
    protos = (str(path) for folder in folders for path in folder.glob("*.proto"))
    return [*own, *islice(protos, _MAX_PROTO_FILES)]


class ChangedFiles:
    """Tells which of the watched files have changed since the last look."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def watch(self, files: Iterable[str]) -> None:
        """Watch these as well."""
        for file in files:
            if file:
                self._seen.setdefault(file, _modified(file))

    def changed(self) -> list[str]:
        """Those that have been written, removed or put back."""
        now = {file: _modified(file) for file in self._seen}
        changed = [file for file, modified in now.items() if modified != self._seen[file]]
        self._seen = now
        return changed


def _modified(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return 0
