"""The JSON form of a service config. Every error names the place: `$.methodConfig[0].retryPolicy.maxAttempts`.

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
from .service_config import (
    HedgingPolicy,
    MethodConfig,
    RetryPolicy,
    RetryThrottling,
    ServiceConfig,
)

_DURATION = re.compile(r"(-?)([0-9]{1,12})(\.[0-9]{1,9})?s", re.ASCII)
_MAX_DURATION = 315_576_000_000  # seconds (google.protobuf.Duration)
_INTEGER = re.compile(r"-?[0-9]{1,20}", re.ASCII)

Json = Any
Value = TypeVar("Value")
Reader = Callable[[Json, str], Value]


def read_service_config(config: str | bytes | Mapping[str, Json]) -> ServiceConfig:
    """See `parse_service_config`."""
    return _service_config(_load(config) if isinstance(config, (str, bytes)) else config)


def _load(text: str | bytes) -> Json:
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


# -- the messages -------------------------------------------------------------------------------------------------


def _service_config(value: Json) -> ServiceConfig:
    top = _Object(value, "$")
    methods: dict[str, MethodConfig] = {}
    for entry in top.objects("methodConfig"):
        method = _method_config(entry)
        for name in entry.objects("name"):
            key = _method_name(name)
            if key in methods:
                shown = repr(key) if key else "the default (a name without service)"
                raise _error(name.path, f"{shown} has a methodConfig already")
            methods[key] = method
    return ServiceConfig(
        methods,
        _load_balancing(top),
        top.get("retryThrottling", _retry_throttling),
        top.get("healthCheckConfig", _health_check_service),
    )


def _method_name(name: _Object) -> str:
    service = name.get("service", _string) or ""
    method = name.get("method", _string) or ""
    if method and not service:
        raise _error(name.at("method"), "stands without a service")
    return f"{service}/{method}" if method else service


def _method_config(entry: _Object) -> MethodConfig:
    retry = entry.get("retryPolicy", _retry_policy)
    hedging = entry.get("hedgingPolicy", _hedging_policy)
    if retry is not None and hedging is not None:
        raise _error(entry.path, "has a retryPolicy and a hedgingPolicy; a method can have one of them")
    return MethodConfig(
        wait_for_ready=entry.get("waitForReady", _boolean),
        timeout=entry.get("timeout", _duration),
        max_request_message_bytes=entry.get("maxRequestMessageBytes", _size),
        max_response_message_bytes=entry.get("maxResponseMessageBytes", _size),
        retry=retry,
        hedging=hedging,
    )


def _retry_policy(value: Json, path: str) -> RetryPolicy:
    policy = _Object(value, path)
    return policy.build(
        RetryPolicy,
        max_attempts=policy.require("maxAttempts", _integer),
        initial_backoff=policy.require("initialBackoff", _duration),
        max_backoff=policy.require("maxBackoff", _duration),
        backoff_multiplier=policy.require("backoffMultiplier", _number),
        retryable_status_codes=policy.require("retryableStatusCodes", _array),
    )


def _hedging_policy(value: Json, path: str) -> HedgingPolicy:
    policy = _Object(value, path)
    return policy.build(
        HedgingPolicy,
        max_attempts=policy.require("maxAttempts", _integer),
        hedging_delay=policy.get("hedgingDelay", _duration) or 0.0,
        non_fatal_status_codes=policy.get("nonFatalStatusCodes", _array) or (),
    )


def _retry_throttling(value: Json, path: str) -> RetryThrottling:
    throttling = _Object(value, path)
    return throttling.build(
        RetryThrottling,
        max_tokens=throttling.require("maxTokens", _integer),
        token_ratio=throttling.require("tokenRatio", _number),
    )


def _health_check_service(value: Json, path: str) -> str | None:
    return _Object(value, path).get("serviceName", _string)


def _load_balancing(top: _Object) -> tuple[tuple[str, Mapping[str, Json]], ...]:
    policies = tuple(_policy(entry) for entry in top.objects("loadBalancingConfig"))
    old_form = top.get("loadBalancingPolicy", _string)
    if old_form and not policies:
        return ((old_form.lower(), {}),)
    return policies


def _policy(entry: _Object) -> tuple[str, Mapping[str, Json]]:
    if len(entry.members) != 1:
        raise _error(entry.path, f"has to name one policy, and has {len(entry.members)} keys")
    ((name, config),) = entry.members.items()
    return name, _Object(config, entry.at(name)).members


# -- the values ---------------------------------------------------------------------------------------------------


class _Object:
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
            raise _error(self.at(key), "is missing")
        return value

    def objects(self, key: str) -> Iterator[_Object]:
        """The members of an array of objects."""
        for index, item in enumerate(self.get(key, _array) or ()):
            yield _Object(item, f"{self.at(key)}[{index}]")

    def build(self, build: Callable[..., Value], **fields: Any) -> Value:
        """Make a config object, which checks its fields itself. Its names are ours in snake_case."""
        try:
            return build(**fields)
        except BadArgument as error:
            camel = re.sub(r"_([a-z])", lambda match: match[1].upper(), error.name)
            raise _error(self.at(camel), error.problem) from error


def _array(value: Json, path: str) -> Sequence[Json]:
    if not isinstance(value, (list, tuple)):
        raise _expected("an array", value, path)
    return value  # pyright: ignore[reportUnknownVariableType]


def _string(value: Json, path: str) -> str:
    if not isinstance(value, str):
        raise _expected("a string", value, path)
    return value


def _boolean(value: Json, path: str) -> bool:
    if not isinstance(value, bool):
        raise _expected("true or false", value, path)
    return value


def _integer(value: Json, path: str) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _expected("an integer", value, path)
    return value


def _number(value: Json, path: str) -> float:
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


def _size(value: Json, path: str) -> int:
    size = _integer(value, path)
    if not 0 <= size < 2**32:
        raise _error(path, f"has to be from 0 to 2**32 - 1, and is {size}")
    return size


def _duration(value: Json, path: str) -> float:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _expected('a duration such as "1.5s"', value, path)
    seconds = float(match[2] + (match[3] or ""))
    if seconds > _MAX_DURATION or (match[1] and seconds):
        raise _error(path, f"has to be from 0 to {_MAX_DURATION} seconds, and is {value!r}")
    return seconds


def _expected(what: str, value: Json, path: str) -> RpcConfigurationError:
    shown = "null" if value is None else f"{value!r:.60}"
    return _error(path, f"has to be {what}, and is {shown}")


def _error(path: str, problem: str) -> RpcConfigurationError:
    return RpcConfigurationError(f"service config: {path} {problem}")
