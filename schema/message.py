"""The base class of messages that come from a schema: the wire message plus JSON, text format and a descriptor.

The two text formats are imported when they are first used: they are a fifth of what importing barewire.schema would
otherwise cost, and most programs need neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..wire.message import Message as WireMessage
from .pickling import reduce_message

if TYPE_CHECKING:
    from .descriptor import MessageDescriptor
    from .registry import Registry


class Message(WireMessage):
    """A message of a loaded schema.

    `__descriptor__` says what its `.proto` declares. `__registry__` is where it was loaded, and resolves the types
    named inside an Any; None for the well-known types, which belong to no registry.
    """

    __slots__ = ()

    __descriptor__: ClassVar[MessageDescriptor]
    __registry__: ClassVar[Registry | None] = None

    def to_json(
        self,
        *,
        indent: int | None = None,
        always_print_fields_with_no_presence: bool = False,
        preserving_proto_field_name: bool = False,
        use_integers_for_enums: bool = False,
        sort_keys: bool = False,
        registry: Registry | None = None,
    ) -> str:
        """This message as ProtoJSON text; see `json_format.to_json`."""
        from . import json_format

        return json_format.to_json(
            self,
            indent=indent,
            always_print_fields_with_no_presence=always_print_fields_with_no_presence,
            preserving_proto_field_name=preserving_proto_field_name,
            use_integers_for_enums=use_integers_for_enums,
            sort_keys=sort_keys,
            registry=registry,
        )

    @classmethod
    def from_json(
        cls,
        text: str | bytes | bytearray,
        *,
        ignore_unknown_fields: bool = False,
        max_depth: int = 100,
        registry: Registry | None = None,
    ) -> Self:
        """The message that a ProtoJSON text says; see `json_format.from_json`. Raises JsonError."""
        from . import json_format

        return json_format.from_json(
            cls, text, ignore_unknown_fields=ignore_unknown_fields, max_depth=max_depth, registry=registry
        )

    def to_dict(
        self,
        *,
        always_print_fields_with_no_presence: bool = False,
        preserving_proto_field_name: bool = False,
        use_integers_for_enums: bool = False,
        registry: Registry | None = None,
    ) -> Any:
        """This message as the Python value that its JSON text stands for (a dict, but for some well-known types)."""
        from . import json_format

        return json_format.to_dict(
            self,
            always_print_fields_with_no_presence=always_print_fields_with_no_presence,
            preserving_proto_field_name=preserving_proto_field_name,
            use_integers_for_enums=use_integers_for_enums,
            registry=registry,
        )

    @classmethod
    def from_dict(
        cls,
        value: Any,
        *,
        ignore_unknown_fields: bool = False,
        max_depth: int = 100,
        registry: Registry | None = None,
    ) -> Self:
        """The message that a parsed JSON value says: what `to_dict` gives, read back. Raises JsonError."""
        from . import json_format

        return json_format.from_dict(
            cls, value, ignore_unknown_fields=ignore_unknown_fields, max_depth=max_depth, registry=registry
        )

    def to_text(
        self,
        *,
        indent: int | None = 2,
        as_utf8: bool = True,
        print_unknown_fields: bool = False,
        registry: Registry | None = None,
    ) -> str:
        """This message in the text format; see `text_format.to_text`."""
        from . import text_format

        return text_format.to_text(
            self,
            indent=indent,
            as_utf8=as_utf8,
            print_unknown_fields=print_unknown_fields,
            registry=registry,
        )

    @classmethod
    def from_text(
        cls,
        text: str | bytes,
        *,
        ignore_unknown_fields: bool = False,
        allow_partial: bool = False,
        max_depth: int = 100,
        registry: Registry | None = None,
    ) -> Self:
        """The message that a text in the text format says; see `text_format.from_text`. Raises TextError."""
        from . import text_format

        return text_format.from_text(
            cls,
            text,
            ignore_unknown_fields=ignore_unknown_fields,
            allow_partial=allow_partial,
            max_depth=max_depth,
            registry=registry,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce_message(self)
