"""How messages of loaded schemas are pickled.

A loaded class stands in no module, so pickle cannot find it by name. A pickled message names its registry instead;
reading it needs that registry to be alive, or, in another process, one that has loaded the same message. The
well-known types do stand in a module and need nothing.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from .message import Message
    from .registry import Registry

# Which registries are alive: holds none of them, and is read by unpickling alone.
_alive: WeakValueDictionary[str, Registry] = WeakValueDictionary()


def pickling_key(registry: Registry) -> str:
    """A new key under which pickled messages find `registry` for as long as it lives."""
    key = uuid4().hex
    _alive[key] = registry
    return key


def reduce_message(message: Message) -> tuple[Any, ...]:
    """What `Message.__reduce__` returns."""
    cls = type(message)
    registry = cls.__registry__
    if registry is None:
        return _restore_importable, (cls, message.encode())
    return _restore_loaded, (registry.pickling_key, cls.__descriptor__.full_name, message.encode())


def _restore_importable(cls: type[Message], data: bytes) -> Message:
    return cls.decode(data)


def _restore_loaded(key: str, full_name: str, data: bytes) -> Message:
    registry = _alive.get(key)
    if registry is not None:
        return registry.message_class(full_name).decode(data)
    classes = [
        registry.message_class(full_name) for registry in _alive.values() if registry.has_message(full_name)
    ]
    if len(classes) != 1:
        found = "several registries have" if classes else "no registry has"
        raise pickle.UnpicklingError(
            f"{found} {full_name}: load its schema (once) before unpickling its messages"
        )
    return classes[0].decode(data)
