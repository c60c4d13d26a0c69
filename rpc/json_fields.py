"""Reading JSON that people write: every error names the place, such as `$.methodConfig[0].retryPolicy.maxAttempts`.

What C-core takes is taken: numbers may stand in strings, null is as good as nothing, a key may not occur twice.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from .arguments import BadArgument
from .errors import RpcConfigurationError

_DURATION = re.compile(r"(-?)([0-9]{1,12})(\.[0-9]{1,9})?s", re.ASCII)
_MAX_DURATION = 315_576_000_000  # seconds (google.protobuf.Duration)
_INTEGER = re.compile(r"-?[0-9]{1,20}", re.ASCII)

Json = Any
Value = TypeVar("Value")
Reader = Callable[[Json, str], Value]


def load_json(text: str | bytes) -> Json:
    """What a text says. Raises RpcConfigurationError if it is no JSON, or has a key twice in one object."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RpcConfigurationError:
        raise
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise RpcConfigurationError(f"the service config is not JSON: {reason}") from error


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise RpcConfigurationError(f"the service config has the key {twice!r} twice in one object")
    return members


def _no_constant(name: str) -> Json:
    raise RpcConfigurationError(f"the service config is not JSON: {name} is no number in JSON")


class JsonObject:
    """A JSON object, and where it stands."""

    def __init__(self, value: Json, path: str) -> None:
        if not isinstance(value, Mapping):
            raise _expected("an object", value, path)
        self.members: Mapping[str, Json] = value  # pyright: ignore[reportUnknownMemberType]
        self.path = path

    def at(self, key: str) -> str:
        return f"{self.path}.{key}"

    def get(self, key: str, read: Reader[Value]) -> Value | None:
        """A member; None if it is missing or null."""
        value = self.members.get(key)
        return None if value is None else read(value, self.at(key))

    def require(self, key: str, read: Reader[Value]) -> Value:
        value = self.get(key, read)
        if value is None:
            raise field_error(self.at(key), "is missing")
        return value

    def objects(self, key: str) -> Iterator[JsonObject]:
        """The members of an array of objects."""
        for index, item in enumerate(self.get(key, read_array) or ()):
            yield JsonObject(item, f"{self.at(key)}[{index}]")

    def build(self, build: Callable[..., Value], **fields: Any) -> Value:
        """Make a config object, which checks its fields itself. Its names are ours in snake_case."""
        try:
            return build(**fields)
        except BadArgument as error:
            raise field_error(self.at(camel_case(error.name)), error.problem) from error

    def given(self, **readers: Reader[Any]) -> dict[str, Any]:
        """Those of these fields that are there. Names are ours in snake_case."""
        values = {name: self.get(camel_case(name), read) for name, read in readers.items()}
        return {name: value for name, value in values.items() if value is not None}


def camel_case(name: str) -> str:
    """The JSON name of a field."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def read_array(value: Json, path: str) -> Sequence[Json]:
    if not isinstance(value, (list, tuple)):
        raise _expected("an array", value, path)
    return value  # pyright: ignore[reportUnknownVariableType]


def read_string(value: Json, path: str) -> str:
    if not isinstance(value, str):
        raise _expected("a string", value, path)
    return value


def read_boolean(value: Json, path: str) -> bool:
    if not isinstance(value, bool):
        raise _expected("true or false", value, path)
    return value


def read_integer(value: Json, path: str) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _expected("an integer", value, path)
    return value


def read_number(value: Json, path: str) -> float:
    try:
        if (
            isinstance(value, (int, float, str))
            and not isinstance(value, bool)
            and math.isfinite(float(value))
        ):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise _expected("a number", value, path)


def read_size(value: Json, path: str) -> int:
    size = read_integer(value, path)
    if not 0 <= size < 2**32:
        raise field_error(path, f"has to be from 0 to 2**32 - 1, and is {size}")
    return size


def read_duration(value: Json, path: str) -> float:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _expected('a duration such as "1.5s"', value, path)
    seconds = float(match[2] + (match[3] or ""))
    if seconds > _MAX_DURATION or (match[1] and seconds):
        raise field_error(path, f"has to be from 0 to {_MAX_DURATION} seconds, and is {value!r}")
    return seconds


def _expected(what: str, value: Json, path: str) -> RpcConfigurationError:
    shown = "null" if value is None else f"{value!r:.60}"
    return field_error(path, f"has to be {what}, and is {shown}")


def field_error(path: str, problem: str) -> RpcConfigurationError:
    return RpcConfigurationError(f"service config: {path} {problem}")
