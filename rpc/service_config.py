"""The service config: what a service's owner tells its clients about calls (gRPC's service_config.proto).

`parse_service_config` reads the JSON form (R85, R90; proposals A6 and A21). The classes can also be built by hand; they
check themselves, and both ways accept and refuse the same:

    ServiceConfig({"pkg.Service": MethodConfig(retry=RetryPolicy(max_attempts=3, retryable_status_codes={14}))})
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from .arguments import (
    ANYTHING,
    FLAG,
    BadArgument,
    Wanted,
    check_fields,
    instance,
    items,
    number,
    optional,
    whole,
)
from .status import StatusCode

Policies = tuple[tuple[str, Mapping[str, Any]], ...]  # balancers: a name and its config each, best first

MAX_ATTEMPTS = 5  # what a higher `max_attempts` counts as (A6)
MAX_TOKENS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a failed call is tried again (A6, R90, R91). Times are in seconds.

    Codes may be given as numbers or names, and read as StatusCode. Raises RpcConfigurationError for values that A6
    forbids.
    """

    max_attempts: int
    initial_backoff: float = 0.1
    max_backoff: float = 1.0
    backoff_multiplier: float = 2.0
    retryable_status_codes: Set[StatusCode | int | str]

    def __post_init__(self) -> None:
        check_fields(_RETRY, self)
        _set(self, "max_attempts", min(self.max_attempts, MAX_ATTEMPTS))
        _set_codes(self, "retryable_status_codes")


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgingPolicy:
    """When further attempts of a call start while earlier ones run (A6, R97). Times are in seconds."""

    max_attempts: int
    hedging_delay: float = 0.0
    non_fatal_status_codes: Set[StatusCode | int | str] = frozenset()

    def __post_init__(self) -> None:
        check_fields(_HEDGING, self)
        _set(self, "max_attempts", min(self.max_attempts, MAX_ATTEMPTS))
        _set_codes(self, "non_fatal_status_codes")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryThrottling:
    """How many failures the retries of a server name may cause (A6, R96)."""

    max_tokens: int
    token_ratio: float

    def __post_init__(self) -> None:
        check_fields(_THROTTLING, self)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodConfig:
    """What a service config says about the calls of some methods. None: nothing.

    - `wait_for_ready`: what calls do that do not say it themselves.
    - `timeout`: seconds; the smaller of this and the call's own counts (R39).
    - `max_request_message_bytes`, `max_response_message_bytes`: the smaller of this and the channel's limit counts.
    - `retry` or `hedging`, not both.
    """

    wait_for_ready: bool | None = None
    timeout: float | None = None
    max_request_message_bytes: int | None = None
    max_response_message_bytes: int | None = None
    retry: RetryPolicy | None = None
    hedging: HedgingPolicy | None = None

    def __post_init__(self) -> None:
        check_fields(_METHOD, self)
        if self.retry is not None and self.hedging is not None:
            raise BadArgument("hedging", "and retry exclude each other: a method has one of them")


_ATTEMPTS = whole(2)  # the first one counts
_POSITIVE = Wanted(
    "a finite number above 0", lambda value: number(0).fits(value) and value not in (0, math.inf)
)
_NOT_NEGATIVE = Wanted("finite seconds from 0 up", lambda value: number(0).fits(value) and value != math.inf)
_RETRY = {
    "max_attempts": _ATTEMPTS,
    "initial_backoff": _POSITIVE,
    "max_backoff": _POSITIVE,
    "backoff_multiplier": _POSITIVE,
    "retryable_status_codes": items("a list of status codes that is not empty", ANYTHING, least=1),
}
_HEDGING = {
    "max_attempts": _ATTEMPTS,
    "hedging_delay": _NOT_NEGATIVE,
    "non_fatal_status_codes": items("a list of status codes", ANYTHING),
}
_THROTTLING = {
    "max_tokens": whole(1, MAX_TOKENS),
    "token_ratio": Wanted(
        "a finite number from 0.001 up",  # three decimals count (A6)
        lambda value: number(0.001).fits(value) and value != math.inf,
    ),
}
_METHOD = {
    "wait_for_ready": optional(FLAG),
    "timeout": optional(_NOT_NEGATIVE),
    "max_request_message_bytes": optional(whole(0)),
    "max_response_message_bytes": optional(whole(0)),
    "retry": optional(instance(RetryPolicy)),
    "hedging": optional(instance(HedgingPolicy)),
}


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """A whole service config.

    - `methods`: MethodConfigs by "pkg.Service/Method", "pkg.Service" (all its methods) or "" (all services).
    - `load_balancing`: pairs of a policy's name and its config, best first; the first known one counts (R86).
    - `health_check_service`: what client-side health checking asks for; None turns it off (R87).
    """

    methods: Mapping[str, MethodConfig] = field(default_factory=dict[str, MethodConfig])
    load_balancing: Policies = ()
    retry_throttling: RetryThrottling | None = None
    health_check_service: str | None = None

    def method(self, path: str) -> MethodConfig | None:
        """What is said about the method at this path ("/pkg.Service/Method"): per method, else per service, else for
        all."""
        methods = self.methods
        if not methods:
            return None
        name = path[1:]
        return methods.get(name) or methods.get(name.rpartition("/")[0]) or methods.get("")


NO_SERVICE_CONFIG = ServiceConfig()


def parse_service_config(config: str | bytes | Mapping[str, Any] | ServiceConfig | None) -> ServiceConfig:
    """A service config from its JSON text, or from what `json.loads` makes of it. None is an empty one.

    Unknown fields are ignored. Raises RpcConfigurationError, with the path in the JSON, if any known field is invalid:
    such a config counts as a whole as not given.
    """
    if config is None:
        return NO_SERVICE_CONFIG
    if isinstance(config, ServiceConfig):
        return config
    from .service_config_json import read_service_config  # for those who have one

    return read_service_config(config)


def status_codes(codes: Iterable[int | str], name: str) -> frozenset[StatusCode]:
    """Status codes given as numbers or as names, in upper or lower case."""
    return frozenset(_status_code(code, f"{name}[{index}]") for index, code in enumerate(codes))


def _status_code(code: int | str | float, name: str) -> StatusCode:
    try:
        if isinstance(code, str):
            return StatusCode[code.upper()]
        if not isinstance(code, bool) and code == int(code):
            return StatusCode(int(code))
    except (KeyError, ValueError, OverflowError, TypeError):
        pass
    raise BadArgument(name, f"is {code!r:.60}, which is not a status code")


def _set_codes(config: object, name: str) -> None:
    _set(config, name, status_codes(getattr(config, name), name))


def _set(config: object, name: str, value: Any) -> None:
    object.__setattr__(config, name, value)
