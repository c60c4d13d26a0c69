"""Service configs: what is read, what is refused and where, and that C-core agrees where it can be seen."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barewire import rpc
from barewire.rpc.service_config import (
    HedgingPolicy,
    MethodConfig,
    RetryPolicy,
    RetryThrottling,
    ServiceConfig,
    parse_service_config,
)

RETRY: dict[str, Any] = {
    "maxAttempts": 3,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
HEDGING: dict[str, Any] = {"maxAttempts": 3, "hedgingDelay": "0.5s", "nonFatalStatusCodes": [14]}


def method(**fields: Any) -> dict[str, Any]:
    return {"methodConfig": [{"name": [{"service": "a.B"}], **fields}]}


def retry(**fields: Any) -> dict[str, Any]:
    return method(retryPolicy={**RETRY, **fields})


def throttling(tokens: Any, ratio: Any) -> dict[str, Any]:
    return {"retryThrottling": {"maxTokens": tokens, "tokenRatio": ratio}}


@pytest.mark.rule(85)
def test_r85_a_whole_config() -> None:
    config = parse_service_config(
        json.dumps(
            {
                "loadBalancingConfig": [{"mine": {"a": 1}}, {"round_robin": {}}],
                "methodConfig": [
                    {
                        "name": [{"service": "a.B", "method": "C"}, {"service": "a.D"}],
                        "waitForReady": True,
                        "timeout": "1.5s",
                        "maxRequestMessageBytes": "100",
                        "maxResponseMessageBytes": 200,
                        "retryPolicy": {**RETRY, "aField": "of the future"},
                    },
                    {"name": [{}], "hedgingPolicy": HEDGING},
                ],
                "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
                "healthCheckConfig": {"serviceName": "x"},
                "somethingNew": [1],
            }
        )
    )
    assert config.load_balancing == (("mine", {"a": 1}), ("round_robin", {}))
    assert config.retry_throttling == RetryThrottling(max_tokens=10, token_ratio=0.1)
    assert config.health_check_service == "x"
    policy = RetryPolicy(max_attempts=3, retryable_status_codes={14})
    assert config.method("/a.B/C") == MethodConfig(
        wait_for_ready=True,
        timeout=1.5,
        max_request_message_bytes=100,
        max_response_message_bytes=200,
        retry=policy,
    )
    hedging = HedgingPolicy(max_attempts=3, hedging_delay=0.5, non_fatal_status_codes={"unavailable"})
    assert config.method("/x.Y/Z") == MethodConfig(hedging=hedging)


@pytest.mark.rule(85)
def test_r85_per_method_before_per_service_before_default() -> None:
    names = {"/a.B/C": "1s", "/a.B/X": "2s", "/b.B/C": "3s"}
    config = parse_service_config(
        {
            "methodConfig": [
                {"name": [{}], "timeout": "3s"},
                {"name": [{"service": "a.B"}], "timeout": "2s"},
                {"name": [{"service": "a.B", "method": "C"}], "timeout": "1s"},
            ]
        }
    )
    for path, timeout in names.items():
        found = config.method(path)
        assert found is not None
        assert f"{found.timeout:g}s" == timeout


def test_no_config() -> None:
    assert parse_service_config(None).method("/a.B/C") is None
    assert parse_service_config({}).method("/a.B/C") is None
    config = ServiceConfig({"": MethodConfig(timeout=1)})
    assert parse_service_config(config) is config


def test_the_old_name_of_a_balancing_policy() -> None:
    assert parse_service_config({"loadBalancingPolicy": "ROUND_ROBIN"}).load_balancing == (
        ("round_robin", {}),
    )
    both: dict[str, Any] = {"loadBalancingPolicy": "pick_first", "loadBalancingConfig": [{"round_robin": {}}]}
    assert parse_service_config(both).load_balancing == (("round_robin", {}),)


@pytest.mark.rule(90)
def test_r90_max_attempts_are_capped_at_five() -> None:
    found = parse_service_config(retry(maxAttempts=100)).method("/a.B/C")
    assert found is not None
    assert found.retry is not None
    assert found.retry.max_attempts == 5


# What to give, where the error is, and whether C-core refuses it too. C-core knows no hedging; it takes neither codes
# as numbers nor tokenRatio with an exponent; more than 1000 tokens and a method without a service are fine with it:
# in all of these A6 and the comments of service_config.proto say otherwise, and they win.
REFUSED: list[tuple[Any, str, bool]] = [
    ("not json", "is not JSON", True),
    ('{"a": 1, "a": 2}', "'a' twice", True),
    ('{"a": NaN}', "NaN", True),
    ("[" * 100_000, "is not JSON", True),
    ([], "$ has to be an object", True),
    ({"methodConfig": 5}, "$.methodConfig ", True),
    ({"methodConfig": [5]}, "$.methodConfig[0] ", True),
    ({"methodConfig": [{"name": 5}]}, "$.methodConfig[0].name ", True),
    ({"methodConfig": [{"name": [5]}]}, "$.methodConfig[0].name[0] ", True),
    ({"methodConfig": [{"name": [{"service": 5}]}]}, "$.methodConfig[0].name[0].service ", True),
    ({"methodConfig": [{"name": [{"method": "C"}]}]}, "$.methodConfig[0].name[0].method ", True),
    (
        {"methodConfig": [{"name": [{"service": "", "method": "C"}]}]},
        "$.methodConfig[0].name[0].method ",
        False,
    ),
    (
        {"methodConfig": [{"name": [{"service": "a"}, {"service": "a", "method": ""}]}]},
        "name[1] 'a' has",
        True,
    ),
    ({"methodConfig": [{"name": [{}]}, {"name": [{}]}]}, "$.methodConfig[1].name[0] the default", True),
    ({"methodConfig": [{"timeout": 1}]}, "$.methodConfig[0].timeout ", True),
    (method(timeout="1"), "timeout ", True),
    (method(timeout="-1s"), "timeout ", True),
    (method(timeout=".5s"), "timeout ", True),
    (method(timeout="1.s"), "timeout ", True),
    (method(timeout="1.1234567891s"), "timeout ", True),
    (method(timeout="315576000001s"), "timeout ", True),
    (method(waitForReady=1), "waitForReady ", True),
    (method(waitForReady="true"), "waitForReady ", True),
    (method(maxRequestMessageBytes=-1), "maxRequestMessageBytes ", True),
    (method(maxResponseMessageBytes=2**32), "maxResponseMessageBytes ", True),
    (method(maxResponseMessageBytes=True), "maxResponseMessageBytes ", True),
    (method(retryPolicy=5), "retryPolicy ", True),
    (method(retryPolicy={}), "retryPolicy.maxAttempts is missing", True),
    (method(retryPolicy=RETRY, hedgingPolicy=HEDGING), "has a retryPolicy and a hedgingPolicy", False),
    (method(hedgingPolicy={**HEDGING, "maxAttempts": 1}), "hedgingPolicy.maxAttempts ", False),
    (method(hedgingPolicy={**HEDGING, "hedgingDelay": 1}), "hedgingPolicy.hedgingDelay ", False),
    (method(hedgingPolicy={**HEDGING, "nonFatalStatusCodes": [17]}), "nonFatalStatusCodes[0] ", False),
    (retry(maxAttempts=1), "maxAttempts ", True),
    (retry(maxAttempts=2.5), "maxAttempts ", True),
    (retry(maxAttempts="two"), "maxAttempts ", True),
    (retry(maxAttempts=None), "maxAttempts is missing", True),
    (retry(initialBackoff="0s"), "initialBackoff ", True),
    (retry(maxBackoff="0s"), "maxBackoff ", True),
    (retry(backoffMultiplier=0), "backoffMultiplier ", True),
    (retry(backoffMultiplier=-1), "backoffMultiplier ", True),
    (retry(backoffMultiplier="much"), "backoffMultiplier ", True),
    (retry(retryableStatusCodes=[]), "retryableStatusCodes ", True),
    (retry(retryableStatusCodes=14), "retryableStatusCodes ", True),
    (retry(retryableStatusCodes=["UNAVAILABLE", "NOPE"]), "retryableStatusCodes[1] ", True),
    (retry(retryableStatusCodes=[17]), "retryableStatusCodes[0] ", True),
    (retry(retryableStatusCodes=[None]), "retryableStatusCodes[0] ", True),
    (throttling(0, 0.1), "$.retryThrottling.maxTokens ", True),
    (throttling(1001, 0.1), "$.retryThrottling.maxTokens ", False),
    (throttling(10, 0), "$.retryThrottling.tokenRatio ", True),
    (throttling(10, 0.0001), "$.retryThrottling.tokenRatio ", True),
    ({"retryThrottling": {"maxTokens": 10}}, "$.retryThrottling.tokenRatio is missing", True),
    ({"loadBalancingConfig": {}}, "$.loadBalancingConfig ", True),
    ({"loadBalancingConfig": [{}]}, "$.loadBalancingConfig[0] ", True),
    ({"loadBalancingConfig": [{"a": {}, "b": {}}]}, "$.loadBalancingConfig[0] ", True),
    ({"loadBalancingConfig": [{"round_robin": 5}]}, "$.loadBalancingConfig[0].round_robin ", True),
    ({"loadBalancingPolicy": 5}, "$.loadBalancingPolicy ", True),
    ({"healthCheckConfig": 5}, "$.healthCheckConfig ", True),
    ({"healthCheckConfig": {"serviceName": 5}}, "$.healthCheckConfig.serviceName ", True),
]
ACCEPTED: list[dict[str, Any]] = [
    {},
    {"unknown": {"a": [1]}},
    method(timeout="0s"),
    method(timeout="1.123456789s"),
    method(waitForReady=None, maxRequestMessageBytes="5"),
    retry(maxAttempts="3", backoffMultiplier="2.5"),
    retry(retryableStatusCodes=["OK", "UNKNOWN"]),
    throttling(10, "0.5"),
    {"retryThrottling": None, "healthCheckConfig": {}, "loadBalancingPolicy": ""},
    {"methodConfig": [{"timeout": "1s"}]},
]


@pytest.mark.rule(85)
@pytest.mark.rule(90)
@pytest.mark.parametrize(("config", "place", "refused_by_core"), REFUSED)
def test_r85_an_invalid_known_field_refuses_the_whole_config(
    config: Any, place: str, refused_by_core: bool
) -> None:
    with pytest.raises(rpc.RpcConfigurationError) as raised:
        parse_service_config(config)
    assert place in str(raised.value)
    assert core_accepts(config) is not refused_by_core


@pytest.mark.rule(85)
@pytest.mark.parametrize("config", ACCEPTED)
def test_r85_what_is_accepted_is_so_by_core_too(config: Any) -> None:
    parse_service_config(json.dumps(config))
    assert core_accepts(config)


@pytest.mark.rule(90)
@pytest.mark.parametrize("codes", [[14], ["unavailable"], ["Unavailable"], [14.0], ["UNAVAILABLE", 14]])
def test_r90_codes_are_numbers_or_names_in_any_case(codes: list[Any]) -> None:
    found = parse_service_config(retry(retryableStatusCodes=codes)).method("/a.B/C")
    assert found is not None
    assert found.retry is not None
    assert found.retry.retryable_status_codes == {rpc.StatusCode.UNAVAILABLE}


@pytest.mark.rule(90)
@pytest.mark.parametrize(
    "build",
    [
        lambda: RetryPolicy(max_attempts=1, retryable_status_codes=frozenset()),
        lambda: RetryPolicy(max_attempts=2, retryable_status_codes=frozenset()),
        lambda: RetryPolicy(max_attempts=2, retryable_status_codes={14}, max_backoff=0),
        lambda: RetryPolicy(max_attempts=2, retryable_status_codes={14}, initial_backoff=float("nan")),
        lambda: HedgingPolicy(max_attempts=2, hedging_delay=-1),
        lambda: RetryThrottling(max_tokens=0, token_ratio=1),
        lambda: MethodConfig(
            retry=RetryPolicy(max_attempts=2, retryable_status_codes={14}),
            hedging=HedgingPolicy(max_attempts=2),
        ),
        lambda: MethodConfig(timeout=-1),
    ],
)
def test_r90_the_classes_check_themselves(build: Any) -> None:
    with pytest.raises(rpc.RpcConfigurationError):
        build()


def core_accepts(config: Any) -> bool:
    """Whether grpcio takes it: a channel with a config that it refuses fails all calls with INVALID_ARGUMENT."""
    text = config if isinstance(config, str) else json.dumps(config)
    options = [("grpc.service_config", text)]
    with (
        grpc.insecure_channel("unix:/nobody/listens/here", options=options) as channel,
        pytest.raises(grpc.RpcError) as raised,
    ):
        channel.unary_unary("/x.Y/Z")(b"", timeout=20)
    code: grpc.StatusCode = raised.value.code()  # pyright: ignore[reportAttributeAccessIssue]
    return code is not grpc.StatusCode.INVALID_ARGUMENT


# -- anything at all ----------------------------------------------------------------------------------------------

_NAMES = [
    "methodConfig",
    "name",
    "service",
    "method",
    "timeout",
    "waitForReady",
    "retryPolicy",
    "hedgingPolicy",
]
_TOP = [
    "retryThrottling",
    "maxTokens",
    "tokenRatio",
    "loadBalancingConfig",
    "healthCheckConfig",
    "serviceName",
]
_KEYS = st.sampled_from([*RETRY, *HEDGING, *_NAMES, *_TOP])
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["1s", "0.5s", "-1s", "14", "1e400", "9" * 30, "OK", "unavailable", 10**400, "٣s", "1_0"]
    ),
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES, st.sampled_from(sorted(RETRY)))
@settings(max_examples=300)
def test_nothing_but_a_configuration_error_comes_of_any_value(value: Any, key: str) -> None:
    for config in (
        value,
        retry(**{key: value}),
        method(retryPolicy=value, timeout=value),
        throttling(value, value),
    ):
        try:
            parse_service_config(config)
        except rpc.RpcConfigurationError as error:
            assert "$" in str(error) or "JSON" in str(error)


@given(st.one_of(st.text(), st.binary(), _VALUES.map(json.dumps)))
@settings(max_examples=300)
def test_nothing_but_a_configuration_error_comes_of_any_text(text: str | bytes) -> None:
    with contextlib.suppress(rpc.RpcConfigurationError):
        parse_service_config(text)
