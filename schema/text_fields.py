"""How the text format calls fields: looked up once per class and kept on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .descriptor import MessageDescriptor
from .json_fields import JsonField, extension_named, json_table

if TYPE_CHECKING:
    from .message import Message
    from .registry import Registry

_KEPT = "__text__"  # the attribute of a class that holds its fields by name


def text_names(message_class: type[Message]) -> dict[str, JsonField]:
    """The fields of a message class by name; a group is known by the name of its type too."""
    found: dict[str, JsonField] | None = message_class.__dict__.get(_KEPT)
    if found is None:
        fields = json_table(message_class).fields
        found = {field.text_name: field for field in fields} | {field.name: field for field in fields}
        setattr(message_class, _KEPT, found)
    return found


def text_extension(message_class: type[Message], name: str, registry: Registry | None) -> JsonField | None:
    """The known extension that `[name]` means, or None: in a MessageSet, also the one that holds the message `name`."""
    found = extension_named(message_class, name, registry)
    if found is None and registry is not None and message_class.__descriptor__.message_set:
        message = registry.find_symbol(name)
        if isinstance(message, MessageDescriptor):
            for extension in message.extensions:
                if extension.message_type is message:
                    found = found or extension_named(message_class, extension.full_name, registry)
    return found
