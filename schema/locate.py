"""Finds the text of a file by the name that it is imported by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .errors import Report

WELL_KNOWN = Path(__file__).parent / "wkt"
MAX_SOURCE_BYTES = 64 << 20


class Locator:
    """Finds a source by the name that it is imported by: given texts first, then the include paths, then the
    well-known types."""

    def __init__(self, include: Sequence[str | Path], sources: Mapping[str, str], report: Report) -> None:
        self.include = [Path(folder) for folder in include]
        self.sources = sources
        self.report = report

    def find(self, name: str) -> Source | None:
        """None if there is no such file, or (reported) if it cannot be read."""
        if name in self.sources:
            text = self.sources[name]
            return None if self.is_too_large(name, len(text)) else Source(name, text)
        if bad_import_name(name):
            return None
        for folder in (*self.include, WELL_KNOWN):
            path = folder / name
            try:
                if not path.is_file():
                    continue
                if self.is_too_large(str(path), path.stat().st_size):
                    return None
                return Source.from_bytes(
                    name, path.read_bytes(), str(path) if folder is not WELL_KNOWN else None
                )
            except OSError as error:
                self.report.file_error(str(path), f"cannot be read: {error.strerror or error}")
                return None
            except ValueError:  # a name with a null character
                return None
        return None

    def is_too_large(self, name: str, size: int) -> bool:
        if size <= MAX_SOURCE_BYTES:
            return False
        limit = f"the limit is {MAX_SOURCE_BYTES >> 20} MiB (MAX_SOURCE_BYTES)"
        self.report.file_error(name, "this file is too large to be compiled", limit)
        return True

    def searched(self) -> str:
        """The include paths, for a help line."""
        return ", ".join(str(folder) for folder in self.include) or "no include path was given"


def bad_import_name(name: str) -> str | None:
    """Why `name` can be no file's name: such names would make one file known by two, or leave the include path."""
    if "\\" in name:
        return "write '/' between folders"
    parts = name.split("/")
    if "" in parts or "." in parts or ".." in parts:
        return "names are relative to an include path, without '.', '..' or an empty part"
    return None
