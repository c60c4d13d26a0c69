"""Edition features: what each element of a file inherits and what it sets itself.

proto2 and proto3 are editions too: each stands for a set of features, and `required`, `group`, `packed` and proto3's
`optional` for a feature of one field. So everything after this pass asks features and never the syntax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.plan import Kind
from . import ast
from .descriptor import DEFAULT_FEATURES, Features, Label

if TYPE_CHECKING:
    from .descriptor import FieldDescriptor
    from .unit import Unit

_PROTO3 = Features(field_presence="IMPLICIT")
_PROTO2 = Features(
    enum_type="CLOSED",
    repeated_field_encoding="EXPANDED",
    utf8_validation="NONE",
    json_format="LEGACY_BEST_EFFORT",
)
_2023 = DEFAULT_FEATURES
_2024 = Features(enforce_naming_style="STYLE2024", default_symbol_visibility="EXPORT_TOP_LEVEL")
DEFAULTS = {"proto2": _PROTO2, "proto3": _PROTO3, "2023": _2023, "2024": _2024}

# The words each feature may be set to. `*_UNKNOWN` is left out: it cannot be set.
WORDS = {
    "field_presence": ("EXPLICIT", "IMPLICIT", "LEGACY_REQUIRED"),
    "enum_type": ("OPEN", "CLOSED"),
    "repeated_field_encoding": ("PACKED", "EXPANDED"),
    "utf8_validation": ("VERIFY", "NONE"),
    "message_encoding": ("LENGTH_PREFIXED", "DELIMITED"),
    "json_format": ("ALLOW", "LEGACY_BEST_EFFORT"),
    "enforce_naming_style": ("STYLE2024", "STYLE_LEGACY"),
    "default_symbol_visibility": ("EXPORT_ALL", "EXPORT_TOP_LEVEL", "LOCAL_ALL", "STRICT"),
}

_PACKABLE = frozenset(Kind) - {Kind.STRING, Kind.BYTES, Kind.MESSAGE, Kind.GROUP}


def resolve_features(unit: Unit) -> None:
    """Sets `features` of everything in the unit, and what follows from them: presence, packing, framing, openness."""
    _Resolver(unit).run()


class _Resolver:
    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.file = unit.file
        self.editions = unit.file.syntax == "editions"
        self.cache: dict[tuple[Features, tuple[tuple[str, str], ...]], Features] = {}

    def run(self) -> None:
        unit, file = self.unit, self.file
        base = DEFAULTS[file.edition or file.syntax]
        file.features = self.merge(base, unit.tree.options)
        # The lists of a unit hold outer elements before inner ones.
        for message, node in unit.messages:
            outer = message.containing_type or file
            message.features = self.merge(outer.features, node.options)
        for oneof, node in unit.oneofs:
            oneof.features = self.merge(oneof.containing_type.features, node.options)
        for enum, node in unit.enums:
            enum.features = self.merge((enum.containing_type or file).features, node.options)
            enum.is_closed = enum.features.enum_type == "CLOSED"
        for value, node in unit.values:
            value.features = self.merge(value.enum.features, node.options)
        for field, node in unit.fields:
            field.features = self.field_features(field, node)
            _derive(field, node)
        for service, node in unit.services:
            service.features = self.merge(file.features, node.options)
        for method, node in unit.methods:
            method.features = self.merge(method.service.features, node.options)

    def field_features(self, field: FieldDescriptor, node: ast.Field) -> Features:
        oneof = field.containing_oneof
        if field.is_extension:
            parent = (field.extension_scope or self.file).features
        elif oneof and not oneof.is_synthetic:
            parent = oneof.features
        else:
            parent = field.containing_type.features
        if self.editions:
            return self.merge(parent, node.options)
        changes: dict[str, str] = {}
        if field.label is Label.REQUIRED:
            changes["field_presence"] = "LEGACY_REQUIRED"
        elif field.proto3_optional:
            changes["field_presence"] = "EXPLICIT"
        if node.group:
            changes["message_encoding"] = "DELIMITED"
        packed = ast.word_of(node.options, "packed")
        if packed in ("true", "false"):
            changes["repeated_field_encoding"] = "PACKED" if packed == "true" else "EXPANDED"
        return self.changed(parent, changes)

    def merge(self, parent: Features, options: list[ast.Option]) -> Features:
        return self.changed(parent, features_in(options)) if options and self.editions else parent

    def changed(self, parent: Features, changes: dict[str, str]) -> Features:
        if not changes:
            return parent
        key = parent, tuple(changes.items())
        if key not in self.cache:
            self.cache[key] = parent.changed(**changes)
        return self.cache[key]


def features_in(options: list[ast.Option]) -> dict[str, str]:
    """The features that options set: `features.x = WORD` or `features = { x: WORD }`. Others are checked later."""
    changes: dict[str, str] = {}
    for option in options:
        name, _, feature = option.simple_name.partition(".")
        if name != "features":
            continue
        pairs: list[tuple[str, ast.Value]] = [(feature, option.value)]
        if not feature and isinstance(option.value, ast.Aggregate):
            pairs = [(f.name.text, f.value) for f in option.value.fields if not f.is_extension]
        for key, value in pairs:
            if isinstance(value, ast.Scalar) and value.value in WORDS.get(key, ()):
                changes[key] = str(value.value)
    return changes


def _derive(field: FieldDescriptor, node: ast.Field) -> None:
    """What a field's features mean for it."""
    features = field.features
    if (
        features.field_presence == "LEGACY_REQUIRED"
        and field.label is Label.OPTIONAL
        and not field.is_extension
    ):
        field.label = Label.REQUIRED
    in_entry = field.containing_type.is_map_entry
    if (
        field.kind is Kind.MESSAGE
        and features.message_encoding == "DELIMITED"
        and not node.is_map
        and not in_entry
    ):
        field.kind = Kind.GROUP
    if field.label is Label.REPEATED:
        field.has_presence = False
        field.packed = field.kind in _PACKABLE and features.repeated_field_encoding == "PACKED"
    else:
        field.has_presence = (
            field.kind in (Kind.MESSAGE, Kind.GROUP)
            or field.is_extension
            or field.containing_oneof is not None
            or features.field_presence != "IMPLICIT"
        )
