"""The well-known types: `wkt.Timestamp`, `wkt.Empty`, `wkt.Struct`, `wkt.FileDescriptorProto`, …

Each class is built when it is first asked for, once per process, and is shared by every registry: the `Empty` that a
loaded service takes is `wkt.Empty`. (Only descriptor.proto's messages are built anew for each registry that uses
them, because custom options extend them.)
"""

from __future__ import annotations

import typing

# Which file declares what, so that asking for one type compiles one file.
_FILE_TYPES = {
    "any": "Any",
    "api": "Api Method Mixin",
    "descriptor": (
        "DescriptorProto Edition EnumDescriptorProto EnumOptions EnumValueDescriptorProto EnumValueOptions "
        "ExtensionRangeOptions FeatureSet FeatureSetDefaults FieldDescriptorProto FieldOptions "
        "FileDescriptorProto FileDescriptorSet FileOptions GeneratedCodeInfo MessageOptions "
        "MethodDescriptorProto MethodOptions OneofDescriptorProto OneofOptions ServiceDescriptorProto "
        "ServiceOptions SourceCodeInfo SymbolVisibility UninterpretedOption"
    ),
    "duration": "Duration",
    "empty": "Empty",
    "field_mask": "FieldMask",
    "source_context": "SourceContext",
    "struct": "ListValue NullValue Struct Value",
    "timestamp": "Timestamp",
    "type": "Enum EnumValue Field Option Syntax Type",
    "wrappers": (
        "BoolValue BytesValue DoubleValue FloatValue Int32Value Int64Value StringValue UInt32Value UInt64Value"
    ),
}

FILES: tuple[str, ...] = tuple(f"google/protobuf/{stem}.proto" for stem in _FILE_TYPES)
"""The names under which the files can be imported."""

TYPE_FILES: dict[str, str] = {
    name: f"google/protobuf/{stem}.proto" for stem, names in _FILE_TYPES.items() for name in names.split()
}
"""The file that declares each type, by the type's name without the package."""


def __getattr__(name: str) -> typing.Any:
    if name not in TYPE_FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .shared import well_known_class

    found = globals()[name] = well_known_class(f"google.protobuf.{name}")
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *TYPE_FILES})
