"""Records: what `@dataclass(slots=True)` declares, without its price at import.

A dataclass compiles source for every class when its module is imported, whether the class is used or not, and needs
`inspect` for it. For the forty classes between a program and its schema that was a third of the time to import
`barewire.schema`. A record compiles one function, its constructor, when the first object is made.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NoReturn, TypeVar, dataclass_transform

from .late_init import LateInit

C = TypeVar("C", bound=type[Any])
V = TypeVar("V")


class _Fresh:
    def __init__(self, factory: Callable[[], Any]) -> None:
        self.factory = factory


def field(*, default_factory: Callable[[], V]) -> V:
    """The default of a field that is made anew for each object."""
    return _Fresh(default_factory)  # pyright: ignore[reportReturnType]  # as in dataclasses: what the field will hold


@dataclass_transform(eq_default=False, field_specifiers=(field,))
def record(*, kw_only: bool = False, frozen: bool = False) -> Callable[[C], C]:
    """Makes a class of the annotated names: slots, constructor (`kw_only`: of keywords only), repr, `__match_args__`.

    Objects are equal if they are the same. Those of a `frozen` record cannot be changed, and are equal if they are of
    one class and their fields are equal. `__post_init__` is called, and `__slots__` of the class are kept.
    """
    return lambda cls: _made(cls, kw_only, frozen)


def _made(cls: Any, kw_only: bool, frozen: bool) -> Any:
    namespace: dict[str, Any] = {**vars(cls)}
    names = tuple(name for name, text in cls.__annotations__.items() if not text.startswith("ClassVar"))
    defaults = {name: namespace.pop(name) for name in names if name in namespace}
    for name in ("__dict__", "__weakref__"):  # belong to the class that is replaced here
        namespace.pop(name, None)
    namespace["__slots__"] = (*namespace.get("__slots__", ()), *names)
    namespace["__match_args__"] = () if kw_only else names
    if cls.__repr__ is object.__repr__:
        namespace["__repr__"] = _repr(names)
    if frozen:
        namespace |= _frozen(names)
    made: Any = type(cls)(cls.__name__, cls.__bases__, namespace)
    made.__init__ = LateInit(made, lambda: _constructor(made, names, defaults, kw_only, frozen))
    return made


def _constructor(
    cls: type[Any], names: tuple[str, ...], defaults: dict[str, Any], kw_only: bool, frozen: bool
) -> Any:
    known: dict[str, Any] = {"FRESH": object(), "assign": object.__setattr__}
    arguments = ["self", "*"] if kw_only else ["self"]
    lines: list[str] = []
    for name in names:
        value = name
        if name not in defaults:
            arguments.append(name)
        elif isinstance(defaults[name], _Fresh):
            arguments.append(f"{name}=FRESH")
            known[f"new_{name}"] = defaults[name].factory
            value = f"new_{name}() if {name} is FRESH else {name}"
        else:
            arguments.append(f"{name}=default_{name}")
            known[f"default_{name}"] = defaults[name]
        lines.append(f"assign(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    exec(f"def __init__({', '.join(arguments)}):\n    " + "\n    ".join(lines), known)
    constructor = known["__init__"]
    constructor.__qualname__ = f"{cls.__qualname__}.__init__"
    return constructor


def _repr(names: tuple[str, ...]) -> Callable[[Any], str]:
    def __repr__(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return __repr__


def _frozen(names: tuple[str, ...]) -> dict[str, Any]:
    """What makes objects values."""
    values = attrgetter(*names)

    def __eq__(self: Any, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(values(self))

    def __setattr__(self: Any, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed: {name!r}")

    def __delattr__(self: Any, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed: {name!r}")

    def __reduce__(self: Any) -> tuple[Any, ...]:
        return _restored, (type(self), [getattr(self, name) for name in names])

    functions = (__eq__, __hash__, __setattr__, __delattr__, __reduce__)
    return {function.__name__: function for function in functions}


def _restored(cls: type[Any], values: list[Any]) -> Any:
    restored = object.__new__(cls)
    for name, value in zip(cls.__annotations__, values, strict=True):
        object.__setattr__(restored, name, value)
    return restored
