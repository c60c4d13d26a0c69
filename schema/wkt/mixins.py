"""What the classes of some well-known types can do beyond a plain message.

Each class here is the base of the built class of the same name; Struct, Value and ListValue need nothing of their
own, because `to_dict` and `from_dict` already turn them into plain Python values and back.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Self, TypeVar

from ..message import Message
from . import field_paths

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..registry import Registry

M = TypeVar("M", bound=Message)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000_000  # in nanoseconds


class Timestamp(Message):
    """google.protobuf.Timestamp: a point in time, as seconds since 1970 UTC and nanoseconds."""

    __slots__ = ()
    if TYPE_CHECKING:
        seconds: int
        nanos: int

        def __init__(self, *, seconds: int = 0, nanos: int = 0) -> None: ...

    @classmethod
    def from_datetime(cls, moment: datetime) -> Self:
        """The timestamp of a datetime; one without a time zone is taken as UTC."""
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        since = moment - _EPOCH
        return cls(seconds=since.days * 86400 + since.seconds, nanos=since.microseconds * 1000)

    def to_datetime(self, tz: tzinfo = UTC) -> datetime:
        """This moment as a datetime in the given time zone; nanoseconds below a microsecond are cut off.

        Raises OverflowError for years that datetime does not have.
        """
        return (_EPOCH + timedelta(seconds=self.seconds, microseconds=self.nanos // 1000)).astimezone(tz)

    @classmethod
    def now(cls) -> Self:
        """The current time, to the microsecond."""
        return cls.from_datetime(datetime.now(UTC))

    @classmethod
    def from_nanoseconds(cls, nanoseconds: int) -> Self:
        """The timestamp of a number of nanoseconds since 1970 UTC."""
        seconds, nanos = divmod(nanoseconds, _SECOND)
        return cls(seconds=seconds, nanos=nanos)

    def to_nanoseconds(self) -> int:
        """Nanoseconds since 1970 UTC."""
        return self.seconds * _SECOND + self.nanos


class Duration(Message):
    """google.protobuf.Duration: a signed span of time; seconds and nanoseconds have the same sign."""

    __slots__ = ()
    if TYPE_CHECKING:
        seconds: int
        nanos: int

        def __init__(self, *, seconds: int = 0, nanos: int = 0) -> None: ...

    @classmethod
    def from_timedelta(cls, span: timedelta) -> Self:
        """The duration of a timedelta."""
        return cls.from_nanoseconds(
            ((span.days * 86400 + span.seconds) * 1_000_000 + span.microseconds) * 1000
        )

    def to_timedelta(self) -> timedelta:
        """This span as a timedelta; what is below a microsecond is cut off, towards zero."""
        micros = abs(self.nanos) // 1000
        return timedelta(seconds=self.seconds, microseconds=micros if self.nanos >= 0 else -micros)

    @classmethod
    def from_nanoseconds(cls, nanoseconds: int) -> Self:
        """The duration of a number of nanoseconds."""
        seconds, nanos = divmod(abs(nanoseconds), _SECOND)
        return cls(seconds=seconds, nanos=nanos) if nanoseconds >= 0 else cls(seconds=-seconds, nanos=-nanos)

    def to_nanoseconds(self) -> int:
        """The span in nanoseconds."""
        return self.seconds * _SECOND + self.nanos


class Any(Message):
    """google.protobuf.Any: a message of any type, encoded, and the URL that names its type."""

    __slots__ = ()
    if TYPE_CHECKING:
        type_url: str
        value: bytes

        def __init__(self, *, type_url: str = "", value: bytes = b"") -> None: ...

    @classmethod
    def pack(cls, message: Message, *, type_url_prefix: str = "type.googleapis.com") -> Self:
        """An Any that holds `message`."""
        full_name = type(message).__descriptor__.full_name
        return cls(type_url=f"{type_url_prefix}/{full_name}", value=message.encode())

    @property
    def type_name(self) -> str:
        """The full name of the type inside: what follows the last slash of the URL."""
        return self.type_url.rpartition("/")[2]

    def is_type(self, message_class: type[Message]) -> bool:
        """Whether a message of this class is inside."""
        return self.type_name == message_class.__descriptor__.full_name

    def unpack(self, into: type[M]) -> M:
        """The message inside, of the given class.

        Raises TypeError when another type is inside, DecodeError when the bytes are not a message of that class.
        """
        if not self.is_type(into):
            wanted = into.__descriptor__.full_name
            raise TypeError(f"this Any holds {self.type_name or 'nothing'}, not {wanted}")
        return into.decode(self.value)

    def unpack_with(self, registry: Registry) -> Message:
        """The message inside, of the class that `registry` knows by the type's name.

        Raises LookupError when the registry does not know it, DecodeError when the bytes are not such a message.
        """
        return registry.message_class(self.type_name).decode(self.value)


class FieldMask(Message):
    """google.protobuf.FieldMask: paths of fields, `author.name`."""

    __slots__ = ()
    if TYPE_CHECKING:
        paths: list[str]

        def __init__(self, *, paths: Iterable[str] = ()) -> None: ...

    def canonical(self) -> Self:
        """The same mask, sorted and without paths that lie inside another path."""
        return type(self)(paths=field_paths.canonical(self.paths))

    def union(self, *others: FieldMask) -> Self:
        """The fields that this mask or one of the others covers, in canonical form."""
        return type(self)(
            paths=field_paths.canonical([*self.paths, *(p for other in others for p in other.paths)])
        )

    def intersection(self, other: FieldMask) -> Self:
        """The fields that both masks cover, in canonical form."""
        return type(self)(paths=field_paths.intersection(self.paths, other.paths))

    def invalid_paths(self, message_class: type[Message]) -> list[str]:
        """The paths that name no field of the class (only the last part of a path may be repeated or a map)."""
        return [path for path in self.paths if not field_paths.is_valid(path, message_class)]

    def apply(self, message: M) -> M:
        """A new message with only those fields of `message` that the mask covers."""
        result = type(message)()
        self.merge_fields(message, result)
        return result

    def merge_fields(
        self, source: M, target: M, *, replace_messages: bool = False, replace_repeated: bool = False
    ) -> None:
        """Copy the fields that the mask covers from `source` to `target`, as an update call does.

        Scalars are replaced, and cleared where `source` lacks them; messages are merged and repeated fields appended
        unless told to be replaced. Raises ValueError for a path that names no field.
        """
        wrong = self.invalid_paths(type(target))
        if wrong:
            raise ValueError(f"{type(target).__descriptor__.full_name} has no field {wrong[0]!r}")
        field_paths.merge(field_paths.tree(self.paths), source, target, replace_messages, replace_repeated)


MIXINS: dict[str, type[Message]] = {
    f"google.protobuf.{mixin.__name__}": mixin for mixin in (Any, Duration, FieldMask, Timestamp)
}
"""The base of each class that has one of its own here, by the message's full name."""
