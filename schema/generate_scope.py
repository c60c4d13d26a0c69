"""A module that is being generated: how it refers to types, and what it has to import for that.

A `.proto` may call a field `int` and a message `Iterable`. Python looks a name in a class body up there first, then in
the module; so a name that a class or the module takes for itself is referred to by another one.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from .descriptor import FileDescriptor
from .generate_names import Names, names_of
from .generate_paths import ModulePath, import_lines
from .generated_builder import Type
from .wkt import FILES as WELL_KNOWN_FILES
from .wkt.shared import DESCRIPTOR_FILE

Scope = set[str] | frozenset[str]
MODULE_SCOPE: Scope = frozenset()


class ModuleScope:
    """The names in one module.

    `files` are declared in it; `locate` says where the module of another file is. `package` is as for `import_lines`.
    `inside` has other names for barewire's packages, for modules that lie in them.
    """

    def __init__(
        self,
        path: ModulePath,
        files: Sequence[FileDescriptor],
        locate: Callable[[FileDescriptor], ModulePath],
        package: str | None = None,
        inside: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.path = path
        self.package = package
        self._locate = locate
        self._inside = inside
        self._names: dict[FileDescriptor, Names] = {}
        self._own = set(files)
        self._taken: set[str] = {"TYPE_CHECKING", *dir(builtins)}
        self._top: set[str] = set()
        for file in files:
            self.reserve(file)
            self._top |= self.names(file).top.keys()
        self._froms: dict[str, dict[str, str]] = {}  # module → name → local name
        self._modules: dict[
            FileDescriptor, str
        ] = {}  # files whose modules are imported, by their local names
        self._aliases: dict[str, str] = {}  # shadowed top-level names → by what they are referred to

    def names(self, file: FileDescriptor) -> Names:
        """What the module of a file declares under which name."""
        if file not in self._names:
            self._names[file] = names_of(file)
        return self._names[file]

    def reserve(self, file: FileDescriptor) -> None:
        """Keep all names of a file for itself: nothing is imported under one of them."""
        self._taken |= self.names(file).all_attributes()

    def use(self, module: str, name: str, local: str | None = None) -> str:
        """Import `name` from a module outside; returns what it is called here: `local`, or something like it."""
        known = self._froms.setdefault(module, {})
        if name not in known:
            known[name] = name if name == "TYPE_CHECKING" else self.free(local or name)
        return known[name]

    def module(self, file: FileDescriptor) -> str:
        """Import the module of a file's messages; returns what it is called here."""
        if file not in self._modules:
            path = self._locate(file)
            long = "_".join((*path.folders, path.name))
            self._modules[file] = path.name if self._is_free(path.name) else self.free(long)
            self._taken.add(self._modules[file])
        return self._modules[file]

    def builtin(self, name: str, scope: Scope) -> str:
        """`int`, `str` …, in a class body with the names `scope`."""
        if name not in scope and name not in self._top:
            return name
        return self.use("builtins", name)

    def type_name(self, descriptor: Type, scope: Scope = MODULE_SCOPE) -> str:
        """The class of a message or an enum, in a class body with the names `scope`."""
        file = descriptor.file
        path = self.names(file).paths[descriptor]
        if file in self._own:
            root, dot, rest = path.partition(".")
            if root in scope:
                if root not in self._aliases:
                    self._aliases[root] = self.free(f"_{root}")
                root = self._aliases[root]
            return root + dot + rest
        if file.name == DESCRIPTOR_FILE:
            return f"{self.use('barewire.schema.wkt', 'descriptor_pb')}.{path}"
        if file.name in WELL_KNOWN_FILES:
            return f"{self.use('barewire.schema', 'wkt')}.{path}"
        return f"{self.module(file)}.{path}"

    def imports(self) -> list[str]:
        """The import statements for all that was used."""
        if any(self._is_conditional(file) for file in self._modules):
            self.use("typing", "TYPE_CHECKING")
        groups: list[list[str]] = [[], [], []]
        for module, names in sorted(self._froms.items()):
            parts = [
                name if name == local else f"{name} as {local}"
                for name, local in sorted(names.items(), key=lambda item: import_order(item[0]))
            ]
            line = f"from {self._inside.get(module, module)} import {', '.join(parts)}"
            groups[module.startswith("barewire")].append(line)
        for file, alias in sorted(self._modules.items(), key=lambda item: item[1]):
            groups[2] += import_lines(self._locate(file), self.path, alias, self.package)
        return [line for group in groups if group for line in (*group, "")]

    def aliases(self) -> list[str]:
        """The statements for shadowed names, to stand behind all classes."""
        return [f"{alias} = {name}" for name, alias in self._aliases.items()]

    def free(self, name: str) -> str:
        """The name, or one like it that nothing else has."""
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def public_names(self, file: FileDescriptor) -> list[str]:
        """What the module of a file has for others: its own names, and those of the files that it imports publicly."""
        names = dict.fromkeys(self.names(file).top)
        for index in file.public_dependency:
            if file.dependencies[index].name not in WELL_KNOWN_FILES:
                names.update(dict.fromkeys(self.public_names(file.dependencies[index])))
        return list(names)

    def _is_conditional(self, file: FileDescriptor) -> bool:
        return len(import_lines(self._locate(file), self.path, "x", self.package)) > 1

    def _is_free(self, name: str) -> bool:
        return name not in self._taken


def import_order(name: str) -> tuple[int, list[tuple[int, str]]]:
    """As isort has it: CONSTANTS, then Classes, then the rest; numbers by their value."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", name)]
