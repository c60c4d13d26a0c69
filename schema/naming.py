"""Names that the language derives from other names."""

from __future__ import annotations


def json_name(name: str) -> str:
    """`some_field` → `someField`: each underscore goes, and the letter after it becomes a capital."""
    if "_" not in name:
        return name
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
