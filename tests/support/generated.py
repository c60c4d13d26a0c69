"""Generated modules behind the face of a Schema, so that one test can run on loaded and on generated classes."""

from __future__ import annotations

import atexit
import importlib
import itertools
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from barewire.schema.compile import compile_files
from barewire.schema.descriptor import FileDescriptor, ServiceDescriptor
from barewire.schema.generate import Layout, python_modules
from barewire.schema.generate_comments import comments_of
from barewire.schema.load import import_name
from barewire.schema.loaded import Schema
from barewire.schema.registry import with_dependencies
from barewire.schema.wkt import FILES

_numbers = itertools.count()


def generate(files: Iterable[FileDescriptor], folder: Path, layout: Layout | None = None) -> None:
    """Writes the modules of files, and of all that they import, below `folder`."""
    for file in with_dependencies(files):
        if file.name not in FILES:
            for made in python_modules(file, comments_of(file), layout or Layout()):
                path = folder / made.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(made.text, encoding="utf-8")


def as_package(folder: Path) -> str:
    """Makes a folder importable as a package of a name that nothing else has, without sys.path; returns the name."""
    name = f"generated_{next(_numbers)}"
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    return name


class GeneratedSchema:
    """What `schema.load` gives, from generated modules: attributes, `["full.name"]`, `file` and `registry`."""

    def __init__(self, package: str, file: FileDescriptor) -> None:
        self._modules: list[ModuleType] = []
        same_package = [each for each in with_dependencies([file]) if each.package == file.package]
        for each in reversed(same_package):
            if each.name in FILES:
                continue
            stem = each.name.removesuffix(".proto").replace("/", ".").replace("-", "_")
            self._modules.append(importlib.import_module(f"{package}.{stem}_pb"))
            if each.services:
                self._modules.append(importlib.import_module(f"{package}.{stem}_rpc"))
        self._proto: Any = self._modules[0].__proto__
        self.file = self._proto.descriptor
        self.registry = self._proto.registry

    def __getattr__(self, name: str) -> Any:
        for module in self.__dict__.get("_modules", ()):
            if name in module.__all__:
                return getattr(module, name)
        raise AttributeError(name)

    def __getitem__(self, full_name: str) -> Any:
        found = self.registry.find_symbol(full_name)
        if isinstance(found, ServiceDescriptor):
            return getattr(self, found.name)
        return Schema(self.registry, self.file)[full_name]

    def __dir__(self) -> list[str]:
        return [name for module in self._modules for name in module.__all__]


def load(path: Path | str, *, include: Any = (), registry: None = None) -> GeneratedSchema:
    """`schema.load`, by way of generated modules."""
    assert registry is None, "generated modules have registries of their own"
    folders = [Path(include)] if isinstance(include, str | Path) else [Path(folder) for folder in include]
    name, folders = import_name(Path(path), folders)
    return _import(name, folders, {})


def loads(
    text: str,
    *,
    name: str = "text.proto",
    include: Sequence[Path] = (),
    sources: Mapping[str, str] | None = None,
) -> GeneratedSchema:
    """`schema.loads`, by way of generated modules."""
    return _import(name, include, {**(sources or {}), name: text})


def _import(name: str, folders: Sequence[Path], sources: Mapping[str, str]) -> GeneratedSchema:
    (file,) = compile_files([name], include=folders, sources=sources, pool={}, source_info=True)
    folder = Path(tempfile.mkdtemp(prefix="barewire-generated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    generate([file], folder)
    return GeneratedSchema(as_package(folder), file)
