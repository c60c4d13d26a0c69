"""The comments of a `.proto`, by the full name of what they are about, from its SourceCodeInfo.

A comment above a declaration goes before one behind it. The file's own ("" as its name) is the one above `syntax`,
`edition` or `package`, and those before it that a blank line sets off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .descriptor import FileDescriptor
from .wkt.shared import well_known_class

# Field numbers of FileDescriptorProto, DescriptorProto, EnumDescriptorProto and ServiceDescriptorProto → attributes of
# descriptors. Synthetic oneofs have no comments, so the indexes of the others are the same on both sides.
_FILE = {4: "messages", 5: "enums", 6: "services", 7: "extensions"}
_MEMBERS: dict[str, dict[int, str]] = {
    "messages": {2: "fields", 3: "messages", 4: "enums", 6: "extensions", 8: "oneofs"},
    "enums": {2: "values"},
    "services": {2: "methods"},
}
_ABOUT_FILE = ((12,), (14,), (2,))  # syntax, edition, package


def comments_of(file: FileDescriptor) -> dict[str, str]:
    """The comments of a file that was compiled, or came from protoc, with source info; none without it."""
    if file.source_info is None:
        return {}
    source_info: Any = well_known_class("google.protobuf.SourceCodeInfo")
    comments: dict[str, str] = {}
    about_file: list[str] = []
    for location in source_info.decode(file.source_info).location:
        path = tuple(location.path)
        if path in _ABOUT_FILE:
            about_file += [*location.leading_detached_comments, location.leading_comments or ""]
            continue
        text = _joined([location.leading_comments or "", location.trailing_comments or ""])
        declared = _declared(file, path) if text else None
        if declared is not None:
            comments[declared.full_name] = text
    if text := _joined(about_file):
        comments[""] = text
    return comments


def _declared(file: FileDescriptor, path: Sequence[int]) -> Any:
    """What a path of SourceCodeInfo leads to; None for what has no full name: a number, an option, an import."""
    found: Any = file
    members = _FILE
    for number, index in zip(path[::2], path[1::2], strict=False):
        kind = members.get(number)
        if kind is None:
            return None
        found = getattr(found, kind)[index]
        members = _MEMBERS.get(kind, {})
    return found if path and len(path) % 2 == 0 else None


def _joined(parts: list[str]) -> str:
    return "\n\n".join(filter(None, map(_unindented, parts)))


def _unindented(comment: str) -> str:
    """A comment without the space that follows `//` on every line, and without empty lines around it."""
    lines = comment.expandtabs().splitlines()
    depth = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[depth:].rstrip() for line in lines).strip("\n")
