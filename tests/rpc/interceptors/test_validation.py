"""Validation: what a validator refuses does not reach the other side's code."""

from __future__ import annotations

from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import StatusCode
from barewire.rpc.interceptors import InvalidMessage, Validation, Violation
from tests.rpc.interceptors.calls import SHAPES, SHELLS, call, failure, serve
from tests.support.rpc_service import Item


def returns(item: Any) -> Any:
    if item.number > 10:
        return [("number", "must be at most 10"), Violation("text", "goes with it")]
    return None


def raises(item: Any) -> Any:
    if item.number > 10:
        raise InvalidMessage(("number", "must be at most 10"), ("text", "goes with it"))


def violations(error: rpc.RpcError) -> list[tuple[str, str]]:
    from barewire.rpc.services.bundled import bundled

    bad: Any = bundled("google/rpc/error_details.proto")
    assert error.details[0].type_url == "type.googleapis.com/google.rpc.BadRequest"
    detail = bad.BadRequest.decode(error.details[0].value)
    return [(one.field, one.description) for one in detail.field_violations]


BOTH = [("number", "must be at most 10"), ("text", "goes with it")]
SIDES = pytest.mark.parametrize("side", ["client", "server"])


@SIDES
@pytest.mark.parametrize("validate", [returns, raises])
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_requests(side: str, validate: Any, shell: str, shape: str) -> None:
    check = [Validation(validate)]
    server = serve(interceptors=check if side == "server" else ())
    ours = check if side == "client" else ()
    try:
        assert isinstance(call(shell, server, shape, Item(number=9), interceptors=ours), list)
        error = failure(call(shell, server, shape, Item(number=11), interceptors=ours))
    finally:
        server.close()
    assert error.code is StatusCode.INVALID_ARGUMENT
    assert violations(error) == BOTH
    assert "number: must be at most 10; text: goes with it" in error.message
    assert error.from_peer == (side == "server")


@SIDES
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_responses(side: str, shell: str, shape: str) -> None:
    check = [Validation(returns, responses=True)]  # COUNTING adds one
    server = serve(interceptors=check if side == "server" else ())
    ours = check if side == "client" else ()
    try:
        error = failure(call(shell, server, shape, Item(number=10), interceptors=ours))
    finally:
        server.close()
    assert error.code is StatusCode.INTERNAL
    assert "the response is not valid" in error.message
    assert violations(error) == BOTH


def test_other_value_errors_and_many_violations() -> None:
    def validate(item: Any) -> Any:
        if item.text == "many":
            return [(f"f{number}", "wrong") for number in range(12)]
        raise ValueError("no good at all")

    server = serve(interceptors=[Validation(validate)])
    try:
        error = failure(call("sync", server, "Unary"))
        assert (error.code, violations(error)) == (StatusCode.INVALID_ARGUMENT, [("", "no good at all")])
        error = failure(call("sync", server, "Unary", Item(text="many")))
        assert error.message.endswith("f9: wrong (and 2 more)")
        assert len(violations(error)) == 12
    finally:
        server.close()


def test_a_validator_that_breaks() -> None:
    def validate(item: Any) -> Any:
        raise LookupError("the password is hunter2")

    server = serve(interceptors=[Validation(validate)])
    try:
        error = failure(call("sync", server, "Unary"))
        assert error.code is StatusCode.UNKNOWN
        assert "hunter2" not in error.message
    finally:
        server.close()
