"""What a field's value means: absent or present, its default, and how two messages merge.

Plain functions over a plan and a message; `Message` and the interpreter are written with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import index, methodcaller
from typing import TYPE_CHECKING, Any

from .errors import WireError
from .plan import Cardinality, FieldPlan, Kind, MessagePlan
from .scalar import zero
from .unknown import keep_unknown

if TYPE_CHECKING:
    from .message import Message

_MESSAGES = (Kind.MESSAGE, Kind.GROUP)


def message_class(plan: MessagePlan) -> type[Message]:
    """The class of a plan; a plan written by hand gets one when it is first needed."""
    if plan.message_class is None:
        from .class_builder import build_class

        build_class(plan, plan.full_name.rpartition(".")[2], module=__name__)
    assert plan.message_class is not None
    return plan.message_class


def maker(plan: MessagePlan) -> Callable[[], Message]:
    """Makes an object of the plan's storage class without calling its constructor: every slot is empty."""
    return partial(object.__new__, message_class(plan).__storage__)  # quicker than calling object.__new__


def sub_plan(field: FieldPlan) -> MessagePlan:
    """The plan of a MESSAGE or GROUP field."""
    if field.message is None:
        raise WireError(f"the plan of field {field.name} names no message")
    return field.message


def key_and_value(field: FieldPlan) -> tuple[FieldPlan, FieldPlan]:
    """The two fields of a MAP field's entries."""
    if field.key is None or field.value is None:
        raise WireError(f"the plan of map field {field.name} lacks its key or value")
    return field.key, field.value


def map_order(key: FieldPlan) -> Callable[[Any], Any]:
    """What the keys of a map are sorted by: numbers by value, false before true, text by its bytes (or code points)."""
    if key.kind is Kind.STRING:
        return methodcaller("encode", "utf-8", "surrogateescape")
    return index


def holds_messages(field: FieldPlan) -> bool:
    return field.kind in _MESSAGES


def is_list(value: object) -> bool:
    """Whether a repeated field can hold `value`: a list, or what indexes like one without being text or bytes."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview)


def has_presence(field: FieldPlan) -> bool:
    return field.cardinality in (Cardinality.EXPLICIT, Cardinality.REQUIRED)


def absent(field: FieldPlan) -> Any:
    """What the attribute of `field` holds in a new message."""
    if field.cardinality is Cardinality.REPEATED:
        return []
    if field.cardinality is Cardinality.MAP:
        return {}
    return None if has_presence(field) else zero(field)


def default(field: FieldPlan) -> Any:
    """What an absent field stands for: its declared default, else its zero value; an empty message for one."""
    if not has_presence(field):
        return absent(field)
    if holds_messages(field):
        return message_class(sub_plan(field))()
    if field.default is None:
        return zero(field)
    return field.enum.enum_class(field.default) if field.enum else field.default


def is_present(field: FieldPlan, value: Any) -> bool:
    """Whether `value` in `field` would be written by the encoder."""
    if has_presence(field) or value is None:
        return value is not None
    # A negative zero is written, so it counts; its repr tells it from zero.
    return bool(value) or (isinstance(value, float) and repr(value) == "-0.0")


def field_named(plan: MessagePlan, name: str) -> FieldPlan:
    """The field with that attribute or that name in the `.proto`; AttributeError, with a suggestion, without one."""
    for field in plan.fields:
        if name in (field.attribute, field.name):
            return field
    raise AttributeError(f"{plan.full_name} has no field {name!r}{did_you_mean(name, plan)}")


def did_you_mean(name: str, plan: MessagePlan) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, [field.attribute for field in plan.fields], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def load(message: Message, plan: MessagePlan, field: FieldPlan) -> Any:
    """The value of a field or of a known extension; None (or an empty list) when it is absent."""
    if plan.extensions.get(field.number) is field:
        return (message._extensions or {}).get(field.number)
    return getattr(message, field.attribute)


def store(message: Message, plan: MessagePlan, field: FieldPlan, value: Any) -> None:
    """Set a field or a known extension, and clear the other members of its oneof."""
    if plan.extensions.get(field.number) is field:
        if message._extensions is None:
            message._extensions = {}
        message._extensions[field.number] = value
        return
    if field.oneof is not None:
        for sibling in plan.fields:
            if sibling.oneof == field.oneof:
                object.__setattr__(message, sibling.attribute, None)
    object.__setattr__(message, field.attribute, value)


def collection(message: Message, plan: MessagePlan, field: FieldPlan) -> Any:
    """The list or dict to add elements to."""
    value = load(message, plan, field)
    if value is None:
        value = absent(field)
        store(message, plan, field, value)
    return value


def set_extensions(message: Message) -> dict[int, Any]:
    """The extensions that are set, without empty lists."""
    extensions = message._extensions
    return {number: value for number, value in extensions.items() if value != []} if extensions else {}


def oneof_siblings(fields: Iterable[FieldPlan]) -> dict[str, tuple[str, ...]]:
    """For the attribute of each oneof member, the attributes of the other members."""
    members: dict[str, list[str]] = {}
    for field in fields:
        if field.oneof is not None:
            members.setdefault(field.oneof, []).append(field.attribute)
    return {
        attribute: tuple(other for other in attributes if other != attribute)
        for attributes in members.values()
        for attribute in attributes
    }


def merge(target: Message, source: Message) -> None:
    """Merge `source` into `target`; nothing is shared afterwards. TypeError when their plans differ."""
    plan = target.__plan__
    if source.__plan__ is not plan:
        raise TypeError(f"cannot merge a {source.__plan__.full_name} into a {plan.full_name}")
    for field in plan.fields:
        _merge_field(target, plan, field, getattr(source, field.attribute))
    for number, value in list(set_extensions(source).items()):
        _merge_field(target, plan, plan.extensions[number], value)
    if source._unknown:
        keep_unknown(target, bytes(source._unknown))


def _merge_field(target: Message, plan: MessagePlan, field: FieldPlan, value: Any) -> None:
    if field.cardinality is Cardinality.MAP:
        messages = field.value is not None and holds_messages(field.value)
        entries = {key: item.copy() for key, item in value.items()} if messages else value
        collection(target, plan, field).update(entries)
    elif field.cardinality is Cardinality.REPEATED:
        # The list is made before it is extended: a message may be merged into itself.
        items = [item.copy() for item in value] if holds_messages(field) else list(value)
        collection(target, plan, field).extend(items)
    elif not is_present(field, value):
        return
    elif holds_messages(field):
        present = load(target, plan, field)
        if present is None:
            store(target, plan, field, value.copy())
        else:
            merge(present, value)
    else:
        store(target, plan, field, value)
