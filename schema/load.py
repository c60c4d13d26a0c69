"""Loading schemas: from a `.proto` file, from its text, from a compiled descriptor set."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import Report, SchemaError
from .loaded import Schema
from .registry import Registry
from .wkt import FILES as WELL_KNOWN_FILES

if TYPE_CHECKING:
    from .descriptor import FileDescriptor

StrPath = str | PathLike[str]


def load(
    path: StrPath,
    *,
    include: Sequence[StrPath] | StrPath = (),
    registry: Registry | None = None,
    cache: StrPath | None = None,
) -> Schema:
    """Load a `.proto` file and everything that it imports.

    `path` is a file, or the name of one as an import would write it, to be found in one of the `include` folders. The
    file is known under its path relative to the include folder that it lies in; when it lies in none, its own folder is
    searched as well, after the others. `registry` is where the classes belong; a new one without it. `cache` is a
    folder that keeps what was compiled: as long as no source changes, the next start takes it from there. (Whoever can
    write to that folder decides what the schema is.)

    Raises SchemaError with everything that is wrong in the files, or when the file is not there.
    """
    folders = [Path(include)] if isinstance(include, str | PathLike) else [Path(folder) for folder in include]
    name, folders = import_name(Path(path), folders)
    registry = registry if registry is not None else Registry()
    _check_origin(registry, name, folders)
    file = _load_cached(name, folders, registry, cache) if cache else _compile(name, folders, registry)
    registry.add(file)
    return Schema(registry, file)


# The compiler and the cache are imported when they are used: a program may need one of them, or neither, because its
# schemas are generated modules.


def _compile(
    name: str, folders: list[Path], registry: Registry, sources: dict[str, str] | None = None
) -> FileDescriptor:
    from .compile import compile_files

    return compile_files([name], include=folders, sources=sources, pool=registry.files)[0]


def _load_cached(name: str, folders: list[Path], registry: Registry, cache_folder: StrPath) -> FileDescriptor:
    from .cache import Cache
    from .locate import Locator

    pool = registry.files
    cache = Cache(Path(cache_folder))
    locator = Locator(folders, {}, Report())
    if name not in pool and not cache.load(name, locator, pool):
        before = set(pool)
        _compile(name, folders, registry)
        # The compiler adds a file after what it imports.
        new = [other for other in pool if other not in before and other not in WELL_KNOWN_FILES]
        cache.store([pool[other] for other in new], locator, pool)
    return pool[name]


def loads(
    text: str,
    *,
    name: str = "<string>.proto",
    include: Sequence[StrPath] | StrPath = (),
    sources: dict[str, str] | None = None,
    registry: Registry | None = None,
) -> Schema:
    """Load the text of a `.proto` file.

    `name` is what diagnostics and other files call it; `sources` holds the text of further files by the name under
    which they are imported. The rest is as for `load`.
    """
    folders = [Path(include)] if isinstance(include, str | PathLike) else [Path(folder) for folder in include]
    registry = registry if registry is not None else Registry()
    if name in registry.files:
        raise SchemaError(
            f"a file named {name!r} is already loaded in this registry: give this one another name"
        )
    texts = {**(sources or {}), name: text}
    file = _compile(name, folders, registry, texts)
    registry.add(file)
    return Schema(registry, file)


def load_descriptor_set(source: bytes | StrPath, *, registry: Registry | None = None) -> Schema:
    """Load a compiled schema: an encoded google.protobuf.FileDescriptorSet (or the path of a file that holds one), as
    `protoc --include_imports --descriptor_set_out` writes it.

    The Schema's names are those of the last file in the set, which is the one that protoc was asked for; the others
    are found by their full names. Raises SchemaError when the set is broken or lacks an import.
    """
    from .from_descriptor_proto import load as load_files

    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    registry = registry if registry is not None else Registry()
    files = load_files(data, registry.files)
    if not files:
        raise SchemaError("the descriptor set holds no file")
    registry.add(*files)
    return Schema(registry, files[-1])


def import_name(path: Path, folders: list[Path]) -> tuple[str, list[Path]]:
    """The name under which the compiler finds `path`, and the folders to search."""
    if not path.is_absolute() and any((folder / path).is_file() for folder in folders):
        return path.as_posix(), folders
    if not path.is_file() and (folders or path.as_posix() in WELL_KNOWN_FILES):
        return path.as_posix(), folders  # the compiler says where it looked
    resolved = path.resolve()
    for folder in folders:
        if resolved.is_relative_to(folder.resolve()):
            return resolved.relative_to(folder.resolve()).as_posix(), folders
    return path.name, [*folders, path.parent]


def _check_origin(registry: Registry, name: str, folders: list[Path]) -> None:
    """Refuse to take a second file of one name for the first: they would silently be the same."""
    found = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if found is None:
        return
    origin = str(found.resolve())
    known = registry.origins.setdefault(name, origin)
    if known != origin:
        raise SchemaError(
            f"{name!r} is loaded from {known} in this registry; load {origin} into another registry, or under a "
            "longer name by giving an include folder further up"
        )
