"""What a peer in another process needs to know of a message: an encoded FileDescriptorSet."""

from __future__ import annotations

from ....wire.varint import encode_varint
from ...message import Message
from ...registry import Registry, with_dependencies
from ...wkt import FILES as WELL_KNOWN_FILES


def descriptor_set(message_class: type[Message]) -> bytes:
    """The file of a message, all that it imports, and the well-known types, which an Any may hold in any case."""
    registry = message_class.__registry__ or Registry()
    wanted = [registry.files[name] for name in WELL_KNOWN_FILES]
    wanted += [file for file in registry.files.values() if file not in wanted]
    protos = [registry.file_descriptor_proto(file) for file in with_dependencies(wanted)]
    return b"".join(b"\x0a" + encode_varint(len(proto)) + proto for proto in protos)
