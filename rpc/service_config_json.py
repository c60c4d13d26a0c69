"""The JSON form of a service config."""

from __future__ import annotations

from collections.abc import Mapping

from .json_fields import (
    Json,
    JsonObject,
    field_error,
    load_json,
    read_array,
    read_boolean,
    read_duration,
    read_integer,
    read_number,
    read_size,
    read_string,
)
from .service_config import HedgingPolicy, MethodConfig, Policies, RetryPolicy, RetryThrottling, ServiceConfig


def read_service_config(config: str | bytes | Mapping[str, Json]) -> ServiceConfig:
    """See `parse_service_config`."""
    return _service_config(load_json(config) if isinstance(config, (str, bytes)) else config)


# -- the messages -------------------------------------------------------------------------------------------------


def _service_config(value: Json) -> ServiceConfig:
    top = JsonObject(value, "$")
    methods: dict[str, MethodConfig] = {}
    for entry in top.objects("methodConfig"):
        method = _method_config(entry)
        for name in entry.objects("name"):
            key = _method_name(name)
            if key in methods:
                shown = repr(key) if key else "the default (a name without service)"
                raise field_error(name.path, f"{shown} has a methodConfig already")
            methods[key] = method
    return ServiceConfig(
        methods,
        _load_balancing(top),
        top.get("retryThrottling", _retry_throttling),
        top.get("healthCheckConfig", _health_check_service),
    )


def _method_name(name: JsonObject) -> str:
    service = name.get("service", read_string) or ""
    method = name.get("method", read_string) or ""
    if method and not service:
        raise field_error(name.at("method"), "stands without a service")
    return f"{service}/{method}" if method else service


def _method_config(entry: JsonObject) -> MethodConfig:
    retry = entry.get("retryPolicy", _retry_policy)
    hedging = entry.get("hedgingPolicy", _hedging_policy)
    if retry is not None and hedging is not None:
        raise field_error(entry.path, "has a retryPolicy and a hedgingPolicy; a method can have one of them")
    return MethodConfig(
        wait_for_ready=entry.get("waitForReady", read_boolean),
        timeout=entry.get("timeout", read_duration),
        max_request_message_bytes=entry.get("maxRequestMessageBytes", read_size),
        max_response_message_bytes=entry.get("maxResponseMessageBytes", read_size),
        retry=retry,
        hedging=hedging,
    )


def _retry_policy(value: Json, path: str) -> RetryPolicy:
    policy = JsonObject(value, path)
    return policy.build(
        RetryPolicy,
        max_attempts=policy.require("maxAttempts", read_integer),
        initial_backoff=policy.require("initialBackoff", read_duration),
        max_backoff=policy.require("maxBackoff", read_duration),
        backoff_multiplier=policy.require("backoffMultiplier", read_number),
        retryable_status_codes=policy.require("retryableStatusCodes", read_array),
    )


def _hedging_policy(value: Json, path: str) -> HedgingPolicy:
    policy = JsonObject(value, path)
    return policy.build(
        HedgingPolicy,
        max_attempts=policy.require("maxAttempts", read_integer),
        hedging_delay=policy.get("hedgingDelay", read_duration) or 0.0,
        non_fatal_status_codes=policy.get("nonFatalStatusCodes", read_array) or (),
    )


def _retry_throttling(value: Json, path: str) -> RetryThrottling:
    throttling = JsonObject(value, path)
    return throttling.build(
        RetryThrottling,
        max_tokens=throttling.require("maxTokens", read_integer),
        token_ratio=throttling.require("tokenRatio", read_number),
    )


def _health_check_service(value: Json, path: str) -> str | None:
    return JsonObject(value, path).get("serviceName", read_string)


def read_policies(parent: JsonObject, key: str) -> Policies:
    """The list of balancers in a field, each `{name: config}`, best first."""
    return tuple(_policy(entry) for entry in parent.objects(key))


def read_child_policy(parent: JsonObject) -> Policies:
    """The field that says to whom a balancer leaves the balancing."""
    policies = read_policies(parent, "childPolicy")
    if not policies:
        raise field_error(parent.at("childPolicy"), "is missing: it says who balances, such as round_robin")
    return policies


def _load_balancing(top: JsonObject) -> Policies:
    policies = read_policies(top, "loadBalancingConfig")
    old_form = top.get("loadBalancingPolicy", read_string)
    if old_form and not policies:
        return ((old_form.lower(), {}),)
    return policies


def _policy(entry: JsonObject) -> tuple[str, Mapping[str, Json]]:
    if len(entry.members) != 1:
        raise field_error(entry.path, f"has to name one policy, and has {len(entry.members)} keys")
    ((name, config),) = entry.members.items()
    return name, JsonObject(config, entry.at(name)).members
