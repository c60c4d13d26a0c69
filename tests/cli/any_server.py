"""A service whose messages hold an Any of a type from a file that it does not import."""

from __future__ import annotations

from typing import Any

from barewire import schema

hidden = schema.loads(
    'syntax = "proto3"; package hidden; message Hidden { string s = 1; }'
    " service Other { rpc X(Hidden) returns (Hidden); }",
    name="hidden.proto",
)
carrier = schema.loads(
    'syntax = "proto3"; package carrier; import "google/protobuf/any.proto";'
    " message Box { google.protobuf.Any content = 1; } service Carrier { rpc Echo(Box) returns (Box); }",
    name="carrier.proto",
)


class Carrier(carrier.CarrierServicer):
    async def Echo(self, request: Any, context: Any) -> Any:
        if request.content is None:
            request.content = schema.wkt.Any(type_url="t/no.Such", value=b"1")
        return request


class Other(hidden.OtherServicer):
    """Makes Hidden known to reflection."""


def servicers() -> list[object]:
    return [Carrier(), Other()]
