"""How messages of loaded schemas are pickled.

A loaded class stands in no module, so pickle cannot find it by name. A pickled message names its registry instead;
reading it needs that registry to be alive, or, in another process, one that has loaded the same message. The
well-known types and generated classes do stand in a module and need nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from ..wire.errors import EncodeError

if TYPE_CHECKING:
    from .message import Message
    from .registry import Registry

Contents = bytes | tuple[dict[str, Any], bytes, dict[int, Any] | None]

# Which registries are alive: holds none of them, and is read by unpickling alone.
_alive: WeakValueDictionary[str, Registry] = WeakValueDictionary()


def pickling_key(registry: Registry) -> str:
    """A new key under which pickled messages find `registry` for as long as it lives."""
    key = os.urandom(16).hex()
    _alive[key] = registry
    return key


def reduce_message(message: Message) -> tuple[Any, ...]:
    """What `Message.__reduce__` returns."""
    cls = type(message)
    registry = None if getattr(cls, "__importable__", False) else cls.__registry__
    if registry is None:
        return _restore_importable, (cls, _contents(message))
    return _restore_loaded, (registry.pickling_key, cls.__descriptor__.full_name, _contents(message))


def _contents(message: Message) -> Contents:
    """The encoded message; if it has no encoding (a required field is missing), what its slots hold."""
    try:
        return message.encode()
    except EncodeError:
        fields = {name: getattr(message, name) for name in message.__match_args__}
        return fields, bytes(message._unknown), message._extensions


def _filled(cls: type[Message], contents: Contents) -> Message:
    if isinstance(contents, bytes):
        return cls.decode(contents)
    fields, unknown, extensions = contents
    message = cls(**fields)
    message._unknown = unknown
    message._extensions = extensions
    return message


def _restore_importable(cls: type[Message], contents: Contents) -> Message:
    return _filled(cls, contents)


def _restore_loaded(key: str, full_name: str, contents: Contents) -> Message:
    registry = _alive.get(key)
    if registry is not None:
        return _filled(registry.message_class(full_name), contents)
    knowing = [registry for registry in _alive.values() if registry.has_message(full_name)]
    if len(knowing) != 1:
        import pickle  # which is there already: it called

        found = "several registries have" if knowing else "no registry has"
        raise pickle.UnpicklingError(
            f"{found} {full_name}: load its schema (once) before unpickling its messages"
        )
    return _filled(knowing[0].message_class(full_name), contents)
