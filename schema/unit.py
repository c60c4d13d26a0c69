"""One file on its way through the passes: its tree, its descriptor, and which node each descriptor came from.

The lists are flat and in order of declaration, outer before inner, so that a pass is a loop and not a recursion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..wire.record import field, record

if TYPE_CHECKING:
    from . import ast
    from .descriptor import (
        EnumDescriptor,
        EnumValueDescriptor,
        FieldDescriptor,
        FileDescriptor,
        MessageDescriptor,
        MethodDescriptor,
        OneofDescriptor,
        ServiceDescriptor,
    )
    from .errors import Report
    from .source import Source


class Place(Protocol):
    """Anything that knows its place in the source: every node of the tree."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


@record()
class Unit:
    source: Source
    tree: ast.File
    file: FileDescriptor
    report: Report
    incomplete: bool = False  # an import is missing: names that are not found are not its fault
    visible: set[str] = field(default_factory=set)  # names of the files whose symbols this one may use
    is_asked: bool = False  # the caller named this file: it is not only imported
    used: set[str] = field(default_factory=set)  # names of the files whose symbols this one does use
    encoded_options: dict[object, bytes] | None = None  # by node, where they come interpreted
    # Where each option ends up in its options message, as numbers and indexes; None: nobody asked.
    option_paths: dict[ast.Option, tuple[int, ...]] | None = None
    option_imports: list[FileDescriptor] = field(default_factory=list)  # visible to the names of options only
    messages: list[tuple[MessageDescriptor, ast.Message]] = field(default_factory=list)
    fields: list[tuple[FieldDescriptor, ast.Field]] = field(default_factory=list)  # extensions included
    oneofs: list[tuple[OneofDescriptor, ast.Oneof]] = field(default_factory=list)
    enums: list[tuple[EnumDescriptor, ast.Enum]] = field(default_factory=list)
    values: list[tuple[EnumValueDescriptor, ast.EnumValue]] = field(default_factory=list)
    services: list[tuple[ServiceDescriptor, ast.Service]] = field(default_factory=list)
    methods: list[tuple[MethodDescriptor, ast.Method]] = field(default_factory=list)

    def warning(self, where: Place, message: str, help: str | None = None) -> None:
        """Reports something at a node that is allowed and probably not meant."""
        self.report.warning(self.source, where.start, where.end, message, help)

    def error(self, where: Place, message: str, help: str | None = None) -> None:
        """Reports an error at a node."""
        self.report.error(self.source, where.start, where.end, message, help)
