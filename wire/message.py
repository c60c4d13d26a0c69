"""Messages: the base class, and `build_class`, which makes a class for a plan.

A message is a plain object with one slot per field. Reading an attribute is a slot read, whatever the field; assigning
checks nothing. Only classes with a oneof look at assignments, because setting one member clears the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, Self, TypeVar

from . import access
from .plan import Cardinality, FieldPlan, MessagePlan
from .record import record
from .unknown import UnknownField, parse_unknown

if TYPE_CHECKING:
    from .specialize import Codec


Value = TypeVar("Value")


@record(frozen=True)
class Extension(Generic[Value]):
    """The key of `message[extension]`: an extension field, and the message that it extends.

    For type checkers, `Value` is what `message[extension]` gives: for a field with presence, None is part of it.
    """

    plan: FieldPlan
    extendee: MessagePlan

    def __post_init__(self) -> None:
        self.extendee.add_extension(self.plan)

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def number(self) -> int:
        return self.plan.number

    def __repr__(self) -> str:
        return f"<extension {self.plan.name} = {self.plan.number} of {self.extendee.full_name}>"


class Message:
    """Base of all message classes; `build_class` adds the slots and the constructor."""

    __slots__ = ("_extensions", "_unknown")

    __plan__: ClassVar[MessagePlan]
    __storage__: ClassVar[
        type[Message]
    ]  # the class that has the slots; another one than this if there is a oneof
    __match_args__: ClassVar[tuple[str, ...]] = ()
    __hash__: ClassVar[None]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleMethodOverride]
    # The fields' values as one object to compare; None in a message without fields.
    __values__: ClassVar[attrgetter[Any] | None] = None

    _unknown: bytes | bytearray
    _extensions: dict[int, Any] | None

    def __init__(self, /, **fields: Any) -> None:
        raise TypeError("Message is abstract: build_class makes a class from a plan")

    # Both are replaced in the class by the compiled functions when they are first called. They stay in use where
    # somebody got hold of them before (`deserializer=Book.decode`), so they should cost little.

    def encode(self, deterministic: bool = False) -> bytes:
        """The message as bytes. Raises EncodeError, naming the field, for a value that its field cannot hold.

        Maps are written in the order in which they were filled. With `deterministic`, the entries of every map, here
        and below, are sorted by key, so that equal messages have equal bytes (if their unknown fields are equal).
        """
        codec = self.__plan__.codec or _new_codec(self.__plan__)
        return codec.encode(self, deterministic)

    @classmethod
    def decode(cls, data: bytes | bytearray | memoryview) -> Self:
        """A message from bytes. Raises DecodeError, with offset and path, for bytes that are not such a message."""
        codec = cls.__plan__.codec or _new_codec(cls.__plan__)
        return codec.decode(data)  # pyright: ignore[reportReturnType]  # the class of the plan

    def merge(self, other: Self | bytes | bytearray | memoryview) -> None:
        """Take over what is set in `other`: single values replace, messages merge, lists and maps are added to.

        Bytes are decoded first, so this message is unchanged when they raise DecodeError.
        """
        access.merge(self, other if isinstance(other, Message) else type(self).decode(other))

    def copy(self) -> Self:
        """An independent copy, deep through messages, lists and maps."""
        duplicate = type(self)()
        access.merge(duplicate, self)
        return duplicate

    def clear(self, name: str | None = None) -> None:
        """Make one field (or whichever member of a oneof is set) absent; without a name, everything."""
        if name is not None and name in self.__plan__.oneofs:
            name = self.which(name)
            if name is None:
                return
        if name is not None:
            field = access.field_named(self.__plan__, name)
            setattr(self, field.attribute, access.absent(field))
            return
        for field in self.__plan__.fields:
            setattr(self, field.attribute, access.absent(field))
        self._unknown = b""
        self._extensions = None

    def has(self, name: str) -> bool:
        """Whether a field is set; without presence, whether it differs from its zero value or is not empty."""
        if name in self.__plan__.oneofs:
            return self.which(name) is not None
        field = access.field_named(self.__plan__, name)
        return access.is_present(field, getattr(self, field.attribute))

    def get(self, name: str) -> Any:
        """A field's value, or its declared default (an empty message, for one) when it is absent."""
        field = access.field_named(self.__plan__, name)
        value = getattr(self, field.attribute)
        return access.default(field) if value is None else value

    def which(self, oneof: str) -> str | None:
        """The attribute of the member that is set in `oneof`, or None."""
        if oneof not in self.__plan__.oneofs:
            raise ValueError(f"{self.__plan__.full_name} has no oneof {oneof!r}")
        for field in self.__plan__.fields:
            if field.oneof == oneof and getattr(self, field.attribute) is not None:
                return field.attribute
        return None

    @property
    def unknown_fields(self) -> tuple[UnknownField, ...]:
        """The fields that decoding met and the plan does not know, in their order."""
        return tuple(parse_unknown(bytes(self._unknown)))

    def __getitem__(self, extension: Extension[Value]) -> Value:
        field = self._check_extension(extension)
        value: Any = (self._extensions or {}).get(field.number)
        if value is None and field.cardinality is Cardinality.REPEATED:
            value = []
            self[extension] = value  # so that appending to it shows
        return value  # pyright: ignore[reportReturnType]  # what the extension says it is

    def __setitem__(self, extension: Extension[Value], value: Value) -> None:
        field = self._check_extension(extension)
        if value is None:
            del self[extension]
            return
        if self._extensions is None:
            self._extensions = {}
        self._extensions[field.number] = value

    def __delitem__(self, extension: Extension[Any]) -> None:
        field = self._check_extension(extension)
        if self._extensions:
            self._extensions.pop(field.number, None)

    def __contains__(self, extension: Extension[Any]) -> bool:
        field = self._check_extension(extension)
        return access.is_present(field, (self._extensions or {}).get(field.number))

    def __iter__(self) -> Iterator[NoReturn]:
        # Without this, Python would iterate by calling __getitem__ with 0, 1, 2, …
        raise TypeError(f"{type(self).__name__} is not iterable")

    def _check_extension(self, extension: Extension[Any]) -> FieldPlan:
        if not isinstance(extension, Extension):  # pyright: ignore[reportUnnecessaryIsInstance]  # users do get it wrong
            raise TypeError(f"{type(self).__name__}[…] takes an Extension, not {extension!r}")
        if self.__plan__.extensions.get(extension.number) is not extension.plan:
            raise KeyError(f"{extension!r} is not an extension of {self.__plan__.full_name}")
        return extension.plan

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message) or other.__plan__ is not self.__plan__:
            return NotImplemented
        values = self.__values__
        return (
            (values is None or values(self) == values(other))
            and self._unknown == other._unknown
            and access.set_extensions(self) == access.set_extensions(other)
        )

    def __repr__(self) -> str:
        parts = [
            f"{field.attribute}={value!r}"
            for field in self.__plan__.fields
            if access.is_present(field, value := getattr(self, field.attribute))
        ]
        for number, value in sorted(access.set_extensions(self).items()):
            parts.append(f"[{self.__plan__.extensions[number].name}]={value!r}")
        if self._unknown:
            parts.append(f"<{len(self._unknown)} bytes unknown>")
        return f"{type(self).__name__}({', '.join(parts)})"

    def __replace__(self, /, **changes: Any) -> Self:
        """A copy with some fields changed (`copy.replace` of Python 3.13)."""
        duplicate = self.copy()
        for name, value in changes.items():
            if name not in self.__match_args__:
                raise TypeError(f"{type(self).__name__} has no field {name!r}")
            setattr(duplicate, name, value)
        return duplicate

    def __copy__(self) -> Self:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.copy()


def _new_codec(plan: MessagePlan) -> Codec:
    from .specialize import (
        codec_of,
    )  # with the tables that it needs, it is imported when a codec is first used

    return codec_of(plan)


from .class_builder import build_class  # noqa: E402  # needs the class above

__all__ = ["Extension", "Message", "build_class"]
