"""Options → `.proto` text, in the order and layout that protoreflect's printer (and so grpcurl) gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from ..wire.access import is_present, set_extensions
from ..wire.plan import Kind
from .descriptor import FieldDescriptor, HasOptions, MessageDescriptor
from .json_scalars import shortest_float32

if TYPE_CHECKING:
    from .message import Message

_WIDE = 50  # what is longer is broken into lines
_MANY = 3  # so are more short options than these
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}

Option = tuple[str, str]


def options_of(descriptor: HasOptions) -> list[Option]:
    """The options that are set, each as name and value; those of descriptor.proto first, then the custom ones."""
    options = descriptor.options
    found: list[Option] = []
    if options is not None:
        for field, value in _set_fields(cast("Message", options)):
            name = f"(.{field.full_name})" if field.is_extension else field.name
            values = value if field.label.name == "REPEATED" else [value]
            found += [(name, value_text(field, one)) for one in values]
    return _in_order(found)


def long_form(descriptor: HasOptions, indent: str) -> list[str]:
    """`option NAME = VALUE;` lines."""
    return [_indented(f"option {name} = {value};", indent) for name, value in options_of(descriptor)]


def short_form(descriptor: HasOptions, indent: str, extra: list[Option] | None = None) -> str:
    """` [NAME = VALUE, …]`, or nothing. `extra` holds what is written like an option, but is none."""
    options = _in_order([*(extra or []), *options_of(descriptor)])
    if not options:
        return ""
    parts = [f"{name} = {value}" for name, value in options]
    inline = ", ".join(parts)
    if len(options) <= _MANY and len(inline) <= _WIDE and "\n" not in inline:
        return f" [{inline}]"
    inner = indent + "  "
    lines = ",\n".join(inner + _indented(part, inner).lstrip() for part in parts)
    return f" [\n{lines}\n{indent}]"


def value_text(field: FieldDescriptor, value: Any) -> str:
    """One value of a field as it is written in `.proto` text."""
    match field.kind:
        case Kind.MESSAGE | Kind.GROUP:
            return _literal(value)
        case Kind.BOOL:
            return "true" if value else "false"
        case Kind.STRING:
            return quoted(value)
        case Kind.BYTES:
            return quoted_bytes(bytes(value))
        case Kind.FLOAT | Kind.DOUBLE:
            return repr(shortest_float32(float(value)) if field.kind is Kind.FLOAT else float(value))
        case Kind.ENUM:
            known = field.enum_type.values if field.enum_type is not None else []
            return next((v.name for v in known if v.number == value), str(int(value)))
        case _:
            return str(int(value))


def quoted(text: str) -> str:
    """A string literal."""
    return (
        '"'
        + "".join(
            _ESCAPES.get(c) or (c if c.isprintable() else _octal(c.encode("utf-8", "replace"))) for c in text
        )
        + '"'
    )


def quoted_bytes(data: bytes) -> str:
    """A bytes literal."""
    return (
        '"' + "".join(_ESCAPES.get(chr(b)) or (chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in data) + '"'
    )


def _octal(data: bytes) -> str:
    return "".join(f"\\{byte:03o}" for byte in data)


def _in_order(options: list[Option]) -> list[Option]:
    return sorted(
        options, key=lambda option: (option[0].startswith("("), option[0])
    )  # stable: repeated ones stay


def _set_fields(message: Message) -> Iterator[tuple[FieldDescriptor, Any]]:
    """What is set in a message: its fields, then the extensions that are known."""
    descriptor: MessageDescriptor = message.__descriptor__
    plans = {plan.number: plan for plan in message.__plan__.fields}
    for field in sorted(descriptor.fields, key=lambda field: field.number):
        value = getattr(message, plans[field.number].attribute)
        if is_present(plans[field.number], value):
            yield field, value
    registry = message.__registry__
    for number, value in sorted(set_extensions(message).items()):
        extension = registry.find_extension(descriptor.full_name, number) if registry is not None else None
        if extension is not None:
            yield extension, value


def _literal(message: Message) -> str:
    """A message as the value of an option."""
    parts: list[str] = []
    for field, value in _set_fields(message):
        name = f"[{field.full_name}]" if field.is_extension else field.name
        if field.is_map:
            assert field.message_type is not None
            key_field, value_field = field.message_type.fields
            entries = [
                f"{{ key: {value_text(key_field, key)}, value: {value_text(value_field, item)} }}"
                for key, item in sorted(value.items())
            ]
            text = f"[ {', '.join(entries)} ]"
        elif field.label.name == "REPEATED":
            text = f"[ {', '.join(value_text(field, item) for item in value)} ]"
        else:
            text = value_text(field, value)
        parts.append(f"{name}: {text}")
    inline = f"{{ {', '.join(parts)} }}" if parts else "{ }"
    if len(inline) <= _WIDE and "\n" not in inline:
        return inline
    return "{\n" + ",\n".join(_indented(part, "  ", first=True) for part in parts) + "\n}"


def _indented(text: str, indent: str, *, first: bool = True) -> str:
    return (indent if first else "") + text.replace("\n", "\n" + indent)
