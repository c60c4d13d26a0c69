"""Which Python attribute a field gets: its own name, unless Python or `Message` needs that name."""

from __future__ import annotations

import keyword

# Public attributes of Message, and of the subclass that barewire.schema derives from it. Fixed: code that users wrote
# against an attribute must not break because Message grew a method.
RESERVED_NAMES = frozenset(
    {
        "clear",
        "copy",
        "decode",
        "encode",
        "from_dict",
        "from_json",
        "from_text",
        "get",
        "has",
        "merge",
        "to_dict",
        "to_json",
        "to_text",
        "unknown_fields",
        "which",
    }
)
_PRIVATE_SLOTS = frozenset({"_unknown", "_extensions"})


def attribute_name(name: str) -> str:
    """The attribute that holds the field called `name` in the `.proto`.

    Python keywords, `RESERVED_NAMES` and the slots `_unknown` and `_extensions` get a trailing underscore. Names
    that begin with two underscores get enough of them that Python neither mangles them nor gives them a meaning.
    """
    if name.startswith("__"):
        return name.rstrip("_") + "___" if name.strip("_") else name + "field___"
    if keyword.iskeyword(name) or name in RESERVED_NAMES or name in _PRIVATE_SLOTS:
        return name + "_"
    return name
