"""Rules about a file: its package, and what it declares and no longer does. What moved to another file is not gone."""

from __future__ import annotations

from collections.abc import Iterator

from .breaking_model import JSON, SOURCE, WIRE, Change, Comparison, Rule
from .descriptor import (
    EnumDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MessageDescriptor,
    ServiceDescriptor,
)
from .registry import declarations

_Changes = Iterator[Change]
_New = FileDescriptor | None


def _package(old: FileDescriptor, new: _New, comparison: Comparison) -> _Changes:
    if new is None or old.package == new.package:
        return
    message = f"the package of {new.name} changed from '{old.package}' to '{new.package}'"
    if old.services:
        message += f": the paths of {_names(old.services)} changed with it"
    help = f"keep 'package {old.package};', or serve both packages until nobody calls the old one"
    yield Change(message, help, new, old)


def _message_removed(old: FileDescriptor, new: _New, comparison: Comparison) -> _Changes:
    for message in _messages(old):
        if message.is_map_entry or comparison.find(message) is not None:
            continue
        if message.containing_type is not None and comparison.find(message.containing_type) is None:
            continue  # it went with the message around it
        text = f"message {message.full_name} is gone"
        if new is not None and (other := _like(message, new, comparison)):
            text += f" (is it {other.full_name} now?)"
        help = f"an Any that holds one can no longer be read: keep {message.name}, marked as deprecated"
        yield Change(text, help, new, message)


def _enum_removed(old: FileDescriptor, new: _New, comparison: Comparison) -> _Changes:
    for enum in declarations(old):
        if isinstance(enum, EnumDescriptor) and comparison.find(enum) is None:
            help = "bytes and JSON never hold the name of an enum; code does"
            yield Change(f"enum {enum.full_name} is gone", help, new, enum)


def _service_removed(old: FileDescriptor, new: _New, comparison: Comparison) -> _Changes:
    for service in old.services:
        if comparison.find(service) is None:
            message = f"service {service.full_name} is gone: calls end with UNIMPLEMENTED"
            yield Change(message, "keep it, and mark it with 'option deprecated = true;'", new, service)


def _extension_removed(old: FileDescriptor, new: _New, comparison: Comparison) -> _Changes:
    for extension in declarations(old):
        if isinstance(extension, FieldDescriptor) and comparison.find(extension) is None:
            extendee = extension.containing_type.full_name
            message = f"extension {extension.full_name} ({extension.number} of {extendee}) is gone"
            help = "its values become unknown fields, and its number is free for another: keep it, marked as deprecated"
            yield Change(message, help, new, extension)


def _messages(file: FileDescriptor) -> list[MessageDescriptor]:
    return [one for one in declarations(file) if isinstance(one, MessageDescriptor)]


def _like(
    message: MessageDescriptor, file: FileDescriptor, comparison: Comparison
) -> MessageDescriptor | None:
    """A message that is new and has the same fields."""
    fields = _fields(message)
    candidates = (other for other in _messages(file) if comparison.is_new(other))
    return next((other for other in candidates if fields and _fields(other) == fields), None)


def _fields(message: MessageDescriptor) -> list[tuple[int, str]]:
    return sorted((field.number, field.name) for field in message.fields)


def _names(services: list[ServiceDescriptor]) -> str:
    return ", ".join(service.name for service in services)


_BOTH = (WIRE, JSON)
_F = FileDescriptor

FILE_RULES = (
    Rule("package", _BOTH, _F, "Paths of methods and types inside an Any begin with the package.", _package),
    Rule("message-removed", _BOTH, _F, "An Any names the type that it holds.", _message_removed),
    Rule("enum-removed", (SOURCE,), _F, "Generated code uses the name.", _enum_removed),
    Rule("service-removed", (WIRE,), _F, "A call names its service in its path.", _service_removed),
    Rule(
        "extension-removed",
        (WIRE,),
        _F,
        "A number that is free will be taken for something else one day.",
        _extension_removed,
    ),
)
