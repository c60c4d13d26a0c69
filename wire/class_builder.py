"""The class of a plan: its slots, its constructor and, where there is a oneof, what assigning to a member does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from . import access
from .generated import Source
from .late_init import LateInit
from .message import Message
from .plan import Cardinality, FieldPlan, MessagePlan

Binder = Callable[
    [str, Any], str
]  # (wished name, value) → the name under which generated code sees the value


def build_class(
    plan: MessagePlan,
    name: str,
    *,
    module: str,
    qualname: str | None = None,
    bases: tuple[type, ...] = (Message,),
    namespace: Mapping[str, Any] | None = None,
) -> type[Message]:
    """Make the class of `plan` and note it there.

    `bases` must derive from Message and have empty `__slots__`. What stands in `namespace` becomes class attributes
    (nested classes, documentation); a field of the same name wins.
    """
    attributes = tuple(field.attribute for field in plan.fields)
    extra = {key: value for key, value in (namespace or {}).items() if key not in attributes}
    names: dict[str, Any] = {
        "__doc__": f"Message {plan.full_name}.",
        **extra,
        "__module__": module,
        "__qualname__": qualname or name,
        "__plan__": plan,
        "__match_args__": attributes,
        "__values__": attrgetter(*attributes) if attributes else None,
    }
    siblings = access.oneof_siblings(plan.fields)
    if siblings:
        # Two classes of one layout: the storage class has the slots and assigns freely, the public one, derived from
        # it, adds the rule of the oneof. The decoder fills a storage object and then changes its class.
        storage: Any = type(f"_{name}Storage", bases, {"__slots__": attributes, "__module__": module})
        cls: Any = type(name, (storage,), names | {"__slots__": (), "__setattr__": _oneof_setattr(siblings)})
    else:
        storage = cls = type(name, bases, names | {"__slots__": attributes})
    cls.__storage__ = storage
    cls.__init__ = LateInit(cls, lambda: _constructor(plan, cls, storage))
    plan.message_class = cls
    return cls


def _oneof_setattr(siblings: dict[str, tuple[str, ...]]) -> Any:
    assign = object.__setattr__

    def __setattr__(self: Message, name: str, value: Any) -> None:
        if value is not None and name in siblings:
            for sibling in siblings[name]:
                assign(self, sibling, None)
        assign(self, name, value)

    return __setattr__


def _constructor(plan: MessagePlan, cls: type[Message], storage: type[Message]) -> Any:
    """Write and compile `__init__`: keyword-only, one argument per field."""
    source = Source(f"constructor of {plan.full_name}")
    taken = {field.attribute for field in plan.fields}

    def free(name: str) -> str:  # arguments have the names of fields, so nothing else may
        while name in taken:
            name += "_"
        return name

    def bind(name: str, value: Any) -> str:
        return source.bind(free(name), value)

    self, plain = free("self"), free("plain")
    arguments = "".join(f", {field.attribute}={_argument_default(bind, field)}" for field in plan.fields)
    source.line(f"def __init__({self}, /{', *' if arguments else ''}{arguments}):")
    with source.block():
        for oneof in plan.oneofs:
            _check_oneof(source, bind, plan, oneof)
        if storage is not cls:
            # The rule of the oneof was just checked: fill the object as a storage object, which is quicker.
            source.line(f"{plain} = {self}.__class__ is {bind('public', cls)}")
            source.line(f"if {plain}:")
            become = bind("become", object.__setattr__)
            source.line(f"    {become}({self}, '__class__', {bind('storage', storage)})")
        for field in plan.fields:
            source.line(f"{self}.{field.attribute} = {_argument_value(field)}")
        source.line(f"{self}._unknown = b''")
        source.line(f"{self}._extensions = None")
        if storage is not cls:
            source.line(f"if {plain}:")
            source.line(f"    {self}.__class__ = {bind('public', cls)}")
    constructor = source.compile("__init__")
    constructor.__qualname__ = plan.full_name  # Python's TypeError for a wrong argument begins with this name
    return constructor


def _argument_default(bind: Binder, field: FieldPlan) -> str:
    if field.cardinality in (Cardinality.REPEATED, Cardinality.MAP):
        return "()"
    value = access.absent(field)
    # An enum's member, and the one zero of all floats, have to be this very object.
    return bind(f"zero_{field.number}", value) if field.enum or isinstance(value, float) else repr(value)


def _argument_value(field: FieldPlan) -> str:
    """Lists and maps are copied, so that the message does not share them with its maker. None means absent."""
    name = field.attribute
    if field.cardinality is Cardinality.REPEATED:
        return f"[*{name}] if {name} else []"
    if field.cardinality is Cardinality.MAP:
        return f"{{**{name}}} if {name} else {{}}"
    return name


def _check_oneof(source: Source, bind: Binder, plan: MessagePlan, oneof: str) -> None:
    members = [field.attribute for field in plan.fields if field.oneof == oneof]
    if len(members) > 1:
        count = " + ".join(f"({member} is not None)" for member in members)
        pairs = ", ".join(f"{member!r}: {member}" for member in members)
        source.line(f"if {count} > 1:")
        source.line(f"    {bind('refuse_oneof', _refuse_oneof)}({oneof!r}, {{{pairs}}})")


def _refuse_oneof(oneof: str, members: dict[str, Any]) -> None:
    given = [name for name, value in members.items() if value is not None]
    raise ValueError(f"{' and '.join(given)} are members of oneof {oneof!r}: give only one of them")
