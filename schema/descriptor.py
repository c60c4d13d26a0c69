"""Descriptors: what a compiled `.proto` file declares, linked across files.

The attributes follow descriptor.proto's names where it has one. Descriptors are built by the compiler (`compile`) or
from FileDescriptorProto bytes (`from_descriptor_proto`), and do not change afterwards. They refer to each other
directly (a field to its message, a message to its file), so following a reference never needs a registry.

Options are kept encoded, in `option_bytes`; so a file can be compiled before there are any message classes. `options`
decodes them: None when none is set, else an instance of google.protobuf.FileOptions, MessageOptions, …, whose
extensions are the custom options.
"""

from __future__ import annotations

from enum import Enum as PyEnum
from typing import TYPE_CHECKING, Any, ClassVar

from ..wire.plan import Kind
from ..wire.record import field, record

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..wire.message import Message
    from .build import Builder


class Label(PyEnum):
    """A field's label; the values are descriptor.proto's numbers."""

    OPTIONAL = 1
    REQUIRED = 2
    REPEATED = 3


@record(frozen=True)
class Features:
    """Edition features resolved for one element, as the words of descriptor.proto's FeatureSet.

    proto2 and proto3 files carry the feature set that their syntax stands for.
    """

    field_presence: str = "EXPLICIT"  # EXPLICIT | IMPLICIT | LEGACY_REQUIRED
    enum_type: str = "OPEN"  # OPEN | CLOSED
    repeated_field_encoding: str = "PACKED"  # PACKED | EXPANDED
    utf8_validation: str = "VERIFY"  # VERIFY | NONE
    message_encoding: str = "LENGTH_PREFIXED"  # LENGTH_PREFIXED | DELIMITED
    json_format: str = "ALLOW"  # ALLOW | LEGACY_BEST_EFFORT
    enforce_naming_style: str = "STYLE_LEGACY"
    default_symbol_visibility: str = "EXPORT_ALL"

    def changed(self, **changes: str) -> Features:
        """These features, with some words changed."""
        return Features(**{name: getattr(self, name) for name in self.__match_args__} | changes)


DEFAULT_FEATURES = Features()


class HasOptions:
    """What every descriptor has: encoded options, and a file that says how to read them."""

    __slots__ = ()

    OPTIONS: ClassVar[str]  # the message in google.protobuf that these options are
    option_bytes: bytes | None

    @property
    def options(self) -> Message | None:
        """The options decoded, as a new message each time; None when none is set."""
        if self.option_bytes is None:
            return None
        reader = self._declaring_file().option_reader or _well_known_options
        return reader(f"google.protobuf.{self.OPTIONS}", self.option_bytes)

    def _declaring_file(self) -> FileDescriptor:
        raise NotImplementedError

    def __repr__(self) -> str:
        # Not the fields: descriptors refer to each other, and one would print its whole schema many times over.
        name = getattr(self, "full_name", None) or getattr(self, "name", None)
        return f"<{type(self).__name__} {name}>" if name else f"<{type(self).__name__}>"


def _well_known_options(full_name: str, data: bytes) -> Message:
    from ..wire.message import Message
    from .wkt.shared import well_known_class  # classes lie above descriptors

    built = well_known_class(full_name)
    assert built is not None
    assert issubclass(built, Message)
    return built.decode(data)


@record(kw_only=True)
class FileDescriptor(HasOptions):
    OPTIONS: ClassVar[str] = "FileOptions"

    name: str  # as it is imported: "google/protobuf/empty.proto"
    package: str = ""
    syntax: str = "proto2"  # "proto2" | "proto3" | "editions"
    edition: str | None = None  # "2023" when syntax is "editions"
    dependencies: list[FileDescriptor] = field(default_factory=list)  # in order of import
    option_dependency: list[str] = field(default_factory=list)  # names of files imported for options only
    public_dependency: list[int] = field(default_factory=list)  # indexes into dependencies
    weak_dependency: list[int] = field(default_factory=list)
    messages: list[MessageDescriptor] = field(default_factory=list)
    enums: list[EnumDescriptor] = field(default_factory=list)
    services: list[ServiceDescriptor] = field(default_factory=list)
    extensions: list[FieldDescriptor] = field(default_factory=list)
    symbols: dict[str, Descriptor] = field(default_factory=dict)  # all it declares, by full name
    features: Features = DEFAULT_FEATURES
    option_bytes: bytes | None = None
    # Full name and bytes → message. A registry sets it; without one, custom options are unknown fields.
    option_reader: Callable[[str, bytes], Message] | None = None
    path: str | None = None  # where it was read from, if it was compiled from a file
    digest: str = ""  # of its source and of all that it imports, where a cache is in use
    source_info: bytes | None = None  # encoded SourceCodeInfo, where it was asked for
    # Whoever has the classes of this file, where these stand in a generated module: all registries share them.
    builder: Builder | None = None

    def _declaring_file(self) -> FileDescriptor:
        return self


@record()
class ExtensionRange(HasOptions):
    OPTIONS: ClassVar[str] = "ExtensionRangeOptions"

    containing_type: MessageDescriptor
    start: int
    end: int  # exclusive
    option_bytes: bytes | None = None

    def _declaring_file(self) -> FileDescriptor:
        return self.containing_type.file


@record(kw_only=True)
class MessageDescriptor(HasOptions):
    OPTIONS: ClassVar[str] = "MessageOptions"

    name: str
    full_name: str  # "pkg.Outer.Inner", no leading dot
    file: FileDescriptor
    containing_type: MessageDescriptor | None = None
    fields: list[FieldDescriptor] = field(default_factory=list)  # in order of declaration
    oneofs: list[OneofDescriptor] = field(default_factory=list)  # synthetic ones (proto3 optional) come last
    messages: list[MessageDescriptor] = field(default_factory=list)  # nested, map entries included
    enums: list[EnumDescriptor] = field(default_factory=list)
    extensions: list[FieldDescriptor] = field(default_factory=list)  # declared in this scope
    extension_ranges: list[ExtensionRange] = field(default_factory=list)
    reserved_ranges: list[tuple[int, int]] = field(default_factory=list)  # end exclusive
    reserved_names: list[str] = field(default_factory=list)
    is_map_entry: bool = False
    message_set: bool = False
    visibility: str = ""  # "export" | "local", as written (edition 2024)
    features: Features = DEFAULT_FEATURES
    option_bytes: bytes | None = None

    def _declaring_file(self) -> FileDescriptor:
        return self.file


@record(kw_only=True)
class FieldDescriptor(HasOptions):
    """A field, or an extension (`is_extension`; then `containing_type` is the extended message and
    `extension_scope` the message that it is declared in, or None at file level)."""

    OPTIONS: ClassVar[str] = "FieldOptions"

    name: str
    full_name: str
    number: int
    kind: Kind  # GROUP for proto2 groups and for DELIMITED messages
    label: Label  # REQUIRED also for editions' LEGACY_REQUIRED
    file: FileDescriptor
    containing_type: MessageDescriptor
    json_name: str
    message_type: MessageDescriptor | None = None  # MESSAGE and GROUP; a map field has its entry type here
    enum_type: EnumDescriptor | None = None
    containing_oneof: OneofDescriptor | None = None  # the synthetic one included
    proto3_optional: bool = False
    has_json_name: bool = False  # json_name was written in the source
    default: Any = None  # declared default as a Python value (enum: its number), None without one
    default_text: str | None = None  # the same as descriptor.proto writes it (default_value)
    has_presence: bool = True
    packed: bool = False  # how it is written; False for what cannot be packed
    is_extension: bool = False
    extension_scope: MessageDescriptor | None = None
    features: Features = DEFAULT_FEATURES
    option_bytes: bytes | None = None

    def _declaring_file(self) -> FileDescriptor:
        return self.file

    @property
    def is_map(self) -> bool:
        return self.message_type is not None and self.message_type.is_map_entry


@record(kw_only=True)
class OneofDescriptor(HasOptions):
    OPTIONS: ClassVar[str] = "OneofOptions"

    name: str
    full_name: str
    containing_type: MessageDescriptor
    fields: list[FieldDescriptor] = field(default_factory=list)
    is_synthetic: bool = False
    features: Features = DEFAULT_FEATURES
    option_bytes: bytes | None = None

    def _declaring_file(self) -> FileDescriptor:
        return self.containing_type.file


@record(kw_only=True)
class EnumDescriptor(HasOptions):
    OPTIONS: ClassVar[str] = "EnumOptions"

    name: str
    full_name: str
    file: FileDescriptor
    containing_type: MessageDescriptor | None = None
    values: list[EnumValueDescriptor] = field(default_factory=list)
    reserved_ranges: list[tuple[int, int]] = field(
        default_factory=list
    )  # end inclusive, as in descriptor.proto
    reserved_names: list[str] = field(default_factory=list)
    is_closed: bool = False
    visibility: str = ""  # "export" | "local", as written (edition 2024)
    features: Features = DEFAULT_FEATURES
    option_bytes: bytes | None = None

    def _declaring_file(self) -> FileDescriptor:
        return self.file


@record(kw_only=True)
class EnumValueDescriptor(HasOptions):
    OPTIONS: ClassVar[str] = "EnumValueOptions"

    name: str
    full_name: str  # sibling of the enum, as in C++: "pkg.VALUE", not "pkg.Enum.VALUE"
    number: int
    enum: EnumDescriptor
    features: Features = DEFAULT_FEATURES
    option_bytes: bytes | None = None

    def _declaring_file(self) -> FileDescriptor:
        return self.enum.file


@record(kw_only=True)
class ServiceDescriptor(HasOptions):
    OPTIONS: ClassVar[str] = "ServiceOptions"

    name: str
    full_name: str
    file: FileDescriptor
    methods: list[MethodDescriptor] = field(default_factory=list)
    features: Features = DEFAULT_FEATURES
    option_bytes: bytes | None = None

    def _declaring_file(self) -> FileDescriptor:
        return self.file


@record(kw_only=True)
class MethodDescriptor(HasOptions):
    OPTIONS: ClassVar[str] = "MethodOptions"

    name: str
    full_name: str
    service: ServiceDescriptor
    input_type: MessageDescriptor
    output_type: MessageDescriptor
    client_streaming: bool = False
    server_streaming: bool = False
    features: Features = DEFAULT_FEATURES
    option_bytes: bytes | None = None

    def _declaring_file(self) -> FileDescriptor:
        return self.service.file

    @property
    def path(self) -> str:
        """The HTTP/2 :path of this method: "/pkg.Service/Method"."""
        return f"/{self.service.full_name}/{self.name}"


Descriptor = (
    MessageDescriptor
    | FieldDescriptor
    | OneofDescriptor
    | EnumDescriptor
    | EnumValueDescriptor
    | ServiceDescriptor
    | MethodDescriptor
)
"""Everything that has a full name, files and packages excepted."""
