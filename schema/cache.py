"""Compiled files kept in a folder, so that the next start need not compile them: `schema.load(…, cache=DIR)`.

An entry is named after the content of its file (and this version of barewire), and knows what the files that it imports
must be, down to the last one: an entry is taken only if every source is, to the byte, what it was. The sources are
therefore read at every start; they are not parsed. An entry that is damaged counts as absent. Entries are written under
another name first, so that readers and writers may run side by side.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import ChainMap
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ..wire.version import __version__
from .frozen import FAULTS, freeze, thaw
from .wkt import FILES as WELL_KNOWN_FILES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .descriptor import FileDescriptor
    from .locate import Locator


@dataclass(slots=True)
class _Source:
    """A source as it is now, and what its entry says."""

    digest: str  # of its own content
    path: str | None
    imports: list[str] = field(default_factory=list)
    whole: str = ""  # digest of its content and that of all it imports
    content: bytes = b""


class Cache:
    """The entries of one folder."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def load(self, name: str, locator: Locator, pool: dict[str, FileDescriptor]) -> bool:
        """Adds `name` and all that it imports to `pool`, if there are entries for all of it that are up to date."""
        found: dict[str, _Source] = {}
        order = self._collect(name, locator, found, pool)
        if order is None:
            return False
        files = ChainMap({}, pool)  # what is new here goes into the first
        try:
            for item in order:
                source = found[item]
                files[item] = thaw(source.content, files)
                files[item].digest, files[item].path = source.whole, source.path
        except FAULTS:
            return False
        pool.update(files.maps[0])
        return True

    def store(
        self, files: Iterable[FileDescriptor], locator: Locator, pool: Mapping[str, FileDescriptor]
    ) -> None:
        """Writes entries for files that have just been compiled, each after what it imports. A folder that cannot be
        written is no error: the next start compiles again."""
        for file in files:
            source = _read(file.name, locator)
            if source is None:
                continue
            source.imports = [*(dependency.name for dependency in file.dependencies), *file.option_dependency]
            own = [name for name in source.imports if name not in WELL_KNOWN_FILES]
            if not all(name in pool and pool[name].digest for name in own):
                continue  # imports something that came from elsewhere
            file.digest = source.whole = _whole(source, {name: pool[name].digest for name in own})
            with suppress(OSError, ValueError):
                self._write(file, source)

    def _collect(
        self, name: str, locator: Locator, found: dict[str, _Source], pool: Mapping[str, FileDescriptor]
    ) -> list[str] | None:
        """The files that `name` needs and the pool lacks, each after its imports; None if an entry is absent or out of
        date."""
        order: list[str] = []
        done: dict[str, str] = {}
        stack = [(name, False)]
        while stack:
            item, finished = stack.pop()
            if finished:
                source = found[item]
                own = [other for other in source.imports if other not in WELL_KNOWN_FILES]
                # An entry whose files import each other in a circle is a forgery.
                if any(other not in done for other in own) or _whole(source, done) != source.whole:
                    return None
                done[item] = source.whole
                order.append(item)
            elif item in WELL_KNOWN_FILES or item in found:
                continue
            elif item in pool:
                done[item] = pool[item].digest  # what came from elsewhere has none, and fits no entry
            else:
                source = _read(item, locator)
                if source is None or not self._read_entry(item, source):
                    return None
                found[item] = source
                stack.append((item, True))
                stack += [(other, False) for other in reversed(source.imports)]
        return order

    def _path(self, name: str, source: _Source) -> Path:
        key = "\n".join((__version__, name, source.digest))
        return self.folder / f"{sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()}.json"

    def _read_entry(self, name: str, source: _Source) -> bool:
        """Completes `source` from its entry, if that is there and undamaged."""
        try:
            checksum, _, data = self._path(name, source).read_bytes().partition(b"\n")
            if sha256(data).hexdigest().encode() != checksum:
                return False
            head, _, source.content = data.partition(b"\n")
            source.imports, source.whole = json.loads(head)
            return True
        except (OSError, RecursionError, *FAULTS):
            return False

    def _write(self, file: FileDescriptor, source: _Source) -> None:
        text = json.dumps([source.imports, source.whole]).encode() + b"\n" + freeze(file)
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(sha256(text).hexdigest().encode() + b"\n" + text)
            os.replace(temporary, self._path(file.name, source))
        except BaseException:
            os.unlink(temporary)
            raise


def _read(name: str, locator: Locator) -> _Source | None:
    source = locator.find(name)
    if source is None:
        return None
    text = ("\ufeff" if source.has_bom else "") + source.text
    return _Source(sha256(text.encode("utf-8", "surrogateescape")).hexdigest(), source.path)


def _whole(source: _Source, imported: Mapping[str, str]) -> str:
    """The digest of a source and of its imports, whose digests are `imported`."""
    parts = [source.digest, *(f"{name} {imported.get(name, '')}" for name in source.imports)]
    return sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
