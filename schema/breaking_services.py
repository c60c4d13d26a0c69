"""Rules about services and methods."""

from __future__ import annotations

from collections.abc import Iterator

from .breaking_model import SOURCE, WIRE, Change, Comparison, Difference, Rule
from .descriptor import MessageDescriptor, MethodDescriptor, ServiceDescriptor
from .raw_fields import raw_fields

_Changes = Iterator[Change]
_IDEMPOTENCY_LEVEL = 34  # in MethodOptions
_NO_SIDE_EFFECTS = 1


def _method_removed(old: ServiceDescriptor, new: ServiceDescriptor, comparison: Comparison) -> _Changes:
    names = {method.name for method in new.methods}
    known = {method.name for method in old.methods}
    for method in old.methods:
        if method.name in names:
            continue
        message = f"method {method.path} is gone: calls end with UNIMPLEMENTED"
        for other in new.methods:
            if other.name not in known and _shape(other) == _shape(method):
                message += f" (is it {other.name} now? The name is part of the path)"
                break
        yield Change(message, "keep it, and mark it with 'option deprecated = true;'", new, method)


def _streaming(old: MethodDescriptor, new: MethodDescriptor, comparison: Comparison) -> _Changes:
    for side, was, now in (
        ("request", old.client_streaming, new.client_streaming),
        ("response", old.server_streaming, new.server_streaming),
    ):
        if was != now:
            words = "a single message", "a stream"
            message = f"the {side} of {new.path} changed from {words[was]} to {words[now]}"
            yield Change(message, "declare another method for it", new, old)


def _request(old: MethodDescriptor, new: MethodDescriptor, comparison: Comparison) -> _Changes:
    yield from _type("request", old, new, old.input_type, new.input_type, comparison)


def _response(old: MethodDescriptor, new: MethodDescriptor, comparison: Comparison) -> _Changes:
    yield from _type("response", old, new, old.output_type, new.output_type, comparison)


def _type(
    side: str,
    old: MethodDescriptor,
    new: MethodDescriptor,
    old_type: MessageDescriptor,
    new_type: MessageDescriptor,
    comparison: Comparison,
) -> _Changes:
    difference: Difference | None = comparison.messages_differ(old_type, new_type)
    if difference is not None:
        message = f"the {side} of {new.path} changed from {old_type.full_name} to {new_type.full_name}"
        if difference.reason:
            message += f": {difference.reason}"
        help = "keep the type and add fields to it, or declare another method"
        yield Change(message, help, new, old, difference.categories or (SOURCE,))


def _idempotency(old: MethodDescriptor, new: MethodDescriptor, comparison: Comparison) -> _Changes:
    if _without_side_effects(old) and not _without_side_effects(new):
        message = (
            f"{new.path} is no longer NO_SIDE_EFFECTS: calls that come as HTTP GET (Connect) are refused"
        )
        yield Change(message, "keep idempotency_level, or declare another method", new, old)


def _without_side_effects(method: MethodDescriptor) -> bool:
    return (_IDEMPOTENCY_LEVEL, _NO_SIDE_EFFECTS) in raw_fields(method.option_bytes or b"")


def _shape(method: MethodDescriptor) -> tuple[str, str, bool, bool]:
    types = method.input_type.full_name, method.output_type.full_name
    return *types, method.client_streaming, method.server_streaming


SERVICE_RULES = (
    Rule(
        "method-removed", (WIRE,), ServiceDescriptor, "A call names its method in its path.", _method_removed
    ),
    Rule(
        "method-streaming",
        (WIRE,),
        MethodDescriptor,
        "Who expects one message fails on none or several.",
        _streaming,
    ),
    Rule(
        "method-request",
        (WIRE,),
        MethodDescriptor,
        "A server reads the bytes as the type that it knows.",
        _request,
    ),
    Rule(
        "method-response",
        (WIRE,),
        MethodDescriptor,
        "A client reads the bytes as the type that it knows.",
        _response,
    ),
    Rule(
        "method-idempotency",
        (WIRE,),
        MethodDescriptor,
        "Only what has no side effects may be called by GET.",
        _idempotency,
    ),
)
