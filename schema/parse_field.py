"""Fields: ordinary ones, groups, map fields, oneof members and extensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.plan import Kind
from ..wire.record import record
from .ast import Field, Int, Message, Name, Oneof
from .cursor import Fault
from .parse_option import parse_option_list

if TYPE_CHECKING:
    from .cursor import Cursor

_LABELS = frozenset(("optional", "required", "repeated"))
SCALAR_WORDS = frozenset(kind.value for kind in Kind if kind not in (Kind.GROUP, Kind.MESSAGE, Kind.ENUM))
FIRST_WORDS = _LABELS | SCALAR_WORDS | {"map", "group"}


@record()
class Scope:
    """Where fields go: the list they are added to, and the list for messages that groups and maps bring with them."""

    fields: list[Field]
    messages: list[Message]
    oneof: Oneof | None = None
    extendee: Name | None = None


def parse_field(p: Cursor, scope: Scope) -> None:
    """One field statement, its label included."""
    if "." in p.text:
        p.split_word(FIRST_WORDS)
    start = p.start
    label = p.identifier("a label") if p.text in _LABELS else None
    if label and label.text != "repeated":
        _check_label(p, label)
    if label and "." in p.text:
        p.split_word(FIRST_WORDS)
    if scope.oneof and label:
        help = "remove the label"
        p.syntax_error(Fault(f"a member of a oneof cannot be '{label.text}'", label.start, label.end, help))
        label = None
    if p.text == "map" and p.peek() == "<":
        _parse_map(p, scope, label, start)
    elif p.text == "group":
        _parse_group(p, scope, label, start)
    else:
        what = "the type of a field"
        type_name = p.identifier(what) if p.text in SCALAR_WORDS else p.type_name(what)
        if not label and not scope.oneof and p.edition == "proto2":
            help = "add 'optional', 'required' or 'repeated'"
            p.syntax_error(Fault("a proto2 field needs a label", type_name.start, type_name.end, help))
        name = p.identifier("the name of a field")
        field = Field(name=name, type=type_name, number=_parse_number(p, name), label=label, start=start)
        _add(p, scope, field)
        p.end_statement()
        field.end = p.end


def _check_label(p: Cursor, label: Name) -> None:
    message = help = None
    if p.edition == "proto3" and label.text == "required":
        message = "proto3 has no required fields"
    elif p.edition not in ("proto2", "proto3"):
        feature = "EXPLICIT (the default)" if label.text == "optional" else "LEGACY_REQUIRED"
        message, help = f"editions have no '{label.text}'", f"set features.field_presence = {feature}"
    if message:
        p.syntax_error(Fault(message, label.start, label.end, help))


def _parse_number(p: Cursor, name: Name) -> Int:
    if p.text != "=":
        raise p.fault(f"expected '=' and a number after field '{name.text}'")
    p.advance()
    return p.integer(f"a number for field '{name.text}'")


def _add(p: Cursor, scope: Scope, field: Field) -> None:
    """Takes the options, sorts out the two that are none, and adds the field to its scope."""
    for option in parse_option_list(p):
        name = option.simple_name
        if name not in ("default", "json_name"):
            field.options.append(option)
        elif getattr(field, name) is not None:
            p.syntax_error(Fault(f"'{name}' is given twice", option.start, option.end))
        else:
            setattr(field, name, option)
    field.oneof, field.extendee = scope.oneof, scope.extendee
    scope.fields.append(field)
    if scope.oneof:
        scope.oneof.fields.append(field)


def _parse_group(p: Cursor, scope: Scope, label: Name | None, start: int) -> None:
    from .parse_message import parse_message_body  # a group is a message with fields, which may be groups

    keyword = p.identifier("a type")
    if p.edition not in ("proto2", "proto3"):
        help = "declare a message, and a field of it with features.message_encoding = DELIMITED"
        p.syntax_error(Fault("groups are not part of editions", keyword.start, keyword.end, help))
    elif p.edition == "proto3":
        help = "declare a message and a field of it"
        p.syntax_error(Fault("groups are not part of proto3", keyword.start, keyword.end, help))
    elif not label and not scope.oneof:
        help = "add 'optional', 'required' or 'repeated'"
        p.syntax_error(Fault("a proto2 field needs a label", keyword.start, keyword.end, help))
    name = p.identifier("the name of a group")
    if not name.text[0].isupper():
        capital = name.text[0].upper() + name.text[1:]
        fault = Fault(
            "the name of a group starts with a capital letter", name.start, name.end, f"call it {capital}"
        )
        p.syntax_error(fault)
        name = Name(capital, name.start, name.end)
    message = Message(name=name, is_group=True, start=start)
    field_name = Name(name.text.lower(), name.start, name.end)
    field = Field(
        name=field_name, type=name, number=_parse_number(p, name), label=label, group=message, start=start
    )
    _add(p, scope, field)
    scope.messages.append(message)
    parse_message_body(p, message)
    field.end = p.end


def _parse_map(p: Cursor, scope: Scope, label: Name | None, start: int) -> None:
    keyword = p.identifier("a type")
    p.advance()
    key = p.type_name("the type of the keys")
    p.expect(",", "between the types of key and value")
    value = p.type_name("the type of the values")
    p.expect(">", "after the types of key and value")
    name = p.identifier("the name of a field")
    field = Field(name=name, type=key, number=_parse_number(p, name), is_map=True, start=start)
    wrong = (
        (label and f"'{label.text}'")
        or (scope.oneof and "part of a oneof")
        or (scope.extendee and "an extension")
    )
    if wrong:
        place = label or keyword
        p.syntax_error(Fault(f"a map field cannot be {wrong}", place.start, place.end))
    entry = Message(name=Name(_entry_name(name.text), name.start, name.end), is_map_entry=True, start=start)
    for number, (part, part_type) in enumerate((("key", key), ("value", value)), 1):
        at = Name(part, part_type.start, part_type.end)
        entry.fields.append(Field(name=at, type=part_type, number=Int(number, at.start, at.end), start=start))
    field.type = Name(entry.name.text, value.start, value.end)
    field.label = Name("repeated", keyword.start, keyword.end)
    _add(p, scope, field)
    for part in entry.fields:
        part.options = [
            o for o in field.options if o.parts[0].name.text == "features" and not o.parts[0].is_extension
        ]
    if not wrong:
        scope.messages.append(entry)
    else:
        scope.fields.pop()
        if scope.oneof:
            scope.oneof.fields.pop()
    p.end_statement()
    field.end = entry.end = p.end


def _entry_name(field_name: str) -> str:
    """`some_map` → `SomeMapEntry`, as protoc forms it."""
    return "".join(part[:1].upper() + part[1:] for part in field_name.split("_")) + "Entry"
