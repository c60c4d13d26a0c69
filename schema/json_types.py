"""Which class a type URL names: asked when JSON or text meets an Any."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .message import Message
    from .registry import Registry


def any_class(type_url: str, registry: Registry | None) -> type[Message] | None:
    """The class of the type that a URL names, from the registry or among the well-known types; None when unknown."""
    from .descriptor import MessageDescriptor
    from .wkt.shared import shared_builder, well_known_descriptor

    prefix, slash, full_name = type_url.rpartition("/")
    if not slash or not prefix:
        return None
    if registry is not None:
        return registry.message_class(full_name) if registry.has_message(full_name) else None
    descriptor = well_known_descriptor(full_name)
    return shared_builder().message_class(descriptor) if isinstance(descriptor, MessageDescriptor) else None
