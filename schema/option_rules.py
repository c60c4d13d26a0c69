"""Where an option may be used: its targets, and the editions that know it.

Both are options of the option's own field, in descriptor.proto or where a custom option is declared. They are checked
after all options of a file are interpreted, because an option may be declared in the file that uses it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ..wire.record import field, record
from .raw_fields import raw_fields

if TYPE_CHECKING:
    from .descriptor import FieldDescriptor
    from .unit import Place, Unit

# FieldOptions: the numbers of `targets` and `feature_support`.
_TARGETS, _FEATURE_SUPPORT = 19, 22
_INTRODUCED, _DEPRECATED, _WARNING, _REMOVED, _REMOVAL_ERROR = 1, 2, 3, 4, 5

# FieldOptions.OptionTargetType, by the message of the options.
_TARGET_TYPES = {
    "FileOptions": 1, "ExtensionRangeOptions": 2, "MessageOptions": 3, "FieldOptions": 4, "OneofOptions": 5,
    "EnumOptions": 6, "EnumValueOptions": 7, "ServiceOptions": 8, "MethodOptions": 9,
}  # fmt: skip
_TARGET_WORDS = (
    "nothing", "files", "extension ranges", "messages", "fields", "oneofs", "enums", "enum values", "services",
    "methods",
)  # fmt: skip
_EDITIONS = {"proto2": 998, "proto3": 999, "2023": 1000, "2024": 1001}


class Use(NamedTuple):
    """A field of an options message that was set, on which sort of element, and where."""

    field: FieldDescriptor
    options: str
    where: Place


@record()
class _Rules:
    targets: list[int] = field(default_factory=list)
    introduced: int = 0
    removed: int = 0
    removal_error: str | None = None
    deprecated: int = 0
    warning: str | None = None


def check_uses(unit: Unit, uses: list[Use]) -> None:
    """Reports every option that may not stand where it stands."""
    edition = _EDITIONS[unit.file.edition or unit.file.syntax]
    for used, options, where in uses:
        if not used.option_bytes:
            continue
        rules = _rules(used.option_bytes)
        if rules.targets and _TARGET_TYPES[options] not in rules.targets:
            allowed = ", ".join(_TARGET_WORDS[t] for t in rules.targets if t < len(_TARGET_WORDS))
            unit.error(where, f"'{used.name}' cannot be set here", f"it is an option of {allowed}")
        if edition < rules.introduced:
            unit.error(where, f"'{used.name}' is not known before edition {_edition_name(rules.introduced)}")
        elif rules.removed and edition >= rules.removed:
            help = rules.removal_error
            unit.error(where, f"'{used.name}' is gone since edition {_edition_name(rules.removed)}", help)
        elif rules.deprecated and edition >= rules.deprecated:
            text = f"'{used.name}' is deprecated since edition {_edition_name(rules.deprecated)}"
            unit.warning(where, text, rules.warning)


def _edition_name(number: int) -> str:
    return next((name for name, value in _EDITIONS.items() if value == number), str(number))


@lru_cache(256)
def _rules(option_bytes: bytes) -> _Rules:
    rules = _Rules()
    for number, value in raw_fields(option_bytes):
        if number == _TARGETS and isinstance(value, int):
            rules.targets.append(value)
        elif number == _FEATURE_SUPPORT and isinstance(value, bytes):
            for inner, content in raw_fields(value):
                if inner == _INTRODUCED and isinstance(content, int):
                    rules.introduced = content
                elif inner == _DEPRECATED and isinstance(content, int):
                    rules.deprecated = content
                elif inner == _WARNING and isinstance(content, bytes):
                    rules.warning = content.decode("utf-8", "replace")
                elif inner == _REMOVED and isinstance(content, int):
                    rules.removed = content
                elif inner == _REMOVAL_ERROR and isinstance(content, bytes):
                    rules.removal_error = content.decode("utf-8", "replace")
    return rules
