"""Where generated modules lie, and how one imports another."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModulePath:
    """A module below the output folder: its folders, and its name."""

    folders: tuple[str, ...]
    name: str

    @property
    def dotted(self) -> str:
        return ".".join((*self.folders, self.name))

    def file_name(self, suffix: str = ".py") -> str:
        return "/".join((*self.folders, self.name + suffix))


def module_path(proto: str, ending: str) -> ModulePath:
    """The module for a `.proto` file: `shop/my-order.proto` → `shop/my_order` + ending."""
    *folders, name = proto.removesuffix(".proto").split("/")
    return ModulePath(tuple(map(_identifier, folders)), _identifier(name + ending))


def import_lines(target: ModulePath, importer: ModulePath, alias: str, package: str | None) -> list[str]:
    """The statement by which `importer` imports `target` as `alias`.

    With `package` (which may be empty) the import is absolute, below that package. Without, it is relative: the output
    folder may lie anywhere. Modules in different top-level folders can only reach each other relatively while the
    output folder is itself in a package, so their import has a second form for when it is on sys.path.
    """
    name = target.name if alias == target.name else f"{target.name} as {alias}"
    absolute = _from(".".join(filter(None, (package, *target.folders))), name)
    if package is not None:
        return [absolute]
    shared = 0
    for ours, theirs in zip(importer.folders, target.folders, strict=False):
        if ours != theirs:
            break
        shared += 1
    relative = "." * (len(importer.folders) - shared + 1) + ".".join(target.folders[shared:])
    if shared:
        return [f"from {relative} import {name}"]
    return [
        f'if TYPE_CHECKING or __name__ != "{importer.dotted}":',
        f"    from {relative} import {name}",
        "else:  # the folder of the generated modules is on sys.path",
        f"    {absolute}",
    ]


def _from(package: str, name: str) -> str:
    return f"from {package} import {name}" if package else f"import {name}"


def _identifier(name: str) -> str:
    name = re.sub(r"\W", "_", name, flags=re.ASCII)
    return name + "_" if keyword.iskeyword(name) else f"_{name}" if name[:1].isdigit() else name
